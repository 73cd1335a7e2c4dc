"""Made-up shops of any size, with the skew of real ones, drawn day by day in the memory of what comes out.

    python benchmarks/made.py --items 10000 --users 100000 --events 1000000     prints what is in it

Items lie in groups of some 200; groups, and items within one, are sold by Zipf (each rank's share falls as
1 / rank). A customer has four groups by taste and favourites in each, both hashed from who they are, so
that nothing of a customer is kept while others are drawn; some customers come thirty times as often as the
average one. A visit holds a geometric number of items; one in `PURCHASES` is an order, others are views.
Rows are scattered: neither items nor customers lie in the order of their weight.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrina.catalog import PATH, Attribute, Catalog, Labels
from vitrina.dataset import COLUMNS, DAY, PURCHASE, VIEW, Dataset, Events
from vitrina.ids import Ids, Texts
from vitrina.spill import Spill

DAYS, START = 365, 1_735_689_600
GROUP, TASTES, FAVOURITES = 200, 4, 3
PURCHASES, HABIT, STRAYING, VISIT = 0.4, 0.3, 0.1, 3.0
"""Shares of visits that are orders, of items that are favourites, of items of any group; items of a visit."""
AVERAGE = 0.03
"""Visits of an average customer beside those of the most frequent."""
SEED, SELECTIVE = 7, 1000
"""A tag `few` is on one product in so many."""


@dataclass(frozen=True)
class Size:
    """How much: products, customers, events (about so many)."""

    items: int
    users: int
    events: int


def shop(size: Size, seed: int = SEED) -> Dataset:
    """The whole shop: events oldest first, mapped from the disk, and its catalogue."""
    spill, visits = Spill(COLUMNS), 0
    for day in days(size, seed):
        n = len(day["item"])
        spill.add(
            {
                **day,
                "visit": day["visit"] + visits,
                "quantity": np.ones(n),
                "price": np.full(n, np.nan),
                "gift": np.zeros(n),
            }
        )
        visits += int(day["visit"][-1]) + 1
    events = Events(**spill.mapped())
    return Dataset(ids("u", size.users), ids("i", size.items), events, catalogue(size.items, seed))


def days(size: Size, seed: int = SEED) -> Iterator[dict[str, NDArray[Any]]]:
    """The events of each day, by column, in the order of their visits, which are numbered within the day."""
    chance = np.random.default_rng(seed)
    visits = size.events / VISIT / DAYS
    for day in range(DAYS):
        n = max(1, round(visits * (0.8 + 0.4 * day / DAYS)))  # the shop grows
        drawn = chance.random(n)
        frequent = drawn * (AVERAGE + (1 - AVERAGE) * drawn) * size.users
        own = np.minimum(frequent.astype(np.int64), size.users - 1)
        lengths = chance.geometric(1 / VISIT, n)
        at = np.repeat(np.arange(n), lengths)
        moments = START + day * DAY + np.sort(chance.integers(0, DAY, n))
        yield {
            "user": scattered(own, size.users)[at].astype(np.int32),
            "item": _items(own[at], size.items, chance),
            "visit": at.astype(np.int32),
            "time": moments[at],
            "type": np.where(chance.random(n) < PURCHASES, PURCHASE, VIEW)[at].astype(np.uint8),
        }


def _items(user: NDArray[np.int64], items: int, chance: np.random.Generator) -> NDArray[np.int32]:
    """What each event of these customers is about: a favourite, another of a group they like, or any."""
    n, groups = len(user), max(1, items // GROUP)
    taste = np.minimum(chance.geometric(0.5, n) - 1, TASTES - 1)
    liked = zipf(hashed(user, taste), groups)
    group = np.where(chance.random(n) < STRAYING, zipf(chance.random(n), groups), liked)
    mine = hashed(user, 100 + taste * FAVOURITES + chance.integers(0, FAVOURITES, n))
    within = zipf(np.where(chance.random(n) < HABIT, mine, chance.random(n)), min(GROUP, items))
    return scattered(np.minimum(group * GROUP + within, items - 1), items).astype(np.int32)


def zipf(drawn: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """int64: ranks from 0 to n - 1, each as likely as 1 / (rank + 1), from numbers between 0 and 1."""
    return np.minimum(np.exp(drawn * np.log(n + 1)).astype(np.int64) - 1, n - 1)


def hashed(who: NDArray[np.int64], which: NDArray[np.int64]) -> NDArray[np.float64]:
    """float64 from 0 to 1: always the same for the same pair (splitmix64)."""
    mixed = who.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + which.astype(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53


def scattered(rank: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """int64: rows instead of ranks, each its own, in no order."""
    step = next(one for one in (618_033_989, 141_421_357, 1) if np.gcd(one, n) == 1)
    return rank * step % n


def ids(letter: str, n: int) -> Ids:
    """Ids of a letter and digits, ascending."""
    width = len(str(max(0, n - 1)))
    letters = np.empty((n, width + 1), np.uint8)
    letters[:, 0] = ord(letter)
    for place in range(width):
        letters[:, width - place] = np.arange(n) // 10**place % 10 + ord("0")
    return Ids(letters.reshape(-1).view(f"S{width + 1}"))


def catalogue(items: int, seed: int = SEED) -> Catalog:
    """Categories by group, brands by Zipf, prices by group, some products in two variants, some not in stock."""
    chance = np.random.default_rng(seed + 1)
    group = np.empty(items, np.int64)
    group[scattered(np.arange(items), items)] = np.arange(items) // GROUP
    n_groups = int(group.max()) + 1
    paths = Ids.of(f"department {one % 20:02}{PATH}group {one:06}" for one in range(n_groups))
    code = paths.rows([f"department {one % 20:02}{PATH}group {one:06}" for one in range(n_groups)])
    brands = ids("b", max(20, items // 500))
    price = np.exp(3 + chance.normal(0, 0.8, n_groups)[group] + chance.normal(0, 0.4, items))
    words = np.where(chance.random(items) < 1 / SELECTIVE, 0, np.where(chance.random(items) < 0.05, 1, -1))
    return replace(
        Catalog.bare(items),
        category=Attribute(code[group], paths),
        price=price.astype(np.float32),
        product=np.where(chance.random(items) < 0.2, np.arange(items) // 2 * 2, np.arange(items)).astype(np.int32),
        margin=chance.beta(2, 5, items).astype(np.float32),
        in_stock=chance.random(items) < 0.92,
        title=Texts.of(f"Product {row}" for row in range(items)),
        tags=Labels(
            np.concatenate([[0], np.cumsum(words >= 0)]).astype(np.int64),
            words[words >= 0].astype(np.int32), Ids.of(["few", "house"]),
        ),
        attributes={"brand": Attribute(zipf(chance.random(items), len(brands)).astype(np.int32), brands)},
    )  # fmt: skip


def skew(dataset: Dataset) -> dict[str, Any]:
    """What a shop is like: how its events lie among items and customers."""
    events = dataset.events
    bought, came = np.bincount(events.item), np.bincount(events.user, minlength=len(dataset.users))
    bought = np.sort(bought)[::-1]
    return {
        "items": len(dataset.items),
        "users": len(dataset.users),
        "events": len(events),
        "purchases": int((events.type == PURCHASE).sum()),
        "baskets": len(np.unique(events.visit[events.type == PURCHASE])),
        "top_item_share": round(float(bought[0] / len(events)), 5),
        "share_of_top_1_percent": round(float(bought[: max(1, len(bought) // 100)].sum() / len(events)), 3),
        "median_history": int(np.median(came)),
        "longest_history": int(came.max()),
    }


def main() -> None:
    """One shop, described."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, usual in (("items", 10_000), ("users", 100_000), ("events", 1_000_000)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    asked = parser.parse_args()
    print(json.dumps(skew(shop(Size(asked.items, asked.users, asked.events))), indent=1))


if __name__ == "__main__":
    main()
