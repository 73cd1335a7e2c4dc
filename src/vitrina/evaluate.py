"""How good a shop's lists are on days it has not learned from: the engine itself, asked and scored.

Offline accuracy is not uplift: it says how well lists foretell what customers did without them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vitrina import metrics
from vitrina.bootstrap import estimates
from vitrina.dataset import Dataset
from vitrina.engine import Engine
from vitrina.fit import fit
from vitrina.live import Live
from vitrina.metrics import Lists, Values
from vitrina.placements import Placement, Placements
from vitrina.questions import Questions, questions
from vitrina.recipe import Recipe
from vitrina.request import Block
from vitrina.rivals import arena, challengers, with_baselines
from vitrina.scoreboard import BLEND, HEADLINE, Evaluation, Row, show
from vitrina.splits import Split, of_types, split

__all__ = ["Evaluation", "Row", "ask", "evaluate", "judge", "show"]

Say = Callable[[str], None]
CUTS = (10, 20)
GAIN = "gain"
_BATCH = 256


def evaluate(
    dataset: Dataset,
    recipe: Recipe,
    placements: Placements,
    say: Say = lambda line: None,
    *,
    at: int | None = None,
    max_users: int | None = None,
) -> Evaluation:
    """Learn from all but the last days of a dataset, and judge its placements on those.

    `at`: the moment taken for today, in seconds; later events are not looked at. Raises DataError
    where there is too little to hold out, RecipeError for what cannot be fitted.
    """
    held = recipe.evaluation
    cut = split(dataset, held.test_days, at)
    say(f"{cut.rule}; {len(cut.train.events):,} events to learn from, {len(cut.test.events):,} to judge by")
    engine = arena(fit(cut.train, with_baselines(recipe), placements, say), placements, held.seed)
    return judge(engine, cut, max_users or held.max_users, held.seed, say)


def judge(engine: Engine, cut: Split, max_users: int, seed: int, say: Say = lambda line: None) -> Evaluation:
    """Ask an engine that learned from `cut.train` alone, and score it by `cut.test`.

    Every source the engine has is also asked alone. At most `max_users` askers a placement.
    """
    shop = _Shop.of(cut)
    asked = [one for one in questions(cut, max_users, seed) if one.placement in engine.placements.by_name]
    rows = []
    for one in asked:
        systems = challengers(engine, engine.placements.named(one.placement))
        rows += _compared(engine, cut.now, one, systems, shop, seed, say)
    counts = {one.placement: _counts(one, shop) for one in asked}
    rebuy = {one.placement: engine.placements.named(one.placement).rebuy for one in asked}
    start, end = (cut.now, cut.test.end) if cut.train.timed else (None, None)
    return Evaluation(tuple(rows), cut.rule, start, end, cut.wanted, counts, rebuy, seed)


def ask(engine: Engine, asked: Questions, placement: Placement, now: int) -> tuple[Lists, Values]:
    """The engine's lists for all askers of a placement: int32[n, 20] item rows, and the fallback of each."""
    engine = engine.with_placements(Placements("evaluation", {placement.name: placement}))
    blocks = (Block(placement.name, limit=max(CUTS)),)
    lists = np.full((len(asked), max(CUTS)), metrics.MISS, np.int32)
    levels = np.zeros(len(asked))
    for start in range(0, len(asked), _BATCH):
        batch = [replace(one, blocks=blocks, reasons=False) for one in asked.requests[start : start + _BATCH]]
        for place, answer in enumerate(engine.recommend(batch, Live(now=now)), start=start):
            items = answer.blocks[0].items
            lists[place, : len(items)] = engine.items.rows([one.item_id for one in items])
            levels[place] = answer.blocks[0].fallback_level
    return lists, levels


@dataclass(frozen=True)
class _Shop:
    """What judging lists needs of the shop that was learned from, by product.

    `of_item`: int32, the product of each item. `owners`: int64, customers (or anonymous visits)
    that took each product, of `n_owners`. `categories`: int32. `seen`: whether anybody touched it.
    """

    of_item: NDArray[np.int32]
    owners: NDArray[np.int64]
    n_owners: int
    categories: NDArray[np.int32]
    seen: NDArray[np.bool_]

    @classmethod
    def of(cls, cut: Split) -> _Shop:
        train, of_item = cut.train, cut.train.catalog.product
        n_products = int(of_item.max(initial=-1)) + 1
        taken = of_types(train, cut.wanted) & (train.actors >= 0)
        pairs = train.actors[taken].astype(np.int64) * n_products + of_item[train.events.item[taken]]
        categories = np.full(n_products, metrics.MISS, np.int32)
        categories[of_item] = train.catalog.category.codes
        seen = np.zeros(n_products, np.bool_)
        seen[of_item[train.events.item]] = True
        owners = np.bincount(np.unique(pairs) % max(n_products, 1), minlength=n_products)
        return cls(of_item, owners, len(np.unique(train.actors[taken])), categories, seen)

    def products(self, lists: Lists) -> Lists:
        """The lists in products."""
        return np.append(self.of_item, np.int32(metrics.MISS))[lists]


def _compared(
    engine: Engine,
    now: int,
    asked: Questions,
    systems: Mapping[str, Placement],
    shop: _Shop,
    seed: int,
    say: Say,
) -> list[Row]:
    lists: dict[str, Lists] = {}
    scores: dict[str, dict[str, Values]] = {}
    for number, (system, placement) in enumerate(systems.items(), start=1):
        started = time.perf_counter()
        rows, levels = ask(engine, asked, placement, now)
        lists[system] = shop.products(rows)
        scores[system] = _scores(lists[system], levels, asked, shop)
        own = scores[BLEND][HEADLINE]
        scores[system][GAIN] = own - scores[system][HEADLINE]
        found = f"NDCG@10 {np.nanmean(scores[system][HEADLINE]):.4f}, {time.perf_counter() - started:.1f} s"
        say(f"{asked.placement} {number}/{len(systems)}: {system}, {len(asked):,} askers, {found}")
    return [row for bucket in asked.buckets for row in _rows(bucket, asked, lists, scores, shop, seed)]


def _rows(
    bucket: str,
    asked: Questions,
    lists: Mapping[str, Lists],
    scores: Mapping[str, Mapping[str, Values]],
    shop: _Shop,
    seed: int,
) -> list[Row]:
    """One row a system; all systems are judged on the same draws of askers."""
    askers = asked.buckets[bucket]
    _, clusters = np.unique(asked.clusters[askers], return_inverse=True)
    columns = {(system, name): one[askers] for system, own in scores.items() for name, one in own.items()}
    found = estimates(columns, clusters, seed=seed)
    rows = []
    for system in scores:
        shown = lists[system][askers, :10]
        set_figures = metrics.coverage(shown, len(shop.owners)), metrics.gini(shown, len(shop.owners))
        own = {name: one for (whose, name), one in found.items() if whose == system and name != GAIN}
        gain = None if system == BLEND else found[system, GAIN]
        rows.append(Row(system, asked.placement, bucket, len(askers), own, *set_figures, gain))
    return rows


def _scores(lists: Lists, levels: Values, asked: Questions, shop: _Shop) -> dict[str, Values]:
    """float64[n] by metric name, of lists in products."""
    scores: dict[str, Values] = {}
    for k in CUTS:
        scores |= {f"{name}@{k}": one for name, one in metrics.accuracy(lists[:, :k], asked.truth).items()}
    scores["novelty@10"] = metrics.novelty(lists[:, :10], shop.owners, shop.n_owners)
    scores["diversity@10"] = metrics.diversity(lists[:, :10], shop.categories)
    scores["fallback"] = (levels > 0).astype(np.float64)
    scores["short@10"] = ((lists[:, :10] >= 0).sum(1) < 10).astype(np.float64)
    return scores


def _counts(asked: Questions, shop: _Shop) -> dict[str, int]:
    """How many askers, how much they took, and how much of that nobody had touched before."""
    rows = asked.truth.rows
    taken = {"taken": len(rows), "taken_cold": int((~shop.seen[rows]).sum())}
    return {name: len(askers) for name, askers in asked.buckets.items()} | taken
