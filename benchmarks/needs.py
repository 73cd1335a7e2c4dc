"""What every strategy says it needs of memory, beside what it takes.

    python benchmarks/needs.py                   prints a table, writes results/needs.json (twenty minutes)
    python benchmarks/needs.py --quick           a small shop, nothing written
    python benchmarks/needs.py --only als,ease   some strategies, beside what results/needs.json has of others

Each strategy, as it comes, is fitted on made shops (`made.py`) in a process of its own, after a small one that
compiles. `took` is the private memory it held at most beside what was there, looked at a hundred times a second;
`said` is its estimate; `kept` is the size of its parts.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from typing import Any

from growth import SMALL, sized
from machine import RESULTS, machine, write
from made import Size, shop
from watching import Stages, status

from vitrina import strategies
from vitrina.needs import Extent, need_of

SIZES = (Size(10_000, 100_000, 1_000_000), Size(30_000, 300_000, 3_000_000))


def main() -> None:
    """Every strategy on every shop; or one of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a small shop, nothing written")
    parser.add_argument("--only", default="", help="some strategies, parted by commas")
    parser.add_argument("--one", nargs=2, metavar=("STRATEGY", "SIZE"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measured(args.one[0], sized(args.one[1]))))
        return
    names = args.only.split(",") if args.only else strategies.names()
    file = RESULTS / "needs.json"
    known = json.loads(file.read_text())["rows"] if args.only and file.exists() else []
    rows = {(one["events_asked"], one["strategy"]): one for one in known}
    for size in SMALL if args.quick else SIZES:
        asked = f"{size.items}:{size.users}:{size.events}"
        for name in names:
            command = [sys.executable, __file__, "--one", name, asked]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            rows[size.events, name] = json.loads(done.stdout)
            print(rows[size.events, name], flush=True)
    if not args.quick:
        told = [rows[key] for key in sorted(rows)]
        print(f"\nwritten to {write('needs', {'machine': machine(), 'rows': told})}")


def measured(name: str, size: Size) -> dict[str, Any]:
    """One strategy on one shop."""
    made = strategies.make(name, {})
    made.fit(shop(SMALL[0]))
    dataset = shop(size)
    before, stages = status("RssAnon"), Stages()
    parts = made.fit(dataset)
    stages.say(name)
    (stage,) = stages.found
    need = need_of(made, Extent.of(dataset))
    kept = sum(len(one) if isinstance(one, bytes) else one.nbytes for one in parts.values())
    return {
        "strategy": name,
        "items": size.items,
        "users": size.users,
        "events_asked": size.events,
        "events": len(dataset.events),
        "cpu_s": stage["cpu_s"],
        "took_mb": round(stage["peak_mb"] - before),
        "said_mb": round(need.working / 2**20),
        "kept_mb": round(kept / 2**20),
        "said_kept_mb": round(need.kept / 2**20),
    }


if __name__ == "__main__":
    main()
