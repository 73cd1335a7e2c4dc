"""A recipe of Vitrina in the contest: learned from the test window's past, asked through the engine.

    python ours.py RECIPE.toml DATA --out DIR
    python ours.py RECIPE.toml --data DIR --read RECIPE.toml [--test HELD] --out DIR      see shops.Folder

Writes <placement>.npy, int32[n, 20] product rows, and facts.json, as `search` does. Sources are weighed and
trees are learned on days before the test window where the recipe asks for it, as in training.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from contest import shops
from contest.search import peak_mb
from contest.shops import ASKERS, SEED
from vitrina.engine import Engine
from vitrina.evaluate import ask
from vitrina.fit import fit
from vitrina.questions import Questions, questions
from vitrina.ranking import learn, with_ranker
from vitrina.recipe import Recipe, read_recipe
from vitrina.splits import Split
from vitrina.train import placements_of
from vitrina.weights import weigh


def fitted(cut: Split, recipe: Recipe) -> tuple[Engine, dict[str, Any]]:
    """The engine, and what fitting it took; what was chosen before is no part of that."""
    placements = placements_of(recipe)
    if recipe.evaluation.weigh:
        placements = weigh(cut.train, recipe, placements, print)
    forests = learn(cut.train, recipe, placements, print)
    base, started, busy = peak_mb(), time.perf_counter(), time.process_time()
    bundle = with_ranker(fit(cut.train, recipe, placements), cut.train, forests)
    took = {"fit_seconds": time.perf_counter() - started, "fit_cpu_seconds": time.process_time() - busy}
    facts = {name: round(one, 2) for name, one in took.items()}
    return Engine.of(bundle, placements), {**facts, "peak_mb": round(max(peak_mb(), base))}


def microseconds(engine: Engine, asked: Questions, now: int) -> float:
    """Processor time of a request in the batches of an evaluation, after a first small one."""
    placement = engine.placements.named(asked.placement)
    few = replace(asked, requests=asked.requests[:8])
    ask(engine, few, placement, now)
    some = replace(asked, requests=asked.requests[:1024])
    busy = time.process_time()
    ask(engine, some, placement, now)
    return round((time.process_time() - busy) / len(some) * 1e6, 1)


def main() -> None:
    """Fit, ask, write."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("recipe", type=Path)
    options.add_argument("name", nargs="?", choices=shops.ALL)
    for one in ("--data", "--read", "--test"):
        options.add_argument(one, type=Path)
    options.add_argument("--askers", type=int, default=ASKERS)
    options.add_argument("--out", type=Path, required=True)
    given = options.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    shop = shops.ALL[given.name] if given.name else shops.Folder(given.data, given.read, given.test)
    cut = shops.cut(shop, print)
    data_mb = round(peak_mb())
    engine, took = fitted(cut, read_recipe(given.recipe))
    product = np.append(cut.train.catalog.product, np.int32(-1))
    found = {}
    for asked in questions(cut, given.askers, SEED):
        placement = engine.placements.named(asked.placement)
        rows, _ = ask(engine, asked, placement, cut.now)
        np.save(given.out / f"{asked.placement}.npy", product[rows])
        sources = {one.strategy: one.weight for one in placement.sources if one.strategy in engine.sources}
        settings = {"by": placement.blend, **sources, "ranked": asked.placement in given_forests(engine)}
        us = microseconds(engine, asked, cut.now)
        found[asked.placement] = {"settings": settings, **took, "us_per_request": us}
    (given.out / "facts.json").write_text(json.dumps({"data_mb": data_mb, "placements": found}))


def given_forests(engine: Engine) -> set[str]:
    """The placements that learned trees put in order."""
    ranker = engine.opened.ranker
    return set(ranker.forests) if ranker else set()


if __name__ == "__main__":
    main()
