"""What diversity costs in accuracy and brings in variety, level by level, on Complete Journey.

    python benchmarks/diversity.py      prints a table, writes results/diversity.json

The last 28 days are held out; what comes with Vitrina for groceries is learned from the rest, its sources
weighed on days before. Everybody is then asked `home` and `discover` at each strength for lists of 20, whose
first ten are judged: NDCG by what was taken, variety by the share of pairs that differ in category, in
department and in brand, and by the share of products that stand in any list. The loss is asker by asker
beside the same placement without diversity.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from contest.ours import fitted
from contest.shops import ASKERS, RECIPES, SEED, SHOPS, load
from machine import machine, write
from numpy.typing import NDArray

from vitrina import metrics
from vitrina.bootstrap import Estimate, estimates
from vitrina.dataset import Dataset
from vitrina.evaluate import ask
from vitrina.metrics import Lists, Values
from vitrina.placements.variety import LEVELS, Diversity
from vitrina.questions import Questions, questions
from vitrina.recipe import read_recipe
from vitrina.splits import split

SHOP, PLACEMENTS, K = "complete_journey", ("home", "discover"), 10
STRENGTHS = tuple(sorted({*LEVELS.values(), 0.05, 0.15, 0.35, 0.75, 1.0}))
KINDS = ("category", "department", "brand")
NAMES = {strength: name for name, strength in LEVELS.items()}


def main() -> None:
    """Fit once, ask at every strength."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    shop = SHOPS[SHOP]
    cut = split(load(shop, print), shop.days)
    engine, _ = fitted(cut, read_recipe(RECIPES / f"{shop.recipe}.toml"))
    product, kinds = cut.train.catalog.product, kinds_of(cut.train)
    found = {}
    for asked in questions(cut, ASKERS, SEED):
        if asked.placement not in PLACEMENTS:
            continue
        written = engine.placements.named(asked.placement)
        lists = {}
        for one in STRENGTHS:
            placement = replace(written, diversity=Diversity(one) if one else None)
            rows, _ = ask(engine, asked, placement, cut.now)
            lists[one] = np.append(product, np.int32(metrics.MISS))[rows[:, :K]]
        found[asked.placement] = judged(asked, lists, kinds)
        print(told(asked.placement, found[asked.placement]))
    result = {"machine": machine(), "split": cut.rule, "over": Diversity.over, "placements": found}
    print(f"written {write('diversity', json.loads(json.dumps(result)))}")


def kinds_of(shop: Dataset) -> dict[str, NDArray[np.int32]]:
    """int32 per product, by what products may differ in: the code of each, -1 where it is not given."""
    catalog = shop.catalog
    codes = {
        "category": catalog.category.codes,
        "department": catalog.department().codes,
        "brand": catalog.attributes["brand"].codes,
    }
    n_products = int(catalog.product.max(initial=-1)) + 1
    kinds = {name: np.full(n_products, metrics.MISS, np.int32) for name in KINDS}
    for name, of_product in kinds.items():
        of_product[catalog.product] = codes[name]
    return kinds


def judged(
    asked: Questions, lists: Mapping[float, Lists], kinds: Mapping[str, NDArray[np.int32]]
) -> list[dict[str, Any]]:
    """One row a strength: figures with their intervals, and what NDCG lost beside no diversity."""
    columns: dict[tuple[float, str], Values] = {}
    for strength, own in lists.items():
        columns[strength, "ndcg"] = metrics.accuracy(own, asked.truth)["ndcg"]
        columns[strength, "loss"] = columns[STRENGTHS[0], "ndcg"] - columns[strength, "ndcg"]
        for name, of_product in kinds.items():
            columns[strength, name] = metrics.diversity(own, of_product)
    found = estimates(columns, seed=SEED)
    n_products = len(next(iter(kinds.values())))
    return [
        {
            "strength": strength,
            "level": NAMES.get(strength, ""),
            "askers": len(asked),
            **{name: _interval(found[strength, name]) for name in ("ndcg", "loss", *KINDS)},
            "coverage": round(metrics.coverage(own, n_products), 6),
        }
        for strength, own in lists.items()
    ]


def _interval(one: Estimate) -> list[float]:
    return [round(number, 6) for number in (one.mean, one.low, one.high)]


def told(placement: str, rows: list[dict[str, Any]]) -> str:
    """A table for the terminal."""
    head = f"{placement}, {rows[0]['askers']} askers"
    kinds = "".join(f"{name:>12}" for name in KINDS)
    lines = [f"\n{head:26} NDCG@10     loss (95 %)          {kinds}    coverage"]
    for row in rows:
        mean, low, high = row["loss"]
        kinds = "".join(f"{row[name][0]:12.3f}" for name in KINDS)
        lines.append(
            f"  {row['strength']:<6g} {row['level']:16} {row['ndcg'][0]:8.4f}  {mean:7.4f} ({low:.4f} to {high:.4f}) "
            f"{kinds} {row['coverage']:11.4f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
