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
from vitrina.breakdown import by_department
from vitrina.dataset import Dataset
from vitrina.engine import Engine
from vitrina.examples import drawn
from vitrina.fit import fingerprint, fit
from vitrina.ids import Ids
from vitrina.kernels.distinct import distinct
from vitrina.live import Live
from vitrina.metrics import Hits, Lists, Values
from vitrina.placements import Placement, Placements
from vitrina.purpose import unasked
from vitrina.questions import Questions, to_ask
from vitrina.ranking import NO_FORESTS, Forests, with_ranker
from vitrina.recipe import Recipe
from vitrina.request import Block
from vitrina.rivals import arena, challengers, with_baselines
from vitrina.scoreboard import BLEND, HEADLINE, STORED, Department, Evaluation, Row
from vitrina.splits import Split, of_types, split

__all__ = ["Evaluation", "Row", "ask", "evaluate", "judge"]

Say = Callable[[str], None]
CUTS = (10, 20)
GAIN = "gain"
_BATCH = 256
TUNED = (
    "vitrina tune chose this recipe by these very days, so its figures flatter it; tune with --at, and "
    "evaluate the days after that"
)


def evaluate(
    dataset: Dataset,
    recipe: Recipe,
    placements: Placements,
    say: Say = lambda line: None,
    *,
    at: int | None = None,
    max_users: int | None = None,
    against: Engine | None = None,
    forests: Forests = NO_FORESTS,
) -> Evaluation:
    """Learn from all but the last days of a dataset, and judge its placements on those.

    `at`: the moment taken for today, in seconds; later events are not looked at. `against`: a stored
    bundle that is asked the same. Raises DataError where there is too little to hold out, RecipeError for
    what cannot be fitted.

    `forests`: learned trees that put candidates in order, from days before those held out.
    """
    cut = split(dataset, recipe.evaluation.test_days, at)
    known = dataset if at is None else dataset.before(at)
    chosen = TUNED if fingerprint(known) in recipe.text else ""
    return evaluate_split(
        *(cut, recipe, placements, say),
        max_users=max_users,
        against=against,
        forests=forests,
        chosen=chosen,
    )


def evaluate_split(
    cut: Split,
    recipe: Recipe,
    placements: Placements,
    say: Say = lambda line: None,
    *,
    max_users: int | None = None,
    against: Engine | None = None,
    forests: Forests = NO_FORESTS,
    chosen: str = "",
) -> Evaluation:
    """The same on a split there is already: learn from its one side, judge by the other."""
    held = recipe.evaluation
    say(f"{cut.rule}; {len(cut.train.events):,} events to learn from, {len(cut.test.events):,} to judge by")
    fitted = with_ranker(fit(cut.train, with_baselines(recipe), placements, say), cut.train, forests)
    engine = arena(fitted, placements, held.seed)
    most = max_users or held.max_users
    return judge(engine, cut, most, held.seed, say, against=against, chosen=chosen)


def judge(
    engine: Engine,
    cut: Split,
    max_users: int,
    seed: int,
    say: Say = lambda line: None,
    *,
    against: Engine | None = None,
    chosen: str = "",
) -> Evaluation:
    """Ask an engine that learned from `cut.train` alone, and score it by `cut.test`.

    `chosen`: a caution, where what is judged was chosen by the very days that judge it. Every source the
    engine has is also asked alone, and so is the bundle `against` in its own way. At most `max_users` askers
    a placement.
    """
    stored, knew = _stored(against, cut)
    caution = ". ".join(filter(None, (cut.caution, chosen, knew)))
    if caution:
        say(caution)
    shop = _Shop.of(cut)
    asked = to_ask(engine.placements, cut, max_users, seed)
    rows, departments, examples = [], {}, {}
    for one in asked:
        systems = challengers(engine, engine.placements.named(one.placement))
        found, departments[one.placement], lists = _compared(
            engine, cut, one, systems, shop, seed, say, stored
        )
        rows += found
        examples[one.placement] = drawn(cut, one.requests, one.truth, lists, seed)
    counts = {one.placement: _counts(one, shop) for one in asked}
    rebuy = {one.placement: engine.placements.named(one.placement).rebuy.policy for one in asked}
    why = unasked(engine.placements, counts)
    put = {one.placement: one.question for one in asked}
    start, end = (cut.now, cut.test.end) if cut.in_time else (None, None)
    told = (cut.rule, start, end, cut.wanted, counts, rebuy, seed, departments, why, put, caution)
    return Evaluation(tuple(rows), *told, cut.published, examples)


def ask(
    engine: Engine, asked: Questions, placement: Placement, now: int, known: Ids | None = None
) -> tuple[Lists, Hits]:
    """The engine's lists for all askers of a placement: int32[n, 20] rows, and bool[n], whether a fallback
    filled one of the first ten places.

    Rows are of the items `known`, by default the engine's own; what is not among them is a miss.
    """
    known = known or engine.items
    engine = engine.with_placements(Placements("evaluation", {placement.name: placement}))
    blocks = (Block(placement.name, limit=max(CUTS)),)
    lists = np.full((len(asked), max(CUTS)), metrics.MISS, np.int32)
    filled = np.zeros(len(asked), np.bool_)
    fillers = {*placement.fallback}.difference(one.strategy for one in placement.sources)
    for start in range(0, len(asked), _BATCH):
        batch = [replace(one, blocks=blocks, reasons=False) for one in asked.requests[start : start + _BATCH]]
        for place, answer in enumerate(engine.recommend(batch, Live(now=now)), start=start):
            items = answer.blocks[0].items
            lists[place, : len(items)] = known.rows([one.item_id for one in items])
            filled[place] = any(not fillers.isdisjoint(one.sources) for one in items[: min(CUTS)])
    return lists, filled


@dataclass(frozen=True)
class _Shop:
    """What judging lists needs of the shop that was learned from, by product.

    `of_item`: int32, the product of each item. `owners`: int64, customers (or anonymous visits)
    that took each product, of `n_owners`. `categories`, `departments`: int32, the latter into `named`.
    `seen`: whether anybody touched it. `known`: how many products were there to learn of; those behind
    them are only among what is asked.
    """

    of_item: NDArray[np.int32]
    owners: NDArray[np.int64]
    n_owners: int
    categories: NDArray[np.int32]
    seen: NDArray[np.bool_]
    departments: NDArray[np.int32]
    named: tuple[str, ...]
    known: int

    @classmethod
    def of(cls, cut: Split) -> _Shop:
        train, of_item = cut.train, cut.test.catalog.product
        learned = of_item[: len(train.items)]
        n_products = int(of_item.max(initial=-1)) + 1
        taken = of_types(train, cut.wanted) & (train.actors >= 0)
        pairs = train.actors[taken].astype(np.int64) * n_products + of_item[train.events.item[taken]]
        categories = np.full(n_products, metrics.MISS, np.int32)
        categories[learned] = train.catalog.category.codes
        seen = np.zeros(n_products, np.bool_)
        seen[of_item[train.events.item]] = True
        owners = np.bincount(distinct(pairs) % max(n_products, 1), minlength=n_products)
        codes, named = train.catalog.departments()
        departments = np.full(n_products, metrics.MISS, np.int32)
        departments[learned] = codes
        n_owners = len(distinct(train.actors[taken]))
        known = int(learned.max(initial=-1)) + 1
        return cls(of_item, owners, n_owners, categories, seen, departments, named, known)

    def products(self, lists: Lists) -> Lists:
        """The lists in products."""
        return np.append(self.of_item, np.int32(metrics.MISS))[lists]


def _stored(against: Engine | None, cut: Split) -> tuple[dict[str, Engine], str]:
    """The stored bundle by its name in tables, if one was given; and that it has, or may have, learned from
    what it is judged by, '' where it has not."""
    if against is None:
        return {}, ""
    name = f"{STORED} {against.version[:16]}"
    figures = "flatter it, and are nothing where what was bought never returns"
    if not cut.in_time or not against.manifest.dataset["timed"]:
        may = "may have learned from what is held out, where no time tells before from after"
        return {f"{name}, knew?": against}, f"{against.version} {may}: if so, its figures {figures}"
    if against.last_event < cut.now:
        return {name: against}, ""
    knew = "has learned from days it is judged by: its figures"
    return {f"{name}, knew": against}, f"{against.version} {knew} {figures}"


def _compared(
    engine: Engine,
    cut: Split,
    asked: Questions,
    systems: Mapping[str, Placement],
    shop: _Shop,
    seed: int,
    say: Say,
    stored: Mapping[str, Engine],
) -> tuple[list[Row], tuple[Department, ...], Lists]:
    """A row for each system and kind of customers, the departments, and the placement's lists in items."""
    answers: dict[str, Lists] = {}
    lists: dict[str, Lists] = {}
    scores: dict[str, dict[str, Values]] = {}
    turns = [(system, engine, placement) for system, placement in systems.items()]
    for label, other in stored.items():
        if asked.placement in other.placements.by_name:
            turns.append((label, other, other.placements.named(asked.placement)))
    for number, (system, own, placement) in enumerate(turns, start=1):
        started = time.perf_counter()
        answers[system], filled = ask(own, asked, placement, cut.now, cut.test.items)
        lists[system] = shop.products(answers[system])
        scores[system] = _scores(lists[system], filled, asked, shop)
        scores[system][GAIN] = scores[BLEND][HEADLINE] - scores[system][HEADLINE]
        found = f"NDCG@10 {np.nanmean(scores[system][HEADLINE]):.4f}, {time.perf_counter() - started:.1f} s"
        say(f"{asked.placement} {number}/{len(turns)}: {system}, {len(asked):,} askers, {found}")
    rows = [row for bucket in asked.buckets for row in _rows(bucket, asked, lists, scores, shop, seed)]
    where = (shop.departments, shop.named, CUTS, seed)
    return rows, by_department(lists[BLEND], asked.truth, asked.clusters, *where), answers[BLEND]


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
        set_figures = metrics.coverage(shown, shop.known), metrics.gini(shown, shop.known)
        own = {name: one for (whose, name), one in found.items() if whose == system and name != GAIN}
        gain = None if system == BLEND else found[system, GAIN]
        rows.append(Row(system, asked.placement, bucket, len(askers), own, *set_figures, gain))
    return rows


def _scores(lists: Lists, filled: Hits, asked: Questions, shop: _Shop) -> dict[str, Values]:
    """float64[n] by metric name, of lists in products."""
    scores: dict[str, Values] = {}
    for k in CUTS:
        scores |= {f"{name}@{k}": one for name, one in metrics.accuracy(lists[:, :k], asked.truth).items()}
    scores["novelty@10"] = metrics.novelty(lists[:, :10], shop.owners, shop.n_owners)
    scores["diversity@10"] = metrics.diversity(lists[:, :10], shop.categories)
    scores["fallback"] = filled.astype(np.float64)
    scores["short@10"] = ((lists[:, :10] >= 0).sum(1) < 10).astype(np.float64)
    return scores


def _counts(asked: Questions, shop: _Shop) -> dict[str, int]:
    """How many askers, how much they took, and how much of that nobody had touched before."""
    rows = asked.truth.rows
    taken = {"taken": len(rows), "taken_cold": int((~shop.seen[rows]).sum())}
    return {name: len(askers) for name, askers in asked.buckets.items()} | taken
