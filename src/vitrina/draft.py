"""One block of a batch of askers on its way through the stages, and what stages look at beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitrina.blend import Ranked
from vitrina.built_in import DISPLAYED, GIVEN
from vitrina.crowd import Crowd, Each
from vitrina.display import Display
from vitrina.faltering import RANKER, Mute
from vitrina.grounds import Grounds
from vitrina.ids import Ids, Rows
from vitrina.placements import Mix, Placement
from vitrina.ranker import Ranker
from vitrina.request import Block
from vitrina.rules import Admitted, Rules
from vitrina.scopes import EVERYBODY, Scope
from vitrina.seeds import query
from vitrina.softness import Preferred
from vitrina.strategy import Allow, Candidates, Query, Source

_POOL = 100
"""Candidates at least that a list is arranged from."""


@dataclass(frozen=True)
class Opened:
    """What stages may look at beside the draft: the id map, the rules, the sources by name, the trees; and
    what reasons are said in."""

    items: Ids
    rules: Rules
    sources: Mapping[str, Source]
    ranker: Ranker | None = None
    grounds: Grounds | None = None

    def without(self, name: str) -> Opened:
        """The same with a source, or the trees, mute."""
        if name == RANKER:
            return replace(self, ranker=None)
        return replace(self, sources={**self.sources, name: Mute()})


class Draft(NamedTuple):
    """One block of a batch of askers, as it passes the stages.

    `queries`: by kind of seeds, what sources were asked, for earlier blocks of these askers too. `room`: how
    many items stages after the blend keep, at least `limit`. `preferred`: each asker's soft rules; `relaxed`:
    those that gave way, in that order;
    `levels`: the fallback that was needed; `dropped`: whether the list was under its minimum. `display`: how
    the placement arranges its lists, None for as they are ranked; `stay`: bool[n, limit], what must not be
    moved for it; `chances`: float32[n, limit], of each item to be in the list, None where none was drawn.
    """

    placement: Placement
    mixes: tuple[Mix, ...]
    block: Block
    limit: int
    now: int
    askers: Crowd
    taken: Each
    allow: Allow
    room: int
    queries: dict[str, Query]
    scope: Scope = EVERYBODY
    admitted: Admitted | None = None
    lists: tuple[Candidates, ...] = ()
    ranked: Ranked | None = None
    preferred: tuple[Preferred, ...] = ()
    relaxed: tuple[tuple[str, ...], ...] = ()
    levels: tuple[int, ...] = ()
    dropped: tuple[bool, ...] = ()
    display: Display | None = None
    stay: NDArray[np.bool_] | None = None
    chances: NDArray[np.float32] | None = None

    @classmethod
    def of(
        cls,
        placement: Placement,
        mixes: tuple[Mix, ...],
        display: Display | None,
        block: Block,
        limit: int,
        askers: Crowd,
        taken: Each,
        now: int,
    ) -> Draft:
        """A block that no stage has seen yet."""
        room = max(_POOL, 3 * limit) if display and display.arranges else limit
        allow = Allow(np.zeros(0, np.bool_), np.zeros(len(askers) + 1, np.int64), np.zeros(0, np.int32))
        return cls(placement, mixes, block, limit, now, askers, taken, allow, room, {}, display=display)

    @property
    def names(self) -> tuple[str, ...]:
        """Sources in the order of `Ranked.shares`: the placement's own, fillers, displays'."""
        own = (*(one.strategy for one in self.mixes), *self.fillers)
        return own if self.display is None else (*own, *DISPLAYED)

    @property
    def filled(self) -> int:
        """How long a list is before it is arranged: what is arranged wants more than it shows."""
        return self.limit if self.display is None else self.room

    def start(self, kind: str) -> Query:
        """What sources are asked that start from a kind of seeds."""
        if kind not in self.queries:
            self.queries[kind] = query(self.askers, kind, self.now)
        return self.queries[kind]

    def asked(self, seeds: str, place: int) -> Query:
        """What a source is asked that starts one asker's list from a kind of seeds."""
        return query([self.askers[place]], seeds, self.now)

    @property
    def shown(self) -> Rows:
        """int32[n, m]: the products of each asker's list as it stands, -1 pads."""
        assert self.ranked is not None
        return np.ascontiguousarray(self.ranked.rows)

    @property
    def fillers(self) -> tuple[str, ...]:
        """What fills a short list, in this order."""
        given = (GIVEN,) if self.block.candidate_item_ids else ()
        return (*self.placement.fallback, *given)


Stage = Callable[[Opened, Draft], Draft]
"""One step: what is opened and a draft to the next draft; pure."""
