"""Accuracy on a real year of groceries: the grocery recipe beside implicit and popularity.

One time split (the last 28 days of Complete Journey), all items ranked, the same askers for everybody.
Vitrina's source weights and implicit's settings are both chosen on the 28 days before.

    python benchmarks/accuracy.py [--json]      writes benchmarks/results/accuracy.json
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
from machine import machine, write
from rich.console import Console
from scipy.sparse import csr_matrix

from vitrina import metrics, scoreboard
from vitrina.bootstrap import estimates
from vitrina.evaluate import evaluate
from vitrina.questions import Questions, questions
from vitrina.readers import complete_journey, read
from vitrina.recipe import read_recipe
from vitrina.splits import Split, split
from vitrina.train import weighed

ROOT = Path(__file__).resolve().parents[1]
RECIPE = ROOT / "models" / "recipes" / "grocery.toml"
SEED, ASKERS, DAYS = 7, 5000, 28
Make = Callable[[], Any]


def rivals() -> Iterator[tuple[str, str, Make]]:
    """(family, settings, maker) of every implicit model tried; four settings a family."""
    for k in (20, 50, 100, 200):
        yield "implicit cosine", f"K={k}", lambda k=k: CosineRecommender(K=k)
        yield "implicit TF-IDF", f"K={k}", lambda k=k: TFIDFRecommender(K=k)
    for k, b in itertools.product((50, 200), (0.3, 0.75)):
        yield "implicit BM25", f"K={k} B={b}", lambda k=k, b=b: BM25Recommender(K=k, K1=1.2, B=b)
    for factors, reg in itertools.product((32, 64), (0.1, 10.0)):
        yield (
            "implicit ALS",
            f"factors={factors} regularization={reg}",
            lambda f=factors, r=reg: AlternatingLeastSquares(factors=f, regularization=r, random_state=SEED),
        )


def matrix(cut: Split) -> csr_matrix:
    """Customers x items of the training side, by lines bought."""
    events = cut.train.settled().events
    keep = events.user >= 0
    ones = np.ones(int(keep.sum()), np.float32)
    shape = (len(cut.train.users), len(cut.train.items))
    return csr_matrix((ones, (events.user[keep], events.item[keep])), shape=shape)


def lists_of(model: Any, taken: csr_matrix, asked: Questions, cut: Split, *, fresh: bool) -> metrics.Lists:
    """int32[n, 10] product rows that a fitted implicit model gives the askers."""
    users = cut.train.users.rows([one.user_id for one in asked.requests])
    ids, _ = model.recommend(users, taken[users], N=10, filter_already_liked_items=fresh)
    return np.append(cut.train.catalog.product, np.int32(metrics.MISS))[ids]


def ndcg(shown: metrics.Lists, asked: Questions) -> metrics.Values:
    """NDCG@10 of each asker."""
    return metrics.accuracy(shown, asked.truth)["ndcg"]


def asked_of(cut: Split) -> dict[str, Questions]:
    """The questions of home and discover."""
    return {
        one.placement: one for one in questions(cut, ASKERS, SEED) if one.placement in ("home", "discover")
    }


def tuned(cut: Split, say: Callable[[str], None]) -> dict[tuple[str, str], tuple[str, Make]]:
    """By (placement, family) the settings that did best on a window before the test window."""
    warnings.filterwarnings("ignore", "Method expects CSR")
    taken, asked = matrix(cut), asked_of(cut)
    best: dict[tuple[str, str], tuple[float, str, Make]] = {}
    for family, settings, make in rivals():
        model = make()
        model.fit(taken, show_progress=False)
        for placement, questions_ in asked.items():
            shown = lists_of(model, taken, questions_, cut, fresh=placement == "discover")
            score = float(np.nanmean(ndcg(shown, questions_)))
            if score > best.get((placement, family), (-1.0, "", make))[0]:
                best[placement, family] = (score, settings, make)
        say(f"tried {family} {settings}")
    return {key: (settings, make) for key, (_, settings, make) in best.items()}


def compared(cut: Split, chosen: dict[tuple[str, str], tuple[str, Make]]) -> list[dict[str, Any]]:
    """Each family with its chosen settings on the test window."""
    taken, asked, rows = matrix(cut), asked_of(cut), []
    for (placement, family), (settings, make) in chosen.items():
        model, started = make(), time.perf_counter()
        model.fit(taken, show_progress=False)
        seconds = time.perf_counter() - started
        shown = lists_of(model, taken, asked[placement], cut, fresh=placement == "discover")
        found = metrics.accuracy(shown, asked[placement].truth)
        means = estimates({name: found[name] for name in ("ndcg", "recall", "revenue_recall")}, seed=SEED)
        rows.append(
            {
                "placement": placement,
                "system": family,
                "settings": settings,
                "fit_seconds": round(seconds, 2),
                **{f"{name}@10": [one.mean, one.low, one.high] for name, one in means.items()},
            }
        )
    return rows


def main() -> None:
    """Measure, print, write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", action="store_true")
    as_json = options.parse_args().json
    console = Console(stderr=as_json, width=140)
    recipe = read_recipe(RECIPE)
    with tempfile.TemporaryDirectory() as folder:
        complete_journey.write(Path(folder), console.print)
        dataset = read(Path(folder), say=console.print).dataset
    started = time.perf_counter()
    placements = weighed(dataset, recipe, console.print)
    evaluation = evaluate(dataset, recipe, placements, console.print, max_users=ASKERS)
    seconds = time.perf_counter() - started
    test = split(dataset, DAYS)
    rows = compared(test, tuned(split(dataset.before(test.now), DAYS), console.print))
    result = {
        "machine": machine("implicit"),
        "split": evaluation.rule,
        "vitrina_seconds": round(seconds, 1),
        "vitrina": [row.as_dict() for row in evaluation.rows if row.bucket == "all"],
        "implicit": rows,
        "placements": {name: placements.tables[name] for name in ("home", "discover", "cart")},
    }
    write("accuracy", json.loads(json.dumps(result, default=float)))
    scoreboard.show(evaluation, console)
    for row in sorted(rows, key=lambda one: (one["placement"], -one["ndcg@10"][0])):
        mean, low, high = row["ndcg@10"]
        console.print(
            f"{row['placement']:9} {row['system']:16} {row['settings']:34} NDCG@10 {mean:.4f} [{low:.4f}, {high:.4f}]"
        )
    if as_json:
        print(json.dumps(result, default=float))


if __name__ == "__main__":
    main()
