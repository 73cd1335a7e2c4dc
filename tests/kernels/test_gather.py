"""Lists at request time: the sum by hand, a clean scratch, and nothing compiled on the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.kernels import gather as kernel
from vitrina.kernels.gather import Scratch, gather, grounds, in_chunks
from vitrina.kernels.latest import EACH

N = 40


def lists(random: np.random.Generator, negative: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A list for each of N rows; scores are quarters, so that sums are exact and tie."""
    lengths = random.integers(0, 12, N)
    indptr = np.concatenate(([0], np.cumsum(lengths)))
    rows = [random.choice(N, length, replace=False) for length in lengths]
    scores = random.integers(-8 if negative else 1, 9, indptr[-1]) / 4
    return indptr, np.concatenate(rows).astype(np.int32), scores.astype(np.float32)


def askers(random: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
    """Ragged seeds: ends, rows, types, times."""
    ends = np.concatenate(([0], np.cumsum(random.integers(0, 15, n))))
    total = ends[-1]
    kinds = random.integers(0, 3, total).astype(np.uint8)
    return (
        ends,
        random.integers(0, N, total).astype(np.int32),
        kinds,
        np.sort(random.integers(0, 4, total)) * 10,
    )


def by_hand(seeds, low, high, half_life, worth, most, power, table, mask, skipped, k):
    """One asker, in plain Python."""
    weights: dict[int, list[float]] = {}
    newest = None
    for row, kind, time in list(zip(*(column[low:high].tolist() for column in seeds), strict=True))[::-1]:
        if worth[kind] > 0 and (row in weights or len(weights) < most):
            newest = time if newest is None else newest
            age = (newest - time) / half_life if half_life else 0
            weights.setdefault(row, []).append(worth[kind] * 2.0**-age)
    scores = np.zeros(N)
    for row, each in weights.items():
        weight = max(each) * (sum(each) / max(each)) ** power
        span = slice(table[0][row], table[0][row + 1])
        scores[table[1][span]] += weight * table[2][span]
    allowed = [row for row in range(N) if scores[row] > 0 and mask[row] and row not in skipped]
    best = sorted((-scores[row], row) for row in allowed)[:k]
    return [(row, -score) for score, row in best]


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10**6),
    st.integers(0, 50),
    st.integers(1, 9),
    st.booleans(),
    st.sampled_from([0.0, 10.0]),
    st.sampled_from([EACH, 0.0]),
)
def test_lists_are_the_sums_by_hand(
    seed: int, k: int, most: int, negative: bool, half_life: float, power: float
) -> None:
    """Weights, ages, repeats, masks, exclusions, ties; and the scratch is clean afterwards."""
    random = np.random.default_rng(seed)
    table, worth = lists(random, negative), np.array([1.0, 0.5, 0.0], np.float32)
    ends, *seeds = askers(random, 5)
    mask, skips = random.random(N) < 0.8, random.integers(0, N, 20).astype(np.int32)
    skip_ends = np.array([0, 3, 3, 8, 20, 20])
    scratch = Scratch(N)
    arguments = (half_life, worth, most, power, *table, mask, skip_ends, skips, k, scratch.sums)
    indptr, rows, scores = gather(0, 5, ends, *seeds, *arguments)
    assert not scratch.sums.any()
    for asker in range(5):
        span = slice(indptr[asker], indptr[asker + 1])
        skipped = set(skips[skip_ends[asker] : skip_ends[asker + 1]].tolist())
        expected = by_hand(
            seeds, ends[asker], ends[asker + 1], half_life, worth, most, power, table, mask, skipped, k
        )
        assert list(zip(rows[span].tolist(), scores[span].tolist(), strict=True)) == expected


def test_grounds_are_the_two_greatest_gifts() -> None:
    """For every row the seeds that gave it most; the scratch is clean afterwards."""
    random = np.random.default_rng(4)
    (indptr, rows, scores), scratch = lists(random), Scratch(N)
    seeds = random.choice(N, 9, replace=False).astype(np.int32)
    kinds, times = np.zeros(9, np.uint8), np.zeros(9, np.int64)
    wanted = np.arange(N, dtype=np.int32)
    rules = (0.0, np.ones(1, np.float32), 9, EACH)
    ends = np.array([0, 9]), np.array([0, N])
    found = grounds(ends[0], seeds, kinds, times, *rules, indptr, rows, scores, ends[1], wanted, scratch.sums)
    assert not scratch.sums.any()
    for row, pair in enumerate(found.tolist()):
        given = {}
        for seed in seeds.tolist():
            for place in range(indptr[seed], indptr[seed + 1]):
                if rows[place] == row:
                    given[seed] = scores[place]
        assert [given[seed] for seed in pair if seed >= 0] == sorted(given.values(), reverse=True)[:2]


def test_many_askers_are_answered_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks over threads give what one call gives."""
    random = np.random.default_rng(6)
    table, (ends, *seeds) = lists(random), askers(random, 50)
    scratch, nobody = Scratch(N), np.zeros(51, np.int64)
    fixed = (
        0.0,
        np.ones(3, np.float32),
        9,
        EACH,
        *table,
        np.ones(N, np.bool_),
        nobody,
        np.zeros(0, np.int32),
        8,
    )

    def answer(low: int, high: int) -> kernel.Ragged:
        return gather(low, high, ends, *seeds, *fixed, scratch.sums)

    whole = answer(0, 50)
    monkeypatch.setattr(kernel, "CHUNK", 7)
    for one, other in zip(whole, in_chunks(50, answer), strict=True):
        np.testing.assert_array_equal(one, other)


def test_mapped_and_fresh_arrays_run_the_same_code(tmp_path: Path) -> None:
    """Read-only arrays, mapped from disk or not, compile nothing more."""
    random = np.random.default_rng(2)
    table, (ends, *seeds) = lists(random), askers(random, 3)
    mapped = []
    for number, part in enumerate(table):
        np.save(tmp_path / f"{number}.npy", part)
        mapped.append(np.load(tmp_path / f"{number}.npy", mmap_mode="r"))
    fixed = (np.ones(N, np.bool_), np.zeros(4, np.int64), np.zeros(0, np.int32), 8, np.zeros(N, np.float32))
    rules = (0.0, np.ones(3, np.float32), 9, EACH)
    before = len(gather.signatures)
    fresh = gather(0, 3, ends, *seeds, *rules, *table, *fixed)
    again = gather(0, 3, ends, *seeds, *rules, *mapped, *fixed)
    assert len(gather.signatures) == before == 1
    for one, other in zip(fresh, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_rows_and_types_that_do_not_exist_are_passed_over() -> None:
    """A seed beyond the lists, or of a type without a weight, counts nothing and harms nothing."""
    table = (np.array([0, 1, 1]), np.array([1], np.int32), np.ones(1, np.float32))
    seeds = (
        np.array([0, 4]),
        np.array([-1, 0, 7, 0], np.int32),
        np.array([0, 0, 0, 9], np.uint8),
        np.zeros(4, np.int64),
    )
    fixed = (np.ones(2, np.bool_), np.zeros(2, np.int64), np.zeros(0, np.int32), 8, np.zeros(2, np.float32))
    indptr, rows, scores = gather(0, 1, *seeds, 0.0, np.ones(1, np.float32), 9, EACH, *table, *fixed)
    assert (indptr.tolist(), rows.tolist(), scores.tolist()) == ([0, 1], [1], [1.0])
