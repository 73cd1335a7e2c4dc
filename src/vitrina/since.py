"""What happened since training, by a store: for runs that answer many, apart from any server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from vitrina.engine import Engine
from vitrina.errors import StoreError
from vitrina.live import Identity, Live
from vitrina.state.items import every
from vitrina.state.lately import Lately
from vitrina.state.lmdb_store import LmdbStore
from vitrina.state.people import Tombstones

Remember = Callable[[Sequence[Identity], int], Live]
"""The Live of those who ask, at a second."""


def forgetful(who: Sequence[Identity], now: int) -> Live:
    """The Live where nothing is kept of anybody."""
    return Live(now)


class Since:
    """What a store in a folder holds; without a folder nothing happened. Methods raise StoreError where it
    cannot be read: a letter about what was bought or sold out meanwhile is worse than none."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.store = LmdbStore(folder) if folder else None
        self.lately = Lately(self.store, Tombstones(folder)) if self.store and folder else None

    def over(self, engine: Engine) -> Engine:
        """The engine over the catalogue as the shop has it by now."""
        if self.store is None:
            return engine
        with self.store.read() as reads:
            told = every(reads)
        return engine.told(told) if told else engine

    def remember(self, who: Sequence[Identity], now: int) -> Live:
        """The Live of those who ask."""
        live = self.lately.live(who, now) if self.lately else Live(now)
        if live.degraded:
            raise StoreError(f"the store {self.folder} cannot be read; see that it is there, and call again")
        return live
