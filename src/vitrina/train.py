"""Training a shop: read, judge on its own last weeks, fit on everything, publish."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from vitrina import budget, evaluate, probes
from vitrina.bundle import Bundle, Draft
from vitrina.dataset import Dataset
from vitrina.engine import Engine
from vitrina.errors import DataError, RecipeError, VitrinaError, WorseBundle
from vitrina.evaluate import Evaluation
from vitrina.fit import Keep, fit, with_metrics
from vitrina.gate import MIN_EVENTS, Verdict, gate, telling
from vitrina.images import vectors
from vitrina.placements import Placements, parse_placements, read_placements
from vitrina.ranking import NO_FORESTS, Forests, learn, with_ranker
from vitrina.readers import Reading, read
from vitrina.recipe import Recipe, parse_recipe
from vitrina.registry import Registry
from vitrina.rivals import arena, with_baselines
from vitrina.splits import Split, split, up_to
from vitrina.weights import weigh

Say = Callable[[str], None]


@dataclass(frozen=True)
class Trained:
    """What a training left behind: the published bundle and how it was judged, if it could be."""

    bundle: Bundle
    evaluation: Evaluation | None


def read_shop(folder: Path, recipe: Recipe, say: Say, rejects: Path | None = None) -> Reading:
    """Read a shop's folder with the recipe's column names, and the vectors of its photos if it has any.

    Raises DataError.
    """
    reading = read(folder, aliases=recipe.columns, rejects=rejects, say=say, weighed=recipe.weighed)
    dataset = replace(vectors.attach(reading.dataset, folder, say), held_out=recipe.evaluation.split)
    return replace(reading, dataset=dataset)


def placements_of(recipe: Recipe) -> Placements:
    """The placements that a recipe names. Raises RecipeError where it names none, PlacementsError."""
    if recipe.placements is None:
        raise RecipeError('the recipe names no placements; add: placements = "../placements/standard.toml"')
    if isinstance(recipe.placements, Path):
        return read_placements(recipe.placements)
    return parse_placements(recipe.placements, "the recipe's placements")


def weighed(dataset: Dataset, recipe: Recipe, say: Say) -> Placements:
    """The recipe's placements, weighed where it asks for that, on days before those held out."""
    placements = placements_of(recipe)
    if not recipe.evaluation.weigh:
        return placements
    try:
        before = split(dataset, recipe.evaluation.test_days).train
    except DataError as reason:
        say(f"source weights stay as written: {reason}")
        return placements
    return weigh(before, recipe, placements, say)


def ranked(dataset: Dataset, recipe: Recipe, placements: Placements, say: Say) -> Forests:
    """Trees for the placements that the recipe has ranked, learned on days before those held out."""
    if not recipe.ranker.placements:
        return {}
    try:
        before = split(dataset, recipe.evaluation.test_days).train
    except DataError as reason:
        say(f"no placement is ranked: {reason}")
        return {}
    return learn(before, recipe, placements, say)


def judged_before(
    dataset: Dataset,
    recipe: Recipe,
    say: Say,
    *,
    at: int | None = None,
    max_users: int | None = None,
    against: Engine | None = None,
) -> Evaluation:
    """How good a recipe is on the last days before `at` (seconds; by default all there is)."""
    known = up_to(dataset, at)
    placements = weighed(known, recipe, say)
    forests = ranked(known, recipe, placements, say)
    return evaluate.evaluate(
        known, recipe, placements, say, max_users=max_users, against=against, forests=forests
    )


def judged_by(
    cut: Split, recipe: Recipe, say: Say, *, max_users: int | None = None, against: Engine | None = None
) -> Evaluation:
    """How good a recipe is on a split there is: all that is chosen, weights and trees too, is chosen by what
    is learned from alone."""
    placements = placements_of(recipe)
    if recipe.evaluation.weigh:
        placements = weigh(cut.train, recipe, placements, say)
    forests = learn(cut.train, recipe, placements, say)
    return evaluate.evaluate_split(
        cut, recipe, placements, say, max_users=max_users, against=against, forests=forests
    )


def train(
    dataset: Dataset,
    recipe: Recipe,
    registry: Registry,
    say: Say,
    *,
    at: int | None = None,
    judge: bool = True,
    force: bool = False,
    check: Callable[[], None] = lambda: None,
) -> Trained:
    """Train on what was known at `at` (seconds; by default everything) and publish the bundle.

    `check` may raise what keeps it from being published, as `Registry.publish` has it.

    With `judge`, first fits before the last weeks, evaluates on them and passes the quality gate, or
    with `force` goes on without passing. Raises VitrinaError.
    """
    known = up_to(dataset, at)
    budget.foreseen(known, recipe, say)
    with budget.within(recipe.limits.bytes), Draft(registry.folder) as draft:
        fitted, evaluation = _fitted(known, recipe, registry, say, draft.keep, judge=judge, force=force)
        stored = registry.publish(fitted, draft, check)
        probes.replay(Engine.of(stored))
    say(f"published {stored.manifest.version}")
    return Trained(stored, evaluation)


def _fitted(
    known: Dataset, recipe: Recipe, registry: Registry, say: Say, keep: Keep, *, judge: bool, force: bool
) -> tuple[Bundle, Evaluation | None]:
    """What is to be published, with its metrics and probes, and how it was judged."""
    placements = weighed(known, recipe, say)
    forests = ranked(known, recipe, placements, say)
    evaluation = judged(known, recipe, placements, registry, say, forests, force=force) if judge else None
    say("fitting on everything")
    fitted = with_ranker(fit(known, recipe, placements, say, keep), known, forests)
    asked = probes.make(Engine.of(fitted), recipe.evaluation.probes, recipe.evaluation.seed)
    metrics = evaluation.as_dict() if evaluation else {}
    return with_metrics(fitted, metrics, asked), evaluation


def judged(
    dataset: Dataset,
    recipe: Recipe,
    placements: Placements,
    registry: Registry,
    say: Say,
    forests: Forests = NO_FORESTS,
    *,
    force: bool = False,
) -> Evaluation | None:
    """Fit before the last days, evaluate on them, and pass the quality gate, there fitted on what the current
    bundle knew, where that learned from some of those days.

    None, and said, where there is too little to hold out. Raises WorseBundle where the gate is shut,
    unless `force`.
    """
    held = recipe.evaluation
    try:
        cut = split(dataset, held.test_days)
    except DataError as reason:
        say(f"not judged: {reason}")
        return None
    say(f"{cut.rule}; {len(cut.train.events):,} events to learn from, {len(cut.test.events):,} to judge by")
    engine = _contestant(cut.train, recipe, placements, forests, say)
    chosen = evaluate.flattered(dataset, recipe)
    evaluation = evaluate.judge(engine, cut, held.max_users, held.seed, say, chosen=chosen)
    current = current_engine(registry, say)
    if fresher := _fresher(dataset, cut.now, current):
        say("fitting on what the current bundle knew, to compare with it")
        del engine  # its memory, before as much is taken again
        engine = _contestant(dataset.before(fresher), recipe, placements, forests, say)
    verdict = gate(dataset, engine, fresher or cut.now, current, held.gate, held.seed)
    say(f"gate {'open' if verdict.passed else 'shut'}: {verdict.reason}")
    if not verdict.passed and not force:
        raise WorseBundle(f"not published: {verdict.reason}; look at the data and the recipe, or use --force")
    return evaluation


def _contestant(known: Dataset, recipe: Recipe, placements: Placements, forests: Forests, say: Say) -> Engine:
    """The recipe fitted on a past, as placements ask it, beside what it is judged against."""
    fitted = with_ranker(fit(known, with_baselines(recipe), placements, say), known, forests)
    return arena(fitted, placements, recipe.evaluation.seed)


def _fresher(dataset: Dataset, cut: int, current: Engine | None) -> int:
    """The end of what the current bundle learned from, where that is after the cut and enough came later to
    compare on, else 0: last week's bundle would win by its age alone."""
    if current is None or not dataset.timed or current.last_event < cut:
        return 0
    moment = current.last_event + 1
    return moment if telling(dataset, moment) >= MIN_EVENTS else 0


def current_engine(registry: Registry, say: Say) -> Engine | None:
    """The registry's current bundle, opened; None where there is none, or, said, where it does not open."""
    try:
        return Engine.open(registry.path()) if registry.versions() else None
    except VitrinaError as reason:
        say(f"the current bundle cannot be compared with: {reason}")
        return None


def compared(folder: Path, registry: Registry, version: str, against: str, say: Say) -> Verdict:
    """Judge a stored bundle against another on events later than both. By default the newest one against
    the current one.

    Raises DataError, RegistryError and BundleError; RecipeError where the bundle's recipe reads no more.
    """
    name = version or (registry.versions() or [""])[-1]
    new = Engine.open(registry.path(name))
    known = against or registry.current()
    current = Engine.open(registry.path(known)) if known != new.version else None
    say(f"{new.version} against {current.version if current else 'nothing: it is the current bundle itself'}")
    recipe = parse_recipe(tomllib.loads(new.manifest.recipe), new.manifest.recipe)
    dataset = read_shop(folder, recipe, say).dataset
    held = recipe.evaluation
    return gate(dataset, new, new.last_event + 1, current, held.gate, held.seed)
