"""Calls of CatalogService: updates sent in as few as fit, and what became of each."""

from __future__ import annotations

import base64
from array import array
from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple

from vitrina.errors import InvalidRequest
from vitrina.parcels import parcels
from vitrina.updates import ATTRIBUTE, STOCK, VECTOR, ItemUpdate, Value, refusal
from vitrina.v1 import catalog_service_pb2 as v1

METHOD = f"/{v1.DESCRIPTOR.services_by_name['CatalogService'].full_name}/UpdateItems"
MAX_ITEMS = 1_000
"""Items sent in one call."""
_ZERO = {"price": "price", "old_price": "old_price"} | {
    name: name + "_time" for name in ("available_from", "available_until")
}
"""Fields by their names on the wire, where 0 takes them away."""


class Updated(NamedTuple):
    """What became of an update; `reason` says why it was rejected."""

    outcome: Literal["applied", "superseded", "rejected"]
    reason: str = ""


def updated(call: Callable[[Any], Any], updates: Iterable[ItemUpdate], *, blind: bool) -> list[Updated]:
    """What became of updates, one by one; `blind` ones are only checked. Raises what `call` does."""
    found: list[Updated] = []
    for few in parcels(map(_message, updates), MAX_ITEMS, _size):
        request = v1.UpdateItemsRequest(items=few, validate_only=blind)
        found += [_result(one) for one in call(request).results]
    return found


def _size(message: Any) -> int:
    return int(message.ByteSize())


def _message(update: ItemUpdate) -> Any:
    """An update as it is sent. Raises InvalidRequest for one that no message can say."""
    why = refusal(update)
    if why:
        raise InvalidRequest(f"the update of {update.item_id[:64]!r} cannot be sent: {why}")
    message = v1.ItemUpdate(item_id=update.item_id, time=update.time)
    for name, value in update.fields.items():
        _say(message, name, value)
    return message


def _say(message: Any, name: str, value: Value) -> None:
    if name.startswith(ATTRIBUTE):
        message.attributes[name.removeprefix(ATTRIBUTE)] = str(value)
    elif name.startswith(STOCK):
        message.stock[name.removeprefix(STOCK)] = bool(value)
    elif name == "regions" and isinstance(value, tuple):
        message.regions.words[:] = value
        message.regions.SetInParent()
    elif name == "tags" and isinstance(value, tuple):
        message.tags.words[:] = value
        message.tags.SetInParent()
    elif name == VECTOR:
        message.image_vector.extend(array("f", base64.b64decode(str(value))))
    elif name in _ZERO:
        setattr(message, _ZERO[name], value or 0)
    elif value is not None:
        setattr(message, name, value)


def _result(message: Any) -> Updated:
    name = v1.ItemOutcome.Name(message.outcome).removeprefix("ITEM_OUTCOME_").lower()
    return Updated(name, message.reason)  # type: ignore[arg-type]  # the enum has no other
