"""Requests and responses as plain dataclasses with string ids.

They mirror the wire (`proto/vitrina/v1`), but know nothing of it: files, tests and the server all
speak to the engine in these words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from vitrina.filters import EVERYTHING, Filter


@dataclass(frozen=True)
class SessionEvent:
    """Something the visitor just did; context of this request only, never stored.

    `time`: seconds since 1970 UTC, 0 for 'now'.
    """

    item_id: str
    type: str = "view"
    time: int = 0


class Impression(NamedTuple):
    """A product that was shown to this asker, on a page or in a letter. `time`: seconds since 1970 UTC."""

    item_id: str
    time: int


@dataclass(frozen=True)
class Block:
    """One list wanted. `limit` 0 is the placement's default; above its maximum it is coerced.

    `candidate_item_ids`, when given, are ranked, and nothing else is returned. `priority`: blocks of a
    higher one choose their products first; equals do so from the top of the page.
    """

    placement: str
    limit: int = 0
    filter: Filter = EVERYTHING
    exclude_item_ids: tuple[str, ...] = ()
    candidate_item_ids: tuple[str, ...] = ()
    priority: int = 0


@dataclass(frozen=True)
class Request:
    """One asker, one page: who, where, what they look at, and which blocks are wanted."""

    blocks: tuple[Block, ...]
    user_id: str = ""
    visitor_id: str = ""
    channel: str = "site"
    region: str = ""
    context_item_ids: tuple[str, ...] = ()
    events: tuple[SessionEvent, ...] = ()
    page_item_ids: tuple[str, ...] = ()
    """Already on the page: never returned again, in any variant."""
    consent: str = ""
    """Whether this asker may be shown personal lists on this channel: 'given', 'refused', or empty for what
    the shop's data say."""
    also: tuple[str, ...] = ()
    """Other ids of the same person, whose histories count too; a server knows them, no caller says them."""
    shown: tuple[Impression, ...] = ()
    """What was shown lately, for placements that rotate; those that led to something may be among it."""
    explain: bool = False
    reasons: bool = True
    """Whether items carry their reason; a campaign of a million lists may do without."""
    locale: str = ""
    """The language in which reasons are said, such as "pl" or "ru-RU"; empty for no sentences."""

    @property
    def identity(self) -> tuple[str, str]:
        """Who asks, as what is kept of people is looked up."""
        return self.user_id, self.visitor_id


class RuleReason(NamedTuple):
    """The association rule behind a product; shares of baskets between 0 and 1, lift a ratio."""

    antecedent_ids: tuple[str, ...]
    support: float
    confidence: float
    lift: float


class Reason(NamedTuple):
    """Why a product is in the list: the source that weighed most, its seeds, its rule if any.

    `sentence`: in the locale of the request; empty where it named none.
    """

    source: str
    seed_item_ids: tuple[str, ...] = ()
    rule: RuleReason | None = None
    sentence: str = ""


class ListedItem(NamedTuple):
    """One product of a list. `sources`: all that proposed it, strongest first.

    `product` is None in the engine's answers; the client fills it where product fields were asked for.
    """

    item_id: str
    score: float
    sources: tuple[str, ...]
    reason: Reason
    product: Product | None = None


@dataclass(frozen=True)
class ListedBlock:
    """One list. `fallback_level` 0: the placement's own sources filled it; n: its nth fallback did.

    `items`: in the engine's answers they are made when they are looked at (`listing.Listing`).
    `relaxed`: soft rules dropped to fill the list, in the order they were dropped. `dropped`: it had fewer
    products than the placement's minimum, and is left empty for that. `missing`: what the placement needs
    of a request and was not given.
    `trace`: with explain, for each stage its name and the item ids that left it.
    `propensities`: the chance that each item had to be in the list; empty where none was left to chance.
    `arm`: of the placement's experiment, empty without one, and `arm_share`: the share of askers in it.
    """

    placement: str
    items: Sequence[ListedItem]
    fallback_level: int = 0
    relaxed: tuple[str, ...] = ()
    trace: tuple[tuple[str, tuple[str, ...]], ...] = ()
    dropped: bool = False
    missing: tuple[str, ...] = ()
    propensities: tuple[float, ...] = ()
    arm: str = ""
    arm_share: float = 1.0


@dataclass(frozen=True)
class Response:
    """The blocks in the order asked for, the bundle they came from, the ids nobody knows.

    `contextual`: the asker has not agreed to personal lists here: nothing known of them was used.
    `degraded`: what could not be asked, such as "store" or a source, so that the rest had to do.
    `attribution_token` is empty in the engine's answers; the server signs it.
    """

    blocks: tuple[ListedBlock, ...]
    bundle_version: str = ""
    unknown_item_ids: tuple[str, ...] = ()
    known_user: bool = False
    attribution_token: str = ""
    contextual: bool = False
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True)
class Product:
    """What the catalogue says of one item, for renderers; numbers are 0 where it says nothing.

    `regions`: where it is in stock, empty for everywhere.
    """

    item_id: str
    title: str = ""
    category: str = ""
    price: float = 0.0
    old_price: float = 0.0
    image: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    in_stock: bool = False
    regions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fate:
    """What became of a product. `place`: in the list, from 1, or 0 where it is not there; then
    `stage` dropped it by these `rules`, each in words. `proposed`: the sources that named it, and its
    place with each, from 1. `blended`: its place in the blended list, or 0."""

    item_id: str
    place: int = 0
    stage: str = ""
    rules: tuple[str, ...] = ()
    proposed: tuple[tuple[str, int], ...] = ()
    blended: int = 0
