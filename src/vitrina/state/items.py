"""What the shop says anew of items, in the store: of each item the latest of each field, and a feed of changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

from vitrina.state.store import Reads, Store, Transaction
from vitrina.state.tables import CHANGES, ITEMS
from vitrina.state.tailer import Appended, Tailer
from vitrina.updates import Fields, ItemUpdate, State, Value, latest, merged

Outcome = Literal["applied", "superseded"]
Said = Mapping[str, Fields]

_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def packed(state: State) -> bytes:
    """What is known of an item as the store holds it: a line of JSON."""
    return _dumps(state).encode("utf-8", "surrogatepass")


def unpacked(value: bytes | None) -> State:
    """What `packed` wrote; nothing where nothing was."""
    if not value:
        return {}
    told = json.loads(value.decode("utf-8", "surrogatepass"))
    return {name: (time, _frozen(one)) for name, (time, one) in told.items()}


def _frozen(value: Value | list[str]) -> Value:
    return tuple(value) if isinstance(value, list) else value


def updated(to: Transaction, updates: Sequence[ItemUpdate]) -> list[Outcome]:
    """Take updates that `updates.refusal` lets pass; what became of each. Doing it twice does it once.

    One is superseded where all that it says was said anew at a later time already.
    """
    outcomes: list[Outcome] = []
    for one in updates:
        key = one.item_id.encode("utf-8", "surrogatepass")
        old = unpacked(to.get(ITEMS, key))
        new = merged(old, one)
        outcomes.append("applied" if any(new[name][0] == one.time for name in one.fields) else "superseded")
        if new != old:
            to.put(ITEMS, key, packed(new))
        if latest(new) != latest(old):
            to.append(CHANGES, key)
    return outcomes


def said(reads: Reads) -> Iterator[tuple[str, dict[str, Value]]]:
    """Each item of which anything was said, and all of it."""
    for key, value in reads.scan(ITEMS):
        yield key.decode("utf-8", "surrogatepass"), latest(unpacked(value))


def follow(store: Store, tell: Callable[[Said], None]) -> Tailer:
    """Tell all that was said, and then what is said, as soon as it is on disk, by whichever process.

    Raises StoreError where the store cannot be read at first.
    """

    def take(page: Appended) -> None:
        names = dict.fromkeys(key for _, key in page)
        with store.read() as reads:
            found = {key: latest(unpacked(reads.get(ITEMS, key))) for key in names}
        tell({key.decode("utf-8", "surrogatepass"): fields for key, fields in found.items()})

    with store.read() as reads:
        after = reads.last(CHANGES)
        first = dict(said(reads))
    if first:
        tell(first)
    tailer = Tailer(store, CHANGES, take, after)
    tailer.start()
    return tailer
