"""Soft rules: what is preferred while a list is long enough, and the order in which they give way."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitrina.askers import Asker
from vitrina.catalog import PATH
from vitrina.facets import Facets, Mask
from vitrina.filters import RELATIVE, Filter
from vitrina.ids import Rows
from vitrina.masks import Facts, holds
from vitrina.placements import Placement, Soft
from vitrina.remembered import remembered
from vitrina.scopes import Scopes

TREE_NAMES = {"category": "subcategory"}
"""What decision trees call an attribute, where that is another name."""


CACHE_BYTES = 16 << 20
"""Of masks of soft rules that are alike for all; each has a byte an item."""


class Preferred(NamedTuple):
    """The soft rules of one asker's list, those that give way last first, and what they ask about."""

    rules: tuple[Soft, ...]
    facts: Facts


class Softness:
    """The soft rules over one catalogue."""

    def __init__(self, facets: Facets, scopes: Scopes) -> None:
        self._facets, self._scopes = facets, scopes
        kept = CACHE_BYTES // max(1, len(facets))
        self._alike = remembered(self._everywhere, min(64, max(4, kept)))

    def preferred(self, placement: Placement, asker: Asker, now: int) -> Preferred:
        """What one asker's list should hold."""
        rules = self.ordered(placement, asker.context)
        return Preferred(rules, self._scopes.facts(asker, [one.filter for one in rules], now))

    def ordered(self, placement: Placement, context: Rows) -> tuple[Soft, ...]:
        """The soft rules of a page, those that give way last first.

        With `by_tree`, rules about attributes that the seed's category has a tree for change places among
        themselves, so that what its shoppers give up first gives way first.
        """
        soft = placement.soft
        if not placement.by_tree or not len(context):
            return soft
        path = self._facets.catalog.category.text(int(context[0])).replace(PATH, " > ")
        order = list(self._scopes.shop.relaxing(path))
        names = [[TREE_NAMES.get(name, name) for name in one.holds] for one in soft]
        ranks = [min((order.index(name) for name in one if name in order), default=-1) for one in names]
        known = [at for at, rank in enumerate(ranks) if rank >= 0]
        filled = iter(sorted(known, key=lambda at: -ranks[at]))
        return tuple(soft[next(filled)] if rank >= 0 else one for one, rank in zip(soft, ranks, strict=True))

    def levels(self, rows: Rows, preferred: Preferred) -> NDArray[np.int8]:
        """int8 like `rows`: how many soft rules, dropped from the last, let each row in."""
        level = np.zeros(rows.shape, np.int8)
        known = np.maximum(rows, 0)
        for place, rule in reversed(list(enumerate(preferred.rules))):
            kept = self._kept(known, rule.filter, preferred.facts)
            level[~kept] = len(preferred.rules) - place
        return level

    def _kept(self, rows: Rows, wanted: Filter, facts: Facts) -> Mask:
        """bool like `rows`: what a soft rule would rather have."""
        if wanted.says(_CHANGING):
            return holds(self._facets, wanted, facts, rows)
        return self._alike(wanted)[rows]

    def _everywhere(self, wanted: Filter) -> Mask:
        return holds(self._facets, wanted)


_CHANGING = (*RELATIVE, "dates")
"""Conditions that depend on the asker, or on the day."""
