"""What lists are worth to those who asked: figures by asker, of lists in products of the shop judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrina import metrics
from vitrina.kernels.distinct import distinct
from vitrina.metrics import Hits, Lists, Truth, Values
from vitrina.splits import Split, of_types

CUTS = (10, 20)


@dataclass(frozen=True)
class Shop:
    """What judging lists needs of the shop that was learned from, by product.

    `of_item`: int32, the product of each item. `owners`: int64, customers (or anonymous visits)
    that took each product, of `n_owners`. `categories`, `departments`: int32, the latter into `named`.
    `seen`: whether anybody touched it. `known`: how many products were there to learn of; those behind
    them are only among what is asked.
    """

    of_item: NDArray[np.int32]
    owners: NDArray[np.int64]
    n_owners: int
    categories: NDArray[np.int32]
    seen: NDArray[np.bool_]
    departments: NDArray[np.int32]
    named: tuple[str, ...]
    known: int

    @classmethod
    def of(cls, cut: Split) -> Shop:
        """The shop that a split learns from."""
        train, of_item = cut.train, cut.test.catalog.product
        learned = of_item[: len(train.items)]
        n_products = int(of_item.max(initial=-1)) + 1
        taken = of_types(train, cut.wanted) & (train.actors >= 0)
        pairs = train.actors[taken].astype(np.int64) * n_products + of_item[train.events.item[taken]]
        categories = np.full(n_products, metrics.MISS, np.int32)
        categories[learned] = train.catalog.category.codes
        seen = np.zeros(n_products, np.bool_)
        seen[of_item[train.events.item]] = True
        owners = np.bincount(distinct(pairs) % max(n_products, 1), minlength=n_products)
        department = train.catalog.department()
        departments = np.full(n_products, metrics.MISS, np.int32)
        departments[learned] = department.codes
        n_owners = len(distinct(train.actors[taken]))
        known = int(learned.max(initial=-1)) + 1
        return cls(of_item, owners, n_owners, categories, seen, departments, tuple(department.names), known)

    def products(self, lists: Lists) -> Lists:
        """Lists of items in products."""
        return np.append(self.of_item, np.int32(metrics.MISS))[lists]

    def own(self, lists: Lists) -> Lists:
        """Lists of products without those that are only among what is asked: a bundle may list them, but
        they are no part of the catalogue."""
        return np.where(lists < self.known, lists, np.int32(metrics.MISS))


def figures(lists: Lists, filled: Hits, truth: Truth, shop: Shop) -> dict[str, Values]:
    """float64[n] by metric name, of lists in products; `filled`: whether a fallback had to help."""
    found: dict[str, Values] = {}
    for k in CUTS:
        found |= {f"{name}@{k}": one for name, one in metrics.accuracy(lists[:, :k], truth).items()}
    found["novelty@10"] = metrics.novelty(lists[:, :10], shop.owners, shop.n_owners)
    found["diversity@10"] = metrics.diversity(lists[:, :10], shop.categories)
    found["fallback"] = filled.astype(np.float64)
    found["short@10"] = ((lists[:, :10] >= 0).sum(1) < 10).astype(np.float64)
    return found
