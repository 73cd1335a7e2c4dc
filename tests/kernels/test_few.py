"""Lists among few rows: from both ends, through a third item, and nothing left behind."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.kernels.few import among
from vitrina.kernels.latest import EACH

N, KINDS = 12, np.array([1.0], np.float32)


def lists_of(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A list of some neighbours of each of N items, in no order."""
    own = [random.permutation(N)[: random.integers(0, 5)] for _ in range(N)]
    indptr = np.array([0, *np.cumsum([len(one) for one in own])], np.int64)
    rows = np.concatenate(own).astype(np.int32)
    return indptr, rows, random.integers(1, 9, len(rows)).astype(np.float32)


def by_hand(
    seeds: list[int], few: list[int], lists: tuple[np.ndarray, ...]
) -> tuple[dict[int, float], dict[int, float]]:
    """What each row gets straight, and what it would get through third items."""
    indptr, rows, scores = lists
    table = [
        dict(
            zip(
                rows[indptr[i] : indptr[i + 1]].tolist(),
                scores[indptr[i] : indptr[i + 1]].tolist(),
                strict=True,
            )
        )
        for i in range(N)
    ]
    straight = {
        row: sum(
            table[seed].get(row, min(table[row].get(seed, 0), min(table[seed].values(), default=np.inf)))
            for seed in seeds
        )
        for row in few
    }
    poured = [sum(table[seed].get(row, 0) for seed in seeds) for row in range(N)]
    through = {row: sum(score * poured[third] for third, score in table[row].items()) for row in few}
    return straight, through


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 10**6), st.integers(0, 8))
def test_every_row_is_scored_by_what_links_it(seed: int, k: int) -> None:
    """Seeds' lists, else the row's own up to the seeds' least, else third items, below all the others; the
    scratch is clean afterwards, and a batch is its askers one by one."""
    random = np.random.default_rng(seed)
    lists = lists_of(random)
    few = np.sort(random.permutation(N)[: random.integers(1, 7)]).astype(np.int32)
    seeds = [random.permutation(N)[: random.integers(0, 5)].astype(np.int32) for _ in range(3)]
    skips = [random.permutation(N)[: random.integers(0, 3)].astype(np.int32) for _ in range(3)]
    ends, skip_ends = (
        np.array([0, *np.cumsum([len(one) for one in some])], np.int64) for some in (seeds, skips)
    )
    every = np.concatenate(seeds)
    events = (ends, every, np.zeros(len(every), np.uint8), np.zeros(len(every), np.int64))
    sums = np.zeros(N, np.float32)
    indptr, rows, scores = among(
        0, 3, *events, 0.0, KINDS, 9, EACH, *lists, few, skip_ends, np.concatenate(skips), k, sums
    )
    assert not sums.any()
    for asker in range(3):
        got = rows[indptr[asker] : indptr[asker + 1]].tolist()
        given_ = scores[indptr[asker] : indptr[asker + 1]]
        barred = set(skips[asker].tolist())
        straight, through = by_hand(seeds[asker].tolist(), few.tolist(), lists)
        linked = [row for row in few.tolist() if straight[row] > 0 and row not in barred]
        best = sorted(linked, key=lambda row: (-straight[row], row))
        led = [row for row in few.tolist() if not straight[row] and through[row] > 0 and row not in barred]
        assert got == [*best, *sorted(led, key=lambda row: (-np.float32(through[row]), row))][:k]
        assert (np.diff(given_) <= 0).all()
        np.testing.assert_allclose(given_[: len(best)], [straight[row] for row in best][:k], rtol=1e-6)
