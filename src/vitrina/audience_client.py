"""A client of AudienceService: whom to address now, from any cursor on.

    with AudienceClient("localhost:50051", token=secret) as audience:
        for entries, cursor in audience.export(["abandoned_cart"], saved):
            send(entries)
            save(cursor)  # whoever was sent something before a crash comes again with the same trigger_id

Needs grpcio and protobuf, and of Vitrina only plain words and the messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import grpc

from vitrina.audience.entry import Entry
from vitrina.calling import ATTEMPTS, bearer, connect, give_up, passing
from vitrina.v1 import audience_service_pb2 as v1
from vitrina.v1 import types_pb2

TIMEOUT_S = 3600.0
"""An export looks at everybody whom the shop knows."""
_METHOD = f"/{v1.DESCRIPTOR.services_by_name['AudienceService'].full_name}/Export"


class AudienceClient:
    """One channel to a server; close it, or use it as a context manager. Methods raise VitrinaError."""

    def __init__(
        self, target: str, *, credentials: grpc.ChannelCredentials | None = None, token: str = ""
    ) -> None:
        self._channel = connect(target, credentials)
        self._headers = bearer(token)
        self._export: Any = self._channel.unary_stream(
            _METHOD,
            request_serializer=v1.ExportRequest.SerializeToString,
            response_deserializer=v1.ExportResponse.FromString,
        )

    def export(
        self, triggers: Sequence[str] = (), cursor: str = "", timeout_s: float = TIMEOUT_S
    ) -> Iterator[tuple[list[Entry], str]]:
        """Entries as they are found, and the cursor behind them: keep it once they are handled.

        `triggers`: names of the server's plan, all of them by default. A stream that breaks goes on from
        where it broke.
        """
        failures = 0
        while True:
            request = v1.ExportRequest(triggers=triggers, cursor=cursor)
            try:
                for answer in self._export(request, timeout=timeout_s, metadata=self._headers):
                    yield [_entry(one) for one in answer.entries], answer.cursor
                    cursor, failures = answer.cursor, 0
                return
            except grpc.RpcError as error:
                failures += 1
                if failures == ATTEMPTS or not passing(error):
                    give_up(error)

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def __enter__(self) -> AudienceClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _entry(message: Any) -> Entry:
    return Entry(
        trigger_id=message.trigger_id,
        trigger=message.trigger,
        user_id=message.user_id,
        since=message.since_time,
        until=message.until_time,
        about_item_ids=tuple(message.about_item_ids),
        item_ids=tuple(message.item_ids),
        channel=types_pb2.Channel.Name(message.channel).removeprefix("CHANNEL_").lower(),
        send_at=message.send_time,
        hour_opens=message.hour_opens,
        reason=message.reason,
    )
