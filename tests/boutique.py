"""A boutique of clothes and things for the home, small enough to learn from in a test."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from shops import make_shop
from vitrina.catalog import PATH, Labels
from vitrina.dataset import DAY, Attribute, Dataset
from vitrina.engine import Engine
from vitrina.fit import fit
from vitrina.ids import Texts
from vitrina.placements import Placements, read_placements
from vitrina.recipe import read_recipe

MODELS = Path(__file__).resolve().parents[1] / "models"
KINDS = {
    "dress": f"Clothes{PATH}Dresses",
    "shoe": f"Clothes{PATH}Shoes",
    "bag": f"Clothes{PATH}Bags",
    "lamp": f"Home{PATH}Lamps",
    "cushion": f"Home{PATH}Cushions",
    "candle": f"Home{PATH}Candles",
}
EACH = 10
LAST_DAY = 400
NOW = LAST_DAY * DAY + 1
BRANDS, COLORS = ("Alba", "Brio", "Casa"), ("red", "blue")
Happened = tuple[str, str, int, str]


class Thing(NamedTuple):
    """What the catalogue says of one item, for who checks a list."""

    kind: str
    number: int

    @property
    def price(self) -> float:
        """Numbers of a kind grow dearer."""
        return 10.0 * self.number + 5

    @property
    def id(self) -> str:
        """dress-3."""
        return f"{self.kind}-{self.number}"


THINGS = {one.id: one for one in (Thing(kind, n + 1) for kind in KINDS for n in range(EACH))}
RESTOCKED = ("shoe-2",)
CHEAPER = ("lamp-2", "shoe-7", "bag-2", "dress-5")
NEW = ("dress-10", "lamp-10", "candle-10")


def happened() -> list[Happened]:
    """A year of 80 customers who dress or furnish, and of anna, who does the former and burns candles."""
    rng = np.random.default_rng(5)
    found: list[Happened] = []
    for customer in range(80):
        kinds = list(KINDS)[:3] if customer % 2 else list(KINDS)[3:]
        for _ in range(4):
            day, near = int(rng.integers(20, LAST_DAY)), int(rng.integers(1, EACH))
            for kind in kinds:
                item = f"{kind}-{min(EACH, max(1, near + int(rng.integers(-1, 2))))}"
                found += [(f"c{customer}", item, day, "view"), (f"c{customer}", item, day, "purchase")]
    found += [("anna", "candle-1", day, "purchase") for day in range(10, LAST_DAY - 30, 30)]
    found += [("bob", "candle-1", day, "purchase") for day in range(10, LAST_DAY - 30, 30)]
    found += [("anna", one, 380, "purchase") for one in ("dress-2", "bag-3")]
    found += [("anna", one, 396, "view") for one in ("shoe-2", "lamp-2", "dress-4")]
    found.append(("anna", "shoe-2", 396, "cart"))
    return found


def boutique() -> Dataset:
    """The events, and a catalogue with all that placements ask about."""
    dataset = make_shop(happened(), items=list(THINGS))
    things = [THINGS[one] for one in dataset.items.names(np.arange(len(dataset.items), dtype=np.int32))]
    ids = [one.id for one in things]
    price = np.array([one.price for one in things], np.float32)
    start = np.where(np.isin(ids, NEW), (LAST_DAY - 20) * DAY, 10 * DAY)
    catalog = replace(
        dataset.catalog,
        category=Attribute.of([KINDS[one.kind] for one in things]),
        price=price,
        old_price=np.where(np.isin(ids, CHEAPER), price * 1.25, np.nan).astype(np.float32),
        available_from=start.astype(np.int64),
        title=Texts.of([f"{one.kind} number {one.number}" for one in things]),
        tags=Labels.of([["even"] if one.number % 2 == 0 else [] for one in things]),
        attributes={
            "brand": Attribute.of([BRANDS[one.number % 3] for one in things]),
            "color": Attribute.of([COLORS[one.number % 2] for one in things]),
            "restocked": Attribute.of(["1971-02-02" if one in RESTOCKED else "" for one in ids]),
        },
    )
    return replace(dataset, catalog=catalog)


def opened(placements: Placements | None = None) -> Engine:
    """An engine that learned by the default recipe and stands under the standard placements."""
    chosen = placements or read_placements(MODELS / "placements" / "standard.toml")
    return Engine.of(fit(boutique(), read_recipe(MODELS / "recipes" / "default.toml"), chosen))
