"""The data sets of the contest, read through the readers as a shop's own folder would be.

Some are held out from development: nobody looked at them while strategies, recipes and the tuner were made.
They are other views of the same tables: `_random` ones lose their times and the order of their rows, and a
fifth of each customer's lines, drawn by lot, is their test, as interaction sets are published.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from machine import shared

from vitrina.dataset import Dataset
from vitrina.published import published
from vitrina.readers import Reading, complete_journey, read
from vitrina.recipe import Recipe, read_recipe
from vitrina.splits import Split, split, wanted_types
from vitrina.train import read_shop

RECIPES = Path(__file__).resolve().parents[2] / "models" / "recipes"
SEED, ASKERS = 7, 5000
Say = Callable[[str], None]


@dataclass(frozen=True)
class Shop:
    """Where a data set's tables lie, what its columns are called, and how many days are its test.

    `files`: tables as they lie there; `views`: tables as SQL over {shared}, the folder of the data, and over
    {journey}, The Complete Journey's files. `lot`: whether a fifth, drawn by lot, is the test.
    """

    recipe: str
    files: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    days: int = 28
    views: Mapping[str, str] = field(default_factory=dict)
    lot: bool = False

    @property
    def file(self) -> Path:
        """The recipe that is asked as it comes, and that tuning starts from."""
        return RECIPES / f"{self.recipe}.toml"

    @property
    def start(self) -> Recipe:
        """That recipe, with this data set's window."""
        made = read_recipe(self.file)
        return replace(made, evaluation=replace(made.evaluation, test_days=self.days))


@dataclass(frozen=True)
class Folder:
    """Anybody's folder, cut as a shop's, or where there is a `test`, a folder or a file of events, learned from
    whole. `file`: the recipe that is asked as it comes, and that names its columns and its window."""

    data: Path
    file: Path
    test: Path | None = None

    @property
    def start(self) -> Recipe:
        """Its recipe."""
        return read_recipe(self.file)

    @property
    def days(self) -> int:
        """How long its window is."""
        return self.start.evaluation.test_days

    @property
    def words(self) -> list[str]:
        """What tells a process of it."""
        test = ["--test", str(self.test)] if self.test else []
        return ["--data", str(self.data), "--read", str(self.file), *test]

    def cut(self, say: Say) -> Split:
        """What is learned from, and what everybody is asked once."""
        known = read_shop(self.data, self.start, say).dataset
        if self.test:
            return published(known, self.data, self.test, self.start, say)
        return split(known, self.days)


_EVENTS = "SELECT * FROM '{journey}/events.parquet'"
_TRIPS = f"FROM ({_EVENTS}) JOIN '{{journey}}/items.parquet' i USING (item_id)"

SHOPS: dict[str, Shop] = {
    "ml_100k": Shop(
        "default",
        {"events": "ml_100k/ratings", "items": "ml_100k/items", "users": "ml_100k/users"},
        {"items": {"title": "movie_title"}},
    ),
    "amazon_toys": Shop("default", {"events": "amazon_toys_5core/sequences"}),
    "epub": Shop(
        "default", {"events": "epub_downloads/downloads"}, {"events": {"item_id": "document_id"}}, days=365
    ),
    "yoochoose": Shop("default", {"events": "yoochoose_clicks_100k/clicks"}),
    "groceries": Shop(
        "grocery",
        {"events": "groceries/baskets", "items": "groceries/items"},
        {"items": {"title": "item", "category": "level1"}},
    ),
    "complete_journey": Shop(
        "grocery",
        views={
            table: f"SELECT * FROM '{{journey}}/{table}.parquet'" for table in ("events", "items", "users")
        },
    ),
}
HELD_OUT: dict[str, Shop] = {
    "ml_100k_random": Shop(
        "default",
        views={
            "events": "SELECT user_id, item_id FROM '{shared}/ml_100k/ratings.parquet' ORDER BY hash(user_id, item_id)"
        },
        lot=True,
    ),
    "amazon_toys_random": Shop(
        "default",
        views={
            "events": """SELECT "user" AS user_id, item AS item_id
            FROM '{shared}/amazon_toys_5core/sequences.parquet' ORDER BY "user", item"""
        },
        lot=True,
    ),
    # A shop for the kitchen and the home: dear things, seldom bought, invoices of a day.
    "journey_general": Shop(
        "default",
        views={
            "events": f"""SELECT user_id, order_id, item_id, timestamp, quantity, price
            FROM ({_EVENTS}) SEMI JOIN (SELECT item_id FROM '{{journey}}/items.parquet'
            WHERE category NOT LIKE 'Grocery%' AND category NOT LIKE 'Produce%' AND category NOT LIKE 'Meat%'
            AND category NOT LIKE 'Deli%' AND category NOT LIKE 'Pastry%' AND category NOT LIKE 'Drug%')
            USING (item_id) ORDER BY timestamp, order_id, item_id"""
        },
    ),
    # A grocer's customers with their orders, in their order but at no time and of goods sold ten times or more,
    # as next baskets are published; each begins some time and ends some time.
    "journey_orders": Shop(
        "grocery",
        views={
            "events": f"""SELECT user_id, order_id, item_id, quantity FROM ({_EVENTS})
            SEMI JOIN (SELECT item_id FROM '{{journey}}/items.parquet' WHERE category LIKE 'Grocery%') USING (item_id)
            WHERE timestamp BETWEEN TIMESTAMP '2017-07-01' AND TIMESTAMP '2017-12-31'
            AND timestamp > TIMESTAMP '2017-07-01' + to_days((hash(user_id, 1) % 120)::INT)
            AND timestamp < TIMESTAMP '2017-12-31' - to_days((hash(user_id, 2) % 60)::INT)
            QUALIFY count(*) OVER (PARTITION BY item_id) >= 10
            ORDER BY user_id, timestamp, order_id, item_id"""
        },
    ),
    # Tickets of nobody, at no time: the types of product on each of the last weeks' till rolls.
    "journey_baskets": Shop(
        "default",
        views={
            "events": f"""SELECT order_id, i.title AS item_id {_TRIPS}
            WHERE timestamp > TIMESTAMP '2017-11-20' GROUP BY ALL ORDER BY min(timestamp), order_id, item_id"""
        },
    ),
    # What is bought one after the other, by nobody known, at no time: first purchases of types, a household
    # each, broken off where a week passes without any.
    "journey_sequences": Shop(
        "default",
        views={
            "events": f"""WITH first AS (SELECT user_id, i.title AS item_id, min(timestamp) AS time {_TRIPS}
            WHERE i.category NOT LIKE 'Grocery%' GROUP BY ALL),
            gaps AS (SELECT *, coalesce(time - lag(time) OVER (PARTITION BY user_id ORDER BY time, item_id)
            > INTERVAL 7 DAY, true) AS broken FROM first),
            runs AS (SELECT *, sum(broken::INT) OVER (PARTITION BY user_id ORDER BY time, item_id) AS run FROM gaps)
            SELECT concat(user_id, '/', run) AS session_id, item_id FROM runs
            ORDER BY min(time) OVER (PARTITION BY user_id, run), session_id, time, item_id"""
        },
    ),
}


ALL = {**SHOPS, **HELD_OUT}


def load(shop: Shop, say: Say) -> Dataset:
    """Read a data set."""
    return reading(shop, say).dataset


def reading(shop: Shop, say: Say) -> Reading:
    """The same, with what the readers have to say of it."""
    with tempfile.TemporaryDirectory() as folder:
        for table, file in shop.files.items():
            (Path(folder) / f"{table}.parquet").symlink_to(shared(f"{file}.parquet"))
        _view(shop, Path(folder), say)
        return read(Path(folder), aliases=shop.columns, say=say)


def cut(shop: Shop | Folder, say: Say) -> Split:
    """A data set and the window that everybody is asked once."""
    if isinstance(shop, Folder):
        return shop.cut(say)
    known = load(shop, say)
    return by_lot(known) if shop.lot else split(known, shop.days)


def by_lot(known: Dataset) -> Split:
    """A fifth of each customer's lines, drawn by lot, as interaction sets are published; of few lines, one."""
    user = known.events.user
    order = np.lexsort((np.random.default_rng(SEED).random(len(user)), user))
    sizes = np.bincount(user, minlength=len(known.users))
    place = np.arange(len(user)) - (np.cumsum(sizes) - sizes)[user[order]]
    held = np.zeros(len(user), np.bool_)
    held[order] = place < np.where(sizes > 1, np.maximum(sizes // 5, 1), 0)[user[order]]
    train, test = (replace(known, events=known.events.take(side)) for side in (~held, held))
    return Split(
        train,
        test,
        known.end + 1,
        "a fifth of each customer's lines is held out, by lot",
        wanted_types(known),
    )


def _view(shop: Shop, folder: Path, say: Say) -> None:
    """Write the tables that are queries."""
    if shop.views:
        with tempfile.TemporaryDirectory() as journey, duckdb.connect(":memory:") as db:
            if any("{journey}" in query for query in shop.views.values()):
                complete_journey.write(Path(journey), say)
            for table, query in shop.views.items():
                made = query.format(shared=shared("") if "{shared}" in query else "", journey=journey)
                db.execute(f"COPY ({made}) TO '{folder}/{table}.parquet' (FORMAT parquet)")
