"""PrivacyService from bytes to bytes: the ids of one person, and who is forgotten. No transport."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitrina.errors import InvalidRequest, StoreError
from vitrina.server import wire
from vitrina.server.models import States
from vitrina.state.erasing import forget
from vitrina.state.people import MAX_MEMBERS, Tombstones, joining, key_of
from vitrina.state.store import Store
from vitrina.v1 import privacy_service_pb2 as v1

MAX_BYTES = 1 << 20
_KINDS = {"user_id": "u", "visitor_id": "v", "other": "x"}
_FIELDS = {kind: name for name, kind in _KINDS.items()}


@dataclass(frozen=True)
class Privacy:
    """Answers about the people of one store, in `folder`; None where the server was given none.

    Methods raise Malformed, InvalidRequest and StoreError.
    """

    store: Store | None
    folder: Path | None
    clock: Callable[[], int]

    def merge_users(self, data: bytes, states: States) -> bytes:
        """A MergeUsersRequest to a MergeUsersResponse."""
        message = wire.parse(v1.MergeUsersRequest, data, MAX_BYTES)
        if not 2 <= len(message.ids) <= MAX_MEMBERS:
            raise InvalidRequest(f"ids holds {len(message.ids)} entries; give 2 to {MAX_MEMBERS}")
        store, folder = self._there()
        every = store.write(joining([_key(one) for one in message.ids], Tombstones(folder))).result()
        return bytes(v1.MergeUsersResponse(ids=[_id(one) for one in every]).SerializeToString())

    def forget_user(self, data: bytes, states: States) -> bytes:
        """A ForgetUserRequest to a ForgetUserResponse."""
        key = _key(wire.parse(v1.ForgetUserRequest, data, MAX_BYTES).id)
        store, folder = self._there()
        ids, events = forget(store, Tombstones(folder), [key], self.clock())
        answer = v1.ForgetUserResponse(forgotten_ids=len(ids), erased_events=events)
        return bytes(answer.SerializeToString())

    def _there(self) -> tuple[Store, Path]:
        if self.store is None or self.folder is None:
            raise StoreError("this server keeps nothing of anybody; start it with --store DIR")
        return self.store, self.folder


def _key(message: Any) -> bytes:
    name = message.WhichOneof("id")
    if name is None:
        raise InvalidRequest("an id says neither user_id nor visitor_id nor other; give one")
    return key_of(_KINDS[name], wire.short(getattr(message, name), name))


def _id(key: bytes) -> Any:
    return v1.PersonId(**{_FIELDS[key[:1].decode()]: key[1:].decode("utf-8", "replace")})
