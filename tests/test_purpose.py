"""Purposes: a placement is asked what suits the seeds of its sources, and says so where it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from vitrina.errors import PlacementsError
from vitrina.placements import QUESTIONS, parse_placements, read_placements
from vitrina.purpose import Purpose, purposes, unasked, unasked_words

READY = Path(__file__).parents[1] / "models" / "placements"


def made(**tables):
    """Placements of these tables; a word stands for one source that starts from such seeds."""
    whole = {
        name: one if isinstance(one, dict) else {"sources": [{"strategy": "a", "seeds": one}]}
        for name, one in tables.items()
    }
    return parse_placements(whole)


def question(table):
    """What a placement of another name is asked."""
    return purposes(made(mine=table))["mine"].question


@pytest.mark.parametrize(
    ("seeds", "asked"),
    [
        *(("history", "home"), ("last_order", "home"), ("none", "home"), ("context", "cart")),
        *(("session", "session_next"), ("viewed", "session_next"), ("carted", "session_next")),
    ],
)
def test_seeds_tell_the_question(seeds, asked):
    """Whatever a placement is called."""
    assert purposes(made(mine=seeds))["mine"] == Purpose(asked, seeds)


def test_the_heaviest_seeds_tell():
    """Of several kinds those that weigh most together; bestsellers beside them tell nothing."""
    sources = [
        {"strategy": "a", "seeds": "history", "weight": 1.0},
        {"strategy": "b", "seeds": "context", "weight": 0.6},
        {"strategy": "c", "seeds": "context", "weight": 0.6},
        {"strategy": "d", "seeds": "none", "weight": 9.0},
    ]
    assert question({"sources": sources}) == "cart"


def test_what_may_not_return_is_asked_about_discoveries():
    """History where nothing bought may be listed: only what is new to a customer can be foretold."""
    sources = [{"strategy": "a"}]
    assert question({"sources": sources, "rebuy": "never"}) == "discover"
    assert question({"sources": sources, "rebuy": "as_shop"}) == "home"


@pytest.mark.parametrize("file", sorted(READY.glob("*.toml")), ids=lambda one: one.stem)
def test_ready_placements_are_asked_as_ever(file):
    """The four that bear a question's name, whatever they start from, and those alone: figures of shops that
    use them are what they were."""
    ready = read_placements(file)
    asked = {name: one.question for name, one in purposes(ready).items() if not one.why}
    assert asked == {name: name for name in QUESTIONS}
    assert all(one.why for name, one in purposes(ready).items() if name not in QUESTIONS)
    seeds = {name: purposes(ready)[name].seeds for name in QUESTIONS}
    assert seeds == {"home": "history", "discover": "history", "cart": "context", "session_next": "session"}


def test_a_name_alone_does_not_tell():
    """A home list that starts from the page is asked what a basket lacks: of a customer it knows nothing."""
    assert purposes(made(home="context"))["home"].question == "cart"
    assert purposes(made(session_next="history"))["session_next"].question == "session_next"


def test_a_table_may_say_otherwise():
    """`question` has a placement asked beside the one that stands for it, as another, or not at all."""
    table = {"sources": [{"strategy": "a"}]}
    tables = made(home="history", letter=table, other={**table, "question": "home"})
    found = purposes(tables)
    assert (found["other"].question, found["other"].why) == ("home", "")
    assert "home is asked the same" in found["letter"].why
    assert question({**table, "question": "cart"}) == "cart"
    assert purposes(made(home={**table, "question": "none"}))["home"].why
    with pytest.raises(PlacementsError, match="question"):
        made(home={**table, "question": "hom"})


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"needs": ["candidates"]}, "candidates"),
        ({"needs": ["filter"]}, "filter"),
        ({"filter": {"same_as_seed": ["category"]}}, "product on the page"),
        ({"filter": {"none": [{"price_to_seed": {"below": 1.0}}]}}, "product on the page"),
        ({"sources": [{"strategy": "seeds", "seeds": "viewed"}]}, "very products"),
        ({"sources": []}, "no source"),
    ],
)
def test_what_cannot_be_asked_says_why(table, why):
    """No past event answers for these lists, and the reason is the true one."""
    found = purposes(made(mine={"sources": [{"strategy": "a", "seeds": "context"}], **table}))["mine"]
    assert not found.question
    assert why in found.why


def test_a_reason_is_said_once():
    """However many placements cannot be asked, each reason stands once, after all their names."""
    tables = made(
        home="history", letter="history", advert="history", page="context", rack={"needs": ["filter"]}
    )
    said = unasked_words(tables, ())
    assert said.startswith(
        "advert, home, letter: no known customer took anything in the days held out; page: "
    )
    assert "page: no basket of two products" in said
    assert "rack: it names no source" in said
    assert unasked(tables, ("home",)).keys() == {"advert", "letter", "page", "rack"}
    assert "advert, letter: home is asked the same" in unasked_words(tables, ("home",))
    assert "home: asked too seldom" in unasked_words(tables, ("home",))
