"""Which question each placement is asked when lists are judged, weighed and tuned.

That follows from what its sources start from: history is asked for what a customer takes next (or, where
nothing bought may return, takes for the first time), a page or a cart for what a basket lacks, a visit for
its next step. A placement that bears a question's name is asked that, and stands for all that would be asked
the same: their settings follow its own. `question` in a placement's table says otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from vitrina.placements import QUESTIONS, THEMSELVES, Placement, Placements
from vitrina.scoreboard import by_reason

NEEDS: Mapping[str, str] = {
    "home": "no known customer took anything in the days held out",
    "discover": "no known customer took anything new in the days held out",
    "cart": "no basket of two products began in the days held out",
    "session_next": "no visit of two steps in order began in the days held out",
}
"""What was missing, by question, where it could not be asked."""
SELDOM = "asked too seldom, more history is needed"
_OF_PEOPLE = frozenset(("history", "last_order", "viewed", "carted"))
_GIVEN: Mapping[str, frozenset[str]] = {
    "home": _OF_PEOPLE,
    "discover": _OF_PEOPLE,
    "cart": _OF_PEOPLE | {"context", "session"},
    "session_next": _OF_PEOPLE | {"session"},
}
"""By question, the seeds for which whoever is asked has something."""
_SUITED = {
    **dict.fromkeys(("history", "last_order", "none"), "home"),
    **dict.fromkeys(("session", "viewed", "carted"), "session_next"),
    "context": "cart",
}
"""By the seeds that weigh most in a placement, the question that suits it."""
_USUAL = {"cart": "context", "session_next": "session"}
_TO_SEED = ("same_as_seed", "unlike_seed", "price_to_seed")


@dataclass(frozen=True)
class Purpose:
    """`question`: the one of QUESTIONS that suits a placement, or ''. `why`: why it is not asked, '' where it
    is. `seeds`: what a source that the placement does not name starts from there."""

    question: str
    seeds: str
    why: str = ""


def purposes(placements: Placements) -> dict[str, Purpose]:
    """By name, what each placement is asked, or why it is not."""
    found = {name: purpose(one) for name, one in placements.by_name.items()}
    taken = {name for name, one in found.items() if name == one.question}
    for name, one in found.items():
        if one.question in taken - {name} and not placements.by_name[name].question:
            same = (
                f'{one.question} is asked the same for them; question = "{one.question}" has them asked too'
            )
            found[name] = Purpose(one.question, one.seeds, same)
    return found


def purpose(placement: Placement) -> Purpose:
    """What a placement would be asked if it were the only one."""
    seeds = _leading(placement)
    if placement.question:
        said = "" if placement.question == "none" else placement.question
        return Purpose(said, seeds, "" if said else 'question = "none" says so')
    name = placement.name
    if name in QUESTIONS and (seeds == "none" or _starts(placement) & _GIVEN[name]):
        return Purpose(name, _USUAL.get(name, "history"))
    if why := _unanswerable(placement):
        return Purpose("", seeds, why)
    question = _SUITED[seeds]
    fresh = question == "home" and placement.rebuy.policy == "never"
    return Purpose("discover" if fresh else question, seeds)


def unasked(placements: Placements, asked: Collection[str]) -> dict[str, str]:
    """Why each of these placements was not `asked`."""
    return {
        name: one.why if one.question in ("", *asked) else NEEDS[one.question]
        for name, one in sorted(purposes(placements).items())
        if name not in asked
    }


def unasked_words(placements: Placements, asked: Collection[str]) -> str:
    """The same in one line; of placements that were asked too seldom, that more history is needed."""
    seldom = dict.fromkeys([one for one in placements.names if one in asked], SELDOM)
    return by_reason(seldom | unasked(placements, asked))


def _starts(placement: Placement) -> set[str]:
    return {one.seeds for one in placement.sources}


def _leading(placement: Placement) -> str:
    """The seeds whose sources weigh most together; 'none' where no source starts from any."""
    weights: dict[str, float] = {}
    for one in placement.sources:
        if one.seeds != "none":
            weights[one.seeds] = weights.get(one.seeds, 0.0) + one.weight
    return max(weights, key=lambda seeds: weights[seeds], default="none")


def _unanswerable(placement: Placement) -> str:
    """Why what people took says nothing of these lists; '' where it does."""
    if not placement.sources:
        return "it names no source"
    if given := [one for one in ("candidates", "filter") if one in placement.needs]:
        return f"each request gives its {' and '.join(given)}, which no past event tells"
    if any(one.strategy == THEMSELVES for one in placement.sources):
        return "a reminder lists the very products that it starts from"
    if placement.filter.says(_TO_SEED):
        return "its filter holds to the product on the page, and what was taken beside that need not"
    return ""
