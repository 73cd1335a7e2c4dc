"""How a placement's lists are displayed, opened over a bundle: merchandising, likeness, newcomers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrina.arrangement import Embedded, Likeness
from vitrina.exploration import Newcomers
from vitrina.history import History
from vitrina.ids import Ids
from vitrina.inforce import Merchandise
from vitrina.placements import Placement
from vitrina.placements.merchandising import Campaign
from vitrina.rules import Rules
from vitrina.strategy import Source


@dataclass(frozen=True)
class Display:
    """What stages need to display the lists of one placement. `arranges`: whether more is wanted than is
    shown, to choose from."""

    merchandise: Merchandise
    likeness: Likeness | None
    newcomers: Newcomers | None
    arranges: bool


@dataclass(frozen=True)
class Displays:
    """Opens the displays of placements over one bundle."""

    rules: Rules
    items: Ids
    history: History
    sources: Mapping[str, Source]
    bought: Callable[[], NDArray[np.float64]]

    def of(self, placement: Placement) -> Display | None:
        """The display of a placement; None where its lists are shown as they are ranked."""
        campaigns = [one for one in (placement.merchandising, *placement.campaigns) if not _says_nothing(one)]
        diversity = placement.diversity
        diverse = diversity is not None and diversity.strength > 0
        changed = placement.rotation or placement.damping or placement.exploration
        if not (campaigns or diverse or changed):
            return None
        likeness = Likeness(diversity, self.rules.facets, self._embedded()) if diversity and diverse else None
        return Display(
            merchandise=Merchandise(placement, self.rules, self.items, self.bought),
            likeness=likeness,
            newcomers=Newcomers(self.rules.catalog, self.history) if placement.exploration else None,
            arranges=diverse or any(one.pins or one.quotas or one.interleave for one in campaigns),
        )

    def _embedded(self) -> Embedded | None:
        """The first source that knows where items lie beside one another."""
        return next((one for one in self.sources.values() if isinstance(one, Embedded)), None)


def bought(history: History, n_items: int) -> NDArray[np.float64]:
    """float64 per item: how often it stands in the histories of customers."""
    return np.bincount(history.rows, minlength=n_items).astype(np.float64)


def _says_nothing(campaign: Campaign) -> bool:
    return not (
        campaign.pins
        or campaign.lifts
        or campaign.includes
        or campaign.quotas
        or campaign.leans
        or campaign.interleave
    )
