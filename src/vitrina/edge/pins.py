"""Pins: which product a letter's slot showed when it was first opened; its link leads there ever after.

One LMDB environment, shared by all edge processes of a host. A letter's pins are one record under the digest
of its token: when it expires and when a link of it was first followed, 0 for never (u32 each, little-endian),
then for each slot the product as it was shown, as JSON, so that it can be drawn and linked to when it is
offered no more. Nothing in it says whose letter it is.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vitrina.errors import LetterError
from vitrina.request import Product

MAP_BYTES = 4 << 30
"""Address space, not disk: the file grows as pins come."""
_HEAD = struct.Struct("<II")
SWEEP = 10_000
"""Records looked at in one sweep."""
SHOWN = ("item_id", "title", "price", "old_price", "image", "url")
"""What a picture says of a product."""


class Pins:
    """The pins of a folder. Safe for threads and processes."""

    def __init__(self, folder: Path, map_bytes: int = MAP_BYTES) -> None:
        try:
            import lmdb
        except ImportError:
            raise LetterError("pins need the package lmdb; install vitrina[edge]") from None
        folder.mkdir(parents=True, exist_ok=True)
        self._full = (lmdb.MapFullError, lmdb.DiskError)
        try:
            self._env: Any = lmdb.open(str(folder), map_size=map_bytes, max_spare_txns=4)
        except lmdb.Error as reason:
            raise LetterError(f"cannot open the pins in {folder}: {reason}") from reason
        self._env.reader_check()

    def held(self, token: str) -> dict[int, Product]:
        """The product of each slot of a letter that has one."""
        with self._env.begin() as reading:
            return _slots(reading.get(_key(token)))

    def pin(self, token: str, slot: int, candidates: Sequence[Product], expires: int) -> Product | None:
        """The product of a slot: what it showed before, or else the first of `candidates` that no other slot
        of the letter shows; None where there is none. Durable when it returns.

        Raises LetterError where the disk is full.
        """
        try:
            with self._env.begin(write=True) as writing:
                slots = _slots(writing.get(_key(token)))
                if slot in slots:
                    return slots[slot]
                taken = {one.item_id for one in slots.values()}
                found = next((one for one in candidates if one.item_id not in taken), None)
                if found:
                    _, followed = _times(writing.get(_key(token)))
                    writing.put(_key(token), _record({**slots, slot: found}, expires, followed))
                return found
        except self._full as reason:
            raise LetterError(f"no room for another pin: {reason}; free space and try again") from reason

    def follow(self, token: str, now: int) -> None:
        """Remember when a link of a letter was first followed; nothing where nothing of it was shown.

        Raises LetterError where the disk is full.
        """
        try:
            with self._env.begin(write=True) as writing:
                record = writing.get(_key(token))
                expires, followed = _times(record)
                if record and not followed:
                    writing.put(_key(token), _HEAD.pack(expires, now) + record[_HEAD.size :])
        except self._full as reason:
            raise LetterError(f"no room for a click: {reason}; free space and try again") from reason

    def followed(self, token: str) -> int:
        """When a link of a letter was first followed, in seconds since 1970 UTC; 0 for never."""
        with self._env.begin() as reading:
            return _times(reading.get(_key(token)))[1]

    def sweep(self, now: int) -> int:
        """Forget letters that have expired, a batch at a time; how many."""
        gone = []
        with self._env.begin() as reading:
            for key, value in reading.cursor():
                if _times(value)[0] <= now:
                    gone.append(bytes(key))
                    if len(gone) == SWEEP:
                        break
        with self._env.begin(write=True) as writing:
            return sum(writing.delete(key) for key in gone)

    def close(self) -> None:
        """Let go of the folder."""
        self._env.close()


def _key(token: str) -> bytes:
    return hashlib.blake2b(token.encode(), digest_size=16, person=b"vitrina pins").digest()


def _times(record: bytes | None) -> tuple[int, int]:
    expires, followed = _HEAD.unpack_from(record) if record else (0, 0)
    return expires, followed


def _slots(record: bytes | None) -> dict[int, Product]:
    if not record:
        return {}
    return {slot: Product(**fields) for slot, fields in json.loads(record[_HEAD.size :])}


def _record(slots: dict[int, Product], expires: int, followed: int) -> bytes:
    shown = [(slot, {name: getattr(one, name) for name in SHOWN}) for slot, one in slots.items()]
    return _HEAD.pack(expires, followed) + json.dumps(shown).encode()
