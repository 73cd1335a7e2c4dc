"""Columns of events that nobody took, and that look like what did not come."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
"""What numbers are called where they may be moments; ids may look like seconds since 1970."""
_COUNTED = re.compile(r"day|day_(number|no|num|index)|days?_since_.*")

_MOMENTS = """
SELECT count(said), count(*) FILTER (dated), min(said) FILTER (dated)
FROM (SELECT said, ({numbers} OR TRY_CAST(said AS DOUBLE) IS NULL)
        AND least(instant(said, true), instant(said, false)) BETWEEN {earliest} AND {now} AS dated
    FROM (SELECT {said} AS said FROM {relation} LIMIT {some}))
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
                f"there is no timestamp, and {name!r}{others} is not used, which holds moments{shown}: "
                "if it tells when things happened, say so in the recipe, under [columns.events]: "
                f'timestamp = "{name}"'
            )
        ]
    return [
        Doubt(
            f"there is no timestamp, and {name!r} seems to count days, which are not read: write a date "
            "instead, that many days after a first one, in a column timestamp"
        )
        for name in events.unused
        if _COUNTED.fullmatch(snake(name))
    ][:1]


def _dated(db: Db, found: Scan, events: Staged, now: int) -> Iterator[tuple[str, str]]:
    """The columns of a file that hold moments, each with one of them as it is written."""
    for place, (name, kind) in enumerate(zip(found.names, found.types, strict=True)):
        if name not in events.unused or kind.endswith("[]") or kind.startswith(NESTED):
            continue
        given, moments, first = answer(
            db,
            _MOMENTS.format(
                earliest=EARLIEST,
                now=now * 1_000_000,
                numbers=bool(_CALLED.search(snake(name))),
                said=values.text(f"c{place}", kind),
                relation=found.relation,
                some=SOME,
            ),
        )
        if given and moments >= NEARLY_ALL * given:
            yield name, "" if first.startswith("@") else f" such as {first}"
