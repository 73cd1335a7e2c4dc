"""A column that counts what each customer did or ordered, or what was done in each visit: 0, 1, 2 and on,
without times.

Sequences are published so, and baskets. Where the count has holes something was taken out, as of interaction
sets split by lot, and where it begins anew it is a place on a page: neither says what came next.
"""

# ruff: noqa: S608 - names in queries are ours.
from __future__ import annotations

from dataclasses import replace

from vitrina.readers.columns import SINCE, plain
from vitrina.readers.rows import Staged
from vitrina.readers.scan import Db, answer

MOST = 0.99
"""Share of customers and visits that must be counted whole, and of times since a visit began that must be
numbers: some rows are rejected."""

_ACTOR = """coalesce('s' || session_id || coalesce('/' || user_id, ''),
    'o' || order_id || coalesce('/' || user_id, ''), 'u' || user_id, 'v' || visitor_id, '')"""
_AT_ONCE = f"{_ACTOR} || '/' || coalesce(us, 0)"
_UNBROKEN = "count(*) = count(DISTINCT place) AND coalesce(count(*) - 1 = max(place) - min(place), false)"
_ROWS = f"""
SELECT coalesce(avg(CAST(whole AS INTEGER)), 0) FROM (
    SELECT {_UNBROKEN} AS whole
    FROM (SELECT {_ACTOR} AS actor, number(position) AS place FROM events WHERE reason IS NULL)
    GROUP BY actor)
"""
_ORDERS = f"""
SELECT coalesce(avg(CAST(whole AS INTEGER)) FILTER (many > 1), 0) FROM (
    SELECT count(*) AS many, {_UNBROKEN} AND bool_and(single) AND ({{begins}}) AS whole
    FROM (SELECT user_id, number(min({{column}})) AS place,
            coalesce(min({{column}}) = max({{column}}), false) AS single
        FROM events WHERE reason IS NULL AND user_id IS NOT NULL GROUP BY user_id, order_id)
    GROUP BY user_id)
"""
_CLICKS = f"""
SELECT coalesce(avg(CAST(whole AS INTEGER)) FILTER (many > 1), 0) FROM (
    SELECT count(*) AS many, {_UNBROKEN} AND min(place) <= 1 AS whole
    FROM (SELECT session_id, number(order_id) AS place FROM events
        WHERE reason IS NULL AND session_id IS NOT NULL)
    GROUP BY session_id)
"""
_VISITS = """
SELECT count(*) FROM events
WHERE reason IS NULL AND user_id IS NOT NULL AND coalesce(session_id, order_id) IS NOT NULL
"""
_SINCE = """
SELECT coalesce(avg(CAST(coalesce(number(position) >= 0, false) AS INTEGER)), 0) FROM events
WHERE reason IS NULL AND position IS NOT NULL
"""
# Each takes the places of its own rows in turn, so that who did what before whom stays as it was.
_IN_ORDER = """
CREATE OR REPLACE TABLE events AS
WITH told AS (
    SELECT {actor} AS actor, number({column}) AS place, file * (1::BIGINT << 40) + row AS stood FROM events),
turns AS (
    SELECT actor, stood, row_number() OVER (PARTITION BY actor ORDER BY place, stood) AS turn FROM told),
stands AS (
    SELECT actor, stood AS stand, row_number() OVER (PARTITION BY actor ORDER BY stood) AS turn FROM told),
moved AS (SELECT stood, stand FROM turns JOIN stands USING (actor, turn))
SELECT events.* REPLACE (0 AS file, stand AS row)
FROM events JOIN moved ON file * (1::BIGINT << 40) + row = stood
"""


def as_clicks(db: Db, staged: Staged, notes: list[str]) -> Staged:
    """The table as it is told where numbers of orders count each session's rows: those are its clicks."""
    if not (staged.has("session_id") and staged.has("order_id")) or answer(db, _CLICKS)[0] < MOST:
        return staged
    columns = dict(staged.columns)
    name = columns.pop("order_id")
    db.execute("UPDATE events SET position = coalesce(position, order_id), order_id = NULL")
    notes.append(f"{name!r} counts the rows of each session, and tells no orders")
    return replace(staged, columns={"position": name, **columns})


def put_in_order(db: Db, staged: Staged, notes: list[str]) -> bool:
    """Put the rows of `events` in the order that `position` or the numbers of orders count, where they do and
    there are no times; whether that says what each customer did after what. Says into `notes` what was made
    of it."""
    name = staged.columns.get("position", "")
    since = plain(name) in SINCE
    if since and staged.has("session_id") and answer(db, _SINCE)[0] >= MOST:
        db.execute(_IN_ORDER.format(actor=_AT_ONCE, column="position"))
        notes.append(f"the order of what a visit did at one moment, or on one day, is what {name!r} says")
    elif since:
        notes.append(f"{name!r} is not used: it is no time since a session began")
    name = "" if since else name
    if staged.has("timestamp"):
        notes += [f"{name!r} is not used: timestamps tell the order"] if name else []
        return False
    if _orders(db, staged, notes):
        return True
    if name and _rows(db, name, notes):
        return not answer(db, _VISITS)[0]
    notes.append("no timestamp: the order of the rows is taken as the order of time")
    return False


def _orders(db: Db, staged: Staged, notes: list[str]) -> bool:
    """By `position`, or by `order_id` where it begins with 0 or 1 for each customer."""
    if not (staged.has("order_id") and staged.has("user_id")) or staged.has("session_id"):
        return False
    begins = {"position": "true", "order_id": "min(place) <= 1"}
    for column in [one for one in begins if staged.has(one)]:
        if answer(db, _ORDERS.format(column=column, begins=begins[column]))[0] >= MOST:
            db.execute(_IN_ORDER.format(actor="coalesce(user_id, '')", column=column))
            notes.append(f"the order of each customer's orders is what {staged.columns[column]!r} counts")
            return True
    return False


def _rows(db: Db, name: str, notes: list[str]) -> bool:
    """By `position`, of each customer or each visit; when a customer's visit was it does not say."""
    if answer(db, _ROWS)[0] < MOST:
        notes.append(f"{name!r} is not used: it does not count each customer's rows one by one")
        return False
    db.execute(_IN_ORDER.format(actor=_ACTOR, column="position"))
    notes.append(f"the order of each customer's or visit's rows is what {name!r} counts")
    return True
