"""Catalogue updates on the wire: an UpdateItemsRequest's bytes into the store. Knows no transport."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vitrina.errors import InvalidRequest, StoreError, TimedOut
from vitrina.item_messages import check, fields, message
from vitrina.server import wire
from vitrina.server.events import EARLY_S
from vitrina.state.items import Outcome, said, updated
from vitrina.state.store import Store
from vitrina.updates import ItemUpdate, refusal
from vitrina.v1 import catalog_service_pb2 as v1

MAX_BYTES = 1 << 20
MAX_ITEMS = 1_000
PAGE_BYTES = 512 << 10
"""Of a page of what was said, about; a page has one item at least."""
_OUTCOMES = {"applied": v1.ITEM_OUTCOME_APPLIED, "superseded": v1.ITEM_OUTCOME_SUPERSEDED}


@dataclass(frozen=True)
class Read:
    """The updates of a request; in the place of one that cannot be taken, why. `blind`: keep none."""

    found: Sequence[ItemUpdate | str]
    blind: bool

    @property
    def updates(self) -> list[ItemUpdate]:
        """Those that can be taken."""
        return [one for one in self.found if isinstance(one, ItemUpdate)]

    def answer(self, outcomes: Sequence[str], tally: dict[str, int]) -> bytes:
        """The UpdateItemsResponse, given what became of `updates`; counted in `tally`."""
        became = iter(outcomes)
        message = v1.UpdateItemsResponse()
        for one in self.found:
            outcome = "rejected" if isinstance(one, str) else next(became)
            tally[outcome] = tally.get(outcome, 0) + 1
            if isinstance(one, str):
                message.results.add(outcome=v1.ITEM_OUTCOME_REJECTED, reason=one)
            else:
                message.results.add(outcome=_OUTCOMES[outcome])
        return message.SerializeToString()


@dataclass(frozen=True)
class Updater:
    """Keeps catalogue updates in a store; None where the server was given none."""

    store: Store | None

    def read(self, data: bytes, now: int) -> Read:
        """The updates of an UpdateItemsRequest. `now`: seconds since 1970 UTC.

        Raises Malformed and InvalidRequest for the whole of it.
        """
        message = wire.parse(v1.UpdateItemsRequest, data, MAX_BYTES)
        if not 1 <= len(message.items) <= MAX_ITEMS:
            raise InvalidRequest(f"items holds {len(message.items):,} entries; give 1 to {MAX_ITEMS:,}")
        return Read([_tried(one, now) for one in message.items], message.validate_only)

    async def update(self, read: Read, left_s: float) -> list[Outcome]:
        """What became of updates, known once they are on the disk.

        What is not acknowledged within `left_s` seconds may be on disk all the same, and may be sent again.
        Raises StoreError, StoreFull, Overloaded and TimedOut.
        """
        if self.store is None:
            raise StoreError("this server keeps no catalogue updates; start it with --store DIR")
        updates = read.updates
        if read.blind or not updates:
            return ["applied"] * len(updates)
        kept = asyncio.wrap_future(self.store.write(lambda to: updated(to, updates)))
        try:
            return await asyncio.wait_for(kept, max(0.0, left_s))
        except TimeoutError:
            raise TimedOut("the deadline passed before it was on disk; send it again") from None


def listed(store: Store | None, data: bytes) -> bytes:
    """The ListItemUpdatesResponse to a ListItemUpdatesRequest's bytes.

    Raises Malformed and InvalidRequest, and StoreError where there is no store or it cannot be read.
    """
    asked = wire.parse(v1.ListItemUpdatesRequest, data, MAX_BYTES)
    if not 0 <= asked.page_size <= MAX_ITEMS:
        raise InvalidRequest(f"page_size is {asked.page_size:,}; give 0 to {MAX_ITEMS:,}")
    if store is None:
        raise StoreError("this server keeps no catalogue updates; start it with --store DIR")
    page, room = v1.ListItemUpdatesResponse(), PAGE_BYTES
    with store.read() as reads:
        for one in said(reads, after=asked.page_token):
            if len(page.items) == (asked.page_size or MAX_ITEMS) or room <= 0:
                page.next_page_token = page.items[-1].item_id
                break
            page.items.append(message(one))
            room -= page.items[-1].ByteSize()
    return page.SerializeToString()


def _tried(told: Any, now: int) -> ItemUpdate | str:
    try:
        check(told)
        update = ItemUpdate(told.item_id, _time(told.time, now), fields(told))
    except InvalidRequest as reason:
        return str(reason)
    return refusal(update) or update


def _time(time: int, now: int) -> int:
    """When it became true; a clock that is a little ahead is put right. Raises InvalidRequest."""
    if not 0 <= time <= now + EARLY_S:
        raise InvalidRequest(
            f"time is {time}, {time - now:+,} s from now; at most {EARLY_S // 60} minutes ahead"
        )
    return min(time or now, now)
