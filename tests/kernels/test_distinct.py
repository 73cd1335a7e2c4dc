"""What is among many numbers is what numpy says is."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from vitrina.kernels.distinct import among, distinct, distinct_pairs

KINDS = st.sampled_from([np.uint8, np.int32, np.int64])


def few(kind):
    """Arrays whose numbers come again."""
    return arrays(kind, array_shapes(min_dims=1, max_dims=2, min_side=0), elements=st.integers(0, 9))


@given(KINDS.flatmap(few))
def test_different_ones_are_numpys(values):
    """Each once, ascending, of the same type."""
    found = distinct(values)
    assert found.dtype == values.dtype
    assert found.tolist() == np.unique(values).tolist()


@given(
    arrays(
        np.int32, st.tuples(st.integers(0, 30), st.just(2)), elements=st.sampled_from([0, 1, 2, 2**31 - 1])
    )
)
def test_different_pairs_are_numpys(rows):
    """Ascending by the first, then the second, to the largest number."""
    found = distinct_pairs(rows[:, 0], rows[:, 1])
    assert np.stack(found, axis=1).tolist() == np.unique(rows, axis=0).tolist()


@given(few(np.int64), few(np.int64))
def test_members_are_numpys(values, known):
    """Of every shape; of nothing, nothing is a member."""
    found = among(values, distinct(known))
    assert found.shape == values.shape
    assert (found == np.isin(values, known)).all()
