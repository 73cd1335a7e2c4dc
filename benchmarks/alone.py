"""Every registered strategy alone: how well it foretells, what it takes to fit, what a request costs.

    python benchmarks/alone.py [complete_journey yoochoose] [--askers 1000] [--json]
    python benchmarks/alone.py --quick        MovieLens, 300 askers, nothing written

A strategy is fitted as the shop's ready recipe has it, else as it comes, on all but the last 28 days (of
clicks a fifth of the time there is), and asked in each placement under its rules, from the seeds usual
there. Nothing fills up what it leaves short. Nothing is tuned; see accuracy.py for that. Seconds and
microseconds are of the processor, all threads. What cannot be asked, or finds nothing, is named with the reason.
Writes results/alone.json.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from contest.ours import microseconds
from contest.shops import ASKERS, RECIPES, SEED, SHOPS, reading
from machine import machine, write
from rich.console import Console

from vitrina import metrics, strategies
from vitrina.bootstrap import estimates
from vitrina.bundle import Bundle
from vitrina.doctor import examine
from vitrina.engine import Engine
from vitrina.errors import VitrinaError
from vitrina.evaluate import ask
from vitrina.fit import fit
from vitrina.placements import QUESTIONS, Placements
from vitrina.profiles import set_aside
from vitrina.purpose import unasked
from vitrina.questions import Questions, to_ask
from vitrina.recipe import Plan, Recipe, read_recipe
from vitrina.rivals import challengers
from vitrina.splits import Split, split
from vitrina.train import placements_of

DATA = ("complete_journey", "yoochoose")
WARM = 3000
"""Events that machine code is made ready with, before anything is timed."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Ground:
    """One shop as it was before the days that judge: nothing learned yet, and what is asked of whom."""

    cut: Split
    bundle: Bundle
    placements: Placements
    asked: Sequence[Questions]
    why: Mapping[str, str]

    @classmethod
    def of(cls, name: str, recipe: Recipe, askers: int, say: Say) -> Ground:
        """Read, cut, and draw who is asked. `why`: of strategies that the doctor calls empty."""
        known = reading(SHOPS[name], say)
        cut = split(known.dataset, SHOPS[name].days)
        placements = placements_of(recipe)
        bundle = fit(cut.train, replace(recipe, strategies={}), placements)
        why = {one.name: one.why for one in examine(known).strategies if one.state == "empty"}
        engine = Engine.of(bundle, placements)
        return cls(cut, bundle, engine.placements, to_ask(engine.placements, cut, askers, SEED), why)


def measured(name: str, askers: int, say: Say) -> dict[str, Any]:
    """All strategies on one data set."""
    recipe = read_recipe(RECIPES / f"{SHOPS[name].recipe}.toml")
    ground = Ground.of(name, recipe, askers, say)
    settled = ground.cut.train.settled()
    learned = set_aside(settled, one_offs=recipe.profile.one_offs).impersonal(settled)
    few = replace(learned, events=learned.events.take(slice(-WARM, None)))
    rows: list[dict[str, Any]] = []
    for system, plan in plans(recipe).items():
        strategy = strategies.make(plan.strategy, plan.params)
        try:
            strategy.fit(few)
            busy = time.process_time()
            parts = strategy.fit(learned)
            seconds = round(time.process_time() - busy, 2)
        except VitrinaError as reason:
            rows += [
                {"system": system, "placement": one.placement, "why": str(reason)} for one in ground.asked
            ]
            continue
        engine = Engine(ground.bundle, ground.placements, {system: strategy.open(parts)})
        mb = round(sum(len(one) if isinstance(one, bytes) else one.nbytes for one in parts.values()) / 1e6, 1)
        fitted = {"strategy": plan.strategy, "fit_cpu_seconds": seconds, "mb": mb}
        for asked in ground.asked:
            rows.append(
                {"system": system, **fitted, **answered(engine, system, plan.strategy, asked, ground)}
            )
            say(spoken(rows[-1]))
    return {
        "split": ground.cut.rule, "events": len(ground.cut.train.events), "items": len(ground.cut.train.items),
        "asked": {one.placement: len(one) for one in ground.asked},
        "unasked": {
            name: why for name, why in unasked(ground.placements, [one.placement for one in ground.asked]).items()
            if name in QUESTIONS
        },
        "rows": rows,
    }  # fmt: skip


def plans(recipe: Recipe) -> dict[str, Plan]:
    """The recipe's instances, and every strategy that it does not name, as it comes."""
    named = {one.strategy for one in recipe.strategies.values()}
    return {**recipe.strategies, **{one: Plan(one, {}) for one in strategies.names() if one not in named}}


def answered(engine: Engine, system: str, strategy: str, asked: Questions, ground: Ground) -> dict[str, Any]:
    """One strategy in one placement; `why` where it lists nothing for anybody."""
    placement = replace(challengers(engine, ground.placements.named(asked.placement))[system], fallback=())
    rows, _ = ask(engine, asked, placement, ground.cut.now)
    found = {"placement": asked.placement, "seeds": placement.sources[0].seeds}
    listed = (rows[:, :10] >= 0).sum(1)
    if not listed.any():
        barred = "; what was bought may not return there" if placement.rebuy.policy == "never" else ""
        return {**found, "why": ground.why.get(strategy, f"it finds nothing for anybody asked{barred}")}
    product = np.append(ground.cut.train.catalog.product, np.int32(metrics.MISS))
    scores = metrics.accuracy(product[rows[:, :10]], asked.truth)
    names = ("ndcg", "recall", "hit_rate", "mrr", "explore_recall")
    held = estimates({name: scores[name] for name in names}, asked.clusters, seed=SEED)
    found |= {f"{name}@10": [one.mean, one.low, one.high] for name, one in held.items()}
    named = replace(asked, placement=placement.name)
    alone = engine.with_placements(Placements("alone", {placement.name: placement}))
    return {
        **found,
        "answered": float((listed > 0).mean()),
        "full": float((listed == 10).mean()),
        "us_per_request": microseconds(alone, named, ground.cut.now),
    }


def spoken(row: dict[str, Any]) -> str:
    """One row, for people."""
    head = f"{row['placement']:12} {row['system']:20}"
    if "why" in row:
        return f"{head} {row['why']}"
    mean, low, high = row["ndcg@10"]
    costs = f"fit {row['fit_cpu_seconds']} s, {row['us_per_request']} us a request"
    return f"{head} NDCG@10 {mean:.4f} [{low:.4f}, {high:.4f}], {row['answered']:.0%} answered; {costs}"


def main() -> None:
    """Measure, print, write."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("data", nargs="*", metavar="DATA", help=f"of {', '.join(SHOPS)}; {' '.join(DATA)}")
    options.add_argument(
        "--askers", type=int, default=ASKERS, help=f"of a question, at most (default {ASKERS:,})"
    )
    options.add_argument("--quick", action="store_true", help="MovieLens, 300 askers, nothing written")
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    console = Console(stderr=given.json, width=150, highlight=False)
    names, askers = (["ml_100k"], 300) if given.quick else (given.data or list(DATA), given.askers)
    found = {"machine": machine(), "data": {name: measured(name, askers, console.print) for name in names}}
    if not given.quick:
        console.print(f"written {write('alone', found)}")
    if given.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
