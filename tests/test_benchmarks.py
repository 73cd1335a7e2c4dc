"""The benchmarks of serving run at their smallest setting, and their JSON has what the tables are made of."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


def run(name: str) -> dict[str, Any]:
    """What a benchmark prints of a small made-up shop."""
    command = [sys.executable, ROOT / "benchmarks" / f"{name}.py", "--quick", "--json", "--shop", "small"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout))


def test_engine_by_contender_stage_and_placement() -> None:
    """Every contender and placement has CPU figures above zero; the stages add up to a whole request."""
    found = run("engine")
    assert {"home", "item_knn alone", "implicit BM25 K=20"} <= set(found["contest"])
    assert all(one["cpu_us"] > 0 for one in found["contest"].values())
    assert {"home", "cart", "product_similar"} <= set(found["placements"])
    assert all(one["batch_cpu_us"] > 0 for one in found["placements"].values())
    single = found["stages"]["batch of 1"]
    assert {"askers", "admit", "retrieve", "blend", "settle", "fall back", "answers", "the rest"} == set(
        single
    )
    assert sum(single.values()) < 20 * found["contest"]["home"]["cpu_us"]


def test_server_beside_constant_ones() -> None:
    """Ours and three constant servers answer without a failure, in answers of one size; both loops are measured."""
    one = run("server")["shops"]["small"]
    rows = one["closed"]["servers"]
    assert set(rows) == {"vitrina", "threads", "asyncio", "uvloop"}
    assert all(
        row["failed"] == 0 and row["answered"] > 0 and row["cpu_us"]["median"] > 0 for row in rows.values()
    )
    assert rows["uvloop"]["mean_bytes"]["median"] == one["answer_bytes"]
    assert rows["vitrina"]["mean_bytes"]["median"] == pytest.approx(one["answer_bytes"], rel=0.2)
    assert one["closed"]["server_counts"]["OK"] >= rows["vitrina"]["answered"]
    assert min(one["closed"]["ratio_by_rate"], one["closed"]["ratio_by_cpu"]) > 0
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
