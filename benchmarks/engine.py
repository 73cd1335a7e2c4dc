"""The engine alone: microseconds of a list, one request at a time and in batches, beside implicit.

    python benchmarks/engine.py             prints tables, writes results/engine.json (a minute)
    python benchmarks/engine.py --quick     a few requests, nothing written
    python benchmarks/engine.py --json      prints the result as JSON instead of the tables

The shop is Complete Journey; 20 items with reasons, hard and soft rules, the fallback. `home` is home as
written, which mixes every source it names; `home_weighed` is what weighing leaves of it, and is served in
practice; `typical` mixes three sources. Each request is another household's.
CPU is of the whole process, all threads. The rival is implicit's BM25 over the same purchases, asked
for one user with what was bought filtered out: one source, no rules, no reasons, row numbers for ids.
The like for like is ours by `item_knn` alone, nothing bought before, without reasons. Contenders take
turns; medians over rounds.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from statistics import median
from typing import Any
from unittest.mock import patch

import numba
import numpy as np
from machine import machine, write
from serving import shops

from vitrina import answers
from vitrina.askers import Askers
from vitrina.catalog import PATH
from vitrina.dataset import PURCHASE
from vitrina.engine import Engine
from vitrina.filters import Filter
from vitrina.live import Live
from vitrina.placements import Mix, Placements, Rebuy
from vitrina.request import Block, Request
from vitrina.stages import STAGES

SHOP, LIMIT, BATCH = "complete_journey", 20, 256
LISTS = ("home_weighed", "typical", "home")
ALONE = "item_knn alone"
CONTEXT = {"product_similar": 1, "cart": 3, "category": 0}
Ask = Callable[[int], Any]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quick", action="store_true", help="few requests, nothing written")
    parser.add_argument("--shop", choices=shops.RECIPES, default=SHOP, help="another shop; nothing written")
    options = parser.parse_args()
    numba.set_num_threads(1)
    engine = shops.opened(options.shop)
    n, rounds = (20, 2) if options.quick else (400, 5)
    lengths = shops.lengths(engine)
    result = {
        "machine": machine("implicit"),
        "settings": {"shop": options.shop, "limit": LIMIT, "requests": n, "rounds": rounds, "batch": BATCH},
        "users": engine.n_users,
        "items": engine.n_items,
        "median_history": int(np.median(lengths)),
        "sources": {name: mixed(engine, name) for name in LISTS},
        "contest": contest(engine, n, rounds),
        "stages": stages(engine, n),
        "placements": placements(engine, n, options.quick),
    }
    print(json.dumps(result, indent=2) if options.json else table(result))
    if not options.quick and options.shop == SHOP:
        written = write("engine", result)
        if not options.json:
            print(f"\nwritten to {written}")


def contest(engine: Engine, n: int, rounds: int) -> dict[str, dict[str, float]]:
    """Ours and implicit's, one request at a time, the same households in the same order."""
    live, home = Live(engine.last_event), shops.requests(engine, engine.n_users, limit=LIMIT)
    plain = [replace(one, reasons=False) for one in home]
    alone = engine.with_placements(_alone(engine))
    asks: dict[str, Ask] = {name: _asking(engine, name) for name in LISTS}
    asks |= {
        "home, no reasons": lambda number: engine.recommend([plain[number]], live),
        ALONE: lambda number: alone.recommend([plain[number]], live),
    }
    users = engine.askers.users.rows([one.user_id for one in home])
    for k in (20, 100):
        asks[f"implicit BM25 K={k}"] = implicit(engine, users, k)
    order = np.random.default_rng(shops.SEED)
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in asks}
    for ask in asks.values():
        timed(ask, range(10))
    for _ in range(rounds):
        asked = order.permutation(engine.n_users)[:n].tolist()
        for name, ask in asks.items():
            runs[name].append(timed(ask, asked))
    return {name: _spread(found) for name, found in runs.items()}


def _asking(engine: Engine, placement: str) -> Ask:
    live = Live(engine.last_event)
    asked = shops.requests(engine, engine.n_users, limit=LIMIT, placement=placement)
    return lambda number: engine.recommend([asked[number]], live)


def mixed(engine: Engine, placement: str) -> list[str]:
    """The sources that a placement mixes, as far as the bundle has them."""
    return [
        one.strategy for one in engine.placements.named(placement).sources if one.strategy in engine.sources
    ]


def timed(ask: Ask, numbers: Sequence[int]) -> tuple[float, float]:
    """CPU and wall-clock microseconds of one request."""
    cpu, wall = time.process_time(), time.perf_counter()
    for number in numbers:
        ask(number)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return cpu / len(numbers) * 1e6, wall / len(numbers) * 1e6


def _spread(runs: list[tuple[float, float]]) -> dict[str, float]:
    cpu, wall = ([one[side] for one in runs] for side in (0, 1))
    figures = {"cpu_us": median(cpu), "wall_us": median(wall), "least_us": min(cpu), "most_us": max(cpu)}
    return {name: round(one, 1) for name, one in figures.items()}


def _alone(engine: Engine) -> Placements:
    """Placements whose home asks one source and shows nothing bought before."""
    home = replace(
        engine.placements.named("home"), sources=(Mix("item_knn", 1.0, "history"),), rebuy=Rebuy("never")
    )
    return replace(engine.placements, by_name={**engine.placements.by_name, "home": home})


def implicit(engine: Engine, users: Any, k: int) -> Ask:
    """implicit.nearest_neighbours.BM25Recommender over the purchases in the engine's histories."""
    from implicit.nearest_neighbours import BM25Recommender
    from scipy.sparse import csr_matrix

    warnings.filterwarnings("ignore")  # it warns of its own conversions
    past = engine.askers.history
    indptr = np.concatenate([[0], np.cumsum(shops.lengths(engine))])
    bought = np.asarray(past.types) == PURCHASE
    owner = np.repeat(np.arange(engine.n_users), np.diff(indptr))[bought]
    ones = np.ones(len(owner), np.float32)
    taken = csr_matrix((ones, (owner, past.rows[bought])), (engine.n_users, engine.n_items))
    model = BM25Recommender(K=k, K1=1.2, B=0.75, num_threads=1)
    model.fit(taken, show_progress=False)

    def ask(number: int) -> Any:
        user = int(users[number])
        return model.recommend(user, taken[user], N=LIMIT, filter_already_liked_items=True)

    return ask


def stages(engine: Engine, n: int) -> dict[str, dict[str, float]]:
    """Where the CPU microseconds of each list go, in one request and in a batch of 256."""
    return {
        f"{name}, batch of {size}": _staged(engine, name, size, n if size == 1 else BATCH)
        for name in LISTS
        for size in (1, BATCH)
    }


def _staged(engine: Engine, placement: str, size: int, n: int) -> dict[str, float]:
    requests = shops.requests(engine, n, limit=LIMIT, placement=placement)
    with watched() as spent:
        started = time.process_time()
        for first in range(0, len(requests), size):
            engine.recommend(requests[first : first + size], Live(engine.last_event))
        total = time.process_time() - started
    spent["the rest"] = total - sum(spent.values())
    return {name: round(one / len(requests) * 1e6, 1) for name, one in spent.items()}


@contextmanager
def watched() -> Iterator[dict[str, float]]:
    """CPU seconds by stage of all that engines answer until the block ends."""
    spent: dict[str, float] = {}

    def clocked(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any, **named: Any) -> Any:
            started = time.process_time()
            try:
                return work(*given, **named)
            finally:
                spent[name] = spent.get(name, 0.0) + time.process_time() - started

        return run

    stages = tuple((name, clocked(name, stage)) for name, stage in STAGES)
    with (
        patch("vitrina.stages.STAGES", stages),
        patch("vitrina.askers.Askers.together", clocked("askers", Askers.together)),
        patch("vitrina.answers.blocks", clocked("answers", answers.blocks)),
    ):
        yield spent


def placements(engine: Engine, n: int, quick: bool) -> dict[str, dict[str, float]]:
    """Every placement: one request at a time, and the same requests in batches of 256."""
    live, found = Live(engine.last_event), {}
    for name in sorted(engine.placements.names):
        asked = list(_page(engine, name, BATCH if quick else max(n, 2 * BATCH)))
        few = asked[:n]

        def single(number: int, few: list[Request] = few) -> Any:
            return engine.recommend([few[number]], live)

        def many(number: int, asked: list[Request] = asked) -> Any:
            return engine.recommend(asked[number : number + BATCH], live)

        timed(single, range(min(10, n)))
        cpu, wall = timed(single, range(len(few)))
        batches = range(0, len(asked) - BATCH + 1, BATCH)
        batch = timed(many, batches)[0] / BATCH
        figures = {"cpu_us": cpu, "wall_us": wall, "batch_cpu_us": batch}
        found[name] = {key: round(one, 1) for key, one in figures.items()}
    return found


def _page(engine: Engine, placement: str, n: int) -> Iterator[Request]:
    """What that placement is asked for: its context, clicks of the visit, or a category."""
    rng = np.random.default_rng(shops.SEED)
    clicks = 3 if placement in ("session_next", "retargeting") else 0
    for one in shops.requests(engine, n, clicks=clicks, limit=LIMIT):
        rows = _sold(engine, rng, CONTEXT.get(placement, 0))
        only = Filter(categories=(_department(engine, rng),)) if placement == "category" else Filter()
        block = Block(placement, limit=LIMIT, filter=only)
        yield replace(one, blocks=(block,), context_item_ids=tuple(engine.items.names(rows)))


def _sold(engine: Engine, rng: np.random.Generator, n: int) -> shops.Rows:
    """Items drawn as often as they were bought."""
    rows = engine.askers.history.rows
    return np.asarray(rows[rng.integers(0, len(rows), n)], np.int32)


def _department(engine: Engine, rng: np.random.Generator) -> str:
    row = int(_sold(engine, rng, 1)[0])
    return engine.catalog.category.text(row).split(PATH)[0]


def table(result: dict[str, Any]) -> str:
    """All of it, for a terminal."""
    lines = [
        f"{result['users']:,} households, {result['median_history']} events in the median history, "
        f"{result['items']:,} items",
        *(f"{name} mixes {', '.join(mix)}" for name, mix in result["sources"].items()),
        "",
    ]
    for name in ("contest", "placements", "stages"):
        keys = list(dict.fromkeys(key for one in result[name].values() for key in one))
        lines += [f"{name:<28}" + "".join(f"{key:>13}" for key in keys)]
        for row, figures in result[name].items():
            lines += [f"{row:<28}" + "".join(f"{figures.get(key, 0.0):>13}" for key in keys)]
        lines += [""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
