"""Forgetting, to its end: what a person did leaves the log and the profiles of others, and later the file.

Who asked is known, and what they did lately gone, in one transaction; the log takes many. Until the last, the
ids stand in ERASING: whoever is told again, or keeps up the store, goes on where a process died.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence

from vitrina.state.events import unpacked
from vitrina.state.failpoints import reach
from vitrina.state.people import COUNT, SINCE, Tombstones, person_of
from vitrina.state.profiles import without
from vitrina.state.recording import keys_of
from vitrina.state.store import Store, Transaction, sequence_key, sequence_of
from vitrina.state.tables import ERASING, LOG, META, PROFILES, SEEN, SHOWN

COMPACT_S = 12 * 3600
"""How long after somebody was forgotten the store is compacted; others who ask meanwhile come along."""
LEFT_S = 600
"""How long an erasing may take before others take it for left by a process that died, and do it too."""
_PAGE = 5_000


def forget(
    store: Store, tombstones: Tombstones, keys: Sequence[bytes], now: int
) -> tuple[tuple[bytes, ...], int]:
    """Forget the persons of some ids, and take what they did out of the log: their ids, and how many events.

    Said again after a process died in between, it ends what that began, with all ids that it knew of.
    `now`: seconds since 1970 UTC. Raises StoreError.
    """
    every = store.write(tombstones.forgetting(keys, now)).result()
    reach("erase.before")
    return every, _erased(store, every)


def resume(store: Store, now: int) -> int:
    """End the erasing that processes began and did not end; how many events went. Raises StoreError."""
    with store.read() as reads:
        begun = [person_of(value) for _, value in reads.scan(ERASING)]
    return sum(_erased(store, ids) for since, ids in begun if since + LEFT_S <= now)


def purge(store: Store, now: int) -> bool:
    """Compact a store some hours after somebody was forgotten, so that no byte of them is left; whether so.

    Not while somebody is being erased: what leaves the log later would stay in the file. `now`: seconds since
    1970 UTC. Of several processes more than one may do it. Raises StoreError.
    """
    with store.read() as reads:
        since, count = reads.get(META, SINCE), reads.get(META, COUNT)
        busy = any(True for _ in reads.scan(ERASING))
    if since is None or busy or now < sequence_of(since) + COMPACT_S:
        return False
    store.compact()

    def clear(to: Transaction) -> None:
        if to.get(META, COUNT) == count:
            to.delete(META, SINCE)
        elif to.get(META, SINCE) is not None:  # somebody asked meanwhile, and may lie in the new file
            to.put(META, SINCE, sequence_key(now))

    store.write(clear).result()
    return True


def erasing(keys: Collection[bytes], after: int) -> Callable[[Transaction], tuple[int, int]]:
    """A work that takes what some ids did out of the log, from behind a sequence number on, and out of the
    profiles of other ids that it was done under too, such as the visitor of a browser.

    Gives the sequence number to go on behind, 0 at the end, and how many events went.
    """
    ids = frozenset(keys)

    def erase(to: Transaction) -> tuple[int, int]:
        page = to.feed(LOG, after, _PAGE)
        gone = 0
        others: dict[bytes, list[int]] = defaultdict(list)
        for number, value in page:
            event = unpacked(value).event
            owners = keys_of(event.user_id, event.visitor_id)
            if ids.isdisjoint(owners):
                continue
            to.delete(LOG, sequence_key(number))
            to.delete(SEEN, event.id.encode())
            gone += 1
            for other in set(owners) - ids:
                others[other].append(number)
        for other, numbers in others.items():
            _undone(to, other, numbers)
        return (page[-1][0] if len(page) == _PAGE else 0), gone

    return erase


def _erased(store: Store, ids: tuple[bytes, ...]) -> int:
    """Take what some ids did out of the whole log, and note that it is done; how many events went."""
    after, events = store.write(erasing(ids, 0)).result()
    while after:
        after, gone = store.write(erasing(ids, after)).result()
        events += gone

    def done(to: Transaction) -> None:
        held = to.get(ERASING, ids[0])
        if held is not None and person_of(held)[1] == ids:
            to.delete(ERASING, ids[0])

    store.write(done).result()
    return events


def _undone(to: Transaction, owner: bytes, numbers: Sequence[int]) -> None:
    """Take events out of what an id did and was shown."""
    for table in (PROFILES, SHOWN):
        if held := to.get(table, owner):
            if left := without(held, numbers):
                to.put(table, owner, left)
            else:
                to.delete(table, owner)
