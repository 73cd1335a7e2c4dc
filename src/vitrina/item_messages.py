"""What is said of an item as a message, and back."""

from __future__ import annotations

import base64
import math
from array import array
from typing import Any

from vitrina.errors import InvalidRequest
from vitrina.updates import ATTRIBUTE, STOCK, VECTOR, ItemUpdate, Value
from vitrina.v1 import catalog_service_pb2 as v1

MAX_ATTRIBUTES = 200
MAX_REGIONS = 1_000
MAX_VECTOR = 4_096
_SAME = ("title", "category", "product_id", "image", "url", "in_stock", "removed", "margin")
_POSITIVE = ("price", "old_price")
_MOMENTS = ("available_from", "available_until")
_ZERO = {one: one for one in _POSITIVE} | {one: one + "_time" for one in _MOMENTS}
"""Fields by their names on the wire, where 0 takes them away."""


def message(update: ItemUpdate) -> Any:
    """An update as it is sent: one that `updates.refusal` lets pass."""
    found = v1.ItemUpdate(item_id=update.item_id, time=update.time)
    for name, value in update.fields.items():
        _say(found, name, value)
    return found


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


def fields(message: Any) -> dict[str, Value]:
    """What a message says."""
    found: dict[str, Value] = {one: getattr(message, one) for one in _SAME if message.HasField(one)}
    found |= {one: getattr(message, one) or None for one in _POSITIVE if message.HasField(one)}
    found |= {
        one: getattr(message, one + "_time") or None for one in _MOMENTS if message.HasField(one + "_time")
    }
    found |= {ATTRIBUTE + name: text for name, text in message.attributes.items()}
    found |= {STOCK + region: there for region, there in message.stock.items()}
    found |= {one: tuple(getattr(message, one).words) for one in ("tags", "regions") if message.HasField(one)}
    if message.image_vector:
        found[VECTOR] = base64.b64encode(array("f", message.image_vector)).decode()
    return found


def check(message: Any) -> None:
    """Raise InvalidRequest for an update that says too much at once. What was said in several, and is given
    together, may be more."""
    _few(message.attributes, "attributes", MAX_ATTRIBUTES)
    _few(message.stock, "stock", MAX_REGIONS)
    _few(message.image_vector, VECTOR, MAX_VECTOR)
    if not all(map(math.isfinite, message.image_vector)):
        raise InvalidRequest(f"{VECTOR} holds a number that is none")


def _few(values: Any, name: str, most: int) -> None:
    if len(values) > most:
        raise InvalidRequest(f"{name} holds {len(values):,} entries; at most {most:,}")
