"""A network sorts whatever it is given, as many as it has room for."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from vitrina.kernels.network import FEW, merge_32, merge_128, sort_few


@njit
def sort(keys, n, out):
    sort_few(keys, n, out)


@njit
def merge(best, keys, n):
    if len(best) == 32:
        merge_32(best, keys, n)
    else:
        merge_128(best, keys, n)


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


@settings(deadline=None)
@given(st.sampled_from([(32, 32), (128, 64)]), st.data())
def test_the_best_of_both_are_kept(sizes: tuple[int, int], data: st.DataObject) -> None:
    """The best so far and up to so many others, equal ones and the least among them; others stay as they are."""
    held, more = sizes
    best = np.sort(np.array(data.draw(st.lists(integers, min_size=held, max_size=held)), np.int64))[
        ::-1
    ].copy()
    others = data.draw(st.lists(integers, max_size=more))
    keys = np.array([*others, 5, 2**63 - 1], np.int64)
    expected = sorted([*best.tolist(), *others], reverse=True)[:held]
    merge(best, keys, len(others))
    assert best.tolist() == expected
    assert keys.tolist() == [*others, 5, 2**63 - 1]
