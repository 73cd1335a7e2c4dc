"""Where ids stand among sorted ids."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vitrina.kernels.searching import places

IDS = st.lists(st.binary(min_size=1, max_size=5).filter(lambda one: b"\0" not in one), unique=True)


@given(IDS, st.lists(st.binary(max_size=7).filter(lambda one: b"\0" not in one)))
def test_an_id_stands_where_it_is_sorted(known, others):
    """Every id is found in its place; what is not among them, is empty or too long is found nowhere."""
    known = sorted(known)
    width = max(map(len, known), default=1)
    letters = np.array(known, f"S{width}").view(np.uint8).reshape(len(known), width)
    asked = [*known, *others]
    ends = np.array([0, *accumulate(map(len, asked))], np.int64)
    found = places(letters, ends, np.frombuffer(b"".join(asked), np.uint8))
    assert found.tolist() == [known.index(one) if one in known else -1 for one in asked]
