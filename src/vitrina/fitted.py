"""Placements as far as a bundle can serve them: what is decided by its shop, what it has sources for.

Each stands under its name and an empty arm, and once more for every arm of its experiment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from vitrina.display import Display, Displays
from vitrina.placements import Mix, Placement, Placements, Rebuy
from vitrina.strategy import Source

_REPEATS = 0.05
"""Share of purchases that repeat an earlier one, from which on a shop's customers 'buy again'."""


class Fitted(NamedTuple):
    """A placement as far as a bundle has sources for it."""

    placement: Placement
    mixes: tuple[Mix, ...]
    display: Display | None


def _fitted(placement: Placement, sources: Mapping[str, Source], displays: Displays) -> Fitted:
    backs = tuple(back for back in placement.fallback if back in sources)
    mixes = tuple(mix for mix in placement.sources if mix.strategy in sources)
    return Fitted(replace(placement, fallback=backs), mixes, displays.of(placement))


def fitted(
    placements: Placements, sources: Mapping[str, Source], displays: Displays
) -> dict[tuple[str, str], Fitted]:
    """Each placement and arm with the fallbacks and mixes that there are sources for, and its display."""
    return {key: _fitted(one, sources, displays) for key, one in _ways(placements).items()}


def as_shop(placements: Placements, repeat_share: float) -> Placements:
    """Placements whose rebuy is as the shop's customers have it, decided."""
    usual = Rebuy("always" if repeat_share >= _REPEATS else "never")
    by_name = {name: _usual(one, usual) for name, one in placements.by_name.items()}
    return replace(placements, by_name=by_name)


def _usual(placement: Placement, usual: Rebuy) -> Placement:
    """A placement and its arms, their rebuy decided."""

    def decided(one: Rebuy) -> Rebuy:
        return usual if one.policy == "as_shop" else one

    plan = placement.experiment
    arms = tuple(
        replace(one, placement=_usual(one.placement, usual) if one.placement else None)
        for one in (plan.arms if plan else ())
    )
    return replace(
        placement,
        rebuy=decided(placement.rebuy),
        rebuy_in=tuple((path, decided(rebuy)) for path, rebuy in placement.rebuy_in),
        experiment=replace(plan, arms=arms) if plan else None,
    )


def _ways(placements: Placements) -> dict[tuple[str, str], Placement]:
    """Every placement by its name and an empty arm, and by its arms: what they make of it."""
    ways = {}
    for name, one in placements.by_name.items():
        ways[name, ""] = one
        for arm in one.experiment.arms if one.experiment else ():
            ways[name, arm.name] = arm.placement or one
    return ways
