"""Finding a customer or a product by the first letters that a person types."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from vitrina.display import bought
from vitrina.engine import Engine

MOST = 20
"""Choices offered at once."""


@dataclass(frozen=True)
class Finder:
    """Choices of one engine: (id, what a person knows it by)."""

    engine: Engine
    most: int = field(default=MOST)

    @cached_property
    def _titles(self) -> list[str]:
        titles = self.engine.catalog.title
        return [titles[row].casefold() for row in range(len(titles))]

    @cached_property
    def _taken(self) -> list[int]:
        """By row, how often a product was taken, looked at or carted."""
        counts: list[int] = bought(self.engine.askers.history, self.engine.n_items).astype(int).tolist()
        return counts

    @cached_property
    def busiest(self) -> str:
        """The customer who did most; empty where there is none."""
        did = np.diff(self.engine.askers.history.indptr)
        return self.engine.askers.users.name(int(did.argmax())) if len(did) else ""

    def customers(self, typed: str) -> list[tuple[str, str]]:
        """Customers whose id begins so, with how much they did."""
        users, did = self.engine.askers.users, np.diff(self.engine.askers.history.indptr)
        first = int(np.searchsorted(users.sorted, np.bytes_(typed.encode("utf-8", "ignore"))))
        found: list[tuple[str, str]] = []
        for row in range(first, min(first + self.most, len(users))):
            name = users.name(row)
            if not name.startswith(typed):
                break
            found.append((name, f"{did[row]:,} events"))
        return found

    def products(self, typed: str) -> list[tuple[str, str]]:
        """The product of that id, then those whose title holds all the words, what is most taken first."""
        words, catalog = typed.casefold().split(), self.engine.catalog
        if not words:
            return []
        own = self.engine.items.row(typed)
        rows = [row for row, title in enumerate(self._titles) if all(one in title for one in words)]
        rows.sort(key=lambda row: -self._taken[row])
        chosen = dict.fromkeys(([own] if own >= 0 else []) + rows[: self.most])
        return [(self.engine.items.name(row), catalog.title[row]) for row in chosen][: self.most]
