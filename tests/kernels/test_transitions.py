"""Steps: what a fade weighs, what follows at what distance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.kernels.transitions import fade, joined, moments, steps_of


@pytest.mark.parametrize("kind", ["none", "linear", "reciprocal", "quadratic", "exponential"])
def test_fades_begin_at_one_and_never_rise(kind: str) -> None:
    """And are above nothing to the last step."""
    found = fade(kind, 9)
    assert found[0] == 1
    assert (np.diff(found) <= 0).all()
    assert (found > 0).all()


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=25),
    st.integers(1, 4),
    st.booleans(),
)
def test_followers_are_those_a_few_moments_later(events, gap, together) -> None:
    """In the same sequence; of its own moment where that counts."""
    sequence, mark = (np.array(column) for column in zip(*sorted(events), strict=True))
    n = len(sequence)
    steps = steps_of(np.zeros(n, np.int32), np.ones(n), sequence.astype(np.int32), mark, gap, float(together))
    for at in range(n):
        marks = sorted(set(mark[sequence == sequence[at]].tolist()))
        distance = [
            marks.index(one) - marks.index(mark[at]) if whose == sequence[at] else -1
            for whose, one in zip(sequence, mark, strict=True)
        ]
        expected = [other for other, far in enumerate(distance) if 0 < far <= gap or (far == 0 and together)]
        assert list(range(steps.first[at], steps.end[at])) == expected
    twice = joined(steps, steps)
    assert (
        twice.moment.tolist()
        == moments(np.concatenate([sequence, sequence + 9]), np.concatenate([mark, mark])).tolist()
    )
    assert (twice.first[n:] == steps.first + n).all()
    assert (twice.end[n:] == steps.end + n).all()
