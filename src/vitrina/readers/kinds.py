"""Event types: the shop's words, and what they mean here."""

from __future__ import annotations

from vitrina.dataset import TYPES
from vitrina.errors import DataError
from vitrina.readers.columns import plain, snake
from vitrina.readers.scan import Db, answer

MOST = 16
"""Types of a shop's own; more, and the column holds something else."""

_WORDS = {
    "purchase": "purchase buy bought order ordered transaction sale sold checkout purchased conversion",
    "view": "view click pageview page_view detail detail_view product_view item_view view_item viewed pv",
    "cart": "cart add_to_cart basket add_to_basket added_to_cart cart_add",
    "remove": "remove remove_from_cart removed_from_cart cart_remove remove_from_basket",
    "return": "return refund cancel returned refunded cancelled canceled cancellation chargeback",
}
_MEANING = {plain(word): kind for kind, words in _WORDS.items() for word in words.split()}


def meaning(said: str) -> str:
    """The event type a shop's word stands for; a word that is not known stays a type of its own."""
    return _MEANING.get(plain(said)) or snake(said) or said


def define_kinds(db: Db) -> tuple[tuple[str, ...], list[str]]:
    """Make the table `kinds` (said, kind, code) from raw events.

    Returns all event types of the shop, the known ones first, and notes for the report. Raises
    DataError where the column does not hold event types.
    """
    said = [
        one
        for (one,) in db.execute(
            "SELECT DISTINCT event_type FROM raw_events WHERE event_type IS NOT NULL ORDER BY 1 LIMIT 1001"
        ).fetchall()
    ]
    own = sorted({meaning(one) for one in said} - set(TYPES))
    if len(own) > MOST:
        raise DataError(
            f"event_type has {len(own):,}{' or more' if len(said) > 1000 else ''} unknown values, such as "
            f"{own[0]!r} and {own[1]!r}; at most {MOST} types of your own are read: leave the column out, or "
            "name the right one in the recipe, under [columns.events]"
        )
    db.execute("CREATE TABLE kinds (said VARCHAR, kind VARCHAR)")
    if said:
        db.executemany("INSERT INTO kinds VALUES (?, ?)", [(one, meaning(one)) for one in said])
    bare, typed = answer(db, "SELECT count(*) - count(event_type), count(event_type) FROM raw_events")
    notes = [f"{bare:,} rows have no event_type and were taken as purchases"] if bare and typed else []
    return (*TYPES, *own), [*_told(said, own), *notes]


def _told(said: list[str], own: list[str]) -> list[str]:
    read = [f"{one!r} as {meaning(one)}" for one in said if meaning(one) not in {one, *own}]
    notes = [f"event types: {', '.join(read)}"] if read else []
    if own:
        notes.append(
            f"event types of your own: {', '.join(own)}; "
            "they weigh nothing until the recipe gives them a weight"
        )
    return notes
