"""What works, is thin or is empty, and why; what that makes of each placement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vitrina.doctor.facts import Facts

WORKS, THIN, EMPTY = "works", "thin", "empty"
NO_EVENTS = "there are no events"


def many(number: int, one: str, more: str) -> str:
    """So many of something, with its name for one and for more: '1 order holds', '2,000 orders hold'."""
    return f"{number:,} {one if number == 1 else more}"


@dataclass(frozen=True)
class Verdict:
    """Whether something works, is thin, or is empty; `why` in one sentence, empty where it works."""

    name: str
    state: str
    why: str = ""


@dataclass(frozen=True)
class _Place:
    """The first of what a placement is made of, as models/placements/standard.toml has it.

    `led`: its first source is the point of it. `customer`: it is one customer's own. `intent`: it
    follows what a visitor looks at. `category`: it is asked for with one.
    """

    sources: tuple[str, ...]
    led: bool = False
    customer: bool = False
    intent: bool = False
    category: bool = False


_PLACES: Mapping[str, _Place] = {
    "home": _Place(
        ("next_basket", "buy_again", "look_again", "item_knn", "user_knn", "rp3beta", "ease"), customer=True
    ),
    "discover": _Place(("item_knn", "user_knn", "rp3beta", "ease"), customer=True),
    "product_similar": _Place(("item_knn", "image_similar", "content_similar")),
    "cart": _Place(("bought_together", "item_knn"), led=True),
    "session_next": _Place(("session_knn", "look_again", "markov", "item_knn"), intent=True),
    "category": _Place(("item_knn", "buy_again", "look_again", "popular"), category=True),
    "post_purchase": _Place(("bought_together", "item_knn"), led=True, customer=True),
    "email_digest": _Place(("item_knn", "user_knn"), customer=True),
    "retargeting": _Place(("item_knn", "image_similar", "content_similar"), intent=True),
}


def placements(facts: Facts, learned: tuple[Verdict, ...]) -> tuple[Verdict, ...]:
    """What will stand in each placement, given what the strategies can learn."""
    by_name = {one.name: one for one in learned}
    return tuple(
        Verdict(name, *_placement(place, facts, [by_name[one] for one in place.sources]))
        for name, place in _PLACES.items()
    )


def _placement(place: _Place, facts: Facts, sources: list[Verdict]) -> tuple[str, str]:
    """(state, why) of one placement."""
    first, alive = sources[0], [one for one in sources if one.state != EMPTY]
    if place.category and not facts.categorised:
        return EMPTY, "items have no category: a category page admits none of them"
    if not facts.events and not alive:
        return EMPTY, f"{NO_EVENTS}: the list would be in no order"
    if place.customer and facts.anonymous:
        return THIN, "events have no user_id: everybody gets the bestsellers until they do something"
    if not alive:
        return THIN, f"bestsellers only: {first.why}"
    if place.intent and facts.types.keys() <= {"purchase", "return"}:
        return THIN, "learns from purchases only: there are no views or carts among the events"
    if place.led and first.state != WORKS:
        return THIN, f"{first.name} is {first.state}: {first.why}"
    if not any(one.state == WORKS for one in alive):
        return THIN, f"{alive[0].name} is {alive[0].state}: {alive[0].why}"
    without = [one.name for one in sources if one.state == EMPTY]
    return WORKS, f"without {' and '.join(without)}" if without else ""
