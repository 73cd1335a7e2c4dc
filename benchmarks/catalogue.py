"""What was said of items since training, put into the engine that answers: how long that takes.

    python benchmarks/catalogue.py            prints a table, writes results/catalogue.json (two minutes)
    python benchmarks/catalogue.py --quick    small shops, nothing written
    python benchmarks/catalogue.py --json     prints the result as JSON instead of the table

Made-up shops (made.py) of bestsellers and, but for the largest, of products alike by their words. Beside each
change stands opening the same bundle anew (`Engine.of`, in memory, nothing read or checked), which is what a
server without this would have to do at least. CPU milliseconds of this process, the median of several; each
change is to items that were not changed before, since what is said again costs nothing. `next list`: the first
list after a price has changed, whose masks are made anew, and `list`: the same with masks that are known.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import made
from machine import machine, write

from vitrina.engine import Engine
from vitrina.fit import fit
from vitrina.live import Live
from vitrina.placements import parse_placements
from vitrina.recipe import parse_recipe
from vitrina.request import Block, Request

SIZES, QUICK = (10_000, 100_000, 1_000_000), (1_000, 10_000)
WORDS = 100_000
"""Items at most, for which likeness by words is fitted: it takes minutes beyond."""
PLACEMENTS = {"home": {"sources": [{"strategy": "popular"}]}}
NEW = {"title": "a new product", "category": "group 1", "price": 9.5, "attributes/brand": "brand 1"}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quick", action="store_true", help="small shops, nothing written")
    options = parser.parse_args()
    rounds = 3 if options.quick else 9
    shops = {str(n): measured(n, rounds) for n in (QUICK if options.quick else SIZES)}
    result = {"machine": machine(), "settings": {"rounds": rounds}, "cpu_ms": shops}
    print(json.dumps(result) if options.json else table(result))
    if not options.quick:
        write("catalogue", result)


def measured(n_items: int, rounds: int) -> dict[str, float]:
    """CPU milliseconds of each kind of change in a shop of so many items."""
    strategies: dict[str, Any] = {"popular": {}} | ({"content_similar": {}} if n_items <= WORDS else {})
    dataset = made.shop(made.Size(n_items, max(100, n_items // 10), 2 * n_items))
    fitted = fit(dataset, parse_recipe({"strategies": strategies}, ""), parse_placements(PLACEMENTS))
    engine = Engine.of(fitted)
    names = [f"i{number}" for number in range(n_items)]
    known = list(dataset.items.names(engine.askers.history.rows[:20_000])) or names
    fresh = iter(dict.fromkeys(known))
    live, asked = Live(engine.moment), [Request((Block("home"),))]

    def price() -> dict[str, Any]:
        return {next(fresh): {"price": 9.25}}

    kinds: dict[str, Callable[[], Any]] = {
        "open anew": lambda: Engine.of(fitted),
        "a price": lambda told=price: engine.told(told()),
        "1,000 prices": lambda: engine.told({one: {"price": 8.75} for one in known[:1000]}),
        "stock in a region": lambda: engine.told({next(fresh): {"stock/north": True}}),
        "a title": lambda: engine.told({next(fresh): {"title": "another title"}}),
        "a new product": lambda: engine.told({"brand new": NEW}),
    }
    found = {name: cpu_ms(do, rounds) for name, do in kinds.items()}
    engine.recommend(asked, live)
    found["list"] = cpu_ms(lambda: engine.recommend(asked, live), rounds)
    later = iter([engine.told(price()) for _ in range(rounds)])
    found["next list"] = cpu_ms(lambda: next(later).recommend(asked, live), rounds)
    return found


def cpu_ms(do: Callable[[], Any], rounds: int) -> float:
    """The median CPU time of some rounds, in milliseconds."""
    spent = []
    for _ in range(rounds):
        started = time.process_time()
        do()
        spent.append(1e3 * (time.process_time() - started))
    return round(median(spent), 3)


def table(result: dict[str, Any]) -> str:
    """The result as a table in Markdown."""
    shops = result["cpu_ms"]
    head = "| CPU ms | " + " | ".join(f"{int(one):,} items" for one in shops) + " |"
    lines = [head, "| --- |" + " ---: |" * len(shops)]
    for kind in next(iter(shops.values())):
        lines.append(f"| {kind} | " + " | ".join(f"{one[kind]:,}" for one in shops.values()) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
