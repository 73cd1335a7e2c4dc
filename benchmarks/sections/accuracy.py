"""Accuracy beside libraries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from contest import pages
from plots import read

from sections.markdown import table

HELD_OUT = (
    "journey_general",
    "journey_orders",
    "journey_baskets",
    "journey_sequences",
    "ml_100k_random",
    "amazon_toys_random",
)
ELSEWHERE = {
    "online_retail": (
        "Invoices of a British shop for gifts (Online Retail, UCI Machine Learning Repository 352). Nothing was "
        "developed on them but the half-life of the default recipe's bestsellers. FOLDER holds the published table, as "
        "it is, under the name `events.parquet`."
    )
}
"""Data sets that do not lie beside the repository, and what to lay into the folder that is asked."""
LOOKED_AT = {
    "journey_orders": (
        "Two things came of a first look at it: that an order of baskets shows within eight of them, and that trees which "
        "a recipe has stay in a search unless they lose."
    )
}
"""What came of looking at data sets that nothing else was developed on."""
SHOPS = (
    "complete_journey",
    "groceries",
    "yoochoose",
    "epub",
    "ml_100k",
    "amazon_toys",
    *HELD_OUT,
    *ELSEWHERE,
)
"""Data sets of the contest; those held out were looked at by nobody while strategies and the tuner were made."""


def contest(name: str) -> Callable[[dict[str, Any]], Iterable[str]]:
    """The section of a data set: what it is, where the repository does not say it, and everybody on it."""
    about = [f"{told[name]}\n" for told in (ELSEWHERE, LOOKED_AT) if name in told]
    return lambda found: (*about, *_everybody(found))


def _everybody(found: dict[str, Any]) -> Iterable[str]:
    yield pages.about(found)
    for placement, rows in found["placements"].items():
        yield f"\n### {placement}, {found['asked'][placement]:,} askers\n"
        yield table(pages.HEADS, pages.everybody(rows))
    for system, why in pages.refused(found).items():
        yield f"\nNo figures of {system}: {why}."


def leaders(results: Path) -> Iterable[str]:
    """Who leads where, over all data sets that have a result."""
    shops = {name: read(f"accuracy_{name}", results) for name in SHOPS}
    yield (
        "One split and one window of validation for everybody, all tuned alike; see `accuracy.py`. NDCG@10, 95% "
        "intervals of the paired difference; the best of the others is chosen by the test window itself.\n"
    )
    yield table(pages.LEADERS, pages.leaders({name: one for name, one in shops.items() if one})) + "\n"


def twins(found: dict[str, Any]) -> Iterable[str]:
    """Families that libraries have too."""
    yield (
        "Equal settings on both sides, nothing searched; what customers never took, NDCG@10 on the days held out; "
        "seconds of one thread's processor time. ALS ends where its random start leads it: all starts together come "
        "after, with the intervals of their means over starts. Both take three steps of conjugate "
        "gradients a row, ours preconditioned and so nearer to the solution; implicit with its equations solved "
        "whole is asked too.\n"
    )
    heads = ("data", "strategy", "twin", "ours", "theirs", "ours / theirs", "difference")
    alone = [
        (*_twin(one), f"{100 * one['same']:.0f} %", "{} : {}".format(*one["fit_cpu_seconds"]))
        for one in found["rows"]
        if "refused" not in one and "start" not in one["settings"]
    ]
    together = [
        (*_twin(one), one["starts"], "{} : {}".format(*one["fit_cpu_seconds"])) for one in found["starts"]
    ]
    yield table((*heads, "same products", "fit, s"), alone) + "\n"
    notes = {f"* {one['note']}\n": None for one in found["rows"] if one.get("note")}
    yield "\n".join(notes)
    yield table((*heads, "starts", "fit, s"), together)


def _twin(one: dict[str, Any]) -> tuple[str, ...]:
    """A row of both tables, as far as they agree."""
    sides = (pages.interval(one["ours"]), pages.interval(one["theirs"]))
    ratio, difference = f"{one['ratio']:.3f}", pages.interval(one["gain"], "+")
    twin = one["twin"] + "*" * bool(one.get("note"))
    return one["data"], one["strategy"], twin, *sides, ratio, difference


def ranker(found: dict[str, Any]) -> Iterable[str]:
    """What learned trees add to the blend, and what hindsight would."""
    yield (
        "Complete Journey: what learned trees add to a blend that is weighed before the same days; by how many past "
        "lists they learned from, of how many candidates of each, which are those that they order, and grown for the "
        "order in a list (lambdarank) or the chance of each candidate (binary); seconds of growing them. In "
        "hindsight: by what four fifths of the customers took in the very days that judge the other fifth: the future "
        "known, of fewer lists than the past has (of carts fewer teach less). Test is the month of Christmas, which no "
        "past month foretells.\n"
    )
    heads = (
        "days",
        "list",
        "lists learned from",
        "candidates",
        "objective",
        "s",
        "blend",
        "with trees",
        "gain",
        "CPU us a list",
    )
    yield table(heads, (_trees(part, row) for part in ("validation", "test") for row in found[part]["rows"]))


def _trees(part: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    """One line of it."""
    known = "hindsight" in row
    how = (
        (f"{row['lists']:,}", str(row["depth"]), row["objective"], f"{row['seconds']:.1f}")
        if not known
        else (*("in hindsight", "", "binary", ""),)
    )
    share = f"{row['gain'][0] / row['blend'][0]:+.1%}"
    cost = "" if known else f"{row['rank_us']:.0f}"
    figures = (
        f"{row['blend'][0]:.4f}",
        f"{row['ranker'][0]:.4f}",
        f"{share}, {pages.interval(row['gain'], '+')}",
        cost,
    )
    return part, row["placement"], *how, *figures


def diversity(found: dict[str, Any]) -> Iterable[str]:
    """NDCG and variety at every strength."""
    yield (
        f"Complete Journey, {found['split']}; lists of ten, over {', '.join(found['over'])} where they are known. "
        "The share of pairs in a list that differ; NDCG lost beside no diversity, with its 95 % interval.\n"
    )
    for placement, rows in found["placements"].items():
        yield f"{placement}, {rows[0]['askers']:,} askers:\n"
        yield table(
            ("strength", "NDCG@10", "lost", "category", "department", "brand", "coverage"),
            (
                (
                    f"{row['strength']:g} {row['level']}".strip(),
                    f"{row['ndcg'][0]:.4f}",
                    "{:.4f} ({:.4f} to {:.4f})".format(*row["loss"]),
                    *(f"{row[kind][0]:.3f}" for kind in ("category", "department", "brand")),
                    f"{100 * row['coverage']:.2f} %",
                )
                for row in rows
            ),
        )
        yield ""
    yield "![NDCG against variety](results/diversity.png)"
