"""What is asked of an engine at once: blocks that are alike, in which order, how long, without what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from vitrina.askers import NOTHING
from vitrina.crowd import Crowd
from vitrina.discretion import AWAY
from vitrina.errors import InvalidRequest
from vitrina.ids import Rows, joined
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


def taken_by(askers: Crowd, place: int, shown: Sequence[Rows], placement: Placement) -> Rows:
    """What an asker's page already holds or stands for: never shown again, in any variant."""
    return joined(*askers.page(place, context=not placement.show_context), *shown)


@dataclass(frozen=True)
class Pages:
    """The pages of some askers while their blocks are filled in turn. `shown`: what each holds so far, empty
    where no block follows; `queries`: what sources were asked about a batch of them."""

    shown: tuple[list[Rows], ...]
    queries: dict[tuple[int, ...], dict[str, Query]]

    @classmethod
    def of(cls, askers: int, turns: int) -> Pages:
        """Empty pages with room for so many blocks."""
        return cls(tuple([] for _ in range(askers if turns > 1 else 0)), {})

    def taken(self, askers: Crowd, places: Sequence[int], placement: Placement) -> tuple[Rows, ...]:
        """What askers' pages hold already; they stand at these places of all."""
        if not self.shown and askers.pageless:
            return (NOTHING,) * len(places)
        held = [self.shown[one] for one in places] if self.shown else [()] * len(places)
        return tuple(taken_by(askers, at, one, placement) for at, one in enumerate(held))

    def shows(self, places: Sequence[int], listed: Callable[[int], Rows]) -> None:
        """Put a block on the pages; `listed`: what it shows to each of these."""
        if self.shown:
            for at, place in enumerate(places):
                self.shown[place].append(listed(at))
