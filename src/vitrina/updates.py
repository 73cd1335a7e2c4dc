"""What a shop says anew of an item: some fields, each at a time; of each the latest counts.

    title, category ('a > b'), image, url, product_id     texts
    price, old_price, margin                              numbers above 0; None for unknown
    in_stock, removed                                     yes or no
    stock/REGION                                          whether a region, store or price zone has it
    regions, tags                                         lists of words, whole; no region: all of them
    available_from, available_until                       seconds since 1970 UTC; None for always
    attributes/NAME                                       a text; '' takes it away
    image_vector                                          float32 numbers of its photo, as base64

Pure: no arrays, no disk.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

MAX_ID_BYTES = 256
"""As in `ids`, which a client does without."""

Value = str | float | bool | int | tuple[str, ...] | None
Fields = Mapping[str, Value]
State = dict[str, tuple[int, Value]]
"""Of each field what was said last, and when, in seconds since 1970 UTC."""

STOCK, ATTRIBUTE, VECTOR = "stock/", "attributes/", "image_vector"
MAX_TEXT = 4096
MAX_WORDS = 1000
MAX_VECTOR = 22_000
"""Of base64: 4,096 numbers."""
_TEXTS = ("title", "category", "image", "url", "product_id")
_NUMBERS = ("price", "old_price", "margin")
_FLAGS = ("in_stock", "removed")
_WORDS = ("regions", "tags")
_MOMENTS = ("available_from", "available_until")
_SHORT = ("category", "product_id")
"""Texts that are coded, so an id's length bounds them."""


@dataclass(frozen=True)
class ItemUpdate:
    """What is said of one item at a time, in seconds since 1970 UTC."""

    item_id: str
    time: int
    fields: Fields


def refusal(update: ItemUpdate) -> str:
    """Why an update cannot be taken; empty where it can."""
    if not update.item_id:
        return "item_id is empty; say which item"
    if not _fits(update.item_id):
        return f"item_id is longer than {MAX_ID_BYTES} bytes or holds a NUL"
    if not update.fields:
        return "it says nothing; give at least one field"
    return next((why for name, value in update.fields.items() if (why := _refusal(name, value))), "")


def _refusal(name: str, value: Value) -> str:
    kind, _, rest = name.partition("/")
    if name in _TEXTS or kind + "/" == ATTRIBUTE:
        most = MAX_ID_BYTES if rest or name in _SHORT else MAX_TEXT
        wrong = not isinstance(value, str) or len(value.encode()) > most or "\0" in value
        return f"{name} must be a text of at most {most} bytes" if wrong else _named(name, rest)
    if kind + "/" == STOCK or name in _FLAGS:
        return _named(name, rest) if isinstance(value, bool) else f"{name} must be yes or no"
    if name in _NUMBERS:
        return _bad_number(name, value)
    if name in _MOMENTS:
        fine = value is None or (type(value) is int and abs(value) < 1 << 62)
        return "" if fine else f"{name} must be whole seconds since 1970"
    if name == VECTOR:
        return "" if isinstance(value, str) and len(value) <= MAX_VECTOR else f"{name} is too long"
    if name in _WORDS:
        return _bad_words(name, value)
    return f"{name} is no field of an item"


def _fits(text: str) -> bool:
    """Whether a text may be an id or a value."""
    return bool(text) and len(text.encode("utf-8", "surrogatepass")) <= MAX_ID_BYTES and "\0" not in text


def _named(name: str, rest: str) -> str:
    return "" if "/" not in name or (_fits(rest) and "/" not in rest) else f"{name} names nothing"


def _bad_number(name: str, value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return f"{name} must be a number"
    least = "" if value > 0 or name == "margin" else f"{name} is {value}; it must be above 0"
    return least or ("" if abs(value) < 1e12 else f"{name} is {value}; that is no amount of money")


def _bad_words(name: str, value: Value) -> str:
    if not isinstance(value, tuple) or len(value) > MAX_WORDS:
        return f"{name} must be a list of at most {MAX_WORDS:,} words"
    return "" if all(map(_fits, value)) else f"{name} holds a word that is empty or too long"


def merged(state: State, update: ItemUpdate) -> State:
    """What is known after an update, whatever order updates came in; of equals in time the later counts."""
    fresh = {
        name: (update.time, value)
        for name, value in update.fields.items()
        if name not in state or state[name][0] <= update.time
    }
    both = {**state, **fresh}
    since = both["regions"][0] if "regions" in both else None
    if since is None:
        return both
    # All of the regions said at once leave nothing of what was said of single ones before.
    return {name: one for name, one in both.items() if not (name.startswith(STOCK) and one[0] < since)}


def latest(state: State) -> dict[str, Value]:
    """The values alone."""
    return {name: value for name, (_, value) in state.items()}
