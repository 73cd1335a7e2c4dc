"""Placements as one bundle can answer them: rebuy as its customers do, mixes of the sources that it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from vitrina.placements import Mix, Placement, Placements, Rebuy
from vitrina.strategy import Source

_REPEATS = 0.05
"""Share of purchases that repeat an earlier one, from which on a shop's customers 'buy again'."""


def as_shop(placements: Placements, repeat_share: float) -> Placements:
    """Placements whose rebuy is as the shop's customers have it, decided."""
    usual = Rebuy("always" if repeat_share >= _REPEATS else "never")

    def decided(one: Rebuy) -> Rebuy:
        return usual if one.policy == "as_shop" else one

    by_name = {
        name: replace(
            one,
            rebuy=decided(one.rebuy),
            rebuy_in=tuple((path, decided(rebuy)) for path, rebuy in one.rebuy_in),
        )
        for name, one in placements.by_name.items()
    }
    return replace(placements, by_name=by_name)


def fitted(
    placements: Placements, sources: Mapping[str, Source]
) -> dict[str, tuple[Placement, tuple[Mix, ...]]]:
    """Each placement with the fallbacks and the mixes that the bundle has sources for."""
    return {
        name: (
            replace(one, fallback=tuple(back for back in one.fallback if back in sources)),
            tuple(mix for mix in one.sources if mix.strategy in sources),
        )
        for name, one in placements.by_name.items()
    }
