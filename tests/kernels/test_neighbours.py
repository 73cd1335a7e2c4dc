"""Neighbours are those of the dense product, whichever way a row is added up."""

from __future__ import annotations

from itertools import pairwise

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.kernels import neighbours as kernel
from vitrina.kernels.neighbours import Lists, by_falling_size, neighbours
from vitrina.kernels.sparse import Csr, compress
from vitrina.kernels.through import SPARSE, through


def sparse(dense: np.ndarray) -> Csr:
    """A dense matrix, compressed."""
    rows, columns = np.nonzero(dense)
    values = dense[rows, columns].astype(np.float32)
    return compress(rows.astype(np.int32), columns.astype(np.int32), values, dense.shape)


def whole_numbers(seed: int, rows: int, columns: int, density: float) -> np.ndarray:
    """Small whole numbers, whose products are exact in float32 and full of ties."""
    random = np.random.default_rng(seed)
    popular = density * random.beta(0.6, 2.0, (rows, 1)) * 4
    return np.where(random.random((rows, columns)) < popular, random.integers(1, 4, (rows, columns)), 0)


def by_hand(dense: np.ndarray, k: int) -> list[list[tuple[int, float]]]:
    """Every pair multiplied, every list sorted."""
    product = dense.astype(np.float64) @ dense.T.astype(np.float64)
    lists = []
    for row in range(len(dense)):
        others = [
            (-product[row, one], one) for one in range(len(dense)) if one != row and product[row, one] > 0
        ]
        lists.append([(one, -score) for score, one in sorted(others)[:k]])
    return lists


def as_lists(found: Lists) -> list[list[tuple[int, float]]]:
    indptr, rows, scores = found
    pairs = list(zip(rows.tolist(), scores.tolist(), strict=True))
    return [pairs[low:high] for low, high in pairwise(indptr.tolist())]


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 10**6), st.integers(1, 150), st.integers(1, 60), st.floats(0.01, 0.9), st.integers(0, 200)
)
def test_lists_are_those_of_the_dense_product(
    seed: int, rows: int, columns: int, density: float, k: int
) -> None:
    """Scores, rows and ties alike, for thin matrices and full ones."""
    dense = whole_numbers(seed, rows, columns, density)
    assert as_lists(neighbours(sparse(dense), k)) == by_hand(dense, k)


@pytest.mark.parametrize("columns", [90, 9000])
@pytest.mark.parametrize("k", [1, 7, 300])
def test_both_ways_give_the_same_lists(k: int, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows beside, all rows through, and the mixture, in one block of columns or three: the same bits."""
    random = np.random.default_rng(5)
    dense = whole_numbers(5, 640, columns, 18 / columns) * random.random((640, columns))
    chosen = neighbours(sparse(dense), k)
    for dense_rows in (0, 320, 640):
        monkeypatch.setattr(
            kernel, "_ranking", lambda matrix, reach, n=dense_rows: (by_falling_size(matrix), n)
        )
        for one, other in zip(chosen, neighbours(sparse(dense), k), strict=True):
            assert np.array_equal(one, other)


@pytest.mark.parametrize("k", [1, 20, 32, 100, 150])
def test_rows_laid_out_and_rows_added_up_give_the_same_lists(k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream of all that a row's columns hold, or all sums looked through: the same bits."""
    random = np.random.default_rng(8)
    matrix = sparse(whole_numbers(8, 900, 3000, 0.01) * random.random((900, 3000)))
    monkeypatch.setattr(kernel, "_ranking", lambda matrix, reach: (np.empty(0, np.int32), 0))
    chosen = neighbours(matrix, k)
    reach = kernel._reach(matrix.indptr, matrix.indices.view(np.uint32), matrix.transposed().indptr)
    assert 0 < np.count_nonzero(reach <= 900 // SPARSE) < 900
    monkeypatch.setattr(kernel, "through", lambda which, reach, *rest: through(which, reach + 10**6, *rest))
    for one, other in zip(chosen, neighbours(matrix, k), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("k", [1, 20, 32, 100, 150])
def test_rows_met_again_and_again_are_listed_once(k: int) -> None:
    """Seventy rows share three columns: 69 neighbours each, however often each is met, and none of score 0."""
    crowds = np.repeat(np.arange(50), 70)
    rows, columns = np.repeat(np.arange(3500), 3), (crowds[:, None] * 3 + np.arange(3)).ravel()
    matrix = compress(rows.astype(np.int32), columns.astype(np.int32), np.ones(10_500), (3500, 150))
    expected = [
        [(one, 3.0) for one in range(low, low + 70) if one != row][:k]
        for low in range(0, 3500, 70)
        for row in range(low, low + 70)
    ]
    assert as_lists(neighbours(matrix, k)) == expected


def test_lists_do_not_depend_on_threads() -> None:
    """One thread or several: the same bits."""
    dense = whole_numbers(1, 900, 200, 0.1) * np.random.default_rng(1).random((900, 200))
    lists = []
    for threads in (1, numba.config.NUMBA_NUM_THREADS):
        numba.set_num_threads(threads)
        lists.append(neighbours(sparse(dense), 25))
    for one, other in zip(*lists, strict=True):
        assert np.array_equal(one, other)


def test_without_room_one_thread_goes_past_the_panels(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine of many cores threads do not hold more than there is room for; lists stay."""
    matrix = sparse(whole_numbers(3, 300, 200, 0.4))
    turns: list[int] = []
    known = kernel.beside
    monkeypatch.setattr(kernel, "beside", lambda turn, *told: [turns.append(turn), known(turn, *told)])
    monkeypatch.setattr(kernel, "get_num_threads", lambda: 4)
    before = as_lists(neighbours(matrix, 20))
    assert sorted(turns) == [0, 1, 2, 3]
    turns.clear()
    monkeypatch.setattr(kernel, "ROOM", 1)
    assert as_lists(neighbours(matrix, 20)) == before
    assert turns == [0]


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (1, 1), (2, 5)])
def test_nothing_to_compare(shape: tuple[int, int]) -> None:
    """Empty matrices have empty lists."""
    indptr, rows, scores = neighbours(sparse(np.zeros(shape)), 10)
    assert indptr.tolist() == [0] * (shape[0] + 1)
    assert len(rows) == len(scores) == 0


def test_products_that_are_not_positive_are_no_neighbours() -> None:
    """Opposite rows and rows that share nothing stay out, in both ways."""
    dense = np.tile(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]), (40, 1))
    lists = as_lists(neighbours(sparse(dense), 200))
    assert lists == by_hand(dense, 200)


def test_sums_that_cancel_again_and_again() -> None:
    """Columns that undo one another leave no list, and no trace in the next row's."""
    dense = np.ones((300, 64))
    dense[:, 1::2] = np.where(np.arange(300)[:, None] % 2, 1.0, -1.0)
    dense[:, 10] = 0.0
    for matrix in (dense, np.abs(dense) * 1e-30):
        lists = as_lists(neighbours(sparse(matrix), 300))
        assert lists == by_hand(np.float32(matrix) if matrix is dense else np.zeros((300, 64)), 300)
