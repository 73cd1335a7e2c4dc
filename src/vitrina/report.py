"""An evaluation as one self-contained page of HTML, for people who do not read NDCG.

Bars are inline SVG, nothing is fetched, and every text is escaped: names come from the shop's data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import isnan

import numpy as np

from vitrina.bars import bars
from vitrina.bootstrap import Estimate
from vitrina.scoreboard import (
    BLEND,
    HEADLINE,
    Department,
    Evaluation,
    Example,
    Row,
    foretold,
    silent,
)
from vitrina.verdict import by_customer, filled_up, verdict

MOST_SYSTEMS, MOST_DEPARTMENTS, MOST_NAMES = 14, 12, 10
_KINDS = {
    "cold": "new, nothing known of them",
    "light": "the half that did less before",
    "heavy": "the half that did more",
}
_FIGURE_HEADS = (
    "<th>asked</th><th>took one of the first ten</th><th>of what they took, of ten at most, in the ten</th>"
    "<th>NDCG@10</th>"
)
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;color:#1d2430;background:#fff}
body{max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.7rem}h2{font-size:1.3rem;margin-top:2.6rem;border-top:1px solid #dde2ea;padding-top:1.2rem}
table{border-collapse:collapse;font-size:.86rem;margin:.8rem 0}
th,td{padding:.25rem .6rem;text-align:right;border-bottom:1px solid #eceff4;font-variant-numeric:tabular-nums}
th:first-child,td:first-child{text-align:left}tr.own td{font-weight:600;background:#f3f7ff}
td.bar{background:linear-gradient(#d7e4ff,#d7e4ff) no-repeat left}td i{color:#98a2b3;font-style:normal}
td i{font-size:.78rem;white-space:nowrap}.wide{overflow-x:auto}
.lead{font-size:1.05rem}.quiet{color:#667085;font-size:.88rem}svg{max-width:100%;height:auto;display:block}
.askers{display:flex;flex-wrap:wrap;gap:1.6rem;font-size:.86rem}.askers div{flex:1 1 16rem}
.askers h4{margin:.6rem 0 .1rem}.askers p,.askers ol{margin:.1rem 0 .6rem}.askers ol{padding-left:1.6rem}
.askers .hit{font-weight:600;background:#f3f7ff}
dt{font-weight:600;margin-top:.5rem}dd{margin:0;color:#475467}
"""
_WORDS = {
    "ndcg@10": ("NDCG@10", "How well the first ten foretold what was taken, the top counting more."),
    "hit_rate@10": ("hit rate", "Share of those asked who took at least one of the ten."),
    "recall@10": ("recall", "Of what they took, of ten things at most, what was among the ten."),
    "revenue_recall@10": ("revenue recall", "Of what each spent, the share for the ten; on average."),
    "explore_recall@10": ("new to them", "Recall of things they had never had."),
    "novelty@10": ("novelty", "How little known the listed products are, in bits; bestsellers are low."),
}  # fmt: skip
_ABOUT = {
    "home": "for a customer: what the customer takes next, new or known",
    "discover": "discovery: only what the customer never had",
    "cart": "beside a basket: one product of a real basket is hidden, the rest is shown",
    "session_next": "a visit: the next product looked at or taken, given those before",
}

_KNOWN = {
    "home": "Had before, latest first",
    "discover": "Had before, latest first",
    "cart": "In the basket",
    "session_next": "Looked at before, latest first",
}


def page(evaluation: Evaluation) -> str:
    """The whole page."""
    parts = [_head(evaluation)]
    parts += [f"<p>{escape(evaluation.caution)}.</p>"] if evaluation.caution else []
    for placement in evaluation.counts:
        rows = [one for one in evaluation.rows if one.placement == placement]
        parts.append(_placement(placement, rows, evaluation))
    parts += [f"<p>{escape(words)}</p>"] if (words := silent(evaluation)) else []
    parts.append(_glossary())
    body = "\n".join(parts)
    title = "Vitrina: how good are the lists?"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body>{body}</body></html>\n"
    )


def _head(found: Evaluation) -> str:
    days = [str(np.datetime64(one, "s"))[:10] for one in (found.start, found.end) if one is not None]
    when = f" ({days[0]} to {days[1]})" if days else ""
    how = (
        "Vitrina learned from the past, was asked for lists as on the day it ends, and the lists were held "
        "against what customers did after it"
        if days
        else "Vitrina learned from a part of what customers did, and its lists were held against the rest"
    )
    return (
        "<h1>How good are the lists?</h1>"
        f'<p class="lead">{how}: {escape(found.rule)}{when}.</p>'
        '<p class="quiet">Thin lines are 95 % intervals: where two overlap widely, the difference may be '
        "chance. This is accuracy on past days; what a list adds to sales only a live test tells.</p>"
    )


def _placement(name: str, rows: Sequence[Row], found: Evaluation) -> str:
    counts = found.counts[name]
    whole = sorted((one for one in rows if one.bucket == "all"), key=_mean, reverse=True)
    own = next(one for one in whole if one.system == BLEND)
    parts = [
        f"<h2>{escape(name)}</h2><p>{escape(_ABOUT[found.questions[name]])}. {counts['all']:,} asked; "
        f"foretold: {escape(foretold(found, name))}; bought products may return: "
        f"{escape(found.rebuy[name])}.</p>",
        f'<p class="lead">{escape(_sentence(own, whole))}</p>',
        bars([(one.system, one.metrics[HEADLINE], one.system == BLEND) for one in _few(whole)], "NDCG@10"),
        _table(_few(whole)),
        _customers(rows),
        _departments(found.departments.get(name, ())),
        _examples(found.questions[name], found.examples.get(name, ())),
    ]
    return "\n".join(parts)


def _sentence(own: Row, whole: Sequence[Row]) -> str:
    hits = own.metrics.get("hit_rate@10")
    share = f"{hits.mean:.0%} of those asked took at least one of the first ten. " if hits else ""
    return " ".join(filter(None, (share + verdict(whole), filled_up(whole))))


def _few(whole: Sequence[Row]) -> Sequence[Row]:
    """The best systems; the placement itself is always among them."""
    few = list(whole[:MOST_SYSTEMS])
    return (
        few if any(one.system == BLEND for one in few) else [*few, *(o for o in whole if o.system == BLEND)]
    )


def _table(rows: Sequence[Row]) -> str:
    known = {name for one in rows for name, figure in one.metrics.items() if not isnan(figure.mean)}
    names = [name for name in _WORDS if name in known]  # money without prices has no column
    head = "".join(f"<th>{_WORDS[name][0]}</th>" for name in names)
    lines = [
        f"<tr{' class=own' if one.system == BLEND else ''}><td>{escape(one.system)}</td>"
        + "".join(f"<td>{_plain(one.metrics[name].mean)}</td>" for name in names)
        + f"<td>{one.coverage:.1%}</td><td>{_interval(one.gain) if one.gain else ''}</td></tr>"
        for one in rows
    ]
    heads = f"<th>system</th>{head}<th>coverage</th><th>blend ahead by, NDCG@10</th>"
    return _sheet(heads, "".join(lines))


def _customers(rows: Sequence[Row]) -> str:
    """The placement itself for each kind of customers, beside the best source alone for the same."""
    kinds = by_customer(rows)
    if not kinds:
        return ""
    lines = "".join(
        _figures(f"{own.bucket}: {_KINDS[own.bucket]}", own.askers, own.metrics)
        + f"<td>{escape(rival.system) if rival else ''}"
        + (f" {_plain(_mean(rival))}" if rival else "")
        + "</td></tr>"
        for own, rival in kinds
    )
    words = (
        "Where a single source's NDCG is as good for some customers as the list's own, it would do. "
        "Few customers make wide intervals."
    )
    heads = f"<th>customers</th>{_FIGURE_HEADS}<th>best source alone, its NDCG</th>"
    return f"<h3>By customer</h3><p class=quiet>{words}</p>{_sheet(heads, lines)}"


def _departments(found: Sequence[Department]) -> str:
    if len(found) < 2:
        return ""
    lines = "".join(
        _figures(one.name, one.askers, one.metrics)
        + f"<td>{one.taken:,}</td>"
        + "".join(f"<td>{share:.1%}</td>" for share in one.found.values())
        + "</tr>"
        for one in found[:MOST_DEPARTMENTS]
    )
    heads = f"<th>department</th>{_FIGURE_HEADS}<th>taken</th>"
    heads += "".join(f"<th>of it in the first {k}</th>" for k in found[0].found)
    rest = len(found) - MOST_DEPARTMENTS
    left = "smaller one is" if rest == 1 else f"{rest} smaller ones are"
    more = f" The {left} left out here; --json has all." if rest > 0 else ""
    words = (
        "The top of the category path, the most taken first. Those asked are who took something there, and "
        f"only that counts: a department that stays white is one that these lists hardly reach.{more}"
    )
    return f"<h3>By department</h3><p class=quiet>{words}</p>{_sheet(heads, lines)}"


def _examples(question: str, found: Sequence[Example]) -> str:
    """A few askers, a column each: what was known, the list with what was taken of it, and what else was."""
    if not found:
        return ""
    words = "Drawn by lot, not for their lists. What they then took is marked."
    columns = "".join(
        f"<div><h4>{escape(_KNOWN[question])}</h4><p>{_few_names(one.known) or 'nothing known'}</p>"
        f"<h4>The list</h4><ol>{''.join(_place(*place) for place in one.listed)}</ol>"
        f"<h4>Also taken, not on the list</h4><p>{_few_names(one.missed) or 'nothing'}</p></div>"
        for one in found
    )
    return f"<h3>Some of those asked</h3><p class=quiet>{words}</p><div class=askers>{columns}</div>"


def _place(title: str, taken: bool) -> str:
    return f"<li{' class=hit' if taken else ''}>{escape(title)}{' &#10003;' if taken else ''}</li>"


def _few_names(titles: Sequence[str]) -> str:
    more = " and more" if len(titles) > MOST_NAMES else ""
    return "; ".join(map(escape, titles[:MOST_NAMES])) + more


def _figures(name: str, askers: int, figures: Mapping[str, Estimate]) -> str:
    """The first cells of a row: whose, how many, and each figure with its interval; hits as a bar too."""
    hits = figures["hit_rate@10"]
    long = 0.0 if isnan(hits.mean) else 100 * hits.mean
    cells = f"<td>{escape(name)}</td><td>{askers:,}</td>"
    cells += f'<td class=bar style="background-size:{long:.1f}% 100%">{_percent(hits)}</td>'
    return f"<tr>{cells}<td>{_percent(figures['recall@10'])}</td><td>{_interval(figures[HEADLINE])}</td>"


def _sheet(heads: str, lines: str) -> str:
    return f"<div class=wide><table><tr>{heads}</tr>{lines}</table></div>"


def _percent(one: Estimate) -> str:
    between = "" if isnan(one.low) else f" <i>{one.low:.1%} to {one.high:.1%}</i>"
    return "" if isnan(one.mean) else f"{one.mean:.1%}{between}"


def _interval(one: Estimate) -> str:
    between = "" if isnan(one.low) else f" <i>{one.low:.4f} to {one.high:.4f}</i>"
    return "" if isnan(one.mean) else f"{one.mean:.4f}{between}"


def _glossary() -> str:
    words = "".join(f"<dt>{name}</dt><dd>{escape(about)}</dd>" for name, about in _WORDS.values())
    also = "<dt>coverage</dt><dd>Share of the catalogue that stands in at least one list.</dd>"
    rivals = (
        "<dt>blend</dt><dd>The placement as it is served. All others are rivals: each source alone, last "
        "week's bestsellers, products drawn by lot. A bundle that 'knew' has learned from the very days "
        "it is judged by, so its figures flatter it.</dd>"
    )
    also += (
        "<dt>blend ahead by</dt><dd>The mean difference over the same askers, one by one, and where it lies "
        "by 95 %: above 0 the blend is surely better than that system, below 0 surely worse. It tells more "
        "than two intervals that overlap.</dd>"
    )
    return f"<h2>Words</h2><dl>{rivals}{words}{also}</dl>"


def _mean(row: Row) -> float:
    return row.metrics[HEADLINE].mean


def _plain(value: float) -> str:
    return "" if isnan(value) else f"{value:.4f}" if abs(value) < 1 else f"{value:.1f}"
