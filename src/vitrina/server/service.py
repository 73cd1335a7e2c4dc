"""The service: request bytes in, answer bytes out. Knows no transport, so any front can carry it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any, Protocol

from vitrina.errors import (
    VitrinaError,
)
from vitrina.live import Identity, Live
from vitrina.request import Fate, Product, Request, Response
from vitrina.server import wire, writer
from vitrina.server.token import Signer
from vitrina.v1 import recommendation_service_pb2 as v1

MAX_RECOMMEND_BYTES = 64 << 10
MAX_BATCH_BYTES = 1 << 20
BATCH = 128
"""Askers answered by one call of the engine."""


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

    def explain(
        self, request: Request, item_ids: Sequence[str], live: Live
    ) -> tuple[Response, tuple[Fate, ...]]:
        """One list with its trace, and what became of some items. Raises as `recommend` does."""

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
    events: dict[str, int] = field(default_factory=dict)
    items: dict[str, int] = field(default_factory=dict)
    degraded: dict[str, int] = field(default_factory=dict)
    engine_s: float = 0.0
    service_s: float = 0.0

    def add(self, request: Request, response: Response) -> None:
        """Count one answer."""
        named = len(request.context_item_ids) + len(request.events) + len(request.page_item_ids)
        unknown = len(response.unknown_item_ids)
        self.users += 1
        self.unknown_ids += unknown
        self.known_ids += max(0, named - unknown)
        for what in response.degraded:
            self.degraded[what] = self.degraded.get(what, 0) + 1
        for block in response.blocks:
            tally = self.shown.setdefault(block.placement, Tally())
            tally.lists += 1
            tally.items += len(block.items)
            tally.empty += not block.items
            tally.fallback += block.fallback_level > 0


def forgetful(who: Iterable[Identity], now: int) -> Live:
    """The Live where nothing is kept of anybody."""
    return Live(now)


@dataclass(frozen=True)
class Service:
    """Answers with whatever engine is current when a call comes in, and with that one to its end.

    `pace`: told of each visitor who asks; raises TooFast for one who asks too often. `lately`: what those
    who ask did since training; asked once for all that are answered together.
    """

    engine: Callable[[], Engine]
    signer: Signer
    pace: Callable[[str], None] | None = None
    lately: Callable[[Iterable[Identity], int], Live] = forgetful

    def recommend(self, data: bytes, now: int, note: Note | None = None) -> bytes:
        """Answer a RecommendRequest. `now`: seconds since 1970 UTC. Raises what FAILURES lists."""
        found = self.recommend_many([(data, note or Note())], now)[0]
        if isinstance(found, Exception):
            raise found
        return found

    def recommend_many(self, calls: Sequence[tuple[bytes, Note]], now: int) -> list[bytes | Exception]:
        """Answer RecommendRequests that came together: of each its bytes, or the error that is its own.

        The engine is asked once for all of them; each answer is what it would be alone.
        """
        started = perf_counter()
        try:
            engine = self.engine()
        except VitrinaError as reason:
            return [reason for _ in calls]
        asked = [self._asked(engine, data, note, now) for data, note in calls]
        found = [one for one in asked if isinstance(one, _Asked)]
        live = self.lately([one.request.identity for one in found], now)
        responses = iter(_recommended(engine, found, live))
        done = [one if isinstance(one, Exception) else _or_error(one, next(responses)) for one in asked]
        for _, note in calls:
            note.service_s += (perf_counter() - started) / len(calls) - note.engine_s
        return done

    def _asked(self, engine: Engine, data: bytes, note: Note, now: int) -> _Asked | Exception:
        try:
            message = wire.parse(v1.RecommendRequest, data, MAX_RECOMMEND_BYTES)
            request, earlier = self.request(message)
            note.asked = tuple(block.placement for block in request.blocks)
            return _Asked(request, _Answers(engine, self.signer, now, message, note), earlier)
        except Exception as reason:
            return reason

    def request(self, message: Any) -> tuple[Request, tuple[str, ...]]:
        """A RecommendRequest as the engine takes it, and the items that it continues after.

        Raises InvalidRequest, InvalidToken and TooFast.
        """
        request = wire.request(message)
        if self.pace:
            self.pace(wire.paced_as(request.visitor_id, request.user_id))
        if not message.continue_token:
            return request, ()
        earlier = self.signer.read(message.continue_token).covered
        return replace(request, page_item_ids=request.page_item_ids + earlier), earlier

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
            live = self.lately([one.identity for one in asked], now)
            ready = [_addressed(*pair) for pair in zip(asked, answers.of(asked, live), strict=True)]
            note.service_s += perf_counter() - started - (note.engine_s - before)
            yield ready


@dataclass(frozen=True)
class _Asked:
    """A request that could be read, and how its answer is made."""

    request: Request
    answers: _Answers
    earlier: tuple[str, ...]

    def bytes_of(self, response: Response) -> bytes:
        """The RecommendResponse."""
        self.answers.note.add(self.request, response)
        return self.answers.bytes_of(response, self.earlier)


def _recommended(engine: Engine, asked: Sequence[_Asked], live: Live) -> list[Response | Exception]:
    """A response for each; where one of several is refused, each is asked alone, to learn which."""
    started = perf_counter()
    try:
        found: list[Response | Exception] = [*engine.recommend([one.request for one in asked], live)]
    except Exception as reason:
        if len(asked) == 1:
            return [reason]
        return [response for one in asked for response in _recommended(engine, [one], live)]
    for one in asked:
        one.answers.note.engine_s += (perf_counter() - started) / len(asked)
    return found


def _or_error(asked: _Asked, response: Response | Exception) -> bytes | Exception:
    if isinstance(response, Exception):
        return response
    try:
        return asked.bytes_of(response)
    except Exception as reason:
        return reason


class _Answers:
    """How the answers to one call are made."""

    def __init__(self, engine: Engine, signer: Signer, now: int, message: Any, note: Note) -> None:
        self.engine, self.signer, self.now, self.note = engine, signer, now, note
        self.blind = bool(message.validate_only)
        self.fields = wire.product_fields(message.product_fields)
        self.products: dict[str, bytes] = {}
        note.bundle = engine.version

    def of(self, requests: list[Request], live: Live) -> list[bytes]:
        """A RecommendResponse for each request."""
        started = perf_counter()
        responses = self.engine.recommend(requests, live)
        self.note.engine_s += perf_counter() - started
        for pair in zip(requests, responses, strict=True):
            self.note.add(*pair)
        return [self.bytes_of(one) for one in responses]

    def bytes_of(self, response: Response, earlier: tuple[str, ...] = ()) -> bytes:
        """One RecommendResponse; its token remembers `earlier` items too."""
        if self.blind:
            return writer.answer(replace(response, blocks=()), "", None)
        token = self.signer.token(response, self.engine.placements.version, self.now, earlier)
        return writer.answer(response, token, self._product if self.fields else None)

    def _product(self, item_id: str) -> bytes:
        if item_id not in self.products:
            self.products[item_id] = writer.product(self.engine.product(item_id), self.fields)
        return self.products[item_id]


def _addressed(request: Request, answer: bytes) -> bytes:
    asker = v1.BatchRecommendResponse(user_id=request.user_id, visitor_id=request.visitor_id)
    return bytes(asker.SerializeToString()) + writer.field(writer.ANSWER, answer)
