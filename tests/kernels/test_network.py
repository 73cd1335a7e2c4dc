"""A network sorts whatever it is given, as many as it has room for."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from vitrina.kernels.network import FEW, sort_few


@njit
def sort(keys, n, out):
    sort_few(keys, n, out)


integers = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, 1, 1 << 40])


@settings(deadline=None)
@given(st.lists(integers, max_size=FEW), st.integers(0, 9), st.booleans())
def test_sorts_the_first_and_leaves_the_rest(some: list[int], more: int, in_place: bool) -> None:
    """Any keys, the least and equal ones among them, come largest first; what lies beyond stays."""
    keys = np.array([*some, *range(more)], np.int64)
    out = keys if in_place else np.arange(len(keys))
    beyond = out[len(some) :].tolist()
    sort(keys, len(some), out)
    assert out.tolist() == sorted(some, reverse=True) + beyond
