"""The engine that answers now. A newer bundle replaces it only after it was checked and warmed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vitrina import probes
from vitrina.engine import Engine
from vitrina.errors import (
    BundleError,
    NotReady,
    PlacementsError,
    RegistryError,
    SourceFailed,
    VitrinaError,
)
from vitrina.placements import Placements, parse_placements, read_placements
from vitrina.registry import Registry
from vitrina.renewal import Said
from vitrina.server.generations import Generations
from vitrina.server.log import say, say_fault
from vitrina.server.metrics import Tallies
from vitrina.server.service import Service
from vitrina.server.token import Signer
from vitrina.updates import Fields
from vitrina.v1 import recommendation_service_pb2 as v1
from vitrina.wording import Wording

_PATIENCE_S = 30.0
"""What was refused is tried again after this long: disks recover."""
_AGAIN_S = 60.0
"""How often the log says of the same source that it fails."""

_Wanted = tuple[str, int]
"""A bundle version, and when the placements file last changed, in nanoseconds; 0 for the bundle's own."""


@dataclass
class Current:
    """Follows the registry's current bundle, and its placements: a file's where one was given, else those
    that were applied to the registry, else the bundle's own.

    Calls take the engine once and keep it to their end; the old one goes with its last call. Bundles are
    opened from `generations`: nothing that happens to the registry reaches one that answers. `said`: what the
    shop said of its items since training, by id; it is put into every engine after its probes were replayed.
    """

    registry: Registry
    generations: Generations
    placements: Path | None
    clock: Callable[[], int]
    tallies: Tallies
    wording: Wording | None = None
    """The shop's own words for reasons; None for ours."""
    engine: Engine | None = None
    since: int = 0
    said: dict[str, Fields] = field(default_factory=dict)
    _bundled: Engine | None = None
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _served: _Wanted = ("", 0)
    _refused: tuple[_Wanted, str] = (("", 0), "")
    _refused_at: float = -_PATIENCE_S
    _failed_at: dict[str, float] = field(default_factory=dict)

    def __call__(self) -> Engine:
        """The engine that answers now. Raises NotReady before there is one."""
        if self.engine is None:
            raise NotReady("no bundle is open yet; ask again in a second")
        return self.engine

    def open(self) -> None:
        """Take up the current bundle; where it cannot be, the one that this server answered from last.

        Raises VitrinaError where there is neither.
        """
        try:
            self._take(self._wanted())
        except PlacementsError as reason:
            if self.placements:
                raise  # somebody who starts a server with a file wants that file
            self._refuse(self._wanted(), reason, kept=self._asked())
            self._take((self._asked(), 0))
        except (BundleError, RegistryError) as reason:
            known = self.generations.versions()
            if not known:
                raise
            self._refuse((self._asked(), 0), reason, kept=known[0])
            self._take((known[0], 0))

    def refresh(self) -> None:
        """Take up what is newer than what is served. On failure keep the old, and log the reason."""
        wanted = ("", 0)
        impatient = time.monotonic() < self._refused_at + _PATIENCE_S
        try:
            wanted = self._wanted()
            if wanted == self._served:
                self._forgive(wanted[0])
                return
            if impatient and wanted == self._refused[0]:
                return
            self._take(wanted)
        except Exception as reason:
            if not impatient or (wanted, _words(reason)) != self._refused:
                self._refuse(wanted, reason, kept=self._served[0])
        else:
            say("bundle taken", bundle=wanted[0], placements=self().placements.version)

    def tell(self, said: Said) -> None:
        """Put what was said of items into the catalogue that answers: the next call sees it."""
        with self._turn:
            self.said.update(said)
            if self.engine is not None:
                self.engine = self.engine.told(said)

    def state(self) -> dict[str, Any]:
        """What this worker answers from since when, and what it would not take up, and why."""
        (refused, _), reason = self._refused
        return {
            "version": self._served[0],
            "placements": self.engine.placements.version if self.engine else "",
            "since": self.since,
            "refused": refused,
            "reason": reason,
        }

    def age(self) -> None:
        """Say in the metrics how old the bundle and its last event are."""
        if self.engine:
            self.tallies.gauges["vitrina_bundle_age_seconds"] = self.clock() - self.engine.created
            since = self.clock() - self.engine.last_event
            self.tallies.gauges["vitrina_last_event_age_seconds"] = max(0, since)  # a row may be dated ahead

    def _take(self, wanted: _Wanted) -> None:
        engine = self._opened(wanted)
        warm(engine, self.clock())
        forbearing = engine.forbearing(self._failed)
        with self._turn:
            self.engine = forbearing.told(self.said) if self.said else forbearing
        self._bundled, self._served, self.since = engine, wanted, int(time.time())
        self._forgive(wanted[0])
        self.tallies.add("vitrina_bundle_swaps", "taken")

    def _failed(self, failed: SourceFailed) -> None:
        """Log that a source failed and the others answer; metrics count the answers (`vitrina_degraded`)."""
        now = time.monotonic()
        if now - self._failed_at.get(failed.source, -_AGAIN_S) >= _AGAIN_S:
            self._failed_at[failed.source] = now
            say_fault("source failed", failed.fault, source=failed.source, bundle=self._served[0])

    def _forgive(self, version: str) -> None:
        """A bundle that is served is no longer one that was refused, whatever its placements were."""
        if self._refused[0][0] == version:
            self._refused = ("", 0), ""

    def _refuse(self, wanted: _Wanted, reason: Exception, kept: str) -> None:
        self._refused, self._refused_at = (wanted, _words(reason)), time.monotonic()
        self.tallies.add("vitrina_bundle_swaps", "refused")
        if not isinstance(reason, VitrinaError):
            say_fault("bundle refused", reason)
        say("bundle refused", bundle=wanted[0], kept=kept, reason=_words(reason))

    def _asked(self) -> str:
        try:
            return self.registry.current()
        except VitrinaError:
            return ""

    def _wanted(self) -> _Wanted:
        version = self.registry.current()
        try:
            changed = self._file.stat().st_mtime_ns
        except OSError as reason:
            if self.placements is None and isinstance(reason, FileNotFoundError):
                return version, 0
            raise PlacementsError(f"cannot read the placements {self._file}: {reason}") from None
        return version, changed

    @property
    def _file(self) -> Path:
        return self.placements or self.registry.placements

    def _opened(self, wanted: _Wanted) -> Engine:
        version, changed = wanted
        if (old := self._bundled) and version == self._served[0]:
            return old.with_placements(self._chosen(old.manifest.placements, changed))
        opened = self.generations.take(self.registry.folder / version)
        chosen = self._chosen(opened.manifest.placements, changed) if changed else None
        engine = Engine.of(opened, chosen)
        return engine.with_wording(self.wording) if self.wording else engine

    def _chosen(self, bundled: Mapping[str, Any], changed: int) -> Placements:
        """The placements to answer with: the file's, or, where there is none, the bundle's."""
        if changed:
            return read_placements(self._file, bundled)
        return parse_placements(bundled, "the bundle's placements")


def _words(reason: Exception) -> str:
    """Why something was refused; of what nobody foresaw the log has more."""
    return str(reason) if isinstance(reason, VitrinaError) else f"{type(reason).__name__}: {reason}"


def warm(engine: Engine, now: int) -> None:
    """Replay the bundle's probes, then ask for every placement as a stranger would over the wire.

    Raises BundleCorrupt where a probe is answered otherwise than in training.
    """
    probes.replay(engine)
    service = Service(lambda: engine, Signer(b"warm"))
    for name in engine.placements.names:
        channel = f"CHANNEL_{engine.placements.named(name).channel.upper()}"
        request = v1.RecommendRequest(
            blocks=[{"placement": name}], product_fields=["PRODUCT_FIELD_TITLE"], channel=channel
        )
        service.recommend(request.SerializeToString(), now)
