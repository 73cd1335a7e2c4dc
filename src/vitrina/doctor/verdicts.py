"""What will work with these data, what will not, and which column would change that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vitrina.doctor.facts import Facts
from vitrina.readers import Report

WORKS, THIN, EMPTY = "works", "thin", "empty"
FEW_EVENTS = 1_000
FEW_LEARNERS = 25
FEW_PAIRS = 100
RARE_REPEATS = 0.01
NO_EVENTS = "there are no events"


@dataclass(frozen=True)
class Verdict:
    """Whether something works, is thin, or is empty; `why` in one sentence, empty where it works."""

    name: str
    state: str
    why: str = ""


@dataclass(frozen=True)
class Missing:
    """A column that did not come, and what it would buy."""

    table: str
    column: str
    buys: str


_BUYS = (
    ("events", "user_id", "lists for each customer: home, discover, buy again, e-mail"),
    ("events", "timestamp", "recency, trends, new arrivals, 'due again', and an evaluation on later weeks"),
    ("events", "order_id", "baskets as they were bought, for the cart and after an order"),
    ("events", "session_id", "what anonymous visitors look at together, for the next step of a visit"),
    ("events", "event_type", "views and carts apart from purchases: intent, for visits and retargeting"),
    ("events", "quantity", "returns (a negative quantity) and how much is bought at a time"),
    ("events", "price", "what lists earn, in the evaluation"),
    ("items", "title", "names in explanations and on pages instead of ids"),
    ("items", "category", "category pages, 'stay in this category', denied categories"),
    ("items", "price", "price filters"),
    ("items", "brand", "brand filters"),
    ("items", "in_stock", "sold-out products are never shown"),
    ("items", "product_id", "sizes and colours of one product count as one, and are listed once"),
    ("items", "image", "similar by photo: the only list a product has before its first sale"),
    ("items", "available_from", "products that appear on their day, and new arrivals by it"),
    ("users", "region", "bestsellers of the customer's own region"),
)
_TABLES = {
    "events": "purchases and clicks: what sells, what goes together, lists for each customer",
    "items": "the catalogue: titles, category pages, filters by price and brand, stock, sizes, photos",
    "users": "what is known of customers, such as the region whose bestsellers they see",
}


def missing(report: Report) -> tuple[Missing, ...]:
    """The tables ('*') and columns that did not come, the most useful first."""
    attributes = {table.table: table.attributes for table in report.tables}
    tables = [Missing(table, "*", buys) for table, buys in _TABLES.items() if table not in attributes]
    columns = [
        Missing(table, column, buys)
        for table, column, buys in _BUYS
        if table in attributes and not report.has(table, column) and column not in attributes[table]
    ]
    return (*tables, *columns)


def strategies(facts: Facts, report: Report) -> tuple[Verdict, ...]:
    """What each strategy can learn."""
    return (
        _item_knn(facts),
        _user_knn(facts),
        _bought_together(facts, report),
        _buy_again(facts, report),
        _next_basket(facts, report),
        _popular(facts, report),
        *_sequences(facts, report),
        _image_similar(facts),
        _content_similar(facts, report),
        _transaction_similar(facts, report),
    )


def _item_knn(facts: Facts) -> Verdict:
    if not facts.events:
        return Verdict("item_knn", EMPTY, NO_EVENTS)
    if not facts.learners:
        return Verdict(
            "item_knn", EMPTY, "no customer and no visit touched two items: nothing goes with anything"
        )
    if facts.learners < FEW_LEARNERS or facts.events < FEW_EVENTS:
        why = f"only {facts.learners:,} customers or visits touched two items or more"
        return Verdict("item_knn", THIN, why)
    return Verdict("item_knn", WORKS)


def _user_knn(facts: Facts) -> Verdict:
    if facts.anonymous:
        return Verdict("user_knn", EMPTY, _nobody(facts))
    if not facts.learners:
        return Verdict("user_knn", EMPTY, "no customer touched two items")
    if facts.learners < FEW_LEARNERS:
        return Verdict("user_knn", THIN, f"only {facts.learners:,} customers touched two items or more")
    return Verdict("user_knn", WORKS)


def _bought_together(facts: Facts, report: Report) -> Verdict:
    name = "bought_together"
    if not facts.types.get("purchase"):
        return Verdict(name, EMPTY, _no_purchases(facts))
    if not facts.orders:
        return Verdict(
            name, EMPTY, "purchases have no order_id, no session_id, and no user_id with a timestamp"
        )
    if not facts.pairs:
        return Verdict(name, EMPTY, "no order holds two different items")
    if facts.pairs < FEW_PAIRS:
        return Verdict(name, THIN, f"only {facts.pairs:,} orders hold two items or more")
    if not report.has("events", "order_id"):
        return Verdict(name, THIN, f"there is no order_id: {_basket(report)} stands for an order")
    return Verdict(name, WORKS)


def _basket(report: Report) -> str:
    return "a session" if report.has("events", "session_id") else "a customer's day"


def _buy_again(facts: Facts, report: Report) -> Verdict:
    name = "buy_again"
    if not facts.types.get("purchase"):
        return Verdict(name, EMPTY, _no_purchases(facts))
    if facts.anonymous:
        return Verdict(name, EMPTY, _nobody(facts))
    if not facts.repeat_share:
        return Verdict(name, EMPTY, "no customer ever bought the same item in two orders")
    if facts.repeat_share < RARE_REPEATS:
        return Verdict(
            name,
            THIN,
            f"only {facts.repeat_share:.2%} of purchases are repeats: customers rarely come back for an item",
        )
    if not report.has("events", "timestamp"):
        return Verdict(
            name, THIN, "there is no timestamp: what is due cannot be told from what was bought yesterday"
        )
    return Verdict(name, WORKS)


def _next_basket(facts: Facts, report: Report) -> Verdict:
    """Habits and those of customers alike: what buy_again needs, and customers to be like."""
    habit = _buy_again(facts, report)
    if habit.state == EMPTY and facts.types.get("purchase") and not facts.anonymous and facts.learners:
        return Verdict("next_basket", THIN, f"{habit.why}: only what customers alike took is left")
    return Verdict("next_basket", habit.state, habit.why)


def _popular(facts: Facts, report: Report) -> Verdict:
    if not facts.events:
        return Verdict("popular", EMPTY, NO_EVENTS)
    if not report.has("events", "timestamp"):
        return Verdict(
            "popular", THIN, "there is no timestamp: bestsellers of all time, no trends, no new arrivals"
        )
    if facts.events < FEW_EVENTS:
        return Verdict("popular", THIN, f"only {facts.events:,} events to count")
    return Verdict("popular", WORKS)


def _sequences(facts: Facts, report: Report) -> tuple[Verdict, ...]:
    """session_knn and markov: both live on visits, and the second on their order too."""
    if not facts.events:
        return Verdict("session_knn", EMPTY, NO_EVENTS), Verdict("markov", EMPTY, NO_EVENTS)
    if not facts.learners:
        why = "no customer and no visit touched two items: nothing follows anything"
        return Verdict("session_knn", EMPTY, why), Verdict("markov", EMPTY, why)
    if not report.has("events", "session_id"):
        why = "there is no session_id: an order, or a customer's day, stands for a visit"
        return Verdict("session_knn", THIN, why), Verdict("markov", THIN, why)
    if not report.has("events", "timestamp"):
        why = "there is no timestamp: the rows' order stands for what came first"
        return Verdict("session_knn", WORKS), Verdict("markov", THIN, why)
    return Verdict("session_knn", WORKS), Verdict("markov", WORKS)


def _described(report: Report) -> list[str]:
    """The columns of items that say what an item is."""
    attributes = {table.table: table.attributes for table in report.tables}.get("items", ())
    known = [name for name in ("title", "category", "price") if report.has("items", name)]
    return [*known, *attributes]


def _content_similar(facts: Facts, report: Report) -> Verdict:
    name, columns = "content_similar", _described(report)
    if not columns:
        return Verdict(name, EMPTY, "items have no title, category, price or attribute to be alike in")
    if len(columns) < 2:
        return Verdict(name, THIN, f"items have nothing but {columns[0]} to be alike in")
    return Verdict(name, WORKS)


def _transaction_similar(facts: Facts, report: Report) -> Verdict:
    name = "transaction_similar"
    baskets = _bought_together(facts, report)
    if baskets.state == EMPTY:
        return Verdict(name, EMPTY, baskets.why)
    if not set(_described(report)) - {"title"}:
        return Verdict(name, EMPTY, "items have no category, price or attribute that baskets could share")
    return Verdict(name, baskets.state, baskets.why)


def _image_similar(facts: Facts) -> Verdict:
    name = "image_similar"
    if facts.with_vectors:
        why = f"{1 - facts.with_vectors:.0%} of the items have no photo"
        return Verdict(name, WORKS) if facts.with_vectors > 0.9 else Verdict(name, THIN, why)
    if facts.pictured:
        return Verdict(
            name,
            EMPTY,
            f"{facts.pictured:.0%} of the items name a photo, none has a vector yet: run 'vitrina embed'",
        )
    return Verdict(name, EMPTY, "there are no photos: items have no image")


def _no_purchases(facts: Facts) -> str:
    return f"there are no purchases, only {', '.join(facts.types)}" if facts.events else NO_EVENTS


def _nobody(facts: Facts) -> str:
    return "there are no customers: events have no user_id" if facts.events else NO_EVENTS


@dataclass(frozen=True)
class _Place:
    """What a placement is made of, as models/placements/standard.toml has it.

    `led`: its first source is the point of it. `customer`: it is one customer's own. `intent`: it
    follows what a visitor looks at. `category`: it is asked for with one.
    """

    sources: tuple[str, ...]
    led: bool = False
    customer: bool = False
    intent: bool = False
    category: bool = False


_PLACES: Mapping[str, _Place] = {
    "home": _Place(("next_basket", "buy_again", "item_knn", "user_knn"), customer=True),
    "discover": _Place(("item_knn", "user_knn"), customer=True),
    "product_similar": _Place(("item_knn", "image_similar", "content_similar")),
    "cart": _Place(("bought_together", "item_knn"), led=True),
    "session_next": _Place(("session_knn", "markov", "item_knn"), intent=True),
    "category": _Place(("item_knn", "buy_again", "popular"), category=True),
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
        return THIN, "events have no user_id: everybody gets the bestsellers"
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
