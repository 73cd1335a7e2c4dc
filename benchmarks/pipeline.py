"""The full pipeline in the engine: a page of six blocks of 12, each under ten rules and a filter.

    python benchmarks/pipeline.py            prints a table, writes results/pipeline.json (minutes: two shops are fitted)
    python benchmarks/pipeline.py --quick    a small shop, nothing written
    python benchmarks/pipeline.py --profile  where the time goes, by function; nothing written

Shops are made up (`made.py`). The rules of every block: categories denied, a price limit, what was bought stays
away, two soft rules, a boost, a bury, at most 2 per brand, scores that lean towards margin, categories in turn;
in stock, available now and one variant a product are above these. The filter of the request admits a department,
1 product in 20, or what has a tag, 1 in 1,000. One request at a time, each another customer's, with a product looked at
and a visit; reasons are given. Wall clock and CPU of one process; the first requests, which make masks, are
counted apart.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import time
import tomllib
from pathlib import Path
from typing import Any

import numba
import numpy as np
from machine import machine, write
from made import Size, shop

from vitrina.dataset import Dataset
from vitrina.engine import Engine
from vitrina.filters import Filter
from vitrina.fit import fit
from vitrina.live import Live
from vitrina.placements import Placements, parse_placements
from vitrina.recipe import parse_recipe
from vitrina.request import Block, Request, SessionEvent

SIZES = {
    "50 k items": Size(50_000, 200_000, 2_000_000),
    "1 M items": Size(1_000_000, 500_000, 5_000_000),
}
SMALL = {"5 k items": Size(5_000, 10_000, 100_000)}
FILTERS = {
    "a department": Filter(categories=("department 03",)),
    "1 in 1,000": Filter(tags=("few",)),
}
LENGTH, ROUNDS, SEED = 12, 3, 7
RECIPE: dict[str, Any] = {
    "strategies": {
        "item_knn": {},
        "user_knn": {},
        "bought_together": {},
        "popular": {},
        "trending": {"is": "popular", "by": "velocity"},
    }
}
RULES: dict[str, Any] = {
    "deny_categories": ["department 19", "department 18 > group 000018"],
    "filter": {"price": {"max": 200}},
    "rebuy": "never",
    "soft": ["not_viewed", {"name": "dear", "price": {"min": 2}}],
    "merchandising": {
        "boost": [{"tags": ["house"], "by": 1.3}],
        "bury": [{"price": {"min": 100}, "by": 0.5}],
        "quotas": [{"per": "brand", "most": 2}],
        "weigh": [{"by": "margin", "strength": 0.2}],
        "interleave": "category",
    },
    "fallback": ["popular"],
}
LISTS = Path(__file__).with_name("serving") / "page.toml"


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a small shop, nothing written")
    parser.add_argument("--profile", action="store_true", help="where the time goes, by function")
    parser.add_argument("--shop", choices=SIZES, help="one shop, nothing written")
    args = parser.parse_args()
    numba.set_num_threads(1)
    rows = []
    for name, size in (SMALL if args.quick else SIZES).items():
        if args.shop in (None, name) or args.quick:
            rows += measured(name, size, 50 if args.quick else 400, args.profile)
    if not (args.quick or args.profile or args.shop):
        settings = {"blocks": len(placements().names), "length": LENGTH, "rounds": ROUNDS}
        print(f"\nwritten to {write('pipeline', {'machine': machine(), 'settings': settings, 'rows': rows})}")


def measured(name: str, size: Size, n: int, profile: bool) -> list[dict[str, Any]]:
    """One shop under each filter."""
    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    dataset = shop(size)
    engine = Engine.of(fit(dataset, parse_recipe(RECIPE, "pipeline"), placements()))
    numba.set_num_threads(1)
    rows = []
    for kind, wanted in FILTERS.items():
        requests, live = pages(dataset, wanted, n), Live(dataset.end)
        if profile:
            profiled(engine, requests, live)
        found = {"shop": name, "items": size.items, "filter": kind, **timed(engine, requests, live)}
        print(json.dumps(found), flush=True)
        rows.append(found)
    return rows


def placements() -> Placements:
    """The page's lists, each under all the rules."""
    tables = tomllib.loads(LISTS.read_text())
    ruled = {name: {**one, **RULES} if isinstance(one, dict) else one for name, one in tables.items()}
    return parse_placements(ruled, LISTS.name)


def pages(dataset: Dataset, wanted: Filter, n: int) -> list[Request]:
    """Requests of customers who have come before, drawn as often as they come."""
    chance, events = np.random.default_rng(SEED), dataset.events
    drawn = chance.integers(0, len(events), n)
    looked = dataset.items.names(events.item[chance.integers(0, len(events), 4 * n)])
    blocks = tuple(Block(name, LENGTH, wanted) for name in placements().names)
    return [
        Request(
            blocks, user_id=user, context_item_ids=(looked[4 * at],),
            events=tuple(SessionEvent(one) for one in looked[4 * at + 1 : 4 * at + 4]),
        )
        for at, user in enumerate(dataset.users.names(events.user[drawn]))
    ]  # fmt: skip


def timed(engine: Engine, requests: list[Request], live: Live) -> dict[str, Any]:
    """Milliseconds of a page, and how long its lists are."""
    first = time.perf_counter()
    engine.recommend(requests[:1], live)
    first = time.perf_counter() - first
    for one in requests[1:20]:
        engine.recommend([one], live)
    wall, cpu = np.empty((ROUNDS, len(requests))), np.empty((ROUNDS, len(requests)))
    lengths = []
    for turn in range(ROUNDS):
        for at, one in enumerate(requests):
            clock, worked = time.perf_counter(), time.process_time()
            answer = engine.recommend([one], live)[0]
            cpu[turn, at], wall[turn, at] = time.process_time() - worked, time.perf_counter() - clock
            lengths.append([len(block.items) for block in answer.blocks])
    figures = {
        "p50_ms": np.median(wall), "p50_cpu_ms": np.median(cpu), "p99_ms": np.quantile(wall, 0.99),
        "p99_cpu_ms": np.quantile(cpu, 0.99), "least_p50_ms": np.median(wall, axis=1).min(), "first_ms": first * 1000,
    }  # fmt: skip
    scale = {name: one if name == "first_ms" else one * 1000 for name, one in figures.items()}
    return {name: round(float(one), 3) for name, one in scale.items()} | {
        "mean_length": round(float(np.mean(lengths)), 2)
    }


def profiled(engine: Engine, requests: list[Request], live: Live) -> None:
    """The functions that take most of the pages' time, with and without what they call."""
    for one in requests[:20]:
        engine.recommend([one], live)
    watch = cProfile.Profile()
    watch.enable()
    for one in requests:
        engine.recommend([one], live)
    watch.disable()
    told = pstats.Stats(watch).strip_dirs()
    told.sort_stats("tottime").print_stats(30)
    told.sort_stats("cumtime").print_stats(45)


if __name__ == "__main__":
    main()
