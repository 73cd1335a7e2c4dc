"""What somebody did, in the words in which a shop tells it: the events of `Client.record`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple


@dataclass(frozen=True)
class Happening:
    """One thing that somebody did. One of `user_id` and `visitor_id` is needed.

    `type`: view, cart, remove, purchase, return, search, impression, click, or the shop's own; `time`:
    seconds since 1970 UTC, 0 for now; `event_id`: what makes it count once, however often it is sent, empty
    for a random one; `price` of each of `quantity`, 0 for unknown; `gift`: it follows nobody;
    `attribution_token`: of the answer that led here.
    """

    item_id: str = ""
    type: str = "view"
    user_id: str = ""
    visitor_id: str = ""
    time: int = 0
    event_id: str = ""
    quantity: float = 1.0
    price: float = 0.0
    gift: bool = False
    order_id: str = ""
    region: str = ""
    search_text: str = ""
    attribution_token: str = ""


class Recorded(NamedTuple):
    """What became of an event: quarantined ones are kept but steer nothing; `reason` for a rejected one."""

    outcome: Literal["accepted", "duplicate", "quarantined", "rejected"]
    reason: str = ""
