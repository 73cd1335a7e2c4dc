"""The picture of `images.py`: what colour costs in article type, and what attributes teach."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def plot(report: dict[str, Any], out: Path) -> None:
    """The colour trade on the test half, and what learning from attributes adds."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.2, 4.6), dpi=130)
    free, learned = report["without_attributes"], report["taught"]
    curve = free["colour_curve_on_test"]
    axes.plot(
        [one["colour"] for one in curve], [one["type"] for one in curve], "o-", label="without attributes"
    )
    for one in curve:
        axes.annotate(
            f"{one['colour_weight']:g}",
            (one["colour"], one["type"]),
            textcoords="offset points",
            xytext=(4, 5),
            fontsize=7,
        )
    plain, chosen = free["plain_cosine_on_test"], free["default_on_test"]
    axes.plot(plain["colour"], plain["type"], "kx", label="cosine of the network's vectors")
    axes.plot(
        chosen["colour"],
        chosen["type"],
        "D",
        color="tab:red",
        label=f"default, colour_weight {free['default']['colour_weight']:g}",
    )
    for weight, sign in ((0.0, "v"), (free["default"]["colour_weight"], "^")):
        some = [one for one in learned["curve_on_unseen"] if one["colour_weight"] == weight]
        label = f"taught article types, unseen products, colour_weight {weight:g}"
        axes.plot([one["colour"] for one in some], [one["type"] for one in some], sign + "--", label=label)
    axes.axhline(0.68, color="grey", lw=0.6)
    axes.axvline(0.45, color="grey", lw=0.6)
    axes.set_xlabel("share of the 5 nearest with the same base colour")
    axes.set_ylabel("share with the same article type")
    axes.set_title(f"{report['queries']:,} queries among {report['products']:,} products", fontsize=10)
    axes.legend(fontsize=7, loc="lower left")
    axes.grid(alpha=0.25)
    figure.tight_layout()
    figure.savefig(out)
