"""Pair counts are exact, bounded and the same however the work is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import get_num_threads, set_num_threads

from vitrina.kernels.pairs import pair_counts
from vitrina.kernels.sparse import compress

BASKETS = st.lists(st.lists(st.integers(0, 11), max_size=9), max_size=25)


def baskets_of(lines, n_items=12):
    """A Csr of lists of items, quantities added up."""
    visits = np.repeat(np.arange(len(lines)), [len(one) for one in lines]).astype(np.int32)
    items = np.array([item for one in lines for item in one], np.int32)
    return compress(visits, items, np.ones(len(items), np.float32), (len(lines), n_items))


def as_dict(blocks):
    """{(antecedent, row): count} of blocks of pairs."""
    found = {}
    for pairs in blocks:
        antecedents = np.repeat(pairs.antecedents, np.diff(pairs.indptr)).tolist()
        places = zip(antecedents, pairs.rows.tolist(), strict=True)
        found |= dict(zip(places, pairs.counts.tolist(), strict=True))
    return found


@settings(deadline=None)
@given(BASKETS, st.integers(0, 4), st.sampled_from([1, 7, 1 << 20]))
def test_counts_are_those_of_brute_force(lines, min_count, block):
    """Every ordered pair with at least min_count baskets, each basket counted once, in any block size."""
    sets = [set(one) for one in lines]
    wanted = {
        (a, b): sum(a in one and b in one for one in sets) for a in range(12) for b in range(12) if a != b
    }
    wanted = {pair: count for pair, count in wanted.items() if count >= max(min_count, 1)}
    assert as_dict(pair_counts(baskets_of(lines), min_count, block)) == wanted


def test_blocks_do_not_outgrow_their_room():
    """No block has room for more pairs than asked, unless a single antecedent needs them."""
    rng = np.random.default_rng(5)
    lines = [rng.choice(60, 8, replace=False).tolist() for _ in range(300)]
    blocks = list(pair_counts(baskets_of(lines, 60), 2, block=200))
    assert len(blocks) > 5
    assert all(len(one.rows) <= 200 or len(one.antecedents) == 1 for one in blocks)
    assert np.concatenate([one.antecedents for one in blocks]).tolist() == sorted(
        {antecedent for one in blocks for antecedent in one.antecedents.tolist()}
    )


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_do_not_change_a_bit(threads):
    """The arrays are the same for any number of threads."""
    rng = np.random.default_rng(9)
    lines = [rng.zipf(1.4, 12).clip(1, 99).tolist() for _ in range(500)]
    before = get_num_threads()
    first = list(pair_counts(baskets_of(lines, 100), 2))
    try:
        set_num_threads(min(threads, before))
        second = list(pair_counts(baskets_of(lines, 100), 2))
    finally:
        set_num_threads(before)
    for one, other in zip(first, second, strict=True):
        for name in ("antecedents", "indptr", "rows", "counts"):
            assert np.array_equal(getattr(one, name), getattr(other, name))
            assert getattr(one, name).dtype == getattr(other, name).dtype
