"""What is asked of an engine at once: blocks that are alike, in which order, how long, without what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from vitrina.askers import Asker
from vitrina.discretion import AWAY
from vitrina.errors import InvalidRequest
from vitrina.ids import Rows, joined
from vitrina.placements import Placement
from vitrina.request import Block, ListedBlock, Request
from vitrina.scopes import Scope, Scopes

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
    requests: Sequence[Request],
    askers: Sequence[Asker],
    places: Sequence[int | None],
    now: int,
    scopes: Scopes,
    placement_of: Callable[[str, str], Placement],
) -> dict[Asked, list[int]]:
    """Requests that ask for the same block, in one scope: run as one batch. `places`: of each the block whose
    turn it is, None where there is none; `placement_of` a name and a channel. Raises what that does."""
    groups: dict[Asked, list[int]] = {}
    for one, (request, place) in enumerate(zip(requests, places, strict=True)):
        if place is None:
            continue
        block = request.blocks[place]
        placement = placement_of(block.placement, request.channel)
        scope = scopes.of(askers[one], placement, block.filter, now)
        away = bool(placement.sensitive) and request.channel in AWAY
        asked = Asked(block, request.explain, request.reasons, request.locale, scope, away)
        groups.setdefault(asked.dealt(placement, askers[one].identity), []).append(one)
    return groups


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


def taken_by(asker: Asker, shown: list[Rows], placement: Placement) -> Rows:
    """What the page already holds or stands for: never shown again, in any variant."""
    context = [] if placement.show_context else [asker.context]
    return joined(*context, asker.page, *shown)
