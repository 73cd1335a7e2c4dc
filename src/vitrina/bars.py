"""Figures beside one another as a picture for a page."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from math import isnan

from vitrina.bootstrap import Estimate

WIDTH, BAR, NAME = 720, 22, 232
OWN, OTHER = "#2f6fed", "#b8c4d6"


def bars(rows: Iterable[tuple[str, Estimate, bool]], label: str) -> str:
    """Horizontal bars with their intervals, as SVG. A row: its name, its figure, whether it stands out."""
    known = [one for one in rows if not isnan(one[1].mean)]
    if not known:
        return ""
    most = max(_reach(one) for _, one, _ in known) or 1.0
    room = WIDTH - NAME - 70
    lines = []
    for place, (name, one, own) in enumerate(known):
        top, long = place * BAR + 4, one.mean / most * room
        end = NAME + _reach(one) / most * room
        low = NAME + one.low / most * room
        middle = top + BAR / 2 - 3
        lines.append(
            f'<text x="{NAME - 8}" y="{middle + 4}" text-anchor="end">{escape(name[:30])}</text>'
            f'<rect x="{NAME}" y="{top}" width="{long:.1f}" height="{BAR - 7}" fill="{(OTHER, OWN)[own]}"/>'
            + ("" if isnan(one.low) else f'<path d="M{low:.1f} {middle}H{end:.1f}" stroke="#1d2430"/>')
            + f'<text x="{end + 6:.1f}" y="{middle + 4}">{one.mean:.4f}</text>'
        )
    height = len(known) * BAR + 8
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" font-size="12" role="img" '
        f'aria-label="{escape(label)}">{"".join(lines)}</svg>'
    )


def _reach(one: Estimate) -> float:
    """How far to the right a bar with its interval goes."""
    return one.mean if isnan(one.high) else max(one.mean, one.high)
