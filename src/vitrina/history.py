"""What each known customer did, oldest first: the events of a dataset, grouped by user."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrina.catalog import Columns
from vitrina.dataset import Dataset
from vitrina.ids import Rows
from vitrina.kernels.sparse import group

_COLUMNS = ("indptr", "rows", "types", "times", "visits")


@dataclass(frozen=True)
class History:
    """Ragged by user: user u did `rows[indptr[u]:indptr[u + 1]]`.

    `indptr`: int64[n_users + 1]; `rows`, `visits`: int32; `types`: uint8; `times`: int64 seconds.
    """

    indptr: NDArray[np.int64]
    rows: Rows
    types: NDArray[np.uint8]
    times: NDArray[np.int64]
    visits: Rows

    @classmethod
    def of(cls, dataset: Dataset) -> History:
        """Group a dataset's events by user; anonymous events belong to nobody."""
        events = dataset.events.take(dataset.events.user >= 0)
        indptr, order = group(events.user, len(dataset.users))
        return cls(indptr, events.item[order], events.type[order], events.time[order], events.visit[order])

    def span(self, user: int) -> slice:
        """Where one user's events lie; nothing for a stranger (a negative row)."""
        return slice(int(self.indptr[user]), int(self.indptr[user + 1])) if user >= 0 else slice(0, 0)

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """The history as named arrays, for a bundle."""
        return {name: getattr(self, name) for name in _COLUMNS}

    @classmethod
    def of_columns(cls, named: Columns) -> History:
        """The history whose `columns` these are."""
        return cls(*(named[name] for name in _COLUMNS))  # type: ignore[arg-type]  # each its own dtype
