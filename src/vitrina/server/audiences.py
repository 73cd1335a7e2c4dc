"""Audiences on the wire: an ExportRequest's bytes to the bytes of its stream. Knows no transport."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from vitrina.audience.entries import BEGIN, Known, entries, marked, read_cursor
from vitrina.audience.entry import Entry
from vitrina.audience.facts import facts
from vitrina.audience.journal import Journal
from vitrina.audience.plan import Plan, read_plan, standard
from vitrina.contact.policy import Policy, read_policy
from vitrina.contact.policy import standard as usual
from vitrina.engine import Engine
from vitrina.errors import InvalidRequest, PolicyError, ServerError
from vitrina.server import wire
from vitrina.server.options import Options
from vitrina.state.lately import Lately
from vitrina.state.store import Store
from vitrina.state.tables import LOG
from vitrina.state.tailer import Tailer
from vitrina.v1 import audience_service_pb2 as v1

MAX_BYTES = 64 << 10
MAX_TRIGGERS = 100


@dataclass(frozen=True)
class Audiences:
    """Exports from whatever engine is current when a call comes in, and from that one to its end.

    `lately`, `known`: what people did, and what was said to them, since training; nothing without a store.
    """

    engine: Callable[[], Engine]
    plan: Plan = field(default_factory=standard)
    policy: Policy = field(default_factory=usual)
    lately: Lately | None = None
    known: Known = field(default_factory=Known.nothing)

    @classmethod
    def of(
        cls,
        engine: Callable[[], Engine],
        options: Options,
        store: Store | None = None,
        lately: Lately | None = None,
    ) -> Audiences:
        """With the plan and policy files that a server was given, and its store. Raises ServerError."""
        try:
            plan = read_plan(options.audiences) if options.audiences else standard()
            policy = read_policy(options.contact) if options.contact else usual()
        except PolicyError as reason:
            raise ServerError(str(reason)) from reason
        if store is None:
            return cls(engine, plan, policy)
        journal = Journal(policy)
        Tailer(store, LOG, journal.take).follow()
        return cls(engine, plan, policy, lately, journal.known)

    def export(self, data: bytes, now: int) -> Iterator[list[bytes]]:
        """Answer an ExportRequest, a response at a time; checked before the first.

        Raises Malformed, InvalidRequest, UnknownPlacement, and StoreError on the way.
        """
        message = wire.parse(v1.ExportRequest, data, MAX_BYTES)
        if len(message.triggers) > MAX_TRIGGERS:
            raise InvalidRequest(f"triggers holds {len(message.triggers)} entries; at most {MAX_TRIGGERS}")
        try:
            plan = self.plan.only(tuple(message.triggers))
        except PolicyError as reason:
            raise InvalidRequest(f"triggers: {reason}") from None
        engine, start = self.engine(), BEGIN
        if message.cursor:
            start, now = read_cursor(message.cursor, marked(engine, plan, self.policy))
        shop = facts(engine, now)
        stream = entries(engine, plan, self.policy, shop, self.known, now, start, self.lately)
        return ([_response(found, cursor)] for found, cursor in stream)


def _response(found: list[Entry], cursor: str) -> bytes:
    told = v1.ExportResponse(entries=[_entry(one) for one in found], cursor=cursor)
    return bytes(told.SerializeToString())


def _entry(one: Entry) -> v1.AudienceEntry:
    return v1.AudienceEntry(
        trigger_id=one.trigger_id,
        trigger=one.trigger,
        user_id=one.user_id,
        since_time=one.since,
        until_time=one.until,
        about_item_ids=one.about_item_ids,
        item_ids=one.item_ids,
        channel=f"CHANNEL_{one.channel.upper()}",
        send_time=one.send_at,
        hour_opens=one.hour_opens,
        reason=one.reason,
    )
