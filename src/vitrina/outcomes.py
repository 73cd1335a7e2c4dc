"""What lists led to, by placement, source and arm: what was shown, clicked, put into carts, ordered, earned.

An event counts for the list that its attribution token names; a click and the view that it causes are one,
and all ids of a person. Rates are ratios of sums over people, with 95 % intervals by linearisation (Cochran,
Sampling Techniques, 1977, 6.3): what one person does is no independent evidence. Arms are compared by what
their people did each on average (Welch 1947), and what is called significant stays so over all comparisons
made (Holm 1979).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitrina.state.events import Event, unpacked
from vitrina.state.people import members
from vitrina.state.recording import keys_of
from vitrina.state.store import Reads
from vitrina.state.tables import LOG

LEVEL = 0.05
_Z = 1.959964
_PAGE = 10_000
_CLICKS = ("click", "view")
COLUMNS = ("shown", "clicks", "carts", "orders", "revenue")


class Key(NamedTuple):
    """What is counted together; an empty source or arm stands for all of them."""

    placement: str
    source: str = ""
    arm: str = ""


class Rate(NamedTuple):
    """A ratio with its 95 % interval; NaN where there is nothing to divide by, or only one person."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """What lists of one kind led to. `people` were shown them; `click_rate`, `order_rate`: of an item shown;
    `revenue_rate`: for 1,000 items shown."""

    key: Key
    people: int
    shown: int
    clicks: int
    carts: int
    orders: int
    revenue: float
    click_rate: Rate
    order_rate: Rate
    revenue_rate: Rate


@dataclass(frozen=True)
class Comparison:
    """Two arms of a placement by one measure of each person: `lift` is the relative difference of the means.

    `p`: the chance of such a difference if there were none; `significant`: also after all comparisons made.
    """

    placement: str
    arm: str
    against: str
    measure: str
    lift: float
    p: float
    significant: bool = False


@dataclass(frozen=True)
class Outcomes:
    """A report: rows by placement, then by source, then by arm; arms against the first of each placement."""

    rows: tuple[Row, ...]
    comparisons: tuple[Comparison, ...]

    def as_dict(self) -> dict[str, object]:
        """The report as JSON would have it: null for what cannot be said."""
        rows = [{**one.key._asdict(), **_plain(one)} for one in self.rows]
        return {"rows": rows, "comparisons": [_said(vars(one)) for one in self.comparisons]}


def _plain(row: Row) -> dict[str, object]:
    counts = {name: getattr(row, name) for name in ("people", *COLUMNS)}
    names = ("click_rate", "order_rate", "revenue_rate")
    return {**counts, **{name: _said(getattr(row, name)._asdict()) for name in names}}


def _said(values: Mapping[str, object]) -> dict[str, object]:
    return {name: None if one != one else one for name, one in values.items()}


def outcomes(reads: Reads, since: int = 0) -> Outcomes:
    """What the log of a store says of lists; events before `since`, seconds since 1970 UTC, do not count."""
    known: dict[tuple[str, str], Hashable] = {}

    def person(event: Event) -> Hashable:
        ids = event.user_id, event.visitor_id
        if ids not in known:
            known[ids] = members(reads, keys_of(*ids)[0])[0]
        return known[ids]

    return counted((one for one in _log(reads) if one.time >= since), person)


def _log(reads: Reads) -> Iterable[Event]:
    after = 0
    while page := reads.feed(LOG, after, _PAGE):
        after = page[-1][0]
        entries = (unpacked(value) for _, value in page)
        yield from (one.event for one in entries if not one.quarantined)


def _named(event: Event) -> Hashable:
    """Whoever did it, by the id alone."""
    return event.user_id or event.visitor_id


def counted(events: Iterable[Event], person: Callable[[Event], Hashable] = _named) -> Outcomes:
    """The report of some events. `person`: who did one; of what one person was shown of an item in one place
    of an answer, all clicks and views are one click."""
    sums: dict[Key, dict[Hashable, NDArray[np.float64]]] = defaultdict(dict)
    clicked: set[Hashable] = set()
    for event in events:
        column, amount = _counts(event)
        who = person(event)
        for placed in event.placed if column >= 0 else ():
            click = (who, event.answered, event.bundle, placed) if column == 1 else None
            if not placed.placement or click in clicked:
                continue
            clicked |= {click} if click else set()
            plain = Key(placed.placement)
            for key in {plain, plain._replace(source=placed.source), plain._replace(arm=placed.arm)}:
                own = sums[key].setdefault(who, np.zeros(len(COLUMNS)))
                own[column] += 1
                own[4] += amount
    tables = {key: np.array(list(people.values())) for key, people in sorted(sums.items()) if people}
    rows = tuple(row(key, table) for key, table in tables.items())
    arms = {key: table for key, table in tables.items() if key.arm}
    return Outcomes(tuple(sorted(rows, key=_place)), tuple(holm(_compared(arms))))


def _counts(event: Event) -> tuple[int, float]:
    """Which of COLUMNS an event adds one to, -1 for none, and what was earned by it."""
    if event.type == "impression":
        return 0, 0.0
    if event.type in _CLICKS:
        return 1, 0.0
    if event.type == "cart":
        return 2, 0.0
    return (3, event.quantity * event.price) if event.type == "purchase" else (-1, 0.0)


def _place(one: Row) -> tuple[str, bool, bool, str, str]:
    key = one.key
    return key.placement, bool(key.arm), bool(key.source), key.source, key.arm


def row(key: Key, table: NDArray[np.float64]) -> Row:
    """The row of float64[people, COLUMNS]."""
    shown, clicks, carts, orders, revenue = table.sum(axis=0).tolist()
    return Row(
        key=key,
        people=int((table[:, 0] > 0).sum()),
        shown=int(shown),
        clicks=int(clicks),
        carts=int(carts),
        orders=int(orders),
        revenue=round(revenue, 2),
        click_rate=ratio(table[:, 1], table[:, 0]),
        order_rate=ratio(table[:, 3], table[:, 0]),
        revenue_rate=ratio(1000 * table[:, 4], table[:, 0]),
    )


def ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> Rate:
    """The sum of `above` over the sum of `below`, both float64 per person, with its interval."""
    n, whole = len(below), float(below.sum())
    if not whole:
        return Rate(math.nan, math.nan, math.nan)
    value = float(above.sum()) / whole
    if n < 2:
        return Rate(value, math.nan, math.nan)
    spread = float(((above - value * below) ** 2).sum())
    half = _Z * math.sqrt(spread * n / (n - 1)) / whole
    return Rate(value, max(0.0, value - half), value + half)


def _compared(arms: Mapping[Key, NDArray[np.float64]]) -> list[Comparison]:
    """Each arm of a placement against its first: "control" where one is called so."""
    found = []
    for placement in dict.fromkeys(key.placement for key in arms):
        own = {key.arm: table for key, table in arms.items() if key.placement == placement}
        first = "control" if "control" in own else min(own)
        for arm in sorted(own.keys() - {first}):
            for measure, column in (("clicks", 1), ("orders", 3), ("revenue", 4)):
                lift, p = welch(own[arm][:, column], own[first][:, column])
                found.append(Comparison(placement, arm, first, measure, lift, p))
    return found


def welch(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, float]:
    """The relative difference of two means, and the two-sided p of it (normal, as people are many).

    NaN for what cannot be said: fewer than two people, or nothing that varies.
    """
    if min(len(one), len(other)) < 2:
        return math.nan, math.nan
    base = float(other.mean())
    error = math.sqrt(float(one.var(ddof=1)) / len(one) + float(other.var(ddof=1)) / len(other))
    lift = (float(one.mean()) - base) / base if base else math.nan
    return lift, math.erfc(abs(float(one.mean()) - base) / error / math.sqrt(2)) if error else math.nan


def holm(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons, marked significant as far as all of them together allow."""
    order = sorted((one for one in comparisons if one.p == one.p), key=lambda one: one.p)
    marked = set()
    for place, one in enumerate(order):
        if one.p > LEVEL / (len(order) - place):
            break
        marked.add(one)
    return [Comparison(**{**vars(one), "significant": one in marked}) for one in comparisons]
