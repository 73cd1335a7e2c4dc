"""What each known customer did, oldest first: the events of a dataset, grouped by user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrina.catalog import Columns
from vitrina.dataset import Dataset
from vitrina.ids import Rows
from vitrina.kernels.sparse import dealt, ends_of


@dataclass(frozen=True)
class Doings:
    """What one asker did, oldest first: item `rows` int32, `types` uint8, `times` int64 seconds."""

    rows: Rows
    types: NDArray[np.uint8]
    times: NDArray[np.int64]

    def cut(self, where: slice | NDArray[np.intp]) -> Doings:
        """Some of it."""
        return Doings(self.rows[where], self.types[where], self.times[where])

    @classmethod
    def joined(cls, some: Sequence[Doings]) -> Doings:
        """One behind the other; at least one."""
        if len(some) == 1:
            return some[0]
        return cls(
            np.concatenate([one.rows for one in some]),
            np.concatenate([one.types for one in some]),
            np.concatenate([one.times for one in some]),
        )


_COLUMNS = ("indptr", "rows", "types", "times", "visits")
ASIDE = "aside"


@dataclass(frozen=True)
class History:
    """Ragged by user: user u did `rows[indptr[u]:indptr[u + 1]]`.

    `indptr`: int64[n_users + 1]; `rows`, `visits`: int32; `types`: uint8; `times`: int64 seconds.
    `aside`: bool, what says nothing of the customer (see `profiles.py`); None where everything does.
    """

    indptr: NDArray[np.int64]
    rows: Rows
    types: NDArray[np.uint8]
    times: NDArray[np.int64]
    visits: Rows
    aside: NDArray[np.bool_] | None = None

    @classmethod
    def of(cls, dataset: Dataset, aside: NDArray[np.bool_] | None = None) -> History:
        """Group a dataset's events by user; anonymous events belong to nobody. `aside`: bool per event."""
        events = dataset.events
        indptr = ends_of(events.user, len(dataset.users))
        columns: list[NDArray[Any]] = [events.item, events.type, events.time, events.visit]
        if aside is not None and aside.any():
            columns.append(aside)
        return cls(indptr, *dealt(events.user, indptr, *columns))

    def span(self, user: int) -> slice:
        """Where one user's events lie; nothing for a stranger (a negative row)."""
        return slice(int(self.indptr[user]), int(self.indptr[user + 1])) if user >= 0 else slice(0, 0)

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """The history as named arrays, for a bundle."""
        named = {name: getattr(self, name) for name in _COLUMNS}
        return named if self.aside is None else {**named, ASIDE: self.aside}

    @classmethod
    def of_columns(cls, named: Columns) -> History:
        """The history whose `columns` these are."""
        aside = np.asarray(named[ASIDE], np.bool_) if len(named.get(ASIDE, ())) else None
        return cls(**{name: named[name] for name in _COLUMNS}, aside=aside)  # type: ignore[arg-type]
