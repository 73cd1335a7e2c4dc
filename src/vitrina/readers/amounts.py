"""Amounts by their column: whether 1.299 has decimals or thousands, and what of those that are none.

A column tells by its other amounts: beside 646,50 or 4.767.747 a dot parts thousands, beside 12.5 not.
"""

# ruff: noqa: S608 - names in queries are ours.
from __future__ import annotations

from vitrina.readers.report import Doubt
from vitrina.readers.scan import Db, answer

_PARTED = r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}"
_COMMAS = r"[+-]?([0-9]+,[0-9]{1,2}|[0-9]{1,3}(\.[0-9]{3})+,[0-9]{1,2}|[0-9]{1,3}(\.[0-9]{3}){2,})"
"""A comma before decimals, or dots that can only part thousands."""
_POINTS = r"[+-]?([0-9,]*\.([0-9]{1,2}|[0-9]{4,})|0\.[0-9]+|[0-9]{4,}\.[0-9]+|[0-9]{1,3}(,[0-9]{3})+\.[0-9]+)"
"""A point before decimals."""
_WHOLE, _LONG = r"[+-]?[0-9]{1,3}", r"[+-]?[0-9]{4,}"
_THOUSANDS = r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+"
"""Commas that may part thousands."""
_DECIMALS = r"[+-]?([0-9]+,[0-9]{1,2}|0,[0-9]+)"

_LOOK = """
SELECT coalesce(sum(rows) FILTER (regexp_full_match(said, '{parted}')), 0),
    min(written) FILTER (regexp_full_match(said, '{parted}')),
    min(written) FILTER (regexp_full_match(said, '{commas}')),
    min(written) FILTER (regexp_full_match(said, '{points}')),
    count(*) FILTER (regexp_full_match(said, '{whole}')), count(*) FILTER (regexp_full_match(said, '{long}'))
FROM (SELECT {column} AS written, unsigned({column}) AS said, count(*) AS rows FROM raw_{table}
    WHERE {column} IS NOT NULL GROUP BY {column})
"""

_COUNT = """
SELECT coalesce(sum(rows) FILTER (regexp_full_match(said, '{thousands}')), 0),
    min(said) FILTER (regexp_full_match(said, '{thousands}')),
    count(*) FILTER (regexp_full_match(said, '{decimals}')),
    count(*) FILTER (regexp_full_match(said, '{whole}'))
FROM (SELECT {column} AS said, count(*) AS rows FROM raw_{table} WHERE {column} IS NOT NULL GROUP BY {column})
"""


def settle_dots(db: Db, table: str, column: str) -> list[str]:
    """Take the dots out of a column's 1.299 where its other amounts show that they part thousands; where
    nothing tells, say so. Returns notes."""
    parted, example, commas, points, whole, long = answer(
        db,
        _LOOK.format(
            parted=_PARTED,
            commas=_COMMAS,
            points=_POINTS,
            whole=_WHOLE,
            long=_LONG,
            column=column,
            table=table,
        ),
    )
    if not parted or points:
        return []
    if commas:
        db.execute(
            f"UPDATE raw_{table} SET {column} = replace({column}, '.', '') "
            f"WHERE regexp_full_match(unsigned({column}), '{_PARTED}')"
        )
        return [
            f"{parted:,} values of {column} such as {example} were read as thousands: others are written "
            f"{commas}"
        ]
    if whole and not long:
        return [
            Doubt(
                f"{parted:,} values of {column} such as {example} were read with a decimal point; "
                "write thousands without a dot if that looks wrong"
            )
        ]
    return []


def settle_commas(db: Db, table: str, column: str) -> list[str]:
    """Take the commas out of a column's 1,000 where others have none: were they decimals, each had one, as
    1,250 kg has. Returns notes."""
    thousands, example, decimals, whole = answer(
        db, _COUNT.format(thousands=_THOUSANDS, decimals=_DECIMALS, whole=_WHOLE, column=column, table=table)
    )
    if not thousands or decimals or not whole:
        return []
    db.execute(
        f"UPDATE raw_{table} SET {column} = replace({column}, ',', '') "
        f"WHERE regexp_full_match({column}, '{_THOUSANDS}')"
    )
    return [f"{thousands:,} values of {column} such as {example} were read as thousands"]


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
