"""The service: request bytes in, answer bytes out. Knows no transport, so any front can carry it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any, Protocol

from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

from vitrina.errors import (
    BundleError,
    InvalidRequest,
    InvalidToken,
    Malformed,
    NotReady,
    Overloaded,
    RegistryError,
    TimedOut,
    UnknownPlacement,
    VitrinaError,
)
from vitrina.live import Live
from vitrina.request import ListedBlock, Product, Request, Response
from vitrina.server import wire
from vitrina.server.token import Signer
from vitrina.v1 import error_reason_pb2 as reasons
from vitrina.v1 import recommendation_service_pb2 as v1

MAX_RECOMMEND_BYTES = 64 << 10
MAX_BATCH_BYTES = 1 << 20
BATCH = 128
"""Askers answered by one call of the engine."""
DOMAIN = "vitrina"
MAX_MESSAGE = 1000
"""Characters of an error message: it travels in headers, which are bounded."""

FAILURES: dict[type[Exception], tuple[int, int]] = {
    Malformed: (code_pb2.INVALID_ARGUMENT, reasons.ERROR_REASON_MALFORMED_MESSAGE),
    InvalidToken: (code_pb2.INVALID_ARGUMENT, reasons.ERROR_REASON_INVALID_TOKEN),
    InvalidRequest: (code_pb2.INVALID_ARGUMENT, reasons.ERROR_REASON_INVALID_REQUEST),
    UnknownPlacement: (code_pb2.NOT_FOUND, reasons.ERROR_REASON_UNKNOWN_PLACEMENT),
    NotReady: (code_pb2.UNAVAILABLE, reasons.ERROR_REASON_NOT_READY),
    Overloaded: (code_pb2.RESOURCE_EXHAUSTED, reasons.ERROR_REASON_OVERLOADED),
    TimedOut: (code_pb2.DEADLINE_EXCEEDED, reasons.ERROR_REASON_TIME_UP),
    RegistryError: (code_pb2.NOT_FOUND, reasons.ERROR_REASON_NO_SUCH_BUNDLE),
    BundleError: (code_pb2.FAILED_PRECONDITION, reasons.ERROR_REASON_BUNDLE_REFUSED),
}
"""The one table from exceptions to what a caller sees; anything else is INTERNAL."""


class PlacementSet(Protocol):
    """What the service needs to know of placements."""

    @property
    def version(self) -> str:
        """The version of the placements file."""


class Engine(Protocol):
    """What the service needs of an engine; `vitrina.engine.Engine` has it."""

    @property
    def version(self) -> str:
        """The version of the bundle that answers."""

    @property
    def placements(self) -> PlacementSet:
        """The placements that it answers for."""

    def recommend(self, requests: Sequence[Request], live: Live) -> list[Response]:
        """One response for each request. Raises InvalidRequest and UnknownPlacement."""

    def product(self, item_id: str) -> Product | None:
        """What the catalogue says of an item."""


@dataclass
class Tally:
    """The lists of one placement that one call returned."""

    lists: int = 0
    items: int = 0
    empty: int = 0
    fallback: int = 0


@dataclass
class Note:
    """What a call turned out to be, filled in while it is served: for logs and metrics, in seconds."""

    bundle: str = ""
    asked: tuple[str, ...] = ()
    users: int = 0
    known_ids: int = 0
    unknown_ids: int = 0
    shown: dict[str, Tally] = field(default_factory=dict)
    engine_s: float = 0.0
    service_s: float = 0.0

    def add(self, request: Request, response: Response) -> None:
        """Count one answer."""
        named = len(request.context_item_ids) + len(request.events) + len(request.page_item_ids)
        unknown = len(response.unknown_item_ids)
        self.users += 1
        self.unknown_ids += unknown
        self.known_ids += max(0, named - unknown)
        for block in response.blocks:
            tally = self.shown.setdefault(block.placement, Tally())
            tally.lists += 1
            tally.items += len(block.items)
            tally.empty += not block.items
            tally.fallback += block.fallback_level > 0


@dataclass(frozen=True)
class Service:
    """Answers with whatever engine is current when a call comes in, and with that one to its end."""

    engine: Callable[[], Engine]
    signer: Signer

    def recommend(self, data: bytes, now: int, note: Note | None = None) -> bytes:
        """Answer a RecommendRequest. `now`: seconds since 1970 UTC. Raises what FAILURES lists."""
        note = note or Note()
        started = perf_counter()
        try:
            engine = self.engine()
            message = wire.parse(v1.RecommendRequest, data, MAX_RECOMMEND_BYTES)
            request = wire.request(message)
            note.asked = tuple(block.placement for block in request.blocks)
            earlier: tuple[str, ...] = ()
            if message.continue_token:
                earlier = self.signer.read(message.continue_token).covered
                request = replace(request, page_item_ids=request.page_item_ids + earlier)
            answer = _Answers(engine, self.signer, now, message, note)
            return bytes(v1.RecommendResponse(**answer.of([request], earlier)[0]).SerializeToString())
        finally:
            note.service_s += perf_counter() - started - note.engine_s

    def batch_recommend(self, data: bytes, now: int, note: Note | None = None) -> Iterator[list[bytes]]:
        """Answer a BatchRecommendRequest, as many answers at a time as the engine gives in one call.

        Everything is checked before the first answers. Raises what FAILURES lists.
        """
        note = note or Note()
        engine = self.engine()
        message = wire.parse(v1.BatchRecommendRequest, data, MAX_BATCH_BYTES)
        requests = wire.requests(message)
        note.asked = tuple(block.placement for block in requests[0].blocks)
        answers = _Answers(engine, self.signer, now, message, note)
        for first in range(0, len(requests), BATCH):
            started, before = perf_counter(), note.engine_s
            asked = requests[first : first + BATCH]
            ready = [_addressed(*pair) for pair in zip(asked, answers.of(asked), strict=True)]
            note.service_s += perf_counter() - started - (note.engine_s - before)
            yield ready


class _Answers:
    """How the answers to one call are made."""

    def __init__(self, engine: Engine, signer: Signer, now: int, message: Any, note: Note) -> None:
        self.engine, self.signer, self.now, self.note = engine, signer, now, note
        self.blind = bool(message.validate_only)
        self.fields = wire.product_fields(message.product_fields)
        self.products: dict[str, dict[str, Any]] = {}
        note.bundle = engine.version

    def of(self, requests: list[Request], earlier: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        """The fields of one RecommendResponse for each request."""
        started = perf_counter()
        responses = self.engine.recommend(requests, Live(self.now))
        self.note.engine_s += perf_counter() - started
        for pair in zip(requests, responses, strict=True):
            self.note.add(*pair)
        return [self._fields(one, earlier) for one in responses]

    def _fields(self, response: Response, earlier: tuple[str, ...]) -> dict[str, Any]:
        said: dict[str, Any] = {
            "bundle_version": response.bundle_version,
            "unknown_item_ids": response.unknown_item_ids,
            "known_user": response.known_user,
        }
        if not self.blind:
            said["blocks"] = [wire.listed_block(one, self._products(one)) for one in response.blocks]
            version = self.engine.placements.version
            said["attribution_token"] = self.signer.token(response, version, self.now, earlier)
        return said

    def _products(self, block: ListedBlock) -> list[dict[str, Any] | None]:
        return [self._product(item.item_id) if self.fields else None for item in block.items]

    def _product(self, item_id: str) -> dict[str, Any]:
        if item_id not in self.products:
            self.products[item_id] = wire.product(self.engine.product(item_id), self.fields)
        return self.products[item_id]


def _addressed(request: Request, answer: dict[str, Any]) -> bytes:
    message = v1.BatchRecommendResponse(user_id=request.user_id, visitor_id=request.visitor_id, answer=answer)
    return bytes(message.SerializeToString())


@dataclass(frozen=True)
class Failure:
    """What a caller is told. `code`: a google.rpc.Code; `id`: what the log calls it, if it is ours."""

    code: int
    message: str
    reason: str
    id: str = ""

    @property
    def name(self) -> str:
        """The code's name, such as NOT_FOUND."""
        return str(code_pb2.Code.Name(self.code))

    @property
    def status(self) -> Any:
        """The failure as a google.rpc.Status message with its ErrorInfo."""
        detail = any_pb2.Any()
        detail.Pack(error_details_pb2.ErrorInfo(reason=self.reason, domain=DOMAIN))
        return status_pb2.Status(code=self.code, message=self.message, details=[detail])


def failure(error: Exception) -> Failure:
    """What a caller is told of an error: by the table, or an id and nothing else."""
    for kind in type(error).__mro__:
        if kind in FAILURES and isinstance(error, VitrinaError):
            code, reason = FAILURES[kind]
            return Failure(code, str(error)[:MAX_MESSAGE], _reason(reason))
    fault = secrets.token_hex(6)
    message = f"internal error {fault}; the server's log says more"
    return Failure(code_pb2.INTERNAL, message, _reason(reasons.ERROR_REASON_INTERNAL), fault)


def _reason(number: int) -> str:
    return str(reasons.ErrorReason.Name(number)).removeprefix("ERROR_REASON_")
