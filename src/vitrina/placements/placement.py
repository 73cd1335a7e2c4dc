"""The nouns of a placements file: a placement, what it mixes, and what rules it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vitrina.errors import UnknownPlacement
from vitrina.filters import Filter
from vitrina.placements.arms import Experiment
from vitrina.placements.merchandising import Campaign
from vitrina.placements.variety import Diversity, Exploration, Rotation

SEEDS = ("history", "session", "context", "last_order", "viewed", "carted", "none")
BOUGHT = ("always", "never", "after_days", "when_due", "as_shop")
NEEDS = ("context", "customer", "candidates", "filter")
SHORT = ("fill", "drop")
MY_SIZE = ("off", "declared", "learned")
QUESTIONS = ("home", "discover", "cart", "session_next")
"""What lists can be judged by: what a customer takes next, or for the first time; what a basket lacks; the
next step of a visit."""
MAX_LIMIT = 200
THEMSELVES = "seeds"
"""The strategy that every bundle has: it proposes the seeds themselves, newest first."""


@dataclass(frozen=True)
class Mix:
    """One source of a placement. `strategy`: its name in the recipe; `seeds`: what it starts from.

    history: all the customer did, and the session; session: the session and the page's item;
    context: the page's items or the cart; last_order: what was bought last; viewed, carted: what was
    looked at, or laid into the cart, and not bought or removed since; none: nothing.
    """

    strategy: str
    weight: float = 1.0
    seeds: str = "history"


@dataclass(frozen=True)
class Soft:
    """A rule that gives way while a list is short. `holds`: the attributes that it is about, by which a
    decision tree may say when it gives way."""

    name: str
    filter: Filter

    @property
    def holds(self) -> tuple[str, ...]:
        """Names of attributes that products must share with the seed."""
        return self.filter.same_as_seed


@dataclass(frozen=True)
class Rebuy:
    """Whether bought products may come back: always, never, after `after_days`, when_due (the product's
    usual interval has passed), or as_shop (always where the bundle's customers do buy again, else never)."""

    policy: str = "always"
    after_days: float = 0.0


@dataclass(frozen=True)
class Placement:
    """Where a list stands.

    Hard rules never give way: `filter`, `deny_categories` (with all below), `deny_items`, `rebuy` with
    `rebuy_in`, a category's own policy (the deepest that fits), `viewed`: whether viewed products may
    come, `my_size`: only variants that fit the customer's sizes, 'declared' by the shop or also 'learned'
    from what was bought and kept. `soft` rules are dropped one by one, last first, while the list is
    shorter than its limit; with `by_tree`, in the order that the category's decision tree gives.

    `sensitive`: category paths that no reason speaks of; in e-mail, push and retargeting none of their
    products is listed, and nothing follows from one (see `discretion`).

    `blend`: by rank in each source's list, or by score as a share of the list's best. `fallback`: sources
    that fill what is short. `minimum`: a list that has fewer is filled or dropped, as `short` says.
    `needs`: what a request must give for the list to make sense. `show_context`: whether the page's items
    themselves may be listed. `channels`: where it may be asked for; empty for everywhere.

    `merchandising` and, at their times, `campaigns`: pins, boosts, quotas and their like. `diversity`,
    `rotation`, `damping` (0 to 1, how much less what everybody buys counts) and `exploration` keep lists
    from being the same. `experiment`: arms, which may override any of this. `question`: which of QUESTIONS
    the lists are judged by, or none; empty for what follows from the sources (see `purpose`).
    """

    name: str
    about: str = ""
    sources: tuple[Mix, ...] = ()
    fallback: tuple[str, ...] = ("popular",)
    limit: int = 20
    max_limit: int = MAX_LIMIT
    minimum: int = 0
    short: str = "fill"
    needs: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    blend: str = "rank"
    filter: Filter = field(default_factory=Filter)
    rebuy: Rebuy = field(default_factory=Rebuy)
    rebuy_in: tuple[tuple[str, Rebuy], ...] = ()
    viewed: bool = True
    show_context: bool = False
    my_size: str = "declared"
    soft: tuple[Soft, ...] = ()
    by_tree: bool = False
    deny_categories: tuple[str, ...] = ()
    deny_items: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    merchandising: Campaign = field(default_factory=Campaign)
    campaigns: tuple[Campaign, ...] = ()
    diversity: Diversity | None = None
    rotation: Rotation | None = None
    damping: float = 0.0
    exploration: Exploration | None = None
    experiment: Experiment | None = None
    question: str = ""

    @property
    def channel(self) -> str:
        """A channel on which it may be asked for."""
        return self.channels[0] if self.channels else "site"


@dataclass(frozen=True)
class Placements:
    """All placements of a shop, by name. `tables` is what they were read from, for the manifest."""

    version: str
    by_name: Mapping[str, Placement]
    tables: Mapping[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Every placement's name, in order."""
        return sorted(self.by_name)

    def named(self, name: str) -> Placement:
        """The placement of that name. Raises UnknownPlacement, naming those there are."""
        if name not in self.by_name:
            raise UnknownPlacement(f"unknown placement {name!r}; known: {', '.join(self.names)}")
        return self.by_name[name]
