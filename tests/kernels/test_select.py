"""Keys order pairs as one would by hand, and the best k are the best k."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.kernels.select import NOTHING, descending, key_of, row_of, to_front

scores = st.floats(min_value=2.0**-140, max_value=2.0**100, width=32)
pairs = st.lists(st.tuples(st.sampled_from([0.5, 1.0, 2.0]) | scores, st.integers(0, 2**31 - 1)))


def keys_of(some: list[tuple[float, int]]) -> np.ndarray:
    """Distinct keys of pairs."""
    bits = np.array([score for score, _ in some], np.float32).view(np.int32)
    keys = [key_of(bit, row) for bit, (_, row) in zip(bits, some, strict=True)]
    return np.unique(np.array(keys, np.int64))


@settings(deadline=None)
@given(pairs)
def test_keys_order_by_score_then_by_lower_row(some: list[tuple[float, int]]) -> None:
    """Falling keys are falling scores, rising rows among equals; keys of positive scores are something."""
    unique = sorted({(-float(np.float32(score)), row) for score, row in some})
    keys = keys_of(some)[::-1]
    assert [row_of(key) for key in keys] == [row for _, row in unique]
    assert all(key > NOTHING for key in keys)


@settings(deadline=None)
@given(pairs, st.integers(0, 300), st.randoms(use_true_random=False))
def test_best_k_and_their_order(
    some: list[tuple[float, int]], more: int, random: np.random.Generator
) -> None:
    """to_front keeps the k largest and tells the least of them; descending sorts."""
    keys = np.unique(np.append(keys_of(some), np.arange(more) * 7 + (1 << 40)))
    if not len(keys):
        return
    best = np.sort(keys)[::-1]
    shuffled = keys.copy()
    random.shuffle(shuffled)
    k = random.randint(1, len(keys))
    assert to_front(shuffled, k) == best[k - 1]
    assert sorted(shuffled[:k].tolist(), reverse=True) == best[:k].tolist()
    assert sorted(shuffled.tolist()) == keys.tolist()
    out = np.empty_like(keys)
    descending(shuffled, out)
    assert out.tolist() == best.tolist()
