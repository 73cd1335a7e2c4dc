"""The demo: a real year of a grocer's tickets, from files to lists over gRPC, as a shop would do it."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vitrina import doctor
from vitrina.client import Client
from vitrina.dataset import PURCHASE, Dataset
from vitrina.demo import letter, live, photos
from vitrina.errors import NotReady
from vitrina.evaluate import Say
from vitrina.readers import complete_journey
from vitrina.recipe import Recipe, read_recipe
from vitrina.registry import Registry
from vitrina.request import Block, ListedBlock, ListedItem, Product, Request, Response, SessionEvent
from vitrina.scoresheet import show
from vitrina.train import read_shop, train

FIELDS = ("title", "price")
START_S = 120.0


@dataclass(frozen=True)
class Cast:
    """Whom the demo asks for, picked from the data: no id is written in the code."""

    household: str
    households: list[str]
    product: str
    basket: list[str]
    clicks: list[str]
    titles: dict[str, str]

    def title(self, item_id: str) -> str:
        """What a person calls an item."""
        return self.titles.get(item_id, item_id)


def run(folder: Path, recipe_file: Path, console: Console, picture: Path | None = None) -> None:
    """Everything, in order; safe to run again. `picture`: an SVG of two scenes. Raises VitrinaError."""
    started = time.perf_counter()

    def say(line: str) -> None:
        console.print(Text(f"  {time.perf_counter() - started:5.0f} s  {line}", style="dim"))

    recipe = read_recipe(recipe_file)
    dataset = learn(folder, recipe, console, say)
    cast = pick(dataset)
    console.rule("Serving, as on the last day of the data")
    with server(folder / "registry") as address:
        say(f"listening on {address}")
        with Client(address) as shop:
            for scene in (home, product_page, basket, visitor, letters, retargeting):
                scene(shop, cast, console)
            live.show(shop, cast.basket, cast.title, console)
            console.print(
                Text(f"  one of them as its reader sees it: {letter.write(shop, cast.household, folder)}")
            )
            if picture:
                draw(shop, cast, picture)
    say("stopped cleanly")
    photos.look_alikes(dataset, folder, console)
    look = f".venv/bin/vitrina models show --registry {folder / 'registry'}"
    more = ("\nServe it yourself: ", ("make serve", "bold"), "; look at the bundle: ", (look, "bold"))
    console.print(Text.assemble(*more))


def learn(folder: Path, recipe: Recipe, console: Console, say: Say) -> Dataset:
    """Write the data folder, examine it, train on all of it, publish; return what was read."""
    console.rule("Data: Complete Journey, a year of a grocer's tickets")
    complete_journey.write(folder / "data", say)
    reading = read_shop(folder / "data", recipe, say, folder / "rejects")
    doctor.show(doctor.examine(reading), console)
    console.rule("Photos")
    dataset = photos.photographed(reading.dataset, folder, say)
    console.rule("Training: judged on the last weeks first, then fitted on everything")
    trained = train(dataset, recipe, Registry(folder / "registry"), say)
    if trained.evaluation:
        show(trained.evaluation, console)
    return dataset


def pick(dataset: Dataset) -> Cast:
    """A household of median history, a hundred more, a well-sold product, one real basket of three."""
    events = dataset.events
    bought = np.bincount(events.item[events.type == PURCHASE], minlength=len(dataset.items))
    per_user = np.bincount(events.user[events.user >= 0], minlength=len(dataset.users))
    middle = np.argsort(per_user, kind="stable")[len(per_user) // 2]
    best = np.argsort(-bought, kind="stable").astype(np.int32)
    baskets = dataset.baskets()
    sizes = np.diff(baskets.indptr)
    last = int(np.flatnonzero((sizes >= 3) & (sizes <= 5))[-1])
    rows = baskets.indices[baskets.indptr[last] : baskets.indptr[last] + 3]
    shown = [best[20:21], rows, best[40:60:10]]
    ids = [dataset.items.names(one) for one in shown]
    history = events.item[events.user == middle]
    named = np.unique(np.concatenate([*shown, history]))
    titles = {dataset.items.name(row): dataset.catalog.title[row] for row in named.tolist()}
    households = dataset.users.names(np.arange(min(100, len(dataset.users)), dtype=np.int32))
    return Cast(dataset.users.name(int(middle)), households, ids[0][0], ids[1], ids[2], titles)


@contextmanager
def server(registry: Path) -> Iterator[str]:
    """A server of two workers over the registry's current bundle; yields its address, then stops it."""
    command = [sys.executable, "-m", "vitrina", "serve", "--registry", str(registry), "--port", "0"]
    command += ["--workers", "2", "--as-of", "last", "--open", "--store", str(registry.parent / "live")]
    log = (registry.parent / "server.log").open("w")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)  # noqa: S603 - ourselves
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline() or "{}").get("address") or _failed(log.name)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=START_S)
        log.close()


def _failed(log: str) -> str:
    raise NotReady(f"the server did not start; its log is {log}")


def home(shop: Client, cast: Cast, console: Console) -> None:
    """The home page of a household the bundle knows."""
    _scene(
        shop,
        cast,
        console,
        f"Home page of household {cast.household}",
        Request(_blocks("home"), cast.household),
    )


def product_page(shop: Client, cast: Cast, console: Console) -> None:
    """What is like the product looked at."""
    title = f"Product page: {cast.title(cast.product)}"
    _scene(shop, cast, console, title, Request(_blocks("product_similar"), context_item_ids=(cast.product,)))


def basket(shop: Client, cast: Cast, console: Console) -> None:
    """What goes with a basket of three."""
    title = "Basket: " + " + ".join(cast.title(one) for one in cast.basket)
    _scene(shop, cast, console, title, Request(_blocks("cart"), context_item_ids=tuple(cast.basket)))


def visitor(shop: Client, cast: Cast, console: Console) -> None:
    """Somebody nobody knows, two clicks into a visit."""
    title = "Unknown visitor who clicked " + " and ".join(cast.title(one) for one in cast.clicks)
    clicks = tuple(SessionEvent(one) for one in cast.clicks)
    _scene(
        shop, cast, console, title, Request(_blocks("session_next"), visitor_id="new-visitor", events=clicks)
    )


def letters(shop: Client, cast: Cast, console: Console) -> None:
    """A hundred households' letters in one stream."""
    started = time.perf_counter()
    askers = [Request((), user_id=one) for one in cast.households]
    page = Request(_blocks("email_digest", 6), channel="email")
    answers = list(shop.batch_recommend(page, askers, product_fields=FIELDS))
    spent = (time.perf_counter() - started) * 1000
    console.rule(f"E-mail: {len(answers)} letters in {spent:.0f} ms, {spent / len(answers):.1f} ms each")
    for asker, answer in answers[:3]:
        titles = ", ".join(_product(one).title for one in answer.blocks[0].items)
        console.print(Text(f"  household {asker.user_id}: {titles}"))


def retargeting(shop: Client, cast: Cast, console: Console) -> None:
    """Ads after a visit: nothing viewed, nothing ever bought; checked here against the whole history."""
    clicks = tuple(SessionEvent(one) for one in cast.clicks)
    request = Request(_blocks("retargeting"), cast.household, channel="retargeting", events=clicks)
    answer = _scene(
        shop, cast, console, f"Ads for household {cast.household} after the same two clicks", request
    )
    listed = {one.item_id for one in answer.blocks[0].items}
    # `titles` holds the household's whole history, the clicked products among it.
    known = listed & set(cast.titles)
    console.print(f"  viewed or bought before: {len(known)} of {len(listed)}")


def draw(shop: Client, cast: Cast, picture: Path) -> None:
    """The home page and the basket as an SVG, as a terminal shows them; no font is fetched for it."""
    terminal = Console(record=True, file=io.StringIO(), width=128, highlight=False)
    for scene in (home, basket):
        scene(shop, cast, terminal)
    drawn = re.sub(r"@font-face \{.*?\}", "", terminal.export_svg(title="make demo"), flags=re.DOTALL)
    picture.write_text(drawn)


def _blocks(placement: str, limit: int = 8) -> tuple[Block, ...]:
    return (Block(placement, limit=limit),)


def _scene(shop: Client, cast: Cast, console: Console, title: str, request: Request) -> Response:
    started = time.perf_counter()
    answer = shop.recommend(request, product_fields=FIELDS)
    spent = (time.perf_counter() - started) * 1000
    console.rule(f"{title}  ({spent:.1f} ms)")
    console.print(_table(answer.blocks[0], cast))
    return answer


def _table(block: ListedBlock, cast: Cast) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("", "product", "price", "score", "sources", "because"):
        table.add_column(column, justify="right" if column in ("", "price", "score") else "left")
    for rank, item in enumerate(block.items, start=1):
        product = _product(item)
        because = _because(item, cast)
        cells = (
            str(rank),
            product.title,
            f"{product.price:.2f}",
            f"{item.score:.4f}",
            ", ".join(item.sources),
            because,
        )
        table.add_row(*(Text(one) for one in cells))
    return table


def _product(item: ListedItem) -> Product:
    return item.product or Product(item.item_id, title=item.item_id)


def _because(item: ListedItem, cast: Cast) -> str:
    """A reason in words."""
    reason = item.reason
    if reason.rule:
        rule = reason.rule
        start = " + ".join(cast.title(one) for one in rule.antecedent_ids)
        strength = f"support {rule.support:.2%}, confidence {rule.confidence:.0%}, lift {rule.lift:.1f}"
        return f"with {start}: {strength}"
    if item.item_id in reason.seed_item_ids:
        return "bought before"
    if reason.seed_item_ids:
        return "from " + ", ".join(cast.title(one) for one in reason.seed_item_ids)
    return f"{reason.source}, this week" if reason.source == "trending" else reason.source
