"""Decision trees: is a planted one found, is noise left alone, and does a real shop's stand still?

    python benchmarks/decision_tree.py      prints tables, writes results/decision_tree.json

Planted: 100 made-up categories a row. Each has 3 to 5 attributes of 2 to 5 values dealt out among 100
to 300 items (Complete Journey: 230 a category), or 60 to 120, of uneven fame; shoppers hold to 2 or 3 of them in a planted order, to each only if to the
one before. A tree is recovered if its splits, from the root down by the branch with most switches, are
the planted ones in their order, no more and no fewer. Apart: every value of the first attribute is
followed by an attribute of its own, so that no branch may be judged by the others. Noise: the same with nothing held to, so that
any split is false; and with shoppers who have a few favourites each, whatever their attributes.
Real: Complete Journey, households drawn anew with replacement; and with an attribute of dealt-out values.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from machine import RESULTS, machine, write
from numpy.typing import NDArray

from vitrina.dataset import DAY, Attribute, Catalog, Dataset, Events
from vitrina.ids import UNKNOWN, Ids
from vitrina.kernels.sparse import group
from vitrina.readers import complete_journey, read
from vitrina.strategies.decision_tree import Strategy
from vitrina.trees import Forest, Tree, known

CATEGORIES = 100
USUAL, SMALL = (100, 300), (60, 120)
SETTINGS = (
    *((size, shelf, False) for shelf in (USUAL, SMALL) for size in (1000, 2000, 4000)),
    *((size, USUAL, True) for size in (2000, 4000, 8000)),
)
"""Switches, items, and whether branches differ."""
VISITS = 9
RESAMPLES, LARGEST = 8, 100


def main() -> None:
    """Made-up categories, then the real ones."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", choices=("planted", "real"), help="One half; the other stays as it was written."
    )
    only = parser.parse_args().only
    file = RESULTS / "decision_tree.json"
    result: dict[str, Any] = json.loads(file.read_text()) if only and file.exists() else {}
    result["machine"] = machine()
    if only != "real":
        result |= {"planted": planted(), "noise": noise()}
    if only != "planted":
        result["complete_journey"] = real()
    print(f"\nwritten to {write('decision_tree', result)}")


class Made(NamedTuple):
    """A made-up category, and what is held to in it, most first, by the value of the first attribute."""

    shop: Dataset
    orders: dict[str, list[str]]


def category(
    seed: int,
    switches: int,
    shelf: tuple[int, int] = USUAL,
    *,
    held: bool = True,
    favourites: int = 0,
    apart: bool = False,
) -> Made:
    """Shoppers of one category who go over to another item about so many times together. `apart`: what they
    hold to after the first attribute follows from its value."""
    random = np.random.default_rng(seed)
    n, sorts = int(random.integers(shelf[0], shelf[1] + 1)), int(random.integers(3, 6))
    codes = np.stack([random.permutation(np.arange(n) % random.integers(2, 6)) for _ in range(sorts)])
    fame = random.permutation(1 / np.arange(1, n + 1) ** 0.7)
    lot = random.permutation(sorts)
    depth = int(random.integers(2, 4)) if held else 0
    holds = random.uniform(0.5, 0.8, depth)
    orders = [[lot[0], *np.roll(lot[1:], value * apart)][:depth] for value in range(codes[lot[0]].max() + 1)]
    shoppers = switches // (VISITS - 1)
    own = [
        random.choice(n, favourites, replace=False) if favourites else np.arange(n) for _ in range(shoppers)
    ]
    user, item = [], []
    for shopper, items in enumerate(own):
        now = int(random.choice(items, p=fame[items] / fame[items].sum()))
        for _ in range(VISITS):
            user.append(shopper)
            item.append(now)
            now = _next(now, items, codes[orders[codes[lot[0], now]]], holds, fame, random)
    names = [f"attribute {one}" for one in range(sorts)]
    attributes = dict(zip(names, [Attribute.of([f"v{one}" for one in row]) for row in codes], strict=True))
    shop = _shop(np.array(user), np.array(item), replace(Catalog.bare(n), attributes=attributes))
    return Made(shop, {f"v{value}": [names[at] for at in one] for value, one in enumerate(orders)})


def _next(now: int, items: Any, held: Any, holds: Any, fame: Any, random: np.random.Generator) -> int:
    """Another item: of the same values as far as the shopper holds on, else by fame."""
    depth = int(np.argmin([*(random.random(len(holds)) < holds), False]))
    alike = items[(held[:depth, items] == held[:depth, now : now + 1]).all(axis=0) & (items != now)]
    alike = alike if len(alike) else items[items != now]
    return int(random.choice(alike, p=fame[alike] / fame[alike].sum()))


def _shop(user: NDArray[Any], item: NDArray[Any], catalog: Catalog) -> Dataset:
    n, day = len(user), np.arange(len(user)) % VISITS
    order = np.argsort(day, kind="stable")
    events = Events(
        user=user[order].astype(np.int32),
        item=item[order].astype(np.int32),
        visit=np.arange(n, dtype=np.int32),
        time=day[order] * DAY,
        type=np.zeros(n, np.uint8),
        quantity=np.ones(n, np.float32),
        price=np.full(n, np.nan, np.float32),
    )
    ids = [Ids.of(f"{one:05d}" for one in range(count)) for count in (user.max() + 1, len(catalog))]
    return Dataset(ids[0], ids[1], events, catalog)


def found(made: Made) -> tuple[list[str], list[str]]:
    """The splits down the main path, and those planted there."""
    tree = Tree.of(Strategy().grown(made.shop), "*")
    branch = max(tree.root.children, key=lambda one: one.switches, default=tree.root)
    return _main_path(tree), made.orders.get(branch.value, made.orders["v0"])


def _main_path(tree: Tree) -> list[str]:
    """The attributes from the root down, always by the child within which most was switched."""
    path, branch = [], tree.root
    while branch.split:
        path.append(branch.split)
        branch = max(branch.children, key=lambda one: one.switches)
    return path


def planted() -> dict[str, Any]:
    """The share of planted orders recovered, by the number of switches."""
    print(f"{'':40} {'recovered':>10} {'first split':>12} {'too short':>10} {'too long':>9}")
    table: dict[str, Any] = {}
    for size, shelf, apart in SETTINGS:
        pairs = [found(category(seed, size, shelf, apart=apart)) for seed in range(CATEGORIES)]
        name = f"{size} switches, {shelf[0]} to {shelf[1]} items" + ", apart" * apart
        table[name] = row = {
            "categories": CATEGORIES,
            "recovered": _share([got == order for got, order in pairs]),
            "first_split": _share([got[:1] == order[:1] for got, order in pairs]),
            "too_short": _share([got == order[: len(got)] and len(got) < len(order) for got, order in pairs]),
            "too_long": _share(
                [got[: len(order)] == order and len(got) > len(order) for got, order in pairs]
            ),
        }
        print(
            f"{name:40} {row['recovered']:10.2f} {row['first_split']:12.2f} {row['too_short']:10.2f}"
            f" {row['too_long']:9.2f}",
            flush=True,
        )
    return table


def noise() -> dict[str, Any]:
    """The share of categories left without a tree where there is nothing to find."""
    table: dict[str, Any] = {}
    for favourites in (0, 5):
        for size in (500, 4000):
            empty = [
                not found(category(1000 + seed, size, held=False, favourites=favourites))[0]
                for seed in range(CATEGORIES)
            ]
            name = f"{size} switches, " + (f"{favourites} favourites each" if favourites else "at random")
            table[name] = _share(empty)
            print(f"noise: {name}: no tree in {table[name]:.0%} of {CATEGORIES}", flush=True)
    return table


def real() -> dict[str, Any]:
    """Complete Journey: what is split, how steadily, and whether dealt-out values are ever held to."""
    with tempfile.TemporaryDirectory() as folder:
        complete_journey.write(Path(folder), lambda line: None)
        shop = read(Path(folder), say=lambda line: None).dataset
    started = time.process_time()
    forest = Strategy().grown(shop)
    seconds = time.process_time() - started
    names = known(forest)[:LARGEST]
    first = {name: Tree.of(forest, name) for name in names}
    table = {
        "events": len(shop.events),
        "items": len(shop.items),
        "grown_cpu_s": round(seconds, 1),
        "categories": len(forest.categories),
        "of_enough_switches": int((forest.switches[forest.roots] >= Strategy().min_switches).sum()),
        "split": int((forest.splits[forest.roots] >= 0).sum()),
        "first_splits": _first_splits(forest),
        **_stability(shop, first),
        **_dealt_out(shop),
    }
    print("\n".join(f"{name}: {value}" for name, value in table.items()))
    return table


def _first_splits(forest: Forest) -> dict[str, int]:
    counts = np.bincount(forest.splits[forest.roots] + 1, minlength=len(forest.names()) + 1)
    return dict(zip(["none", *forest.names()], counts.tolist(), strict=True))


def _stability(shop: Dataset, first: dict[str, Tree]) -> dict[str, Any]:
    """How often a resample of households agrees with all of them, over the largest categories."""
    agreed: dict[str, list[list[float]]] = {name: [] for name in first}
    for seed in range(RESAMPLES):
        forest = Strategy().grown(_resampled(shop, seed))
        for name, tree in first.items():
            agreed[name].append(_agreement(tree, Tree.of(forest, name)))
    means = np.array([np.mean(one, axis=0) for one in agreed.values()])
    able = np.array([bool(tree.root.split) for tree in first.values()])
    return {
        "largest": len(first),
        "largest_split": int(able.sum()),
        "resamples": RESAMPLES,
        "same_first_split": round(float(means[able, 0].mean()), 3),
        "same_first_split_in_9_of_10": int((means[able, 0] >= 0.9).sum()),
        "still_no_split": round(float(means[~able, 0].mean()), 3) if (~able).any() else None,
        "same_main_path": round(float(means[able, 1].mean()), 3),
        "same_first_two": round(float(means[able, 2].mean()), 3),
        "relax_order_kendall": round(float(means[able, 3].mean()), 3),
    }


def _agreement(one: Tree, other: Tree) -> list[float]:
    return [
        float(one.root.split == other.root.split),
        float(_main_path(one) == _main_path(other)),
        float(_main_path(one)[:2] == _main_path(other)[:2]),
        _kendall(one.relax_order(), other.relax_order()),
    ]


def _kendall(one: Sequence[str], other: Sequence[str]) -> float:
    """Rank correlation over what both orders have, from -1 to 1."""
    both = [name for name in one if name in other]
    places = [other.index(name) for name in both]
    signs = [np.sign(places[b] - places[a]) for a in range(len(both)) for b in range(a + 1, len(both))]
    return float(np.mean(signs)) if signs else 1.0


def _resampled(shop: Dataset, seed: int) -> Dataset:
    """As many households drawn with replacement; one drawn twice is two that did the same."""
    n, events = len(shop.users), shop.events
    drawn = np.random.default_rng(seed).integers(0, n, n)
    indptr, order = group(events.user, n)
    at = np.concatenate([order[indptr[one] : indptr[one + 1]] for one in drawn])
    user = np.repeat(np.arange(n, dtype=np.int32), np.diff(indptr)[drawn])
    _, visit = np.unique(
        user.astype(np.int64) * (events.visit.max() + 1) + events.visit[at], return_inverse=True
    )
    copied = replace(events.take(at), user=user, visit=visit.astype(np.int32))
    return replace(shop, events=copied.take(np.argsort(copied.time, kind="stable")))


def _dealt_out(shop: Dataset) -> dict[str, Any]:
    """Roots and nodes that split by an attribute that means nothing: five values dealt out at random."""
    values = np.random.default_rng(7).integers(0, 5, len(shop.items))
    meaningless = Attribute.of([f"v{one}" for one in values])
    attributes = {**shop.catalog.attributes, "meaningless": meaningless}
    forest = Strategy().grown(replace(shop, catalog=replace(shop.catalog, attributes=attributes)))
    place = forest.names().index("meaningless")
    alone = Strategy().grown(
        replace(shop, catalog=replace(_bare(shop), attributes={"meaningless": meaningless}))
    )
    return {
        "splits": int((forest.splits != UNKNOWN).sum()),
        "splits_by_what_is_meaningless": int((forest.splits == place).sum()),
        "roots_split_where_nothing_else_is_known": int((alone.splits[alone.roots] == 0).sum()),
    }


def _bare(shop: Dataset) -> Catalog:
    """The catalogue without prices, and without what stands below a category."""
    level = Strategy().level
    paths = shop.catalog.category
    cut = [
        "\x1f".join(one.split("\x1f")[:level])
        for one in paths.values.names(np.arange(len(paths.values), dtype=np.int32))
    ]
    told = Attribute.of([*cut, ""])
    return replace(
        shop.catalog,
        category=Attribute(told.codes[paths.codes], told.values),
        price=np.full(len(shop.items), np.nan, np.float32),
    )


def _share(hits: Sequence[bool]) -> float:
    return round(float(np.mean(hits)), 3)


if __name__ == "__main__":
    main()
