"""Why a product is listed, in the terms of a sentence: the strategy that led, the asker's doings, figures.

    rule       a basket rule fired                    due, habit   the asker's own rhythm of a product
    bought...  what the asker did with the seed       lasts        everybody's rhythm of it
    looked...  what they did with the very product
    popular... an order of everybody's                chosen       nothing more is known

Pure: rows and doings in, `wording.Ground` out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrina.askers import Asker
from vitrina.catalog import Catalog
from vitrina.dataset import CART, DAY, PURCHASE, REMOVE
from vitrina.ids import Rows
from vitrina.wording import Ground, Wording, ours

KINDS = {
    "bought_together": "goes",
    "markov": "next",
    "image_similar": "looks",
    "content_similar": "alike",
    "user_knn": "people",
    "buy_again": "again",
    "next_basket": "again",
    "popular": "popular",
}
"""Strategies that have a sentence of their own; the others' says what the asker did with the seed."""
ORDERS = {"velocity": "rising", "newness": "new"}
"""Orders of `popular` that have one."""
SURE = 3
"""Purchases of one product, on days of their own, from which on they are a rhythm of the asker's."""
KEPT_DAYS = 7
"""After which a cart that nothing is heard of is not said to be one."""
LONGEST_DAYS = 366.0
"""What is bought more rarely is no rhythm that a sentence speaks of."""


@dataclass(frozen=True)
class Grounds:
    """What one bundle says of its sources. `kinds`: by a source's name, the kind of its sentence, empty where
    that follows from what the asker did; `due_days`: float32 per item, the usual days between two purchases
    of it by one customer."""

    catalog: Catalog
    due_days: NDArray[np.float32]
    kinds: Mapping[str, str]
    wording: Wording

    @classmethod
    def of(
        cls, catalog: Catalog, due_days: NDArray[np.float32], fitted: Mapping[str, Mapping[str, Any]]
    ) -> Grounds:
        """`fitted`: the strategies of a bundle's manifest."""
        kinds = {
            name: _ordered(one["params"]) if one["is"] == "popular" else KINDS.get(str(one["is"]), "")
            for name, one in fitted.items()
        }
        return cls(catalog, due_days, kinds, ours())

    def sentences(
        self,
        locale: str,
        asker: Asker,
        now: int,
        leads: Sequence[str],
        rows: Rows,
        seeds: Rows,
        figures: NDArray[np.float64],
    ) -> list[str]:
        """The sentence of each of an asker's rows, in a locale. `leads`: the source of each row's reason;
        `seeds` and `figures`: as in `strategy.Whys`."""
        each = zip(leads, rows.tolist(), seeds, figures, strict=True)
        return [
            self.wording.sentence(locale, self.ground(asker, now, lead, row, found[found >= 0], told))
            for lead, row, found, told in each
        ]

    def ground(
        self, asker: Asker, now: int, lead: str, row: int, seeds: Rows, figures: NDArray[np.float64]
    ) -> Ground:
        """Why one row is listed."""
        kind = self.kinds.get(lead, "")
        if kind in ("popular", "rising"):
            return Ground(kind, region=asker.place if asker.region >= 0 else "")
        if kind in ("new", "people"):
            return Ground(kind)
        if kind == "again":
            return self._again(asker, now, row) if len(seeds) else Ground("people")
        if not len(seeds):
            return Ground()
        if set(seeds.tolist()) == {row}:
            return Ground(_did_with_it(asker, row, now))
        titles = tuple(self.catalog.title[seed] for seed in seeds.tolist() if seed != row)
        if figures.any():
            return Ground("rule", titles, share=float(figures[1]))
        return Ground(kind or _did(asker, int(seeds[0])), titles)

    def _again(self, asker: Asker, now: int, row: int) -> Ground:
        """The asker's rhythm of a product they bought, or else everybody's where it is due."""
        mine = (asker.doings.rows == row) & (asker.doings.types == PURCHASE)
        days = np.unique(asker.doings.times[mine] // DAY)
        since = now // DAY - int(days[-1]) if len(days) else 0
        if len(days) >= SURE:
            usual = float(np.median(np.diff(days)))
            if usual <= LONGEST_DAYS:
                return Ground("due" if usual <= since <= 2 * usual else "habit", days=usual)
        usual = float(self.due_days[row])
        due = len(days) > 0 and 0 < usual <= LONGEST_DAYS and usual <= since <= 2 * usual
        return Ground("lasts", days=usual) if due else Ground("again")


def _ordered(params: Mapping[str, Any]) -> str:
    """The kind of a bestsellers' sentence, by what their order counts."""
    return ORDERS.get(str(params.get("by", "sales")), "popular")


def _did_with_it(asker: Asker, row: int, now: int) -> str:
    """What the asker did with the very product: it lies in the cart, was looked at, or was bought."""
    mine = asker.doings.rows == row
    kinds, times = asker.doings.types[mine].tolist(), asker.doings.times[mine].tolist()
    cart = [(one, at) for one, at in zip(kinds, times, strict=True) if one in (CART, REMOVE, PURCHASE)]
    if cart and cart[-1][0] == CART and now - cart[-1][1] <= KEPT_DAYS * DAY:
        return "waiting"
    if kinds and kinds[-1] == PURCHASE:
        return "again"
    return "looked" if kinds else "chosen"


def _did(asker: Asker, seed: int) -> str:
    """What the asker did with a seed: the kind of a sentence about it."""
    kinds = asker.doings.types[asker.doings.rows == seed]
    if not len(kinds):
        return "seen"
    if PURCHASE in kinds:
        return "bought"
    return "cart" if kinds[-1] == CART else "viewed"
