"""Ragged rows of askers: put beside each other, picked out, and lists made ragged, as plain lists would be."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vitrina.ids import Ids
from vitrina.kernels.doings import beside, listed_for, of_some
from vitrina.kernels.messages import names

ROWS = st.lists(st.integers(0, 9), max_size=4)


def ragged(lists):
    """Lists of rows as ends and rows."""
    ends = np.cumsum([0, *map(len, lists)]).astype(np.int64)
    return ends, np.array([row for one in lists for row in one], np.int32)


def plain(ends, rows):
    """Back to lists."""
    return [rows[low:high].tolist() for low, high in pairwise(ends)]


@given(st.lists(st.tuples(ROWS, ROWS), max_size=5))
def test_rows_of_each_stand_one_behind_the_other(pairs):
    """An asker's rows of the first array, then those of the second."""
    ours, theirs = [one for one, _ in pairs], [one for _, one in pairs]
    assert plain(*beside(*ragged(ours), *ragged(theirs))) == [one + other for one, other in pairs]


@given(st.lists(ROWS, min_size=1, max_size=5), st.data())
def test_some_askers_keep_their_rows(lists, data):
    """Any of them, in any order."""
    some = data.draw(st.lists(st.integers(0, len(lists) - 1), max_size=6))
    found = of_some(*ragged(lists), np.array(some, np.int64))
    assert plain(*found) == [lists[one] for one in some]


@given(st.integers(1, 6), st.data())
def test_lists_of_some_are_ragged_for_all(n, data):
    """Who has a list has its rows without pads; nobody else has any."""
    askers = data.draw(st.lists(st.integers(0, n - 1), max_size=n, unique=True))
    lists = data.draw(
        st.lists(
            st.lists(st.integers(-1, 9), min_size=3, max_size=3), min_size=len(askers), max_size=len(askers)
        )
    )
    table = np.array(lists, np.int32).reshape(len(askers), 3)
    wanted = {one: [row for row in rows if row >= 0] for one, rows in zip(askers, lists, strict=True)}
    found = listed_for(n, np.array(askers, np.int64), table)
    assert plain(*found) == [wanted.get(one, []) for one in range(n)]


@given(st.lists(ROWS, max_size=4))
def test_ids_of_lists_are_written_with_a_nul_behind_each(lists):
    """Whatever their lengths, the longest and those of several bytes a letter among them."""
    ids = Ids.of(["a", "bb", "é", "long" * 60, *(f"i{n}" for n in range(6))])
    ends, rows = ragged(lists)
    starts, found = names(ends, ids.letters, rows)
    spans = pairwise(starts)
    written = [found[low:high].tobytes() for low, high in spans]
    assert written == [b"".join(bytes(ids.sorted[row]) + b"\0" for row in one) for one in lists]
