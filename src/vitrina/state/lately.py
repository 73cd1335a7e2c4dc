"""From the store to the engine: the `Live` of a batch, read in one snapshot."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrina.errors import StoreError
from vitrina.live import NOTHING, Identity, Live, Recent
from vitrina.state.profiles import quarantined, records
from vitrina.state.recording import user_key, visitor_key
from vitrina.state.store import Reads, Store
from vitrina.state.tables import NAMES, PROFILES, SHOWN

DEGRADED = ("store",)
_PAGE = 10_000


class Lately:
    """Reads what askers did since training. Sees every write that was acknowledged before it reads, by
    whichever process. Names are read once and kept. Safe for threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._names: list[str] = [""]
        self._turn = threading.Lock()

    def live(self, who: Iterable[Identity], now: int) -> Live:
        """The Live of those who ask. A store that fails leaves it empty, and `degraded` says so."""
        asked = {one for one in who if any(one)}
        if not asked:
            return Live(now)
        try:
            with self._store.read() as reads:
                did = {one: self._recent(reads, PROFILES, one, now) for one in asked}
                shown = {one: self._recent(reads, SHOWN, one, now) for one in asked}
        except StoreError:
            return Live(now, degraded=DEGRADED)
        return Live(now, _some(did), _some(shown))

    def _recent(self, reads: Reads, table: str, who: Identity, now: int) -> Recent:
        """What both ids of an asker have, each event once, in order of time."""
        user_id, visitor_id = who
        values = [reads.get(table, user_key(user_id)) if user_id else None]
        values.append(reads.get(table, visitor_key(visitor_id)) if visitor_id else None)
        found = [records(one) for one in values if one and not quarantined(one, now)]
        if not found:
            return NOTHING
        held = found[0] if len(found) == 1 else _both(*found)
        if (held["time"][1:] < held["time"][:-1]).any():
            held = held[np.argsort(held["time"], kind="stable")]
        return self._named(reads, held)

    def _named(self, reads: Reads, held: NDArray[Any]) -> Recent:
        highest = max(int(held["item"].max()), int(held["type"].max()))
        while len(self._names) <= highest:
            with self._turn:
                self._names += [one.decode() for _, one in reads.feed(NAMES, len(self._names) - 1, _PAGE)]
        names = self._names
        items, kinds = ([names[one] for one in held[column].tolist()] for column in ("item", "type"))
        return Recent(tuple(items), tuple(kinds), tuple(held["time"].tolist()))


def _both(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """Records of either, in order of arrival; an event may stand in both."""
    # An impression has one sequence number for all that it showed, so it is whole records that differ.
    return np.unique(np.concatenate([one, other]))


def _some(found: dict[Identity, Recent]) -> dict[Identity, Recent]:
    return {who: one for who, one in found.items() if one.item_ids}
