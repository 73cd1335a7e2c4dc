"""Shops to serve: trained once, kept under benchmarks/.cache until the code that trains them changes.

    complete_journey   2,467 households of a grocer, hundreds of purchases each; the grocery recipe
    amazon_toys        19,412 customers of a toy shop, a few purchases each; the default recipe
    yoochoose          anonymous visits, their clicks alone; the default recipe
    dozen              20,000 customers of a dozen events, fifty at most, 50,000 products, made up; the default recipe
    small              600 customers that are made up, to try a benchmark out; measures nothing

Their bundles keep every source of the placements as written; which of them a list mixes is said by
`lists.toml`. Home as written mixes seven; a weighed shop drops those that do not help, and is faster.
The toys carry no times; their order stands for days.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
from machine import shared
from numpy.typing import NDArray
from serving import dozen

from vitrina.engine import Engine
from vitrina.readers import complete_journey
from vitrina.recipe import read_recipe
from vitrina.registry import Registry
from vitrina.request import Block, Request, SessionEvent
from vitrina.train import read_shop, train
from vitrina.v1 import recommendation_service_pb2 as v1

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "benchmarks" / ".cache"
LISTS = Path(__file__).with_name("lists.toml")
"""The placements that are asked for: those of every shop, and lists of its own."""
RECIPES = {
    "complete_journey": "grocery",
    "amazon_toys": "default",
    "yoochoose": "default",
    "dozen": "default",
    "small": "default",
}
SEED = 7
_DIGITS = 12
Rows = NDArray[np.int32]

_TOYS = """
COPY (SELECT user AS user_id, item AS item_id, to_timestamp(1400000000 + 86400 * pos) AS timestamp
      FROM read_parquet('{sequences}')) TO '{data}/events.parquet' (FORMAT parquet)
"""

_SMALL = """
SELECT setseed(0.5);
COPY (SELECT format('u{{:03}}', u) AS user_id, format('i{{:03}}', CAST(pow(random(), 3) * 199 AS INT)) AS item_id,
      to_timestamp(1400000000 + 86400 * n + u) AS timestamp FROM range(600) a(u), range(30) b(n))
    TO '{data}/events.parquet' (FORMAT parquet);
COPY (SELECT format('i{{:03}}', i) AS item_id, format('Thing {{}}', i) AS title, 5 + i % 7 AS price,
      format('Shelf {{}} > Tray {{}}', i % 5, i % 20) AS category FROM range(200) a(i))
    TO '{data}/items.parquet' (FORMAT parquet);
"""


def registry(shop: str) -> Registry:
    """The shop's registry with its bundle; trained in a process of its own where there is none yet."""
    folder = CACHE / f"{shop}-{_key(shop)}"
    if not (folder / "CURRENT").is_file():
        print(f"training {shop}, once", file=sys.stderr, flush=True)
        for old in CACHE.glob(f"{shop}-{'?' * _DIGITS}"):
            shutil.rmtree(old)
        command = [sys.executable, "-m", "serving.shops", shop, str(folder)]
        subprocess.run(command, check=True, stdout=sys.stderr, cwd=ROOT / "benchmarks")
    return Registry(folder)


def opened(shop: str) -> Engine:
    """An engine over the shop's bundle that answers for LISTS."""
    return Engine.open(registry(shop).path(), LISTS)


def requests(
    engine: Engine, n: int, *, clicks: int = 0, limit: int = 20, placement: str = "home"
) -> list[Request]:
    """`n` lists in a seeded order: each customer in turn, and then, where there are fewer, the same
    customers again; each with that many random clicks in the visit, so that no two requests are equal."""
    rng = np.random.default_rng(SEED)
    users = np.concatenate([rng.permutation(engine.n_users) for _ in range(-(-n // engine.n_users))])[:n]
    names = engine.askers.users.names(users.astype(np.int32))
    clicked = engine.items.names(rng.integers(0, engine.n_items, n * clicks).astype(np.int32))
    return [
        Request(
            blocks=(Block(placement, limit=limit),),
            user_id=name,
            events=tuple(SessionEvent(one) for one in clicked[place * clicks : (place + 1) * clicks]),
        )
        for place, name in enumerate(names)
    ]


def messages(asked: list[Request]) -> Iterator[bytes]:
    """The same requests as bytes of the wire."""
    for one in asked:
        message = v1.RecommendRequest(
            user_id=one.user_id,
            channel="CHANNEL_SITE",
            blocks=[{"placement": block.placement, "limit": block.limit} for block in one.blocks],
            events=[{"item_id": event.item_id, "type": event.type} for event in one.events],
            context_item_ids=one.context_item_ids,
        )
        yield bytes(message.SerializeToString())


def lengths(engine: Engine) -> NDArray[np.int64]:
    """How many events each customer's history holds."""
    spans = (engine.askers.history.span(user) for user in range(engine.n_users))
    return np.array([one.stop - one.start for one in spans], np.int64)


def main() -> None:
    """Train one shop into a registry."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shop", choices=RECIPES)
    parser.add_argument("registry", type=Path)
    told = parser.parse_args()
    data = CACHE / f"{told.shop}-data"
    _write(told.shop, data)
    recipe = read_recipe(_recipe(told.shop))
    recipe = replace(recipe, evaluation=replace(recipe.evaluation, weigh=False))
    dataset = read_shop(data, recipe, print).dataset
    train(dataset, recipe, Registry(told.registry), print, judge=False)


def _write(shop: str, data: Path) -> None:
    data.mkdir(parents=True, exist_ok=True)
    (CACHE / ".gitignore").write_text("*\n")
    if shop == "complete_journey":
        complete_journey.write(data, print)
        return
    if shop == "yoochoose":
        shutil.copyfile(shared("yoochoose_clicks_100k/clicks.parquet"), data / "events.parquet")
        return
    if shop == "dozen":
        dozen.write(data)
        return
    if shop == "small":
        duckdb.execute(_SMALL.format(data=data))
        return
    sequences = shared("amazon_toys_5core/sequences.parquet")
    duckdb.execute(_TOYS.format(sequences=sequences, data=data))


def _recipe(shop: str) -> Path:
    return ROOT / "models" / "recipes" / f"{RECIPES[shop]}.toml"


def _key(shop: str) -> str:
    """A hash of what decides what a bundle holds: recipe, placements, strategies, kernels, the format."""
    source = ROOT / "src" / "vitrina"
    files = [_recipe(shop), *(ROOT / "models" / "placements").glob("*.toml"), source / "fit.py"]
    files += [file for name in ("strategies", "kernels", "bundle") for file in (source / name).glob("*.py")]
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:_DIGITS]


if __name__ == "__main__":
    main()
