"""Nearest rows of dense matrices, against sorting all of them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import get_num_threads, set_num_threads

from vitrina.kernels import nearest as module
from vitrina.kernels.nearest import nearest


def sorted_all(queries, rows, k, asking, owners):
    """The same by sorting: best first, ties to the lower row, positive only."""
    likeness = queries @ rows.T
    lists = []
    for one, own in zip(likeness, asking, strict=True):
        order = np.lexsort((np.arange(len(rows)), -one))
        lists.append(
            [(int(row), float(one[row])) for row in order if one[row] > 0 and owners[row] != own][:k]
        )
    return lists


def as_lists(found):
    """Ragged arrays as lists of pairs."""
    indptr, rows, scores = found
    cuts = [slice(int(low), int(high)) for low, high in pairwise(indptr)]
    return [list(zip(rows[cut].tolist(), scores[cut].tolist(), strict=True)) for cut in cuts]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 40), st.integers(0, 60), st.integers(0, 70), st.integers(0, 2**32 - 1))
def test_lists_are_those_of_sorting(m, n, k, seed):
    """Whole numbers make many ties and exact sums: rows and scores agree exactly."""
    random = np.random.default_rng(seed)
    queries, rows = (random.integers(-3, 4, (size, 4)).astype(np.float32) for size in (m, n))
    asking = random.integers(-1, 5, m).astype(np.int32)
    owners = random.integers(0, 5, n).astype(np.int32)
    found = nearest(queries, rows, k, asking=asking, owners=owners)
    assert as_lists(found) == sorted_all(queries, rows, k, asking, owners)


@pytest.mark.parametrize("threads", [1, 2])
def test_blocks_and_threads_change_nothing(monkeypatch, threads):
    """Many small blocks on any number of threads give what one block gives."""
    random = np.random.default_rng(0)
    rows = random.integers(-9, 10, (700, 8)).astype(np.float32)
    owners = np.arange(700, dtype=np.int32)
    whole = nearest(rows, rows, 10, asking=owners, owners=owners)
    monkeypatch.setattr(module, "BLOCK_ROWS", 7)
    before = get_num_threads()
    try:
        set_num_threads(min(threads, before))
        cut = nearest(rows, rows, 10, asking=owners, owners=owners)
    finally:
        set_num_threads(before)
    for one, other in zip(whole, cut, strict=True):
        np.testing.assert_array_equal(one, other)
