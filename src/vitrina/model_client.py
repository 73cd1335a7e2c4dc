"""A client of ModelService: what a server's workers answer from, and turning it.

with ModelClient("localhost:50052") as models:
    print(models.list().workers)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grpc

from vitrina.calling import ask, bearer, connect
from vitrina.v1 import model_service_pb2 as v1

TIMEOUT_S = 30.0
"""Activating reads every byte of a bundle first."""
_SERVICE: str = v1.DESCRIPTOR.services_by_name["ModelService"].full_name


@dataclass(frozen=True)
class Model:
    """A bundle of the server's registry. `state`: available, loading, serving or failed."""

    version: str
    state: str
    reason: str
    created: int
    size: int


@dataclass(frozen=True)
class Worker:
    """A worker and the bundle it answers from; `refused` is the one that it would not take up."""

    number: int
    pid: int
    version: str
    placements: str
    since: int
    refused: str
    reason: str


@dataclass(frozen=True)
class Models:
    """The registry and the workers of a server."""

    current: str
    models: tuple[Model, ...]
    workers: tuple[Worker, ...]


@dataclass(frozen=True)
class Served:
    """The placements that a server answers with, where they come from ('bundle', 'applied' or a file), and
    those of the bundle itself."""

    version: str
    source: str
    tables: Mapping[str, Any]
    bundled: Mapping[str, Any]


class ModelClient:
    """One channel to a server's port for operators. Methods raise VitrinaError."""

    def __init__(
        self, target: str, *, credentials: grpc.ChannelCredentials | None = None, token: str = ""
    ) -> None:
        self._channel, self._headers = connect(target, credentials), bearer(token)

    def list(self) -> Models:
        """The bundles, and what every worker answers from."""
        found = self._call("ListModels", v1.ListModelsRequest(), v1.ListModelsResponse)
        models = tuple(
            Model(one.version, _state(one.state), one.reason, one.created_time, one.size_bytes)
            for one in found.models
        )
        return Models(found.current_version, models, tuple(map(_worker, found.workers)))

    def activate(self, version: str) -> str:
        """Make a bundle current; return its version."""
        message = v1.ActivateModelRequest(version=version)
        return str(self._call("ActivateModel", message, v1.ActivateModelResponse).current_version)

    def roll_back(self) -> str:
        """Make the bundle before the current one current again; return its version."""
        message = v1.RollBackModelRequest(from_version=self.list().current)
        return str(self._call("RollBackModel", message, v1.RollBackModelResponse).current_version)

    def placements(self) -> Served:
        """The placements that lists are made by."""
        found = self._call("GetPlacements", v1.GetPlacementsRequest(), v1.GetPlacementsResponse)
        tables, bundled = json.loads(found.tables_json), json.loads(found.bundled_json)
        return Served(found.placements_version, found.source, tables, bundled)

    def apply_placements(self, tables: Mapping[str, Any] | None) -> str:
        """Put placements over the bundles' own; None for none. Return their version."""
        message = v1.ApplyPlacementsRequest(tables_json=json.dumps(tables, default=str) if tables else "")
        return str(self._call("ApplyPlacements", message, v1.ApplyPlacementsResponse).placements_version)

    def _call(self, method: str, message: Any, answer: Any) -> Any:
        call: Any = self._channel.unary_unary(
            f"/{_SERVICE}/{method}",
            request_serializer=type(message).SerializeToString,
            response_deserializer=answer.FromString,
        )
        return ask(call, message, TIMEOUT_S, self._headers)

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def __enter__(self) -> ModelClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _state(number: int) -> str:
    return str(v1.ModelState.Name(number)).removeprefix("MODEL_STATE_").lower()


def _worker(message: Any) -> Worker:
    return Worker(
        message.number,
        message.pid,
        message.version,
        message.placements_version,
        message.since_time,
        message.refused_version,
        message.refused_reason,
    )
