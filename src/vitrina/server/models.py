"""ModelService from bytes to bytes: the registry's bundles, the workers, and turning them. No transport."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from vitrina import bundle
from vitrina.errors import InvalidRequest, Malformed, PlacementsError, VitrinaError
from vitrina.placements import over, parse_placements, read_placements, stamped
from vitrina.registry import Registry
from vitrina.v1 import model_service_pb2 as v1

States = Mapping[int, Mapping[str, Any]]
"""By worker number: `pid` and what `Current.state` says."""


@dataclass(frozen=True)
class Models:
    """Answers about one registry. Methods raise InvalidRequest, RegistryError, BundleError and
    PlacementsError. `placements`: the file that the server was started with, if any."""

    registry: Registry
    placements: Path | None = None

    def list_models(self, data: bytes, states: States) -> bytes:
        """A ListModelsRequest to a ListModelsResponse."""
        _parsed(v1.ListModelsRequest, data)
        versions = self.registry.versions()
        current = self._current()
        answer = v1.ListModelsResponse(
            current_version=current,
            models=[self._model(one, current, states) for one in versions],
            workers=[_worker(number, one) for number, one in sorted(states.items())],
        )
        return bytes(answer.SerializeToString())

    def activate_model(self, data: bytes, states: States) -> bytes:
        """An ActivateModelRequest to an ActivateModelResponse."""
        version = _parsed(v1.ActivateModelRequest, data).version
        if not version:
            raise InvalidRequest("version is empty; name the bundle to answer from")
        self.registry.activate(version)
        return bytes(v1.ActivateModelResponse(current_version=version).SerializeToString())

    def roll_back_model(self, data: bytes, states: States) -> bytes:
        """A RollBackModelRequest to a RollBackModelResponse."""
        leave = _parsed(v1.RollBackModelRequest, data).from_version
        current = self.registry.current()
        if leave in ("", current):
            current = self.registry.roll_back()
        return bytes(v1.RollBackModelResponse(current_version=current).SerializeToString())

    def get_placements(self, data: bytes, states: States) -> bytes:
        """A GetPlacementsRequest to a GetPlacementsResponse."""
        _parsed(v1.GetPlacementsRequest, data)
        bundled = bundle.read(self.registry.path()).manifest.placements
        file = self.placements or self.registry.placements
        source = str(self.placements) if self.placements else "applied" if file.exists() else "bundle"
        chosen = parse_placements(bundled) if source == "bundle" else read_placements(file, bundled)
        answer = v1.GetPlacementsResponse(
            placements_version=chosen.version,
            source=source,
            tables_json=json.dumps(chosen.tables, default=str),
            bundled_json=json.dumps(bundled, default=str),
        )
        return bytes(answer.SerializeToString())

    def apply_placements(self, data: bytes, states: States) -> bytes:
        """An ApplyPlacementsRequest to an ApplyPlacementsResponse; PlacementsError names every fault."""
        text = _parsed(v1.ApplyPlacementsRequest, data).tables_json
        if self.placements:
            raise PlacementsError(
                f"this server follows the file {self.placements} (--placements): change it there, or start "
                "the server without one"
            )
        version = apply(self.registry, text)
        return bytes(v1.ApplyPlacementsResponse(placements_version=version).SerializeToString())

    def _current(self) -> str:
        try:
            return self.registry.current()
        except VitrinaError:
            return ""

    def _model(self, version: str, current: str, states: States) -> Any:
        # A worker that answers from it may have refused placements alone: told in the worker's row.
        refusals = [one["reason"] for one in states.values() if one["refused"] == version != one["version"]]
        try:
            manifest = bundle.read(self.registry.path(version)).manifest
        except VitrinaError as reason:
            return v1.Model(version=version, state=v1.MODEL_STATE_FAILED, reason=str(reason))
        return v1.Model(
            version=version,
            state=_state(version, current, states, refused=bool(refusals)),
            reason=refusals[0] if refusals else "",
            created_time=manifest.created,
            size_bytes=sum(one.size for one in manifest.parts.values()),
        )


def apply(registry: Registry, text: str) -> str:
    """Put placements, a JSON object, over those of the bundles, if they are without fault; their version.

    With no text those of the bundles are back. Raises PlacementsError and RegistryError.
    """
    bundled = bundle.read(registry.path()).manifest.placements
    if not text:
        registry.apply_placements("")
        return parse_placements(bundled).version
    try:
        tables = json.loads(text)
    except (ValueError, RecursionError) as reason:
        raise PlacementsError(f"the placements given are no JSON: {reason}") from None
    if not isinstance(tables, dict):
        raise PlacementsError("the placements given are no JSON object")
    tables = stamped(tables)
    parse_placements(over(tables, bundled, "the placements given"), "the placements given")
    registry.apply_placements(json.dumps(tables, indent=1))
    return str(tables["version"])


def _state(version: str, current: str, states: States, *, refused: bool) -> Any:
    if refused:
        return v1.MODEL_STATE_FAILED
    if version != current:
        return v1.MODEL_STATE_AVAILABLE
    everywhere = all(one["version"] == version for one in states.values())
    return v1.MODEL_STATE_SERVING if states and everywhere else v1.MODEL_STATE_LOADING


def _worker(number: int, state: Mapping[str, Any]) -> Any:
    return v1.Worker(
        number=number,
        pid=state["pid"],
        version=state["version"],
        placements_version=state["placements"],
        since_time=state["since"],
        refused_version=state["refused"],
        refused_reason=state["reason"],
    )


def _parsed(kind: Any, data: bytes) -> Any:
    try:
        return kind.FromString(data)
    except DecodeError:
        raise Malformed(f"the request is not a {kind.DESCRIPTOR.name} message") from None
