"""A column that counts what each customer did, or what was done in each visit: 0, 1, 2 and on, without times.

Sequences are published so. Where the count has holes something was taken out, as of interaction sets split by
lot, and where it begins anew it is a place on a page: neither says what came next.
"""

# ruff: noqa: S608 - names in queries are ours.
from __future__ import annotations

from vitrina.readers.rows import Staged
from vitrina.readers.scan import Db, answer

MOST = 0.99
"""Share of customers and visits whose rows must be counted whole: some rows are rejected."""

_ACTOR = """coalesce('s' || session_id || coalesce('/' || user_id, ''),
    'o' || order_id || coalesce('/' || user_id, ''), 'u' || user_id, 'v' || visitor_id)"""
_WHOLE = f"""
SELECT coalesce(avg(CAST(whole AS INTEGER)), 0) FROM (
    SELECT count(*) = count(DISTINCT place) AND coalesce(count(*) - 1 = max(place) - min(place), false)
        AS whole
    FROM (SELECT {_ACTOR} AS actor, number(position) AS place FROM events WHERE reason IS NULL)
    GROUP BY actor)
"""
_IN_ORDER = f"""
CREATE OR REPLACE TABLE events AS
SELECT * EXCLUDE (place, first) REPLACE (0 AS file, row_number() OVER (ORDER BY first, place, row) - 1 AS row)
FROM (SELECT *, number(position) AS place,
        min(file * (1::BIGINT << 40) + row) OVER (PARTITION BY {_ACTOR}) AS first
    FROM events)
"""


def put_in_order(db: Db, staged: Staged, notes: list[str]) -> bool:
    """Put the rows of `events` in the order that a column `position` counts, where it does and there are no
    times; whether it was so. Says into `notes` what was made of the column."""
    if not staged.has("position"):
        return False
    name = staged.columns["position"]
    if staged.has("timestamp"):
        notes.append(f"{name!r} is not used: timestamps tell the order")
        return False
    if answer(db, _WHOLE)[0] < MOST:
        notes.append(f"{name!r} is not used: it does not count each customer's rows one by one")
        return False
    db.execute(_IN_ORDER)
    notes.append(f"the order of each customer's or visit's rows is what {name!r} counts")
    return True
