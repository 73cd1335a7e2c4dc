"""The measures of a rule are those of the textbooks."""

from __future__ import annotations

from math import inf, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.kernels.association import carts, measures, signed_root_llr, strongest, wilson


@st.composite
def tables(draw):
    """(both, left, right, all): counts that can be."""
    both, left, right, neither = (draw(st.integers(low, 400)) for low in (1, 0, 0, 0))
    return both, both + left, both + right, both + left + right + neither


@settings(deadline=None)
@given(tables())
def test_measures_are_their_definitions(counts):
    """Support, confidence, lift, leverage and conviction, from shares."""
    both, left, right, n = counts
    found = measures(both, left, right, n)
    assert float(found.support) == both / n
    assert float(found.confidence) == both / left
    assert float(found.lift) == pytest.approx((both / n) / ((left / n) * (right / n)), rel=1e-12)
    assert float(found.leverage) == pytest.approx(both / n - (left / n) * (right / n), abs=1e-15)
    wanted = inf if both == left else (1 - right / n) / (1 - both / left)
    assert float(found.conviction) == pytest.approx(wanted, rel=1e-12)


@settings(deadline=None)
@given(tables())
def test_llr_is_dunnings(counts):
    """Twice the log-likelihood that the table gains over independence, signed by which side of it."""
    both, left, right, n = counts
    cells = [both, left - both, right - both, n - left - right + both]
    expected = [
        left * right / n,
        left * (n - right) / n,
        (n - left) * right / n,
        (n - left) * (n - right) / n,
    ]
    ratio = 2 * sum(seen * log(seen / due) for seen, due in zip(cells, expected, strict=True) if seen)
    found = signed_root_llr(both, left, right, n)
    assert found**2 == pytest.approx(max(ratio, 0), abs=1e-6)
    assert (found >= 0) == (both * n >= left * right) or ratio < 1e-6


def test_llr_of_dunnings_paper():
    """'the swiss' in Dunning's table of bigrams: 110, 2442, 111, 29114 give 270.72."""
    both, only_left, only_right, neither = 110, 2442, 111, 29114
    n = both + only_left + only_right + neither
    found = signed_root_llr(both, both + only_left, both + only_right, n)
    assert found**2 == pytest.approx(270.72, abs=0.01)


def test_wilson_of_the_textbook():
    """8 of 10 at 95 %: 0.490 (Wilson's interval, as statistics packages print it)."""
    assert wilson(8, 10, 1.959964) == pytest.approx(0.4901625, abs=1e-6)
    assert wilson(0, 5, 1.64) == pytest.approx(0, abs=1e-12)
    assert wilson(3, 4, 0.0) == 0.75
    assert wilson(30, 40, 1.64) > wilson(3, 4, 1.64)


def test_the_gate_and_the_cut():
    """Below the gate nothing is kept, and of the rest the strongest `most`; rarer sides gain by a discount."""
    indptr, rows = np.array([0, 4]), np.array([1, 2, 3, 4], np.int32)
    counts, holding = np.array([6, 6, 1, 5], np.int32), np.array([20, 10, 10, 90, 6])
    table = (indptr, rows, counts, np.array([10]), holding, 100)
    keep, scores = strongest(*table, 0.0, 1.64, 0.0, 10)
    assert keep.tolist() == [True, True, False, True]  # 1 of 10 is rarer than 90 of 100
    assert scores[0] == np.float32(wilson(6, 10, 1.64))
    assert strongest(*table, 0.0, 1.64, 0.0, 1)[0].tolist() == [True, False, False, False]
    assert strongest(*table, 0.0, 1.64, 0.9, 1)[0].tolist() == [False, False, False, True]
    assert strongest(*table, 0.0, 1.64, 0.5, 1)[1][0] == np.float32(wilson(6, 10, 1.64) / 0.1**0.5)
    assert not strongest(*table, 99.0, 1.64, 0.0, 10)[0].any()


def test_a_cart_is_what_was_last_taken_and_not_put_back():
    """Distinct rows, latest first, `most` at most; one whose last event undoes it is not held."""
    rows = np.array([7, 8, 7, 9, 8, 3, 3], np.int32)
    kinds = np.array([0, 0, 0, 0, 3, 3, 0], np.uint8)
    undone = np.arange(256) == 3
    indptr = np.array([0, 5, 5, 7])
    found_indptr, found = carts(indptr, rows, kinds, undone, 5)
    assert found_indptr.tolist() == [0, 2, 2, 3]
    assert found.tolist() == [9, 7, 3]
    assert carts(indptr, rows, kinds, undone, 1)[1].tolist() == [9, 3]
