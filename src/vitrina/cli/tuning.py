"""The verb that searches: tune."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.live import Live
from rich.table import Table

from vitrina.cli.words import AsJson, At, Data, RecipeFile, errors, page, put, say, seconds
from vitrina.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from vitrina.tune import Chosen, Search

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def tune(
    data: Data,
    recipe: RecipeFile,
    out: Annotated[Path, typer.Option("--out", help="Recipe to write; trials are kept beside it.")],
    budget: Annotated[str, typer.Option(help="How long to search: 30s, 5m, 1h.")] = "5m",
    at: At = "",
    seed: Annotated[int | None, typer.Option(min=0, help="Of the search; by default the recipe's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Search hyperparameters and weights on the last days, and write the best recipe.

    Ctrl-C, or SIGTERM, writes the best so far; the same command goes on from there, for a whole budget more.
    Where there are more than 20,000 events for each second, customers are drawn by lot; longer draws more.
    """
    from vitrina.recipe import read_recipe
    from vitrina.splits import up_to
    from vitrina.train import placements_of, read_shop
    from vitrina.tune import tune as run

    time = duration(budget)
    if out.is_dir():
        raise DataError(f"--out {out} is a folder; name a file in it")
    made = read_recipe(recipe)
    placements = placements_of(made)
    dataset = read_shop(data, made, say).dataset
    known = up_to(dataset, seconds(at))
    with stopped_softly(), watched() as watch:
        found = run(known, made, placements, out, time, seed=seed, say=say, watch=watch)
    put({"out": str(out), "budget": time, **found.as_dict()}) if as_json else show(found.chosen, out)


def duration(text: str) -> float:
    """Seconds of a time such as 30s, 5m or 1h; a bare number is seconds."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if not found or not float(found[1]):
        raise typer.BadParameter(f"{text!r} is not a time such as 30s, 5m or 1h")
    return float(found[1]) * UNITS[found[2]]


@contextmanager
def stopped_softly() -> Iterator[None]:
    """Take SIGTERM for Ctrl-C: a scheduler's end keeps what was found too."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def watched() -> Iterator[Callable[[Search, float], None]]:
    """What shows a search: a table that is drawn anew on a terminal, else a line for what is better."""
    if not errors.is_terminal:
        yield _Lines()
        return
    with Live(console=errors, auto_refresh=False, transient=True) as live:
        yield lambda search, share: live.update(progress(search, share), refresh=True)


class _Lines:
    """Says each placement's best source when it changes."""

    def __init__(self) -> None:
        self._said: dict[str, float] = {}

    def __call__(self, search: Search, share: float) -> None:
        last = search.trials[-1]
        for name in search.bench.placements:
            family, score = search.ranked(name)[0]
            if score > self._said.get(name, 0.0):
                self._said[name] = score
                trial = f"trial {len(search.trials)}, {last.seconds:.1f} s"
                say(f"{share:4.0%} {name}: {family} alone, NDCG@10 {score:.4f} ({trial})")


def progress(search: Search, share: float) -> Table:
    """The best alone of each placement so far."""
    last = search.trials[-1]
    title = f"{share:.0%} of the search, {len(search.trials)} trials; {last.family} took {last.seconds:.1f} s"
    table = Table(title=title, box=SIMPLE_HEAD, title_justify="left")
    for name in ("placement", "best alone", "NDCG@10", "next best"):
        table.add_column(name)
    for name in search.bench.placements:
        (family, score), *others = search.ranked(name)
        table.add_row(
            name, family, f"{score:.4f}", ", ".join(f"{one} {much:.4f}" for one, much in others[:3])
        )
    return table


def show(chosen: Mapping[str, Chosen], out: Path) -> None:
    """What was gained, and by which sources; that nothing was, where no placement could be asked."""
    if not chosen:
        page().print(f"{out}: no placement could be tuned, all are as the recipe has them; see above for why")
        return
    title = f"{out}: NDCG@10 on the days that chose it, which flatter it; ± is one standard error"
    table = Table(title=title, box=SIMPLE_HEAD, title_justify="left")
    for name in ("placement", "askers", "before", "after", "gain", "ahead", "sources"):
        table.add_column(name)
    for name, one in chosen.items():
        gain = f"{one.after - one.before:+.4f} ± {one.error:.4f}"
        ahead = "surely" if one.sure else "may be chance" if one.after > one.before else ""
        sources = ", ".join(f"{part.family.name} {part.weight:g}" for part in one.parts)
        figures = f"{one.askers:,}", f"{one.before:.4f}", f"{one.after:.4f}", gain, ahead
        table.add_row(name, *figures, f"{one.blend}: {sources}")
    page().print(table)
