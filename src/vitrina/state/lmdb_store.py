"""The store on LMDB: one writer at a time on a host, readers that never wait, several processes.

A write counts only if, holding LMDB's lock, CURRENT still names the file that was written, and the file
still stands there after the commit: nothing is acknowledged into a file that was removed or replaced.
Values are copied out of the map when they are read (0.2 us for a profile): what is mapped is written
over, and moves when the map grows.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import lmdb

from vitrina.durable import sync_folder
from vitrina.errors import StoreError, StoreLost
from vitrina.state.failpoints import reach
from vitrina.state.folder import FIRST, Folder, Mark
from vitrina.state.generation import MAX_BYTES, Generation, as_store_error, stored
from vitrina.state.group import Answers, Group, Work
from vitrina.state.secret import copy_secret
from vitrina.state.store import Ack, Reads, Transaction

T = TypeVar("T")
MAP_BYTES = 1 << 30
"""Address space mapped at first; the file itself grows with what is written."""


class LmdbStore:
    """A store in a folder. `create`: make it where there is none. Raises StoreError where it cannot open.

    A process opens a folder once. `ack` is this process's; `map_bytes` where the map starts to grow from.
    """

    def __init__(
        self, folder: Path, *, create: bool = False, ack: Ack = "durable", map_bytes: int = MAP_BYTES
    ) -> None:
        self.folder, self.ack, self._map_bytes = folder, ack, map_bytes
        self._home = Folder(folder)
        if create:
            self._home.make(map_bytes)
        self._home.recognise()
        self._turn = threading.Lock()
        self._mark, self._generation = self._opened()
        self._group = Group(self._commit)

    def read(self) -> _Snapshot:
        """As `Store.read`."""
        return _Snapshot(self)

    def write(self, work: Callable[[Transaction], T]) -> Future[T]:
        """As `Store.write`."""
        return self._group.submit(work)

    def check(self) -> None:
        """As `Store.check`."""
        self._now().check()

    def tend(self) -> None:
        """As `Store.tend`."""
        generation = self._enter()
        try:
            generation.free()
            if self.ack != "durable":
                generation.sync()
        finally:
            generation.gate.leave()

    def backup(self, folder: Path) -> None:
        """As `Store.backup`; the folder must not exist. It does when all of it is on the disk."""
        if folder.exists():
            raise StoreError(f"{folder} exists already; name a folder that does not")
        draft = folder.parent / f".draft-{folder.name}"
        with as_store_error(folder):
            shutil.rmtree(draft, ignore_errors=True)
            (draft / FIRST).mkdir(parents=True)
            self._now().copy(draft / FIRST)
            copy_secret(self.folder, draft)  # after the tombstones, which it is made before
            Folder(draft).name(FIRST)
            draft.rename(folder)
            sync_folder(folder.parent)

    def compact(self) -> None:
        """As `Store.compact`. Two at once take turns."""
        with self._home.alone(), as_store_error(self.folder):
            self._tried(self._replaced)
            self._home.prune()

    def _replaced(self, old: Generation) -> None:
        """Put a compact copy in the place of a generation."""
        fresh = self.folder / f"{int(old.folder.name) + 1:06d}"
        # Whoever writes waits for this transaction, and looks at CURRENT when it has its turn.
        with self._writing(old):
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir()
            old.copy(fresh)
            reach("compact.copied")
            self._home.name(fresh.name)
            reach("compact.switched")

    def close(self) -> None:
        """As `Store.close`."""
        self._group.close()
        self._generation.close()

    def _commit(self, works: Sequence[Work], early: Callable[[Answers], None]) -> Answers:
        """Do works in one transaction; where one fails, each in its own, so that it fails alone."""
        try:
            return self._together(works, early if self.ack == "memory" else None)
        except StoreError:
            raise
        except Exception as reason:
            if len(works) == 1:
                return [reason]
            return [one for work in works for one in self._commit([work], early)]

    def _together(self, works: Sequence[Work], early: Callable[[Answers], None] | None) -> Answers:
        def attempt(generation: Generation) -> Answers:
            with self._writing(generation) as transaction:
                tables = generation.tables(transaction)
                found = [work(tables) for work in works]
                tables.finish()
                reach("apply.after")
                if early:
                    early(found)
                reach("commit.before")
                transaction.commit()
                reach("commit.after")
                generation.standing()
            return found

        return self._tried(attempt)

    @contextlib.contextmanager
    def _writing(self, generation: Generation) -> Iterator[Any]:
        """The transaction that writes, waited for; aborted at the end if it was not committed.

        Raises _Overtaken where another generation took over meanwhile, and StoreLost.
        """
        transaction = generation.writer()
        try:
            if self._home.mark() != self._mark:
                raise _Overtaken
            generation.standing()
            yield transaction
        finally:
            transaction.abort()

    def _tried(self, do: Callable[[Generation], T]) -> T:
        """Do something inside the generation that counts, again while what keeps it from it can be mended."""
        while True:
            generation = self._enter()
            try:
                return do(generation)
            except (lmdb.Error, _Overtaken) as reason:
                trouble = reason
            finally:
                generation.gate.leave()
            self._mend(generation, trouble)

    def _mend(self, generation: Generation, trouble: Exception) -> None:
        """Make room in the map, so that what failed may be tried again; raise what cannot be mended."""
        if isinstance(trouble, _Overtaken):
            return
        if isinstance(trouble, lmdb.MapResizedError):
            generation.grow(0)
        elif isinstance(trouble, lmdb.MapFullError) and generation.map_bytes < MAX_BYTES:
            generation.grow(2 * generation.map_bytes)
        else:
            if isinstance(trouble, lmdb.PanicError):
                generation.close()  # and opened again by whoever comes next
            raise stored(trouble, self.folder) from trouble

    def _enter(self) -> Generation:
        """Come in by the gate of the generation that counts."""
        while True:
            generation = self._now()
            generation.gate.enter()
            if not generation.closed:
                return generation
            generation.gate.leave()  # another took over meanwhile

    def _now(self) -> Generation:
        """The generation that counts, opened where another has taken over. Raises StoreLost."""
        if self._generation.closed or self._home.mark() != self._mark:
            with self._turn:
                if self._generation.closed or self._home.mark() != self._mark:
                    self._generation.close()
                    self._mark, self._generation = self._opened()
        return self._generation

    def _opened(self) -> tuple[Mark, Generation]:
        while True:
            mark = self._home.mark()
            where = self._home.current()
            try:
                return mark, Generation(where, self.ack, self._map_bytes)
            except StoreLost:
                if self._home.mark() == mark:
                    raise


class _Overtaken(Exception):
    """Another generation took over while this one was waited for."""


class _Snapshot:
    """One moment of the store, while its block lasts."""

    def __init__(self, store: LmdbStore) -> None:
        self._store = store

    def __enter__(self) -> Reads:
        while True:
            self._generation = self._store._enter()
            try:
                self._transaction: Any = self._generation.reader()
            except lmdb.Error as trouble:
                self._generation.gate.leave()
                self._store._mend(self._generation, trouble)
            else:
                return self._generation.tables(self._transaction)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transaction.abort()
        self._generation.gate.leave()
        if isinstance(error, lmdb.Error):
            raise stored(error, self._store.folder) from error
