"""Weights in place of an inverse are those of the formula."""

from __future__ import annotations

import numpy as np
import pytest

from vitrina.kernels.inverse import speak_for_one_another


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
