"""The data sets of the contest, read through the readers as a shop's own folder would be."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from machine import SHARED

from vitrina.dataset import Dataset
from vitrina.readers import complete_journey, read

RECIPES = Path(__file__).resolve().parents[2] / "models" / "recipes"
SEED, ASKERS = 7, 5000
Say = Callable[[str], None]


@dataclass(frozen=True)
class Shop:
    """Where a data set's tables lie, what its columns are called, and how many days are its test."""

    recipe: str
    files: Mapping[str, str]
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    days: int = 28


SHOPS = {
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
    "complete_journey": Shop("grocery", {}),
}


def load(shop: Shop, say: Say) -> Dataset:
    """Read a data set."""
    with tempfile.TemporaryDirectory() as folder:
        if not shop.files:
            complete_journey.write(Path(folder), say)
        for table, file in shop.files.items():
            (Path(folder) / f"{table}.parquet").symlink_to(SHARED / f"{file}.parquet")
        return read(Path(folder), aliases=shop.columns, say=say).dataset
