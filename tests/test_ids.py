"""Ids and texts: what goes in comes out, and what was never put in is not found."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitrina.ids import MAX_ID_BYTES, Ids, Texts

names = st.text(min_size=1, max_size=20).filter(lambda one: "\0" not in one)


@given(st.sets(names, max_size=30), st.lists(names, max_size=10))
def test_rows_and_names_are_inverse(known, asked):
    """Every known id has its own row and is named by it; every other id has none."""
    ids = Ids.of(known)
    assert set(ids.names(ids.rows(sorted(known)))) == known
    assert [row >= 0 for row in ids.rows(asked)] == [one in known for one in asked]
    assert [ids.row(one) for one in asked] == ids.rows(asked).tolist()


@pytest.mark.parametrize("hostile", ["", "x" * 200, "x" * (MAX_ID_BYTES + 1), "a\0", "a\0b", "é" * 200])
def test_ids_that_cannot_be_stored_are_not_found(hostile):
    """Empty, over-long or NUL-bearing ids match nothing, not even the id they are a part of."""
    ids = Ids.of(["a", "xx"])
    assert (ids.row(hostile), ids.rows([hostile]).tolist()) == (-1, [-1])


def test_an_over_long_needle_does_not_widen_the_haystack():
    """A 200-byte id over a hundred thousand short ones answers at once: nothing is copied."""
    ids = Ids(np.array(sorted(f"{number:07d}".encode() for number in range(100_000))))
    started = time.perf_counter()
    assert ids.row("9" * 200) == -1
    assert time.perf_counter() - started < 0.01


@given(st.lists(st.text(max_size=30)))
def test_texts_come_back(texts):
    """Any text, empty ones included, is read as it was stored; lone surrogates become '?'."""
    stored = Texts.of(texts)
    assert [stored[row] for row in range(len(stored))] == [
        one.encode("utf-8", "replace").decode() for one in texts
    ]
