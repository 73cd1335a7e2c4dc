"""Products put among candidates, against plain Python."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.kernels.join import join

ROWS = st.integers(0, 7)


@settings(deadline=None)
@given(
    st.lists(st.lists(ROWS, max_size=5, unique=True), min_size=1, max_size=3),
    st.lists(st.lists(ROWS, max_size=3, unique=True), max_size=4),
    st.lists(st.booleans(), min_size=8, max_size=8),
    st.lists(st.lists(ROWS, max_size=3), min_size=3, max_size=3),
    st.booleans(),
)
def test_of_each_product_the_first_variant_that_may_appear_comes_in(lists, products, mask, barred, adding):
    """Those there keep their places; new ones follow with the gain as their share; places say where."""
    rows = np.array([[*own, *[-1] * (5 - len(own))] for own in lists], np.int32)
    scores = (rows >= 0).astype(np.float32)
    shares = np.zeros((*rows.shape, 2), np.float32)
    shares[..., 0] = scores
    groups = np.array([0, *np.cumsum([len(one) for one in products])], np.int64)
    members = np.array([row for one in products for row in one], np.int32)
    gains = np.arange(1, len(products) + 1, dtype=np.float32)
    own = barred[: len(lists)]
    indptr = np.array([0, *np.cumsum([len(one) for one in own])], np.int64)
    flat = np.array([row for one in own for row in one], np.int32)
    got = join(rows, scores, shares, groups, members, gains, 1, adding, np.array(mask), indptr, flat)
    for asker, listed in enumerate(lists):
        expected, gained, where = list(listed), dict.fromkeys(listed, 0.0), []
        for gain, variants in zip(gains.tolist(), products, strict=True):
            shown = next((row for row in variants if mask[row] and row not in own[asker]), None)
            if shown is not None and (shown not in expected or adding):
                gained[shown] = gained.get(shown, 0.0) + gain
                expected += [shown] if shown not in expected else []
            where.append(-1 if shown is None else expected.index(shown))
        n = len(expected)
        assert got[0][asker].tolist() == expected + [-1] * (got[0].shape[1] - n)
        assert got[2][asker, :n, 1].tolist() == [gained[row] for row in expected]
        assert got[1][asker].tolist() == got[2][asker].sum(axis=1).tolist()
        assert got[3][asker].tolist() == where
