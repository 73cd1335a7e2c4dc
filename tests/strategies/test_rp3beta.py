"""RP3beta equals the product of its transition matrices, written out whole."""

from __future__ import annotations

import numpy as np
import pytest

from shops import make_shop
from vitrina.strategies.rp3beta import Strategy


@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 0.0), (0.8, 0.4), (0.5, 1.0)])
def test_scores_are_the_walks(alpha, beta):
    """(P_item_user ^ alpha)(P_user_item ^ alpha) over popularity ^ beta, for every kept pair."""
    rng = np.random.default_rng(5)
    taken = (rng.random((40, 15)) < 0.3).astype(np.float64)
    taken[0] = 1
    pairs = [(f"u{user:02d}", f"i{item:02d}", 1) for user, item in zip(*np.nonzero(taken), strict=True)]
    parts = Strategy(alpha=alpha, beta=beta, neighbours=15).fit(make_shop(pairs))
    to_user = (taken / taken.sum(axis=0)).T ** alpha
    to_item = (taken / taken.sum(axis=1, keepdims=True)) ** alpha
    expected = to_user @ to_item / taken.sum(axis=0)[None, :] ** beta
    np.fill_diagonal(expected, 0)
    found = np.zeros_like(expected)
    for row in range(15):
        span = slice(parts["indptr"][row], parts["indptr"][row + 1])
        found[row, parts["indices"][span]] = parts["scores"][span]
    np.testing.assert_allclose(found, expected, rtol=2e-4)
