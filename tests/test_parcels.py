"""Parcels: everything once and in order, none too many or too large, and no more of them than that takes."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from vitrina.parcels import MAX_BYTES, parcels


@given(st.lists(st.integers(0, MAX_BYTES), max_size=30), st.integers(1, 7))
def test_all_of_it_in_as_few_as_fit(sizes: list[int], most: int) -> None:
    """A parcel is closed only where its next thing would be one too many or too large; a giant stands alone."""
    made = list(parcels(sizes, most, lambda one: one))
    assert [one for few in made for one in few] == sizes
    for few in made:
        assert 1 <= len(few) <= most
        assert len(few) == 1 or sum(few) + 8 * len(few) <= MAX_BYTES
    for few, after in pairwise(made):
        assert len(few) == most or sum(few) + after[0] + 8 * (len(few) + 1) > MAX_BYTES
