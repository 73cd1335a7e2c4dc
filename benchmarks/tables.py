"""benchmarks/README.md, written from results/*.json: what was measured, on what, by which command.

python benchmarks/tables.py      writes it; what has no result yet is said to have none
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from contest import pages
from machine import RESULTS
from plots import read

README = Path(__file__).resolve().parent / "README.md"
HEAD = """# Benchmarks

Every figure here is in `results/*.json`, with the machine, its load and the versions it was measured with;
this page is written from them by `python benchmarks/tables.py`, and the pictures by
`python benchmarks/plots.py`. `make bench` runs those of speed and accuracy, `make bench-full` all. Each
script says in its first lines what it compares and how, and takes `--quick` or `--help`.
"""
HELD_OUT = ("journey_general", "journey_baskets", "journey_sequences", "ml_100k_random", "amazon_toys_random")
SHOPS = ("complete_journey", "groceries", "yoochoose", "epub", "ml_100k", "amazon_toys", *HELD_OUT)
"""Data sets of the contest; those held out were looked at by nobody while strategies and the tuner were made."""
Section = Callable[[dict[str, Any]], Iterable[str]]


def main() -> None:
    """Write the page."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    README.write_text(page(RESULTS))
    print(f"written {README}")


def page(results: Path) -> str:
    """The whole page."""
    parts = [HEAD]
    for name, (title, section) in SECTIONS.items():
        found = read(name, results)
        if name == f"accuracy_{SHOPS[0]}":
            parts += ["## Accuracy beside libraries\n", *leaders(results)]
        parts.append(f"## {title}\n")
        if not found:
            parts.append(f"No result yet: `{_command(name)}`.\n")
            continue
        parts += [*section(found), "", f"`{_command(name)}`; {_machine(found['machine'])}\n"]
    return "\n".join(parts)


def _command(name: str) -> str:
    script, _, data = name.partition("_") if name.startswith("accuracy_") else (name, "", "")
    return f"python benchmarks/{script}.py {data}".rstrip()


def table(heads: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """A Markdown table, first column to the left."""
    heads = list(heads)
    lines = [f"| {' | '.join(heads)} |", f"| --- |{' ---: |' * (len(heads) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def _machine(of: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {of[name]}" for name in of if name not in _MACHINE)
    return (
        f"{of['cpu']}, {of['cores']} cores, {of['memory_gb']} GB, load {of['load']}; "
        f"Python {of['python']}, {versions}."
    )


_MACHINE = ("cpu", "cores", "memory_gb", "load", "python", "vitrina")


def engine(found: dict[str, Any]) -> Iterable[str]:
    """Microseconds of a list."""
    yield (
        f"CPU microseconds of a list of {found['settings']['limit']}, one request at a time unless said; "
        f"{found['users']:,} households, {found['median_history']} events in the median history, "
        f"{found['items']:,} items. `home_weighed` is what weighing leaves of home here and what is served in practice; "
        f"`home` is home as written. {_mixes(found['sources'])}\n"
    )
    contest = found["contest"]
    rows = (
        (name, one["cpu_us"], one["least_us"], one["most_us"], one["wall_us"])
        for name, one in contest.items()
    )
    yield table(("one request", "CPU us", "least", "most", "wall us"), rows)
    yield ""
    stages = found["stages"]
    names = list(next(iter(stages.values())))
    yield table(
        ("CPU us of a list", *names),
        ((size, *(one.get(name, 0) for name in names)) for size, one in stages.items()),
    )
    yield ""
    pages = ((name, one["cpu_us"], one["batch_cpu_us"]) for name, one in found["placements"].items())
    yield table(("placement", "CPU us", f"in batches of {found['settings']['batch']}"), pages)
    yield "\n![CPU of a list](results/request.png)"


def _mixes(sources: dict[str, list[str]]) -> str:
    return "; ".join(f"`{name}` mixes {', '.join(mix)}" for name, mix in sources.items()) + "."


def server(found: dict[str, Any]) -> Iterable[str]:
    """Closed and open loop."""
    told = found["settings"]
    yield (
        "One worker on one core, a raw HTTP/2 client on another. The constant servers answer the bytes of one "
        f"real answer. Closed loop: {told['in_flight']} calls in flight, {told['rounds']} rounds of "
        f"{told['seconds']:g} s in turn. Open loop: Poisson arrivals, customers by Zipf, latency from when a call "
        "was due; p99.9 of fewer than 1,000 answers is the slowest of them. Where a server had its core for part of the "
        "time only (`core busy`), the ratio by rate flatters the one that does more, and that by CPU is to be believed."
    )
    for shop, one in found["shops"].items():
        yield (
            f"\n### {shop}\n\n{one['requests']:,} requests of {one['customers']:,} customers, {one['median_history']} "
            f"events in the median history, {one['items']:,} items, {one['answer_bytes']:,} bytes an answer. "
            f"{_mixes(one['sources'])}\n"
        )
        closed = one["closed"]
        yield table(
            ("closed loop", "calls/s", "CPU us a call", "core busy", "p50 ms", "p99 ms", "failed"),
            map(_closed, closed["servers"].items()),
        )
        ratios = (
            (name, rate, closed["ratio_by_cpu"][name]) for name, rate in closed["ratio_by_rate"].items()
        )
        heads = (
            "ours / constant",
            f"by rate, {closed['fastest_constant']}",
            f"by CPU, {closed['cheapest_constant']}",
        )
        yield "\n" + table(heads, ratios) + "\n"
        page = one["page"]
        rows = ((name, page[name]["pages_s"], page[name]["cpu_us"]) for name in ("one call", "six calls"))
        yield table((f"page of {', '.join(page['lists'])}", "pages/s", "CPU us a page"), rows)
        yield f"\nOne call / six: {page['by_rate']} times the pages a second, {page['by_cpu']} by CPU.\n"
        if one["h2load"]:
            rows = ((name, round(row["rate"]), row["cpu_us"]) for name, row in one["h2load"].items())
            yield table(("h2load, one payload", "calls/s", "CPU us a call"), rows) + "\n"
        yield table(
            ("open loop", "offered/s", "answered/s", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "failed"),
            map(_open, one["open"]),
        )
    yield "\n![Latency under open loop](results/open_loop.png)"


def _closed(row: tuple[str, dict[str, Any]]) -> tuple[Any, ...]:
    name, one = row
    rate, cpu = one["rate"], one["cpu_us"]
    return (
        name,
        f"{rate['median']:.0f} ({rate['min']:.0f} to {rate['max']:.0f})",
        f"{cpu['median']:.0f} ({cpu['min']:.0f} to {cpu['max']:.0f})",
        f"{one['core_busy']['median']:.2f}",
        f"{one['p50_ms']['median']:.1f}",
        f"{one['p99_ms']['median']:.1f}",
        one["failed"],
    )


def _open(one: dict[str, Any]) -> tuple[Any, ...]:
    times = (f"{one[name]:.1f}" for name in ("p50_ms", "p90_ms", "p99_ms", "p999_ms"))
    return one["server"], f"{one['offered']:.0f}", f"{one['rate']:.0f}", *times, sum(one["failed"].values())


def otherwise(found: dict[str, Any]) -> Iterable[str]:
    """FastAPI around implicit, and Serenade's published figures."""
    beside = found["fastapi"]
    yield (
        f"Lists of 20 for customers of {beside['shop']}, one worker on a core, 32 calls in flight. Ours: the whole of "
        "a list over gRPC, with rules, reasons and tokens; theirs: the neighbours of one model, as JSON.\n"
    )
    heads = ("closed loop", "lists/s", "CPU us a list", "core busy", "p50 ms", "p99 ms", "failed")
    yield table(heads, map(_closed, beside["rows"].items()))
    yield f"\nOurs over theirs, by rate: {_shares(beside['ours_over_theirs'])}.\n"
    serenade = found["serenade"]
    said = serenade["published"]
    yield (
        f"Next clicks of {serenade['visits']:,} steps of Yoochoose's last day, Poisson arrivals, one worker on one core. "
        f"Serenade publishes {said['rate']:,} a second on {said['cores']} cores with p90 below {said['p90_ms']} ms, on a "
        "larger catalogue and another machine.\n"
    )
    rows = [
        (
            row["offered"],
            f"{row['rate']:.0f}",
            *(f"{row[one]:.1f}" for one in _TIMES),
            row["cpu_us"],
            sum(row["failed"].values()),
        )
        for row in serenade["rows"]
    ]
    yield table(("offered/s", "answered/s", "p50 ms", "p90 ms", "p99 ms", "CPU us a list", "failed"), rows)


_TIMES = ("p50_ms", "p90_ms", "p99_ms")


def _shares(found: dict[str, float]) -> str:
    return ", ".join(f"{name} {share:.2f}" for name, share in found.items())


def opening(found: dict[str, Any]) -> Iterable[str]:
    """Swaps and memory."""
    yield f"A bundle of {found['bundle_mb']} MB; a worker looks for another every {found['settings']['look_s']} s.\n"
    rows = {f"by hand: {name}": one for name, one in found["steps_s"].items()}
    for kind, about in (("fresh", "a new bundle"), ("known", "one served before")):
        rows[f"{about}: CURRENT replaced to first answer"] = found["swaps"][kind]["to_first_answer_s"]
        rows[f"{about}: slowest answer meanwhile"] = found["swaps"][kind]["slowest_answer_s"]
    yield table(("seconds", "median", "least", "most"), ((name, *one.values()) for name, one in rows.items()))
    yield (
        "\nThe bundle is mapped: its pages are the page cache's. Of a lone worker they count as private and clean; "
        "of two they are shared. What a worker cannot share is `private_dirty`.\n"
    )
    each = [(name, one) for name, found_ in found["memory_mb"].items() for one in found_["each"]]
    heads = list(each[0][1])
    yield table(
        ("MB of a worker", *heads), ((f"of {name}", *(one[head] for head in heads)) for name, one in each)
    )


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


def pipeline(found: dict[str, Any]) -> Iterable[str]:
    """A ruled page."""
    told = found["settings"]
    yield (
        f"Milliseconds of a page of {told['blocks']} blocks of {told['length']} in the engine, each under ten rules and the "
        "request's filter, one request at a time, every one another customer's; made-up shops. `first` makes the masks.\n"
    )
    heads = (
        "shop, filter",
        "CPU p50",
        "wall p50",
        "wall p50, best round",
        "CPU p99",
        "wall p99",
        "first",
        "mean length",
    )
    names = ("p50_cpu_ms", "p50_ms", "least_p50_ms", "p99_cpu_ms", "p99_ms", "first_ms", "mean_length")
    rows = ((f"{one['shop']}, {one['filter']}", *(one[name] for name in names)) for one in found["rows"])
    yield table(heads, rows)


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


def accuracy(found: dict[str, Any]) -> Iterable[str]:
    """Everybody on one data set."""
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
        "seconds of one thread's processor time. ALS ends where its random start leads it: five starts of each.\n"
    )
    rows = (
        (
            one["data"], one["strategy"], one["twin"], pages.interval(one["ours"]), pages.interval(one["theirs"]),
            f"{one['ratio']:.3f}", pages.interval(one["gain"], "+"), f"{100 * one['same']:.0f} %",
            "{} : {}".format(*one["fit_cpu_seconds"]),
        )
        for one in found["rows"]
        if "refused" not in one
    )  # fmt: skip
    heads = (
        "data",
        "strategy",
        "twin",
        "ours",
        "theirs",
        "ours / theirs",
        "difference",
        "same products",
        "fit, s",
    )
    yield table(heads, rows)


def front(found: dict[str, Any]) -> Iterable[str]:
    """CPU of a call by front."""
    yield "Which gRPC server carries the service: its own CPU microseconds a call, least disturbed of interleaved runs.\n"
    kinds = [name for name in ("page", "raw", "work", "overload") if name in found]
    names = list(found["page"])
    yield table(
        ("front", *kinds), ((name, *(found[kind][name]["server_cpu_us"] for kind in kinds)) for name in names)
    )


def fronts(found: dict[str, Any]) -> Iterable[str]:
    """Fronts beside one another."""
    yield (
        "What carries the calls, one worker each under h2load's closed loop: medians over rounds; ratios to the front "
        "on grpcio are of one round. `page`: the whole service, a constant page of 20 items; `raw`: bytes made beforehand.\n"
    )
    rows = [
        (kind, name, *(one[key] for key in ("per_s", "cpu_us", "slowest_ms", "rate_to_grpc", "cpu_to_grpc")))
        for kind in ("page", "raw")
        for name, one in found[kind].items()
    ]
    yield table(("answers", "front", "a second", "CPU us", "slowest ms", "rate to grpc", "CPU to grpc"), rows)


def campaign(found: dict[str, Any]) -> Iterable[str]:
    """Lists for everybody."""
    ours, theirs = found["vitrina"], found["implicit"]
    yield (
        f"{found['customers']:,} made-up customers, {found['items']:,} products, {found['events']:,} purchases. Ours: three "
        f"sources under rules, reasons' sources kept, written to Parquet by {ours['processes']} processes; implicit: the "
        "item neighbours of one model, no rules, kept in memory. Private MB of our processes by quarters of the run: "
        f"{', '.join(map(str, ours['private_mb_by_quarter']))}.\n"
    )
    rows = (
        ("vitrina", ours["seconds"], ours["lists_a_second"]),
        ("implicit", theirs["seconds"], theirs["lists_a_second"]),
    )
    yield table(("lists by", "seconds", "lists a second"), rows)


def overload(found: dict[str, Any]) -> Iterable[str]:
    """A worker far beyond what it can carry."""
    crowd, health, memory = found["crowded"], found["health_ms"], found["memory_mb"]
    yield (
        "One worker, a minute of open-loop load at three times its peak, a deadline of half a second. Goodput is answers "
        "within it; what is refused costs the worker the rest of its core.\n"
    )
    rows = (
        ("peak, answers/s", f"{found['peak_goodput']:.0f}"),
        ("offered, calls/s", f"{crowd['offered']:.0f}"),
        ("answers/s", f"{crowd['goodput']:.0f}"),
        ("of the peak", f"{100 * found['goodput_of_peak']:.0f} %"),
        ("answers, ms: p50, p99", f"{crowd['p50_ms']:.0f}, {crowd['p99_ms']:.0f}"),
        ("health answers, ms: p50, most", f"{health['p50']:.0f}, {health['max']:.0f}"),
        ("memory, MB: before, most", f"{memory['before']:.0f}, {memory['most']:.0f}"),
        ("back to normal after, s", f"{found['recovered_s']:.0f}"),
    )
    yield table(("at three times the peak", ""), rows)


def instructions(found: dict[str, Any]) -> Iterable[str]:
    """What a request and its kernels may take."""
    yield (
        "Instructions of an average request of a made-up shop, as callgrind counts them; `make test` refuses "
        f"{found['tolerance']:.0%} more.\n"
    )
    yield table(("work", "instructions"), ((name, f"{n:,}") for name, n in found["instructions"].items()))


def catalogue(found: dict[str, Any]) -> Iterable[str]:
    """From a change of an item to the engine that answers with it."""
    yield (
        "CPU milliseconds from a change to the engine that answers with it; opening the same bundle anew beside. A "
        "worker spends a fifth of its time on changes at most, unless one would be later than half a second. The "
        "largest shop has no source by words.\n"
    )
    shops = found["cpu_ms"]
    kinds = list(next(iter(shops.values())))
    rows = [(kind, *(f"{shops[one][kind]:.1f}" for one in shops)) for kind in kinds]
    yield table(("CPU ms", *(f"{int(one):,} items" for one in shops)), rows)


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


def events(found: dict[str, Any]) -> Iterable[str]:
    """Events on disk a second, and how soon lists follow."""
    yield "Two workers and their client on the machine's two cores; every event is fsynced before it is acknowledged."
    yield ""
    rows = []
    for name, runs in found["rounds"].items():
        rates = [one["events_s"] for one in runs]
        middle = sorted(runs, key=lambda one: one["events_s"])[len(runs) // 2]
        told = [middle.get(key, "") for key in ("cpu_us", "p50_ms", "p99_ms")]
        rows.append(
            (EVENTS[name], f"{found['events_s'][name]:,.0f}", f"{min(rates):,}", f"{max(rates):,}", *told)
        )
    yield table(("events", "a second", "least", "most", "CPU us each", "p50 ms", "p99 ms"), rows)
    yield ""
    yield f"Ours / bare LMDB, batches: {found['ratio_to_bare']}. fsync of 4 KiB: {found['fsync_ms']['p50']} ms (p50)."
    yield ""
    delays = [
        (
            f"{what}, {name}",
            *(one[key][share] for share in ("p50", "p90", "p99", "max")),
            f"{one['reflected']:.1%}" if key == "list_ms" else "",
        )
        for name, one in found["delays"].items()
        for key, what in DELAYS.items()
        if key in one
    ]
    yield table(("ms", "p50", "p90", "p99", "most", "lists that follow from it"), delays)
    yield ""
    reads = [(f"{n} events", one["alone"], one["of_32"]) for n, one in found["profile_reads_us"].items()]
    yield table(("CPU us to read what a visitor did", "alone", "of 32 together"), reads)
    if told := read("kills", RESULTS):
        yield from ("", *kills(told))


def kills(found: dict[str, Any]) -> Iterable[str]:
    """What a soak of kills left."""
    killed = ", ".join(f"{n} of a {what}" for what, n in sorted(found["killed"].items()))
    yield (
        f"{found['rounds']} kills with SIGKILL ({killed}; workers die at failpoints besides) while four clients "
        f"record and send again what was not acknowledged: of {found['acknowledged']:,} acknowledged events "
        f"{found['lost']} were lost, none was there twice, and {found['outcomes'].get('duplicate', 0)} were on disk "
        f"though their acknowledgement had not come. Seed {found['seed']}, {found['seconds']:.0f} s; `make soak`."
    )


DELAYS = {
    "acknowledged_ms": "click to acknowledgement",
    "list_ms": "click to the list after it",
    "stock_ms": "sold out to lists without it, on every worker",
}
EVENTS = {
    "batches": "in batches of 50",
    "singles": "one a call, 64 clients",
    "bare": "bare LMDB, the same bytes",
}


def elsewhere(found: dict[str, Any]) -> Iterable[str]:
    """What has its tables in the terminal and its figures in the file."""
    yield "The script prints its tables; the figures are in the result file."


SECTIONS: dict[str, tuple[str, Section]] = {
    "engine": ("The engine alone", engine),
    "pipeline": ("A page under ten rules", pipeline),
    "server": ("A worker over gRPC", server),
    "overload": ("Three times more than a worker can carry", overload),
    "otherwise": ("What a shop would run otherwise", otherwise),
    "opening": ("Another bundle, and memory", opening),
    "campaign": ("Lists for a whole customer base", campaign),
    "train": ("Training beside libraries", train),
    "rules": ("Association rules beside mlxtend", rules),
    "growth": ("Growth", growth),
    "circles": ("Customers alike: from training, or when asked", circles),
    "needs": ("Memory of training, said and taken", needs),
    **{f"accuracy_{shop}": (f"Accuracy: {shop}", accuracy) for shop in SHOPS},
    "twins": ("Families that libraries have too", twins),
    "instructions": ("A budget of instructions", instructions),
    "front": ("gRPC servers", front),
    "fronts": ("Fronts: grpcio, Envoy, C++", fronts),
    "events": ("Events on disk, the lists after them, and kills", events),
    "catalogue": ("What is said of products between trainings", catalogue),
    "one_offs": ("One-off purchases that are kept out of profiles", one_offs),
    "diversity": ("What diversity costs and brings", diversity),
    "baskets": ("Completing baskets", elsewhere),
    "buy_again": ("Buying again", elsewhere),
    "sessions": ("The next step of a visit", elsewhere),
    "images": ("Photos", elsewhere),
}

if __name__ == "__main__":
    main()
