"""Bundles opened, events kept, lists for everybody."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from machine import RESULTS
from plots import read

from sections.markdown import table


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
    if told := read("swaps", RESULTS):
        yield from ("", swaps(told))


def swaps(found: dict[str, Any]) -> str:
    """What swaps and roll backs under load did to answers and memory."""
    memory, waited = found["private_mb"], found["p99_ms"]
    return (
        f"{found['swaps']} swaps and roll backs within {found['seconds']:.0f} s under load on {found['workers']} workers: "
        f"{found['answers']:,} answers, {found['failed']} failed, {found['mixed']} of two bundles at once; private memory "
        f"{memory['before']} MB before, {memory['after']} MB after; p99 {waited['without_swaps']} ms without and "
        f"{waited['with_swaps']} ms with them (`VITRINA_SWAP_S={found['seconds']:.0f} VITRINA_SWAPS=FILE pytest tests/server/test_swapping.py`)."
    )


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


def campaign(found: dict[str, Any]) -> Iterable[str]:
    """Lists for everybody."""
    ours, theirs = found["vitrina"], found["implicit"]
    command = ours["command"]
    yield (
        f"{found['customers']:,} made-up customers, {found['items']:,} products, {found['events']:,} purchases. implicit: "
        "the item neighbours of one model, what was bought left out, kept in memory, on one core. Ours: `kernel` the source alone; `alike` the same through the engine "
        "by the same similarity, in memory; `mixed` three sources under rules, in memory; `command` those of a file of "
        f"ids written to Parquet by {command['processes']} processes, whose private MB by quarters of the run are "
        f"{', '.join(map(str, command['private_mb_by_quarter']))}.\n"
    )
    rows = (
        (name, one["seconds"], one["lists_a_second"], one["cpu_us"], ratio)
        for name, one, ratio in (
            *((f"vitrina, {name}", one, found["ratio_by_cpu"][name]) for name, one in ours.items()),
            ("implicit", theirs, 1.0),
        )
    )
    yield table(
        ("lists by", "seconds", "lists a second", "CPU us a list", "of implicit's pace, by CPU"), rows
    )


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


def soak(found: dict[str, Any]) -> Iterable[str]:
    """How calls ended, and what workers hold."""
    troubles = ", ".join(f"{what} {times}" for what, times in found["troubles"].items())
    amiss = "; ".join(found["amiss"]) or "nothing"
    yield (
        f"{found['calls']:,} calls in {found['seconds']} s, on two workers (front {found['front']}). Meanwhile: {troubles}. "
        f"Amiss: {amiss}.\n"
    )
    rows = (
        (kind, ", ".join(f"{ending} {times:,}" for ending, times in endings.items()))
        for kind, endings in found["endings"].items()
    )
    yield table(("traffic", "how it ended"), rows) + "\n"
    before, after = found["before"], found["after"]
    yield table(
        ("both workers, with nothing asked", "after a tenth", "after two thirds"),
        ((name, before[name], after[name]) for name in ("private_mb", "files", "threads")),
    )
