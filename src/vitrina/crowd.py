"""Those who are answered together, as columns: stages ask of all of them at once.

A crowd is of askers, or of customers of whom nothing is known but what the bundle holds: those come as
columns at once, and an `Asker` is made only of whom somebody looks at.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import overload

import numpy as np
from numpy.typing import NDArray

from vitrina.askers import NOTHING, Asker, Askers
from vitrina.consent import agrees
from vitrina.history import Doings
from vitrina.ids import UNKNOWN, Rows
from vitrina.remembered import Once
from vitrina.request import Request

Ends = NDArray[np.int64]
Each = tuple[Ends, Rows]
"""Rows of each asker, ragged."""


class Crowd(Sequence[Asker]):
    """n askers. What they did lies one behind the other, asker i's from `ends[i]` to `ends[i + 1]`."""

    def __init__(self, askers: Sequence[Asker]) -> None:
        self._askers = tuple(askers)

    @classmethod
    def of(cls, askers: Sequence[Asker]) -> Crowd:
        """Some askers as a crowd, if they are none yet."""
        return askers if isinstance(askers, Crowd) else cls(askers)

    def take(self, places: Sequence[int]) -> Crowd:
        """Some of them."""
        return Crowd([self._askers[one] for one in places])

    @Once
    def pages(self) -> Each:
        """What is on the page of each."""
        return _each([one.page for one in self._askers])

    @Once
    def contexts(self) -> Each:
        """What the page of each is about."""
        return _each([one.context for one in self._askers])

    @Once
    def users(self) -> Rows:
        """int32[n]: the customer's row that sources are told, UNKNOWN for strangers to them."""
        return np.array([UNKNOWN if one.stranger else one.user for one in self._askers], np.int32)

    @Once
    def regions(self) -> Rows:
        """int32[n]: the code of each region, or UNKNOWN."""
        return np.array([one.region for one in self._askers], np.int32)

    @Once
    def ends(self) -> Ends:
        """int64[n + 1]."""
        return np.array([0, *accumulate(len(one.doings.rows) for one in self._askers)], np.int64)

    @Once
    def doings(self) -> Doings:
        """What all of them did."""
        return Doings.joined([one.doings for one in self._askers])

    @Once
    def visits(self) -> Rows:
        """int32: the order of each event, UNKNOWN in a session."""
        return np.concatenate([one.visits for one in self._askers])

    @Once
    def session_at(self) -> Ends:
        """int64[n]: where each session begins."""
        return self.ends[:-1] + np.array([one.session_at for one in self._askers], np.int64)

    @Once
    def aside(self) -> NDArray[np.bool_] | None:
        """bool per event: what nothing follows from; None for nothing."""
        if all(one.aside is None or not one.aside.any() for one in self._askers):
            return None
        found = np.zeros(len(self.doings.rows), np.bool_)
        for start, one in zip(self.ends.tolist(), self._askers, strict=False):
            if one.aside is not None:
                found[start : start + len(one.aside)] = one.aside
        return found

    def __len__(self) -> int:
        return len(self._askers)

    @overload
    def __getitem__(self, at: int) -> Asker: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Asker]: ...
    def __getitem__(self, at: int | slice) -> Asker | Sequence[Asker]:
        return (
            [self._one(place) for place in range(len(self))[at]] if isinstance(at, slice) else self._one(at)
        )

    def _one(self, place: int) -> Asker:
        return self._askers[place]


class Customers(Crowd):
    """Customers by their ids, or strangers, who did nothing since training."""

    def __init__(self, askers: Askers, names: Sequence[str], channel: str) -> None:
        self._of, self._names, self._channel = askers, names, channel

    def take(self, places: Sequence[int]) -> Crowd:
        """Some of them."""
        return Customers(self._of, [self._names[one] for one in places], self._channel)

    @Once
    def pages(self) -> Each:
        """Nothing: no page is known."""
        return np.zeros(len(self) + 1, np.int64), NOTHING

    @Once
    def contexts(self) -> Each:
        """Nothing either."""
        return self.pages

    @Once
    def users(self) -> Rows:
        """int32[n]: the row of each, UNKNOWN for strangers and who agreed to no personal lists."""
        rows = self._of.users.rows(self._names)
        kept = self._of.consent
        if kept is None:
            return rows
        given = [agrees("", self._channel, kept, row) for row in rows.tolist()]
        return np.where(given, rows, np.int32(UNKNOWN))

    @Once
    def regions(self) -> Rows:
        """int32[n]: the code of each home, or UNKNOWN."""
        kept = self._of.regions
        if kept is None:
            return np.full(len(self), UNKNOWN, np.int32)
        return np.where(self.users >= 0, kept.codes[self.users], np.int32(UNKNOWN)).astype(np.int32)

    @Once
    def ends(self) -> Ends:
        """int64[n + 1]."""
        starts, stops = self._spans
        return np.concatenate([[0], np.cumsum(stops - starts)])

    @Once
    def doings(self) -> Doings:
        """What all of them did."""
        past = self._of.history
        return Doings(past.rows[self._places], past.types[self._places], past.times[self._places])

    @Once
    def visits(self) -> Rows:
        """int32: the order of each event."""
        return self._of.history.visits[self._places]

    @Once
    def session_at(self) -> Ends:
        """int64[n]: behind what each did."""
        return self.ends[1:]

    @Once
    def aside(self) -> NDArray[np.bool_] | None:
        """bool per event: what nothing follows from; None for nothing."""
        every = self._of.history.aside
        return None if every is None else every[self._places]

    @Once
    def _spans(self) -> tuple[Ends, Ends]:
        """Where each history begins and ends; nowhere for a stranger."""
        indptr = self._of.history.indptr
        starts = indptr[self.users]
        return starts, np.where(self.users >= 0, indptr[self.users + 1], starts)

    @Once
    def _places(self) -> Ends:
        """int64: the places of all events in the histories."""
        starts, stops = self._spans
        return np.repeat(starts - self.ends[:-1], stops - starts) + np.arange(self.ends[-1])

    def __len__(self) -> int:
        return len(self._names)

    def _one(self, place: int) -> Asker:
        return self._of.of(Request((), user_id=self._names[place], channel=self._channel), 0)


def _each(rows: Sequence[Rows]) -> Each:
    ends = np.array([0, *accumulate(map(len, rows))], np.int64)
    return ends, np.concatenate(rows) if ends[-1] else NOTHING
