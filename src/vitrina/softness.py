"""Soft rules: what is preferred while a list is long enough, and the order in which they give way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vitrina.askers import Asker
from vitrina.catalog import PATH
from vitrina.facets import Facets
from vitrina.ids import Rows
from vitrina.masks import holds
from vitrina.placements import Placement, Soft
from vitrina.scopes import Scopes

TREE_NAMES = {"category": "subcategory"}
"""What decision trees call an attribute, where that is another name."""


class Softness:
    """The soft rules over one catalogue."""

    def __init__(self, facets: Facets, scopes: Scopes) -> None:
        self._facets, self._scopes = facets, scopes

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

    def levels(self, rows: Rows, soft: Sequence[Soft], asker: Asker, now: int) -> NDArray[np.int8]:
        """int8 like `rows`: how many soft rules, dropped from the last, let each row in."""
        level = np.zeros(rows.shape, np.int8)
        facts = self._scopes.facts(asker, [one.filter for one in soft], now)
        known = np.maximum(rows, 0)
        for place, rule in enumerate(soft):
            kept = holds(self._facets, rule.filter, facts, known)
            level = np.maximum(level, np.where(kept, 0, len(soft) - place)).astype(np.int8)
        return level
