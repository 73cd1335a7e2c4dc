"""A block answered for all who ask for it alike: its placement, their scopes and arms, the stages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from vitrina import answers
from vitrina.asking import Asked, Pages, limit_of, scoped
from vitrina.crowd import Crowd, Each
from vitrina.discretion import discreet, guarded
from vitrina.draft import Draft, Opened
from vitrina.errors import InvalidRequest
from vitrina.fitted import Fitted
from vitrina.placements import Placement, Placements
from vitrina.request import Block, ListedBlock, Request
from vitrina.stages import through


class Answered(NamedTuple):
    """A batch that is alike in everything: `members` are its places among all who ask; `trace` has what left
    each stage, where that is explained."""

    asked: Asked
    members: Sequence[int]
    draft: Draft
    trace: list[tuple[str, Draft]]

    def blocks(self, opened: Opened) -> list[ListedBlock]:
        """The finished block of each of them. Raises SourceFailed."""
        asked = self.asked
        listed = answers.blocks(self.draft, opened, self.trace, reasons=asked.reasons, locale=asked.locale)
        return [asked.told(one) for one in listed]


class Answering(NamedTuple):
    """What blocks are answered with. `fitted`: each placement and arm as far as there are sources for it."""

    opened: Opened
    placements: Placements
    fitted: Mapping[tuple[str, str], Fitted]

    def block(
        self, block: Block, one: Request, askers: Crowd, places: Sequence[int], pages: Pages, now: int
    ) -> Iterator[Answered]:
        """A block for those at some places, who ask as `one` does; it stands on their pages then.

        Raises InvalidRequest, UnknownPlacement and SourceFailed.
        """
        placement = self.placement(block.placement, one.channel)
        for asked, members in scoped(block, one, placement, askers, places, self.opened.rules, now).items():
            crowd = askers if len(members) == len(askers) else askers.take(members)
            taken = pages.taken(crowd, members, self.fitted[block.placement, asked.arm].placement)
            draft = self._scoped(asked, crowd, taken, now)
            if not asked.away:
                draft = draft._replace(queries=pages.queries.setdefault(tuple(members), {}))
            draft, trace = through(self.opened, draft, asked.explain)
            pages.shows(members, draft.shown)
            yield Answered(asked, members, draft, trace)

    def placement(self, name: str, channel: str) -> Placement:
        """A placement that may be asked for. Raises UnknownPlacement and InvalidRequest."""
        self.placements.named(name)  # or UnknownPlacement, naming those there are
        placement = self.fitted[name, ""].placement
        if placement.channels and channel not in placement.channels:
            known = ", ".join(placement.channels)
            raise InvalidRequest(f"placement {name!r} is not for the channel {channel!r}; it is for {known}")
        return placement

    def draft(self, block: Block, askers: Crowd, taken: Each, now: int, arm: str = "") -> Draft:
        """A block that no stage has seen, for everybody's scope. Raises InvalidRequest."""
        placement, mixes, display = self.fitted[block.placement, arm]
        limit = limit_of(block, placement)
        return Draft.of(placement, mixes, display, block, limit, askers, taken, now)

    def _scoped(self, asked: Asked, askers: Crowd, taken: Each, now: int) -> Draft:
        """The draft of a block under its scope; away from the shop, with nothing sensitive in it."""
        draft = self.draft(asked.block, askers, taken, now, asked.arm)._replace(scope=asked.scope)
        if not asked.away:
            return draft
        hidden = self.opened.rules.below(draft.placement.sensitive)
        quiet = Crowd([discreet(one, hidden) for one in askers])
        return draft._replace(placement=guarded(draft.placement), askers=quiet)
