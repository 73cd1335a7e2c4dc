"""The folder of a store on LMDB: what wrote it, and which of its generations counts.

FORMAT             what wrote this folder; a later format is refused
CURRENT            the name of the generation that counts; replaced by rename
000001/data.mdb    one LMDB file, see `generation.py`
tombstones.key     what ids that asked to be forgotten are hashed under, see `secret.py`
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vitrina.durable import sync_folder
from vitrina.errors import StoreError
from vitrina.state.generation import Generation, as_store_error, lost

FORMAT = "vitrina store 1, lmdb 0.9\n"
FIRST = "000001"
_FORMAT, _CURRENT, _LOCK = "FORMAT", "CURRENT", ".lock"
Mark = tuple[int, int]
"""Tells one CURRENT from the next."""


@dataclass(frozen=True)
class Folder:
    """Where a store lies."""

    path: Path

    def make(self, map_bytes: int) -> None:
        """Make an empty store where there is none. Several processes may try at once."""
        with as_store_error(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            sync_folder(self.path.parent)
            with self.alone():
                if not (self.path / _CURRENT).exists():
                    (self.path / FIRST).mkdir(exist_ok=True)
                    Generation.make(self.path / FIRST, map_bytes)
                    self.name(FIRST)

    def name(self, generation: str) -> None:
        """Make a generation the one that counts, on disk when this returns."""
        if not (self.path / _FORMAT).exists():
            _write(self.path / _FORMAT, FORMAT)
        _write(self.path / _CURRENT, f"{generation}\n")

    def recognise(self) -> None:
        """Raise StoreError for what another version wrote, StoreLost where there is nothing."""
        found = _read(self.path / _FORMAT)
        if found != FORMAT:
            raise StoreError(
                f"the store {self.path} says {found.strip()[:80]!r}, and this Vitrina reads "
                f"{FORMAT.strip()!r}; upgrade Vitrina, or serve another --store"
            )

    def current(self) -> Path:
        """The folder of the generation that counts. Raises StoreLost."""
        return self.path / _read(self.path / _CURRENT).strip()

    def prune(self) -> None:
        """Remove every generation that does not count, also what a compaction that was killed left."""
        kept = self.current().name
        for path in self.path.iterdir():
            if path.name != kept and path.name.isdecimal() and path.is_dir():
                shutil.rmtree(path)

    def mark(self) -> Mark:
        """Which CURRENT stands there. Raises StoreLost."""
        path = self.path / _CURRENT
        try:
            status = os.stat(path)  # noqa: PTH116  # half the time of Path.stat, on every read
        except OSError as reason:
            raise lost(path, reason.strerror or str(reason)) from None
        return status.st_ino, status.st_mtime_ns

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only one on this host to make or to compact this store."""
        with (self.path / _LOCK).open("a") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as reason:
        raise lost(path, reason.strerror or str(reason)) from None


def _write(path: Path, text: str) -> None:
    """Replace a small file at once, on disk when this returns."""
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    with draft.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.rename(path)
    sync_folder(path.parent)
