"""Calls of RecommendationService: requests as messages, in as few as fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from vitrina.errors import InvalidRequest
from vitrina.parcels import parcels
from vitrina.request import Block, Request
from vitrina.v1 import recommendation_service_pb2 as v1

SERVICE: str = v1.DESCRIPTOR.services_by_name["RecommendationService"].full_name
MAX_USERS = 10_000
"""Askers sent in one batch call; longer campaigns are split."""


def asked_by(request: Request) -> dict[str, Any]:
    """Who asks, as fields of a request or of a BatchUser."""
    return {
        "user_id": request.user_id,
        "visitor_id": request.visitor_id,
        "region": request.region,
        "context_item_ids": request.context_item_ids,
        "events": [{"item_id": one.item_id, "type": one.type, "time": one.time} for one in request.events],
        "consent": f"CONSENT_{request.consent.upper() or 'UNSPECIFIED'}",
    }


def page_of(request: Request, product_fields: Sequence[str], validate_only: bool) -> dict[str, Any]:
    """What is asked for, as fields that a request and a batch share."""
    return {
        "blocks": [_block(one) for one in request.blocks],
        "channel": f"CHANNEL_{request.channel.upper()}",
        "product_fields": [f"PRODUCT_FIELD_{one.upper()}" for one in product_fields],
        "omit_reasons": not request.reasons,
        "locale": request.locale,
        "validate_only": validate_only,
    }


def whole(
    request: Request,
    *,
    continue_token: str = "",
    product_fields: Sequence[str] = (),
    validate_only: bool = False,
) -> Any:
    """A RecommendRequest. Raises InvalidRequest."""
    return built(
        v1.RecommendRequest,
        **asked_by(request),
        **page_of(request, product_fields, validate_only),
        page_item_ids=request.page_item_ids,
        continue_token=continue_token,
        explain=request.explain,
    )


def built(kind: Any, **fields: Any) -> Any:
    """A message of these fields. Raises InvalidRequest where one cannot be written."""
    try:
        return kind(**fields)
    except (TypeError, ValueError) as reason:
        raise InvalidRequest(f"the request cannot be sent: {reason}") from None


def _block(block: Block) -> dict[str, Any]:
    return {
        "placement": block.placement,
        "limit": block.limit,
        "filter": _given(block.filter),
        "exclude_item_ids": block.exclude_item_ids,
        "candidate_item_ids": block.candidate_item_ids,
        "priority": block.priority,
    }


def _given(words: Any) -> Any:
    """A filter, or what is within it, as the fields of its message that say something."""
    if isinstance(words, tuple):
        return [_given(one) for one in words]
    if not is_dataclass(words):
        return words
    told = {one.name: getattr(words, one.name) for one in fields(words)}
    return {name: _given(one) for name, one in told.items() if one not in ((), None)}


def slices(askers: Iterable[Request]) -> Iterator[list[Request]]:
    """Askers in lists that fit into one call each."""
    return parcels(askers, MAX_USERS, lambda one: int(built(v1.BatchUser, **asked_by(one)).ByteSize()))
