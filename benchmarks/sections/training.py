"""Training beside libraries, its growth and its memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sections.markdown import table


def train(found: dict[str, Any]) -> Iterable[str]:
    """Seconds of neighbours."""
    yield (
        "Cosine neighbours from counts; every list is equal to the library's. Median seconds of ours, and how many times as "
        "many each library takes, by the clock / in processor time of all threads; the clock is disturbed by other work. "
        "MB that a fit adds, ours : the fastest library's.\n"
    )
    libraries = list(
        dict.fromkeys(name for one in found["rows"] for name in one["seconds"] if name != "vitrina")
    )
    heads = ("data", "of", "K", "threads", "seconds", "CPU", *libraries, "MB")
    shops = list(dict.fromkeys(one["data"] for one in found["rows"]))
    rows = sorted(
        found["rows"], key=lambda one: (shops.index(one["data"]), one["of"], one["k"], one["threads"])
    )
    yield table(heads, (
        (
            one["data"], one["of"], one["k"], one["threads"], one["seconds"]["vitrina"], one["cpu_seconds"]["vitrina"],
            *(_times(one, name) for name in libraries),
            f"{one['peak_mb']['vitrina']} : {one['peak_mb'][one['fastest_library']]}",
        )
        for one in rows
    ))  # fmt: skip
    yield "\n![Training speed and accuracy](results/training.png)"


def _times(row: dict[str, Any], name: str) -> str:
    if name not in row["seconds"]:
        return ""
    return " / ".join(f"{row[kind][name] / row[kind]['vitrina']:.1f}" for kind in ("seconds", "cpu_seconds"))


def rules(found: dict[str, Any]) -> Iterable[str]:
    """Seconds of association rules."""
    yield (
        "All rules of one item to one at a support, each figure equal to mlxtend's to 1e-9. `made` has a million baskets. "
        "MB added by a run to a process of its own that holds the baskets, and that process's peak in all.\n"
    )
    sides = ("vitrina", "mlxtend sparse", "mlxtend dense")
    rows = (
        (
            f"{case['shop']}, {case['support']}", side, case[side]["rules"], case[side]["seconds"], case[side]["ratio"],
            case[side]["cpu_ratio"], case[side]["added_mb"], case[side].get("peak_mb", ""),
        )
        for case in found["cases"]
        for side in sides
        if side in case
    )  # fmt: skip
    yield table(
        ("shop, support", "by", "rules", "seconds", "times ours", "by CPU", "MB added", "peak MB"), rows
    )


def circles(found: dict[str, Any]) -> Iterable[str]:
    """user_knn by lists from training, and by takers."""
    yield (
        "`user_knn` asked for ten products that a customer never had, by what comes after: the nearest of each customer from "
        "training (`listed`), or the latest takers of what each customer had, so many an item. NDCG@10 with 95% intervals of "
        "the difference to `listed`, customer by customer; alone, and blended with item_knn.\n"
    )
    rows = (
        (
            f"{one['shop']}, {one['users']:,}", one["way"], f"{one['askers']:,}", f"{one['discover_ndcg10'][0]:.4f}",
            "{:+.4f} [{:+.4f}, {:+.4f}]".format(*one["discover_gain"]), f"{one['blend_ndcg10'][0]:.4f}",
            "{:+.4f} [{:+.4f}, {:+.4f}]".format(*one["blend_gain"]), one["fit_cpu_s"], one["request_us"],
        )
        for one in found["rows"]
    )  # fmt: skip
    heads = (
        "shop, customers",
        "way",
        "asked",
        "alone",
        "ahead by",
        "blended",
        "ahead by",
        "fit CPU s",
        "us a request",
    )
    yield table(heads, rows)


def needs(found: dict[str, Any]) -> Iterable[str]:
    """What strategies say they need of memory."""
    yield "MB beside what was there before: taken at most, and said beforehand; MB of the parts, and said of them.\n"
    rows = (
        (
            one["strategy"],
            f"{one['events']:,}",
            one["took_mb"],
            one["said_mb"],
            one["kept_mb"],
            one["said_kept_mb"],
        )
        for one in found["rows"]
    )
    yield table(("strategy", "events", "took", "said", "parts", "said"), rows)


def drawn(found: dict[str, Any]) -> Iterable[str]:
    """Settings tried on some customers."""
    yield (
        f"`vitrina tune` for {found['seconds']:.0f} s on all customers, and on some drawn by lot: how many settings were "
        "tried, NDCG@10 on later days of the recipe fitted on all, and how far it is from that tuned on all, with its 95 % "
        "interval over askers.\n"
    )
    heads = (
        "shop",
        "events",
        "list",
        "recipe",
        "customers",
        "settings tried",
        "NDCG@10",
        "beside tuned on all",
    )
    yield table(heads, (_tried(one) for one in found["rows"]))


def _tried(row: dict[str, Any]) -> tuple[str, ...]:
    gain, low, high = row["beside all"]
    beside = "" if row["recipe"] == "tuned on all" else f"{gain:+.4f} [{low:+.4f}, {high:+.4f}]"
    whom = f"{row['share']:.0%} of {row['customers']:,}"
    of = (row["shop"], f"{row['events']:,}", row["placement"], row["recipe"], whom, f"{row['trials']:,}")
    return (*of, f"{row['ndcg']:.4f}", beside)


def growth(found: dict[str, Any]) -> Iterable[str]:
    """Shops of rising size."""
    yield (
        f"Made-up shops; the recipe is {', '.join(found['recipe']['strategies'])}. Training is held to "
        "16 GB of private memory, which is what stands as peak; a bundle is opened and ready in a worker that runs already; start "
        "is that of a server which copies and checks the bundle first; worker MB is what one of two workers holds for itself, "
        "pages of the bundle apart, after a thousand customers. Bundles are kept, and may be asked later than they were trained. Other work ran on the machine, so that seconds by the clock are "
        "far above those of CPU.\n"
    )
    names = {
        "train_s": "train s", "train_cpu_s": "CPU s", "peak_mb": "peak MB", "bundle_mb": "bundle MB", "open_s": "open s",
        "ready_s": "ready s",
        "start_s": "start s", "worker_mb": "worker MB", "p50_ms": "p50 ms", "p99_ms": "p99 ms", "lists_per_cpu_s": "lists/CPU s",
    }  # fmt: skip
    rows = (
        (f"{one['items']:,}, {one['users']:,}, {one['events']:,}", *(one[name] for name in names))
        for one in found["rows"]
    )
    yield table(("products, customers, events", *names.values()), rows)
    yield ""
    stages = [*found["rows"][-1]["said_mb"], "publish"]
    by_stage = [{own["stage"]: own for own in one["stages"]} for one in found["rows"]]
    yield "Of each stage: CPU seconds; MB it took at most / MB it was said to take before training started.\n"
    rows = (
        (
            f"{one['events']:,} events",
            *(
                f"{own[name]['cpu_s']}; {own[name]['peak_mb']:,} / {one['said_mb'].get(name, '')}"
                for name in stages
            ),
        )
        for one, own in zip(found["rows"], by_stage, strict=True)
    )
    yield table(("", *stages), rows)
    yield ""
    rows = (
        (
            name, f"{one['a']:.3g} + {one['b']:.3g} x events" if one["line"] else f"{one['a']:.3g} x events^{one['b']:.2f}",
            f"{one['worst_off']:.0%}", f"{one['events_at_end']:,.0f}" if "events_at_end" in one else "",
        )
        for name, one in found["curves"].items()
    )  # fmt: skip
    yield table(("figure", "fitted", "worst off by", "an hour, or 16 GB, at events"), rows)
    yield "\n![Growth](results/growth.png)"


def one_offs(found: dict[str, Any]) -> Iterable[str]:
    """Planted one-off purchases."""
    words = {
        "precision": "of what was set aside and is known to be right or wrong, planted",
        "recall": "of the planted, set aside",
        "never_repeated": "of what else was set aside, never bought again in the days held out",
        "set_aside_wrongly": "of what was bought again in the days held out, set aside",
    }
    planted, seeds = found["planted_each"], len(found["seeds"])
    yield f"Complete Journey, {planted} planted trips to a category far from the household, {seeds} times anew.\n"
    rows = [
        (said, *(f"{100 * found['complete_journey'][key][one]:.1f} %" for one in ("mean", "least", "most")))
        for key, said in words.items()
    ]
    yield table(("share", "mean", "least", "most"), rows)
