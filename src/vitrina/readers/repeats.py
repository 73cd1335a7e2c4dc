"""Rows that came more than once: of events in two files, of a catalogue in several lines an item."""

from __future__ import annotations

from collections.abc import Sequence

from vitrina.readers.checks import replaced
from vitrina.readers.columns import CONTRACT, plain
from vitrina.readers.report import Doubt, Rejected
from vitrina.readers.rows import Staged
from vitrina.readers.scan import Db

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


def in_two_files(db: Db, events: Staged) -> list[Doubt]:
    """What to say of raw events that are in two files, alike in every column that is read. Without times and
    orders that is no wonder, and what has an event_id counts once."""
    told = events.has("timestamp") or events.has("order_id")
    if len(events.scans) < 2 or not told or events.has("event_id"):
        return []
    nth = max(1, events.rows // LOOKED_AT)
    found = db.execute(_TWICE.format(columns=", ".join(CONTRACT["events"]), nth=nth, many=MANY)).fetchall()
    pairs = [
        f"{'about ' if nth > 1 else ''}{again * nth:,} rows of {events.scans[second].file} are also in "
        f"{events.scans[first].file}"
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


def replaced_often(one: Staged, rejected: Sequence[Rejected]) -> list[Doubt]:
    """What to say of items or users of which most rows say the same id as a later one."""
    again = sum(some.rows for some in rejected if some.reason == replaced(one.table))
    if not again or again < OFTEN * one.rows:
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
