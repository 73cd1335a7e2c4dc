"""A stated share of places given to new products by chance, each product's chance known. Pure.

A list of L places gives K of them to new products: K is share x L, rounded up or down by chance so that its
mean is exact. The last K of the list that need not stay make room; K of the N new products that could stand
in the list are drawn, each set as likely, and put at places drawn likewise. So the chance of a new product is
the mean of K / N, and that of a listed one is the chance that K does not reach it from the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitrina.arrangement import at_most
from vitrina.catalog import Catalog
from vitrina.chance import sample, stream, unit
from vitrina.dataset import DAY
from vitrina.history import History
from vitrina.ids import Rows
from vitrina.inforce import Cap
from vitrina.placements.variety import Exploration

ALWAYS = np.iinfo(np.int64).min
UNBORN = np.iinfo(np.int64).max


class Explored(NamedTuple):
    """One list after chance. `rows`: int32[k]; `chances`: float32[k], the propensity of each; `kept`:
    int32[k], the place each had before, -1 for a new product."""

    rows: Rows
    chances: NDArray[np.float32]
    kept: Rows


class Newcomers:
    """The products of a catalogue by when they came: on sale from a date, or else first seen in histories."""

    def __init__(self, catalog: Catalog, history: History) -> None:
        first = np.full(len(catalog), UNBORN)
        np.minimum.at(first, history.rows, history.times)
        born = np.where(catalog.available_from > ALWAYS, catalog.available_from, first)
        order = np.argsort(born, kind="stable")
        known = int(np.searchsorted(born[order], UNBORN))
        self._rows, self._times = order[:known].astype(np.int32), born[order][:known]

    def at(self, now: int, days: float) -> Rows:
        """int32, by row: products that are `days` old at most."""
        low, high = np.searchsorted(self._times, [now - int(days * DAY), now + 1])
        return np.sort(self._rows[low:high])


def eligible(
    newcomers: Rows, product: Rows, barred: Rows, listed: Rows, caps: Sequence[Cap], limit: int, most: int
) -> Rows:
    """int32: new rows, one of each product, that may stand in a list whichever `most` of them are drawn.

    `barred`: rows that the asker may not see; `listed`: rows of the list.
    """
    taken = np.concatenate([product[listed], product[barred]])
    rows = newcomers[~np.isin(product[newcomers], taken)]
    for cap in caps:
        codes = cap.codes[rows]
        counts = np.array([(cap.codes[listed] == one).sum() for one in codes.tolist()])
        rows = rows[(codes < 0) | (counts + most <= at_most(cap.quota.most, limit))] if len(rows) else rows
    return rows[np.sort(np.unique(product[rows], return_index=True)[1])]


def places_given(exploration: Exploration, length: int) -> tuple[int, float]:
    """How many places at least, and the chance of one more."""
    wanted = exploration.share * length
    return int(wanted), wanted - int(wanted)


def explored(
    exploration: Exploration, rows: Rows, stay: NDArray[np.bool_], new: Rows, seed: Sequence[str]
) -> Explored:
    """One list, `rows` int32[k], with some places given to `new` ones; those that `stay`, bool[k], do."""
    least, more = places_given(exploration, len(rows))
    free = np.flatnonzero(~stay)
    room = min(len(free), len(new))
    numbers = stream(*seed)
    k = min(least + (unit(next(numbers)) < more), room)
    fewer, greater = min(least, room), min(least + 1, room)
    chances = np.ones(len(rows), np.float32)
    leaving = free[::-1]
    for number, place in enumerate(leaving[:greater].tolist()):
        chances[place] = more * (greater <= number) + (1 - more) * (fewer <= number)
    chance = ((1 - more) * fewer + more * greater) / max(1, len(new))
    drawn = new[sample(numbers, len(new), k)] if k else new[:0]
    spots = set(free[sample(numbers, len(free), k)].tolist()) if k else set()
    staying, arriving = iter(free[: len(free) - k].tolist()), iter(drawn.tolist())
    kept = np.arange(len(rows), dtype=np.int32)
    out, odds = rows.copy(), chances.copy()
    for place in free.tolist():
        if place in spots:
            out[place], odds[place], kept[place] = next(arriving), chance, -1
        else:
            kept[place] = next(staying)
            out[place], odds[place] = rows[kept[place]], chances[kept[place]]
    return Explored(out, odds, kept)
