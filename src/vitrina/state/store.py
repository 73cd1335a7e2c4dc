"""What a store of live state can do. One implementation now (`lmdb_store`); its tests are any other's too.

A store is a set of named tables, each an ordered map of bytes to bytes. Everything that one `write`
does happens at once or not at all, and is on disk before its future has a result. `read` sees one
moment of all tables. A table that is only ever appended to is a feed: its keys are sequence numbers
from 1 on, never used twice, so a reader that remembers the last one it saw misses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal, Protocol, TypeVar

T = TypeVar("T")

Ack = Literal["durable", "written", "memory"]
"""When a write counts as done: 'durable', fsynced to the disk; 'written', handed to the operating system,
so the death of a process loses nothing, but that of the machine the last second or the store; 'memory',
applied by this process, whose death loses the last milliseconds."""

MAX_KEY = 511
"""Bytes of a key, at most."""


class Reads(Protocol):
    """One moment of a store. Raises StoreError where it cannot be read."""

    def get(self, table: str, key: bytes) -> bytes | None:
        """The value of a key; None where there is none."""

    def scan(
        self, table: str, start: bytes = b"", stop: bytes = b"", *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values from `start` up to but without `stop`, in order; no `stop` means to the end."""

    def feed(self, table: str, after: int, most: int) -> list[tuple[int, bytes]]:
        """What was appended later than sequence number `after`: at most `most`, oldest first."""

    def last(self, table: str) -> int:
        """The sequence number appended last, 0 before the first; it outlives what it numbered."""


class Transaction(Reads, Protocol):
    """What a write may do: read, its own changes included, and change."""

    def put(self, table: str, key: bytes, value: bytes) -> None:
        """Set a key of at most 511 bytes, at least 1."""

    def add(self, table: str, key: bytes, value: bytes) -> bool:
        """As `put`, but only where the key is not set yet; whether it was not."""

    def delete(self, table: str, key: bytes) -> bool:
        """Remove a key; whether it was there."""

    def append(self, table: str, value: bytes) -> int:
        """Add to a feed; its sequence number."""


class Store(Protocol):
    """Live state, shared by the processes of a host. Safe for threads."""

    def read(self) -> AbstractContextManager[Reads]:
        """One moment, to read from and to leave soon. Raises StoreError."""

    def write(self, work: Callable[[Transaction], T]) -> Future[T]:
        """Do `work` in one transaction, together with what else waits; its result once it is acknowledged.

        `work` may be run more than once, so it changes nothing but the transaction. What it raises
        undoes it alone, and is the future's exception; so are StoreError, StoreFull and Overloaded.
        """

    def check(self) -> None:
        """Raise StoreError where reads or writes would fail: files gone, replaced or cut short."""

    def tend(self) -> None:
        """Free what processes that died kept from being used again, and put on disk what is not yet there.

        Cheap; to be done every second or so. Raises StoreError.
        """

    def backup(self, folder: Path) -> None:
        """Write a compact copy, openable as a store, while others go on. Raises StoreError."""

    def compact(self) -> None:
        """Leave no byte of what was deleted, and no free space; writes wait meanwhile. Raises StoreError."""

    def close(self) -> None:
        """Finish what waits and let go of the files."""


def sequence_key(number: int) -> bytes:
    """The key of a sequence number: in the order of numbers."""
    return number.to_bytes(8, "big")


def sequence_of(key: bytes) -> int:
    """The sequence number of a key."""
    return int.from_bytes(key, "big")


def after_prefix(prefix: bytes) -> bytes:
    """The first key after all that start with `prefix`: `scan(table, prefix, after_prefix(prefix))`.

    Empty, which is to the end, where there is no such key.
    """
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else b""
