"""Lists under masks equal the obvious slow ones, whatever the shape of order, mask and exclusions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.kernels import lists
from vitrina.kernels.lists import admitted, best, walk

NOBODY = np.full(1, -1, np.int32)
NONE = np.zeros(0, np.int32)
NO_SHELF = (np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))


def ranks_of(order):
    """The inverse of an order."""
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return rank


def ragged(arrays, dtype):
    """(indptr, joined) of some arrays."""
    indptr = np.concatenate([[0], np.cumsum([len(one) for one in arrays])]).astype(np.int64)
    return indptr, np.array([one for some in arrays for one in some], dtype)


@st.composite
def shops(draw):
    """An order of n rows, a mask, and for each of some askers a shelf and rows to skip."""
    n = draw(st.integers(1, 40))
    order = np.array(draw(st.permutations(range(n))), np.int32)
    mask = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    some_rows = st.lists(st.integers(0, n - 1), max_size=8)
    shelves = draw(st.lists(st.lists(st.integers(0, n - 1), max_size=8, unique=True), max_size=3))
    askers = draw(st.lists(st.tuples(st.integers(-1, 3), some_rows), max_size=5))
    return order, mask, shelves, askers


@settings(deadline=None)
@given(shops(), st.integers(0, 45))
def test_walk_is_the_shelf_then_the_order_less_what_is_barred(shop, k):
    """Each asker gets the shelf, then the rest of the order: allowed, unskipped, once, k at most."""
    order, mask, shelves, askers = shop
    scores = np.linspace(9, 1, len(order), dtype=np.float32)
    shelf_indptr, shelf_rows = ragged(shelves, np.int32)
    shelf_scores = np.concatenate([np.linspace(8, 2, len(one)) for one in shelves] or [np.zeros(0)]).astype(
        np.float32
    )
    skip_indptr, skipped = ragged([skips for _, skips in askers], np.int32)
    chosen = np.array([shelf for shelf, _ in askers], np.int32)
    shelf = (shelf_indptr, shelf_rows, shelf_scores)
    ranked = (order, scores, ranks_of(order), *shelf, chosen, mask)
    indptr, rows, found = walk(*ranked, NONE, skip_indptr, skipped, k)
    few = np.flatnonzero(mask).astype(np.int32)
    told = walk(*ranked, few, skip_indptr, skipped, k)
    assert all((one == other).all() for one, other in zip(told, (indptr, rows, found), strict=True))
    for asker, (number, skips) in enumerate(askers):
        first = shelves[number] if 0 <= number < len(shelves) else []
        whole = [*first, *(row for row in order.tolist() if row not in first)]
        wanted = [row for row in whole if mask[row] and row not in skips][:k]
        cut = slice(indptr[asker], indptr[asker + 1])
        assert rows[cut].tolist() == wanted
        assert (np.diff(found[cut]) <= 0).all()


@pytest.mark.parametrize("share", [0.0, 0.0005, 0.02, 0.2, 1.0])
@pytest.mark.parametrize("tail", [False, True])
def test_a_thin_mask_gives_what_the_whole_walk_gives(monkeypatch, share, tail):
    """Looking through the mask and walking along the order agree, at the order's end too."""
    rng = np.random.default_rng(3)
    n = 100_003
    order = rng.permutation(n).astype(np.int32)
    mask = np.zeros(n, bool)
    some = round(share * n)
    mask[order[n - some :] if tail else rng.choice(n, some, replace=False)] = True
    for need in (0, 1, 20, 3_000):
        wanted = order[mask[order]][:need]
        for few in (NONE, np.flatnonzero(mask).astype(np.int32)):
            assert admitted(order, ranks_of(order), mask, few, need).tolist() == wanted.tolist()


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.integers(0, 30), st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0]), max_size=20),
            st.lists(st.integers(0, 30), max_size=6),
        ),
        max_size=5,
    ),
    st.integers(0, 25),
    st.lists(st.booleans(), min_size=31, max_size=31),
)
def test_best_is_a_sort_cut_at_k(askers, k, mask):
    """The k best allowed pairs, by score, ties to the lower row."""
    mask = np.array(mask)
    indptr, rows = ragged([list(pairs) for pairs, _ in askers], np.int32)
    _, scores = ragged([list(pairs.values()) for pairs, _ in askers], np.float32)
    skip_indptr, skipped = ragged([skips for _, skips in askers], np.int32)
    out_indptr, out_rows, out_scores = best(indptr, rows, scores, mask, skip_indptr, skipped, k)
    for asker, (pairs, skips) in enumerate(askers):
        allowed = [(-score, row) for row, score in pairs.items() if mask[row] and row not in skips]
        cut = slice(out_indptr[asker], out_indptr[asker + 1])
        assert (
            list(zip((-out_scores[cut]).tolist(), out_rows[cut].tolist(), strict=True)) == sorted(allowed)[:k]
        )


def test_nothing_compiles_after_import(tmp_path):
    """Mapped, read-only and fresh arrays all meet the one machine code made at import."""
    np.save(tmp_path / "order.npy", np.arange(50, dtype=np.int32))
    mapped = np.asarray(np.load(tmp_path / "order.npy", mmap_mode="r"))
    frozen = mapped.copy()
    frozen.flags.writeable = False
    scores, mask = np.ones(50, np.float32), np.ones(50, bool)
    nobody = (np.zeros(2, np.int64), np.zeros(0, np.int32))
    for order in (mapped, frozen, mapped.copy()):
        assert walk(order, scores, order, *NO_SHELF, NOBODY, mask, NONE, *nobody, 7)[1].tolist() == list(
            range(7)
        )
    for kernel in (lists.walk, lists.best, lists.admitted):
        assert len(kernel.signatures) == 1
        assert not kernel._can_compile
