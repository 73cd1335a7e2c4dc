"""How good a shop's lists are on days it has not learned from: the engine itself, asked and scored.

Offline accuracy is not uplift: it says how well lists foretell what customers did without them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from vitrina import metrics
from vitrina.bootstrap import estimates
from vitrina.breakdown import by_department
from vitrina.clusters import witnesses
from vitrina.dataset import Dataset
from vitrina.engine import Engine
from vitrina.examples import drawn
from vitrina.fit import fingerprint, fit
from vitrina.ids import Ids
from vitrina.live import Live
from vitrina.metrics import Hits, Lists, Values
from vitrina.placements import Placement, Placements
from vitrina.purpose import unasked
from vitrina.questions import Places, Questions, to_ask
from vitrina.ranking import NO_FORESTS, Forests, with_ranker
from vitrina.recipe import Recipe
from vitrina.request import Block
from vitrina.rivals import arena, challengers, with_baselines
from vitrina.scoreboard import BLEND, HEADLINE, STORED, Department, Evaluation, Row
from vitrina.scoring import CUTS, Shop, figures
from vitrina.splits import Split, split

__all__ = ["Evaluation", "Row", "ask", "evaluate", "judge"]

Say = Callable[[str], None]
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
    return evaluate_split(
        *(cut, recipe, placements, say),
        max_users=max_users,
        against=against,
        forests=forests,
        chosen=flattered(known, recipe),
    )


def flattered(dataset: Dataset, recipe: Recipe) -> str:
    """A caution where `vitrina tune` chose the recipe by this very dataset, else ''."""
    return TUNED if fingerprint(dataset) in recipe.text else ""


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
    asked = to_ask(engine.placements, cut, max_users, seed)
    caution = ". ".join(filter(None, (cut.caution, chosen, knew, _lacking(against, asked))))
    if caution:
        say(caution)
    shop = Shop.of(cut)
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


def _lacking(against: Engine | None, asked: Sequence[Questions]) -> str:
    """Which of the placements that are asked the stored bundle has not; '' where it has all."""
    names = [one.placement for one in asked if against and one.placement not in against.placements.by_name]
    if against is None or not names:
        return ""
    return f"{against.version} has no placement {', '.join(names)}: it is not asked there"


def _compared(
    engine: Engine,
    cut: Split,
    asked: Questions,
    systems: Mapping[str, Placement],
    shop: Shop,
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
        scores[system] = figures(lists[system], filled, asked.truth, shop)
        scores[system][GAIN] = scores[BLEND][HEADLINE] - scores[system][HEADLINE]
        found = f"NDCG@10 {np.nanmean(scores[system][HEADLINE]):.4f}, {time.perf_counter() - started:.1f} s"
        say(f"{asked.placement} {number}/{len(turns)}: {system}, {len(asked):,} askers, {found}")
    whose = witnesses(asked)
    rows = [row for bucket in asked.buckets for row in _rows(bucket, asked, whose, lists, scores, shop, seed)]
    where = (shop.departments, shop.named, CUTS, seed)
    return rows, by_department(lists[BLEND], asked.truth, whose, *where), answers[BLEND]


def _rows(
    bucket: str,
    asked: Questions,
    whose: Places,
    lists: Mapping[str, Lists],
    scores: Mapping[str, Mapping[str, Values]],
    shop: Shop,
    seed: int,
) -> list[Row]:
    """One row a system; all systems are judged on the same draws of askers."""
    askers = asked.buckets[bucket]
    different, clusters = np.unique(whose[askers], return_inverse=True)
    columns = {(system, name): one[askers] for system, own in scores.items() for name, one in own.items()}
    found = estimates(columns, clusters, seed=seed)
    rows = []
    for system in scores:
        shown = shop.own(lists[system][askers, :10])
        set_figures = metrics.coverage(shown, shop.known), metrics.gini(shown, shop.known)
        own = {name: one for (whose, name), one in found.items() if whose == system and name != GAIN}
        gain = None if system == BLEND else found[system, GAIN]
        many = len(askers), len(different)
        rows.append(Row(system, asked.placement, bucket, *many, own, *set_figures, gain))
    return rows


def _counts(asked: Questions, shop: Shop) -> dict[str, int]:
    """How many askers, how much they took, and how much of that nobody had touched before."""
    rows = asked.truth.rows
    taken = {"taken": len(rows), "taken_cold": int((~shop.seen[rows]).sum())}
    return {name: len(askers) for name, askers in asked.buckets.items()} | taken
