"""Metrics: what workers count is added up, survives them, and has bounded labels."""

from __future__ import annotations

import json

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from servers import Names, Shelf, looping, start

from vitrina.client import Client
from vitrina.errors import UnknownPlacement, VitrinaError
from vitrina.request import Block, Request
from vitrina.server.metrics import Collected, Tallies
from vitrina.server.service import Note, Tally


def exposed(collected):
    """Samples by name and labels, as Prometheus would read them."""
    registry = CollectorRegistry()
    registry.register(collected)
    lines = generate_latest(registry).decode().splitlines()
    return {name: float(value) for name, _, value in (one.rpartition(" ") for one in lines if one[0] != "#")}


def report(calls, seconds=0.002, in_flight=1.0):
    """What a worker says after some calls, over JSON."""
    tallies = Tallies()
    note = Note(shown={"home": Tally(2, 10, 1, 1)}, known_ids=3, unknown_ids=1, engine_s=seconds)
    for _ in range(calls):
        tallies.call("Recommend", "OK", 2 * seconds, note)
    tallies.gauges["vitrina_in_flight"] = in_flight
    return json.loads(json.dumps(tallies.report()))


def test_workers_add_up_and_the_dead_are_remembered():
    """Counts are sums over the living and the dead; gauges are of the living alone."""
    collected = Collected()
    collected.heard(1, report(2))
    collected.heard(1, report(3))
    collected.heard(2, report(4, in_flight=5.0))
    found = exposed(collected)
    assert found['vitrina_requests_total{code="OK",method="Recommend"}'] == 7
    assert found["vitrina_in_flight"] == 6
    collected.gone(1)
    collected.heard(3, report(1))
    found = exposed(collected)
    assert found['vitrina_requests_total{code="OK",method="Recommend"}'] == 8
    assert found["vitrina_in_flight"] == 6


def test_latency_is_a_histogram_with_stages_apart():
    """Buckets are cumulative, and transport, service and engine are told apart."""
    collected = Collected()
    collected.heard(1, report(4))
    found = exposed(collected)

    def at(stage, bound):
        return found[f'vitrina_latency_seconds_bucket{{le="{bound}",method="Recommend",stage="{stage}"}}']

    assert (at("engine", "0.001"), at("engine", "0.0025"), at("engine", "+Inf")) == (0, 4, 4)
    assert (at("service", "0.0001"), at("transport", "0.0025")) == (4, 4)
    total = found['vitrina_latency_seconds_sum{method="Recommend",stage="engine"}']
    assert total == pytest.approx(0.008)


def test_shares_can_be_computed():
    """Unknown items, fallback lists and empty lists stand beside their totals."""
    collected = Collected()
    collected.heard(1, report(1))
    found = exposed(collected)
    assert found['vitrina_item_ids_total{known="no"}'] / found['vitrina_item_ids_total{known="yes"}'] == 1 / 3
    lists = found['vitrina_lists_total{placement="home"}']
    assert found['vitrina_fallback_lists_total{placement="home"}'] / lists == 0.5
    assert found['vitrina_empty_lists_total{placement="home"}'] / lists == 0.5


class Strict(Shelf):
    """A shelf that knows its placements."""

    def recommend(self, requests, live):
        """Refuse what is not one of them."""
        for block in requests[0].blocks:
            if block.placement not in Names().names:
                raise UnknownPlacement(f"unknown placement {block.placement!r}")
        return super().recommend(requests, live)


def test_labels_are_bounded_and_logs_name_no_user(capfd):
    """Made-up placements become no labels; ids of users and line breaks do not reach the log."""
    with looping() as loop:
        made, address = start(loop, Strict(), log_calls=True)
        with Client(address) as client:
            client.recommend(Request((Block("home"),), user_id="secret-user"))
            for name in ("made-up\n{}", "other"):
                with pytest.raises(VitrinaError):
                    client.recommend(Request((Block(name),), user_id="secret-user"))
        loop.do(made.drain())
    placements = {key[1] for key in made.calls.tallies.counters if key[0] == "vitrina_lists"}
    assert placements == {"home"}
    log = capfd.readouterr().err
    lines = [json.loads(line) for line in log.splitlines()]
    assert [(one["method"], one["code"]) for one in lines] == [
        ("Recommend", "OK"),
        ("Recommend", "NOT_FOUND"),
        ("Recommend", "NOT_FOUND"),
    ]
    assert lines[0].keys() == {
        *("time", "event", "method", "code", "placements", "bundle", "ms", "engine_ms", "users", "items"),
        "fallback",
    }
    assert "secret-user" not in log


def test_shed_calls_are_counted():
    """A refused call is counted as such, apart from its code."""
    with looping() as loop:
        made, address = start(loop, None, in_flight=0)
        with Client(address) as client, pytest.raises(VitrinaError):
            client.recommend(Request((Block("home"),)))
        loop.do(made.drain())
    assert made.calls.tallies.counters["vitrina_shed", "RESOURCE_EXHAUSTED"] == 1
    assert made.calls.in_flight() == 0
