"""Pictures of what results/*.json hold; draws those whose results are there, measures nothing.

python benchmarks/plots.py      writes results/{training,open_loop,request,diversity,growth}.png
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from machine import RESULTS

matplotlib.use("Agg")
from matplotlib import pyplot  # after the backend was chosen

OURS, DPI = "vitrina", 130
COLOURS = {
    OURS: "#c2410c",
    "implicit": "#1d4ed8",
    "sparse-dot-topn": "#0f766e",
    "scikit-learn": "#6b7280",
    "rusket": "#7c3aed",
}
THREADS, K = 2, 100
STAGE_COLOURS = ("#fde68a", "#fdba74", "#c2410c", "#9a3412", "#6b7280", "#93c5fd", "#1d4ed8", "#d1d5db")
DARK, INK = frozenset(("#c2410c", "#9a3412", "#6b7280", "#1d4ed8")), ("black", "white")


def main() -> None:
    """Draw what can be drawn."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    for name, needs, draw in (
        ("training", ("train", "accuracy_complete_journey"), training),
        ("open_loop", ("server",), open_loop),
        ("request", ("engine",), request),
        ("diversity", ("diversity",), diversity),
        ("growth", ("growth",), growth),
    ):
        results = [read(one) for one in needs]
        if all(results):
            figure = draw(*results)
            figure.savefig(RESULTS / f"{name}.png", dpi=DPI)
            pyplot.close(figure)
            print(f"written {name}.png")
        else:
            print(f"{name}.png not drawn: run what writes {' and '.join(f'{one}.json' for one in needs)}")


def read(name: str, folder: Path = RESULTS) -> dict[str, Any]:
    """A stored result; empty where there is none."""
    file = folder / f"{name}.json"
    return dict(json.loads(file.read_text())) if file.exists() else {}


def training(speed: dict[str, Any], accuracy: dict[str, Any]) -> Any:
    """Seconds to train item neighbours, and beside it what lists by such neighbours are worth."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.4), constrained_layout=True)
    rows = [
        one
        for one in speed["rows"]
        if one["of"] == "items" and one["k"] == K and one["threads"] in (THREADS, 1)
    ]
    most = max(one["threads"] for one in rows)
    rows = [one for one in rows if one["threads"] == most]
    _seconds(left, rows, most)
    _ndcg(right, accuracy)
    return figure


def _seconds(axes: Any, rows: list[dict[str, Any]], threads: int) -> None:
    names = [name for name in COLOURS if any(name in one["cpu_seconds"] for one in rows)]
    for name in names:
        at = [n for n, one in enumerate(rows) if name in one["cpu_seconds"]]
        seconds = [rows[n]["cpu_seconds"][name] for n in at]
        axes.plot(seconds, at, "o", ms=9, label=name, color=COLOURS[name])
        for x, y in zip(seconds, at, strict=True):
            side = -14 if name == OURS else 10
            spot = {"xytext": (0, side), "textcoords": "offset points", "ha": "center", "fontsize": 7}
            axes.annotate(f"{x:.2g}", (x, y), color=COLOURS[name], **spot)
    axes.set(xscale="log", ylim=(len(rows) - 0.5, -0.9))
    axes.grid(alpha=0.25, which="both", axis="x")
    axes.set_yticks(range(len(rows)), [f"{one['data']}\n{one['rows']:,} items" for one in rows], fontsize=8)
    axes.set_xlabel("processor seconds of all threads, log scale; less is better")
    axes.set_title(f"Training: {K} cosine neighbours of every item, {threads} threads", fontsize=9)
    axes.legend(fontsize=8, ncols=3, loc="upper left")


def _ndcg(axes: Any, accuracy: dict[str, Any]) -> None:
    rows = [one for one in accuracy["placements"]["discover"] if "refused" not in one]
    shown = rows[: [one["system"] for one in rows].index("popular") + 1]
    bars = [(one["system"], one["ndcg@10"]) for one in shown]
    bars.sort(key=lambda one: one[1][0])
    means = np.array([one[0] for _, one in bars])
    low, high = (np.abs(np.array([one[side] for _, one in bars]) - means) for side in (1, 2))
    colours = [COLOURS.get(name.split(",")[0].split()[0], "#9ca3af") for name, _ in bars]
    axes.barh(range(len(bars)), means, xerr=[low, high], color=colours, ecolor="#374151", capsize=2)
    axes.set_yticks(range(len(bars)), [name for name, _ in bars], fontsize=8)
    axes.set_xlabel("NDCG@10, 95% intervals; more is better")
    axes.set_title("Accuracy: products never bought before, Complete Journey", fontsize=9)


def open_loop(server: dict[str, Any]) -> Any:
    """Latency against arrivals, by shop; hollow where calls were refused or lost."""
    shops = server["shops"]
    figure, all_axes = pyplot.subplots(
        1, len(shops), figsize=(5.5 * len(shops), 4.4), constrained_layout=True, sharey=True, squeeze=False
    )
    for axes, (shop, found) in zip(all_axes[0], shops.items(), strict=True):
        for name in dict.fromkeys(one["server"] for one in found["open"]):
            rows = [one for one in found["open"] if one["server"] == name]
            colour = COLOURS.get(name, "#6b7280")
            for key, style in (("p50_ms", "-"), ("p99_ms", "--"), ("p999_ms", ":")):
                label = f"{name if name == OURS else f'constant bytes, {name}'}, {key.removesuffix('_ms').replace('p999', 'p99.9')}"
                _curve(axes, rows, key, style, colour, label)
        axes.set(xscale="log", yscale="log", xlabel="calls that fall due in a second (Poisson)")
        axes.grid(alpha=0.25, which="both")
        axes.set_title(
            f"{shop}: {found['customers']:,} customers, {found['median_history']} events in the median",
            fontsize=10,
        )
        axes.legend(fontsize=7)
    all_axes[0][0].set_ylabel("ms from when a call was due to its answer;\nhollow: over 0.1% refused or lost")
    return figure


def _curve(axes: Any, rows: list[dict[str, Any]], key: str, style: str, colour: str, label: str) -> None:
    axes.plot(
        [one["offered"] for one in rows], [one[key] for one in rows], style, color=colour, label=label, lw=1.4
    )
    for one in rows:
        lost = sum(one["failed"].values()) > 0.001 * one["sent"]
        axes.plot(one["offered"], one[key], "o", ms=4, color=colour, mfc="white" if lost else colour)


def request(engine: dict[str, Any]) -> Any:
    """CPU of a home page, stage by stage; under it what others take for their lists."""
    figure, axes = pyplot.subplots(figsize=(9.5, 3.8), constrained_layout=True)
    bars = list(engine["stages"].items())
    for place, (_, stages) in enumerate(bars):
        at = 0.0
        for colour, (stage, spent) in zip(STAGE_COLOURS, _ordered(stages), strict=True):
            axes.barh(place, spent, left=at, color=colour, label=stage if not place else None)
            if spent > 120:
                axes.annotate(
                    f"{spent:.0f}",
                    (at + spent / 2, place),
                    ha="center",
                    va="center",
                    fontsize=7,
                    color=INK[colour in DARK],
                )
            at += spent
    plain = [
        (name, one["cpu_us"]) for name, one in engine["contest"].items() if name not in engine["sources"]
    ]
    for place, (name, spent) in enumerate(plain, start=len(bars)):
        axes.barh(place, spent, color="#1d4ed8" if "implicit" in name else "#c2410c", alpha=0.55)
        axes.annotate(f" {spent:.0f}", (spent, place), va="center", fontsize=7)
    axes.set_yticks(range(len(bars) + len(plain)), [name for name, _ in bars + plain], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("CPU microseconds a list")
    axes.set_title(
        f"A list of {engine['settings']['limit']} for a household of {engine['median_history']} events in the median; "
        f"home as written mixes {len(engine['sources']['home'])} sources",
        fontsize=10,
    )
    axes.legend(fontsize=7, ncols=2, loc="lower right")
    return figure


def _ordered(stages: dict[str, float]) -> list[tuple[str, float]]:
    order = ("askers", "admit", "retrieve", "blend", "settle", "fall back", "answers", "the rest")
    return [(name, max(stages.get(name, 0.0), 0.0)) for name in order]


def diversity(found: dict[str, Any]) -> Any:
    """NDCG against the share of pairs that differ, one picture a placement; levels stand at departments."""
    figure, every = pyplot.subplots(1, len(found["placements"]), figsize=(11, 4.4), constrained_layout=True)
    for axes, (placement, rows) in zip(every, found["placements"].items(), strict=True):
        ndcg = [row["ndcg"][0] for row in rows]
        for kind, colour in (("department", "#c2410c"), ("category", "#1d4ed8"), ("brand", "#6b7280")):
            axes.plot(
                [row[kind][0] for row in rows], ndcg, "o-", ms=4, color=colour, label=f"differ in {kind}"
            )
        for row, y in zip(rows, ndcg, strict=True):
            if row["level"]:
                spot = {"xytext": (0, -16), "textcoords": "offset points", "ha": "center", "fontsize": 8}
                axes.annotate(row["level"], (row["department"][0], y), **spot)
        axes.set(title=placement, xlabel="share of pairs in a list of ten that differ", ylabel="NDCG@10")
        axes.set_ylim(0, 1.1 * max(ndcg))
        axes.grid(alpha=0.25)
        axes.legend(fontsize=8, loc="lower left")
    return figure


def growth(found: dict[str, Any]) -> Any:
    """Training and memory over events: what was measured, and the fitted curves on to where one machine ends."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.4), constrained_layout=True)
    events = [one["events"] for one in found["rows"]]
    ends = [found["curves"][name]["events_at_end"] for name in ("train_cpu_s", "peak_mb")]
    ahead = np.geomspace(min(events), max(*ends, *events), 60)
    train, peak, bundle = (found["curves"][name] for name in ("train_cpu_s", "peak_mb", "bundle_mb"))
    for axes, named, end in (
        (left, {"train_cpu_s": train}, 3600),
        (right, {"peak_mb": peak, "bundle_mb": bundle}, 16_000),
    ):
        for (name, one), colour in zip(named.items(), ("#c2410c", "#1d4ed8"), strict=False):
            fitted = one["a"] + one["b"] * ahead if one["line"] else one["a"] * ahead ** one["b"]
            axes.plot(ahead, fitted, "--", color=colour, lw=1)
            axes.plot(events, [row[name] for row in found["rows"]], "o", color=colour, label=name)
        axes.axhline(end, color="#6b7280", lw=1)
        axes.set(xscale="log", yscale="log", xlabel="events")
        axes.grid(alpha=0.25, which="both")
        axes.legend(fontsize=8)
    left.set_title("CPU seconds to train; the line is an hour of one core", fontsize=9)
    right.set_title("MB of private memory, and of the bundle; the line is 16 GB", fontsize=9)
    return figure


if __name__ == "__main__":
    main()
