"""Servers for tests: a front over an engine of three lines, on a real port, in a thread."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shops import make_shop
from vitrina import probes
from vitrina.engine import Engine
from vitrina.fit import fit, with_metrics
from vitrina.placements import parse_placements
from vitrina.recipe import parse_recipe
from vitrina.registry import Registry
from vitrina.request import Fate, ListedBlock, ListedItem, Product, Reason, Response, RuleReason
from vitrina.server.access import Access
from vitrina.server.calls import Calls
from vitrina.server.front_grpc import Front
from vitrina.server.options import Options
from vitrina.server.service import Service
from vitrina.server.startup import reserved
from vitrina.server.token import Signer

KEY = b"sixteen bytes or more"
NOW = 1_700_000_000
WORKERS = ("vitrina-worker", "envoy")
PLACEMENTS = {
    "version": "p-1",
    "home": {"sources": [{"strategy": "popular"}]},
    "cart": {"sources": [{"strategy": "popular"}]},
}


SERVE = """
import json, sys
from pathlib import Path
from vitrina.server.options import Options
from vitrina.server.workers import serve
told = json.loads(sys.argv[1])
told.update({name: Path(told[name]) for name in ("registry", "store") if name in told})
code = serve(Options(**told))
sys.exit(100 if "grpc" in sys.modules else code)
"""


@dataclass(frozen=True)
class Names:
    """Placements as far as a front asks."""

    version: str = "placements-7"
    names: tuple[str, ...] = ("home", "cart")


@dataclass
class Shelf:
    """An engine that gives everybody the first of its items that are not on the page yet.

    Anything named 'x...' is unknown to it. `slow_s`: how long it blocks; `asked`: batches it got.
    """

    items: tuple[str, ...] = tuple(f"i{number}" for number in range(30))
    slow_s: float = 0.0
    version: str = "20260102T030405Z-0123456789ab"
    placements: Names = Names()
    fault: Exception | None = None
    asked: list[Any] = field(default_factory=list)

    def recommend(self, requests, live):
        """Answer a batch."""
        self.asked.append((requests, live))
        time.sleep(self.slow_s)
        if self.fault:
            raise self.fault
        return [self.answer(one) for one in requests]

    def answer(self, request):
        """One answer."""
        blocks = [self.block(one, set(request.page_item_ids)) for one in request.blocks]
        unknown = tuple(one for one in request.context_item_ids if one.startswith("x"))
        return Response(tuple(blocks), self.version, unknown, request.user_id == "ann")

    def block(self, block, shown):
        """One list."""
        chosen = [one for one in self.items if one not in shown][: block.limit or 3]
        listed = [ListedItem(one, 0.5, ("knn", "popular"), self.reason(one)) for one in chosen]
        trace = (("retrieve", tuple(chosen)),)
        return ListedBlock(block.placement, tuple(listed), int(not listed), ("not_viewed",), trace)

    def reason(self, item):
        """Every second item comes by a rule."""
        rule = RuleReason(("a", "b"), 0.25, 0.5, 2.0) if int(item[1:]) % 2 else None
        return Reason("knn", ("a", "b"), rule)

    def explain(self, request, item_ids, live):
        """A list, and of each item where it is, or that nobody proposed it."""
        response = self.answer(request)
        places = [one.item_id for block in response.blocks for one in block.items]
        return response, tuple(
            Fate(one, places.index(one) + 1, proposed=(("knn", 3),), blended=2)
            if one in places
            else Fate(one, stage="retrieve", rules=("no source proposed it",))
            for one in item_ids
        )

    def product(self, item_id):
        """Everything costs the same."""
        return Product(item_id, f"Title of {item_id}", "a > b", 10.0, 12.0, "i.jpg", {"brand": "acme"})


def service(engine: Any = None) -> Service:
    """A service over an engine, a shelf by default."""
    engine = engine or Shelf()
    return Service(lambda: engine, Signer(KEY))


def front(engine: Any = None, access: Access | None = None, **options: Any) -> Front:
    """A front that has not started; quiet, and quick to stop; open, unless there is an access."""
    chosen = {"grace_s": 2.0, "log_calls": False, **options}
    calls = Calls(service(engine), lambda: NOW, Options(Path("unused"), **chosen))
    return Front(calls, access or Access(None, time.time, time.monotonic))


@dataclass
class Loop:
    """An event loop in a thread: a process may have only one that gRPC runs on."""

    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def do(self, work: Any) -> Any:
        """Run a coroutine there and wait for what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)


async def _made(engine: Any, options: dict[str, Any]) -> Front:
    return front(engine, **options)


@contextmanager
def looping() -> Iterator[Loop]:
    """A loop that runs in a thread until the block ends."""
    one = Loop()
    thread = threading.Thread(target=one.loop.run_forever, daemon=True)
    thread.start()
    try:
        yield one
    finally:
        one.loop.call_soon_threadsafe(one.loop.stop)
        thread.join(10)
        one.loop.close()


def start(loop: Loop, engine: Any = None, port: int = 0, **options: Any) -> tuple[Front, str]:
    """Start a front on a loop; give it and its address."""
    made = loop.do(_made(engine, options))
    return made, f"127.0.0.1:{loop.do(made.start(f'127.0.0.1:{port}'))}"


@contextmanager
def serving(engine: Any = None, **options: Any) -> Iterator[str]:
    """The address of a front that serves until the block ends."""
    with looping() as loop:
        made, address = start(loop, engine, **options)
        try:
            yield address
        finally:
            loop.do(made.drain())


def publish(folder: Path, n_items: int = 17) -> str:
    """Train a small shop of bestsellers, make it the registry's current bundle, and give its version."""
    bought = [(f"u{user}", f"i{(user * day) % n_items}", day) for user in range(9) for day in range(1, 9)]
    placements = parse_placements(PLACEMENTS)
    fitted = fit(make_shop(bought), parse_recipe({"strategies": {"popular": {}}}, ""), placements)
    asked = probes.make(Engine.of(fitted), 4, 7)
    return Registry(folder).publish(with_metrics(fitted, {}, asked)).manifest.version


@contextmanager
def served(registry, **options):
    """A supervisor process, and its ready line."""
    told = json.dumps({"registry": str(registry), "port": 0, "grace_s": 2.0, "log_calls": False, **options})
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, told], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        yield process, json.loads(line)
    finally:
        process.terminate()
        process.communicate(timeout=30)


def children(pid):
    """The workers that a supervisor started, while it runs."""
    return [one for one in started(pid) if name(one) in WORKERS]


def name(pid):
    """What a process is called; empty for one that is no more."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def started(pid):
    """All processes that a process started."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def free_port():
    """A port that nobody has."""
    with reserved("127.0.0.1", 0) as port:
        return port


def wait_for(true, seconds=15.0):
    """Until something is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
