"""Who is one person, and who asked to be forgotten.

An id stands under its kind: 'u' for a user, 'v' for a visitor, 'x' for what else the shop knows somebody by,
such as the hash of an e-mail address or a loyalty card. Ids that were joined are one golden record, however
and in whatever order they were joined. Of a forgotten id there is only an HMAC under a key of its own: who
reads the store, or guesses ids, learns nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from vitrina.durable import sync_folder
from vitrina.errors import InvalidRequest
from vitrina.state.events import unpacked
from vitrina.state.store import MAX_KEY, Reads, Store, Transaction, sequence_key, sequence_of
from vitrina.state.tables import LOG, META, PEOPLE, PROFILES, SEEN, SHOWN, TOMBSTONES

MAX_MEMBERS = 100
"""Ids of one person at most: a wrong join of many, such as of an address that all share, is refused."""
KEY_FILE = "tombstones.key"
_RECORD = b"="
_COUNT = b"forgotten"
_SINCE = b"forgotten.since"
"""Of the first one since the store was last compacted for that."""
COMPACT_S = 12 * 3600
"""How long after somebody was forgotten the store is compacted; others who ask meanwhile come along."""
_PAGE = 5_000


def members(reads: Reads, key: bytes) -> tuple[bytes, ...]:
    """All ids of the person that an id is of, itself included, ascending."""
    root = reads.get(PEOPLE, key)
    held = reads.get(PEOPLE, _RECORD + root) if root else None
    return tuple(held.split(b"\0")) if held else (key,)


def joining(keys: Sequence[bytes]) -> Callable[[Transaction], tuple[bytes, ...]]:
    """A work that makes ids one person, with all whom they were joined with before; gives all ids of it.

    Done twice it is done once. Raises InvalidRequest where it would be of more than MAX_MEMBERS ids.
    """

    def join(to: Transaction) -> tuple[bytes, ...]:
        every = sorted({member for key in keys for member in members(to, key)})
        if len(every) > MAX_MEMBERS:
            raise InvalidRequest(
                f"that would be one person of {len(every)} ids; at most {MAX_MEMBERS}: is one of them shared?"
            )
        for root in {to.get(PEOPLE, one) for one in every} - {None}:
            to.delete(PEOPLE, _RECORD + root)  # type: ignore[operator]  # None is taken out
        for one in every:
            to.put(PEOPLE, one, every[0])
        to.put(PEOPLE, _RECORD + every[0], b"\0".join(every))
        return tuple(every)

    return join


class Tombstones:
    """Who asked to be forgotten, for one process. `folder`: of the store, where the key lies once it is made.

    Knows of the last time that it looked; safe for threads, since what it knows is swapped by assignment.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / KEY_FILE
        self._key = b""
        self._known: tuple[bytes, Collection[bytes]] = (b"", frozenset())

    def look(self, reads: Reads) -> bool:
        """See who asked to be forgotten by now; whether anybody did."""
        count = reads.get(META, _COUNT) or b""
        if count != self._known[0]:
            found = frozenset(key for key, _ in reads.scan(TOMBSTONES))
            self._key = self._key or self._file.read_bytes()
            self._known = (count, found)
        return bool(self._known[1])

    def holds(self, keys: Sequence[bytes]) -> bool:
        """Whether one of some ids asked to be forgotten, as far as was seen by the last look."""
        return bool(self._known[1]) and any(self._of(key) in self._known[1] for key in keys)

    def forgetting(self, keys: Sequence[bytes], now: int) -> Callable[[Transaction], tuple[bytes, ...]]:
        """A work that forgets the persons of some ids: what they did lately is gone, what is still on its way
        is not taken, and no list follows from them. Gives all their ids, for `erasing`."""
        self._make()

        def forget(to: Transaction) -> tuple[bytes, ...]:
            every = sorted({member for key in keys for member in members(to, key)})
            for root in {to.get(PEOPLE, one) for one in every} - {None}:
                to.delete(PEOPLE, _RECORD + root)  # type: ignore[operator]  # None is taken out
            for one in every:
                to.put(TOMBSTONES, self._of(one), now.to_bytes(8, "big"))
                for table in (PEOPLE, PROFILES, SHOWN):
                    to.delete(table, one)
            count = sequence_of(to.get(META, _COUNT) or b"")
            to.put(META, _COUNT, sequence_key(count + 1))
            if to.get(META, _SINCE) is None:
                to.put(META, _SINCE, sequence_key(now))
            return tuple(every)

        return forget

    def _of(self, key: bytes) -> bytes:
        return hmac.digest(self._key, key, "sha256")

    def _make(self) -> None:
        """Have a key; of several processes one makes it."""
        try:
            handle = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            self._key = self._file.read_bytes()
            return
        with os.fdopen(handle, "wb") as stream:
            stream.write(secrets.token_bytes(32))
            stream.flush()
            os.fsync(stream.fileno())
        sync_folder(self._file.parent)
        self._key = self._file.read_bytes()


def erasing(keys: Collection[bytes], after: int) -> Callable[[Transaction], tuple[int, int]]:
    """A work that takes what some ids did out of the log, from behind a sequence number on.

    Gives the sequence number to go on behind, 0 at the end, and how many events went.
    """
    texts = [key[1:] for key in keys]
    users = {key[1:].decode("utf-8", "surrogatepass") for key in keys if key[:1] == b"u"}
    visitors = {key[1:].decode("utf-8", "surrogatepass") for key in keys if key[:1] == b"v"}

    def erase(to: Transaction) -> tuple[int, int]:
        page = to.feed(LOG, after, _PAGE)
        gone = 0
        for number, value in page:
            event = unpacked(value).event
            if event.user_id in users or event.visitor_id in visitors:
                to.delete(LOG, sequence_key(number))
                to.delete(SEEN, event.id.encode())
                gone += 1
        return (page[-1][0] if len(page) == _PAGE else 0), gone

    assert texts
    return erase


def purge(store: Store, now: int) -> bool:
    """Compact a store some hours after somebody was forgotten, so that no byte of them is left; whether so.

    `now`: seconds since 1970 UTC. Of several processes more than one may do it. Raises StoreError.
    """
    with store.read() as reads:
        since = reads.get(META, _SINCE)
    if since is None or now < sequence_of(since) + COMPACT_S:
        return False
    store.compact()

    def clear(to: Transaction) -> None:
        if to.get(META, _SINCE) == since:
            to.delete(META, _SINCE)

    store.write(clear).result()
    return True


def key_of(kind: str, text: str) -> bytes:
    """The key of an id. `kind`: 'u', 'v' or 'x'. Raises InvalidRequest for what no key can be."""
    key = kind.encode() + text.encode("utf-8", "surrogatepass")
    if not text or b"\0" in key or len(key) >= MAX_KEY - 1:
        raise InvalidRequest(
            f"{text[:40]!r} is no id: it must say something, without NUL, in less than 500 bytes"
        )
    return key


def hashes(text: str) -> dict[str, str]:
    """The plain hashes by which anybody could recognise an id, as hexadecimal text, by their names."""
    names = ("md5", "sha1", "sha256", "blake2b")
    return {name: hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest() for name in names}
