"""Finished lists: arrays until somebody wants objects of them.

The wire is written from the arrays (`kernels/messages.py`); a `Listing` makes a `ListedItem` for whoever
asks for one, and costs nothing before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from vitrina.ids import UNKNOWN, Ids, Rows
from vitrina.kernels.messages import names
from vitrina.remembered import Once
from vitrina.request import ListedItem, Reason, RuleReason


@dataclass(frozen=True, eq=False)
class Lists:
    """n lists of m items together: list i is `rows[ends[i]:ends[i + 1]]`, best first.

    `ids`: of items; `names`: of sources, each once. `ends`: int64[n + 1]; `rows`: int32[m]; `scores`:
    float32[m]; `sources`: int32[m, S] into `names`, strongest first, -1 pads; `leads`: int32[m] into
    `names`, the source of each reason; `seeds`: int32[m, w] and `figures`: float64[m, 3] as in
    `strategy.Whys`; `said`: the sentence of each reason, or none at all.
    """

    ids: Ids
    names: tuple[str, ...]
    ends: NDArray[np.int64]
    rows: Rows
    scores: NDArray[np.float32]
    sources: Rows
    leads: Rows
    seeds: Rows
    figures: NDArray[np.float64]
    said: Sequence[str] = ()
    written: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
    """What was made of all of them at once, by its name: they are mostly asked for one after the other."""

    def of(self, place: int) -> Listing:
        """One of the lists."""
        return Listing(self, place)

    @Once
    def bounds(self) -> list[int]:
        """`ends` as numbers."""
        found: list[int] = self.ends.tolist()
        return found

    @Once
    def named(self) -> tuple[list[int], bytes]:
        """The ids of each list, a NUL behind each, and where they begin and end."""
        starts, found = names(self.ends, self.ids.letters, self.rows)
        return starts.tolist(), found.tobytes()

    @Once
    def led(self) -> list[int]:
        """`leads` as numbers."""
        found: list[int] = self.leads.tolist()
        return found


class Listing(Sequence[ListedItem]):
    """One of some lists, as a sequence that makes its items when they are looked at."""

    def __init__(self, lists: Lists, place: int) -> None:
        self.lists, self.place = lists, place
        self.low, self.high = lists.bounds[place : place + 2]

    @classmethod
    def of(cls, items: Sequence[ListedItem]) -> Listing:
        """Items as arrays, for engines that made objects. A rule's antecedents must be its reason's seeds."""
        if isinstance(items, Listing):
            return items
        seeds = [one.reason.seed_item_ids for one in items]
        ids = Ids.of([one.item_id for one in items] + list(chain.from_iterable(seeds)))
        names = dict.fromkeys(chain.from_iterable((one.reason.source, *one.sources) for one in items))
        numbers = {name: number for number, name in enumerate(names)}
        figures = [one.reason.rule[1:] if one.reason.rule else (0.0, 0.0, 0.0) for one in items]
        lists = Lists(
            ids=ids,
            names=tuple(names),
            ends=np.array([0, len(items)], np.int64),
            rows=ids.rows([one.item_id for one in items]),
            scores=np.array([one.score for one in items], np.float32),
            sources=_padded([[numbers[name] for name in one.sources] for one in items]),
            leads=np.array([numbers[one.reason.source] for one in items], np.int32),
            seeds=_padded([ids.rows(one).tolist() for one in seeds]),
            figures=np.array(figures, np.float64).reshape(-1, 3),
            said=[one.reason.sentence for one in items],
        )
        return lists.of(0)

    @property
    def span(self) -> slice:
        """Where the items stand in the lists."""
        return slice(self.low, self.high)

    @property
    def item_ids(self) -> list[str]:
        """The ids of the items."""
        return self.lists.ids.names(self.lists.rows[self.span])

    @property
    def named(self) -> bytes:
        """The ids of the items as they are stored, a NUL behind each."""
        starts, found = self.lists.named
        return found[starts[self.place] : starts[self.place + 1]]

    @property
    def scores(self) -> list[float]:
        """The score of each item."""
        found: list[float] = self.lists.scores[self.span].tolist()
        return found

    @property
    def leads(self) -> list[str]:
        """The source of each item's reason."""
        names = self.lists.names
        return [names[one] for one in self.led]

    @property
    def led(self) -> list[int]:
        """The same as numbers in the names of the lists."""
        return self.lists.led[self.span]

    @property
    def said(self) -> Sequence[str]:
        """The sentence of each item's reason; nothing where none were asked for."""
        return self.lists.said[self.span]

    def __len__(self) -> int:
        return self.high - self.low

    @overload
    def __getitem__(self, at: int) -> ListedItem: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[ListedItem]: ...
    def __getitem__(self, at: int | slice) -> ListedItem | Sequence[ListedItem]:
        return tuple(self)[at]

    def __iter__(self) -> Iterator[ListedItem]:
        one, span, names = self.lists, self.span, self.lists.names
        sources = one.sources[span].tolist()
        said = self.said or [""] * len(self)
        reasons = zip(self.leads, one.seeds[span], one.figures[span].tolist(), said, strict=True)
        scored = zip(self.item_ids, self.scores, sources, reasons, strict=True)
        for item_id, score, proposed, (lead, seeds, figures, sentence) in scored:
            ids = tuple(one.ids.names(seeds[seeds >= 0]))
            rule = RuleReason(ids, *figures) if any(figures) else None
            by = tuple([names[number] for number in proposed if number >= 0])
            yield ListedItem(item_id, score, by, Reason(lead, ids, rule, sentence))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


def _padded(lists: Sequence[Sequence[int]]) -> Rows:
    """int32[n, w]: short lists of rows, -1 behind each."""
    width = max(map(len, lists), default=0)
    return np.array([[*one, *[UNKNOWN] * (width - len(one))] for one in lists], np.int32).reshape(
        len(lists), width
    )
