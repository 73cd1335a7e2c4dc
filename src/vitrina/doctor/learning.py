"""What each strategy can learn of a shop's data."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vitrina.dataset import TYPES
from vitrina.doctor.facts import Facts
from vitrina.doctor.verdicts import EMPTY, NO_EVENTS, THIN, WORKS, Verdict, many
from vitrina.readers import Report

FEW_EVENTS = 1_000
FEW_LEARNERS = 25
FEW_PAIRS = 100
FEW_LOOKS = 100
RARE_REPEATS = 0.01

Judged = tuple[str, str]
"""A state, and why; '' where it works."""
FINE: Judged = (WORKS, "")


def strategies(facts: Facts, report: Report) -> tuple[Verdict, ...]:
    """What each strategy can learn."""
    return tuple(Verdict(name, *rule(facts, report)) for name, rule in _RULES.items())


def _together(facts: Facts, report: Report) -> Judged:
    """What goes with what, by who took both: item_knn, rp3beta, ease, als, graph_filter."""
    if not facts.events:
        return EMPTY, NO_EVENTS
    if not facts.learners:
        return EMPTY, f"{_no_two(facts)}: nothing goes with anything"
    if facts.learners < FEW_LEARNERS:
        who = many(facts.learners, "customer or visit", "customers or visits")
        return THIN, f"only {who} touched two items or more"
    return FINE if facts.events >= FEW_EVENTS else (THIN, f"only {_events(facts)} to learn from")


def _user_knn(facts: Facts, report: Report) -> Judged:
    if facts.users and facts.anonymous:
        return EMPTY, _nobody(facts)
    found = _together(facts, report)
    if found == FINE and facts.anonymous:
        return THIN, "events have no user_id: visits stand for customers"
    return found


def _bought_together(facts: Facts, report: Report) -> Judged:
    if not facts.types.get("purchase"):
        return EMPTY, _no_purchases(facts)
    if not facts.orders:
        return EMPTY, "purchases have no order_id, no session_id, and no user_id with a timestamp"
    if not facts.pairs:
        return EMPTY, "no order holds two different items"
    if facts.pairs < FEW_PAIRS:
        return THIN, f"only {many(facts.pairs, 'order holds', 'orders hold')} two items or more"
    if not report.has("events", "order_id"):
        basket = "a session" if report.has("events", "session_id") else "a customer's day"
        return THIN, f"there is no order_id: {basket} stands for an order"
    return FINE


def _buy_again(facts: Facts, report: Report) -> Judged:
    if not facts.types.get("purchase"):
        return EMPTY, _no_purchases(facts)
    if facts.anonymous:
        return EMPTY, _nobody(facts)
    if not facts.repeat_share:
        return EMPTY, "no customer ever bought the same item in two orders"
    if facts.repeat_share < RARE_REPEATS:
        few = f"only {facts.repeat_share:.2%} of purchases are repeats"
        return THIN, f"{few}: customers rarely come back for an item"
    if not report.has("events", "timestamp"):
        return THIN, "there is no timestamp: what is due cannot be told from what was bought yesterday"
    return FINE


def _look_again(facts: Facts, report: Report) -> Judged:
    looked = facts.types.get("view", 0) + facts.types.get("cart", 0)
    if facts.types.keys() == {"purchase"} and report.has("events", "session_id"):
        looked = 0 if report.has("events", "order_id") else facts.types["purchase"]
    if not looked:
        only = f"there are no views or carts, only {', '.join(facts.types)}"
        return EMPTY, only if facts.events else NO_EVENTS
    return FINE if looked >= FEW_LOOKS else (THIN, f"only {many(looked, 'view or cart', 'views and carts')}")


def _next_basket(facts: Facts, report: Report) -> Judged:
    """Habits and those of customers alike: what buy_again needs, and customers to be like."""
    state, why = _buy_again(facts, report)
    if state == EMPTY and facts.types.get("purchase") and not facts.anonymous and facts.learners:
        return THIN, f"{why}: only what customers alike took is left"
    return state, why


def _popular(facts: Facts, report: Report) -> Judged:
    if not facts.events:
        return EMPTY, NO_EVENTS
    if not report.has("events", "timestamp"):
        return THIN, "there is no timestamp: bestsellers of all time, no trends, no new arrivals"
    return FINE if facts.events >= FEW_EVENTS else (THIN, f"only {_events(facts)} to count")


def _session_knn(facts: Facts, report: Report) -> Judged:
    if not facts.events:
        return EMPTY, NO_EVENTS
    if not facts.learners:
        return EMPTY, f"{_no_two(facts)}: nothing follows anything"
    if not report.has("events", "session_id"):
        return THIN, _visit(report)
    return FINE


def _markov(facts: Facts, report: Report) -> Judged:
    """As session_knn, and the order of what happened in a visit."""
    found = _session_knn(facts, report)
    if found == FINE and not report.has("events", "timestamp"):
        return THIN, "there is no timestamp: the rows' order stands for what came first"
    return found


def _visit(report: Report) -> str:
    """What stands for a visit where there are no sessions."""
    timed, named = report.has("events", "timestamp"), report.has("events", "user_id")
    if report.has("events", "order_id"):
        day = ", or a customer's day," if timed and named else ""
        return f"there is no session_id: an order{day} stands for a visit"
    if timed:
        return "there is no session_id: a customer's day stands for a visit"
    return "there is no session_id, order_id or timestamp: all that a customer ever did is one visit"


def _content_similar(facts: Facts, report: Report) -> Judged:
    columns = _described(report)
    if not columns:
        return EMPTY, "items have no title, category, price or attribute to be alike in"
    return FINE if len(columns) > 1 else (THIN, f"items have nothing but {columns[0]} to be alike in")


def _transaction_similar(facts: Facts, report: Report) -> Judged:
    found = _bought_together(facts, report)
    if found[0] != EMPTY and not _shared(report):
        return EMPTY, "items have no category, price or attribute that baskets could share"
    return found


def _decision_tree(facts: Facts, report: Report) -> Judged:
    """Substitutes: by what shoppers hold to when they change, which shows in their next visit."""
    if not facts.events:
        return EMPTY, NO_EVENTS
    if not _shared(report):
        return EMPTY, "items have no category, price or attribute that a shopper could hold to"
    plain = "substitutes are the bestsellers of a category"
    if not facts.types.get("purchase"):
        return THIN, f"{_no_purchases(facts)}: {plain}"
    if facts.anonymous:
        return THIN, f"{_nobody(facts)}: {plain}"
    if facts.returners < FEW_LEARNERS:
        only = f"only {many(facts.returners, 'customer', 'customers')}" if facts.returners else "no customer"
        return THIN, f"{only} bought on two visits or more: {plain}"
    return FINE if facts.categorised else (THIN, "items have no category: all of them make one tree")


def _image_similar(facts: Facts, report: Report) -> Judged:
    if facts.with_vectors:
        why = f"{1 - facts.with_vectors:.0%} of the items have no photo"
        return FINE if facts.with_vectors > 0.9 else (THIN, why)
    if facts.pictured:
        named = f"{facts.pictured:.0%} of the items name a photo"
        return EMPTY, f"{named}, none has a vector yet: run 'vitrina embed'"
    return EMPTY, "there are no photos: items have no image"


def _described(report: Report) -> list[str]:
    """The columns of items that say what an item is."""
    attributes = {table.table: table.attributes for table in report.tables}.get("items", ())
    known = [name for name in ("title", "category", "price") if report.has("items", name)]
    return [*known, *attributes]


def _shared(report: Report) -> set[str]:
    """Those that several items may have in common."""
    return set(_described(report)) - {"title"}


def _events(facts: Facts) -> str:
    return many(facts.events, "event", "events")


def _no_two(facts: Facts) -> str:
    counted = ", by events that count" if facts.types.keys() - set(TYPES) else ""
    return f"no customer and no visit touched two items{counted}"


def _no_purchases(facts: Facts) -> str:
    return f"there are no purchases, only {', '.join(facts.types)}" if facts.events else NO_EVENTS


def _nobody(facts: Facts) -> str:
    return "there are no customers: events have no user_id" if facts.events else NO_EVENTS


_RULES: Mapping[str, Callable[[Facts, Report], Judged]] = {
    "item_knn": _together,
    "user_knn": _user_knn,
    **dict.fromkeys(("rp3beta", "ease", "als", "graph_filter"), _together),
    "bought_together": _bought_together,
    "buy_again": _buy_again,
    "look_again": _look_again,
    "next_basket": _next_basket,
    "popular": _popular,
    "session_knn": _session_knn,
    "markov": _markov,
    "image_similar": _image_similar,
    "content_similar": _content_similar,
    "transaction_similar": _transaction_similar,
    "decision_tree": _decision_tree,
}
