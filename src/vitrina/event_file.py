"""A file of events to record: CSV, JSON lines or Parquet, read as training reads them, each with an id."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np

from vitrina import readers
from vitrina.dataset import Dataset
from vitrina.errors import DataError
from vitrina.happening import Happening, Recorded
from vitrina.readers.tables import ENDINGS
from vitrina.state.events import Event
from vitrina.state.people import Tombstones
from vitrina.state.recording import FORGOTTEN, recording
from vitrina.state.store import Store


@dataclass(frozen=True)
class EventFile:
    """Events that were read: `unusable` rows could not be, `anonymous` ones name nobody."""

    dataset: Dataset
    unusable: int

    @property
    def anonymous(self) -> int:
        """Events that steer no list, since they name nobody."""
        return int((self.dataset.events.user < 0).sum())

    def happenings(self) -> Iterator[Happening]:
        """The events of those who have a name, oldest first.

        Ids follow from user, product, type and time, and are numbered where those are the same: what is read
        from a file twice, or from two that overlap, is recorded once.
        """
        events, types = self.dataset.events, self.dataset.types
        seen: Counter[bytes] = Counter()
        for at in np.flatnonzero(events.user >= 0).tolist():
            user = self.dataset.users.name(int(events.user[at]))
            item = self.dataset.items.name(int(events.item[at]))
            kind, time, price = types[events.type[at]], int(events.time[at]), float(events.price[at])
            same = blake2b("\0".join((user, item, kind, str(time))).encode(), digest_size=16).digest()
            seen[same] += 1
            yield Happening(
                item,
                kind,
                user_id=user,
                time=time,
                event_id=f"{same.hex()}-{seen[same]}",
                quantity=float(events.quantity[at]),
                price=0.0 if np.isnan(price) else price,
                gift=bool(events.gift[at]),
            )


def read(file: Path, rejects: Path | None, say: Callable[[str], None]) -> EventFile:
    """Read a file of events. `rejects`: a folder for rows that cannot be used. Raises DataError."""
    ending = next((one for one in sorted(ENDINGS, key=len, reverse=True) if file.name.endswith(one)), None)
    if ending is None or not file.is_file():
        raise DataError(f"{file} is no file of events; give one that ends in {', '.join(ENDINGS)}")
    with tempfile.TemporaryDirectory(prefix="vitrina-") as scratch:
        folder = Path(scratch)
        (folder / f"events{ending}").symlink_to(file.resolve())
        found = readers.read(
            folder, rejects=rejects, max_rejected=1.0, say=say, only=("events",), weighed=None
        )
    if not found.dataset.timed:
        raise DataError(f"{file} has no time of its events; add a column timestamp")
    return EventFile(found.dataset, sum(one.rows for table in found.report.tables for one in table.rejected))


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
        )
        for one in happenings
    ]
    outcomes = store.write(recording(events, now, tombstones)).result()
    return [Recorded("rejected", FORGOTTEN) if one == "forgotten" else Recorded(one) for one in outcomes]
