"""Catalogue updates on the wire: an UpdateItemsRequest's bytes into the store. Knows no transport."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vitrina.errors import InvalidRequest, StoreError, TimedOut
from vitrina.server import wire
from vitrina.server.events import EARLY_S
from vitrina.state.items import Outcome, updated
from vitrina.state.store import Store
from vitrina.updates import ATTRIBUTE, STOCK, VECTOR, ItemUpdate, Value, refusal
from vitrina.v1 import catalog_service_pb2 as v1

MAX_BYTES = 1 << 20
MAX_ITEMS = 1_000
MAX_ATTRIBUTES = 200
MAX_REGIONS = 1_000
MAX_VECTOR = 4_096
_SAME = ("title", "category", "product_id", "image", "url", "in_stock", "removed", "margin")
_POSITIVE = ("price", "old_price")
_MOMENTS = ("available_from", "available_until")
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


def _tried(message: Any, now: int) -> ItemUpdate | str:
    try:
        update = ItemUpdate(message.item_id, _time(message.time, now), _fields(message))
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


def _fields(message: Any) -> dict[str, Value]:
    """What a message says. Raises InvalidRequest."""
    _few(message.attributes, "attributes", MAX_ATTRIBUTES)
    _few(message.stock, "stock", MAX_REGIONS)
    _few(message.image_vector, VECTOR, MAX_VECTOR)
    fields: dict[str, Value] = {one: getattr(message, one) for one in _SAME if message.HasField(one)}
    fields |= {one: getattr(message, one) or None for one in _POSITIVE if message.HasField(one)}
    fields |= {
        one: getattr(message, one + "_time") or None for one in _MOMENTS if message.HasField(one + "_time")
    }
    fields |= {ATTRIBUTE + name: text for name, text in message.attributes.items()}
    fields |= {STOCK + region: there for region, there in message.stock.items()}
    fields |= {
        one: tuple(getattr(message, one).words) for one in ("tags", "regions") if message.HasField(one)
    }
    if message.image_vector:
        vector = np.array(message.image_vector, "<f4")
        if not np.isfinite(vector).all():
            raise InvalidRequest(f"{VECTOR} holds a number that is none")
        fields[VECTOR] = base64.b64encode(vector.tobytes()).decode()
    return fields


def _few(values: Any, name: str, most: int) -> None:
    if len(values) > most:
        raise InvalidRequest(f"{name} holds {len(values):,} entries; at most {most:,}")
