"""Amounts by their column: whether 1.299 has decimals or thousands, and what of those that are none.

A column tells by its other amounts in a file: beside 4.767.747 or as many 646,50 a dot parts thousands,
beside 12.5 not.
"""

# ruff: noqa: S608 - names in queries are ours.
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vitrina.readers.report import Doubt
from vitrina.readers.scan import Db, answer

_PARTED = r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}"
_SURE = r"[+-]?([0-9]{1,3}(\.[0-9]{3})+,[0-9]{1,2}|[0-9]{1,3}(\.[0-9]{3}){2,})"
"""Dots that can only part thousands."""
_COMMA = r"[+-]?[0-9]+,[0-9]{1,2}"
"""A comma before decimals; one of them in a hundred prices may be a slip."""
_POINTS = r"[+-]?([0-9,]*\.([0-9]{1,2}|[0-9]{4,})|0\.[0-9]+|[0-9]{4,}\.[0-9]+|[0-9]{1,3}(,[0-9]{3})+\.[0-9]+)"
"""A point before decimals."""
_WHOLE, _LONG = r"[+-]?[0-9]{1,3}", r"[+-]?[0-9]{4,}"

_LOOK = """
SELECT file, parted, example, coalesce(sure, CASE WHEN commas >= parted THEN comma END),
    commas > 0 OR (whole AND NOT long)
FROM (SELECT file, sum(rows) FILTER (regexp_full_match(said, '{parted}')) AS parted,
        min(written) FILTER (regexp_full_match(said, '{parted}')) AS example,
        min(written) FILTER (regexp_full_match(said, '{sure}')) AS sure,
        min(written) FILTER (regexp_full_match(said, '{comma}')) AS comma,
        coalesce(sum(rows) FILTER (regexp_full_match(said, '{comma}')), 0) AS commas,
        bool_or(regexp_full_match(said, '{points}')) AS points,
        bool_or(regexp_full_match(said, '{whole}')) AS whole,
        bool_or(regexp_full_match(said, '{long}')) AS long
    FROM (SELECT file, {column} AS written, unsigned({column}) AS said, count(*) AS rows FROM raw_{table}
        WHERE {column} IS NOT NULL GROUP BY file, {column})
    GROUP BY file)
WHERE parted > 0 AND NOT points ORDER BY file
"""


def settle_dots(db: Db, table: str, column: str) -> list[str]:
    """Take the dots out of a column's 1.299 in each file whose other amounts show that they part thousands;
    where nothing tells, say so. Returns notes."""
    found = db.execute(
        _LOOK.format(
            parted=_PARTED,
            sure=_SURE,
            comma=_COMMA,
            points=_POINTS,
            whole=_WHOLE,
            long=_LONG,
            column=column,
            table=table,
        )
    ).fetchall()
    told = [one for one in found if one[3]]
    asked = [one for one in found if not one[3] and (one[4] or told)]
    notes = list[str]()
    if told:
        db.execute(
            f"UPDATE raw_{table} SET {column} = replace({column}, '.', '') "
            f"WHERE regexp_full_match(unsigned({column}), '{_PARTED}') AND list_contains(?, file)",
            [[file for file, *_ in told]],
        )
        notes.append(f"{_some(told, column)} were read as thousands: others are written {told[0][3]}")
    if asked:
        advice = "write thousands without a dot if that looks wrong"
        notes.append(Doubt(f"{_some(asked, column)} were read with a decimal point; {advice}"))
    return notes


def _some(found: Sequence[tuple[Any, ...]], column: str) -> str:
    return f"{sum(rows for _, rows, *_ in found):,} values of {column} such as {found[0][2]}"


def drop_unreadable(db: Db, name: str) -> list[str]:
    """Take prices that are no amounts off their items, which stay; where most are none, it is no column of
    prices, and its rows are left to be refused. Returns notes."""
    bad = f"{name} IS NOT NULL AND NOT coalesce(money({name}) BETWEEN 0 AND 1e12, false)"
    given, count, example = answer(
        db,
        f"SELECT count({name}), count(*) FILTER ({bad}), arg_min({name}, (file, row)) FILTER ({bad}) "
        "FROM raw_items",
    )
    if not count or 2 * count > given:
        return []
    db.execute(f"UPDATE raw_items SET {name} = NULL WHERE {bad}")
    return [f"{count:,} values of {name}, such as {example[:100]!r}, are no amounts: their items have none"]
