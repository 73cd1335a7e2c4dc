"""From which item shoppers went over to which, how that compares with chance, and who stands in for whom."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from vitrina.kernels.select import descending, key_of, row_of

ROUNDS = 60
"""Rounds of proportional fitting: shares are then still to a millionth, but where one item has nearly all."""


@njit(cache=True)
def switches(owner: Any, ends: Any, items: Any, crowd: Any) -> Any:
    """(first int32, second int32, weight float64): what each basket left out for what it took instead.

    Basket b is of `owner[b]` and holds `items[ends[b]:ends[b + 1]]`, ascending; an owner's baskets stand
    together, oldest first. What two neighbouring baskets share is no switch; the rest of the one goes
    over to the rest of the other, all pairs of them weighing 1 together. Baskets of more than `crowd`
    items say nothing.
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
                weight[place] = 1.0 / (left * right)
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
def shares(first: Any, second: Any, weight: Any, n: Any) -> Any:
    """float64[n]: the share of each item in what is switched to, if only shares told.

    Quasi-independence (Goodman, 1968): a switch from a goes to b with chance share[b] / (1 - share[a]),
    fitted to both margins in turn; so an item that few ever leave is not taken for a favourite goal.
    """
    left, taken = np.zeros(n), np.zeros(n)
    for place in range(len(first)):
        left[first[place]] += weight[place]
        taken[second[place]] += weight[place]
    goal, origin = taken / max(taken.sum(), 1e-300), np.empty(n)
    for _ in range(ROUNDS):
        for item in range(n):
            origin[item] = left[item] / max(1.0 - goal[item], 1e-12)
        everything = origin.sum()
        for item in range(n):
            goal[item] = taken[item] / max(everything - origin[item], 1e-300)
        goal /= max(goal.sum(), 1e-300)
    return goal


@njit(cache=True)
def hold(first: Any, second: Any, weight: Any, share: Any, codes: Any, given: Any) -> Any:
    """(hold, stays, expected, told) of one attribute: float64.

    `codes`: int32 an item, -1 where its value is not known; a switch from or to such tells nothing.
    `given` maps an item to the place of its code. Hold is the share of shoppers who must have the value
    again while all others take anything: stays = hold + (1 - hold) * expected.
    """
    totals, known = np.zeros(codes.max() + 2), 0.0
    for item in range(len(share)):
        code = codes[given[item]]
        if code >= 0:
            totals[code] += share[item]
            known += share[item]
    chance = np.zeros(len(share))
    for item in range(len(share)):
        code = codes[given[item]]
        if code >= 0:
            chance[item] = (totals[code] - share[item]) / max(known - share[item], 1e-12)
    stays, expected, told = 0.0, 0.0, 0.0
    for place in range(len(first)):
        origin, goal = codes[given[first[place]]], codes[given[second[place]]]
        if origin >= 0 and goal >= 0:
            told += weight[place]
            expected += weight[place] * chance[first[place]]
            stays += weight[place] * (origin == goal)
    return (stays - expected) / max(told - expected, 1e-9 * told + 1e-300), stays, expected, told


@njit(cache=True, parallel=True)
def shuffled(first: Any, second: Any, weight: Any, share: Any, codes: Any, orders: Any) -> Any:
    """float64[len(orders), attributes]: the holds, had the items' values been dealt out by each order.

    `codes`: int32[attributes, items]; `orders`: int32[., items], permutations.
    """
    found = np.empty((len(orders), len(codes)))
    for one in prange(len(orders)):
        for attribute in range(len(codes)):
            found[one, attribute] = hold(first, second, weight, share, codes[attribute], orders[one])[0]
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
