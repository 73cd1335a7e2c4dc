"""Requests and responses as plain dataclasses with string ids.

They mirror the wire (`proto/vitrina/v1`), but know nothing of it: files, tests and the server all
speak to the engine in these words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True)
class SessionEvent:
    """Something the visitor just did; context of this request only, never stored.

    `time`: seconds since 1970 UTC, 0 for 'now'.
    """

    item_id: str
    type: str = "view"
    time: int = 0


@dataclass(frozen=True)
class Filter:
    """What a block may hold; an empty field admits everything.

    `categories`: paths 'a > b', each with all below it. `min_price`, `max_price`: in the
    catalogue's currency, both inclusive, 0 for no bound; items without a price fail any bound.
    """

    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    min_price: float = 0.0
    max_price: float = 0.0


@dataclass(frozen=True)
class Block:
    """One list wanted. `limit` 0 is the placement's default; above its maximum it is coerced.

    `candidate_item_ids`, when given, are ranked, and nothing else is returned.
    """

    placement: str
    limit: int = 0
    filter: Filter = Filter()
    exclude_item_ids: tuple[str, ...] = ()
    candidate_item_ids: tuple[str, ...] = ()


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
    explain: bool = False
    reasons: bool = True
    """Whether items carry their reason; a campaign of a million lists may do without."""


class RuleReason(NamedTuple):
    """The association rule behind a product; shares of baskets between 0 and 1, lift a ratio."""

    antecedent_ids: tuple[str, ...]
    support: float
    confidence: float
    lift: float


class Reason(NamedTuple):
    """Why a product is in the list: the source that weighed most, its seeds, its rule if any."""

    source: str
    seed_item_ids: tuple[str, ...] = ()
    rule: RuleReason | None = None


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
    `relaxed`: soft rules dropped to fill the list, in the order they were dropped.
    `trace`: with explain, for each stage its name and the item ids that left it.
    """

    placement: str
    items: Sequence[ListedItem]
    fallback_level: int = 0
    relaxed: tuple[str, ...] = ()
    trace: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Response:
    """The blocks in the order asked for, the bundle they came from, the ids nobody knows.

    `attribution_token` is empty in the engine's answers; the server signs it.
    """

    blocks: tuple[ListedBlock, ...]
    bundle_version: str = ""
    unknown_item_ids: tuple[str, ...] = ()
    known_user: bool = False
    attribution_token: str = ""


@dataclass(frozen=True)
class Product:
    """What the catalogue says of one item, for renderers; numbers are 0 where it says nothing."""

    item_id: str
    title: str = ""
    category: str = ""
    price: float = 0.0
    old_price: float = 0.0
    image: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
