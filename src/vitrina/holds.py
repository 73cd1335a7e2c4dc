"""How far shoppers hold to attributes when they switch, and whether that is more than chance makes.

Several branches of a tree can be asked together: chance is then each branch's own (Mantel and Haenszel,
1959, pool strata so), and so are the orders in which values are dealt out anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitrina.ids import UNKNOWN, Rows
from vitrina.kernels.switching import hold, shares, shuffled

TOLD = 0.5
"""Switches whose both ends must have an attribute for it to be asked at all."""
SEED = 1984
_SAME = 1e-6


class Pairs(NamedTuple):
    """Switches: item rows `first` to `second`, int32; `weight` float64."""

    first: Rows
    second: Rows
    weight: NDArray[np.float64]

    def take(self, where: NDArray[Any] | slice) -> Pairs:
        """Some of them."""
        return Pairs(self.first[where], self.second[where], self.weight[where])


class Sureness(NamedTuple):
    """When an attribute is believed to be held to: by a share of shoppers of `least` at least, and by more
    than in all but a share `false_alarms` of so many `shuffles`."""

    least: float
    shuffles: int
    false_alarms: float


def held(
    branches: Sequence[Pairs], codes: NDArray[np.int32], sure: Sureness
) -> tuple[int, NDArray[np.float64]]:
    """(the attribute that is held to most, beyond chance, in these branches together, UNKNOWN for none; of
    each attribute the hold, 0 where it cannot be told).

    `codes`: int32[attributes, items of the shop], -1 where a value is not known. Branches share no item.
    """
    parts = [np.concatenate(part) for part in zip(*branches, strict=True)]
    items, at = np.unique(np.concatenate(parts[:2]), return_inverse=True)
    first, second = (half.astype(np.int32) for half in np.split(at, 2))
    stratum = np.zeros(len(items), np.int32)
    number = np.repeat(np.arange(len(branches), dtype=np.int32), [len(one.first) for one in branches])
    stratum[first], stratum[second] = number, number
    asked: Any = (first, second, parts[2], shares(first, second, parts[2], stratum), stratum)
    nested = np.stack([_nested(one[items], stratum) for one in codes])
    every = np.arange(len(items), dtype=np.int32)
    measured = np.array([hold(*asked, one, every) for one in nested])
    holds, _, expected, told = measured.T
    able = (told >= TOLD * parts[2].sum()) & (expected > 0) & (expected < told * (1 - _SAME))
    holds = holds * able
    if not (able & (holds >= sure.least)).any():
        return UNKNOWN, holds
    # All that could be told are shuffled, not the held ones alone: the greatest of them is the test.
    dealt = shuffled(*asked, nested[able], _orders(stratum, sure.shuffles))
    beyond = np.zeros(len(holds), np.bool_)
    beyond[able] = _beyond(holds[able], dealt, sure.false_alarms)
    beyond &= holds >= sure.least
    return (int(np.argmax(np.where(beyond, holds, -np.inf))) if beyond.any() else UNKNOWN), holds


def _nested(codes: NDArray[np.int32], stratum: Rows) -> Rows:
    """int32 per item: a value in a stratum, by numbers from 0; -1 where it is not known."""
    keys = np.where(codes >= 0, stratum.astype(np.int64) * (codes.max(initial=0) + 1) + codes, UNKNOWN)
    found, at = np.unique(keys, return_inverse=True)
    nested: Rows = (at - (found[:1] == UNKNOWN).sum()).astype(np.int32)
    return nested


def _orders(stratum: Rows, many: int) -> NDArray[np.int32]:
    """int32[many, items]: permutations by lot, each within its stratum."""
    random, places = np.random.default_rng(SEED), np.argsort(stratum, kind="stable")
    orders = np.empty((many, len(stratum)), np.int32)
    for order in orders:
        order[places] = np.argsort(random.random(len(stratum)) + stratum)
    return orders


def _beyond(holds: NDArray[np.float64], dealt: NDArray[np.float64], false_alarms: float) -> NDArray[np.bool_]:
    """Whether each hold is beyond the greatest of all attributes' by chance, each by its own spread."""
    mean, spread = dealt.mean(axis=0), np.maximum(dealt.std(axis=0), 1e-9)
    greatest = ((dealt - mean) / spread).max(axis=1)
    as_far = (greatest[:, None] >= ((holds - mean) / spread)[None, :]).sum(axis=0)
    sure: NDArray[np.bool_] = (1 + as_far) / (1 + len(dealt)) <= false_alarms
    return sure
