"""Itemsets that many baskets hold, and the rules they make: mlxtend's FP-growth, kept within bounds.

Offline only: mlxtend, pandas and scipy are imported where they are called.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vitrina.ids import Rows
from vitrina.kernels.pairs import Pairs, pair_counts
from vitrina.kernels.sparse import Csr

Found = dict[tuple[int, ...], list[tuple[int, int, int]]]


def longer_rules(baskets: Csr, least: int, most: int, sides: int) -> Found:
    """Rules of two to `sides` antecedents and one consequent that `least` baskets hold.

    By antecedent, its rows from the rarest on: (consequent, baskets with both, baskets with the
    antecedent). A size of which there may be more than `most` itemsets is left out, as are all above.
    """
    from mlxtend.frequent_patterns import association_rules

    items, itemsets = _itemsets(baskets, least, most, sides + 1)
    if itemsets is None:
        return {}
    n, holding = baskets.shape[0], np.bincount(baskets.indices, minlength=baskets.shape[1])
    wanted = ["antecedent support", "support"]
    rules = association_rules(itemsets, num_itemsets=n, min_threshold=0.0, return_metrics=wanted)
    rules = rules[(rules.antecedents.map(len) > 1) & (rules.consequents.map(len) == 1)]
    found: Found = {}
    for left, right, of_left, of_both in rules.itertuples(index=False):
        rows = sorted((int(items[one]) for one in left), key=lambda row: (holding[row], row))
        rule = (int(items[min(right)]), round(of_both * n), round(of_left * n))
        found.setdefault(tuple(rows), []).append(rule)
    return found


def _itemsets(baskets: Csr, least: int, most: int, longest: int) -> tuple[Rows, Any]:
    """Itemsets of up to `longest` items that `least` baskets hold, as mlxtend's frame over `items`.

    None where no three items go together. FP-growth's time and memory follow the number of
    itemsets, so the candidates of each size, which Apriori joins from the frequent itemsets of the
    size before (Agrawal and Srikant 1994), are counted first.
    """
    from mlxtend.frequent_patterns import fpgrowth
    from pandas import DataFrame
    from scipy.sparse import csr_matrix

    pairs = np.concatenate(
        [_ordered(some) for some in pair_counts(baskets, least)] or [np.zeros((0, 2), np.int32)]
    )
    items, times = np.unique(pairs, return_counts=True)
    items = items[times > 1]  # of three items that go together, each is in two frequent pairs
    itemsets, found = pairs, None
    matrix = csr_matrix((np.ones(len(baskets.data), bool), baskets.indices, baskets.indptr), baskets.shape)
    frame = DataFrame.sparse.from_spmatrix(matrix[:, items])
    for size in range(3, longest + 1):
        if not 0 < _candidates(itemsets) <= most:
            break
        frequent = fpgrowth(frame, min_support=(least - 0.5) / len(frame), max_len=size)
        chosen = frequent.itemsets[frequent.itemsets.map(len) == size]
        if not len(chosen):
            break
        itemsets, found = np.sort(np.array([sorted(one) for one in chosen], np.int32)), frequent
    return items, found


def _ordered(pairs: Pairs) -> Rows:
    """int32[n, 2]: each unordered pair once."""
    both = np.stack([np.repeat(pairs.antecedents, np.diff(pairs.indptr)), pairs.rows], axis=1)
    return both[both[:, 0] < both[:, 1]]


def _candidates(itemsets: Rows) -> int:
    """How many itemsets of one more item Apriori would join from these: pairs that share a beginning."""
    _, sizes = np.unique(itemsets[:, :-1], axis=0, return_counts=True)
    return int((sizes * (sizes - 1) // 2).sum())
