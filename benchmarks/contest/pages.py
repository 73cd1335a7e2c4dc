"""What a contest found, as Markdown: one line a placement of who leads, then everybody's figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

OURS = ("vitrina, tuned", "vitrina, as it comes")
LEADERS = ("data", "list", "asked", "tuned", "as it comes", "best of the others", "", "tuned is ahead by")
HEADS = (
    "lists of", "NDCG@10", "tuned is ahead by", "recall@10", "revenue recall@10", "HR@10", "MRR@10", "HR@20", "MRR@20",
    "fit, CPU s", "MB", "us a request",
)  # fmt: skip
Table = Iterable[Iterable[Any]]


def leaders(shops: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[Any, ...]]:
    """By data set and placement: both recipes of ours, and the best of all others by NDCG@10."""
    for shop, found in shops.items():
        for placement, rows in found["placements"].items():
            known = {one["system"]: one for one in rows if "refused" not in one}
            other = max(
                (one for name, one in known.items() if name not in OURS), key=lambda one: one["ndcg@10"][0]
            )
            mine = (f"{known[name]['ndcg@10'][0]:.4f}" if name in known else "" for name in OURS)
            yield (
                shop, placement, f"{found['asked'][placement]:,}", *mine, other["system"], f"{other['ndcg@10'][0]:.4f}",
                interval(other["ndcg@10 gain"], "+"),
            )  # fmt: skip


def about(found: Mapping[str, Any]) -> str:
    """What was held out, and the budgets."""
    tuned = found["tune"]
    return (
        f"{found['events']:,} events, {found['items']:,} items, {found['users']:,} customers; {found['split']}. "
        f"`vitrina tune` had {found['budget_seconds']:.0f} s: {tuned['trials']} trials of {tuned['families']} families; "
        f"each family of a library up to {tuned['trials_of_others']} trials, in a third of the time at most. {found.get('note', '')}"
    ).rstrip()


def everybody(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Any, ...]]:
    """A placement's contestants with 95% intervals, best first; `HEADS` names the columns."""
    for one in rows:
        if "refused" not in one:
            means = (one[name][0] for name in ("recall@10", "revenue_recall@10", "hit_rate@10", "mrr@10", "hit_rate@20", "mrr@20"))  # fmt: skip
            figures = ("" if mean is None or mean != mean else f"{mean:.4f}" for mean in means)
            gain = "" if one["system"] == OURS[0] else interval(one["ndcg@10 gain"], "+")
            costs = one["fit_cpu_seconds"], one["peak_mb"], one["us_per_request"]
            yield one["system"], interval(one["ndcg@10"]), gain, *figures, *costs


def refused(found: Mapping[str, Any]) -> dict[str, str]:
    """Who has no figures, and why."""
    rows = (one for placement in found["placements"].values() for one in placement)
    return {one["system"]: one["refused"] for one in rows if "refused" in one}


def interval(estimate: Iterable[float], sign: str = "") -> str:
    """A mean and its interval."""
    mean, low, high = (f"{one:{sign}.4f}" for one in estimate)
    return f"{mean} [{low}, {high}]"
