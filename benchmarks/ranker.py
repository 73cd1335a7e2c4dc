"""What learned trees add to a tuned blend: Complete Journey, home, discover and cart, by the same askers.

Sources are weighed and trees are learned before the window that judges. The learning curve is drawn on
the window before the last (validation); the last one (test) is asked once, by trees of all the lists, grown
for the order within a list and for the chance of each candidate. Hindsight says what there is to be known at
all: trees that learn from the judging window itself, from four fifths of its customers, order the lists of the
other fifth. No past teaches that much.

    python benchmarks/ranker.py [--part validation|test] [--json]

writes benchmarks/results/ranker.json; with --part only that part of it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from contest.shops import SHOPS, load
from machine import machine, write
from rich.console import Console

import vitrina.ranker
from vitrina import ranking
from vitrina.bootstrap import estimates
from vitrina.bundle import Bundle
from vitrina.engine import Engine
from vitrina.evaluate import ask
from vitrina.fit import fit
from vitrina.metrics import accuracy
from vitrina.placements import Placements
from vitrina.questions import Questions, proposed, questions
from vitrina.ranker import Forest, describe, feature_names, mixture
from vitrina.recipe import RankerPlan, Recipe, read_recipe
from vitrina.seeds import query
from vitrina.sold import shelf_of
from vitrina.splits import Split, split
from vitrina.stages import blend
from vitrina.train import placements_of
from vitrina.weights import weigh

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "ranker.json"
SEED, ASKERS, DAYS = 7, 5000, 28
PLACEMENTS = ("home", "discover", "cart")
CURVE = (200, 600, 1800)
CHANCES: dict[str, Any] = {"objective": "binary", "least": 200}
FOLDS = 5
DEEPER = 200
Say = Callable[[str], None]


def measured(cut: Split, recipe: Recipe, curve: tuple[int, ...], say: Say) -> dict[str, Any]:
    """All placements on one window, with trees from the first lists and from all of them; where there is a
    curve, with those of deeper lists too."""
    placements = weigh(cut.train, recipe, placements_of(recipe), say)
    made = fit(cut.train, recipe, placements)
    plain, shop = Engine.of(made, placements), (cut, made, placements)
    asks = {one.placement: one for one in questions(cut, ASKERS, SEED) if one.placement in PLACEMENTS}
    before = {name: ndcg(plain, one, cut) for name, one in asks.items()}
    rows = grown(shop, asks, before, recipe, curve, say)
    if curve:
        with ordered_to(DEEPER):
            rows += grown(shop, asks, before, recipe, (), say)
    for name, asked in asks.items():
        known = in_hindsight(made, placements, asked, cut, replace(recipe.ranker, **CHANCES))
        rows.append(
            {"placement": name, "askers": len(asked), "hindsight": True} | compared(before[name], known)
        )
        say(spoken(rows[-1]))
    rows.sort(key=lambda row: PLACEMENTS.index(row["placement"]))
    return {"from": int(cut.now), "rows": rows}


@contextmanager
def ordered_to(depth: int) -> Iterator[None]:
    """Candidates of a list that trees learn from and order, within."""
    modules = (vitrina.ranker, ranking)
    before = vitrina.ranker.DEPTH
    try:
        for one in modules:
            one.DEPTH = depth
        yield
    finally:
        for one in modules:
            one.DEPTH = before


def grown(
    shop: tuple[Split, Bundle, Placements],
    asks: Mapping[str, Questions],
    before: Mapping[str, np.ndarray],
    recipe: Recipe,
    curve: tuple[int, ...],
    say: Say,
) -> list[dict[str, Any]]:
    """A row for each placement, and number of lists and kind of trees."""
    cut, made, placements = shop
    learned, words = lessons(cut, recipe, placements, say)
    rows: list[dict[str, Any]] = []
    for name, asked in asks.items():
        all_of_it = learned[name]
        for lists, plan in trials(recipe.ranker, curve, len(all_of_it.sizes)):
            started = time.process_time()
            forest = ranking.grow(all_of_it.first(lists), *words[name], plan, SEED)
            seconds = time.process_time() - started
            engine = Engine.of(ranking.with_ranker(made, cut.train, {name: forest}), placements)
            row = {"placement": name, "askers": len(asked), "lists": lists, "depth": vitrina.ranker.DEPTH,
                   "objective": plan.objective, "seconds": round(seconds, 1)}  # fmt: skip
            row |= compared(before[name], ndcg(engine, asked, cut))
            rows.append(row | costs(engine, forest, asked, cut))
            say(spoken(rows[-1]))
    return rows


def trials(plan: RankerPlan, curve: tuple[int, ...], most: int) -> list[tuple[int, RankerPlan]]:
    """From how many lists trees are grown, and how."""
    return [*((one, plan) for one in curve if one < most), (most, plan), (most, replace(plan, **CHANCES))]


def in_hindsight(
    made: Bundle,
    placements: Placements,
    asked: Questions,
    cut: Split,
    plan: RankerPlan,
) -> np.ndarray:
    """NDCG@10 of each asker by trees that learned from what the others took in the very window."""
    engine, shelf, found = Engine.of(made, placements), shelf_of(cut.train), np.zeros(len(asked))
    fold = np.random.default_rng(SEED).permutation(len(asked)) % FOLDS
    for one in range(FOLDS):
        others, own = (some(asked, np.flatnonzero(keep)) for keep in (fold != one, fold == one))
        held = proposed(engine, others, cut.now)
        learned = ranking.lessons(held, others.truth, shelf, cut.train.catalog.product)
        mixes = held[0].mixes
        words = mixture(held[0].placement, mixes), feature_names([mix.strategy for mix in mixes])
        forest = ranking.grow(learned, *words, plan, SEED)
        ranked = Engine.of(ranking.with_ranker(made, cut.train, {asked.placement: forest}), placements)
        found[fold == one] = ndcg(ranked, own, cut)
    return found


def some(asked: Questions, keep: np.ndarray) -> Questions:
    """The askers at these places."""
    return replace(
        asked, requests=tuple(asked.requests[one] for one in keep), truth=asked.truth.take(keep),
        buckets={"all": np.arange(len(keep))}, clusters=asked.clusters[keep], users=(),
    )  # fmt: skip


def lessons(cut: Split, recipe: Recipe, placements: Placements, say: Say) -> tuple[dict[str, Any], Any]:
    """By placement, what past windows teach, lists in a seeded order; and what the trees are for."""
    found = ranking.taught(cut.train, recipe, placements, say)
    order = np.random.default_rng(SEED)
    return {name: shuffled(one[0], order) for name, one in found.items()}, {
        name: one[1:] for name, one in found.items()
    }


def shuffled(all_of_it: ranking.Lessons, random: np.random.Generator) -> ranking.Lessons:
    """The same lists in an order drawn by lot, so that the first ones are of all windows."""
    ends = np.cumsum(all_of_it.sizes)
    drawn = random.permutation(len(ends))
    places = np.concatenate([np.arange(ends[one] - all_of_it.sizes[one], ends[one]) for one in drawn])
    return ranking.Lessons(all_of_it.table[places], all_of_it.taken[places], all_of_it.sizes[drawn])


def ndcg(engine: Engine, asked: Questions, cut: Split) -> np.ndarray:
    """NDCG@10 of each asker."""
    rows, _ = ask(engine, asked, engine.placements.named(asked.placement), cut.now)
    product = np.append(cut.train.catalog.product, np.int32(-1))
    return accuracy(product[rows][:, :10], asked.truth)["ndcg"]


def compared(before: np.ndarray, after: np.ndarray) -> dict[str, list[float]]:
    """Means with their intervals, and those of the paired difference."""
    found = estimates({"blend": before, "ranker": after, "gain": after - before}, seed=SEED)
    return {key: [one.mean, one.low, one.high] for key, one in found.items()}


def costs(engine: Engine, forest: Forest, asked: Questions, cut: Split) -> dict[str, float]:
    """Microseconds of one list: describing its candidates, and all that the ranker does to it."""
    ranker = engine.opened.ranker
    assert ranker is not None
    drafts = [proposed(engine, replace(asked, requests=(one,)), cut.now)[0] for one in asked.requests[:200]]
    plain = replace(engine.opened, ranker=None)
    pasts = [query(one.askers, "history", cut.now).seeds for one in drafts]
    wide = [one._replace(limit=vitrina.ranker.DEPTH // 3 + 1) for one in drafts]
    blends = [ranked for one in wide if (ranked := blend(plain, one).ranked) is not None]
    asked_of = [(blends[at], drafts[at].lists, pasts[at], cut.now) for at in range(len(drafts))]
    table = [partial(describe, ranker.shelf, *one, forest.depth) for one in asked_of]
    whole = [partial(ranker.rank, forest, *one) for one in asked_of]
    return {"describe_us": _median(table), "rank_us": _median(whole)}


def _median(calls: Sequence[Callable[[], Any]]) -> float:
    """The median of the best of three, by the processor's clock."""
    best = []
    for call in calls:
        times = []
        for _ in range(3):
            started = time.thread_time_ns()
            call()
            times.append(time.thread_time_ns() - started)
        best.append(min(times) / 1000)
    return round(float(np.median(best)), 1)


def spoken(row: dict[str, Any]) -> str:
    """One row, for people."""
    (blended, *_), (trees, *_), (gain, low, high) = (row[key] for key in ("blend", "ranker", "gain"))
    known = "hindsight" in row
    how = "in hindsight" if known else f"{row['lists']:6,} lists  {row['depth']:3} {row['objective']:10}"
    cost = "" if known else f"  {row['describe_us']} of {row['rank_us']} us a list"
    gains = f"{gain / blended:+.1%} [{low / blended:+.1%}, {high / blended:+.1%}]"
    return f"{row['placement']:9} {how:29} NDCG@10 {blended:.4f} -> {trees:.4f}  {gains}{cost}"


def main() -> None:
    """Measure, print, write."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--part", choices=("validation", "test"))
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    console = Console(stderr=given.json, width=140, highlight=False)
    recipe = read_recipe(ROOT / "models" / "recipes" / "grocery.toml")
    recipe = replace(recipe, ranker=RankerPlan(PLACEMENTS))
    last = split(load(SHOPS["complete_journey"], console.print), DAYS)
    result = json.loads(RESULT.read_text()) if given.part and RESULT.exists() else {}
    if given.part != "test":
        result["validation"] = measured(split(last.train, DAYS), recipe, CURVE, console.print)
    if given.part != "validation":
        result["test"] = measured(last, recipe, (), console.print)
    result = {"machine": machine("lightgbm"), "ranker": vars(recipe.ranker), **result}
    write("ranker", json.loads(json.dumps(result, default=float)))
    if given.json:
        print(json.dumps(result, default=float))


if __name__ == "__main__":
    main()
