"""What follows from a table of systems: whether mixing pays, and which figures are hardly a system's own."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

from vitrina.scoreboard import BLEND, BUCKETS, HEADLINE, STORED, Row

ENOUGH = 50
"""Askers below whom nothing is said of who is ahead."""
FILLED = 0.995
"""Share of lists from which on it is said that they were filled up."""


def verdict(rows: Sequence[Row]) -> str:
    """Whether mixing pays: the blend against the best of its rivals, over the same askers, of those who fill
    lists themselves.

    The best is picked among many, so that it must be ahead by more than one that was named beforehand
    (Bonferroni).
    """
    rivals = _rivals(rows, "all")
    if not rivals:
        return ""
    best = max(rivals, key=headline)
    if best.askers < ENOUGH:
        return f"Too few were asked to tell who is ahead: {best.askers}, of {ENOUGH} that are needed."
    assert best.gain is not None
    picked = NormalDist().inv_cdf(1 - 0.025 / len(rivals)) / NormalDist().inv_cdf(0.975)
    if best.gain.low > 0:
        return f"The blend is better than every system alone; the next is {best.system}."
    if best.gain.mean + picked * (best.gain.high - best.gain.mean) < 0:
        return f"{best.system} alone is better than the blend: give it more weight in this placement."
    return f"The blend and {best.system} alone cannot be told apart on these askers."


def filled_up(rows: Sequence[Row]) -> str:
    """Which systems had too little to say to everybody; '' where none had."""
    alone = [one for one in rows if one.bucket == "all" and one.system != BLEND and not _is_stored(one)]
    names = sorted(one.system for one in alone if one.metrics["fallback"].mean >= FILLED)
    if not names:
        return ""
    return (
        f"No list of {', '.join(names)} was full, so bestsellers filled it up: where little was learned, the "
        "figures are theirs."
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
