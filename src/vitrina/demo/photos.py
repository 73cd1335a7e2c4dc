"""Photos for a shop that has none: drawn pack-shots of its best sellers, their vectors, their like."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.text import Text

from vitrina import evaluate, similar
from vitrina.dataset import PURCHASE, Dataset
from vitrina.engine import Engine
from vitrina.ids import Rows
from vitrina.images import embed, packshots, sheet, vectors
from vitrina.images.cache import replace
from vitrina.images.sources import open_source
from vitrina.registry import Registry

MANY = 2000
SHOTS = "packshots"
_ROWS, _K = 8, 7


def photographed(dataset: Dataset, folder: Path, say: evaluate.Say) -> Dataset:
    """The dataset with vectors of its best sellers' pack-shots, drawn and encoded unless they are there.

    Shots lie in `folder`/packshots, vectors in `folder`/data, where training finds them.
    """
    rows = best_sellers(dataset, MANY)
    shots = folder / SHOTS
    shots.mkdir(parents=True, exist_ok=True)
    say(f"the data have no photos: simple pack-shots stand in for the {len(rows):,} best-selling products")
    drawn = lru_cache(maxsize=None)(packshots.draw)
    for row, item_id in zip(rows.tolist(), dataset.items.names(rows), strict=True):
        if not (shot := shots / f"{item_id}.png").is_file():
            replace(shot, drawn(*_words(dataset, row)))
    say(str(embed.embed(shots, folder / "data", say=say)))
    return vectors.attach(dataset, folder / "data", say)


def best_sellers(dataset: Dataset, many: int) -> Rows:
    """int32: the products on most receipts, best first."""
    bought = np.bincount(dataset.events.item[dataset.events.type == PURCHASE], minlength=len(dataset.items))
    return np.argsort(-bought, kind="stable")[: min(many, int((bought > 0).sum()))].astype(np.int32)


def look_alikes(dataset: Dataset, folder: Path, console: Console) -> None:
    """A contact sheet of some best sellers beside what looks like them, and the first row in words."""
    engine = Engine.open(Registry(folder / "registry").path())
    ids = dataset.items.names(_various(dataset, _ROWS))
    rows = list(similar.by_items(engine, "image_similar", ids, _K))
    out = folder / "look-alikes.png"
    sheet.draw(rows, sheet.photos_of(open_source(folder / SHOTS)), out)
    console.rule("Look-alikes by picture (drawn pack-shots: the data have no photos)")
    for row in rows[:3]:
        titles = ", ".join(_title(engine, item_id) for item_id, _ in row.found[:4])
        console.print(Text(f"  {_title(engine, row.query)}: {titles}"))
    console.print(Text(f"  contact sheet: {out}"))


def _various(dataset: Dataset, many: int) -> Rows:
    """Best sellers of different categories."""
    rows = best_sellers(dataset, MANY)
    _, first = np.unique(dataset.catalog.category.codes[rows], return_index=True)
    return rows[np.sort(first)[:many]]


def _title(engine: Engine, item_id: str) -> str:
    product = engine.product(item_id)
    return product.title if product else item_id


def _words(dataset: Dataset, row: int) -> tuple[str, str, str]:
    """What a pack-shot shows: title, category path, brand. Products that share them share their shot."""
    brand = dataset.catalog.attributes.get("brand")
    return dataset.catalog.title[row], dataset.catalog.category.text(row), brand.text(row) if brand else ""
