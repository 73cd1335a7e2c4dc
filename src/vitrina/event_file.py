"""A file of events to record: CSV, JSON lines or Parquet, read as training reads them, each with an id."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from vitrina import readers
from vitrina.dataset import Dataset
from vitrina.errors import DataError
from vitrina.happening import Happening, Recorded
from vitrina.readers.columns import VISITORS, plain
from vitrina.readers.tables import ENDINGS
from vitrina.state.events import Event
from vitrina.state.people import Tombstones
from vitrina.state.recording import FORGOTTEN, recording
from vitrina.state.store import Store

_KEPT = ("visitor_id", "session_id", "order_id", "region")
"""Columns that lists are not trained on, and that an event is recorded with."""
_PAGE = 10_000


class _Told(NamedTuple):
    """What an event is recorded with beside what lists are trained on; empty where nothing is given."""

    user_id: str
    visitor_id: str
    order_id: str
    region: str


@dataclass(frozen=True)
class EventFile:
    """Events that were read; `unusable` rows could not be. `texts`: _KEPT of each event, NULL for none.

    `visitors`: whether the users of the dataset are visitors, since the file has no column of users.
    """

    dataset: Dataset
    texts: pa.Table
    unusable: int
    visitors: bool

    def counts(self) -> dict[str, int]:
        """How many events are of users, of visitors alone, and of nobody: those are not recorded."""
        named = self.dataset.events.user >= 0
        others = [self.texts[name].is_valid().to_numpy() for name in ("visitor_id", "session_id")]
        users = named & (not self.visitors)
        visitors = np.logical_or.reduce([named, *others]) & ~users
        return {
            "users": int(users.sum()),
            "visitors": int(visitors.sum()),
            "anonymous": len(named) - int(users.sum()) - int(visitors.sum()),
        }

    def happenings(self) -> Iterator[Happening]:
        """The events of those who have a name, oldest first.

        Ids follow from user (or else visitor), product, type and time, and are numbered where those are the
        same: what is read from a file twice, or from two that overlap, is recorded once.
        """
        events, types = self.dataset.events, self.dataset.types
        seen: Counter[bytes] = Counter()
        for at, told in enumerate(self._told()):
            if not (told.user_id or told.visitor_id):
                continue
            item = self.dataset.items.name(int(events.item[at]))
            kind, time, price = types[events.type[at]], int(events.time[at]), float(events.price[at])
            who = (told.user_id,) if told.user_id else ("", told.visitor_id)
            same = blake2b("\0".join((*who, item, kind, str(time))).encode(), digest_size=16).digest()
            seen[same] += 1
            yield Happening(
                item,
                kind,
                time=time,
                event_id=f"{same.hex()}-{seen[same]}",
                quantity=float(events.quantity[at]),
                price=0.0 if np.isnan(price) else price,
                gift=bool(events.gift[at]),
                **told._asdict(),
            )

    def _told(self) -> Iterator[_Told]:
        """Of each event whom it is of, its order or else its session, and where it was."""
        rows = (row for page in self.texts.to_batches(_PAGE) for row in page.to_pylist())
        for user, row in zip(self.dataset.events.user.tolist(), rows, strict=True):
            name = self.dataset.users.name(user) if user >= 0 else ""
            visitor, session, order, region = (row[one] or "" for one in _KEPT)
            visitor = name if self.visitors else visitor
            user_id = "" if self.visitors else name
            yield _Told(user_id, visitor or ("" if user_id else session), order or session, region)


def read(file: Path, rejects: Path | None, say: Callable[[str], None]) -> EventFile:
    """Read a file of events. `rejects`: a folder for rows that cannot be used. Raises DataError."""
    ending = next((one for one in sorted(ENDINGS, key=len, reverse=True) if file.name.endswith(one)), None)
    if ending is None or not file.is_file():
        raise DataError(f"{file} is no file of events; give one that ends in {', '.join(ENDINGS)}")
    with tempfile.TemporaryDirectory(prefix="vitrina-") as scratch:
        folder = Path(scratch)
        (folder / f"events{ending}").symlink_to(file.resolve())
        found = readers.read(
            folder,
            rejects=rejects,
            max_rejected=1.0,
            say=say,
            only=("events",),
            weighed=None,
            keep=_KEPT,
        )
    if not found.dataset.timed:
        raise DataError(f"{file} has no time of its events; add a column timestamp")
    (table,) = found.report.tables
    visitors = plain(table.columns.get("user_id", "")) in {plain(one) for one in VISITORS}
    return EventFile(found.dataset, found.texts, table.n_rejected, visitors)


def stored(
    store: Store, happenings: Sequence[Happening], now: int, tombstones: Tombstones | None = None
) -> list[Recorded]:
    """Record events in a store, in one transaction, but those of whom `tombstones` hold.

    `now`: seconds since 1970 UTC. Raises StoreError.
    """
    events = [
        Event(
            one.event_id,
            one.type,
            one.user_id,
            one.visitor_id,
            one.item_id,
            min(one.time, now),
            one.quantity,
            one.price,
            one.gift,
            one.order_id,
            one.region,
        )
        for one in happenings
    ]
    outcomes = store.write(recording(events, now, tombstones)).result()
    return [Recorded("rejected", FORGOTTEN) if one == "forgotten" else Recorded(one) for one in outcomes]
