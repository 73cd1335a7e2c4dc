"""Training a shop: read, judge on its own last weeks, fit on everything, publish."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vitrina import probes
from vitrina.bundle import Bundle
from vitrina.dataset import Dataset
from vitrina.engine import Engine
from vitrina.errors import DataError, RecipeError
from vitrina.evaluate import Evaluation, evaluate
from vitrina.fit import fit, with_metrics
from vitrina.placements import Placements, read_placements
from vitrina.readers import Reading, read
from vitrina.recipe import Recipe
from vitrina.registry import Registry
from vitrina.splits import split
from vitrina.weights import weigh

Say = Callable[[str], None]


@dataclass(frozen=True)
class Trained:
    """What a training left behind: the published bundle and how it was judged, if it could be."""

    bundle: Bundle
    evaluation: Evaluation | None


def read_shop(folder: Path, recipe: Recipe, say: Say, rejects: Path | None = None) -> Reading:
    """Read a shop's folder with the recipe's column names. Raises DataError."""
    return read(folder, aliases=recipe.columns, rejects=rejects, say=say)


def placements_of(recipe: Recipe) -> Placements:
    """The placements that a recipe names. Raises RecipeError where it names none."""
    if recipe.placements is None:
        raise RecipeError('the recipe names no placements; add: placements = "../placements/standard.toml"')
    return read_placements(recipe.placements)


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


def train(
    dataset: Dataset,
    recipe: Recipe,
    registry: Registry,
    say: Say,
    *,
    at: int | None = None,
    judge: bool = True,
) -> Trained:
    """Train on what was known at `at` (seconds; by default everything) and publish the bundle.

    With `judge`, first fits before the last weeks and evaluates on them. Raises VitrinaError.
    """
    known = dataset.before(at) if at is not None else dataset
    if at is not None and not len(known.events) and len(dataset.events):
        raise DataError(f"no event lies before --at {at}; the first one is at {int(dataset.events.time[0])}")
    placements = weighed(known, recipe, say)
    evaluation = evaluate(known, recipe, placements, say=say) if judge else None
    say("fitting on everything")
    fitted = fit(known, recipe, placements, say)
    asked = probes.make(Engine.of(fitted), recipe.evaluation.probes, recipe.evaluation.seed)
    metrics = evaluation.as_dict() if evaluation else {}
    stored = registry.publish(with_metrics(fitted, metrics, asked))
    probes.replay(Engine.of(stored))
    say(f"published {stored.manifest.version}")
    return Trained(stored, evaluation)
