"""The load generator tells the truth; the benchmarks of serving run at their smallest setting, and their JSON has what the tables are made of."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fronts import fronting
from servers import Shelf, serving

from vitrina.errors import UnknownPlacement
from vitrina.stages import STAGES
from vitrina.v1 import recommendation_service_pb2 as v1

ROOT = Path(__file__).resolve().parents[1]


ASKED = v1.RecommendRequest(user_id="ann", blocks=[{"placement": "home"}]).SerializeToString()


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The load generator, which stands beside the benchmarks."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("serving.load")


def port(address: str) -> int:
    """Of an address."""
    return int(address.rpartition(":")[2])


def test_load_counts_what_the_server_counts(load: Any) -> None:
    """Closed loop: every call sent reached the engine once and came back whole."""
    shelf = Shelf()
    with serving(shelf) as address:
        run = load.closed(port(address), [ASKED], 0.2, connections=2, streams=3)
    reached = sum(len(requests) for requests, _ in shelf.asked)  # calls that wait together are one batch
    assert run.sent == len(run.took) == reached > 6
    assert not run.failed
    assert run.bytes / run.sent > 100


def test_load_knows_a_refusal_from_an_answer(load: Any) -> None:
    """Every gRPC status but 0 is a failure under its number, though HTTP says 200."""
    with serving(Shelf(fault=UnknownPlacement("no such placement"))) as address:
        run = load.closed(port(address), [ASKED], 0.1, connections=1, streams=1)
    assert not run.took
    assert run.failed == {"status 5": run.sent}


def test_load_reads_what_envoy_writes(load: Any, tmp_path: Path) -> None:
    """Envoy writes trailers in another code than grpcio; answers and refusals are told apart all the same."""
    pytest.importorskip("pyvoy", reason="the front envoy is an extra")
    lost = v1.RecommendRequest(user_id="lost", blocks=[{"placement": "home"}]).SerializeToString()
    with fronting("envoy", tmp_path) as server:
        good = load.closed(port(server.address), [ASKED], 0.1, connections=1, streams=1)
        bad = load.closed(port(server.address), [lost], 0.1, connections=1, streams=1)
    assert len(good.took) == good.sent > 0
    assert bad.failed == {"status 5": bad.sent}


def test_open_loop_counts_waiting(load: Any) -> None:
    """Latency counts from when a call was due: a server that cannot keep up is not asked more gently."""

    class Slow(Shelf):
        def recommend(self, requests: Any, live: Any) -> Any:
            time.sleep(0.05 * len(requests))
            return super().recommend(requests, live)

    due = np.arange(20) * 0.01
    with serving(Slow(), wait_s=30.0) as address:
        run = load.opened(port(address), [ASKED] * len(due), due, connections=2, streams=2)
    assert len(run.took) == len(due)
    assert max(run.took) > 0.05 * len(due) - due[-1] - 0.05


def test_arrivals_and_customers_are_seeded(load: Any) -> None:
    """Poisson arrivals have the rate asked for; by Zipf's law a few customers make most calls."""
    due = load.poisson(1000.0, 10.0, 1)
    assert len(due) == pytest.approx(10_000, rel=0.05)
    assert np.all(np.diff(due) > 0)
    assert np.array_equal(due, load.poisson(1000.0, 10.0, 1))
    counts = np.sort(np.bincount(load.zipf(10_000, 50_000, 1), minlength=10_000))[::-1]
    assert counts[0] == pytest.approx(50_000 / np.log(10_000 * 1.78), rel=0.1)


def run(name: str, *options: str) -> dict[str, Any]:
    """What a benchmark prints of a small made-up shop."""
    command = [sys.executable, ROOT / "benchmarks" / f"{name}.py", "--quick", "--json"]
    command += options or ("--shop", "small")
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout))


def test_events_are_all_counted_and_the_next_list_follows() -> None:
    """Every acknowledged event was accepted once, or the script stops; each click is in the list after it."""
    found = run("events")
    assert {*found["rounds"]} == {"batches", "singles", "bare"}
    assert all(one["events_s"] > 0 for runs in found["rounds"].values() for one in runs)
    assert [one["reflected"] for one in found["delays"].values()] == [1.0, 1.0]
    assert found["delays"]["alone"]["stock_ms"]["max"] < 30_000
    assert found["delays"]["while recording"]["stock_ms"]["max"] < 30_000
    assert {*found["profile_reads_us"]} == {"0", "1", "5", "20", "120"}


def test_engine_by_contender_stage_and_placement() -> None:
    """Every contender and placement has CPU figures above zero; the stages add up to a whole request."""
    found = run("engine")
    assert {"home", "item_knn alone", "implicit BM25 K=20"} <= set(found["contest"])
    assert all(one["cpu_us"] > 0 for one in found["contest"].values())
    assert {"home", "cart", "product_similar"} <= set(found["placements"])
    assert all(one["batch_cpu_us"] > 0 for one in found["placements"].values())
    assert {"home_weighed", "typical"} <= set(found["contest"])
    single = found["stages"]["home, batch of 1"]
    stages = {name for name, _ in STAGES}
    assert {"askers", *stages, "answers", "the rest"} == set(single)
    assert sum(single.values()) < 20 * found["contest"]["home"]["cpu_us"]


def test_server_beside_constant_ones() -> None:
    """Ours and three constant servers answer without a failure, in answers of one size; both loops are measured."""
    one = run("server")["shops"]["small"]
    rows = one["closed"]["servers"]
    ours = {"vitrina, home_weighed", "vitrina, typical", "vitrina, home"}
    assert set(rows) == {*ours, "threads", "asyncio", "uvloop"}
    assert all(
        row["failed"] == 0 and row["answered"] > 0 and row["cpu_us"]["median"] > 0 for row in rows.values()
    )
    assert rows["uvloop"]["mean_bytes"]["median"] == one["answer_bytes"]
    assert rows["vitrina, home_weighed"]["mean_bytes"]["median"] == pytest.approx(
        one["answer_bytes"], rel=0.2
    )
    assert one["closed"]["server_counts"]["OK"] >= sum(rows[name]["answered"] for name in ours)
    ratios = (*one["closed"]["ratio_by_rate"].values(), *one["closed"]["ratio_by_cpu"].values())
    assert len(ratios) == 6
    assert min(ratios) > 0
    assert one["page"]["one call"]["failed"] == one["page"]["six calls"]["failed"] == 0
    assert min(one["page"]["by_rate"], one["page"]["by_cpu"]) > 0
    assert {row["server"] for row in one["open"]} == {"vitrina", one["closed"]["fastest_constant"]}
    assert all(row["sent"] == row["answered"] + sum(row["failed"].values()) for row in one["open"])


def test_opening_while_serving() -> None:
    """A new bundle answers within seconds, the caller meanwhile is never refused, and workers share the bundle."""
    found = run("opening")
    for kind in ("fresh", "known"):
        assert 0 < found["swaps"][kind]["to_first_answer_s"]["median"] < 30
        assert found["swaps"][kind]["failed"] == 0
    assert set(found["steps_s"]) == {"verify", "open", "warm", "first answer"}
    one, two = found["memory_mb"]["1 worker"]["each"], found["memory_mb"]["2 workers"]["each"]
    assert (len(one), len(two)) == (1, 2)
    assert all(0 < each["private"] <= each["proportional"] <= each["resident"] for each in one + two)


def test_changes_of_the_catalogue() -> None:
    """Every kind of change is measured at every size, and takes some time."""
    found = run("catalogue", "--quick")["cpu_ms"]
    assert set(found) == {"1000", "10000"}
    for shop in found.values():
        assert {"open anew", "a price", "stock in a region", "a new product", "next list"} < set(shop)
        assert all(one > 0 for one in shop.values())
