"""What is asked of an engine at once: blocks that are alike, in which order, how long, without what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from vitrina.askers import NOTHING
from vitrina.crowd import Crowd, Each, Ends
from vitrina.discretion import AWAY
from vitrina.errors import InvalidRequest
from vitrina.ids import Rows
from vitrina.kernels.doings import beside, listed_for, of_some
from vitrina.placements import Placement
from vitrina.request import Block, ListedBlock, Request
from vitrina.rules import Rules
from vitrina.scopes import EVERYBODY, Scope
from vitrina.strategy import Query

MAX_CANDIDATES = 1000
"""Items of a block that names those to be ranked."""


class Asked(NamedTuple):
    """What requests have in common that are run as one batch."""

    block: Block
    explain: bool
    reasons: bool
    locale: str
    scope: Scope
    away: bool
    arm: str = ""
    share: float = 1.0

    def dealt(self, placement: Placement, identity: str) -> Asked:
        """The same, of the arm that an asker is dealt where the placement has an experiment."""
        arm = placement.experiment.arm(self.block.placement, identity) if placement.experiment else None
        return self._replace(arm=arm.name, share=arm.share) if arm else self

    def told(self, listed: ListedBlock) -> ListedBlock:
        """A list that says which arm it is of."""
        return replace(listed, arm=self.arm, arm_share=self.share) if self.arm else listed


def alike(
    requests: Sequence[Request], turn: int, orders: Sequence[Sequence[int]]
) -> Iterator[tuple[Block, Request, list[int]]]:
    """The blocks that are asked for at a turn: each with one of the requests that ask for it in the same
    words (`Asked`), and the places of all of them."""
    found: dict[tuple[Any, ...], tuple[Block, Request, list[int]]] = {}
    for place, one in enumerate(requests):
        if turn < len(orders[place]):
            block = one.blocks[orders[place][turn]]
            words = (block, one.channel, one.explain, one.reasons, one.locale)
            found.setdefault(words, (block, one, []))[2].append(place)
    return iter(found.values())


def scoped(
    block: Block,
    request: Request,
    placement: Placement,
    askers: Crowd,
    places: Sequence[int],
    rules: Rules,
    now: int,
) -> dict[Asked, Sequence[int]]:
    """Askers who ask for a block in the same words, by what else sets them apart: scope and arm. Those alike
    in that too are run as one batch."""
    away = bool(placement.sensitive) and request.channel in AWAY
    plain = Asked(block, request.explain, request.reasons, request.locale, EVERYBODY, away)
    if placement.experiment is None and rules.scopes.alike(placement, block.filter):
        return {plain: places}
    groups: dict[Asked, list[int]] = {}
    for place in places:
        scope = rules.scopes.of(askers[place], placement, block.filter, now)
        asked = plain._replace(scope=scope).dealt(placement, askers[place].identity)
        groups.setdefault(asked, []).append(place)
    return {**groups}


def order(request: Request) -> list[int]:
    """The places of a page's blocks in the order in which they choose: by priority, then from the top."""
    blocks = request.blocks
    return sorted(range(len(blocks)), key=lambda place: -blocks[place].priority)


def limit_of(block: Block, placement: Placement) -> int:
    """How long a list may be. Raises InvalidRequest for a limit below 0."""
    if block.limit < 0:
        raise InvalidRequest(f"limit {block.limit} of block {block.placement!r} is below 0")
    if block.candidate_item_ids:
        return min(block.limit or MAX_CANDIDATES, len(block.candidate_item_ids), MAX_CANDIDATES)
    return min(block.limit or placement.limit, placement.max_limit)


class Pages:
    """The pages of some askers while their blocks are filled in turn.

    `queries`: what sources were asked about a batch of them.
    """

    def __init__(self, askers: int, turns: int) -> None:
        self.queries: dict[tuple[int, ...], dict[str, Query]] = {}
        self._several, self._shown = turns > 1, (np.zeros(askers + 1, np.int64), NOTHING)

    def taken(self, askers: Crowd, places: Sequence[int], placement: Placement) -> Each:
        """What askers' pages hold or stand for, never shown again in any variant; they stand at these places
        of all."""
        held = askers.pages
        if not placement.show_context and len(askers.contexts[1]):
            held = beside(*held, *askers.contexts)
        if len(self._shown[1]):
            whole = len(places) == len(self._shown[0]) - 1
            shown: Each = self._shown if whole else of_some(*self._shown, _numbers(places))
            held = beside(*held, *shown)
        return held

    def shows(self, places: Sequence[int], lists: Rows) -> None:
        """Put a block on the pages; `lists`: int32[n, k], what it shows to each of these, -1 pads."""
        if self._several:
            listed = listed_for(len(self._shown[0]) - 1, _numbers(places), lists)
            self._shown = beside(*self._shown, *listed)


def _numbers(places: Sequence[int]) -> Ends:
    return np.array(places, np.int64)
