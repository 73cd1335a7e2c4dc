"""Metrics: workers tally in memory and report once a second; the supervisor adds up and serves them.

Labels are bounded: methods, codes, stages, and placements that the engine knows. A call costs a few
additions; prometheus_client's own multi-process mode would cost it a dozen writes to mapped files.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from vitrina.errors import ServerError

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from vitrina.server.service import Note

COUNTERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "vitrina_requests": ("Calls by method and canonical code.", ("method", "code")),
    "vitrina_shed": ("Calls refused or dropped before the engine had answered them.", ("code",)),
    "vitrina_bundle_swaps": ("Bundles taken into service, or refused.", ("outcome",)),
    "vitrina_item_ids": ("Item ids in requests, by whether the bundle knows them.", ("known",)),
    "vitrina_lists": ("Lists returned.", ("placement",)),
    "vitrina_listed_items": ("Items in the lists returned.", ("placement",)),
    "vitrina_empty_lists": ("Lists returned without any item.", ("placement",)),
    "vitrina_fallback_lists": ("Lists that needed a fallback source.", ("placement",)),
    "vitrina_events": ("Events sent to be recorded, by what became of them.", ("outcome",)),
    "vitrina_item_updates": ("Catalogue updates sent, by what became of them.", ("outcome",)),
    "vitrina_degraded": ("Answers given without something that could not be asked.", ("what",)),
}
GAUGES: dict[str, tuple[str, Callable[[list[float]], float]]] = {
    "vitrina_in_flight": ("Calls inside or waiting, over all workers.", sum),
    "vitrina_bundle_age_seconds": ("Seconds since the oldest bundle in service was trained.", max),
    "vitrina_last_event_age_seconds": ("Seconds since the last event that it knows of.", max),
}
LATENCY = "vitrina_latency_seconds"
STAGES = ("transport", "service", "engine")
BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_SHED = ("RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED")


@dataclass
class Tallies:
    """What one worker counted since it started. `latency`: a count for each bucket, then the sum."""

    counters: dict[tuple[str, ...], float] = field(default_factory=dict)
    latency: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    gauges: dict[str, float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    def add(self, *key: str, n: float = 1) -> None:
        """Add to a counter, named by itself and its labels. Any thread may count."""
        with self._lock:
            self._add(key, n)

    def call(self, method: str, code: str, total_s: float, note: Note) -> None:
        """Count one finished call."""
        spent = (max(0.0, total_s - note.service_s - note.engine_s), note.service_s, note.engine_s)
        with self._lock:
            self._ended(method, code)
            for stage, seconds in zip(STAGES, spent, strict=True):
                self._observe((method, stage), seconds)
            self._add(("vitrina_item_ids", "yes"), note.known_ids)
            self._add(("vitrina_item_ids", "no"), note.unknown_ids)
            for outcome, n in note.events.items():
                self._add(("vitrina_events", outcome), n)
            for outcome, n in note.items.items():
                self._add(("vitrina_item_updates", outcome), n)
            for what, n in note.degraded.items():
                self._add(("vitrina_degraded", what), n)
            for placement, tally in note.shown.items():
                self._add(("vitrina_lists", placement), tally.lists)
                self._add(("vitrina_listed_items", placement), tally.items)
                self._add(("vitrina_empty_lists", placement), tally.empty)
                self._add(("vitrina_fallback_lists", placement), tally.fallback)

    def refused(self, method: str, code: str) -> None:
        """Count a call that was refused before its message was read."""
        with self._lock:
            self._ended(method, code)

    def report(self) -> dict[str, Any]:
        """All of it, as JSON can carry it."""
        with self._lock:
            return {
                "counters": [[*key, n] for key, n in self.counters.items()],
                "latency": [[*key, *row] for key, row in self.latency.items()],
                "gauges": dict(self.gauges),
            }

    def _add(self, key: tuple[str, ...], n: float) -> None:
        if n or key not in self.counters:
            self.counters[key] = self.counters.get(key, 0) + n

    def _ended(self, method: str, code: str) -> None:
        self._add(("vitrina_requests", method, code), 1)
        if code in _SHED:
            self._add(("vitrina_shed", code), 1)

    def _observe(self, key: tuple[str, str], seconds: float) -> None:
        row = self.latency.get(key)
        if row is None:
            row = self.latency[key] = [0.0] * (len(BUCKETS) + 2)
        row[bisect_left(BUCKETS, seconds)] += 1
        row[-1] += seconds


@dataclass(eq=False)
class Collected:
    """The reports of all workers, added up; a collector as prometheus_client has them.

    What a worker counted stays when it dies; its gauges go.
    """

    past: Tallies = field(default_factory=Tallies)
    living: dict[int, Tallies] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def heard(self, pid: int, report: Mapping[str, Any]) -> None:
        """Take a worker's latest report in place of its former one."""
        tallies = Tallies(
            {tuple(key): n for *key, n in report["counters"]},
            {(method, stage): row for method, stage, *row in report["latency"]},
            dict(report["gauges"]),
        )
        with self.lock:
            self.living[pid] = tallies

    def gone(self, pid: int) -> None:
        """Keep what a dead worker counted."""
        with self.lock:
            self.past = Tallies(*_sums([self.past, self.living.pop(pid, Tallies())]))

    def collect(self) -> Iterator[Metric]:
        """Everything, for an exposition."""
        from prometheus_client.core import (
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        with self.lock:
            past, living = self.past, list(self.living.values())
        counters, latency = _sums([past, *living])
        for name, (about, labels) in COUNTERS.items():
            counter = CounterMetricFamily(name, about, labels=labels)
            for key, n in counters.items():
                if key[0] == name:
                    counter.add_metric(key[1:], n)
            yield counter
        histogram = HistogramMetricFamily(LATENCY, "Seconds of a call, by where.", labels=("method", "stage"))
        for (method, stage), row in latency.items():
            histogram.add_metric((method, stage), _cumulative(row), row[-1])
        yield histogram
        for name, (about, over) in GAUGES.items():
            values = [one.gauges[name] for one in living if name in one.gauges]
            yield GaugeMetricFamily(name, about, value=over(values) if values else None)


def expose(host: str, port: int, collected: Collected) -> Callable[[], None]:
    """Serve metrics over HTTP; return how to stop. Raises ServerError where the port is taken."""
    from prometheus_client import CollectorRegistry, start_http_server

    registry = CollectorRegistry()
    registry.register(collected)
    try:
        server, thread = start_http_server(port, addr=host, registry=registry)
    except OSError as reason:
        raise ServerError(f"no metrics on {host}:{port}: {reason}; choose another --metrics-port") from None

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop


def _sums(many: list[Tallies]) -> tuple[dict[tuple[str, ...], float], dict[tuple[str, str], list[float]]]:
    counters: dict[tuple[str, ...], float] = {}
    latency: dict[tuple[str, str], list[float]] = {}
    for one in many:
        for key, n in one.counters.items():
            counters[key] = counters.get(key, 0) + n
        for place, row in one.latency.items():
            before = latency.get(place, [0.0] * len(row))
            latency[place] = [a + b for a, b in zip(before, row, strict=True)]
    return counters, latency


def _cumulative(row: list[float]) -> list[tuple[str, float]]:
    """Bucket counts as Prometheus wants them: each with all below it, named by its bound."""
    running, found = 0.0, []
    for bound, n in zip((*map(str, BUCKETS), "+Inf"), row[:-1], strict=True):
        running += n
        found.append((bound, running))
    return found
