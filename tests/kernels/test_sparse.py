"""Triples become compressed rows as scipy has them, and columns are dealt out by key in their order."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import coo_array

from vitrina.kernels.sparse import compress, counting_order, dealt, ends_of, group, largest

SHAPE = (5, 7)
PLACES = st.integers(0, 60)


@settings(deadline=None)
@given(st.data(), PLACES)
def test_triples_are_scipys_sums_less_those_of_nowhere(data: st.DataObject, n: int) -> None:
    """Equal places are added up, columns ascend within a row, a negative row or column is nowhere."""
    rows, columns = (
        data.draw(arrays(np.int32, n, elements=st.integers(-1, most - 1), fill=st.nothing()))
        for most in SHAPE
    )
    values = data.draw(arrays(np.float32, n, elements=st.integers(1, 8), fill=st.nothing()))
    found = compress(rows, columns, values, SHAPE)
    some = (rows >= 0) & (columns >= 0)
    due = coo_array((values[some], (rows[some], columns[some])), SHAPE).tocsr()
    due.sort_indices()
    assert found.shape == SHAPE
    assert found.indptr.tolist() == due.indptr.tolist()
    assert found.indices.tolist() == due.indices.tolist()
    assert found.data.tolist() == due.data.tolist()
    assert (found.indptr.dtype, found.indices.dtype, found.data.dtype) == (np.int64, np.int32, np.float32)


@settings(deadline=None)
@given(st.data(), PLACES)
def test_columns_are_dealt_out_in_their_order(data: st.DataObject, n: int) -> None:
    """As by a stable sort of the keys, whatever the column is of; a negative key takes nothing."""
    keys = data.draw(arrays(np.int32, n, elements=st.integers(-1, 4), fill=st.nothing()))
    ends = ends_of(keys, 5)
    order = np.argsort(keys, kind="stable")[(keys < 0).sum() :]
    columns = np.arange(n), np.arange(n) % 3 == 0, np.arange(n, dtype=np.float32) / 2
    for whole, found in zip(columns, dealt(keys, ends, *columns), strict=True):
        assert found.dtype == whole.dtype
        assert found.tolist() == whole[order].tolist()
    some = keys[keys >= 0]
    assert ends.tolist() == group(some, 5)[0].tolist()
    assert counting_order(some, 5).tolist() == np.argsort(some, kind="stable").tolist()


@settings(deadline=None)
@given(st.data(), st.integers(0, 9), st.integers(0, 4), st.integers(0, 8))
def test_the_largest_are_those_of_a_sort(data: st.DataObject, kept: int, n: int, width: int) -> None:
    """By size, the lower column among equals, zeros left out; in the order of rows and columns."""
    weights = data.draw(arrays(np.float32, (n, width), elements=st.integers(-3, 3), fill=st.nothing()))
    rows, columns, values = largest(weights, kept)
    due = [
        (row, column, float(line[column]))
        for row, line in enumerate(weights)
        for column in sorted(np.lexsort((np.arange(width), -np.abs(line)))[:kept].tolist())
        if line[column]
    ]
    assert list(zip(rows.tolist(), columns.tolist(), values.tolist(), strict=True)) == due
    assert (rows.dtype, columns.dtype, values.dtype) == (np.int32, np.int32, np.float32)
