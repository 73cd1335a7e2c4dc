"""Dot products of rows are scipy's, weights in place of an inverse those of the formula."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import random_array

from vitrina.kernels.closed_form import gram, speak_for_one_another
from vitrina.kernels.sparse import Csr


@pytest.mark.parametrize(("n", "m", "share"), [(1, 1, 1.0), (7, 3, 0.5), (150, 40, 0.3), (20, 9, 0.0)])
def test_rows_meet_as_often_as_scipy_says(n, m, share):
    """On the diagonal and above; the last bit too, as both sum by ascending column."""
    drawn = random_array((n, m), density=share, format="csr", dtype=np.float32, random_state=n)
    given = Csr(drawn.indptr.astype(np.int64), drawn.indices.astype(np.int32), drawn.data, (n, m))
    assert (gram(given) == np.triu((drawn @ drawn.T).toarray())).all()


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 200])
def test_weights_are_the_formula_s(n):
    """Whatever lies below the diagonal, at every size of the last block."""
    drawn = np.random.default_rng(n).normal(size=(n, n)).astype(np.float32)
    whole = drawn @ drawn.T + np.eye(n, dtype=np.float32)
    wanted = -whole / np.diag(whole)[None, :]
    np.fill_diagonal(wanted, 0.0)
    given = np.triu(whole) + np.tril(np.full_like(whole, 7.0), -1)
    speak_for_one_another(given)
    assert (given == wanted).all()
