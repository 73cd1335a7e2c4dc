"""Ids that are something else: several items in one, and numbers that a spreadsheet has shortened."""

# ruff: noqa: S608 - names in queries are ours; what a shop wrote goes through `scan.literal`.
from __future__ import annotations

from vitrina.errors import DataError
from vitrina.readers.report import Doubt
from vitrina.readers.rows import Staged
from vitrina.readers.scan import Db, answer, literal

SOME = 100_000
"""Rows that are looked at."""
LISTS, MOST = 0.01, 0.5
"""Share of them with a list of items that no chance makes, and one with which nothing can be read."""
SEPARATORS = ",;|"
_IDS = {"events": ("item_id", "user_id", "session_id", "order_id"), "items": ("item_id",)}

_LIST = r"""\[ *([''"].*[''"]|[0-9]+( *, *[0-9]+)+) *\]"""
"""Quoted words or several numbers in brackets; [0] and [2 for 1] are ids."""
_LISTS = """
SELECT coalesce(avg(CAST(listed AS INTEGER)), 0), min(item_id) FILTER (listed)
FROM (SELECT item_id, regexp_full_match(item_id, '{lists}') AS listed FROM ({some}))
"""
# Parts repeat more than wholes do, and there are more or less of them: ids made of parts have always as many.
_JOINED = """
WITH told AS (SELECT item_id, string_split(item_id, {sign}) AS parts FROM ({some})),
apart AS (SELECT trim(unnest(parts)) AS part FROM told WHERE len(parts) > 1)
SELECT coalesce(avg(CAST(len(parts) > 1 AS INTEGER)), 0) > 0.5 AND count(DISTINCT len(parts)) > 2
    AND (SELECT count(*) / count(DISTINCT part) FROM apart)
        > 2 * count(*) FILTER (len(parts) > 1) / count(DISTINCT item_id) FILTER (len(parts) > 1),
    max(item_id) FILTER (len(parts) > 1) FROM told
"""
_SHORTENED = """
SELECT count(*), min({name}) FROM raw_{table} WHERE regexp_full_match({name}, '[0-9][.,][0-9]+[eE]\\+[0-9]+')
"""


def several_in_one(db: Db) -> list[Doubt]:
    """What to say of raw events whose item_id seems to hold several items with a sign between them.

    Raises DataError where most hold lists."""
    some = f"SELECT item_id FROM raw_events WHERE item_id IS NOT NULL LIMIT {SOME}"
    share, example = answer(db, _LISTS.format(some=some, lists=_LIST))
    if share > LISTS:
        said = f"{share:.0%} of the rows of events hold several items, such as {example[:60]!r}"
        if share > MOST:
            raise DataError(f"{said}; write a row for each")
        return [Doubt(f"{said}; if so, write a row for each; now each list is one item")]
    for sign in SEPARATORS:
        joined, example = answer(db, _JOINED.format(sign=literal(sign), some=some))
        if joined:
            return [
                Doubt(
                    f"most item_id, such as {example[:60]!r}, hold {sign!r}, and what stands between "
                    "repeats: if those are several items, write a row for each; now each list is one item"
                )
            ]
    return []


def shortened(db: Db, one: Staged) -> list[Doubt]:
    """What to say of raw ids that a spreadsheet, or a floating-point column, holds with fewer digits than
    they have."""
    found = {name: answer(db, _SHORTENED.format(name=name, table=one.table)) for name in _IDS[one.table]}
    texts = "as spreadsheets write long numbers: different ones have become one; export them again, as text"
    floats = (
        "as its numbers are floating-point: different ones may become one; write them as integers or text"
    )
    return [
        Doubt(
            f"{count:,} rows of {one.table} have {name} such as {example!r}, "
            f"{floats if one.numbers(name) else texts}"
        )
        for name, (count, example) in found.items()
        if count
    ]
