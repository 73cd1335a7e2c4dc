"""What follows from a table of systems: whether mixing pays, and which figures are hardly a system's own."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

from vitrina.scoreboard import BLEND, BUCKETS, HEADLINE, STORED, Row

ENOUGH = 50
"""Customers or visits below whom nothing is said of who is ahead."""
FILLED = 0.995
"""Share of lists from which on it is said that they were filled up, in their first ten places."""


def verdict(rows: Sequence[Row]) -> str:
    """Whether mixing pays: the blend against its rivals, over the same askers, of those who fill lists
    themselves.

    Who is ahead of it is picked among many, and must be so by more than one that was named beforehand
    (Bonferroni); the blend is ahead of all where it is of each.
    """
    rivals = sorted(_rivals(rows, "all"), key=headline, reverse=True)
    if not rivals:
        return ""
    best = rivals[0]
    if best.clusters < ENOUGH:
        few = f"{best.clusters}, of {ENOUGH} that are needed"
        return f"Too few customers or visits were asked to tell who is ahead: {few}."
    if ahead := [one.system for one in rivals if _surely_ahead(one, len(rivals))]:
        return f"{ahead[0]} alone is better than the blend: give it more weight in this placement."
    level = [one.system for one in rivals if one.gain and not one.gain.low > 0]
    if not level:
        every = "that fills its lists" if filled_up(rows) else "alone"
        return f"The blend is better than every system {every}; the next is {best.system}."
    untold = f"{level[0]} alone cannot be told apart on these askers."
    if level[0] == best.system:
        return f"The blend and {untold}"
    return f"The blend is better than {best.system}, the best alone, but it and {untold}"


def _surely_ahead(rival: Row, many: int) -> bool:
    """Whether one of many is better than the blend, and not by the luck of the best of them."""
    picked = NormalDist().inv_cdf(1 - 0.025 / many) / NormalDist().inv_cdf(0.975)
    gain = rival.gain
    return gain is not None and gain.mean + picked * (gain.high - gain.mean) < 0


def filled_up(rows: Sequence[Row]) -> str:
    """Which systems had too little to say to everybody; '' where none had."""
    alone = [one for one in rows if one.bucket == "all" and one.system != BLEND and not _is_stored(one)]
    names = sorted(one.system for one in alone if one.metrics["fallback"].mean >= FILLED)
    if not names:
        return ""
    return (
        f"Hardly a list of {', '.join(names)} had ten products of its own, so the placement's fallback "
        "filled it up: where little was learned, the figures are the fallback's."
    )


def by_customer(rows: Sequence[Row]) -> list[tuple[Row, Row | None]]:
    """The placement itself for each kind of customers there are, and the best rival for the same, of those
    who fill lists themselves; nothing where there is but one kind."""
    kinds = [one for one in rows if one.system == BLEND and one.bucket in BUCKETS and one.askers]
    found = []
    for own in kinds if len(kinds) > 1 else ():
        rivals = [one for one in _rivals(rows, own.bucket) if headline(one) > 0]
        found.append((own, max(rivals, key=headline, default=None)))
    return found


def _rivals(rows: Sequence[Row], bucket: str) -> list[Row]:
    """Each system alone over some askers, but those whose lists are others'."""
    alone = [one for one in rows if one.bucket == bucket and one.gain and not _is_stored(one)]
    return [one for one in alone if one.metrics["fallback"].mean < FILLED]


def headline(row: Row) -> float:
    """What rows are ordered by."""
    return row.metrics[HEADLINE].mean


def _is_stored(row: Row) -> bool:
    return row.system.startswith(STORED + " ")
