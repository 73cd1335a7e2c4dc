"""Verbs that work on files: doctor, train, verify, evaluate, recommend."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vitrina.cli.words import (
    AsJson,
    At,
    Data,
    Out,
    RecipeFile,
    RegistryDir,
    StoreDir,
    moment,
    page,
    put,
    say,
    seconds,
)
from vitrina.errors import DataError

if TYPE_CHECKING:
    from vitrina.dataset import Dataset
    from vitrina.engine import Engine
    from vitrina.train import Trained


def doctor(
    data: Data,
    recipe: Annotated[Path | None, typer.Option("--recipe", help="For its column names and weights.")] = None,
    rejects: Annotated[Path | None, typer.Option(help="Folder for rows that could not be read.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what is in the data, what is missing, and which lists will be empty because of it."""
    from vitrina.doctor import examine, show
    from vitrina.images import vectors
    from vitrina.readers import read
    from vitrina.recipe import read_recipe

    made = read_recipe(recipe, fits=False) if recipe else None
    columns, weighed = (made.columns, made.weighed) if made else ({}, frozenset[str]())
    # However many rows are bad, the doctor looks at the rest and says so; training stops at 5 %.
    reading = read(data, aliases=columns, rejects=rejects, max_rejected=1.0, say=say, weighed=weighed)
    diagnosis = examine(replace(reading, dataset=vectors.attach(reading.dataset, data, say)), weighed)
    put(diagnosis.as_dict()) if as_json else show(diagnosis, page())


def train(
    data: Data,
    recipe: RecipeFile,
    registry: RegistryDir,
    at: At = "",
    judge: Annotated[
        bool, typer.Option(help="Evaluate on the last weeks before fitting on everything.")
    ] = True,
    force: Annotated[bool, typer.Option(help="Publish even what the quality gate refuses.")] = False,
    rejects: Annotated[Path | None, typer.Option(help="Folder for rows that could not be read.")] = None,
    store: Annotated[
        Path | None,
        typer.Option(help="Store of a server: its log and catalogue count too, its forgotten not."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fit a recipe, judge it on the last weeks, and publish the bundle as the registry's current one."""
    from vitrina.recipe import read_recipe
    from vitrina.registry import Registry
    from vitrina.scoresheet import show
    from vitrina.state.lmdb_store import LmdbStore
    from vitrina.train import read_shop
    from vitrina.train import train as run
    from vitrina.train_store import trained_with

    made = read_recipe(recipe)
    reading = read_shop(data, made, say, rejects)

    def work(dataset: Dataset, check: Callable[[], None]) -> Trained:
        bundles = Registry(registry)
        return run(dataset, made, bundles, say, at=seconds(at), judge=judge, force=force, check=check)

    if store:
        with closing(LmdbStore(store)) as opened:
            trained = trained_with(opened, reading.dataset, Registry(registry), work, say, made.weighed)
    else:
        trained = work(reading.dataset, lambda: None)
    if as_json:
        put({"version": trained.bundle.manifest.version, "metrics": trained.bundle.manifest.metrics})
    elif trained.evaluation:
        show(trained.evaluation, page())


def verify(
    bundle: Annotated[Path, typer.Argument(help="A bundle's folder.")], as_json: AsJson = False
) -> None:
    """Check every byte of a bundle, and that it still answers its probes."""
    from vitrina import bundle as bundles
    from vitrina import probes
    from vitrina.engine import Engine

    checked = bundles.verify(bundle)
    replayed = probes.replay(Engine.of(checked))
    size = sum(one.size for one in checked.manifest.parts.values())
    facts = {
        "version": checked.manifest.version,
        "parts": len(checked.parts),
        "bytes": size,
        "probes": replayed,
    }
    text = "{version} is whole: {parts} parts, {bytes:,} bytes, {probes} probes answered as in training"
    put(facts) if as_json else print(text.format(**facts))


def evaluate(
    data: Data,
    recipe: RecipeFile,
    at: At = "",
    test: Annotated[
        Path | None,
        typer.Option(
            help="A published split: folder or file of events to be asked; all of --data is learned from."
        ),
    ] = None,
    max_users: Annotated[int, typer.Option(min=0, help="Askers sampled; 0 for the recipe's number.")] = 0,
    against: Annotated[Path | None, typer.Option(help="A stored bundle's folder, asked the same.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page to look at, .html.")] = None,
    as_json: AsJson = False,
) -> None:
    """Judge a recipe: fit before the last weeks, rank every item, compare with what was bought."""
    from vitrina.published import published
    from vitrina.recipe import read_recipe
    from vitrina.report import page as report
    from vitrina.scoresheet import show
    from vitrina.train import judged_before, judged_by, read_shop

    if test and at:
        raise typer.BadParameter("--at cuts the data, and with --test nothing is cut; give either")
    if html:
        _page_to_write(html)
    if test:
        _events_to_ask(test)
    made = read_recipe(recipe)
    dataset = read_shop(data, made, say).dataset
    other = _stored(against, dataset) if against else None
    if test:
        cut = published(dataset, data, test, made, say)
        found = judged_by(cut, made, say, max_users=max_users or None, against=other)
    else:
        found = judged_before(dataset, made, say, at=seconds(at), max_users=max_users or None, against=other)
    if html:
        html.write_text(report(found), encoding="utf-8")
        say(f"a page to look at: {html}")
    put(found.as_dict()) if as_json else show(found, page())


def _stored(against: Path, dataset: Dataset) -> Engine:
    """A bundle to be asked the same. Raises DataError where there is none, or one of another shop."""
    import numpy as np

    from vitrina.engine import Engine

    if not (against / "manifest.json").is_file():
        raise DataError(
            f"--against {against}: there is no bundle in it; give one version's folder, inside the registry"
        )
    found = Engine.open(against)
    if not np.isin(dataset.items.sorted, found.items.sorted).any():
        raise DataError(
            f"--against {against}: none of its {found.n_items:,} items is in --data; give one of this shop"
        )
    return found


def _events_to_ask(test: Path) -> None:
    """Before anything is read: whether there are files of events. Raises DataError."""
    from vitrina.readers.tables import find_events

    if not test.exists():
        raise DataError(f"--test {test}: there is no such file or folder; give the events to be asked")
    try:
        find_events(test)
    except DataError as reason:
        raise DataError(f"--test: {reason}") from reason


def _page_to_write(html: Path) -> None:
    """Before anything is judged: whether a page can be written there. Raises DataError."""
    if html.suffix.lower() not in (".html", ".htm"):
        raise DataError(f"--html {html}: a page is written as .html; give such a name")
    if html.is_dir() or not html.parent.is_dir():
        why = "it is a folder" if html.is_dir() else f"there is no folder {html.parent}"
        raise DataError(f"--html {html}: {why}; give a file in a folder that there is")


def recommend(
    registry: RegistryDir,
    placement: Annotated[list[str], typer.Option(help="A placement's name; again for further lists.")],
    out: Annotated[Path, Out],
    users: Annotated[Path | None, typer.Option(help=".csv or .parquet with a column user_id.")] = None,
    contexts: Annotated[
        Path | None, typer.Option(help=".csv or .parquet: query_id, item_id, one row an item.")
    ] = None,
    k: Annotated[int, typer.Option("-k", help="Length of each list.")] = 20,
    at: At = "",
    placements: Annotated[
        Path | None, typer.Option(help="A placements file instead of the bundle's own.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes; 0 for one a core.")] = 0,
    store: StoreDir = None,
    as_json: AsJson = False,
) -> None:
    """Write lists for a whole file of users or contexts; goes on where a killed run stopped."""
    from vitrina import campaign
    from vitrina.crew import Opening, crew
    from vitrina.engine import Engine
    from vitrina.registry import Registry
    from vitrina.since import Since

    if (users is None) == (contexts is None):
        raise typer.BadParameter("give either --users or --contexts")
    bundle = Registry(registry).path()
    engine = Engine.open(bundle, placements)
    for one in placement:
        engine.placements.named(one)
    since = Since(store)
    engine = since.over(engine)
    now = moment(at, engine.moment, store)
    survey = (
        campaign.for_users(users, placement, k)
        if users is not None
        else campaign.for_contexts(contexts or Path(), placement, k)
    )
    many = (workers or os.cpu_count() or 1) if workers != 1 and survey.lasts() else 1
    work = crew(many, Opening(bundle, placements, store), survey, now) if many > 1 else None
    written = campaign.run(engine, survey, out, now, say, work, since.remember)
    facts = {
        "out": str(out),
        "lists": survey.count() * len(placement),
        "rows": written,
        "bundle": engine.version,
    }
    put(facts) if as_json else print(
        "{rows:,} rows for {lists:,} lists in {out}, from {bundle}".format(**facts)
    )
