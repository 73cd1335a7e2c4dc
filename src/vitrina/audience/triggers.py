"""Triggers: what has happened to one person that is worth a word. Pure functions over what they did.

A product that was bought after it was put into the cart, viewed or wanted is never named. Windows are in
seconds: a trigger fires from `after` to `until` after what happened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import CART, DAY, PURCHASE, REMOVE, RETURN, VIEW
from vitrina.history import Doings
from vitrina.ids import Rows

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Window:
    """From how long after something a trigger fires, and until how long: seconds. `back`: how far back wishes
    count, for prices that fell and products that are in stock again."""

    after: float
    until: float
    back: float = 30.0 * DAY


@dataclass(frozen=True)
class Facts:
    """What triggers must know of the shop: `due`: float64 seconds per item between two purchases, 0 unknown;
    `cheaper`, `restocked`: bool per item, since whenever the shop compares with; `offered`: what is in stock;
    `changed`: when those changes were seen, seconds since 1970 UTC."""

    due: NDArray[np.float64]
    cheaper: Mask
    restocked: Mask
    offered: Mask
    changed: int = 0


class Found(NamedTuple):
    """`since`: when it happened; `until`: when it is stale; `rows`: products it is about, latest first."""

    since: int
    until: int
    rows: Rows


Trigger = Callable[[Doings, Facts, Window, int], Found | None]
_NONE = np.zeros(0, np.int32)


def latest_of(doings: Doings, kind: int) -> tuple[Rows, NDArray[np.int64]]:
    """The products to which a kind of event happened, each once, and when it last did; latest first."""
    at = np.flatnonzero(doings.types == kind)[::-1]
    rows, first = np.unique(doings.rows[at], return_index=True)
    order = np.argsort(first, kind="stable")
    return rows[order], doings.times[at][np.sort(first)]


def last_times(doings: Doings, kind: int, rows: Rows) -> NDArray[np.int64]:
    """int64 per row: when a kind of event last happened to it; the least there is where it never did."""
    found = np.full(len(rows), np.iinfo(np.int64).min)
    have, times = latest_of(doings, kind)
    if len(have):
        order = np.argsort(have)
        place = np.minimum(np.searchsorted(have[order], rows), len(have) - 1)
        same = have[order][place] == rows
        found[same] = times[order][place[same]]
    return found


def kept(doings: Doings, kind: int, *undone: int) -> tuple[Rows, NDArray[np.int64]]:
    """Products to which a kind of event happened after which none of the other kinds did."""
    rows, times = latest_of(doings, kind)
    open_ = np.ones(len(rows), np.bool_)
    for one in undone:
        open_ &= last_times(doings, one, rows) < times
    return rows[open_], times[open_]


def _fired(times: NDArray[np.int64], rows: Rows, window: Window, now: int) -> Found | None:
    """A trigger about the products whose moment is the latest's visit; None outside its window."""
    if not len(rows):
        return None
    since = int(times.max())
    age = now - since
    if not window.after <= age < window.until:
        return None
    return Found(since, int(since + window.until), rows[times >= since - DAY])


def abandoned_cart(doings: Doings, facts: Facts, window: Window, now: int) -> Found | None:
    """Products put into the cart, neither bought nor taken out since, and nothing bought since the last."""
    rows, times = kept(doings, CART, PURCHASE, REMOVE)
    found = _fired(times, rows, window, now)
    return None if found is None or _bought_since(doings, found.since) else _offered(found, facts)


def abandoned_view(doings: Doings, facts: Facts, window: Window, now: int) -> Found | None:
    """Products viewed, not bought since, while nothing was put into the cart or bought after the last."""
    rows, times = kept(doings, VIEW, PURCHASE)
    found = _fired(times, rows, window, now)
    if found is None or _bought_since(doings, found.since):
        return None
    carted = doings.times[doings.types == CART]
    return None if len(carted) and carted.max() >= found.since - DAY else _offered(found, facts)


def price_drop(doings: Doings, facts: Facts, window: Window, now: int) -> Found | None:
    """Products wanted of late and not bought, whose price has fallen."""
    return _wanted(doings, facts, facts.cheaper & facts.offered, window, now)


def back_in_stock(doings: Doings, facts: Facts, window: Window, now: int) -> Found | None:
    """Products wanted of late and not bought, which are to be had again."""
    return _wanted(doings, facts, facts.restocked & facts.offered, window, now)


def replenishment(doings: Doings, facts: Facts, window: Window, now: int) -> Found | None:
    """Products that are due again: by the person's own interval where they bought them three times or more,
    by everybody's else. Fires from `after` past the due day to `until` past it."""
    rows, times = kept(doings, PURCHASE, RETURN)
    due = times + _intervals(doings, facts, rows)
    late = now - due
    ready = (facts.due[rows] > 0) & (late >= window.after) & (late < window.until) & facts.offered[rows]
    if not ready.any():
        return None
    return Found(int(due[ready].max()), int((due[ready] + window.until).max()), rows[ready])


def post_purchase(doings: Doings, facts: Facts, window: Window, now: int) -> Found | None:
    """The last order, while it is fresh."""
    rows, times = kept(doings, PURCHASE, RETURN)
    return _fired(times, rows, window, now)


def welcome(doings: Doings, facts: Facts, window: Window, now: int) -> Found | None:
    """Somebody new: the first thing they ever did was a little while ago."""
    if not len(doings.times):
        return None
    first = int(doings.times.min())
    new = window.after <= now - first < window.until
    return Found(first, int(first + window.until), _NONE) if new else None


def win_back(doings: Doings, facts: Facts, window: Window, now: int) -> Found | None:
    """A customer of two orders or more who stays away for `after`, and three times as long as usual."""
    bought = np.unique(doings.times[doings.types == PURCHASE] // DAY)
    if len(bought) < 2 or not len(doings.times):
        return None
    last = int(doings.times.max())
    usual = 3 * float(np.median(np.diff(bought))) * DAY
    away = now - last
    if not max(window.after, usual) <= away < window.until:
        return None
    rows, times = kept(doings, PURCHASE, RETURN)
    return Found(last, int(last + window.until), rows[times == times.max()] if len(times) else _NONE)


TRIGGERS: Mapping[str, Trigger] = {
    "abandoned_cart": abandoned_cart,
    "abandoned_view": abandoned_view,
    "price_drop": price_drop,
    "back_in_stock": back_in_stock,
    "replenishment": replenishment,
    "post_purchase": post_purchase,
    "welcome": welcome,
    "win_back": win_back,
}


def _bought_since(doings: Doings, since: int) -> bool:
    return bool(((doings.types == PURCHASE) & (doings.times >= since)).any())


def _offered(found: Found, facts: Facts) -> Found | None:
    rows = found.rows[facts.offered[found.rows]]
    return found._replace(rows=rows) if len(rows) else None


def _wanted(doings: Doings, facts: Facts, changed: Mask, window: Window, now: int) -> Found | None:
    """Products viewed or put into a cart within `back`, not bought since, and in `changed`."""
    age = now - facts.changed
    if not window.after <= age < window.until:
        return None
    rows, times = zip(*(kept(doings, kind, PURCHASE) for kind in (CART, VIEW)), strict=True)
    wanted, when = np.concatenate(rows), np.concatenate(times)
    chosen = wanted[changed[wanted] & (when >= now - window.back) & (when <= facts.changed)]
    unique = chosen[np.sort(np.unique(chosen, return_index=True)[1])]
    return Found(facts.changed, int(facts.changed + window.until), unique) if len(unique) else None


def _intervals(doings: Doings, facts: Facts, rows: Rows) -> NDArray[np.float64]:
    """float64 seconds per row: its usual time between purchases, the person's own where it is known."""
    found = facts.due[rows].copy()
    bought = doings.types == PURCHASE
    for place, row in enumerate(rows.tolist()):
        times = np.unique(doings.times[bought & (doings.rows == row)])
        if len(times) >= 3:
            found[place] = float(np.median(np.diff(times)))
    return found
