"""Sensitive categories: no reason speaks of them, and nothing sent away from the shop shows or follows from them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shops import make_shop, make_window
from vitrina.catalog import PATH
from vitrina.dataset import DAY, Attribute
from vitrina.errors import PlacementsError
from vitrina.fit import fit
from vitrina.live import Live
from vitrina.placements import parse_placements
from vitrina.recipe import parse_recipe
from vitrina.request import Block, Request, SessionEvent

ITEMS = [f"i{number}" for number in range(8)]
SECRET = {"i0", "i1"}
NOW = Live(30 * DAY)
HAPPENED = [
    *(("ann", item, day) for day, item in enumerate(("i0", "i2", "i3"))),
    *(("bob", item, day) for day, item in enumerate(("i0", "i1", "i4", "i5"))),
    *(("eve", item, day) for day, item in enumerate(("i2", "i3", "i6", "i7"))),
    *(("dan", item, day) for day, item in enumerate(("i0", "i4", "i2", "i6"))),
]
SOURCES = [{"strategy": name} for name in ("item_knn", "user_knn", "als", "buy_again", "bought_together")]


def shop(happened):
    """Eight items, of which i0 and i1 are of an intimate category."""
    dataset = make_shop(happened, items=ITEMS)
    paths = [f"Health{PATH}Intimate" if item in SECRET else "Food" for item in ITEMS]
    return replace(dataset, catalog=replace(dataset.catalog, category=Attribute.of(paths)))


@pytest.fixture(scope="module")
def engine():
    """Personal sources over a small shop; one placement that keeps quiet, one that is allowed to speak."""
    from vitrina.engine import Engine

    tables = {
        "quiet": {"sources": SOURCES, "rebuy": "always", "sensitive": ["Health > Intimate"]},
        "open": {"sources": SOURCES, "rebuy": "always"},
    }
    recipe = parse_recipe(
        {
            "strategies": {**{one["strategy"]: {} for one in SOURCES}, "popular": {}},
            "profile": {"one_offs": False},
        },
        "",
    )
    return Engine.of(fit(shop(HAPPENED), recipe, parse_placements(tables)))


def listed(engine, placement, user="ann", channel="site", **asked):
    """The items of one list."""
    request = Request((Block(placement),), user_id=user, channel=channel, locale="en", **asked)
    return list(engine.recommend([request], NOW)[0].blocks[0].items)


def test_without_the_key_it_is_talked_of(engine):
    """The premise: a placement that is allowed to lists it, starts from it and says so."""
    items = listed(engine, "open", channel="email")
    assert SECRET & {one.item_id for one in items}
    assert any("i0" in one.reason.seed_item_ids for one in items)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["ann", "bob", "eve", "dan", "stranger"]),
    st.sampled_from(["site", "app", "email", "push", "retargeting"]),
    st.lists(st.sampled_from(ITEMS), max_size=3),
    st.lists(st.sampled_from(ITEMS), max_size=2).map(tuple),
)
def test_no_reason_names_it_and_away_it_is_not_there(engine, user, channel, events, context):
    """Whoever asks with whatever in the cart: no reason names it; in letters and ads it is not listed either."""
    session = tuple(SessionEvent(one, "cart") for one in events)
    items = listed(engine, "quiet", user, channel, events=session, context_item_ids=context)
    for one in items:
        assert SECRET.isdisjoint(one.reason.seed_item_ids)
        assert one.reason.rule is None or SECRET.isdisjoint(one.reason.rule.antecedent_ids)
        if one.item_id in SECRET:
            assert one.reason.rule is None
            assert one.reason.sentence == "Chosen for you"
    if channel in ("email", "push", "retargeting"):
        assert SECRET.isdisjoint(one.item_id for one in items)


def test_a_letter_follows_from_nothing_sensitive(engine):
    """What a customer with a secret is sent is what a stranger is sent who did the rest of it in this visit."""
    mine = listed(engine, "quiet", "ann", "email")
    rest = tuple(
        SessionEvent(item, "purchase", time) for _, item, time in [("", "i2", DAY), ("", "i3", 2 * DAY)]
    )
    theirs = listed(engine, "quiet", "stranger", "email", events=rest)
    assert {one.item_id for one in mine} == {one.item_id for one in theirs}
    quiet, loud = listed(engine, "quiet", "bob", "email"), listed(engine, "open", "bob", "email")
    assert [one.item_id for one in quiet] != [one.item_id for one in loud if one.item_id not in SECRET]


def test_fate_says_why_it_is_not_in_a_letter():
    """Explained to the shop's people: the category is denied there, and not on the site."""
    engine = make_window(
        shop(HAPPENED),
        {"all": range(8)},
        {"p": {"sources": [{"strategy": "all"}], "sensitive": ["Health"], "rebuy": "always"}},
    )
    request = Request((Block("p"),), channel="email")
    _, (found,) = engine.explain(request, ["i0"], NOW)
    assert found.rules == ("category denied: Health",)
    assert engine.explain(replace(request, channel="app"), ["i0"], NOW)[1][0].place == 1


def test_the_key_is_a_list_of_paths():
    """Anything else is refused by its name."""
    with pytest.raises(PlacementsError, match="sensitive must be a list"):
        parse_placements({"p": {"sources": [], "sensitive": "Health"}})
