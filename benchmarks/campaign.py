"""Lists for a whole customer base: `vitrina recommend` beside implicit's recommend-all, on a made-up shop.

    python benchmarks/campaign.py            a million customers, prints a table, writes results/campaign.json
    python benchmarks/campaign.py --quick    twenty thousand customers, writes nothing

Products are bought by Zipf, in groups that go together; a customer has 12 purchases in the median. implicit takes
the item neighbours of the same purchases, with bought items left out, in batches, which it walks through on one core;
its lists stay in memory. `kernel` is what ours cannot be faster than: the source alone, no engine around it. Of ours
there are three: `alike` asks the engine for the same, item_knn alone by the same similarity,
K and purchases, bought items left out, lists in memory; `mixed` mixes three sources (item_knn, bought_together,
popular) under a denied department, also in memory; `command` writes those to Parquet from a file of ids, over all
cores. In all three one product in ten is out of stock and a product is listed in one variant, which implicit does not
know of. CPU is that of all processes, user and system, and compares like with like per thread. Memory is that of all
our processes, in quarters of the run: what a process cannot share.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from machine import machine, write

from vitrina import campaign
from vitrina.catalog import Attribute, Catalog
from vitrina.crew import Opening, crew
from vitrina.crowd import Customers
from vitrina.dataset import DAY, PURCHASE, Dataset, Events
from vitrina.engine import Engine
from vitrina.fit import fit
from vitrina.ids import Ids
from vitrina.placements import parse_placements
from vitrina.recipe import parse_recipe
from vitrina.registry import Registry
from vitrina.request import Block, Request
from vitrina.seeds import query
from vitrina.strategy import Allow

ITEMS, K, LENGTH, GROUPS = 50_000, 100, 20, 500
BATCH = 256
"""Customers asked for at once: so many the engine answers on the thread that asks."""
RECIPE = {
    "strategies": {
        "item_knn": {"neighbours": K, "seeds": 200},
        "bought_together": {},
        "popular": {},
    }
}
PLACEMENTS = {
    "version": "campaign",
    "alike": {
        "sources": [{"strategy": "item_knn", "weight": 1.0, "seeds": "history"}],
        "rebuy": "never",
        "fallback": [],
    },
    "letter": {
        "sources": [
            {"strategy": "item_knn", "weight": 1.0, "seeds": "history"},
            {"strategy": "bought_together", "weight": 0.5, "seeds": "last_order"},
            {"strategy": "popular", "weight": 0.1, "seeds": "none"},
        ],
        "rebuy": "never",
        "deny_categories": ["department 7"],
    },
}


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rival", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.rival:
        print(json.dumps(rival(args.rival)))
        return
    users = 20_000 if args.quick else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        result = compared(Path(folder), users)
    print(json.dumps(result, indent=1))
    if not args.quick:
        print(f"written to {write('campaign', {'machine': machine('implicit'), **result})}")


def compared(folder: Path, users: int) -> dict[str, Any]:
    """Both sides, one after the other, on the same purchases."""
    dataset = shop(users)
    np.savez(folder / "purchases.npz", user=dataset.events.user, item=dataset.events.item)
    begun = time.perf_counter()
    registry = Registry(folder / "registry")
    registry.publish(fit(dataset, parse_recipe(RECIPE, "campaign"), parse_placements(PLACEMENTS)))
    fitted = time.perf_counter() - begun
    engine = Engine.open(registry.path())
    ours = {
        "kernel": bare(engine, dataset.users),
        "alike": in_memory(engine, "alike", dataset.users),
        "mixed": in_memory(engine, "letter", dataset.users),
        "command": asked(registry.path(), folder, dataset.users),
    }
    theirs = json.loads(
        subprocess.run(
            [sys.executable, __file__, "--rival", folder / "purchases.npz"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )
    return {
        "customers": users, "items": ITEMS, "events": len(dataset.events), "fit_seconds": round(fitted, 1),
        "vitrina": ours, "implicit": theirs,
        "ratio": {name: round(one["lists_a_second"] / theirs["lists_a_second"], 2) for name, one in ours.items()},
        "ratio_by_cpu": {name: round(theirs["cpu_us"] / one["cpu_us"], 2) for name, one in ours.items()},
    }  # fmt: skip


def shop(users: int, seed: int = 7) -> Dataset:
    """Purchases of groups of products that go together, Zipf within a group and among groups."""
    chance = np.random.default_rng(seed)
    counts = np.clip(chance.geometric(1 / 16, users), 1, 200)
    user = np.repeat(np.arange(users, dtype=np.int32), counts)
    tastes = chance.zipf(1.3, (users, 3)) % GROUPS
    group = tastes[user, chance.integers(0, 3, len(user))]
    within = chance.zipf(1.2, len(user)) % (ITEMS // GROUPS)
    item = (group * (ITEMS // GROUPS) + within).astype(np.int32)
    day = chance.integers(0, 360, len(user))
    order = np.argsort(day, kind="stable")
    user, item, day = user[order], item[order], day[order]
    visit = np.unique(user.astype(np.int64) * 400 + day, return_inverse=True)[1].astype(np.int32)
    events = Events(
        user=user, item=item, visit=visit, time=day.astype(np.int64) * DAY,
        type=np.full(len(user), PURCHASE, np.uint8), quantity=np.ones(len(user), np.float32),
        price=np.full(len(user), np.nan, np.float32),
    )  # fmt: skip
    departments = [f"department {row % 20}" for row in range(ITEMS)]
    catalog = replace(
        Catalog.bare(ITEMS),
        category=Attribute.of(departments),
        in_stock=chance.random(ITEMS) > 0.1,
        product=(np.arange(ITEMS) // 2 * 2).astype(np.int32),
    )
    names = Ids.of(f"u{number:07d}" for number in range(users))
    return Dataset(names, Ids.of(f"i{number:05d}" for number in range(ITEMS)), events, catalog)


def in_memory(engine: Engine, placement: str, users: Ids) -> dict[str, Any]:
    """Lists of everybody by their ids, as arrays, on one thread."""
    page = Request((Block(placement, limit=LENGTH),), channel="email", reasons=False)

    def rows_of(some: Customers) -> int:
        return sum(len(lists.rows) for _, _, lists in engine.lists(page, some, engine.moment))

    return timed(engine, users, rows_of)


def bare(engine: Engine, users: Ids) -> dict[str, Any]:
    """The best of item_knn for everybody, less what they bought."""
    source, every = engine.sources["item_knn"], np.ones(engine.n_items, np.bool_)

    def rows_of(some: Customers) -> int:
        allow = Allow(every, some.ends, some.doings.rows)
        return len(source.top(query(some, "history", engine.moment), LENGTH, allow).rows)

    return timed(engine, users, rows_of)


def timed(engine: Engine, users: Ids, rows_of: Callable[[Customers], int]) -> dict[str, Any]:
    """What the lists of all users take, some at a time; `rows_of` makes those of some and counts them."""
    names = users.names(np.arange(len(users), dtype=np.int32))
    rows_of(Customers(engine.askers, names[:BATCH], "email"))  # what is made once
    begun, busy = time.perf_counter(), spent_s()
    some = (names[start : start + BATCH] for start in range(0, len(names), BATCH))
    rows = sum(rows_of(Customers(engine.askers, one, "email")) for one in some)
    seconds, cpu_us = time.perf_counter() - begun, (spent_s() - busy) / len(users) * 1e6
    return {"seconds": round(seconds, 2), "lists_a_second": round(len(users) / seconds), "rows": rows,
            "cpu_us": round(cpu_us, 1)}  # fmt: skip


def asked(bundle: Path, folder: Path, users: Ids) -> dict[str, Any]:
    """Lists a second of the whole run, start to file; private memory of all processes in each quarter of it."""
    names = folder / "users.csv"
    names.write_text("user_id\n" + "\n".join(users.names(np.arange(len(users), dtype=np.int32))) + "\n")
    survey = campaign.for_users(names, ["letter"], LENGTH)
    engine, cores = Engine.open(bundle), os.cpu_count() or 1
    work = crew(cores, Opening(bundle), survey, engine.moment)
    watch = Watch()
    begun, busy = time.perf_counter(), spent_s()
    rows = campaign.run(engine, survey, folder / "lists.parquet", engine.moment, lambda _line: None, work)
    seconds = time.perf_counter() - begun
    return {
        "seconds": round(seconds, 2), "lists_a_second": round(len(users) / seconds), "rows": rows,
        "cpu_us": round((spent_s() - busy) / len(users) * 1e6, 1),
        "processes": cores, "private_mb_by_quarter": watch.quarters(),
    }  # fmt: skip


def spent_s() -> float:
    """Processor seconds of this process and of those of its children that have ended."""
    return sum(os.times()[:4])


class Watch:
    """Reads, four times a second, what this process's children hold alone."""

    def __init__(self) -> None:
        self.seen: list[float] = []
        self._over = threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while not self._over.wait(0.25):
            self.seen.append(sum(map(_private_mb, _children())))

    def quarters(self) -> list[float]:
        """The most in each quarter of the run."""
        self._over.set()
        return [
            round(float(part.max()), 1)
            for part in np.array_split(np.array(self.seen or [0.0]), 4)
            if len(part)
        ]


def _children() -> list[str]:
    found = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    return found.read_text().split() if found.exists() else []


def _private_mb(pid: str) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty")) / 1024


def rival(file: Path) -> dict[str, Any]:
    """implicit's neighbours of the same purchases, and lists for everybody."""
    from implicit.nearest_neighbours import CosineRecommender
    from scipy.sparse import csr_matrix

    bought = np.load(file)
    shape = (int(bought["user"].max()) + 1, ITEMS)
    table = csr_matrix((np.ones(len(bought["user"]), np.float32), (bought["user"], bought["item"])), shape)
    model = CosineRecommender(K=K)
    model.fit(table, show_progress=False)

    def lists_of(low: int, high: int) -> None:
        some = np.arange(low, min(high, shape[0]))
        model.recommend(some, table[some], N=LENGTH, filter_already_liked_items=True)

    lists_of(0, BATCH)  # what is made once
    begun, busy = time.perf_counter(), spent_s()
    for start in range(0, shape[0], 10_000):
        lists_of(start, start + 10_000)
    seconds = time.perf_counter() - begun
    cpu_us = round((spent_s() - busy) / shape[0] * 1e6, 1)
    return {"seconds": round(seconds, 2), "lists_a_second": round(shape[0] / seconds), "cpu_us": cpu_us}


if __name__ == "__main__":
    main()
