"""A client of PrivacyService: ids of one person joined, persons forgotten.

with PrivacyClient("localhost:50052") as people:
    people.merge(["user:ann", "visitor:4f1c", "card:881"])
    people.forget("user:ann")
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grpc

from vitrina.calling import ask, bearer, connect
from vitrina.v1 import privacy_service_pb2 as v1

TIMEOUT_S = 600.0
"""Forgetting reads the whole log."""
_SERVICE: str = v1.DESCRIPTOR.services_by_name["PrivacyService"].full_name
_KINDS = {"user": "user_id", "visitor": "visitor_id"}


class PrivacyClient:
    """One channel to a server's --admin-port; close it, or use it as a context manager.

    Ids are "user:ID", "visitor:ID", or anything else, such as "card:881". Methods raise VitrinaError.
    """

    def __init__(
        self, target: str, *, credentials: grpc.ChannelCredentials | None = None, token: str = ""
    ) -> None:
        self._channel = connect(target, credentials)
        self._headers = bearer(token)

    def merge(self, ids: Sequence[str]) -> list[str]:
        """Make ids one person; all ids of it."""
        request = v1.MergeUsersRequest(ids=[_id(one) for one in ids])
        return [_text(one) for one in self._call("MergeUsers", request, v1.MergeUsersResponse).ids]

    def forget(self, one: str) -> tuple[int, int]:
        """Forget the person of an id: how many ids were forgotten, and how many events erased."""
        answer = self._call("ForgetUser", v1.ForgetUserRequest(id=_id(one)), v1.ForgetUserResponse)
        return answer.forgotten_ids, answer.erased_events

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def __enter__(self) -> PrivacyClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, name: str, request: Any, answer: Any) -> Any:
        call = self._channel.unary_unary(
            f"/{_SERVICE}/{name}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer.FromString,
        )
        return ask(call, request, TIMEOUT_S, self._headers)


def _id(text: str) -> v1.PersonId:
    kind, _, rest = text.partition(":")
    return v1.PersonId(**{_KINDS[kind]: rest}) if kind in _KINDS else v1.PersonId(other=text)


def _text(message: Any) -> str:
    name = message.WhichOneof("id")
    kind = next((kind for kind, one in _KINDS.items() if one == name), "")
    return f"{kind}:{getattr(message, name)}" if kind else str(message.other)
