"""From the store to the engine: the `Live` of a batch, read in one snapshot."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from itertools import islice

from vitrina.errors import StoreError
from vitrina.live import NOTHING, Identity, Live, Recent
from vitrina.state.people import Tombstones, members
from vitrina.state.profiles import columns, quarantined
from vitrina.state.recording import keys_of
from vitrina.state.store import Reads, Store, after_prefix, sequence_key
from vitrina.state.tables import NAMES, PROFILES, SHOWN

DEGRADED = ("store",)
_PAGE = 10_000


class Lately:
    """Reads what askers did since training. Sees every write that was acknowledged before it reads, by
    whichever process. Names are read once and kept. Safe for threads."""

    def __init__(self, store: Store, tombstones: Tombstones | None = None) -> None:
        self._store, self._tombstones = store, tombstones
        self._names: list[str] = [""]
        self._newest: bytes | None = None
        self._turn = threading.Lock()

    def live(self, who: Iterable[Identity], now: int) -> Live:
        """The Live of those who ask. A store that fails leaves it empty, and `degraded` says so."""
        asked = {one for one in who if any(one)}
        if not asked:
            return Live(now)
        try:
            with self._store.read() as reads:
                self._recognise(reads)
                gone = self._forgotten(asked, reads)
                keys = {one: self._keys(reads, one) for one in asked.difference(gone)}
                did = {one: self._recent(reads, PROFILES, keys[one], now) for one in keys}
                shown = {one: self._recent(reads, SHOWN, keys[one], now) for one in keys}
        except StoreError:
            return Live(now, degraded=DEGRADED, whose=self._forgotten(asked, None))
        more = {
            who: tuple(one[1:].decode("utf-8", "surrogatepass") for one in held)
            for who, held in keys.items()
            if len(held) > len(keys_of(*who))
        }
        return Live(now, _some(did), _some(shown), whose={**gone, **more})

    def users(self, after: str, most: int) -> list[str]:
        """The ids of users who did anything since training, or before it, of one person's the first: at most
        so many, in the order of their bytes, from the first behind `after` on. Raises StoreError."""
        start = b"u" + after.encode("utf-8", "surrogatepass") + b"\0"
        with self._store.read() as reads:
            held = (key for key, _ in reads.scan(PROFILES, start, after_prefix(b"u")))
            found = islice((key for key in held if key == _first(reads, key)), most)
            return [key[1:].decode("utf-8", "surrogatepass") for key in found]

    def _recognise(self, reads: Reads) -> None:
        """Forget names of another store: a backup may have been put in the place of this one."""
        if reads.get(NAMES, sequence_key(len(self._names) - 1)) != self._newest:
            with self._turn:
                self._names, self._newest = [""], None

    def _forgotten(self, asked: set[Identity], reads: Reads | None) -> dict[Identity, tuple[str, ...]]:
        """Those who asked to be forgotten; without a store, of whom that was known."""
        if self._tombstones is None or (reads is not None and not self._tombstones.look(reads)):
            return {}
        return {one: () for one in asked if self._tombstones.holds(keys_of(*one))}

    def _keys(self, reads: Reads, who: Identity) -> Sequence[bytes]:
        """Where what an asker did stands, under all the ids of that person."""
        own = keys_of(*who)
        every = dict.fromkeys(member for one in own for member in members(reads, one))
        return own if every.keys() <= {*own} else [one for one in every if one[:1] in b"uv"]

    def _recent(self, reads: Reads, table: str, keys: Sequence[bytes], now: int) -> Recent:
        """What all ids of an asker have, each event once, in order of time."""
        values = [reads.get(table, one) for one in keys]
        held = [one for one in values if one and not quarantined(one, now)]
        return self._named(reads, *columns(held)) if held else NOTHING

    def _named(
        self,
        reads: Reads,
        times: tuple[int, ...],
        items: tuple[int, ...],
        kinds: tuple[int, ...],
        numbers: tuple[int, ...],
    ) -> Recent:
        while True:
            names = self._names
            try:
                return Recent(
                    tuple([names[one] for one in items]),
                    tuple([names[one] for one in kinds]),
                    times,
                    numbers,
                )
            except IndexError:
                self._learn(reads, names)

    def _learn(self, reads: Reads, names: list[str]) -> None:
        """Read what came after these names, unless another thread has. Raises StoreError for nothing."""
        with self._turn:
            if self._names is not names:
                return
            page = reads.feed(NAMES, len(names) - 1, _PAGE)
            if not page:
                raise StoreError("a profile names an item that the store has no name of; restore a backup")
            self._names = [*names, *(one.decode() for _, one in page)]
            self._newest = page[-1][1]


def _first(reads: Reads, key: bytes) -> bytes:
    """The first of a person's users who did anything; `key` is of one who did."""
    users = (one for one in members(reads, key) if one[:1] == b"u")
    return next((one for one in users if reads.get(PROFILES, one) is not None), key)


def _some(found: dict[Identity, Recent]) -> dict[Identity, Recent]:
    return {who: one for who, one in found.items() if one.item_ids}
