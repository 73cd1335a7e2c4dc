"""A crowd of customers is what askers of their requests are, and lists of a crowd are those of requests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shops import make_shop, make_window
from vitrina.crowd import Crowd, Customers
from vitrina.dataset import DAY, Attribute
from vitrina.live import Live
from vitrina.request import Block, Request
from vitrina.seeds import query

NOW = 40 * DAY
ITEMS = [f"i{number}" for number in range(12)]
NAMES = [f"u{number}" for number in range(6)] + ["stranger"]
KINDS = ("history", "last_order", "none", "session", "context", "viewed", "carted")
SOURCES = {"all": range(12), "odd": range(1, 12, 2)}
PLACEMENTS = {
    "plain": {"sources": [{"strategy": "all"}], "rebuy": "never"},
    "fresh": {
        "sources": [{"strategy": "odd", "seeds": "last_order"}, {"strategy": "all", "weight": 0.1}],
        "soft": ["not_viewed"],
        "viewed": False,
        "rebuy": {"after_days": 10},
    },
    "short": {"sources": [{"strategy": "odd"}], "fallback": ["all"], "deny_items": ["i3"], "minimum": 9},
    "near": {"sources": [{"strategy": "all"}], "filter": {"untouched": ["view"]}},
}


def told(dataset, seed):
    """The same shop, which knows regions and the consent of its customers, and sets gifts aside."""
    chance, n = np.random.default_rng(seed), len(dataset.users)
    people = {
        "region": Attribute.of(chance.choice(["north", "south", ""], n)),
        "consent": Attribute.of(chance.choice(["email;site", "site", "none", ""], n)),
    }
    gift = chance.random(len(dataset.events)) < 0.2
    return replace(dataset, people=people, events=replace(dataset.events, gift=gift))


def shop(seed):
    """A shop of a few customers who bought, viewed and carted; all of somebody's on some days."""
    chance = np.random.default_rng(seed)
    types = ("purchase", "view", "cart")
    events = [
        (
            f"u{chance.integers(6)}",
            f"i{chance.integers(12)}",
            int(chance.integers(1, 30)),
            types[chance.integers(3)],
        )
        for _ in range(40)
    ]
    return sorted(events, key=lambda one: one[2])


@pytest.fixture(scope="module")
def engine():
    """One that mixes, bars, falls back, and asks what its asker did."""
    return make_window(told(make_shop(shop(3), items=ITEMS), 3), SOURCES, PLACEMENTS)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=9), st.integers(0, 10**6))
def test_columns_are_those_of_askers(names, seed):
    """Of any customers and strangers, in any order, again and again: every column, every kind of seeds."""
    engine = make_window(told(make_shop(shop(seed), items=ITEMS), seed), SOURCES, PLACEMENTS)
    customers = Customers(engine.askers, names, "email")
    askers = Crowd(engine.askers_of([Request((), user_id=one, channel="email") for one in names], Live(NOW)))
    for name in ("users", "regions", "ends", "visits", "session_at"):
        assert getattr(customers, name).tolist() == getattr(askers, name).tolist(), name
    assert [one.identity for one in customers] == [one.identity for one in askers]
    assert customers.take([0]).ends.tolist() == askers.take([0]).ends.tolist()
    for kind in KINDS:
        ours, theirs = query(customers, kind, NOW).seeds, query(askers, kind, NOW).seeds
        for column in ("indptr", "rows", "types", "times"):
            assert getattr(ours, column).tolist() == getattr(theirs, column).tolist(), (kind, column)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=9),
    st.lists(st.sampled_from(sorted(PLACEMENTS)), min_size=1, max_size=3),
    st.integers(1, 8),
)
def test_lists_are_those_of_requests(engine, names, placements, limit):
    """Items, scores and leading sources, on pages of one list or several; each as if alone."""
    page = Request(tuple(Block(one, limit=limit) for one in placements), channel="email", reasons=False)
    found = [[None] * len(placements) for _ in names]
    for place, members, lists in engine.lists(page, Customers(engine.askers, names, "email"), NOW):
        for at, one in enumerate(members):
            found[one][place] = lists.of(at)
    for name, lists in zip(names, found, strict=True):
        alone = Request(page.blocks, user_id=name, channel="email", reasons=False)
        expected = engine.recommend([alone], Live(NOW))[0].blocks
        assert [(one.item_ids, one.scores, one.leads) for one in lists] == [
            (block.items.item_ids, block.items.scores, block.items.leads) for block in expected
        ]
