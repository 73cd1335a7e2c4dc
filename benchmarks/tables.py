"""benchmarks/README.md, written from results/*.json: what was measured, on what, by which command.

python benchmarks/tables.py      writes it; what has no result yet is said to have none
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from machine import RESULTS
from plots import read
from sections import accuracy, families, living, serving, training
from sections.accuracy import ELSEWHERE, SHOPS
from sections.markdown import machine

README = Path(__file__).resolve().parent / "README.md"
HEAD = """# Benchmarks

Every figure here is in `results/*.json`, with the machine, its load and the versions it was measured with;
this page is written from them by `python benchmarks/tables.py`, and the pictures by
`python benchmarks/plots.py`. `make bench` runs those of rules, training, the engine, swaps and a server, and
asks MovieLens beside popular and implicit; `make bench-full` runs all. Each
script says in its first lines what it compares and how, and takes `--quick` or `--help`. The contest of
`accuracy.py` is held on any folder too, cut or split as published: `--data DIR [--test HELD]`.
"""
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
            parts += ["## Accuracy beside libraries\n", *accuracy.leaders(results)]
        parts.append(f"## {title}\n")
        if not found:
            parts.append(f"No result yet: `{_command(name)}`.\n")
            continue
        budget = f" --budget {found['budget_seconds']:.0f}s" if "budget_seconds" in found else ""
        parts += [*section(found), "", f"`{_command(name)}{budget}`; {machine(found['machine'])}\n"]
    return "\n".join(parts)


def _command(name: str) -> str:
    script, _, data = name.partition("_") if name.startswith("accuracy_") else (name, "", "")
    if data in ELSEWHERE:
        data = f"--data FOLDER --name {data} --out benchmarks/results/{name}.json"
    return f"python benchmarks/{script}.py {data}".rstrip()


SECTIONS: dict[str, tuple[str, Section]] = {
    "engine": ("The engine alone", serving.engine),
    "pipeline": ("A page under ten rules", living.pipeline),
    "server": ("A worker over gRPC", serving.server),
    "resting": ("A call that comes alone", serving.resting),
    "overload": ("Three times more than a worker can carry", serving.overload),
    "otherwise": ("What a shop would run otherwise", serving.otherwise),
    "opening": ("Another bundle, and memory", living.opening),
    "campaign": ("Lists for a whole customer base", living.campaign),
    "train": ("Training beside libraries", training.train),
    "rules": ("Association rules beside mlxtend", training.rules),
    "growth": ("Growth", training.growth),
    "circles": ("Customers alike: from training, or when asked", training.circles),
    "needs": ("Memory of training, said and taken", training.needs),
    **{f"accuracy_{shop}": (f"Accuracy: {shop}", accuracy.contest(shop)) for shop in SHOPS},
    "alone": ("Every strategy alone", families.alone),
    "drawn": ("Tuning on some customers", training.drawn),
    "ranker": ("What learned trees add", accuracy.ranker),
    "twins": ("Families that libraries have too", accuracy.twins),
    "instructions": ("A budget of instructions", serving.instructions),
    "front": ("gRPC servers", serving.front),
    "fronts": ("Fronts: grpcio, Envoy, C++", serving.fronts),
    "front_cores": ("Two processes or two threads inside Envoy", serving.front_cores),
    "soak": ("A soak of the front inside Envoy", living.soak),
    "events": ("Events on disk, the lists after them, and kills", living.events),
    "catalogue": ("What is said of products between trainings", living.catalogue),
    "one_offs": ("One-off purchases that are kept out of profiles", training.one_offs),
    "diversity": ("What diversity costs and brings", accuracy.diversity),
    "baskets": ("Completing baskets", families.baskets),
    "buy_again": ("Buying again", families.buy_again),
    "sessions": ("The next step of a visit", families.sessions),
    "decision_tree": ("Customer decision trees", families.trees),
    "images": ("Photos", families.photos),
}

if __name__ == "__main__":
    main()
