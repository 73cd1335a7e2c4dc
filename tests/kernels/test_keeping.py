"""Lists that are found little by little are those of all keys at once."""

from __future__ import annotations

import numpy as np
import pytest

from vitrina.kernels.keeping import clear, put, room, write_best
from vitrina.kernels.select import NOTHING, key_of
from vitrina.kernels.streams import KEYS


@pytest.mark.parametrize("k", [1, 5, 20, 32, 33, 100, 128, 129, 300])
@pytest.mark.parametrize("n", [0, 3, 40, 1000])
def test_handfuls_make_the_list_of_all(k: int, n: int) -> None:
    """The floor is the k-th best of what came so far, and the list is written best first."""
    random = np.random.default_rng(k + n)
    found = random.permutation(n).astype(np.int32)
    scores = random.choice([0.5, 1.0, 3.25], n).astype(np.float32)
    made = [int(key_of(*pair)) for pair in zip(scores.view(np.int32), found, strict=True)]
    held, handful = room(k)
    best, keys = np.empty(held, np.int64), np.empty(handful + KEYS, np.int64)
    clear(best)
    at = 0
    while at < n:
        size = min(int(random.integers(0, handful + 1)), n - at)
        keys[:size] = made[at : at + size]
        at += size
        floor = put(keys, size, k, best)
        assert floor == max(NOTHING, best[k - 1])
        assert floor == (sorted(made[:at], reverse=True)[k - 1] if at >= k else NOTHING)
    rows, bits, counts = np.full((3, k), -1, np.int32), np.full((3, k), -1, np.int32), np.zeros(3, np.int64)
    write_best(1, min(k, n), keys, best, rows, bits, counts)
    expected = np.lexsort((found, -scores))[:k]
    assert counts.tolist() == [0, len(expected), 0]
    assert rows[1, : counts[1]].tolist() == found[expected].tolist()
    assert bits.view(np.float32)[1, : counts[1]].tolist() == scores[expected].tolist()
    assert (rows[[0, 2]] == -1).all()
