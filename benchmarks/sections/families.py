"""What some families do alone: photos, decision trees, baskets, buying again, visits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from contest.pages import interval
from machine import RESULTS
from plots import read

from sections.markdown import table


def alone(found: dict[str, Any]) -> Iterable[str]:
    """Every strategy by itself, and why some have no figure."""
    yield "As the shop's ready recipe has it, else as it comes; nothing is tuned and nothing fills up what is short.\n"
    for shop, one in found["data"].items():
        yield f"\n{shop}: {one['split']}; {one['events']:,} events, {one['items']:,} products.\n"
        for placement, askers in one["asked"].items():
            rows = [row for row in one["rows"] if row["placement"] == placement]
            told = sorted((row for row in rows if "why" not in row), key=lambda row: -row["ndcg@10"][0])
            heads = (
                f"{placement}, {askers:,} askers",
                "NDCG@10",
                "recall@10",
                "answered",
                "fit s",
                "us a request",
            )
            yield table(heads, (_of_strategy(row) for row in told))
            for row in rows:
                if "why" in row:
                    yield f"\nNo figure of {row['system']}: {row['why']}."
            yield ""
        for placement, why in one["unasked"].items():
            yield f"\n{placement} is not asked: {why}."


def _of_strategy(row: dict[str, Any]) -> tuple[str, ...]:
    costs = f"{row['fit_cpu_seconds']:g}", f"{row['us_per_request']:,.0f}"
    return (
        row["system"],
        interval(row["ndcg@10"]),
        interval(row["recall@10"]),
        f"{row['answered']:.0%}",
        *costs,
    )


def photos(found: dict[str, Any]) -> Iterable[str]:
    """What colour costs, what a shop's attributes teach, and photos as people take them."""
    free, taught, real = found["without_attributes"], found["taught"], found["real_photos"]
    yield (
        f"Of the 5 nearest among {found['products']:,} products, the share with the same attribute; {found['queries']:,} "
        f"queries of the test half, settings chosen on the other. Taught: by the shop's own article types, on "
        f"{taught['unseen_queries']:,} products that taught nothing. As served, doubles of the query are left out.\n"
    )
    rows = {
        "the network alone, cosine": free["plain_cosine_on_test"],
        "as it comes: whitened, with colours": free["default_on_test"],
        "as it comes, as served": found["as_served"],
        "taught": taught["default_on_unseen"],
    }
    names = ("type", "colour", "gender", "both")
    yield table(
        ("of the 5 nearest", "article type", "base colour", "gender", "type and colour"),
        ((name, *(f"{row[one]:.3f}" for one in names)) for name, row in rows.items()),
    )
    yield (
        f"\n{real['photos']:,} real photos of {real['labels']} kinds: type {real['default']['type']:.3f} as it comes, "
        f"{real['without_colour']['type']:.3f} without colours, {real['taught_without_colour_on_unseen']['type']:.3f} "
        f"taught. Twenty neighbours by a vector: {found['speed']['top_20_cpu_microseconds_p50']} us of CPU (p50).\n"
    )
    yield "![What colour costs in article type](results/images.png)"
    if told := read("doubles", RESULTS):
        yield from ("", *doubles(told["shops"]))


def doubles(shops: dict[str, Any]) -> Iterable[str]:
    """Which changes of a photo go unnoticed."""
    yield (
        "Photos that are one look are listed once, and never for one another. Share of changed photos that are one look "
        f"with their original, {next(iter(shops.values()))['changed']} of each shop; and the shop's own products that share "
        "a look before anything was added: the same photo twice, or shades of one product "
        "(`python benchmarks/doubles.py`).\n"
    )
    heads = [
        f"{name}, {one['photos']:,} photos of {one['longest_side_px']} px" for name, one in shops.items()
    ]
    changes = next(iter(shops.values()))["known"]
    rows = [(what, *(f"{one['known'][what]:.0%}" for one in shops.values())) for what in changes]
    own = ("products that share a look", *(f"{one['products_of_one_look']:,}" for one in shops.values()))
    yield table(("photo", *heads), [*rows, own])


def trees(found: dict[str, Any]) -> Iterable[str]:
    """Planted trees found again, and how steady those of a real shop are."""
    yield (
        "A hundred made-up categories each: is the planted tree found, whole, down the branch that is switched in most? "
        "Apart: what is held to after the first attribute follows from its value.\n"
    )
    yield table(
        ("planted", "whole tree", "first split", "too short", "too long"),
        (
            (name, *(f"{one[what]:.0%}" for what in ("recovered", "first_split", "too_short", "too_long")))
            for name, one in found["planted"].items()
        ),
    )
    calm = ", ".join(f"{name} {share:.0%}" for name, share in found["noise"].items())
    yield f"\nWhere nothing is planted no tree is grown: {calm}.\n"
    real = found["complete_journey"]
    yield (
        f"Complete Journey: {real['of_enough_switches']} of {real['categories']} categories have enough switches, "
        f"{real['split']} are split. Of the {real['largest']} largest, in {real['resamples']} bootstrap samples of households, "
        f"{real['same_first_split']:.0%} keep their first split and {real['same_main_path']:.0%} their main path; "
        f"{real['still_no_split']:.0%} of those without a split stay so. With an attribute whose values are dealt out by lot "
        f"among the others, {real['splits_by_what_is_meaningless']:,} of {real['splits']:,} splits are by it. All trees are "
        f"grown in {real['grown_cpu_s']:.0f} s of CPU."
    )


def baskets(found: dict[str, Any]) -> Iterable[str]:
    """One line of each basket hidden."""
    yield "One line of each test basket is hidden and asked for; all items are ranked.\n"
    for shop in ("groceries", "complete_journey"):
        yield f"\n### {shop}, {found[shop]['test']['hidden_lines']:,} lines\n"
        yield _of_lists(found[shop]["test"]["lists"], ("hr10", "mrr10"), "hr10_gain_of_bought_together")


def buy_again(found: dict[str, Any]) -> Iterable[str]:
    """What a household buys next, by its habits."""
    test = found["test"]
    yield f"{test['households']:,} households of Complete Journey, what they bought in the last weeks.\n"
    lists = {name: one for name, one in test.items() if isinstance(one, dict)}
    yield _of_lists(lists, ("ndcg10", "recall10", "revenue_recall10"), "ndcg10_gain_of_next_basket")
    yield "\nWithout times, each household's last basket: by after how many later purchases one counts half.\n"
    lives = sorted({one["half_life_purchases"] for one in found["untimed"]})
    heads = ("", *(f"{one:g}" if one else "never" for one in lives))
    by_name: dict[str, list[float]] = {}
    for one in found["untimed"]:
        by_name.setdefault(one["strategy"], []).append(one["ndcg10"])
    yield table(heads, ((name, *(f"{one:.4f}" for one in many)) for name, many in by_name.items()))


def sessions(found: dict[str, Any]) -> Iterable[str]:
    """The next click of a visit."""
    yield f"Each family tuned with {found['trials']} trials on the window before.\n"
    for shop, one in found.items():
        if isinstance(one, dict) and "test" in one:
            yield f"\n### {shop}, {one['questions']:,} steps\n"
            yield _of_lists(one["test"], ("hr20", "mrr20"), "hr20_gain_of_blend_by_score")
    names = ("processor_p50_us", "processor_p99_us", "fit_s", "mb")
    rows = ((name, *(one[what] for what in names)) for name, one in found["latency"].items())
    yield "\n" + table(("an answer", "CPU us p50", "CPU us p99", "fit s", "MB"), rows)


def _of_lists(lists: dict[str, Any], metrics: tuple[str, ...], gain: str) -> str:
    """A row a list, with intervals, and what another one gains over it."""
    better = gain.partition("_of_")[2].replace("_", " ")
    rows = (
        (name, *(interval(one[metric]) for metric in metrics), interval(one[gain], "+"))
        for name, one in lists.items()
    )
    heads = (_head(metric) for metric in metrics)
    return table(("", *heads, f"{_head(metrics[0])} gained by {better}"), rows)


def _head(metric: str) -> str:
    """ndcg10 as NDCG@10."""
    name = metric.rstrip("0123456789")
    shown = {"revenue_recall": "revenue recall", "recall": "recall"}.get(name, name.upper())
    return f"{shown}@{metric[len(name) :]}"
