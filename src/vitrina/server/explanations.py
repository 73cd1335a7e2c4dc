"""Explanations on the wire: an ExplainRequest's bytes to an ExplainResponse's. Knows no transport."""

from __future__ import annotations

from vitrina.request import Fate
from vitrina.server import wire, writer
from vitrina.server.service import Note, Service
from vitrina.v1 import recommendation_service_pb2 as v1

MAX_BYTES = 64 << 10
MAX_ITEMS = 100
ANSWER = 1
"""The number of ExplainResponse.answer."""


def explained(service: Service, data: bytes, now: int, note: Note) -> bytes:
    """Answer an ExplainRequest by what a service answers by. `now`: seconds since 1970 UTC.

    Raises Malformed, InvalidRequest, InvalidToken, UnknownPlacement and NotReady.
    """
    message = wire.parse(v1.ExplainRequest, data, MAX_BYTES)
    request, _ = service.request(message.request)
    items = wire.ids(message.item_ids, "item_ids", MAX_ITEMS)
    fields = wire.product_fields(message.request.product_fields)
    engine = service.engine()
    note.bundle, note.users = engine.version, 1
    note.asked = tuple(block.placement for block in request.blocks)
    response, fates = engine.explain(request, items, service.lately([request.identity], now))
    answer = writer.answer(
        response, "", (lambda item_id: writer.product(engine.product(item_id), fields)) if fields else None
    )
    told = v1.ExplainResponse(fates=map(_fate, fates))
    return writer.field(ANSWER, answer) + bytes(told.SerializeToString())


def _fate(one: Fate) -> v1.Fate:
    return v1.Fate(
        item_id=one.item_id,
        place=one.place,
        stage=one.stage,
        rules=one.rules,
        proposed=[v1.Proposal(source=source, place=place) for source, place in one.proposed],
        blended=one.blended,
    )
