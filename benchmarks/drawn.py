"""Settings tried on customers drawn by lot, beside all of them: what a short search finds of a large shop.

    python benchmarks/drawn.py            prints a table, writes results/drawn.json (a quarter of an hour)
    python benchmarks/drawn.py --quick    small shops and little time, nothing written

`vitrina tune` searches the days before the test's, once on all customers and once on some, for as long by the
processor's time, on one thread; each recipe is then fitted on all of them, and all are asked the same. Toys of
Amazon (each customer's last one held out) are few enough for both: what do settings chosen on 5,000 customers
cost all 19,412? A shop made up (made.py, four weeks held out) is large: what does it cost to try few on all of it?
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import made
import numba
import numpy as np
from contest.ours import fitted
from contest.shops import ASKERS, RECIPES, SEED, SHOPS, load
from machine import machine, write
from rich.console import Console
from rich.table import Table

from vitrina.bootstrap import estimates
from vitrina.evaluate import ask
from vitrina.metrics import accuracy
from vitrina.questions import questions
from vitrina.recipe import Recipe, read_recipe
from vitrina.splits import Split, split
from vitrina.train import placements_of
from vitrina.tune import sample, tune

DAYS = 28
LARGE, SMALL = made.Size(50_000, 300_000, 5_000_000), made.Size(1_000, 3_000, 40_000)
EVER = 1e18
"""A pace that draws all."""
Row = dict[str, Any]


def main() -> None:
    """Search, ask, print, write."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--quick", action="store_true", help="small shops and little time, nothing written")
    options.add_argument("--json", action="store_true", help="print the result as JSON")
    told = options.parse_args()
    numba.set_num_threads(1)  # others would wait for work awake, and that is the processor's time too
    seconds, size = (3.0, SMALL) if told.quick else (60.0, LARGE)
    cuts = {"made up": split(made.shop(size), DAYS)}
    if not told.quick:
        cuts = {"amazon_toys": split(load(SHOPS["amazon_toys"], say), DAYS), **cuts}
    rows = [row for name, cut in cuts.items() for row in compared(name, cut, seconds)]
    result = {"machine": machine("optuna"), "seconds": seconds, "rows": rows}
    if told.json:
        print(json.dumps(result, indent=2))
    else:
        Console().print(table(rows))
    if not told.quick:
        print(f"\nwritten to {write('drawn', result)}", file=sys.stderr)


def compared(name: str, cut: Split, seconds: float) -> Iterator[Row]:
    """The recipe as it comes, tuned on all, and tuned on some: a row for each and placement."""
    start = read_recipe(RECIPES / "default.toml")
    events = len(cut.train.events)
    recipes: dict[str, tuple[Recipe, int, float]] = {"as it comes": (start, 0, 1.0)}
    for whom, pace in (("tuned on all", EVER), ("tuned on some", 0.25 * events / seconds)):
        with paced(pace):
            recipes[whom] = tuned(cut, start, seconds)
    found = {whom: asked(cut, recipe) for whom, (recipe, _, _) in recipes.items()}
    for placement, before in found["tuned on all"].items():
        for whom, (_, trials, share) in recipes.items():
            ndcg = found[whom][placement]
            gain = estimates({"gain": ndcg - before}, seed=SEED)["gain"]
            yield {
                "shop": name,
                "events": events,
                "customers": len(cut.train.users),
                "placement": placement,
                "recipe": whom,
                "share": share,
                "trials": trials,
                "ndcg": round(float(np.nanmean(ndcg)), 4),
                "beside all": [round(one, 4) for one in (gain.mean, gain.low, gain.high)],
                "askers": gain.n,
            }


@contextmanager
def paced(pace: float) -> Iterator[None]:
    """A tuner that draws customers where there are more events than this for each second."""
    before, sample.PACE = sample.PACE, pace
    try:
        yield
    finally:
        sample.PACE = before


def tuned(cut: Split, start: Recipe, seconds: float) -> tuple[Recipe, int, float]:
    """What a search on the days before the test's writes, how many settings it tried, and on which share."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "tuned.toml"
        clock = time.process_time
        found = tune(cut.train, start, placements_of(start), out, seconds, seed=SEED, say=say, clock=clock)
        return read_recipe(out), found.trials, found.share


def asked(cut: Split, recipe: Recipe) -> dict[str, Any]:
    """By placement, float64[n]: NDCG@10 of each asker of the test."""
    engine, _ = fitted(cut, recipe)
    product, found = np.append(cut.train.catalog.product, np.int32(-1)), {}
    for one in questions(cut, ASKERS, SEED):
        placement = engine.placements.named(one.placement)
        rows, _ = ask(engine, one, placement, cut.now)
        found[one.placement] = accuracy(product[rows[:, :10]], one.truth)["ndcg"]
    return found


def table(rows: list[Row]) -> Table:
    """For a reader."""
    shown = Table()
    for name in ("shop", "list", "recipe", "customers", "settings tried", "NDCG@10", "beside all"):
        shown.add_column(name)
    for row in rows:
        gain, low, high = row["beside all"]
        more = "" if row["recipe"] == "tuned on all" else f"{gain:+.4f} [{low:+.4f}, {high:+.4f}]"
        whom = (row["shop"], row["placement"], row["recipe"], f"{row['share']:.0%}", str(row["trials"]))
        shown.add_row(*whom, f"{row['ndcg']:.4f}", more)
    return shown


def say(line: str) -> None:
    """Where a search stands."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
