"""The engine, a worker, and servers beside it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sections.markdown import table


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


def resting(found: dict[str, Any]) -> Iterable[str]:
    """A call that comes alone."""
    told = found["settings"]
    yield (
        f"CPU of one call of `{told['list']}` ({told['shop']}), bytes to bytes in one process, after a rest and after as "
        "long a time of idle counting; then a worker beside the fastest constant server, by how often calls come. What "
        "a closed loop shows is a call whose code and data the call before has just used.\n"
    )
    rows = (
        (
            f"{one['after_ms']} ms of {one['of']}" if one["after_ms"] else "another call",
            one["p50_us"],
            one["p90_us"],
        )
        for one in found["alone"]
    )
    yield table(("a call after", "CPU us, median", "p90"), rows)
    yield ""
    rates = (
        (one["offered"], one["server"], one["cpu_us"], f"{one['p50_ms']:.1f}", f"{one['p99_ms']:.1f}")
        for one in found["rates"]
    )
    yield table(("calls/s offered", "server", "CPU us a call", "p50 ms", "p99 ms"), rates)


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


def front_cores(found: dict[str, Any]) -> Iterable[str]:
    """Processes beside threads."""
    told = found["settings"]
    yield (
        f"Both cores for the front inside Envoy, {told['in_flight']} calls in flight, {told['rounds']} rounds of "
        f"{told['seconds']:g} s in turn: `processes`, two workers on one port; `threads`, one worker with two threads of "
        "Envoy and two event loops; `one`, a worker as it is. Lists of 20 from three sources, over a real bundle; the "
        "client shares the cores. Ratios are to two processes in the same round.\n"
    )
    keys = (
        "per_s",
        "cpu_us",
        "cores",
        "p50_ms",
        "p99_ms",
        "private_mb",
        "per_s_to_processes",
        "cpu_us_to_processes",
    )
    heads = ("", "a second", "CPU us", "cores", "p50 ms", "p99 ms", "private MB", "rate", "CPU")
    yield table(heads, ((name, *(one[key] for key in keys)) for name, one in found["rows"].items()))


def instructions(found: dict[str, Any]) -> Iterable[str]:
    """What a request and its kernels may take."""
    yield (
        "Instructions of an average request of a made-up shop, as callgrind counts them; `make test` refuses "
        f"{found['tolerance']:.0%} more.\n"
    )
    yield table(("work", "instructions"), ((name, f"{n:,}") for name, n in found["instructions"].items()))
