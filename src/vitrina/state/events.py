"""An event as the log holds it: a line of JSON, so that anything can read a backup."""

from __future__ import annotations

import json
from typing import NamedTuple


class Placed(NamedTuple):
    """An item where an answer of ours showed it; all but the item empty where no token says so.

    `position`: from 0 in its list; `source`: what weighed most; `propensity`: its chance to be in the list;
    `share`: of askers in the `arm` of the placement's experiment.
    """

    item_id: str
    placement: str = ""
    position: int = 0
    source: str = ""
    propensity: float = 1.0
    arm: str = ""
    share: float = 1.0


class Event(NamedTuple):
    """One thing that somebody did. `time`: seconds since 1970 UTC; `quantity` of items at `price` each,
    0 unknown; `visit`: the order or session; `placed`: the item as it was shown, if an answer of ours led to
    it, and of an impression all that was; `answered`: when that was, in seconds since 1970 UTC, 0 for never,
    and `bundle`: from which."""

    id: str
    type: str
    user_id: str
    visitor_id: str
    item_id: str
    time: int
    quantity: float = 1.0
    price: float = 0.0
    gift: bool = False
    visit: str = ""
    region: str = ""
    search_text: str = ""
    placed: tuple[Placed, ...] = ()
    answered: int = 0
    bundle: str = ""


class Entry(NamedTuple):
    """An event in the log. `received`: seconds since 1970 UTC; `quarantined`: it steers no list."""

    event: Event
    received: int
    quarantined: bool


_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def encoded(event: Event) -> bytes:
    """An event, for `entered`."""
    return _dumps(event).encode()


def entered(event: bytes, received: int, quarantined: bool) -> bytes:
    """An encoded event as the log holds it."""
    return b"[%d,%d,%s" % (received, quarantined, event[1:])


def unpacked(value: bytes) -> Entry:
    """The entry whose bytes these are."""
    received, quarantined, *rest = json.loads(value)
    event = Event(*rest)
    placed = tuple(Placed(*one) for one in event.placed)
    return Entry(event._replace(placed=placed), received, bool(quarantined))
