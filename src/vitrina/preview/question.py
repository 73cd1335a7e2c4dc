"""What is asked of the preview: the fields of its form, bounded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from urllib.parse import urlencode

from vitrina.request import Block, Request

LONGEST = 256
"""Letters of a field; what is longer is no id that a bundle holds."""


@dataclass(frozen=True)
class Question:
    """One look: two placements at most, a customer, a product that the page is about. `channel` empty: one
    that the placement is for."""

    placement: str = ""
    beside: str = ""
    user: str = ""
    item: str = ""
    region: str = ""
    channel: str = ""
    locale: str = "en"

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> Question:
        """The question of an address's parameters; unknown ones are left out."""
        known = {one.name: asked[one.name].strip()[:LONGEST] for one in fields(cls) if one.name in asked}
        return cls(**known)

    @property
    def placements(self) -> tuple[str, ...]:
        """The placements to look at, left to right."""
        return tuple(dict.fromkeys(one for one in (self.placement, self.beside) if one))

    def about(self, item: str) -> str:
        """The address of the same look at a page about another product."""
        told = asdict(replace(self, item=item))
        return "/?" + urlencode({name: value for name, value in told.items() if value})

    def request(self, placement: str, channel: str) -> Request:
        """The request that the engine is asked for one of the placements."""
        return Request(
            (Block(placement),),
            user_id=self.user,
            channel=self.channel or channel,
            region=self.region,
            context_item_ids=(self.item,) if self.item else (),
            locale=self.locale or "en",
        )
