"""From a dataset and a recipe to a bundle, in memory: every strategy fitted, everything named."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrina import __version__, strategies
from vitrina.bundle import Bundle, Manifest
from vitrina.catalog import first_step, path_of
from vitrina.dataset import COLUMNS, PURCHASE, Dataset
from vitrina.errors import DataError
from vitrina.history import History
from vitrina.ids import UNKNOWN
from vitrina.intervals import due_days
from vitrina.kernels.occasions import repeats
from vitrina.kernels.sparse import dealt, ends_of
from vitrina.parts import Part
from vitrina.placements import Placements
from vitrina.profiles import set_aside
from vitrina.recipe import Recipe
from vitrina.spill import spilled

KNOWN_OF_PEOPLE = ("region", "sizes", "consent")
"""What the engine itself asks about customers; filters ask whether items have the same value as they."""

Say = Callable[[str], None]
Keep = Callable[[str, Part], Part]
"""Stores a part by its name and gives it back, the same, as it may be held from then on."""


def spilling(name: str, part: Part) -> Part:
    """Keeps long parts on the disk for as long as they are looked at. Raises DataError."""
    return part if isinstance(part, bytes) else spilled(part)


def fit(
    dataset: Dataset,
    recipe: Recipe,
    placements: Placements,
    say: Say = lambda line: None,
    keep: Keep = spilling,
) -> Bundle:
    """Fit every strategy of the recipe; deterministic, for any number of threads.

    Purchases that were later returned teach nothing; gifts and one-offs nothing of their customers. What was
    learned is kept part by part.
    Raises RecipeError for a strategy or a hyperparameter that does not exist, before anything is
    fitted, and DataError without items.
    """
    if not len(dataset.items):
        raise DataError("the data has no items: give events.* or items.* with an item_id column")
    plans = {name: strategies.make(plan.strategy, plan.params) for name, plan in recipe.strategies.items()}
    began, settled = time.perf_counter(), dataset.settled()
    aside = set_aside(settled, one_offs=recipe.profile.one_offs)
    parts = _kept(shop_parts(settled, aside.events), keep)
    say(f"shop in {time.perf_counter() - began:.1f} s, {_megabytes(parts)}")
    if aside.events.any():
        say(f"kept out of profiles: {aside}")
        settled = aside.impersonal(settled)
    for name, strategy in plans.items():
        started = time.perf_counter()
        learned = {f"{name}/{part}": value for part, value in strategy.fit(settled).items()}
        parts |= (own := _kept(learned, keep))
        say(f"fitted {name} in {time.perf_counter() - started:.1f} s, {_megabytes(own)}")
    manifest = _manifest(dataset, recipe, placements)
    manifest.dataset.update(gifts=int(aside.gifts.sum()), one_offs=int(aside.one_offs.sum()))
    return Bundle(manifest, parts)


def only_for(recipe: Recipe, placements: Placements, names: Iterable[str]) -> Recipe:
    """The recipe less the strategies that stand in none of the placements of these names."""
    mixed = {mix.strategy for name in names for mix in placements.by_name[name].sources}
    kept = {name: one for name, one in recipe.strategies.items() if name in mixed}
    return replace(recipe, strategies=kept)


def shop_parts(dataset: Dataset, aside: NDArray[np.bool_] | None = None) -> dict[str, Part]:
    """What the engine knows of the shop beside the strategies: ids, catalogue, people, histories.

    Of people what the engine asks about, and what filters can compare: attributes that items have too, values
    that no item has veiled. Names, e-mails and addresses stay in the shop's files.
    `aside`: bool per event, what is kept out of its customer's profile; nothing by default.
    """
    parts: dict[str, Part] = {"ids/users": dataset.users.sorted, "ids/items": dataset.items.sorted}
    parts |= {f"catalog/{name}": column for name, column in dataset.catalog.columns().items()}
    parts["catalog/due_days"] = due_days(dataset)
    parts |= _people(dataset)
    parts |= {f"history/{name}": column for name, column in History.of(dataset, aside).columns().items()}
    return parts


def _people(dataset: Dataset) -> dict[str, Part]:
    items = dataset.catalog
    compared = {"department": items.department(), **items.attributes, "category": items.category}
    written = {"category": path_of, "department": lambda text: first_step(path_of(text))}
    written = {name: spell for name, spell in written.items() if name not in items.attributes}
    parts: dict[str, Part] = {}
    for name, told in dataset.people.items():
        told = told.mapped(written[name]) if name in written else told
        if name in KNOWN_OF_PEOPLE:
            parts |= told.columns(f"people/{name}")
        # By no count of distinct values: few customers have few e-mails, and many share a first name.
        elif name in compared:
            parts |= told.veiled(compared[name].values).columns(f"people/{name}")
    return parts


def with_metrics(bundle: Bundle, metrics: dict[str, Any], probes: list[dict[str, Any]]) -> Bundle:
    """The same bundle, its manifest saying how it was judged and what it must answer."""
    return replace(bundle, manifest=replace(bundle.manifest, metrics=metrics, probes=probes))


def _manifest(dataset: Dataset, recipe: Recipe, placements: Placements) -> Manifest:
    return Manifest(
        version="",
        created=int(time.time()),
        vitrina=__version__,
        recipe=recipe.text,
        placements=dict(placements.tables),
        strategies={
            name: {"is": plan.strategy, "params": strategies.settings(plan.strategy, plan.params)}
            for name, plan in recipe.strategies.items()
        },
        dataset=_facts(dataset),
        types=list(dataset.types),
    )


def _facts(dataset: Dataset) -> dict[str, Any]:
    return {
        "users": len(dataset.users),
        "items": len(dataset.items),
        "events": len(dataset.events),
        "timed": dataset.timed,
        "words": dict(dataset.words),
        "first_event": int(dataset.events.time[0]) if len(dataset.events) else 0,
        "last_event": dataset.end,
        "repeat_share": repeat_share(dataset),
        "fingerprint": fingerprint(dataset),
        **({} if dataset.logged is None else {"logged": dataset.logged}),
    }


def repeat_share(dataset: Dataset) -> float:
    """The share of purchases, by known customers, of an item they had bought on a visit before."""
    events = dataset.events
    buyer = np.where(events.type == PURCHASE, events.user, np.int32(UNKNOWN))
    ends = ends_of(buyer, len(dataset.users))
    pairs, apart = repeats(ends, *dealt(buyer, ends, events.item, events.visit, events.time))
    return round(1 - pairs / apart, 4) if pairs else 0.0


def fingerprint(dataset: Dataset) -> str:
    """16 hex digits over who did what when: equal for equal data."""
    events, digest = dataset.events, hashlib.sha256()
    happened = events.user, events.item, events.time, events.type
    for column in (*happened, dataset.users.sorted, dataset.items.sorted):
        digest.update(np.ascontiguousarray(column).data)
    return digest.hexdigest()[:16]


def whole_print(dataset: Dataset) -> str:
    """The same over all that strategies can learn from, and how it is told: also of items and of people."""
    told = (dataset.types, sorted(dataset.words.items()), dataset.encoder, dataset.held_out)
    flags = (dataset.timed, dataset.counted, dataset.sessions, dataset.dayed)
    digest = hashlib.sha256(repr((told, flags)).encode())
    for name, column in _columns(dataset):
        # With its name, type and length, as the bytes of some columns are also those of others.
        digest.update(f"{name} {column.dtype} {column.shape} ".encode())
        digest.update(np.ascontiguousarray(column).data)
    return digest.hexdigest()[:16]


def _columns(dataset: Dataset) -> Iterator[tuple[str, NDArray[Any]]]:
    """Every column there is, by its name."""
    yield from {"ids/users": dataset.users.sorted, "ids/items": dataset.items.sorted}.items()
    yield from ((name, getattr(dataset.events, name)) for name in COLUMNS)
    yield from dataset.catalog.columns().items()
    for name, attribute in dataset.people.items():
        yield from attribute.columns(f"people/{name}").items()
    photos = {"vectors": dataset.vectors, "colours": dataset.colours, "thumbnails": dataset.thumbnails}
    yield from ((name, column) for name, column in photos.items() if column is not None)


def _kept(parts: dict[str, Part], keep: Keep) -> dict[str, Part]:
    """Parts as they are kept; each goes from what was given as soon as it is."""
    return {name: keep(name, parts.pop(name)) for name in list(parts)}


def _megabytes(parts: dict[str, Part]) -> str:
    size = sum(len(part) if isinstance(part, bytes) else part.nbytes for part in parts.values())
    return f"{size / 1e6:.1f} MB"
