"""The client: dataclasses in, dataclasses out, over a channel that rides out restarts.

Needs grpcio and protobuf, and of Vitrina only the errors, the request words and the messages.

    with Client("localhost:50051") as shop:
        response = shop.recommend(Request((Block("home"),), user_id="u1"))
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import grpc

from vitrina.answered import fate, response
from vitrina.calling import ATTEMPTS, ask, bearer, connect, give_up, passing
from vitrina.catalog_calls import LIST, UPDATE, Updated, listed, updated
from vitrina.errors import NotReady, ServerError
from vitrina.event_calls import METHOD as RECORD
from vitrina.event_calls import recorded
from vitrina.happening import Happening, Recorded
from vitrina.recommend_calls import SERVICE, asked_by, built, page_of, slices, whole
from vitrina.request import Fate, Request, Response
from vitrina.updates import ItemUpdate
from vitrina.v1 import catalog_service_pb2 as catalog_v1
from vitrina.v1 import event_service_pb2 as events_v1
from vitrina.v1 import recommendation_service_pb2 as v1

TIMEOUT_S = 2.0
BATCH_TIMEOUT_S = 120.0
_HEALTHY = b"\x08\x01"
"""A HealthCheckResponse that says SERVING."""


class Client:
    """One channel to a server; safe for threads. Close it, or use it as a context manager.

    `target`: host:port, or any name that gRPC resolves. Without `credentials` (see `calling.tls`) nothing is
    encrypted. `token`: what `vitrina tokens new` printed; give it where the server asks for one.
    Every method raises VitrinaError: Unreachable, TimedOut, Overloaded, NotReady, or a RequestError.
    """

    def __init__(
        self,
        target: str,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        token: str = "",
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.timeout_s = timeout_s
        self._headers = bearer(token)
        self._channel = connect(target, credentials)
        self._recommend = self._channel.unary_unary(
            f"/{SERVICE}/Recommend",
            request_serializer=v1.RecommendRequest.SerializeToString,
            response_deserializer=v1.RecommendResponse.FromString,
        )
        self._batch = self._channel.unary_stream(
            f"/{SERVICE}/BatchRecommend",
            request_serializer=v1.BatchRecommendRequest.SerializeToString,
            response_deserializer=v1.BatchRecommendResponse.FromString,
        )
        self._explain = self._channel.unary_unary(
            f"/{SERVICE}/Explain",
            request_serializer=v1.ExplainRequest.SerializeToString,
            response_deserializer=v1.ExplainResponse.FromString,
        )
        self._record = self._channel.unary_unary(
            RECORD,
            request_serializer=events_v1.RecordRequest.SerializeToString,
            response_deserializer=events_v1.RecordResponse.FromString,
        )
        self._update = self._channel.unary_unary(
            UPDATE,
            request_serializer=catalog_v1.UpdateItemsRequest.SerializeToString,
            response_deserializer=catalog_v1.UpdateItemsResponse.FromString,
        )
        self._list = self._channel.unary_unary(
            LIST,
            request_serializer=catalog_v1.ListItemUpdatesRequest.SerializeToString,
            response_deserializer=catalog_v1.ListItemUpdatesResponse.FromString,
        )

    def recommend(
        self,
        request: Request,
        *,
        continue_token: str = "",
        product_fields: Sequence[str] = (),
        validate_only: bool = False,
        timeout_s: float | None = None,
    ) -> Response:
        """Ask for one page. `product_fields`: title, category, price, old_price, image, url, stock, tags,
        attributes.

        `continue_token`: the attribution_token of an earlier response, whose items do not come again.
        """
        message = whole(
            request, continue_token=continue_token, product_fields=product_fields, validate_only=validate_only
        )
        return response(self._ask(self._recommend, message, timeout_s))

    def explain(
        self,
        request: Request,
        item_ids: Sequence[str] = (),
        *,
        product_fields: Sequence[str] = (),
        timeout_s: float | None = None,
    ) -> tuple[Response, tuple[Fate, ...]]:
        """Ask for one list with its trace, and what became of some items on the way to it: where they are, or
        what dropped them. For operators: where the server asks for tokens, one of the scope admin."""
        asked = whole(request, product_fields=product_fields)
        message = built(v1.ExplainRequest, request=asked, item_ids=item_ids)
        found = self._ask(self._explain, message, timeout_s)
        return response(found.answer), tuple(map(fate, found.fates))

    def batch_recommend(
        self,
        page: Request,
        askers: Iterable[Request],
        *,
        product_fields: Sequence[str] = (),
        validate_only: bool = False,
        timeout_s: float = BATCH_TIMEOUT_S,
    ) -> Iterator[tuple[Request, Response]]:
        """Ask for the same page for many; give each asker with its response, in order.

        Of `page` the blocks, channel and reasons count; of an asker the user, visitor, region, context
        and events. `timeout_s` is for each call of up to 10,000 askers. A stream that breaks is taken
        up where it broke.
        """
        shared = page_of(page, product_fields, validate_only)
        for few in slices(askers):
            answered = failures = 0
            while answered < len(few):
                try:
                    for pair in self._stream(shared, few[answered:], timeout_s):
                        yield pair
                        answered, failures = answered + 1, 0
                except grpc.RpcError as error:
                    failures += 1
                    if failures == ATTEMPTS or not passing(error):
                        give_up(error)

    def _stream(
        self, shared: dict[str, Any], askers: list[Request], timeout_s: float
    ) -> Iterator[tuple[Request, Response]]:
        message = built(v1.BatchRecommendRequest, users=[asked_by(one) for one in askers], **shared)
        stream = self._batch(message, timeout=timeout_s, metadata=self._headers)
        for asker in askers:
            answer = next(stream, None)
            if answer is None or (answer.user_id, answer.visitor_id) != (asker.user_id, asker.visitor_id):
                raise ServerError(f"the server gave no answer for user {asker.user_id!r}; report this")
            yield asker, response(answer.answer)

    def record(self, events: Iterable[Happening], *, timeout_s: float | None = None) -> list[Recorded]:
        """Tell what visitors did: the next list follows from it. What became of each, in order.

        What is accepted is on the server's disk. `timeout_s` is for each call of up to 1,000 events; where
        one fails with no answer, all may be sent again, if they carry their own event_id.
        """
        return recorded(lambda request: self._ask(self._record, request, timeout_s), events)

    def update_items(
        self, updates: Iterable[ItemUpdate], *, validate_only: bool = False, timeout_s: float | None = None
    ) -> list[Updated]:
        """Say of items what is new; time 0 is now. What became of each, in order: see `vitrina.updates`.

        What is applied is on the server's disk, and in every answer within a second; all may be sent again.
        Raises InvalidRequest for what no message can say.
        """
        return updated(
            lambda request: self._ask(self._update, request, timeout_s), updates, blind=validate_only
        )

    def item_updates(self, *, timeout_s: float | None = None) -> Iterator[ItemUpdate]:
        """What was said of items since training, as it counts now, in the order of their ids.

        `timeout_s` is for each call of up to 1,000 items.
        """
        return listed(lambda request: self._ask(self._list, request, timeout_s))

    def _ask(self, call: Any, message: Any, timeout_s: float | None) -> Any:
        return ask(call, message, timeout_s or self.timeout_s, self._headers)

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def healthcheck(
    target: str, timeout_s: float = 1.0, credentials: grpc.ChannelCredentials | None = None
) -> int:
    """0 where a server at `target` says that it serves, else 7: for a container's health command."""
    with (
        grpc.secure_channel(target, credentials) if credentials else grpc.insecure_channel(target) as channel
    ):
        check: Any = channel.unary_unary("/grpc.health.v1.Health/Check")
        try:
            return 0 if check(b"", timeout=timeout_s) == _HEALTHY else NotReady.exit_code
        except grpc.RpcError:
            return NotReady.exit_code
