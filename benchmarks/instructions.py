"""Instructions of a request and of its hot kernels, counted by callgrind, beside a committed budget.

    python benchmarks/instructions.py             prints a table; fails where one is over its budget by 5 %
    python benchmarks/instructions.py --accept    writes results/instructions.json, the new budget
    python benchmarks/instructions.py --json      prints the counts as JSON, and judges nothing

A count is the same on a busy machine and an idle one, so that it can stand in a gate where a time cannot. It
knows nothing of memory and of how instructions overlap: what it guards was measured by engine.py. The shop
is made up, 800 customers of a hundred events in the median and 3,000 items; each count is of an average
request among 20. What answers is compiled for a plain processor here, so that all machines count alike; what
trains is not, as it takes far longer to compile and is not counted. Versions of Python and of what is compiled
change counts: a budget is of its own versions only, and under others nothing is judged.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from machine import RESULTS, machine, write
from serving import callgrind

from vitrina import bundle
from vitrina.catalog import Catalog
from vitrina.dataset import DAY, Dataset, Events
from vitrina.engine import Engine
from vitrina.ids import Ids
from vitrina.live import Live
from vitrina.placements import read_placements
from vitrina.request import Block, Request, SessionEvent
from vitrina.seeds import query
from vitrina.server import writer
from vitrina.server.service import Note, Service
from vitrina.server.token import Signer
from vitrina.strategy import Allow, Query
from vitrina.v1 import recommendation_service_pb2 as v1

LISTS = Path(__file__).with_name("serving") / "lists.toml"
RECIPE = {"strategies": {name: {} for name in ("item_knn", "next_basket", "buy_again", "popular")}}
USERS, ITEMS, REQUESTS, SEED = 800, 3000, 20, 7
HOME, TYPICAL = ("home_weighed",), ("typical",)
PAGE = (*TYPICAL, *HOME, "product_similar", "buy_again", "recently_viewed", "trending")
TOLERANCE = 0.05
PLAIN = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "NUMBA_NUM_THREADS": "1"}
ALIKE = {
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
VERSIONS = ("python", "numpy", "numba", "protobuf")
Work = Callable[[int], Any]


def main() -> int:
    """Count, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")
    parser.add_argument("--accept", action="store_true", help="write the budget")
    parser.add_argument("--step", choices=("fit", "warm", "count"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        step(options.step, options.folder)
        return 0
    if reason := callgrind.missing():
        print(f"nothing counted: {reason}")
        return 0
    found = {"machine": machine("protobuf"), "tolerance": TOLERANCE, "instructions": measured()}
    if options.json:
        print(json.dumps(found, indent=2))
        return 0
    if options.accept:
        print(f"written to {write('instructions', found)}")
        return 0
    return judged(found, json.loads((RESULTS / "instructions.json").read_text()))


def measured() -> dict[str, int]:
    """Instructions of each piece of work, from processes of their own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, under in (("fit", []), ("warm", []), ("count", callgrind.command(folder))):
            command = [*under, sys.executable, __file__, "--step", kind, "--folder", name]
            compiled = {} if kind == "fit" else PLAIN
            subprocess.run(command, check=True, env={**os.environ, **compiled, **ALIKE}, stdout=sys.stderr)
        return {name: round(n / REQUESTS) for name, n in sorted(callgrind.counts(folder).items())}


def judged(found: dict[str, Any], budget: dict[str, Any]) -> int:
    """Print the counts beside their budget; 1 where any is over it by more than the tolerance."""
    other = [one for one in VERSIONS if found["machine"][one] != budget["machine"][one]]
    wrong = []
    for name, count in found["instructions"].items():
        allowed = budget["instructions"].get(name, 0)
        more = count / allowed - 1 if allowed else 1.0
        wrong += [name] if more > TOLERANCE else []
        print(f"{name:32}{count:12,}{allowed:12,}{more:+9.1%}")
    if other:
        told = ", ".join(f"{one} {found['machine'][one]} for {budget['machine'][one]}" for one in other)
        print(f"not judged: the budget is of other versions ({told}); look, then run with --accept")
        return 0
    for name in wrong:
        print(f"{name} takes over {TOLERANCE:.0%} more than its budget; find out why, or run with --accept")
    return bool(wrong)


def step(kind: str, folder: Path) -> None:
    """One process of three: fit the shop; compile what it runs; count."""
    if kind == "fit":
        from vitrina.fit import fit
        from vitrina.recipe import parse_recipe

        recipe = parse_recipe(RECIPE, "")
        bundle.write(fit(shop(), recipe, read_placements(LISTS)), folder / "bundle")
        return
    engine = Engine.open(next((folder / "bundle").iterdir()), LISTS)
    counter = callgrind.Counter()
    gc.disable()
    for name, work in works(engine):
        for _ in range(2 if kind == "count" else 1):
            for one in range(REQUESTS):
                work(one)
        with counter.counted(name):
            for one in range(REQUESTS):
                work(one)


def works(engine: Engine) -> Iterator[tuple[str, Work]]:
    """What is counted, by name: whole requests from bytes to bytes, and the kernels of their sources."""
    service = Service(lambda: engine, Signer(b"sixteen bytes or more"))
    now = engine.last_event
    for name, blocks in {"home_weighed": HOME, "typical": TYPICAL, "page": PAGE}.items():
        asked = [_message(one) for one in requests(engine, *blocks)]
        yield f"request, {name}", lambda at, asked=asked: service.recommend(asked[at], now)
        # All of them in the first turn: a count is of one request then, too.
        yield (
            f"one of {REQUESTS} together, {name}",
            lambda at, asked=asked: at or together(service, asked, now),
        )
    askers = [engine.askers.of(one, now) for one in requests(engine, "typical")]
    queries = [query((one,), "history", now) for one in askers]
    everything = Allow.all(engine.n_items, 1)
    for name, source in sorted(engine.sources.items()):
        yield f"best of {name}", lambda at, of=source: of.top(fresh(queries[at]), 100, everything)
    near = engine.sources["item_knn"]
    shown = [near.top(one, 20, everything) for one in queries]
    yield "reasons of item_knn", lambda at: near.why(queries[at], shown[at].indptr, shown[at].rows)
    lists = engine.recommend(requests(engine, "typical"), Live(now))
    yield "bytes of a list", lambda at: at or written(lists[0].blocks[0].items)


def together(service: Service, asked: list[bytes], now: int) -> None:
    """Answer all of them at once."""
    service.recommend_many([(one, Note()) for one in asked], now)


def written(items: Any) -> bytes:
    """The bytes of a list and of those made with it, which nobody wrote before."""
    items.lists.written.clear()
    return writer.items(items)


def fresh(asked: Query) -> Query:
    """A query of which no source knows anything yet."""
    asked.found.clear()
    return asked


def requests(engine: Engine, *placements: str) -> list[Request]:
    """These lists for each of some customers, with two clicks in the visit."""
    names = engine.askers.users.names(np.arange(REQUESTS, dtype=np.int32))
    clicks = engine.items.names(np.arange(2 * REQUESTS, dtype=np.int32))
    return [
        Request(
            blocks=tuple(Block(one, limit=20) for one in placements),
            user_id=name,
            events=tuple(SessionEvent(one) for one in clicks[2 * at : 2 * at + 2]),
        )
        for at, name in enumerate(names)
    ]


def _message(one: Request) -> bytes:
    message = v1.RecommendRequest(
        user_id=one.user_id,
        blocks=[{"placement": block.placement, "limit": block.limit} for block in one.blocks],
        events=[{"item_id": event.item_id, "type": event.type} for event in one.events],
    )
    return bytes(message.SerializeToString())


def shop() -> Dataset:
    """Customers with tastes that last: each buys most from items of its own kind, some far oftener."""
    rng = np.random.default_rng(SEED)
    owner = np.repeat(np.arange(USERS), rng.integers(40, 160, USERS))
    n = len(owner)
    item = (owner % 10 * (ITEMS // 10) + rng.power(0.3, n) * (ITEMS // 10)).astype(np.int64)
    item = np.where(rng.random(n) < 0.2, rng.integers(0, ITEMS, n), item)
    order = np.argsort(rng.random(n))
    day = np.sort(rng.integers(0, 300, n))
    events = Events(
        user=owner[order].astype(np.int32),
        item=item[order].astype(np.int32),
        visit=(owner[order] * 300 + day).astype(np.int32),
        time=day * DAY,
        type=np.zeros(n, np.uint8),
        quantity=np.ones(n, np.float32),
        price=np.full(n, 5, np.float32),
    )
    users, items = Ids.of(f"u{one:04}" for one in range(USERS)), Ids.of(f"i{one:04}" for one in range(ITEMS))
    return Dataset(users, items, events, Catalog.bare(ITEMS))


if __name__ == "__main__":
    sys.exit(main())
