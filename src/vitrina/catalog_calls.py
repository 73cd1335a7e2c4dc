"""Calls of CatalogService: updates sent in as few as fit, and what became of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple

from vitrina.errors import InvalidRequest
from vitrina.item_messages import fields, message
from vitrina.parcels import parcels
from vitrina.updates import ItemUpdate, refusal
from vitrina.v1 import catalog_service_pb2 as v1

_SERVICE: str = v1.DESCRIPTOR.services_by_name["CatalogService"].full_name
UPDATE, LIST = f"/{_SERVICE}/UpdateItems", f"/{_SERVICE}/ListItemUpdates"
MAX_ITEMS = 1_000
"""Items sent in one call."""


class Updated(NamedTuple):
    """What became of an update; `reason` says why it was rejected."""

    outcome: Literal["applied", "superseded", "rejected"]
    reason: str = ""


def updated(call: Callable[[Any], Any], updates: Iterable[ItemUpdate], *, blind: bool) -> list[Updated]:
    """What became of updates, one by one; `blind` ones are only checked. Raises what `call` does."""
    found: list[Updated] = []
    for few in parcels(map(_checked, updates), MAX_ITEMS, _size):
        request = v1.UpdateItemsRequest(items=few, validate_only=blind)
        found += [_result(one) for one in call(request).results]
    return found


def listed(call: Callable[[Any], Any]) -> Iterator[ItemUpdate]:
    """What was said of items, page after page. Raises what `call` does."""
    token = ""
    while True:
        page = call(v1.ListItemUpdatesRequest(page_token=token))
        yield from (ItemUpdate(one.item_id, one.time, fields(one)) for one in page.items)
        token = page.next_page_token
        if not token:
            return


def _checked(update: ItemUpdate) -> Any:
    """An update as it is sent. Raises InvalidRequest for one that no message can say."""
    why = refusal(update)
    if why:
        raise InvalidRequest(f"the update of {update.item_id[:64]!r} cannot be sent: {why}")
    return message(update)


def _size(message: Any) -> int:
    return int(message.ByteSize())


def _result(message: Any) -> Updated:
    name = v1.ItemOutcome.Name(message.outcome).removeprefix("ITEM_OUTCOME_").lower()
    return Updated(name, message.reason)  # type: ignore[arg-type]  # the enum has no other
