"""Ranked lists made longer and scaled, beside the same in numpy."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.kernels.arrange import tiers
from vitrina.kernels.fusion import append, scaled
from vitrina.kernels.lists import absent


def lists(random: np.random.Generator, n: int, m: int, columns: int) -> tuple[np.ndarray, ...]:
    """n lists of m places, pads anywhere, scores of few values so that there are ties."""
    rows = random.integers(0, 50, (n, m)).astype(np.int32)
    rows[random.random((n, m)) < 0.3] = -1
    scores = random.integers(1, 5, (n, m)).astype(np.float32)
    shares = (random.random((n, m, columns)) * (random.random((n, m, columns)) < 0.5)).astype(np.float32)
    return rows, np.where(rows >= 0, scores, 0).astype(np.float32), shares


SHAPES = (st.integers(0, 10**6), st.integers(1, 4), st.integers(0, 7), st.integers(1, 4))


@settings(deadline=None)
@given(*SHAPES)
def test_scaled_is_a_stable_sort_of_the_products(seed: int, n: int, m: int, columns: int) -> None:
    """Scores times factors, best first, ties in their order, pads last, shares beside them."""
    random = np.random.default_rng(seed)
    rows, scores, shares = lists(random, n, m, columns)
    factors = random.choice(np.array([0.5, 1, 2], np.float32), (n, m))
    got = scaled(rows, scores, shares, factors)
    for one in range(n):
        held = [at for at in range(m) if rows[one, at] >= 0]
        order = sorted(held, key=lambda at: -scores[one, at] * factors[one, at])
        assert got[0][one].tolist() == [*rows[one, order].tolist(), *[-1] * (m - len(order))]
        assert got[1][one, : len(order)].tolist() == (scores[one] * factors[one])[order].tolist()
        assert (got[2][one, : len(order)] == (shares[one] * factors[one][:, None])[order]).all()
        assert not got[2][one, len(order) :].any()


@settings(deadline=None)
@given(*SHAPES)
def test_appended_rows_stand_behind_and_below(seed: int, n: int, m: int, columns: int) -> None:
    """What was there stays; what is added is its source's alone, and falls from the least that was there."""
    random = np.random.default_rng(seed)
    rows, scores, shares = lists(random, n, m, columns)
    lengths = random.integers(0, 4, n)
    ends, source = np.array([0, *np.cumsum(lengths)], np.int64), int(random.integers(0, columns))
    more = random.integers(0, 50, ends[-1]).astype(np.int32)
    got = append(rows, scores, shares, ends, more, source)
    assert (got[0][:, :m] == rows).all()
    assert (got[2][:, :m] == shares).all()
    for one in range(n):
        own, added = more[ends[one] : ends[one + 1]], got[0][one, m:]
        assert added.tolist() == [*own.tolist(), *[-1] * (len(added) - len(own))]
        least = min([1.0, *scores[one][rows[one] >= 0].tolist()])
        wanted = [np.float32(least) / np.float32(2 + at) for at in range(len(own))]
        np.testing.assert_allclose(got[1][one, m : m + len(own)], wanted)
        assert (got[2][one, m:, source] == got[1][one, m:]).all()
        assert not np.delete(got[2][one, m:], source, axis=1).any()


@settings(deadline=None)
@given(*SHAPES, st.integers(0, 3))
def test_tiers_are_levels_then_fallbacks(seed: int, n: int, m: int, columns: int, first: int) -> None:
    """A row that any source of the list's own gave is of its level's first tier, whatever fallbacks gave."""
    random = np.random.default_rng(seed)
    shares = lists(random, n, m, columns)[2]
    first, last = min(first, columns), int(random.integers(min(first, columns), columns + 1))
    levels = random.integers(0, 4, (n, m)).astype(np.int8)
    got = tiers(levels, shares, first, last, 126)
    for one, at in np.ndindex(n, m):
        gave = np.flatnonzero(shares[one, at]).tolist()
        own = any(not first <= column < last for column in gave)
        filled = [column - first + 1 for column in gave if first <= column < last]
        number = 0 if own or not filled else filled[0]
        assert got[one, at] == levels[one, at] * (last - first + 1) + number


@given(st.lists(st.integers(0, 30), max_size=20), st.lists(st.integers(0, 30), max_size=20))
@settings(deadline=None)
def test_absent_is_not_isin(rows: list[int], others: list[int]) -> None:
    """True for what is none of the others."""
    mine, theirs = np.array(rows, np.int32), np.array(others, np.int32)
    assert absent(mine, theirs).tolist() == (~np.isin(mine, theirs)).tolist()
