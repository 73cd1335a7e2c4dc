"""Tuning: the best recipe for one shop that its last days and a budget of time can find.

    sample    whom settings are tried on, where there are too many for the time
    bench     the days held out, and each source alone on them
    spaces    what may be searched of each strategy, in dimensions
    families  each strategy with what the recipe fixes of it
    search    their settings, by TPE; journal keeps what was tried, limit ends what takes too long
    choose    settings by placement, and how sources are weighed; prove judges that by other askers
    shares    how the time is shared between these
    order     whether learned trees order what they propose better
    write     a recipe

All of the days given are used, the last ones to choose by: what a tuned recipe is worth is shown by
later days alone, so give `--at` and evaluate after it.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vitrina import __version__
from vitrina.dataset import Dataset
from vitrina.errors import DataError
from vitrina.fit import fingerprint, whole_print
from vitrina.placements import Placements, parse_placements
from vitrina.recipe import Recipe
from vitrina.tune import write
from vitrina.tune.bench import Bench, TooLittle
from vitrina.tune.choose import Chosen, choose
from vitrina.tune.families import families
from vitrina.tune.journal import Journal
from vitrina.tune.limit import Clock, TooLong, until_then, without_compiling
from vitrina.tune.order import Order, orders
from vitrina.tune.sample import drawn, in_words, scaled, share_for
from vitrina.tune.search import Search
from vitrina.tune.shares import Shares

__all__ = ["Chosen", "Search", "Tuned", "tune"]

Say = Callable[[str], None]
Watch = Callable[[Search, float], None]
Told = tuple[Recipe, Mapping[str, Any]]
WRITING = 10.0
"""Seconds for the weights of all placements after Ctrl-C."""


@dataclass(frozen=True)
class Tuned:
    """What a search found. `text`: the recipe; `trials`: in all, of earlier runs too; `seconds`: of this;
    `share`: of the customers, on whom settings were tried."""

    text: str
    chosen: Mapping[str, Chosen]
    trials: int
    seconds: float
    seed: int
    order: Order
    share: float = 1.0

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "trials": self.trials,
            "share": self.share,
            "seconds": round(self.seconds, 1),
            "seed": self.seed,
            "placements": {name: _facts(one) for name, one in self.chosen.items()},
            "ranker": {name: {"gain": one[0], "error": one[1]} for name, one in self.order.gains.items()},
        }


def tune(
    dataset: Dataset,
    recipe: Recipe,
    placements: Placements,
    out: Path,
    budget: float,
    *,
    seed: int | None = None,
    say: Say = lambda line: None,
    watch: Watch = lambda search, share: None,
    clock: Clock = time.perf_counter,
) -> Tuned:
    """Search for about `budget` seconds of `clock`, less what compiling takes, and write the best recipe to
    `out`; on Ctrl-C the best so far. Weights that were begun are searched to their end, and trees are given
    up half of their share late (`shares`).

    What was tried is kept in `<out>.journal`, from which the same search goes on, on those customers who were
    drawn for it where there are too many for the time (`sample`). Where too little can be asked the recipe is
    written as it is. Raises DataError where there is nothing to hold out, RecipeError where the journal is
    another search's.
    """
    seed = recipe.evaluation.seed if seed is None else seed
    file = out.with_name(out.name + ".journal")
    share = _share(file, dataset, budget, recipe.evaluation.test_days, say)
    with without_compiling(clock) as seconds:
        started = seconds()
        try:
            bench = _bench(dataset, recipe, placements, seed, share, say)
        except TooLittle as reason:
            say(f"{reason}; the recipe is written as it is")
            return _unchanged(out, str(reason), recipe, placements, seed)
        journal = Journal.open(file, _made_on(dataset, recipe, placements, seed, bench.share))
        if journal.trials:
            say(f"{len(journal.trials)} trials of before are taken over from {journal.file}")
        known = {one.name: one for one in families(recipe, bench.placements, dataset)}
        found = Search(bench, known, journal, seed, seconds)
        shares = Shares.of(bench, recipe, started, budget)
        _run(found, shares.settings, say, watch)
        return _best(found, dataset, recipe, placements, shares, out, say)


def _share(file: Path, dataset: Dataset, budget: float, days: int, say: Say) -> float:
    """The share of customers that settings are tried on: an earlier search's where it left trials."""
    now, before = share_for(dataset, budget, days), Journal.share(file)
    if 0 < 2 * before <= now:
        say(f"{file} is of a shorter search, made on {in_words(before)}: remove it to try settings on more")
    return before or now


def _bench(
    dataset: Dataset, recipe: Recipe, placements: Placements, seed: int, share: float, say: Say
) -> Bench:
    """Those whom settings are tried on: all, where of a share too few can be asked. Raises TooLittle."""
    if share < 1:
        say(f"settings are tried on {in_words(share)}: on all there is time for few")
        with suppress(TooLittle):
            return Bench.of(drawn(dataset, share), recipe, placements, seed, share)
        say("of those too few can be asked: settings are tried on all")
    return Bench.of(dataset, recipe, placements, seed)


def _best(
    found: Search,
    dataset: Dataset,
    recipe: Recipe,
    placements: Placements,
    shares: Shares,
    out: Path,
    say: Say,
) -> Tuned:
    """What was found, weighed and put in order, and written: before its order is tried too."""
    until = found.clock() + WRITING if found.interrupted else shares.weights
    least = 0.0 if found.interrupted else shares.least
    chosen = choose(found, weigh=recipe.evaluation.weigh, until=until, say=say, least=least)
    judged, (written, tables) = _told(found, chosen, recipe, placements)

    def made(order: Order) -> Tuned:
        took = found.clock() - shares.started
        head = write.head(found, chosen, order, took, fingerprint(dataset))
        text = write.text(head, replace(written, ranker=order.plan), tables)
        _put(out, text)
        return Tuned(text, chosen, len(found.trials), took, found.seed, order, found.bench.share)

    made(Order(recipe.ranker))
    done = made(_ordered(found, chosen, *judged, shares, say))
    say(f"wrote {out}: {len(written.strategies)} instances to fit")
    return done


def _told(
    found: Search, chosen: Mapping[str, Chosen], recipe: Recipe, placements: Placements
) -> tuple[Told, Told]:
    """The recipe with the placements' tables, as it was judged, and as it is written: what weighs nothing to
    some customers is weighed in training, on all of them, where the recipe wants sources weighed."""
    some = found.bench.share < 1
    weigh = recipe.evaluation.weigh and (some or chosen.keys() != found.bench.placements.keys())

    def told(those: Mapping[str, Chosen]) -> Told:
        plans, tables = write.tuned(found, those, recipe, placements)
        return replace(recipe, strategies=plans, evaluation=replace(recipe.evaluation, weigh=weigh)), tables

    judged = told(chosen)
    return judged, told({name: one.whole for name, one in chosen.items()}) if weigh and some else judged


def _unchanged(out: Path, reason: str, recipe: Recipe, placements: Placements, seed: int) -> Tuned:
    """The recipe as it is, where nothing can be searched by."""
    head = [f"Written by vitrina tune {__version__}, unchanged: {reason}."]
    made = write.text(head, recipe, {"version": placements.version, **placements.tables})
    _put(out, made)
    return Tuned(made, {}, 0, 0.0, seed, Order(recipe.ranker))


def _run(found: Search, until: float, say: Say, watch: Watch) -> None:
    """Search for settings until then, or until Ctrl-C."""
    say(f"{found.bench.rule}; asked: {_asked(found.bench)}")
    try:
        found.run(until, watch)
    except KeyboardInterrupt:
        found.interrupted = True
        say("interrupted: weighing what was found")
    say(f"{len(found.trials)} trials; weighing sources")


def _ordered(
    found: Search,
    chosen: Mapping[str, Chosen],
    recipe: Recipe,
    tables: Mapping[str, Any],
    shares: Shares,
    say: Say,
) -> Order:
    """Learned trees, for the placements that were chosen; as the recipe has it where that is interrupted."""
    if not chosen:
        return Order(recipe.ranker)
    families = {part.family.name for one in chosen.values() for part in one.parts}
    asked = parse_placements({name: tables[name] for name in chosen}, "tuned placements")
    now = found.clock()
    until = now if found.interrupted else shares.trees(now)
    cut, share = found.bench.windows[0].cut, found.bench.share
    plans = {name: scaled(plan, share) for name, plan in recipe.strategies.items()}
    tried = replace(recipe, strategies=plans)
    order: Order | None = None
    fit_seconds = sum(map(found.seconds, families)) / len(found.bench.windows)
    flatters = {name: one.flatters for name, one in chosen.items()}
    try:
        with until_then(shares.given_up(now, until), found.clock):
            for better in orders(cut, tried, asked, flatters, fit_seconds, until, say, found.clock):
                order = better
    except (KeyboardInterrupt, TooLong) as reason:
        ended = "interrupted" if isinstance(reason, KeyboardInterrupt) else "no time is left for trees"
        say(f"{ended}: {'no more are tried' if order else 'lists stay ordered as they were'}")
    except Exception:  # whoever was called just then may have made something else of the end
        if not order or found.clock() < until:
            raise
    if order:
        _say_order(order, say)
    return order or Order(recipe.ranker)


def _say_order(order: Order, say: Say) -> None:
    """What trees add, where they were judged."""
    for name, (gain, error) in order.gains.items():
        say(f"{name}: learned trees add {gain:+.4f} +- {error:.4f}")
    if not order.gains:
        say("learned trees order no placement surely better than its blend")


def _made_on(
    dataset: Dataset, recipe: Recipe, placements: Placements, seed: int, share: float
) -> dict[str, Any]:
    tables = json.dumps(placements.tables, sort_keys=True, default=list)
    digest = hashlib.sha256((recipe.text + tables).encode()).hexdigest()[:16]
    found = {"data": whole_print(dataset), "recipe": digest, "seed": seed, "vitrina": __version__}
    return found | {"share": share}


def _facts(one: Chosen) -> dict[str, Any]:
    sources = [
        {
            "family": part.family.name,
            "params": dict(part.plan.params),
            "weight": part.weight,
            "seeds": part.seeds,
        }
        for part in one.parts
    ]
    figures = {"before": one.before, "after": one.after, "error": one.error, "askers": one.askers}
    return {**figures, "blend": one.blend, "sources": sources}


def _asked(bench: Bench) -> str:
    return ", ".join(f"{name} {len(truth):,}" for name, truth in bench.truths.items())


def _put(out: Path, made: str) -> None:
    part = out.with_name(out.name + ".part")
    try:
        part.write_text(made, encoding="utf-8")
        part.replace(out)
    except OSError as reason:
        raise DataError(f"cannot write {out}: {reason}; name a file that can be written") from reason
