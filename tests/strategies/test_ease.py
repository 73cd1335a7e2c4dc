"""EASE equals its closed form, written out whole."""

from __future__ import annotations

import numpy as np
import pytest

from shops import make_shop
from vitrina.errors import RecipeError
from vitrina.strategies.ease import Strategy


def random_shop(seed, n_users=60, n_items=25, share=0.25):
    """Customers who took a random quarter of the items, the first ones more often."""
    rng = np.random.default_rng(seed)
    taken = rng.random((n_users, n_items)) < share * np.linspace(2, 0.5, n_items)
    pairs = [(f"u{user:02d}", f"i{item:02d}", 1) for user, item in zip(*np.nonzero(taken), strict=True)]
    return make_shop(pairs, items=[f"i{item:02d}" for item in range(n_items)]), taken.astype(np.float64)


def dense(parts, n):
    """The stored lists as a whole matrix."""
    weights = np.zeros((n, n))
    for row in range(n):
        span = slice(parts["indptr"][row], parts["indptr"][row + 1])
        weights[row, parts["indices"][span]] = parts["scores"][span]
    return weights


@pytest.mark.parametrize("ridge", [1.0, 20.0, 300.0])
def test_weights_are_the_closed_form(ridge):
    """-P[i, j] / P[j, j] off the diagonal, with P the inverse of the ridged Gram matrix (Steck 2019, eq. 8)."""
    shop, taken = random_shop(1)
    inverse = np.linalg.inv(taken.T @ taken + ridge * np.eye(taken.shape[1]))
    expected = -inverse / np.diag(inverse)[None, :]
    np.fill_diagonal(expected, 0)
    parts = Strategy(ridge=ridge).fit(shop)
    np.testing.assert_allclose(dense(parts, taken.shape[1]), expected, atol=2e-5)


def test_only_the_largest_weights_are_kept():
    """Of each item at most `kept`, those of greatest size, whatever their sign."""
    shop, taken = random_shop(2)
    n = taken.shape[1]
    whole, few = (dense(Strategy(ridge=5.0, kept=kept).fit(shop), n) for kept in (n, 4))
    assert ((few != 0).sum(axis=1) == 4).all()
    for row in range(n):
        assert np.abs(few[row][few[row] != 0]).min() >= np.sort(np.abs(whole[row]))[-4] - 1e-6


def test_only_the_head_is_learned():
    """Items beyond the most taken ones have no lists and stand in none."""
    shop, taken = random_shop(3)
    head = set(np.argsort(-taken.sum(axis=0), kind="stable")[:10].tolist())
    weights = dense(Strategy(items=10).fit(shop), taken.shape[1])
    assert set(np.flatnonzero(weights.any(axis=0)).tolist()) <= head
    assert set(np.flatnonzero(weights.any(axis=1)).tolist()) <= head


def test_too_many_items_are_refused_with_the_arithmetic():
    """Before anything is computed."""
    with pytest.raises(RecipeError, match=r"2 x 40000\^2 x 4 bytes = 12\.8 GB and may take memory_gb = 4"):
        Strategy(items=40_000)
