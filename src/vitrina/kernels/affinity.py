"""Which values of items are found together in baskets more often than chance would have it.

The unit is an ordered pair of different items of one basket, and a basket of m items gives each of
its items m - 1 of them, each counted 1 / (m - 1): a large basket says no more of an item than a small
one does. Baskets may be worth less, such as old ones. All of it is one sum of products, of values by
baskets with values by baskets, less what each item has in common with itself.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import get_num_threads, njit
from numpy.typing import NDArray

from vitrina.kernels.neighbours import Lists, ragged
from vitrina.kernels.select import descending, key_of, row_of, to_front
from vitrina.kernels.sparse import Csr

Doubles = NDArray[np.float64]
NIL = 1e-9
"""What is left of a difference of equal sums."""


def affinities(
    baskets: Csr, values: Csr, k: int, least: float, *, lift: bool, worth: Doubles | None = None
) -> Lists:
    """The k values that each value is most drawn to, best first; only what is met more than by chance.

    `baskets`: baskets x items, of which the presence counts; `values`: items x values, of which the
    presence counts. A score is the root of the log-likelihood ratio (Dunning, 1993), or with `lift` the
    logarithm of the lift. `least`: pairs, counted as above, that there must be. `worth`: float64 per basket,
    what it counts; 1 by default.
    """
    pairs, worths = _several(baskets, np.ones(baskets.shape[0]) if worth is None else worth)
    sizes = np.diff(pairs.indptr)
    n, whole, weights = values.shape[1], float((worths * sizes).sum()), worths / (sizes - 1)
    counts = product(pairs, Csr(values.indptr, values.indices, np.ones_like(values.data), values.shape))
    lists, items = counts.transposed(), values.transposed()
    own = np.bincount(pairs.indices, np.repeat(weights, sizes), baskets.shape[1])
    tables = [(one.indptr, one.indices, one.data) for one in (counts, lists, values, items)]
    margins = np.bincount(counts.indices, counts.data * np.repeat(worths, np.diff(counts.indptr)), n)
    k = max(0, min(k, n))
    rows, scores, found = np.empty((n, k), np.int32), np.empty((n, k), np.float32), np.zeros(n, np.int64)
    rules, out = (margins, whole, least, lift), (rows, scores.view(np.int32), found)
    threads = get_num_threads()
    work: list[Any] = [(turn, threads, *tables, weights, own, *rules, *out) for turn in range(threads)]
    if k and whole:
        with ThreadPoolExecutor(threads) as pool:
            for done in [pool.submit(_affinities, *one) for one in work]:
                done.result()
    return ragged(rows, scores, found)


def _several(baskets: Csr, worth: Doubles) -> tuple[Csr, Doubles]:
    """The baskets of more than one item, and what each counts."""
    sizes = np.diff(baskets.indptr)
    items = baskets.indices[np.repeat(sizes > 1, sizes)]
    sizes = sizes[sizes > 1]
    indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    shape = (len(sizes), baskets.shape[1])
    return Csr(indptr, items, np.ones(len(items), np.float32), shape), worth[np.diff(baskets.indptr) > 1]


def product(left: Csr, right: Csr) -> Csr:
    """The product of two sparse matrices of positive entries (Gustavson, 1978); columns in no order."""
    sides = (left.indptr, left.indices, left.data, right.indptr, right.indices, right.data)
    indptr, indices, data = _product(*sides, right.shape[1])
    return Csr(indptr, indices, data, (left.shape[0], right.shape[1]))


@njit(cache=True, nogil=True)
def _product(
    indptr: Any, columns: Any, data: Any, o_indptr: Any, o_columns: Any, o_data: Any, width: Any
) -> Any:
    ends = np.zeros(len(indptr), np.int64)
    seen, sums = np.full(width, -1, np.int64), np.zeros(width, np.float64)
    for row in range(len(indptr) - 1):
        found = 0
        for place in range(indptr[row], indptr[row + 1]):
            for column in o_columns[o_indptr[columns[place]] : o_indptr[columns[place] + 1]]:
                found += seen[column] != row
                seen[column] = row
        ends[row + 1] = ends[row] + found
    indices, products = np.empty(ends[-1], np.int32), np.empty(ends[-1], np.float32)
    for row in range(len(indptr) - 1):
        filled = ends[row]
        for place in range(indptr[row], indptr[row + 1]):
            for other in range(o_indptr[columns[place]], o_indptr[columns[place] + 1]):
                column = o_columns[other]
                if sums[column] == 0:
                    indices[filled] = column
                    filled += 1
                sums[column] += data[place] * o_data[other]
        for at in range(ends[row], filled):
            products[at] = sums[indices[at]]
            sums[indices[at]] = 0
    return ends, indices, products


@njit(cache=True, nogil=True)
def _affinities(
    turn: Any,
    turns: Any,
    baskets: Any,
    lists: Any,
    values: Any,
    items: Any,
    weights: Any,
    own: Any,
    margins: Any,
    whole: Any,
    least: Any,
    lift: Any,
    rows: Any,
    bits: Any,
    found: Any,
) -> None:
    """The lists of every `turns`-th value. Tables are (indptr, indices, data): baskets x values, values x
    baskets, items x values, values x items."""
    n = len(margins)
    sums, keys, ranked = np.zeros(n, np.float64), np.empty(n, np.int64), np.empty(n, np.int64)
    for value in range(turn, n, turns):
        _meet(value, baskets, lists, values, items, weights, own, sums)
        held = _score(value, sums, margins, whole, least, lift, keys)
        if held > rows.shape[1]:
            to_front(keys[:held], rows.shape[1])
            held = rows.shape[1]
        descending(keys[:held], ranked[:held])
        found[value] = held
        for at in range(held):
            rows[value, at] = row_of(ranked[at])
            bits[value, at] = ranked[at] >> 32


@njit(cache=True, nogil=True)
def _meet(
    value: Any, baskets: Any, lists: Any, values: Any, items: Any, weights: Any, own: Any, sums: Any
) -> None:
    """Into `sums`: how often the items of a value meet another item of each value."""
    for place in range(lists[0][value], lists[0][value + 1]):
        basket = lists[1][place]
        weight = weights[basket] * lists[2][place]
        for at in range(baskets[0][basket], baskets[0][basket + 1]):
            sums[baskets[1][at]] += weight * baskets[2][at]
    for place in range(items[0][value], items[0][value + 1]):
        item = items[1][place]
        for at in range(values[0][item], values[0][item + 1]):
            sums[values[1][at]] -= own[item]


@njit(cache=True, nogil=True)
def _score(value: Any, sums: Any, margins: Any, whole: Any, least: Any, lift: Any, keys: Any) -> Any:
    """Clear the sums; how many keys of values met more than by chance come first in `keys`."""
    held, score = 0, np.empty(1, np.float32)
    bits = score.view(np.int32)
    for other in range(len(sums)):
        both, chance = sums[other], margins[value] * margins[other]
        sums[other] = 0
        if both > NIL and both >= least - NIL and both * whole > chance * (1 + NIL):
            root = np.sqrt(_ratio(both, margins[value], margins[other], whole))
            score[0] = np.log(both * whole / chance) if lift else root
            keys[held] = key_of(bits[0], other)
            held += score[0] > 0
    return held


@njit(cache=True, nogil=True)
def _ratio(both: Any, one: Any, other: Any, whole: Any) -> Any:
    """Dunning's log-likelihood ratio of a 2 x 2 table by its first cell and its margins."""
    found = 0.0
    for row in range(2):
        for column in range(2):
            across = one if row == 0 else whole - one
            down = other if column == 0 else whole - other
            cell = both
            if row + column == 1:
                cell = (one if row == 0 else other) - both
            elif row == 1:
                cell = whole - one - other + both
            if cell > NIL:
                found += cell * np.log(cell * whole / (across * down))
    return max(0.0, 2 * found)
