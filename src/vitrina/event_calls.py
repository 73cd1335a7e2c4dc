"""Calls of EventService: events sent in as few as fit, and what became of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from secrets import token_hex
from typing import Any

from vitrina.errors import InvalidRequest
from vitrina.happening import Happening, Recorded
from vitrina.v1 import event_service_pb2 as v1

METHOD = f"/{v1.DESCRIPTOR.services_by_name['EventService'].full_name}/Record"
MAX_EVENTS = 1_000
MAX_BYTES = 900_000
"""Events and bytes sent in one call. The server admits 1 MiB."""


def recorded(call: Callable[[Any], Any], events: Iterable[Happening]) -> list[Recorded]:
    """What became of events, one by one. Raises what `call` does; those sent before stay recorded."""
    found: list[Recorded] = []
    for request in _requests(events):
        found += [_result(one) for one in call(request).results]
    return found


def _requests(events: Iterable[Happening]) -> Iterator[Any]:
    """Requests that fit. Each event has its id before it is sent: a call may be repeated."""
    request, size = v1.RecordRequest(), 0
    for one in events:
        message = _message(one)
        more = message.ByteSize() + 8
        if request.events and (len(request.events) == MAX_EVENTS or size + more > MAX_BYTES):
            yield request
            request, size = v1.RecordRequest(), 0
        request.events.append(message)
        size += more
    if request.events:
        yield request


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
