"""Prometheus metrics. Workers write them into one folder, the supervisor adds them up and serves them.

Labels are bounded: methods, codes, stages, and placements that the engine knows. The folder must be in
PROMETHEUS_MULTIPROC_DIR before this module is imported; without it the metrics stay in the process.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from vitrina.errors import ServerError

if TYPE_CHECKING:
    from vitrina.server.service import Note

_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

REQUESTS = Counter("vitrina_requests", "Calls by method and canonical code.", ["method", "code"])
LATENCY = Histogram(
    "vitrina_latency_seconds",
    "Seconds a call spent waiting and in the transport, in the service, and in the engine.",
    ["method", "stage"],
    buckets=_BUCKETS,
)
IN_FLIGHT = Gauge("vitrina_in_flight", "Calls inside or waiting.", multiprocess_mode="livesum")
SHED = Counter("vitrina_shed", "Calls refused or dropped before the engine was asked.", ["code"])
BUNDLE_AGE = Gauge(
    "vitrina_bundle_age_seconds", "Seconds since the bundle was trained.", multiprocess_mode="livemax"
)
LAST_EVENT_AGE = Gauge(
    "vitrina_last_event_age_seconds",
    "Seconds since the last event the bundle knows of.",
    multiprocess_mode="livemax",
)
SWAPS = Counter("vitrina_bundle_swaps", "Bundles taken into service, or refused.", ["outcome"])
ITEM_IDS = Counter("vitrina_item_ids", "Item ids in requests, by whether the bundle knows them.", ["known"])
LISTS = Counter("vitrina_lists", "Lists returned.", ["placement"])
LISTED_ITEMS = Counter("vitrina_listed_items", "Items in the lists returned.", ["placement"])
EMPTY_LISTS = Counter("vitrina_empty_lists", "Lists returned without any item.", ["placement"])
FALLBACK_LISTS = Counter("vitrina_fallback_lists", "Lists that needed a fallback source.", ["placement"])


def count(method: str, code: str, total_s: float, note: Note) -> None:
    """Count one finished call."""
    REQUESTS.labels(method, code).inc()
    if code in ("RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"):
        SHED.labels(code).inc()
    LATENCY.labels(method, "transport").observe(max(0.0, total_s - note.service_s - note.engine_s))
    LATENCY.labels(method, "service").observe(note.service_s)
    LATENCY.labels(method, "engine").observe(note.engine_s)
    if note.known_ids:
        ITEM_IDS.labels("yes").inc(note.known_ids)
    if note.unknown_ids:
        ITEM_IDS.labels("no").inc(note.unknown_ids)
    for placement, tally in note.shown.items():
        LISTS.labels(placement).inc(tally.lists)
        LISTED_ITEMS.labels(placement).inc(tally.items)
        EMPTY_LISTS.labels(placement).inc(tally.empty)
        FALLBACK_LISTS.labels(placement).inc(tally.fallback)


def expose(host: str, port: int, folder: str) -> tuple[int, Callable[[], None]]:
    """Serve what all workers wrote into `folder`; return the port and how to stop. Supervisor only.

    Raises ServerError where the port is taken.
    """
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call]
    try:
        server, thread = start_http_server(port, addr=host, registry=registry)
    except OSError as reason:
        raise ServerError(f"no metrics on {host}:{port}: {reason}; choose another --metrics-port") from None

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return server.server_port, stop


def forget(pid: int, folder: str) -> None:
    """Take a dead worker's gauges out of the sums; what it counted stays."""
    if os.path.isdir(folder):  # noqa: PTH112 - prometheus_client speaks in strings
        mark_process_dead(pid, path=folder)  # type: ignore[no-untyped-call]
