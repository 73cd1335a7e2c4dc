"""From which item shoppers went over to which, how that compares with chance, and who stands in for whom."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from vitrina.kernels.select import descending, key_of, row_of

ROUNDS = 60
"""Rounds of proportional fitting: shares are then still to a millionth, but where one item has nearly all."""


@njit(cache=True)
def switches(owner: Any, ends: Any, items: Any, worth: Any, crowd: Any) -> Any:
    """(first int32, second int32, weight float64): what each basket left out for what it took instead.

    Basket b is of `owner[b]` and holds `items[ends[b]:ends[b + 1]]`, ascending; an owner's baskets stand
    together, oldest first. What two neighbouring baskets share is no switch; the rest of the one goes
    over to the rest of the other, all pairs of them weighing the other's `worth` together.
    Baskets of more than `crowd` items say nothing.
    """
    total, gone, come = 0, np.empty(crowd, np.int32), np.empty(crowd, np.int32)
    for at in range(1, len(owner)):
        counts = _apart(owner, ends, items, crowd, at, gone, come)
        total += counts[0] * counts[1]
    first, second, weight = np.empty(total, np.int32), np.empty(total, np.int32), np.empty(total)
    place = 0
    for at in range(1, len(owner)):
        left, right = _apart(owner, ends, items, crowd, at, gone, come)
        for one in range(left):
            for other in range(right):
                first[place], second[place] = gone[one], come[other]
                weight[place] = worth[at] / (left * right)
                place += 1
    return first, second, weight


@njit(cache=True)
def _apart(owner: Any, ends: Any, items: Any, crowd: Any, at: Any, gone: Any, come: Any) -> Any:
    """What only the basket before `at` holds into `gone`, what only `at` holds into `come`; how many."""
    low, middle, high = ends[at - 1], ends[at], ends[at + 1]
    if owner[at] != owner[at - 1] or max(middle - low, high - middle) > crowd:
        return 0, 0
    one, other, left, right = low, middle, 0, 0
    while one < middle or other < high:
        if other == high or (one < middle and items[one] < items[other]):
            gone[left] = items[one]
            one, left = one + 1, left + 1
        elif one == middle or items[other] < items[one]:
            come[right] = items[other]
            other, right = other + 1, right + 1
        else:
            one, other = one + 1, other + 1
    return left, right


@njit(cache=True)
def shares(first: Any, second: Any, weight: Any, stratum: Any) -> Any:
    """float64[n]: the share of each item in what is switched to in its stratum, if only shares told.

    Quasi-independence (Goodman, 1968): a switch from a goes to b with chance share[b] / (1 - share[a]),
    fitted to both margins in turn; so an item that few ever leave is not taken for a favourite goal.
    `stratum`: int32[n], from 0; none is switched from to another.
    """
    n, strata = len(stratum), stratum.max() + 1 if len(stratum) else 0
    left, taken = np.zeros(n), np.zeros(n)
    for place in range(len(first)):
        left[first[place]] += weight[place]
        taken[second[place]] += weight[place]
    goal, origin = _of_each(taken, stratum, strata), np.empty(n)
    for _ in range(ROUNDS):
        everything = np.zeros(strata)
        for item in range(n):
            origin[item] = left[item] / max(1.0 - goal[item], 1e-12)
            everything[stratum[item]] += origin[item]
        for item in range(n):
            goal[item] = taken[item] / max(everything[stratum[item]] - origin[item], 1e-300)
        goal = _of_each(goal, stratum, strata)
    return goal


@njit(cache=True)
def _of_each(values: Any, stratum: Any, strata: Any) -> Any:
    """float64[n]: values that sum to 1 in each stratum."""
    total = np.zeros(strata)
    for item in range(len(values)):
        total[stratum[item]] += values[item]
    return values / np.maximum(total, 1e-300)[stratum]


@njit(cache=True)
def hold(first: Any, second: Any, weight: Any, share: Any, stratum: Any, codes: Any, given: Any) -> Any:
    """(hold, stays, expected, told) of one attribute: float64.

    `stratum`: int32 an item, from 0; `codes`: int32 an item, a value in a stratum, no two strata having one
    in common, -1 where it is not known; a switch from or to such tells nothing.
    `given` maps an item to the place of its code, in its own stratum. Hold is the share of shoppers who must
    have the value again while all others take anything: stays = hold + (1 - hold) * expected.
    """
    totals, known = np.zeros(codes.max() + 2), np.zeros(stratum.max() + 1)
    for item in range(len(share)):
        code = codes[given[item]]
        if code >= 0:
            totals[code] += share[item]
            known[stratum[item]] += share[item]
    chance = np.zeros(len(share))
    for item in range(len(share)):
        code = codes[given[item]]
        if code >= 0:
            chance[item] = (totals[code] - share[item]) / max(known[stratum[item]] - share[item], 1e-12)
    stays, expected, told = 0.0, 0.0, 0.0
    for place in range(len(first)):
        origin, goal = codes[given[first[place]]], codes[given[second[place]]]
        if origin >= 0 and goal >= 0:
            told += weight[place]
            expected += weight[place] * chance[first[place]]
            stays += weight[place] * (origin == goal)
    return (stays - expected) / max(told - expected, 1e-9 * told + 1e-300), stays, expected, told


@njit(cache=True, parallel=True)
def shuffled(first: Any, second: Any, weight: Any, share: Any, stratum: Any, codes: Any, orders: Any) -> Any:
    """float64[len(orders), attributes]: the holds, had the items' values been dealt out by each order.

    `codes`: int32[attributes, items]; `orders`: int32[., items], permutations within strata.
    """
    found = np.empty((len(orders), len(codes)))
    for one in prange(len(orders)):
        for attribute in range(len(codes)):
            asked = (first, second, weight, share, stratum, codes[attribute], orders[one])
            found[one, attribute] = hold(*asked)[0]
    return found


@njit(cache=True, parallel=True)
def substitutes(
    order: Any, nodes: Any, ends: Any, spans: Any, paths: Any, leaf: Any, worth: Any, owner: Any, k: Any
) -> Any:
    """(counts int64[items], rows int32[items, k], scores float32[items, k]): stand-ins of each, best first.

    `order`: item rows, those of a node together and those of a category together; node `nodes[g]` has
    order[ends[g]:ends[g + 1]], its category order[spans[g, 0]:spans[g, 1]]. `paths`: int32[nodes, depth],
    a node's ancestors from the root to itself, -1 after. A score is how many ancestors both leaves
    share plus `worth` (float32 an item, under 1). None of an item's own `owner` stands in for it.
    """
    counts = np.zeros(len(leaf), np.int64)
    rows, scores = np.zeros((len(leaf), k), np.int32), np.zeros((len(leaf), k), np.float32)
    for group in prange(len(nodes)):
        ranked = _ranked(order[spans[group, 0] : spans[group, 1]], paths, nodes[group], leaf, worth)
        for place in range(ends[group], ends[group + 1]):
            _fill(order[place], ranked, owner, k, counts, rows, scores)
    return counts, rows, scores


@njit(cache=True)
def _ranked(members: Any, paths: Any, node: Any, leaf: Any, worth: Any) -> Any:
    """Keys of a category's items, the best stand-ins for what hangs at `node` first."""
    scores, keys = np.empty(len(members), np.float32), np.empty(len(members), np.int64)
    bits = scores.view(np.int32)
    for at in range(len(members)):
        scores[at] = np.float32(_common(paths, node, leaf[members[at]])) + worth[members[at]]
        keys[at] = key_of(bits[at], members[at])
    ranked = np.empty(len(members), np.int64)
    descending(keys, ranked)
    return ranked


@njit(cache=True)
def _fill(item: Any, ranked: Any, owner: Any, k: Any, counts: Any, rows: Any, scores: Any) -> None:
    """The first k of the ranked that are not the item's own."""
    bits = scores.view(np.int32)
    for key in ranked:
        if counts[item] == k:
            break
        if owner[row_of(key)] != owner[item]:
            rows[item, counts[item]] = row_of(key)
            bits[item, counts[item]] = key >> 32
            counts[item] += 1


@njit(cache=True)
def _common(paths: Any, one: Any, other: Any) -> Any:
    """How many ancestors two nodes share, themselves counted."""
    shared = 0
    while shared < paths.shape[1] and paths[one, shared] >= 0 and paths[one, shared] == paths[other, shared]:
        shared += 1
    return shared
