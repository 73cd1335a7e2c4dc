"""Several pairs at a time are what they are one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from vitrina.kernels.select import key_of
from vitrina.kernels.streams import (
    KEYS,
    LANES,
    SCAN,
    SPAN,
    append_above,
    leaders,
    move,
    reaching,
    spill,
    write_keys,
)

numbers = st.lists(st.integers(0, 5) | st.integers(0, 2**31 - 1), min_size=KEYS, max_size=KEYS)


@njit
def spilled(rows, values, to, own_rows, own_values, at, weight):
    spill(rows, values, np.uint64(to), own_rows, own_values, np.uint64(at), np.float32(weight))


@njit
def appended(rows, bits, at, floor, keys, to):
    return append_above(rows, bits, np.uint64(at), floor, keys, np.uint64(to))


@njit
def led(rows, bits, n, keys):
    leaders(rows, bits, np.uint64(n), keys)


@njit
def written(keys, at, rows, bits, to):
    write_keys(keys, np.uint64(at), rows, bits, np.uint64(to))


@njit
def reached(bits, at, least):
    return reaching(bits, np.uint64(at), np.int32(least))


@njit
def moved(target, to, source, at, n):
    move(target, to, source, at, n)


def test_spill_copies_and_weighs() -> None:
    """Rows as they are, values times the weight; nothing around them is written."""
    random = np.random.default_rng(1)
    own_rows, own_values = np.arange(40, dtype=np.uint32), random.random(40).astype(np.float32)
    rows, values = np.zeros(40, np.uint32), np.zeros(40, np.float32)
    spilled(rows, values, 3, own_rows, own_values, 9, 0.7)
    assert rows.tolist() == [0] * 3 + list(range(9, 9 + SPAN)) + [0] * (37 - SPAN)
    assert np.array_equal(values[3 : 3 + SPAN], own_values[9 : 9 + SPAN] * np.float32(0.7))
    assert not values[:3].any()
    assert not values[3 + SPAN :].any()


@settings(deadline=None)
@given(numbers, numbers, st.integers(-1, KEYS - 1))
def test_keys_above_the_floor_are_appended_in_their_order(
    some: list[int], scores: list[int], which: int
) -> None:
    """As many as told, each as `key_of` makes it, whether the floor is one of them or below all."""
    rows, bits = np.array([7, *some], np.uint32), np.array([7, *scores], np.int32)
    made = [int(key_of(score, row)) for score, row in zip(scores, some, strict=True)]
    floor = made[which] if which >= 0 else -1
    keys = np.zeros(2 + KEYS, np.int64)
    found = int(appended(rows, bits, 1, floor, keys, 2))
    assert keys[: 2 + found].tolist() == [0, 0, *(key for key in made if key > floor)]


@pytest.mark.parametrize("n", [1, LANES - 1, LANES, 5 * LANES, 5 * LANES + 3])
def test_leaders_are_the_two_largest_keys_of_each_lane(n: int) -> None:
    """Scores full of ties; what stands after the pairs, up to the end of their last turn, has to be nothing."""
    random = np.random.default_rng(n)
    whole = -(-n // LANES) * LANES
    rows, bits = random.permutation(whole).astype(np.uint32), random.integers(-3, 4, whole).astype(np.int32)
    bits[n:] = 0
    keys = np.zeros(2 * LANES + 1, np.int64)
    led(rows, bits, n, keys)
    made = np.array([key_of(bit, row) for bit, row in zip(bits.tolist(), rows.tolist(), strict=True)])
    lanes = [sorted(made[lane::LANES].tolist(), reverse=True)[:2] for lane in range(LANES)]
    least = [key for lane in lanes for key in [*lane, -(2**63)][:2]]
    assert sorted(keys[:-1].tolist()) == sorted(least)
    assert keys[-1] == 0


@settings(deadline=None)
@given(numbers, numbers)
def test_written_keys_are_rows_and_scores_again(some: list[int], scores: list[int]) -> None:
    """Into the middle of tables, whose other cells stay."""
    keys = np.array([0] + [key_of(score, row) for score, row in zip(scores, some, strict=True)], np.int64)
    rows, bits = np.full((3, KEYS), -1, np.int32), np.full((3, KEYS), -1, np.int32)
    written(keys, 1, rows, bits, KEYS - 3)
    for table, expected in ((rows, some), (bits, scores)):
        assert table.ravel().tolist() == [-1] * (KEYS - 3) + expected + [-1] * (KEYS + 3)


@pytest.mark.parametrize("least", [1, 5, 10])
def test_reaching_tells_which_are_as_large(least: int) -> None:
    """A bit for each, negative numbers among them."""
    bits = np.random.default_rng(least).integers(-9, 10, SCAN + 2).astype(np.int32)
    bits[[1, SCAN]] = least
    found = int(reached(bits, 1, least))
    assert [bool(found >> at & 1) for at in range(SCAN)] == (bits[1 : 1 + SCAN] >= least).tolist()


@pytest.mark.parametrize(("to", "at", "n"), [(0, 3, 9), (3, 0, 9), (5, 5, 4), (2, 8, 0)])
def test_what_is_moved_within_an_array_arrives_whole(to: int, at: int, n: int) -> None:
    """Also where the places overlap."""
    table = np.arange(12, dtype=np.int32).reshape(3, 4)
    expected = table.ravel().copy()
    expected[to : to + n] = expected[at : at + n].copy()
    moved(table.reshape(-1), to, table, at, n)
    assert table.ravel().tolist() == expected.tolist()
