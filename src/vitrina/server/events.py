"""Events on the wire: a RecordRequest's bytes to events, what became of each to bytes. Knows no transport."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from vitrina.errors import InvalidRequest, InvalidToken
from vitrina.server import wire
from vitrina.server.token import ShownItem, Signer
from vitrina.state.events import Event, Placed
from vitrina.state.recording import FORGOTTEN, IMPRESSION
from vitrina.v1 import event_service_pb2 as v1

MAX_BYTES = 1 << 20
MAX_EVENTS = 1_000
MAX_EVENT_ID_BYTES = 128
MAX_SEARCH_BYTES = 256
MAX_QUANTITY, MAX_PRICE = 1e6, 1e12
LATE_S, EARLY_S = 30 * 86_400, 300
"""How long ago an event may have happened, and how far ahead a client's clock may be."""

_OUTCOMES = {
    "accepted": v1.OUTCOME_ACCEPTED,
    "duplicate": v1.OUTCOME_DUPLICATE,
    "forgotten": v1.OUTCOME_REJECTED,
    "quarantined": v1.OUTCOME_QUARANTINED,
    "rejected": v1.OUTCOME_REJECTED,
}


@dataclass(frozen=True)
class Read:
    """The events of a request; in the place of one that cannot be taken, why."""

    found: Sequence[Event | str]

    @property
    def events(self) -> list[Event]:
        """Those that can be taken."""
        return [one for one in self.found if isinstance(one, Event)]

    def pace(self, pace: Callable[[str], None]) -> None:
        """Count one call of whom its events are of. Raises TooFast.

        A call that holds what several did is passed on by a site, whose own rate bounds it: nobody's events
        are lost for it.
        """
        people = {wire.paced_as(one.visitor_id, one.user_id) for one in self.events}
        if len(people) == 1:
            pace(people.pop())

    def answer(self, outcomes: Sequence[str], tally: dict[str, int]) -> bytes:
        """The RecordResponse, given what became of `events`; counted in `tally`."""
        became = iter(outcomes)
        message = v1.RecordResponse()
        for one in self.found:
            outcome, reason = ("rejected", one) if isinstance(one, str) else (next(became), "")
            if outcome == "forgotten":
                reason = FORGOTTEN
            tally[outcome] = tally.get(outcome, 0) + 1
            message.results.add(outcome=_OUTCOMES[outcome], reason=reason)
        return message.SerializeToString()


@dataclass(frozen=True)
class Reader:
    """Reads events of the wire; `signer` knows the answers that they follow from."""

    signer: Signer

    def read(self, data: bytes, now: int) -> Read:
        """The events of a RecordRequest. `now`: seconds since 1970 UTC.

        Raises Malformed and InvalidRequest for the whole of it.
        """
        message = wire.parse(v1.RecordRequest, data, MAX_BYTES)
        if not 1 <= len(message.events) <= MAX_EVENTS:
            raise InvalidRequest(f"events holds {len(message.events):,} entries; give 1 to {MAX_EVENTS:,}")
        return Read([self._tried(one, now) for one in message.events])

    def _tried(self, message: Any, now: int) -> Event | str:
        try:
            return self._event(message, now)
        except InvalidRequest as reason:
            return str(reason)

    def _event(self, message: Any, now: int) -> Event:
        """An event, bounded. Raises InvalidRequest."""
        kind = wire.short(message.type, "type", wire.MAX_TYPE_BYTES) or "view"
        shown, answered, bundle = self._shown(message, kind)
        if not message.event_id:
            raise InvalidRequest("event_id is empty; a random one will do, the same when it is sent again")
        if not message.user_id and not message.visitor_id:
            raise InvalidRequest("user_id and visitor_id are empty; one of them is needed")
        if not message.item_id and not shown and kind != "search":
            raise InvalidRequest("item_id is empty; only a search and an impression with a token go without")
        return Event(
            id=wire.short(message.event_id, "event_id", MAX_EVENT_ID_BYTES),
            type=kind,
            user_id=wire.short(message.user_id, "user_id"),
            visitor_id=wire.short(message.visitor_id, "visitor_id"),
            item_id=wire.short(message.item_id, "item_id"),
            time=_time(message.time, now),
            quantity=_amount(message.quantity, "quantity", MAX_QUANTITY) or 1.0,
            price=_amount(message.price, "price", MAX_PRICE),
            gift=message.gift,
            visit=wire.short(message.order_id, "order_id"),
            region=wire.short(message.region, "region"),
            search_text=wire.short(message.search_text, "search_text", MAX_SEARCH_BYTES),
            placed=shown,
            answered=answered,
            bundle=bundle,
        )

    def _shown(self, message: Any, kind: str) -> tuple[tuple[Placed, ...], int, str]:
        """The item as its answer showed it, of an impression all items; when, and from which bundle."""
        item_id = message.item_id
        if not message.attribution_token:
            return ((Placed(item_id),) if kind == IMPRESSION and item_id else ()), 0, ""
        try:
            token = self.signer.read(
                wire.short(message.attribution_token, "attribution_token", wire.MAX_TOKEN_BYTES)
            )
        except InvalidToken:
            raise InvalidRequest(
                "attribution_token is not this server's, or was changed; give one as it came, or none"
            ) from None
        whole = kind == IMPRESSION and not item_id
        shown = [_placed(one) for one in token.items if whole or one.item_id == item_id]
        return tuple(shown if whole else shown[:1]), token.time, token.bundle_version


def _placed(one: ShownItem) -> Placed:
    return Placed(
        one.item_id, one.placement, one.position, one.source, one.propensity, one.arm, one.arm_share
    )


def _time(time: int, now: int) -> int:
    """When it happened; a clock that is a little ahead is put right. Raises InvalidRequest."""
    if not time:
        return now
    if not now - LATE_S <= time <= now + EARLY_S:
        raise InvalidRequest(
            f"time is {time}, {time - now:+,} s from now; at most {LATE_S // 86_400} days ago and "
            f"{EARLY_S // 60} minutes ahead"
        )
    return min(time, now)


def _amount(value: float, name: str, most: float) -> float:
    if not (math.isfinite(value) and 0 <= value <= most):
        raise InvalidRequest(f"{name} is {value}; from 0 to {most:,.0f}")
    return value
