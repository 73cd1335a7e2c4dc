"""Who is one person, and who asked to be forgotten.

An id stands under its kind: 'u' for a user, 'v' for a visitor, 'x' for what else the shop knows somebody by,
such as the hash of an e-mail address or a loyalty card. Ids that were joined are one golden record, however
and in whatever order they were joined. Of a forgotten id there is only an HMAC under a key of its own: who
reads the store, or guesses ids, learns nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from vitrina.errors import InvalidRequest
from vitrina.state.secret import made_secret, secret
from vitrina.state.store import MAX_KEY, Reads, Transaction, sequence_key, sequence_of
from vitrina.state.tables import ERASING, META, PEOPLE, PROFILES, SHOWN, TOMBSTONES

MAX_MEMBERS = 100
"""Ids of one person at most: a wrong join of many, such as of an address that all share, is refused."""
COUNT = b"forgotten"
"""In META: how often somebody asked to be forgotten."""
SINCE = b"forgotten.since"
"""In META: when the first one did since the store was last compacted for that."""
_RECORD = b"="


def members(reads: Reads, key: bytes) -> tuple[bytes, ...]:
    """All ids of the person that an id is of, itself included, ascending."""
    root = reads.get(PEOPLE, key)
    held = reads.get(PEOPLE, _RECORD + root) if root else None
    return tuple(held.split(b"\0")) if held else (key,)


def joining(
    keys: Sequence[bytes], tombstones: Tombstones | None = None
) -> Callable[[Transaction], tuple[bytes, ...]]:
    """A work that makes ids one person, with all whom they were joined with before; gives all ids of it.

    Done twice it is done once. Raises InvalidRequest where it would be of more than MAX_MEMBERS ids, or
    where `tombstones` hold one of them: nobody is known by a forgotten id again.
    """

    def join(to: Transaction) -> tuple[bytes, ...]:
        if tombstones is not None and tombstones.look(to) and tombstones.holds(keys):
            raise InvalidRequest("one of these ids asked to be forgotten; join the others without it")
        every = sorted({member for key in keys for member in members(to, key)})
        if len(every) > MAX_MEMBERS:
            raise InvalidRequest(
                f"that would be one person of {len(every)} ids; at most {MAX_MEMBERS}: is one of them shared?"
            )
        _part(to, every)
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
        self._folder = folder
        self._known: tuple[bytes, bytes, Collection[bytes]] = (b"", b"", frozenset())

    def look(self, reads: Reads) -> bool:
        """See who asked to be forgotten by now; whether anybody did. Raises StoreLost without the key."""
        count = reads.get(META, COUNT) or b""
        if count != self._known[0]:
            found = frozenset(key for key, _ in reads.scan(TOMBSTONES))
            # A backup in the place of this store may have a key of its own.
            self._known = (count, secret(self._folder) if found else b"", found)
        return bool(self._known[2])

    def holds(self, keys: Sequence[bytes]) -> bool:
        """Whether one of some ids asked to be forgotten, as far as was seen by the last look."""
        _, key, found = self._known
        return bool(found) and any(_stone(key, one) in found for one in keys)

    def forgetting(self, keys: Sequence[bytes], now: int) -> Callable[[Transaction], tuple[bytes, ...]]:
        """A work that forgets the persons of some ids: what they did lately is gone, what is still on its way
        is not taken, and no list follows from them. Gives all their ids, for `erasing`, with those that were
        forgotten before and are not erased yet.

        Raises StoreLost where the key is gone that others were forgotten under.
        """

        def forget(to: Transaction) -> tuple[bytes, ...]:
            held = any(True for _ in to.scan(TOMBSTONES))
            # Made in here, one process at a time, and before what is known by it; a second run finds it.
            key = secret(self._folder) if held else made_secret(self._folder)
            begun = {name: person_of(value)[1] for name, value in to.scan(ERASING)}
            same = [name for name, ids in begun.items() if not {*ids}.isdisjoint(keys)]
            named = {*keys, *(one for name in same for one in begun[name])}
            every = tuple(sorted({member for one in named for member in members(to, one)}))
            _part(to, every)
            for one in every:
                to.put(TOMBSTONES, _stone(key, one), sequence_key(now))
                for table in (PEOPLE, PROFILES, SHOWN):
                    to.delete(table, one)
            for name in same:
                to.delete(ERASING, name)
            to.put(ERASING, every[0], sequence_key(now) + b"\0".join(every))
            to.put(META, COUNT, sequence_key(sequence_of(to.get(META, COUNT) or b"") + 1))
            if to.get(META, SINCE) is None:
                to.put(META, SINCE, sequence_key(now))
            return every

        return forget


def person_of(value: bytes) -> tuple[int, tuple[bytes, ...]]:
    """A value of ERASING: when somebody was forgotten, in seconds since 1970 UTC, and all their ids."""
    return sequence_of(value[:8]), tuple(value[8:].split(b"\0"))


def _part(to: Transaction, ids: Sequence[bytes]) -> None:
    """Take away the golden records of ids."""
    for root in {to.get(PEOPLE, one) for one in ids} - {None}:
        to.delete(PEOPLE, _RECORD + root)  # type: ignore[operator]  # None is taken out


def _stone(key: bytes, one: bytes) -> bytes:
    return hmac.digest(key, one, "sha256")


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
