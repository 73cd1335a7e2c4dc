"""One LMDB file of a store: opened, read, written, grown. A store has one at a time, and after each
compaction another.

LMDB's lock file belongs to one data file for good, so a compacted copy is a folder of its own.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lmdb

from vitrina.durable import sync_folder
from vitrina.errors import StoreError, StoreFull, StoreLost
from vitrina.state.copying import DATA, rewritten
from vitrina.state.store import Ack, sequence_key, sequence_of
from vitrina.state.tables import META, TABLES

MAX_BYTES = 1 << 40
"""Size that a store may grow to."""
_READERS = 1024
_SCANT_BYTES = 16 << 20
"""A disk with less room than this may have been too full for a commit."""


class Gate:
    """Many may be inside at once; `alone` waits until none is and keeps others out.

    LMDB's map must not be moved while anybody in the process reads.
    """

    def __init__(self) -> None:
        self._moved = threading.Condition()
        self._inside = 0
        self._shut = False

    def enter(self) -> None:
        """Come in, after whoever is alone."""
        with self._moved:
            while self._shut:
                self._moved.wait()
            self._inside += 1

    def leave(self) -> None:
        """Go out."""
        with self._moved:
            self._inside -= 1
            if self._shut and not self._inside:
                self._moved.notify_all()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only one inside."""
        with self._moved:
            while self._shut:
                self._moved.wait()
            self._shut = True
            while self._inside:
                self._moved.wait()
        try:
            yield
        finally:
            with self._moved:
                self._shut = False
                self._moved.notify_all()


class Tables:
    """Reads and changes in one LMDB transaction."""

    def __init__(self, transaction: Any, tables: dict[str, Any]) -> None:
        self._transaction, self._tables = transaction, tables
        self._appended: dict[str, int] = {}

    def get(self, table: str, key: bytes) -> bytes | None:
        """As `Reads.get`."""
        found: bytes | None = self._transaction.get(key, db=self._tables[table])
        return found

    def scan(
        self, table: str, start: bytes = b"", stop: bytes = b"", *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """As `Reads.scan`."""
        with self._transaction.cursor(db=self._tables[table]) as cursor:
            if reverse:
                found = cursor.prev() if stop and cursor.set_range(stop) else cursor.last()
                pairs = cursor.iterprev() if found else ()
            else:
                pairs = cursor.iternext() if cursor.set_range(start) else ()
            for key, value in pairs:
                if key < start if reverse else stop and key >= stop:
                    return
                yield key, value

    def feed(self, table: str, after: int, most: int) -> list[tuple[int, bytes]]:
        """As `Reads.feed`."""
        pairs = self.scan(table, sequence_key(after + 1))
        return [(sequence_of(key), value) for (key, value), _ in zip(pairs, range(most), strict=False)]

    def last(self, table: str) -> int:
        """As `Reads.last`."""
        if table in self._appended:
            return self._appended[table]
        return sequence_of(self.get(META, table.encode()) or b"")

    def put(self, table: str, key: bytes, value: bytes) -> None:
        """As `Transaction.put`."""
        self._transaction.put(key, value, db=self._tables[table])

    def add(self, table: str, key: bytes, value: bytes) -> bool:
        """As `Transaction.add`."""
        return bool(self._transaction.put(key, value, db=self._tables[table], overwrite=False))

    def delete(self, table: str, key: bytes) -> bool:
        """As `Transaction.delete`."""
        return bool(self._transaction.delete(key, db=self._tables[table]))

    def append(self, table: str, value: bytes) -> int:
        """As `Transaction.append`."""
        number = self.last(table) + 1
        self._transaction.put(sequence_key(number), value, db=self._tables[table], append=True)
        self._appended[table] = number
        return number

    def finish(self) -> None:
        """Note the last sequence number of each feed, once, before the commit."""
        for table, number in self._appended.items():
            self._transaction.put(table.encode(), sequence_key(number), db=self._tables[META])


class Generation:
    """An open LMDB file. Raises StoreLost where it is not there or is none."""

    def __init__(self, folder: Path, ack: Ack, map_bytes: int) -> None:
        self.folder = folder
        self.gate = Gate()
        self.closed = False
        with as_store_error(folder):
            self.file = _identity(folder / DATA)
            self._env = lmdb.open(
                str(folder),
                map_size=map_bytes,
                max_dbs=len(TABLES) + 16,
                max_readers=_READERS,
                max_spare_txns=4,
                create=False,
                readahead=False,
                sync=ack == "durable",
                metasync=ack == "durable",
            )
            self.free()
            self._tables = self._opened()

    def _opened(self) -> dict[str, Any]:
        """The tables; those that are new are made. Waits for whoever writes."""
        while True:
            try:
                # A transaction of our own: while `open_db` waits for one, no thread of the process runs.
                with self._env.begin(write=True) as transaction:
                    return {name: self._env.open_db(name.encode(), transaction) for name in TABLES}
            except lmdb.MapResizedError:
                self._env.set_mapsize(0)

    @staticmethod
    def make(folder: Path, map_bytes: int) -> None:
        """Make an empty file with every table, on disk with its name and its folder's when this returns."""
        with as_store_error(folder):
            env = lmdb.open(str(folder), map_size=map_bytes, max_dbs=len(TABLES) + 16)
            for name in TABLES:
                env.open_db(name.encode())
            env.close()
            _named(folder)

    def reader(self) -> Any:
        """A transaction that reads; end it with `abort`. Inside the gate only."""
        return self._env.begin()

    def tables(self, transaction: Any) -> Tables:
        """The tables as a transaction sees them."""
        return Tables(transaction, self._tables)

    def writer(self) -> Any:
        """The one transaction of the host that writes, waited for. Inside the gate only."""
        return self._env.begin(write=True)

    def grow(self, size: int) -> None:
        """Map `size` bytes; 0 for as many as another process wrote. Outside the gate only."""
        with self.gate.alone():
            self._env.set_mapsize(size)

    @property
    def map_bytes(self) -> int:
        """Bytes mapped: what may be written before it must grow."""
        return int(self._env.info()["map_size"])

    def standing(self) -> Path:
        """The file. Raises StoreLost where it is not the one that was opened."""
        path = self.folder / DATA
        try:
            found = _identity(path)
        except OSError as reason:
            raise lost(path, reason.strerror or str(reason)) from None
        if found != self.file:
            raise lost(path, "another file stands in its place")
        return path

    def check(self) -> None:
        """Raise StoreLost where the file is not the one that was opened, or is cut short."""
        path = self.standing()
        used = int(self._env.info()["last_pgno"]) * int(self._env.stat()["psize"])
        size = path.stat().st_size
        if size < used:
            raise lost(path, f"it has {size:,} bytes of {used:,}")

    def free(self) -> None:
        """Let go of the readers of processes that died: what they might read is not used again."""
        with as_store_error(self.folder):
            self._env.reader_check()

    def sync(self) -> None:
        """Write through to the disk what was only handed to the operating system."""
        with as_store_error(self.folder):
            self._env.sync(True)

    def copy(self, folder: Path) -> None:
        """A compact copy into an empty folder, on disk with its name and its folder's when this returns."""
        with as_store_error(folder):
            rewritten(self._env, folder)
            _named(folder)

    def close(self) -> None:
        """Let go of the file, once nobody is inside."""
        with self.gate.alone():
            self.closed = True
            self._env.close()


def _named(folder: Path) -> None:
    """Make the names of a file in a folder and of the folder survive: CURRENT may say them next."""
    sync_folder(folder)
    sync_folder(folder.parent)


def lost(path: Path, reason: str) -> StoreLost:
    """The error of a store whose file is not what it was."""
    return StoreLost(f"the store's file {path} is lost: {reason}; restore a backup, or serve another --store")


@contextlib.contextmanager
def as_store_error(path: Path) -> Iterator[None]:
    """What LMDB and the disk say, in our words."""
    try:
        yield
    except (lmdb.Error, OSError) as reason:
        raise stored(reason, path) from reason


def stored(reason: Exception, path: Path) -> StoreError:
    """The error that LMDB's or the disk's means."""
    number = getattr(reason, "errno", None) or getattr(reason, "code", None)
    full = number in (errno.ENOSPC, errno.EDQUOT) or isinstance(reason, lmdb.MapFullError | lmdb.DiskError)
    # LMDB says "Input/output error" of a write that the disk took a part of.
    short = "Input/output error" in str(reason) and _room(path) < _SCANT_BYTES
    if full or short or "No space left" in str(reason):
        return StoreFull(f"no space for the store {path}: {reason}; free some, nothing need be restarted")
    if isinstance(reason, FileNotFoundError) or "No such file" in str(reason):
        return StoreLost(f"there is no store at {path}; start `vitrina serve --store` to make one")
    if isinstance(
        reason, lmdb.InvalidError | lmdb.CorruptedError | lmdb.VersionMismatchError | lmdb.PanicError
    ):
        return StoreLost(f"the store {path} is damaged: {reason}; restore a backup")
    return StoreError(f"the store {path} failed: {reason}; see whether its disk and rights are in order")


def _room(path: Path) -> int:
    """Bytes free on the disk of a path; none where that cannot be told."""
    try:
        found = os.statvfs(path)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize


def _identity(path: Path) -> tuple[int, int]:
    status = os.stat(path)  # noqa: PTH116  # half the time of Path.stat, twice a commit
    return status.st_dev, status.st_ino
