"""How cost grows with a shop: training, the bundle, a worker; from ten thousand products to as many as fit.

    python benchmarks/growth.py                        prints a table, writes results/growth.json (two hours, 50 GB of disk)
    python benchmarks/growth.py --quick                one small shop, nothing written
    python benchmarks/growth.py --sizes 10000:100000:1000000,1000000:10000000:300000000
                                                       products:customers:events of each; written
    python benchmarks/growth.py --keep                 adds to what results/growth.json has of other sizes
    python benchmarks/growth.py --folder F             keeps bundles and figures there, and goes on from what is there

Shops are made up (`made.py`), their events mapped from the disk as readers leave them; the recipe is item_knn,
user_knn, bought_together, popular. Each step is a process of its own. One fits, stage by stage, and publishes, held
to `LIMIT` of private memory by the system; what it held of its own at most in a stage is looked at a hundred times
a second, and `said` is what `vitrina train` says before it starts. One opens the bundle as a worker does that
runs on it already; one answers customers, alone and in batches; a server of two workers answers some, and the
lighter of these says what memory is its alone, pages of the bundle apart. Over events, times are fitted as a x^b and sizes as a + b x,
by least squares of what they are off by; training first runs on a small shop, so that nothing compiles.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba
import numpy as np
from machine import RESULTS, machine, write
from made import Size, shop
from numpy.typing import NDArray
from opening import memory
from serving import processes, shops
from watching import Stages, status

from vitrina import budget
from vitrina.bundle import Bundle, Draft
from vitrina.dataset import Dataset
from vitrina.engine import Engine
from vitrina.fit import Keep, fit, spilling
from vitrina.live import Live
from vitrina.needs import Extent
from vitrina.placements import parse_placements
from vitrina.recipe import parse_recipe
from vitrina.registry import Registry
from vitrina.request import Block, Request
from vitrina.server.current import warm

SIZES = (
    Size(10_000, 100_000, 1_000_000),
    Size(30_000, 300_000, 3_000_000),
    Size(100_000, 1_000_000, 10_000_000),
    Size(300_000, 3_000_000, 30_000_000),
    Size(1_000_000, 10_000_000, 100_000_000),
    Size(1_000_000, 10_000_000, 300_000_000),
)
SMALL = (Size(2_000, 10_000, 50_000),)
RECIPE: dict[str, Any] = {
    "strategies": {"item_knn": {}, "user_knn": {}, "bought_together": {}, "popular": {}}
}
PLACEMENTS: dict[str, Any] = {
    "version": "growth",
    "home": {
        "sources": [
            {"strategy": "item_knn", "weight": 1.0, "seeds": "history"},
            {"strategy": "user_knn", "weight": 0.4, "seeds": "history"},
            {"strategy": "bought_together", "weight": 0.5, "seeds": "last_order"},
        ],
        "fallback": ["popular"],
        "rebuy": "never",
    },
}
LENGTH, SINGLE, BATCH, BATCHES, SEED = 20, 1000, 256, 8, 7
LIMIT = 16_000
"""MB of private memory."""
ENDS = {"train_s": 3600.0, "train_cpu_s": 3600.0, "peak_mb": float(LIMIT)}
"""Where one machine ends: an hour by the clock, an hour of one core, 16 GB."""
POWERS = ("train_s", "train_cpu_s", "p50_cpu_ms", "p99_cpu_ms")
LINES = ("peak_mb", "bundle_mb", "ready_s", "worker_mb")


def main() -> None:
    """The table; or one step of one size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one small shop, nothing written")
    parser.add_argument("--sizes", default="", help="products:customers:events,...")
    parser.add_argument("--keep", action="store_true", help="add to the sizes already measured")
    parser.add_argument("--folder", type=Path, help="where bundles are kept, and what was measured of them")
    parser.add_argument("--step", nargs=3, metavar=("STEP", "SIZE", "FOLDER"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.step:
        step, size, folder = args.step
        print(json.dumps(STEPS[step](sized(size), Path(folder))), flush=True)
        return
    sizes = SMALL if args.quick else tuple(map(sized, filter(None, args.sizes.split(",")))) or SIZES
    known = json.loads((RESULTS / "growth.json").read_text())["rows"] if args.keep else []
    rows = {one["events_asked"]: one for one in known}
    for size in sizes:
        with kept(args.folder, size) as folder:
            rows[size.events] = measured(size, folder)
        print(json.dumps(rows[size.events]), flush=True)
    told = sorted(rows.values(), key=lambda one: one["events_asked"])
    result = {"machine": machine(), "recipe": RECIPE, "rows": told, "curves": curves(told)}
    print(json.dumps(result["curves"], indent=1))
    if not args.quick:
        print(f"\nwritten to {write('growth', result)}")


def sized(text: str) -> Size:
    """products:customers:events."""
    return Size(*map(int, text.split(":")))


@contextmanager
def kept(folder: Path | None, size: Size) -> Iterator[Path]:
    """Where the bundle of a size lies: below a folder, or for as long as it is looked at."""
    if folder:
        own = folder / str(size.events)
        own.mkdir(parents=True, exist_ok=True)
        yield own
    else:
        with tempfile.TemporaryDirectory() as passing:
            yield Path(passing)


def measured(size: Size, folder: Path) -> dict[str, Any]:
    """One size, from the shop to its lists."""
    asked, known = f"{size.items}:{size.users}:{size.events}", folder / "train.json"
    if not known.exists():
        known.write_text(_step("train", asked, folder).communicate()[0])
    trained = json.loads(known.read_text())
    opening = json.loads(_step("serve", asked, folder).communicate()[0])
    alone = json.loads(_step("ask", asked, folder).communicate()[0])
    served = json.loads(_step("workers", asked, folder).communicate()[0])
    return {
        "items": size.items, "users": size.users, "events_asked": size.events, **trained, **alone,
        "said_mb": said(size, trained), **opening, **served,
    }  # fmt: skip


def said(size: Size, trained: dict[str, Any]) -> dict[str, int]:
    """MB that each stage is said to need at most, beside those of the shop."""
    extent = Extent(size.items, size.users, trained["events"])
    stages = budget.plan(extent, parse_recipe(RECIPE, "growth"), trained["shop_mb"] << 20)
    return {one.name: round(one.peak / 2**20) for one in stages}


def _step(name: str, size: str, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, "--step", name, size, str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def train(size: Size, folder: Path) -> dict[str, Any]:
    """Fit and publish."""
    fitted(shop(SMALL[0]), lambda line: None)
    dataset, registry = shop(size), Registry(folder / "registry")
    recipe = parse_recipe({**RECIPE, "limits": {"memory": f"{LIMIT} MB"}}, "growth")
    before, stages = status("RssAnon"), Stages()
    with budget.within(recipe.limits.bytes), Draft(registry.folder) as draft:
        stored = registry.publish(fitted(dataset, stages.say, draft.keep), draft)
        stages.say("publish")
    return {
        "events": len(dataset.events),
        "shop_mb": round(before),
        "train_s": round(sum(one["seconds"] for one in stages.found), 2),
        "train_cpu_s": round(sum(one["cpu_s"] for one in stages.found), 2),
        "peak_mb": max(one["peak_mb"] for one in stages.found),
        "stages": stages.found,
        "bundle_mb": round(sum(one.size for one in stored.manifest.parts.values()) / 1e6, 1),
    }


def fitted(dataset: Dataset, say: Callable[[str], None], keep: Keep = spilling) -> Bundle:
    """The recipe's bundle."""
    return fit(dataset, parse_recipe(RECIPE, "growth"), parse_placements(PLACEMENTS, "growth"), say, keep)


def opened(folder: Path) -> tuple[Engine, dict[str, float]]:
    """The engine of a bundle, as a worker opens it that already runs on one: seconds until it is open, and
    until it has answered what is asked before it is trusted."""
    path = Registry(folder / "registry").path()
    numba.set_num_threads(1)
    before = Engine.open(path)
    warm(before, before.moment)
    begun = time.perf_counter()
    engine = Engine.open(path)
    seconds = time.perf_counter() - begun
    warm(engine, engine.moment)
    return engine, {"open_s": round(seconds, 3), "ready_s": round(time.perf_counter() - begun, 3)}


def asking(engine: Engine) -> list[Request]:
    """Customers of a bundle, drawn alike, who ask for a list each."""
    rows = np.random.default_rng(SEED).integers(0, engine.n_users, SINGLE + BATCH * BATCHES)
    blocks = (Block("home", LENGTH),)
    return [Request(blocks, user_id=one) for one in engine.askers.users.names(rows.astype(np.int32))]


def serve(size: Size, folder: Path) -> dict[str, Any]:
    """Open a bundle."""
    return opened(folder)[1]


def ask(size: Size, folder: Path) -> dict[str, Any]:
    """Lists one by one, and in batches, by one process on one thread."""
    engine, _ = opened(folder)
    requests, live = asking(engine), Live(engine.moment)
    single, many = requests[:SINGLE], requests[SINGLE:]
    for one in single[:50]:
        engine.recommend([one], live)
    wall, cpu = np.empty(SINGLE), np.empty(SINGLE)
    for at, one in enumerate(single):
        clock, worked = time.perf_counter(), time.process_time()
        engine.recommend([one], live)
        cpu[at], wall[at] = time.process_time() - worked, time.perf_counter() - clock
    worked = time.process_time()
    for at in range(0, len(many), BATCH):
        engine.recommend(many[at : at + BATCH], live)
    worked = time.process_time() - worked
    figures = {
        "p50_ms": (wall, 0.5),
        "p99_ms": (wall, 0.99),
        "p50_cpu_ms": (cpu, 0.5),
        "p99_cpu_ms": (cpu, 0.99),
    }
    told = {name: round(float(np.quantile(of, q)) * 1000, 3) for name, (of, q) in figures.items()}
    return told | {"lists_per_cpu_s": round(len(many) / worked)}


def workers(size: Size, folder: Path) -> dict[str, Any]:
    """Two workers of a server, asked by a thousand customers: what the lighter holds beside pages of files."""
    registry = Registry(folder / "registry")
    asked = list(shops.messages(asking(Engine.open(registry.path()))[:SINGLE]))
    with processes.vitrina(registry.folder, workers=2) as served:
        found = memory(served, asked)
    return {"start_s": found["start_s"], "worker_mb": min(one["private_dirty"] for one in found["each"])}


STEPS = {"train": train, "serve": serve, "ask": ask, "workers": workers}


def curves(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Each figure over events: how far the worst size lies off its curve, and where it reaches its end."""
    if len(rows) < 2:
        return {}
    events = np.array([one["events"] for one in rows], np.float64)
    found: dict[str, Any] = {}
    for name in (*POWERS, *LINES):
        told = np.array([max(one[name], 1e-6) for one in rows])
        line = name in LINES
        found[name] = curve(events, told, line=line, end=ENDS.get(name))
    for name in (*rows[-1]["said_mb"], "publish"):
        told = np.array([max(cpu_of(one, name), 1e-3) for one in rows])
        found[f"{name}_cpu_s"] = curve(events, told, line=False)
    return found


def cpu_of(row: dict[str, Any], stage: str) -> float:
    """CPU seconds of one stage."""
    return float(sum(one["cpu_s"] for one in row["stages"] if one["stage"] == stage))


def curve(
    events: NDArray[np.float64], told: NDArray[np.float64], *, line: bool, end: float | None = None
) -> dict[str, float]:
    """a + b x events, errors counting as shares; or a x events ^ b, by logarithms."""
    if line:
        b, a = np.polyfit(events, told, 1, w=1 / told)
        fitted = a + b * events
        at = (end - a) / b if end else 0.0
    else:
        b, level = np.polyfit(np.log(events), np.log(told), 1)
        a = np.exp(level)
        fitted = a * events**b
        at = (end / a) ** (1 / b) if end else 0.0
    off = float(np.abs(fitted / told - 1).max())
    figures = {"a": float(a), "b": float(b), "worst_off": round(off, 3)}
    return {"line": line, **figures, **({"events_at_end": float(f"{at:.3g}")} if end else {})}


if __name__ == "__main__":
    main()
