"""Columns of events that nobody took, and that look like what did not come."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from vitrina.readers import values
from vitrina.readers.columns import snake
from vitrina.readers.report import Doubt
from vitrina.readers.rows import NESTED, Staged
from vitrina.readers.scan import Db, Scan, answer
from vitrina.readers.values import EARLIEST

SOME = 1_000
"""Rows of a file that are looked at."""
NEARLY_ALL = 0.95
"""Share of them that must be moments."""
_CALLED = re.compile(r"(^|_)(date|time|timestamp|datetime|dt|ts|at|utc|unix)(_|$)")
"""What is called where it may be moments without a year in four digits; ids may look like seconds since 1970,
and sizes like days."""
_NEVER = re.compile(r"birth|(^|_)(dob|born)(_|$)|release|expir")
"""Moments at which nobody does anything with an item."""
_COUNTED = re.compile(r"day|day_(number|no|num|index)")

_MOMENTS = """
SELECT count(said), count(*) FILTER (dated), min(said) FILTER (dated)
FROM (SELECT said, ({named} OR starts_with(said, '@') OR TRY_CAST(said AS DOUBLE) IS NULL
            AND regexp_matches(said, '(^|[^0-9])(19|20)[0-9]{{2}}([^0-9]|$)'))
        AND least(instant(said, true), instant(said, false)) BETWEEN {earliest} AND {now} AS dated
    FROM (SELECT {said} AS said FROM {relation} LIMIT {some}))
"""

_NUMBERS = """
SELECT coalesce(avg(CAST(TRY_CAST(said AS DOUBLE) IS NOT NULL AS INTEGER)), 0)
FROM (SELECT {said} AS said FROM {relation} WHERE {said} IS NOT NULL LIMIT {some})
"""


def undated(db: Db, events: Staged, now: int) -> list[Doubt]:
    """What to say where there is no timestamp and a column without use holds moments, or counts days.
    `now`: seconds since 1970."""
    if events.has("timestamp"):
        return []
    dated = dict(one for found in events.scans for one in _dated(db, found, events, now))
    if dated:
        (name, shown), *more = dated.items()
        others = "".join(f", or {one!r}" for one, _ in more[:4])
        return [
            Doubt(
                f"there is no timestamp, and {name!r}{others} is not used and holds moments{shown}: "
                "if it tells when things happened, say so in the recipe, under [columns.events]: "
                f'timestamp = "{name}"'
            )
        ]
    return [one for found in events.scans for one in _counted(db, found, events.unused)][:1]


def _counted(db: Db, found: Scan, unused: Sequence[str]) -> Iterator[Doubt]:
    """Days that are numbers: of the month beside a year, or since a first one; Monday is none."""
    parted = {"year", "month"} <= {snake(name) for name in unused}
    advice = (
        "write it with the year and the month as one date, 2020-12-31,"
        if parted
        else "write a date instead, that many days after a first one,"
    )
    for place, (name, kind) in enumerate(zip(found.names, found.types, strict=True)):
        if name not in unused or not _COUNTED.fullmatch(snake(name)) or _many(kind):
            continue
        said = values.text(f"c{place}", kind)
        if answer(db, _NUMBERS.format(said=said, relation=found.relation, some=SOME))[0] >= NEARLY_ALL:
            yield Doubt(
                f"there is no timestamp, and {name!r} is not used, as a number of a day is no date: {advice} "
                "in a column timestamp"
            )


def _dated(db: Db, found: Scan, events: Staged, now: int) -> Iterator[tuple[str, str]]:
    """The columns of a file that hold moments, each with one of them as it is written."""
    for place, (name, kind) in enumerate(zip(found.names, found.types, strict=True)):
        if name not in events.unused or _NEVER.search(snake(name)) or _many(kind):
            continue
        given, moments, first = answer(
            db,
            _MOMENTS.format(
                earliest=EARLIEST,
                now=now * 1_000_000,
                named=bool(_CALLED.search(snake(name))),
                said=values.text(f"c{place}", kind),
                relation=found.relation,
                some=SOME,
            ),
        )
        if given and moments >= NEARLY_ALL * given:
            yield name, "" if first.startswith("@") else f" such as {first}"


def _many(kind: str) -> bool:
    """Whether a column of this DuckDB type holds several values a row."""
    return kind.endswith("[]") or kind.startswith(NESTED)
