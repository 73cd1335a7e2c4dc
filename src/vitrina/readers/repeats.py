"""Rows that came more than once: of events in two files, of a catalogue in several lines an item."""

# ruff: noqa: S608 - names in queries are ours; what a shop wrote goes through `scan.literal`.
from __future__ import annotations

from collections.abc import Sequence

from vitrina.readers.checks import replaced
from vitrina.readers.columns import CONTRACT, plain
from vitrina.readers.report import Doubt, Rejected
from vitrina.readers.rows import Staged
from vitrina.readers.scan import Db, answer, literal

MANY = 0.001
"""Share of a file's rows that are in another too, from which on it is no chance."""
LOOKED_AT = 5_000_000
"""Rows that are compared; of more a part is, the same in all files."""
_SHOWN = 3
OFTEN = 0.5
"""Share of a catalogue's rows that a later one replaces from which on it is no catalogue."""
_PROPERTIES, _VALUES = ("property", "attribute", "attributename", "feature", "key"), ("value", "val")

_TWICE = """
WITH told AS (SELECT file, hash({columns}) AS said FROM raw_events WHERE hash({columns}) % {nth} = 0),
firsts AS (SELECT said, min(file) AS first FROM told GROUP BY said HAVING min(file) < max(file)),
sizes AS (SELECT file, count(*) AS rows FROM told GROUP BY file)
SELECT first, file, count(*) AS again FROM told JOIN firsts USING (said) JOIN sizes USING (file)
WHERE file > first GROUP BY first, file, rows HAVING count(*) > {many} * rows ORDER BY again DESC, file, first
"""

# Whole are orders of which every row is in an earlier file; of others that share a number some rows may be.
_ORDERS = """
WITH told AS (SELECT file, order_id, hash({columns}) AS said FROM raw_events
    WHERE order_id IS NOT NULL AND hash(order_id) % {nth} = 0),
seen AS (SELECT file, order_id, min(file) OVER (PARTITION BY order_id) AS begun,
        min(file) OVER (PARTITION BY said) AS source FROM told),
orders AS (SELECT file, begun, coalesce(max(source) FILTER (source < file), begun) AS first,
        bool_and(source < file) AS whole, bool_or(source < file) AS part
    FROM seen GROUP BY file, order_id, begun),
sizes AS (SELECT file, count(*) AS size FROM orders GROUP BY file)
SELECT first, file, count(*) FILTER (whole) AS again, count(*) FROM orders JOIN sizes USING (file)
WHERE file > begun GROUP BY first, file, size HAVING count(*) FILTER (part) > {many} * size
ORDER BY again DESC, file, first
"""
# Days begin at one time of day in UTC, in most places at two.
_FINE = """
SELECT count(DISTINCT instant(timestamp, true) % 86400000000) > 2
FROM (SELECT timestamp FROM raw_events WHERE timestamp IS NOT NULL LIMIT 10000)
"""


def in_two_files(db: Db, events: Staged) -> list[Doubt]:
    """What to say of raw events that are in two files, alike in every column that is read: of whole orders,
    and without them of rows. Where days are all that is known rows may well be alike, and what has an
    event_id counts once."""
    if len(events.scans) < 2 or events.has("event_id"):
        return []
    nth = max(1, events.rows // LOOKED_AT)
    asked = {"columns": ", ".join(CONTRACT["events"]), "nth": nth, "many": MANY}
    if events.has("order_id"):
        pairs = db.execute(_ORDERS.format(**asked)).fetchall()
        anew = [(first, file) for first, file, whole, shared in pairs if 2 * whole <= shared]
        again = [(first, file, whole) for first, file, whole, shared in pairs if 2 * whole > shared]
        return [*_twice(events, again, "orders", nth), *_anew(events, anew)]
    if not events.has("timestamp") or not (events.has("clock") or answer(db, _FINE)[0]):
        return []
    return _twice(events, db.execute(_TWICE.format(**asked)).fetchall(), "rows", nth)


def _twice(events: Staged, found: Sequence[tuple[int, int, int]], what: str, nth: int) -> list[Doubt]:
    """The doubt on what is in a first and in a second file, so many times.

    `nth`: one of how many was looked at."""
    about = "about " if nth > 1 else ""
    pairs = [
        f"{about}{again * nth:,} {what} of {events.scans[second].file} are also in {events.scans[first].file}"
        for first, second, again in found
    ]
    if not pairs:
        return []
    more = f", and so on for {len(pairs) - _SHOWN:,} more" if len(pairs) > _SHOWN else ""
    return [
        Doubt(
            f"{'; '.join(pairs[:_SHOWN])}{more}, alike in every column that is read, and count twice: take "
            "one of each out, or give rows an event_id"
        )
    ]


def _anew(events: Staged, found: Sequence[tuple[int, int]]) -> list[Doubt]:
    """The doubt on numbers of orders that are others in a second file."""
    if not found:
        return []
    first, second = (events.scans[one].file for one in found[0])
    return [
        Doubt(
            f"{first} and {second} have orders of the same {events.columns['order_id']!r}, and few are "
            "alike: its numbers seem to begin anew, and two orders become one; put the name of the "
            "shop, or what tells the files apart, before them"
        )
    ]


def replaced_often(db: Db, one: Staged, rejected: Sequence[Rejected]) -> list[Doubt]:
    """What to say of checked items or users of which most rows say the same id as a later one of their
    file: another file may be of another month."""
    again = sum(some.rows for some in rejected if some.reason == replaced(one.table))
    if not again or again < OFTEN * one.rows or _within(db, one.table) < OFTEN * one.rows:
        return []
    names = [name for found in one.scans for name in found.names]
    told = [next((name for name in names if plain(name) in known), "") for known in (_PROPERTIES, _VALUES)]
    advice = f"write one row for each, or is {one.columns[one.table[:-1] + '_id']!r} not its id?"
    if all(told):
        advice = (
            f"{told[0]!r} and {told[1]!r} are a row for each property: write one row for each of "
            f"{one.table}, with a column for each property that counts and its latest value"
        )
    return [
        Doubt(
            f"{again / one.rows:.0%} of the rows of {one.table}.* were left out, as a later one has the same "
            f"id: {advice}"
        )
    ]


def _within(db: Db, table: str) -> int:
    """How many checked rows of items or users have an id that another row of their file has."""
    query = f"SELECT count(*) - count(DISTINCT (file, {table[:-1]}_id)) FROM {table} WHERE "
    return int(answer(db, f"{query} reason IS NULL OR reason = {literal(replaced(table))}")[0])
