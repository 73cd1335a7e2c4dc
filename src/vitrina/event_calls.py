"""Calls of EventService: events sent in as few as fit, and what became of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from secrets import token_hex
from typing import Any

from vitrina.errors import InvalidRequest
from vitrina.happening import Happening, Recorded
from vitrina.parcels import parcels
from vitrina.v1 import event_service_pb2 as v1

METHOD = f"/{v1.DESCRIPTOR.services_by_name['EventService'].full_name}/Record"
MAX_EVENTS = 1_000
"""Events sent in one call."""


def recorded(call: Callable[[Any], Any], events: Iterable[Happening]) -> list[Recorded]:
    """What became of events, one by one. Raises what `call` does; those sent before stay recorded.

    Each event has its id before it is sent: a call may be repeated.
    """
    found: list[Recorded] = []
    for few in parcels(map(_message, events), MAX_EVENTS, v1.Event.ByteSize):
        found += [_result(one) for one in call(v1.RecordRequest(events=few)).results]
    return found


def _message(event: Happening) -> v1.Event:
    try:
        told = v1.Event(**asdict(event))
    except (TypeError, ValueError) as reason:
        raise InvalidRequest(f"the event cannot be sent: {reason}") from None
    told.event_id = told.event_id or token_hex(12)
    return told


def _result(message: Any) -> Recorded:
    name = v1.Outcome.Name(message.outcome).removeprefix("OUTCOME_").lower()
    return Recorded(name, message.reason)  # type: ignore[arg-type]  # the enum has these and no other
