"""Grounds: what a sentence says of a reason is what the asker did and what the figures are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shops import make_shop, make_window
from vitrina.dataset import DAY
from vitrina.grounds import Grounds
from vitrina.live import Live
from vitrina.request import Block, Request, SessionEvent
from vitrina.wording import Ground

ITEMS = [f"i{number}" for number in range(6)]
RULE = np.array([0.1, 0.34, 2.0])
NO_RULE = np.zeros(3)
FITTED = {
    "knn": {"is": "item_knn", "params": {}},
    "baskets": {"is": "bought_together", "params": {}},
    "habit": {"is": "buy_again", "params": {}},
    "looks": {"is": "image_similar", "params": {}},
    "people": {"is": "user_knn", "params": {}},
    "best": {"is": "popular", "params": {}},
    "rising": {"is": "popular", "params": {"by": "velocity"}},
    "new": {"is": "popular", "params": {"by": "newness"}},
}
BOUGHT = [("ann", "i0", day) for day in (10, 38, 66)]


@pytest.fixture(scope="module")
def engine():
    """ann bought i0 every four weeks, and i1 once, and looked at i2; titles are ids."""
    happened = [*BOUGHT, ("ann", "i1", 60), ("ann", "i2", 67, "view"), ("bob", "i3", 5)]
    return make_window(
        make_shop(happened, items=ITEMS), {"all": range(6)}, {"p": {"sources": [{"strategy": "all"}]}}
    )


def ground(engine, lead, row, seeds=(), figures=NO_RULE, *, day=67, **asked):
    """Why a row is listed to ann on a day."""
    request = Request((Block("p"),), user_id="ann", **asked)
    asker = engine.askers.of(request, day * DAY)
    grounds = Grounds.of(engine.catalog, engine.due_days, FITTED)
    return grounds.ground(asker, day * DAY, lead, row, np.array(seeds, np.int32), figures)


@pytest.mark.parametrize(
    ("lead", "seed", "kind"),
    [
        ("knn", 0, "bought"),
        ("knn", 2, "viewed"),
        ("looks", 0, "looks"),
        ("baskets", 0, "goes"),
        ("people", 0, "people"),
    ],
)
def test_a_sentence_says_what_the_asker_did(engine, lead, seed, kind):
    """Bought is never said of what was only looked at; strategies with words of their own use them."""
    assert ground(engine, lead, 4, (seed,)).kind == kind


def test_the_cart_and_the_page_are_what_they_are(engine):
    """What lies in the cart is said to; what only stands on the page was not 'looked at' by the customer."""
    assert ground(engine, "knn", 4, (3,), events=(SessionEvent("i3", "cart"),)).kind == "cart"
    assert ground(engine, "knn", 4, (3,), context_item_ids=("i3",)).kind == "seen"


def test_a_product_that_is_its_own_reason_says_what_was_done_with_it(engine):
    """It lies in the cart until it leaves it; a look is a look, also after a purchase; the page says nothing."""
    assert ground(engine, "knn", 2, (2,)).kind == "looked"
    assert ground(engine, "knn", 1, (1,)).kind == "again"
    cart, look, out = (SessionEvent("i3", one) for one in ("cart", "view", "remove"))
    assert ground(engine, "knn", 3, (3,), events=(cart, look)).kind == "waiting"
    assert ground(engine, "knn", 3, (3,), events=(cart, look, out)).kind == "looked"
    assert ground(engine, "knn", 1, (1,), events=(SessionEvent("i1", "view"),)).kind == "looked"
    assert ground(engine, "knn", 3, (3,), context_item_ids=("i3",)).kind == "chosen"
    old = replace(cart, time=(67 - 30) * DAY)
    assert ground(engine, "knn", 3, (3,), events=(old,)).kind == "looked"


def test_a_rule_says_its_confidence(engine):
    """The share of a sentence is the rule's."""
    assert ground(engine, "baskets", 4, (0,), RULE).share == 0.34
    assert ground(engine, "baskets", 4, (0,), RULE).kind == "rule"


@pytest.mark.parametrize(("day", "kind"), [(70, "habit"), (94, "due"), (120, "due"), (200, "habit")])
def test_due_is_said_only_when_it_is(engine, day, kind):
    """A rhythm of four weeks is due from the fourth week on, and no more once it was clearly given up."""
    assert ground(engine, "habit", 0, (0,), day=day) == Ground(kind, days=28.0)


def test_one_purchase_is_no_rhythm(engine):
    """Then it was bought before, and nothing more is said."""
    assert ground(engine, "habit", 1, (1,)).kind == "again"


@pytest.mark.parametrize(
    ("lead", "kind"), [("best", "popular"), ("rising", "rising"), ("new", "new"), ("none", "chosen")]
)
def test_what_starts_from_nothing_claims_nothing_of_the_asker(engine, lead, kind):
    """Bestsellers are everybody's, and a source that is not known says as little as it can."""
    assert ground(engine, lead, 4).kind == kind


def test_a_product_is_not_its_own_reason(engine):
    """'Because you bought it' of itself names no title."""
    assert ground(engine, "knn", 0, (0,)).titles == ()


def test_answers_carry_sentences_where_asked_in_the_asked_language(engine):
    """No locale, no sentence; a batch of several languages answers each in its own."""
    asked = [Request((Block("p"),), user_id="ann", locale=locale) for locale in ("", "en", "pl", "xx")]
    answers = engine.recommend(asked, Live(67 * DAY))
    said = [{one.reason.sentence for one in answer.blocks[0].items} for answer in answers]
    assert said[0] == {""}
    assert said[1] == said[3] == {"Based on what you bought", "You have bought it before"}
    assert said[2].isdisjoint(said[1])
    assert "" not in said[2]
    alone = engine.recommend([asked[2]], Live(67 * DAY))[0]
    assert alone == answers[2]


def test_titles_come_from_the_catalogue(engine):
    """A seed is called by its title, and one without a title is not named at all."""
    grounds = Grounds.of(engine.catalog, engine.due_days, FITTED)
    asker = engine.askers.of(Request((Block("p"),), user_id="ann"), 67 * DAY)
    seeds = np.array([[0, -1]], np.int32)
    (said,) = grounds.sentences("en", asker, 67 * DAY, ["knn"], np.array([4], np.int32), seeds, NO_RULE[None])
    assert said == (
        f"Because you bought {engine.catalog.title[0]}"
        if engine.catalog.title[0]
        else "Based on what you bought"
    )
