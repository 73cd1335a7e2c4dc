"""Two ways to a customer's like, beside each other: lists from training, and the takers of what they had.

    python benchmarks/circles.py            prints a table, writes results/circles.json (ten minutes)
    python benchmarks/circles.py --quick    one small shop, nothing written

`user_knn` keeps the nearest of each customer (`listed`), or asks everybody through the latest takers of each
item, few or many of them. The last 28 days are held out; up to 5,000 customers who came back are asked for ten
products they never had, by `user_knn` alone and by what comes with it. Beside NDCG@10 stand CPU seconds of
training and, of one customer at a time, microseconds of a whole request; the difference to the lists from
training is asker by asker.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numba
import numpy as np
from contest.shops import ASKERS, SEED, SHOPS, load
from machine import machine, write
from made import Size, shop

from vitrina import metrics
from vitrina.bootstrap import estimates
from vitrina.dataset import Dataset
from vitrina.engine import Engine
from vitrina.evaluate import ask
from vitrina.fit import fit
from vitrina.live import Live
from vitrina.metrics import Values
from vitrina.placements import parse_placements
from vitrina.questions import Questions, questions
from vitrina.recipe import parse_recipe
from vitrina.request import Block
from vitrina.splits import Split, split

SOURCE: dict[str, Any] = {"seeds": "history", "weight": 1.0}
ALONE, BLEND = "discover", "blend"
PLACEMENTS: dict[str, Any] = {
    "version": "circles",
    ALONE: {"rebuy": "never", "sources": [{"strategy": "user_knn", **SOURCE}]},
    BLEND: {
        "rebuy": "never",
        "sources": [{"strategy": "item_knn", **SOURCE}, {"strategy": "user_knn", **SOURCE, "weight": 0.4}],
    },
}
LISTED = "listed"
WAYS: dict[str, dict[str, Any]] = {LISTED: {"listed": 10**9}} | {
    f"{most} takers": {"listed": 0, "takers": most} for most in (30, 100, 300, 1000)
}
DAYS, K, SINGLE = 28, 10, 500
MADE: dict[str, Callable[[], Dataset]] = {
    "made, 100 k customers": lambda: shop(Size(10_000, 100_000, 1_000_000)),
    "made, 1 M customers": lambda: shop(Size(100_000, 1_000_000, 10_000_000)),
}
REAL: dict[str, Callable[[], Dataset]] = {
    name: partial(load, SHOPS[name], print) for name in ("ml_100k", "complete_journey", "amazon_toys")
}
SMALL: dict[str, Callable[[], Dataset]] = {"made, small": lambda: shop(Size(1000, 5000, 50_000))}


def main() -> None:
    """Every shop, every way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one small shop, nothing written")
    quick = parser.parse_args().quick
    rows = []
    for name, made in (SMALL if quick else REAL | MADE).items():
        found = compared(split(made(), DAYS))
        print(*(f"{name}: {one}" for one in found), sep="\n", flush=True)
        rows += [{"shop": name, **one} for one in found]
    if not quick:
        print(f"\nwritten to {write('circles', {'machine': machine(), 'rows': rows})}")


def compared(cut: Split) -> list[dict[str, Any]]:
    """One shop: a row each way."""
    (asked,) = (one for one in questions(cut, ASKERS, SEED) if one.placement == ALONE)
    told = {way: measured(cut, asked, settings) for way, settings in WAYS.items()}
    columns = {(way, place): one[place] for way, (one, _) in told.items() for place in (ALONE, BLEND)}
    gains = {(*key, "gain"): values - columns[LISTED, key[1]] for key, values in columns.items()}
    found = estimates({**columns, **gains}, np.arange(len(asked)), seed=SEED)
    rows = []
    for way, (_, costs) in told.items():
        figures = {
            f"{place}_{name}": [round(float(one), 4) for one in (told.mean, told.low, told.high)]
            for place in (ALONE, BLEND)
            for name, told in (("ndcg10", found[way, place]), ("gain", found[way, place, "gain"]))
        }
        rows.append({"way": way, "askers": len(asked), "users": len(cut.train.users), **costs, **figures})
    return rows


def measured(
    cut: Split, asked: Questions, settings: dict[str, Any]
) -> tuple[dict[str, Values], dict[str, float]]:
    """NDCG@10 of each asker, by placement, and what it costs."""
    strategies = {"item_knn": {}, "user_knn": settings}
    begun = time.process_time()
    recipe = parse_recipe({"strategies": strategies}, "circles")
    engine = Engine.of(fit(cut.train, recipe, parse_placements(PLACEMENTS, "circles")))
    worked, product, scores = time.process_time() - begun, cut.train.catalog.product, {}
    for place in (ALONE, BLEND):
        lists, _ = ask(engine, asked, engine.placements.named(place), cut.now)
        of = np.append(product, np.int32(metrics.MISS))[lists[:, :K]]
        scores[place] = metrics.accuracy(of, asked.truth)["ndcg"]
    return scores, {"fit_cpu_s": round(worked, 2), "request_us": round(each(engine, asked, cut.now), 1)}


def each(engine: Engine, asked: Questions, now: int) -> float:
    """Microseconds of CPU of a request of one customer for ten by `user_knn` alone: the median."""
    threads, took = numba.get_num_threads(), []
    numba.set_num_threads(1)
    for one in asked.requests[:SINGLE]:
        request = replace(one, blocks=(Block(ALONE, limit=K),), reasons=False)
        begun = time.process_time()
        engine.recommend([request], Live(now=now))
        took.append(time.process_time() - begun)
    numba.set_num_threads(threads)
    return float(np.median(took)) * 1e6


if __name__ == "__main__":
    main()
