"""The hour of reading: a few own opens lean on everybody's, many speak for themselves."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vitrina.contact.hours import best_hour

COUNTS = arrays(np.int64, 24, elements=st.integers(0, 50))


def at(**counts: int) -> np.ndarray:
    found = np.zeros(24, np.int64)
    for name, count in counts.items():
        found[int(name[1:])] = count
    return found


def test_who_opened_little_is_taken_for_everybody() -> None:
    """One open at three in the night is no habit; twenty are."""
    everybody = at(h9=500, h10=500, h19=700)
    assert best_hour(at(), everybody).hour in (9, 10)
    assert best_hour(at(h3=1), everybody).hour in (9, 10)
    assert best_hour(at(h3=20), everybody).hour == 3
    assert best_hour(at(h3=20), everybody).own == 20


def test_midnight_is_between_its_neighbours() -> None:
    """23 and 1 speak for 0."""
    assert best_hour(at(h23=5, h0=5, h1=5), at()).hour == 0


@given(COUNTS, COUNTS, arrays(np.bool_, 24))
def test_barred_hours_are_never_chosen(own: np.ndarray, everybody: np.ndarray, barred: np.ndarray) -> None:
    """Unless all are; shares stay shares."""
    found = best_hour(own, everybody, barred)
    assert 0 <= found.share <= 1
    assert barred.all() or not barred[found.hour]
