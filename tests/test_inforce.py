"""What merchandising is in force, as arrays over the catalogue."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from vitrina.inforce import leaning
from vitrina.placements.merchandising import Lean


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0, 7.0, -2.0, np.nan]), max_size=30), st.floats(-0.9, 0.9))
def test_scores_lean_by_rank(amounts: list[float], strength: float) -> None:
    """The least has 1 - strength, the most 1 + strength, equals the middle of their ranks; unknown ones 1."""
    amount = np.array(amounts, np.float64)
    known = ~np.isnan(amount)
    wanted = np.ones(len(amount))
    if known.sum() > 1:
        middle = (rankdata(amount[known]) - 1) / (known.sum() - 1)
        wanted[known] = 1 + strength * (2 * middle - 1)
    np.testing.assert_allclose(leaning(Lean("margin", strength), amount), wanted, rtol=1e-6)
