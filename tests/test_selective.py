"""Filters that admit one product in a thousand: lists as long as they can be, and as good as brute force."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from vitrina.catalog import Catalog, Labels
from vitrina.dataset import PURCHASE, Dataset, Events
from vitrina.engine import Engine
from vitrina.filters import Filter
from vitrina.fit import fit
from vitrina.ids import UNKNOWN, Ids
from vitrina.live import Live
from vitrina.placements import parse_placements
from vitrina.recipe import parse_recipe
from vitrina.request import Block, Request

ITEMS, USERS, TASTES, LIMIT, TAGS = 20_000, 6_000, 100, 12, 40
HOME = {"home": {"sources": [{"strategy": "item_knn"}], "fallback": ["popular"], "rebuy": "never"}}


@pytest.fixture(scope="module")
def shop() -> tuple[Dataset, dict[str, set[str]]]:
    """Customers of four tastes each, a third of whose purchases is held out; each tag is on 1 item in 1,000."""
    random = np.random.default_rng(7)
    taste = random.integers(0, TASTES, ITEMS)
    pull = random.pareto(1.0, ITEMS) + 1
    members = [np.flatnonzero(taste == one) for one in range(TASTES)]
    bought = [
        (
            user,
            random.choice(members[one], 12, replace=False, p=pull[members[one]] / pull[members[one]].sum()),
        )
        for user in range(USERS)
        for one in random.choice(TASTES, 4, replace=False)
    ]
    user = np.repeat([one for one, _ in bought], 12).astype(np.int32)
    item = np.concatenate([some for _, some in bought]).astype(np.int32)
    out = random.random(len(user)) < 1 / 3
    users = Ids.of(f"u{number:04d}" for number in range(USERS))
    items = Ids.of(f"i{number:05d}" for number in range(ITEMS))
    shuffled = random.permutation(ITEMS)
    tags: list[list[str]] = [[] for _ in range(ITEMS)]
    for place, row in enumerate(shuffled[: TAGS * ITEMS // 1000].tolist()):
        tags[row] = [f"t{place % TAGS}"]
    n = int((~out).sum())
    events = Events(
        user=user[~out], item=item[~out], visit=np.full(n, UNKNOWN, np.int32), time=np.arange(n, dtype=np.int64),
        type=np.full(n, PURCHASE, np.uint8), quantity=np.ones(n, np.float32), price=np.full(n, np.nan, np.float32),
    )  # fmt: skip
    wanted: dict[str, set[str]] = {}
    for who, what in zip(users.names(user[out]), items.names(item[out]), strict=True):
        wanted.setdefault(who, set()).add(what)
    return Dataset(users, items, events, replace(Catalog.bare(ITEMS), tags=Labels.of(tags))), wanted


def opened(dataset: Dataset, **params: Any) -> Engine:
    """An engine of one learned source over the bestsellers."""
    recipe = parse_recipe({"strategies": {"item_knn": params, "popular": {}}}, "")
    return Engine.of(fit(dataset, recipe, parse_placements(HOME)))


def gain(got: list[str], wanted: set[str]) -> float:
    """NDCG of a list."""
    dcg = sum(1 / np.log2(2 + place) for place, one in enumerate(got) if one in wanted)
    return float(dcg / sum(1 / np.log2(2 + place) for place in range(min(LIMIT, len(wanted)))))


def test_one_in_a_thousand_is_as_good_and_as_long_as_brute_force(shop: Any) -> None:
    """Against lists of every neighbour there is, scored for every product that the filter admits: NDCG is
    within 5 %, no list is shorter, and no place is left to the bestsellers that brute force could fill."""
    dataset, wanted = shop
    ours, brute = opened(dataset), opened(dataset, neighbours=ITEMS)
    tagged = {
        f"t{tag}": set(
            dataset.items.names(np.flatnonzero(dataset.catalog.tags.having([f"t{tag}"])).astype(np.int32))
        )
        for tag in range(TAGS)
    }
    assert all(len(one) * 1000 == ITEMS for one in tagged.values())
    asked = [(user, tag) for user in sorted(wanted)[:1500] for tag in tagged if wanted[user] & tagged[tag]]
    requests = [
        Request((Block("home", LIMIT, Filter(tags=(tag,))),), user_id=user, reasons=False)
        for user, tag in asked
    ]
    gains, led = {}, {}
    for name, engine in (("ours", ours), ("brute", brute)):
        lists = [one.blocks[0].items for one in engine.recommend(requests, Live(dataset.end))]
        assert all(len(one) == LIMIT for one in lists)
        gains[name] = [
            gain([item.item_id for item in one], wanted[user] & tagged[tag])
            for one, (user, tag) in zip(lists, asked, strict=True)
        ]
        led[name] = [sum("item_knn" in item.sources for item in one) for one in lists]
    assert len(asked) > 300
    assert np.mean(gains["ours"]) >= 0.95 * np.mean(gains["brute"])
    assert (np.array(led["ours"]) >= np.array(led["brute"])).all()
