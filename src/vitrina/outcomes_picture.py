"""What lists led to, as a picture: of each placement, source and arm the share of items clicked, with its
interval. Plain SVG, nothing is fetched, and every text is escaped."""

from __future__ import annotations

import math
from html import escape

from vitrina.outcomes import Outcomes, Row

WIDTH, LINE, NAME, RIGHT = 760, 26, 250, 90
_INK, _BAR, _QUIET = "#1d2430", "#2f6fed", "#b8c4d6"


def picture(report: Outcomes) -> str:
    """The picture as SVG. Rows that were never shown are left out."""
    rows = [one for one in report.rows if one.shown]
    most = max((_high(one) for one in rows), default=1.0) or 1.0
    height = 64 + LINE * len(rows)
    lines = [_line(one, 52 + LINE * at, most) for at, one in enumerate(rows)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="system-ui,sans-serif" font-size="13" fill="{_INK}">'
        '<rect width="100%" height="100%" fill="#fff"/>'
        '<text x="16" y="26" font-size="16" font-weight="600">Share of items shown that were clicked</text>'
        f'<text x="{WIDTH - 16}" y="26" text-anchor="end" fill="#667085">lines: 95 % interval</text>'
        f"{''.join(lines)}</svg>\n"
    )


def _high(one: Row) -> float:
    rate = one.click_rate
    return rate.value if math.isnan(rate.high) else rate.high


def _line(one: Row, top: int, most: float) -> str:
    key, rate, room = one.key, one.click_rate, WIDTH - NAME - RIGHT

    def at(value: float) -> float:
        return round(NAME + room * value / most, 1)

    part = f"source {key.source}" if key.source else f"arm {key.arm}" if key.arm else ""
    name = escape(part or key.placement)
    middle = top + LINE / 2 - 3
    interval = ""
    if not math.isnan(rate.low):
        interval = (
            f'<path d="M{at(rate.low)} {middle}H{at(rate.high)}M{at(rate.low)} {middle - 4}v8'
            f'M{at(rate.high)} {middle - 4}v8" stroke="{_INK}" fill="none"/>'
        )
    return (
        f'<text x="{32 if part else 16}" y="{top + 14}" font-weight="{400 if part else 600}">{name}</text>'
        f'<rect x="{NAME}" y="{top + 3}" width="{max(1.0, at(rate.value) - NAME)}" height="{LINE - 12}" '
        f'fill="{_QUIET if part else _BAR}"/>{interval}'
        f'<text x="{WIDTH - 16}" y="{top + 14}" text-anchor="end">{rate.value:.2%}</text>'
    )
