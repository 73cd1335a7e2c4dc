"""What tuning is worth on days it has not seen: the recipe it started from beside the recipe it wrote.

Each data set's last window is the test. `vitrina tune` is given everything before it and a budget;
then both recipes learn from everything before the test window and are judged on it, by the same
askers. The recipe it started from has its weights searched too, where it says so, as in training.

    python benchmarks/tuned.py [--budget 5m] [--only ml_100k,groceries] [--json]

writes benchmarks/results/tuned.json; the recipes go to a temporary folder, or to --keep DIR.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from machine import SHARED, machine, write
from rich.console import Console

from vitrina.bootstrap import estimates
from vitrina.cli.tuning import duration
from vitrina.dataset import Dataset
from vitrina.engine import Engine
from vitrina.evaluate import ask
from vitrina.fit import fit
from vitrina.metrics import Values, accuracy
from vitrina.placements import Placements
from vitrina.questions import questions
from vitrina.readers import complete_journey, read
from vitrina.recipe import Recipe, read_recipe
from vitrina.splits import Split, split
from vitrina.train import placements_of
from vitrina.tune import tune
from vitrina.weights import weigh

ROOT = Path(__file__).resolve().parents[1]
RECIPES = ROOT / "models" / "recipes"
SEED, ASKERS, DAYS = 7, 5000, 28
Say = Callable[[str], None]


@dataclass(frozen=True)
class Shop:
    """Where a data set's tables lie, and what its columns are called."""

    recipe: str
    files: Mapping[str, str]
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


SHOPS = {
    "ml_100k": Shop(
        "default",
        {"events": "ml_100k/ratings", "items": "ml_100k/items", "users": "ml_100k/users"},
        {"items": {"title": "movie_title"}},
    ),
    "amazon_toys": Shop("default", {"events": "amazon_toys_5core/sequences"}),
    "epub": Shop("default", {"events": "epub_downloads/downloads"}, {"events": {"item_id": "document_id"}}),
    "yoochoose": Shop("default", {"events": "yoochoose_clicks_100k/clicks"}),
    "groceries": Shop(
        "grocery",
        {"events": "groceries/baskets", "items": "groceries/items"},
        {"items": {"title": "item", "category": "level1"}},
    ),
    "complete_journey": Shop("grocery", {}),
}


def load(shop: Shop, say: Say) -> Dataset:
    """Read a data set through the readers, as a shop's own folder would be."""
    with tempfile.TemporaryDirectory() as folder:
        if not shop.files:
            complete_journey.write(Path(folder), say)
        for table, file in shop.files.items():
            (Path(folder) / f"{table}.parquet").symlink_to(SHARED / f"{file}.parquet")
        return read(Path(folder), aliases=shop.columns, say=say).dataset


def judged(cut: Split, recipe: Recipe, placements: Placements) -> dict[str, dict[str, Values]]:
    """By placement, NDCG@10 and recall@10 of each asker, of the engine that a recipe makes of the past."""
    engine = Engine.of(fit(cut.train, recipe, placements), placements)
    product = np.append(cut.train.catalog.product, np.int32(-1))
    found = {}
    for asked in questions(cut, ASKERS, SEED):
        rows, _ = ask(engine, asked, engine.placements.named(asked.placement), cut.now)
        scores = accuracy(product[rows][:, :10], asked.truth)
        found[asked.placement] = {name: scores[name] for name in ("ndcg", "recall")}
    return found


def compared(name: str, shop: Shop, budget: float, keep: Path, say: Say) -> list[dict[str, Any]]:
    """Tune before the test window, and judge both recipes on it."""
    start = read_recipe(RECIPES / f"{shop.recipe}.toml")
    cut = split(load(shop, say), DAYS)
    out = keep / f"{name}.toml"
    started = time.perf_counter()
    found = tune(cut.train, start, placements_of(start), out, budget, say=say)
    seconds = time.perf_counter() - started
    made = read_recipe(out)
    weighed = weigh(cut.train, start, placements_of(start), say)
    before, after = judged(cut, start, weighed), judged(cut, made, placements_of(made))
    clusters = {one.placement: one.clusters for one in questions(cut, ASKERS, SEED)}
    rows = []
    for placement, own in before.items():
        columns = {f"{metric} before": one for metric, one in own.items()}
        columns |= {f"{metric} after": one for metric, one in after[placement].items()}
        columns |= {f"{metric} gain": after[placement][metric] - one for metric, one in own.items()}
        _, groups = np.unique(clusters[placement], return_inverse=True)
        means = estimates(columns, groups, seed=SEED)
        row = {"data": name, "placement": placement, "askers": len(groups), "trials": found.trials}
        row |= {"tune_seconds": round(seconds, 1), "tuned": placement in found.chosen}
        rows.append(row | {key: [one.mean, one.low, one.high] for key, one in means.items()})
        say(words(rows[-1]))
    return rows


def words(row: Mapping[str, Any]) -> str:
    """One row, for people."""
    (before, *_), (after, *_), (gain, low, high) = (row[f"ndcg {one}"] for one in ("before", "after", "gain"))
    share = f" ({gain / before:+.1%})" if before > 0 else ""
    return (
        f"{row['data']:17} {row['placement']:13} {row['askers']:6,} askers  NDCG@10 {before:.4f} -> {after:.4f}  "
        f"{gain:+.4f} [{low:+.4f}, {high:+.4f}]{share}"
    )


def main() -> None:
    """Measure, print, write."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--budget", default="5m")
    options.add_argument("--only", default=",".join(SHOPS))
    options.add_argument("--keep", type=Path)
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    console = Console(stderr=given.json, width=140, highlight=False)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        keep = given.keep or Path(folder)
        for name in given.only.split(","):
            rows += compared(name, SHOPS[name], duration(given.budget), keep, console.print)
    for row in rows:
        console.print(words(row))
    result = {"machine": machine("optuna"), "budget": given.budget, "rows": rows}
    if given.only == ",".join(SHOPS):
        write("tuned", json.loads(json.dumps(result, default=float)))
    if given.json:
        print(json.dumps(result, default=float))


if __name__ == "__main__":
    main()
