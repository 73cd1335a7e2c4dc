"""Products of one sparse matrix with another: numpy's, the best of each row, for any number of threads."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import get_num_threads, set_num_threads

from vitrina.kernels.across import across, appended, found_then_ranked, joined, rarer, shortened, worst
from vitrina.kernels.sparse import compress


def sparse(x):
    rows, columns = np.nonzero(x)
    return compress(
        rows.astype(np.int32), columns.astype(np.int32), x[rows, columns].astype(np.float32), x.shape
    )


def random_matrix(n, width, seed, share=0.3):
    random = np.random.default_rng(seed)
    return random.integers(1, 9, (n, width)) / 4 * (random.random((n, width)) < share)  # sums are exact


def owners_of(n, seed):
    return np.random.default_rng(seed).integers(0, 5, n).astype(np.int32)


def best(scores, barred, k):
    """(row, score) pairs of one list: positive, not barred, best first, ties to the lower row."""
    order = sorted(
        (-round(float(score), 3), row) for row, score in enumerate(scores) if score > 1e-9 and not barred[row]
    )
    return order[:k]


def as_pairs(lists, at):
    span = slice(lists[0][at], lists[0][at + 1])
    return [
        (-round(float(score), 3), row)
        for row, score in zip(lists[1][span].tolist(), lists[2][span], strict=True)
    ]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 20), st.integers(0, 30), st.integers(1, 12), st.integers(0, 40), st.integers(0, 9))
def test_lists_are_the_best_products(m, n, width, k, seed):
    """Exactly, but for the rows of the asker's own owner."""
    x, y = random_matrix(m, width, seed), random_matrix(n, width, seed + 1)
    owner, owners = owners_of(m, seed), owners_of(n, seed + 1)
    lists = across(sparse(x), sparse(y).transposed(), k, owner=owner, owners=owners)
    products = x.astype(np.float32) @ y.T.astype(np.float32)
    for at in range(m):
        assert as_pairs(lists, at) == best(products[at], owners == owner[at], k)
    every = found_then_ranked(sparse(x), sparse(x), sparse(y), k, n, owner=owner, owners=owners)
    np.testing.assert_array_equal(every[0], lists[0])
    np.testing.assert_allclose(every[2], lists[2], rtol=1e-5)


def test_threads_change_nothing():
    """The same bits for one thread and for all."""
    x, owners = random_matrix(300, 40, 1), np.arange(300, dtype=np.int32)
    found, threads = [], get_num_threads()
    try:
        for many in (1, threads):
            set_num_threads(many)
            found.append(across(sparse(x), sparse(x).transposed(), 9, owner=owners, owners=owners))
    finally:
        set_num_threads(threads)
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 12), st.integers(1, 8), st.integers(0, 9))
def test_what_comes_later_joins_as_if_it_had_been_there(n_old, k, seed):
    """Lists over the first rows, joined by what clears their floors among the rest, are lists over all."""
    x, y = random_matrix(15, 10, seed), random_matrix(25, 10, seed + 1)
    owner, owners = owners_of(15, seed), owners_of(25, seed)
    whole = across(sparse(x), sparse(y).transposed(), k, owner=owner, owners=owners)
    old = across(sparse(x), sparse(y[:n_old]).transposed(), k, owner=owner, owners=owners[:n_old])
    floors, rest = worst(old, k), sparse(y[n_old:]).transposed()
    new = across(sparse(x), rest, k, owner=owner, owners=owners[n_old:], floors=floors)
    found = joined(old, (new[0], new[1] + np.int32(n_old), new[2]), k)
    for one, other in zip(found, whole, strict=True):
        np.testing.assert_array_equal(one, other)


def test_floors_keep_out_what_cannot_enter():
    """What is not above its floor is not listed."""
    x = np.array([[1.0, 0], [1, 0]])
    y = np.array([[1.0, 0], [2, 0], [3, 0]])
    owner, owners = np.full(2, -1, np.int32), np.zeros(3, np.int32)
    floors = np.array([0, 2], np.float32)
    lists = across(sparse(x), sparse(y).transposed(), 5, owner=owner, owners=owners, floors=floors)
    assert (lists[0].tolist(), lists[1].tolist()) == ([0, 3, 5], [2, 1, 0, 2, 1])


def test_rare_columns_find():
    """Columns that few hold stay; a row of common ones keeps its rarest."""
    thin = rarer(sparse(np.array([[1.0, 1, 1], [1, 1, 0], [0, 0, 0], [1, 0, 0]])), np.array([3, 2, 1]), 1)
    assert thin.indptr.tolist() == [0, 1, 2, 2, 3]
    assert thin.indices.tolist() == [2, 1, 0]


def test_lists_are_cut_and_laid_end_to_end():
    """The best stay, nothing of no score does; two sets of lists make one."""
    lists = (np.array([0, 3, 3]), np.array([5, 1, 2], np.int32), np.array([1, 0, 1], np.float32))
    short = shortened(lists, 5)
    assert (short[0].tolist(), short[1].tolist()) == ([0, 2, 2], [2, 5])
    assert shortened(lists, 1)[1].tolist() == [2]
    assert appended(short, short)[0].tolist() == [0, 2, 2, 4, 4]
