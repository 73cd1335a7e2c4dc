"""My size: which variants fit a customer, as the shop was told or as what they kept shows."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

import numpy as np

from vitrina.catalog import PATH
from vitrina.dataset import PURCHASE
from vitrina.facets import Facets, Mask
from vitrina.history import Doings
from vitrina.remembered import remembered

SURE = 2
"""Purchases that were kept, of one size within one category, from which on it counts as the customer's."""

Fit = tuple[tuple[str | int, tuple[str, ...]], ...]
"""(where, sizes) pairs: `where` is a step of a category path, '' for all, or the code of one category."""


def declared(text: str) -> Fit:
    """Sizes as a shop writes them: 'shoes:42;shoes:42.5;tops:M', or '42' for whatever has sizes."""
    found: dict[str, list[str]] = {}
    for one in text.split(";"):
        where, colon, size = one.rpartition(":")
        if size.strip():
            found.setdefault(where.strip().casefold() if colon else "", []).append(size.strip())
    return tuple((where, tuple(dict.fromkeys(sizes))) for where, sizes in found.items())


_declared = lru_cache(maxsize=1024)(declared)


class Sizes:
    """The sizes of one catalogue's items. A catalogue without the attribute 'size' fits everybody."""

    def __init__(self, facets: Facets) -> None:
        self._facets = facets
        self.size = facets.catalog.attributes.get("size")
        self._within = remembered(self._categories, 256)

    def fit(self, told: str, doings: Doings | None) -> Fit:
        """What fits: as `told` (see `declared`), and where that says nothing, as these doings show."""
        said = _declared(told)
        if doings is None or self.size is None:
            return said
        ruled = [self._within(str(where)) for where, _ in said]
        return (*said, *(one for one in self.learned(doings) if not any(inside[one[0]] for inside in ruled)))

    def learned(self, doings: Doings) -> tuple[tuple[int, tuple[str, ...]], ...]:
        """Sizes of each category, by its code, that were bought, and kept, at least SURE times."""
        if self.size is None:
            return ()
        rows = doings.rows[doings.types == PURCHASE]
        codes, category = self.size.codes[rows], self._facets.codes("category")[rows]
        counts = Counter(zip(category[codes >= 0].tolist(), codes[codes >= 0].tolist(), strict=True))
        found: dict[int, list[str]] = {}
        for (where, code), bought in sorted(counts.items()):
            if bought >= SURE and where >= 0:
                found.setdefault(where, []).append(self.size.values.name(code))
        return tuple((where, tuple(sizes)) for where, sizes in found.items())

    def narrow(self, mask: Mask, fit: Fit) -> None:
        """Take out of a mask what has a size, where one is known, and not one of them."""
        if self.size is None:
            return
        category = self._facets.codes("category")
        for where, sizes in fit:
            wrong = np.ones(len(self.size.values) + 1, np.bool_)
            wrong[[code for code in self.size.values.rows(sizes).tolist() if code >= 0]] = False
            wrong[-1] = False  # no size fits everybody
            inside = category == where if isinstance(where, int) else self._within(where)[category]
            mask &= ~(inside & wrong[self.size.codes])

    def _categories(self, step: str) -> Mask:
        """bool per category code, and last for 'none': whether its path has this step; '' is every step."""
        paths = self._facets.catalog.category.values
        names = paths.names(np.arange(len(paths), dtype=np.int32))
        held = [not step or step in (one.casefold() for one in path.split(PATH)) for path in names]
        return np.array([*held, not step], np.bool_)
