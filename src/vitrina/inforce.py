"""What merchandising is in force for a placement at a moment, as arrays over the catalogue. Pure.

Campaigns come and go at their own dates, and filters may speak of 'the last 30 days', so what is in force
changes at those dates and at midnight UTC only; in between it is compiled once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import DAY
from vitrina.facets import Facets, Mask
from vitrina.filters import Filter
from vitrina.ids import Ids, Rows
from vitrina.kernels.fusion import RANK_CONSTANT
from vitrina.masks import Facts, holds
from vitrina.placements import Placement
from vitrina.placements.merchandising import Campaign, Include, Lean, Pin, Quota
from vitrina.remembered import remembered
from vitrina.rules import Rules

MAX_INCLUDED = 50
"""Products that one `include` brings in at most: the first named, or the most bought."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Cap:
    """At most so many of one code. `codes`: int32 per item, below 0 for one that does not count."""

    quota: Quota
    codes: Rows


@dataclass(frozen=True)
class Floor:
    """At least so many of the items that `mask`, bool per item, admits."""

    quota: Quota
    mask: Mask


@dataclass(frozen=True)
class InForce:
    """Campaigns of one moment. `factor`: float32 per item, what scores are multiplied by; None for nothing.

    Included product i has `included[i]` and gains `gains[i]`, float32; pin i is the first that may appear of
    `variants[ends[i]:ends[i + 1]]`, at `positions[i]`, int32. `alternate`: int32 per item, codes that
    neighbours should differ in, or None.
    """

    campaigns: tuple[Campaign, ...]
    pins: tuple[Pin, ...]
    factor: Floats | None
    included: Rows
    gains: Floats
    ends: NDArray[np.int64]
    variants: Rows
    positions: Rows
    caps: tuple[Cap, ...]
    floors: tuple[Floor, ...]
    alternate: Rows | None


class Merchandise:
    """The merchandising of one placement over one catalogue. `bought`: float64 per item, how often."""

    def __init__(
        self, placement: Placement, rules: Rules, items: Ids, bought: Callable[[], NDArray[np.float64]]
    ) -> None:
        self._placement, self._rules, self._items, self._bought = placement, rules, items, bought
        self._facets = rules.facets
        every = (placement.merchandising, *placement.campaigns)
        self._campaigns = tuple(
            sorted(every, key=lambda one: -one.priority)
        )  # stable: the standing one first
        self._dated = any(_dated(one) for one in every)
        self._compiled = remembered(self._compile, 4)

    def at(self, now: int) -> InForce:
        """What is in force at `now`, in seconds since 1970 UTC."""
        active = tuple(one for one in self._campaigns if one.start <= now < one.until)
        return self._compiled(active, (now // DAY + 1) * DAY if self._dated else 0)

    def _compile(self, active: tuple[Campaign, ...], today: int) -> InForce:
        facts = Facts(today=today)

        def mask(wanted: Filter) -> Mask:
            return holds(self._facets, wanted, facts)

        quotas = [one for campaign in active for one in campaign.quotas]
        pins, ends, variants = self._pins(active)
        included, gains = self._included([one for campaign in active for one in campaign.includes], mask)
        alternate = next((one.interleave for one in active if one.interleave), "")
        return InForce(
            campaigns=active,
            pins=pins,
            factor=self._factor(active, mask),
            included=included,
            gains=gains,
            ends=ends,
            variants=variants,
            positions=np.array([one.position for one in pins], np.int32),
            caps=tuple(Cap(one, self._codes(one, mask)) for one in quotas if one.most is not None),
            floors=tuple(Floor(one, mask(one.filter)) for one in quotas if one.least is not None),
            alternate=self._facets.codes(alternate) if alternate else None,
        )

    def _factor(self, active: Sequence[Campaign], mask: Callable[[Filter], Mask]) -> Floats | None:
        """Lifts, each product's of the highest priority that lifts it; leans; damping."""
        factor, decided = np.ones(len(self._facets), np.float32), np.zeros(len(self._facets), np.bool_)
        for _, equals in groupby(active, key=lambda one: one.priority):
            own, touched = np.ones_like(factor), np.zeros_like(decided)
            for lift in (one for campaign in equals for one in campaign.lifts):
                where = mask(lift.filter)
                own[where] *= np.float32(lift.by)
                touched |= where
            factor = np.where(decided, factor, own)
            decided |= touched
        for lean in (one for campaign in active for one in campaign.leans):
            factor *= leaning(lean, amounts(self._facets, lean.by))
        if self._placement.damping:
            factor *= (1 + self._bought()) ** np.float32(-self._placement.damping)
        return None if (factor == 1).all() else factor.astype(np.float32)

    def _pins(self, active: Sequence[Campaign]) -> tuple[tuple[Pin, ...], NDArray[np.int64], Rows]:
        """Pins that stand, by priority, with the rows of their products, the named variant first."""
        pins: dict[int, Pin] = {}
        rows: list[Rows] = []
        for pin in (one for campaign in active for one in campaign.pins):
            row = self._items.row(pin.item_id)
            if pin.position in pins or row < 0 or any(row in one for one in rows):
                continue
            pins[pin.position] = pin
            others = self._rules.with_variants(np.array([row], np.int32))
            rows.append(np.array([row, *others[others != row]], np.int32))
        ends = np.cumsum([0, *map(len, rows)]).astype(np.int64)
        return tuple(pins.values()), ends, np.concatenate([np.zeros(0, np.int32), *rows])

    def _included(
        self, includes: Sequence[Include], mask: Callable[[Filter], Mask]
    ) -> tuple[Rows, NDArray[np.float32]]:
        """Rows that join, and what each gains: as a source of that weight would give it by its rank."""
        gains: dict[int, float] = {}
        for one in includes:
            admitted = mask(one.filter)
            named = self._facets.rows(one.filter.item_ids)
            rows = named[admitted[named]] if len(named) else self._most_bought(np.flatnonzero(admitted))
            rows = rows[:MAX_INCLUDED]
            for rank, row in enumerate(rows.tolist()):
                by_rank = 1 / (RANK_CONSTANT + rank + 1)
                gain = one.weight * (by_rank if self._placement.blend == "rank" else 1 - rank / len(rows))
                gains[row] = gains.get(row, 0.0) + gain
        return np.array(list(gains), np.int32), np.array(list(gains.values()), np.float32)

    def _most_bought(self, rows: NDArray[np.intp]) -> Rows:
        return rows[np.argsort(-self._bought()[rows], kind="stable")].astype(np.int32)

    def _codes(self, quota: Quota, mask: Callable[[Filter], Mask]) -> Rows:
        inside = mask(quota.filter)
        return np.where(inside, self._facets.codes(quota.per) if quota.per else 0, -1).astype(np.int32)


def amounts(facets: Facets, name: str) -> NDArray[np.float64]:
    """float64 per item of 'margin', 'price', 'discount' (the share off the old price) or a numeric attribute.

    NaN where it is not known.
    """
    catalog = facets.catalog
    if name in ("margin", "price"):
        return np.asarray(getattr(catalog, name), np.float64)
    if name == "discount":
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(catalog.old_price > 0, 1 - catalog.price / catalog.old_price, np.nan)
    return facets.number(name)


def leaning(lean: Lean, amount: NDArray[np.float64]) -> Floats:
    """float32: 1 + strength for the most there is, 1 - strength for the least, by rank between; 1 unknown."""
    known = np.flatnonzero(~np.isnan(amount))
    factor = np.ones(len(amount), np.float32)
    if len(known) < 2:
        return factor
    order = known[np.argsort(amount[known], kind="stable")]
    values = amount[order]
    starts = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
    sizes = np.diff(starts, append=len(order))
    # -1 the least, 1 the most; equals in the middle of theirs
    place = (2 * starts + sizes - 1) / (len(order) - 1) - 1
    factor[order] = 1 + lean.strength * np.repeat(place, sizes)
    return factor


def _dated(campaign: Campaign) -> bool:
    spoken = [
        *(one.filter for one in campaign.lifts),
        *(one.filter for one in campaign.includes),
        *(one.filter for one in campaign.quotas),
    ]
    return any(
        date.within_days is not None or date.older_days is not None
        for one in spoken
        for inner in one.walk()
        for date in inner.dates
    )
