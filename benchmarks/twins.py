"""Families that a library has too, at equal settings: what their lists are worth, and how long a fit takes.

    python benchmarks/twins.py [ml_100k amazon_toys]

No search: both sides get the settings written here, learn the same events before the test window, and are
asked for what customers there never took (`discover`); short lists are filled up with bestsellers. Seconds
are processor time of one thread, of a second fit: compiling is nobody's. What starts from random numbers
is asked from several, and from the same numbers on both sides: where a start leads is chance, of which
intervals over starts are given. Both take three steps of conjugate gradients a row, ours preconditioned and
so nearer to the solution: implicit is also asked with its equations solved whole. Libraries in environments
of their own (`make referees`). Writes results/twins.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from accuracy import CONTEST, ROOT, figures, known, run, window
from contest import exchange
from contest.shops import ASKERS, SEED, SHOPS, load
from machine import machine, write
from rich.console import Console

from vitrina import strategies
from vitrina.bootstrap import estimates
from vitrina.engine import Engine
from vitrina.evaluate import ask
from vitrina.fit import fit
from vitrina.placements import parse_placements
from vitrina.questions import Questions, questions
from vitrina.recipe import parse_recipe
from vitrina.splits import Split, split

DATA = ("ml_100k", "amazon_toys")
ALL = {"seeds": 10_000}
EACH = {**ALL, "seed_power": 1.0}
BM25 = {"bm25_k1": 1.2, "bm25_b": 0.75}
USERS = {"neighbours": 100, "dilution": 0.0, "takers": 1_000_000, **ALL}
"""All takers of all items, and what neighbours have in full, as libraries do."""
FACTORS = {
    "factors": 64, "confidence": 8.0, "regularization": 0.1, "exponent": 0.0, "power": 1.0, "iterations": 15
}  # fmt: skip
THEIRS = {"factors": 64, "regularization": 0.1, "alpha": 9.0}
STARTS = range(1, 17)


class Twin(NamedTuple):
    """A strategy with its settings, and the library's family with the same; `most_items`: of a shop.

    `note`: what is not the same after all.
    """

    strategy: str
    ours: Mapping[str, Any]
    library: str
    family: str
    theirs: Mapping[str, Any]
    most_items: int = 1_000_000
    note: str = ""


TWINS = (  # implicit counts the item itself among its K
    Twin("item_knn", {"weighting": "cosine", "neighbours": 100, **EACH}, "implicit", "cosine", {"K": 101}),
    Twin("item_knn", {"weighting": "tfidf", "neighbours": 100, **EACH}, "implicit", "TF-IDF", {"K": 101}),
    Twin("item_knn", {"weighting": "bm25", "neighbours": 100, **BM25, **EACH},
         "implicit", "BM25", {"K": 101, "K1": 1.2, "B": 0.75}),
    Twin("user_knn", {"weighting": "cosine", **USERS}, "implicit", "users by cosine", {"K": 101}),
    Twin("user_knn", {"weighting": "tfidf", **USERS}, "implicit", "users by TF-IDF", {"K": 101}),
    Twin("user_knn", {"weighting": "bm25", **BM25, **USERS},
         "implicit", "users by BM25", {"K": 101, "K1": 1.2, "B": 0.75}),
    Twin("user_knn", {**USERS, "listed": 0, "neighbours": 100_000, "each": 100}, "lenskit", "UserKNN",
         {"max_nbrs": 100}),
    Twin("user_knn", {**USERS, "listed": 0, "neighbours": 100_000}, "lenskit", "UserKNN", {"max_nbrs": 100_000}),
    *(Twin("als", {**FACTORS, "start": start, **ALL}, "implicit", "ALS", {**THEIRS, "random_state": start})
      for start in STARTS),
    *(Twin("als", {**FACTORS, "start": start, **ALL}, "implicit", "ALS from our start", {**THEIRS, "start": start})
      for start in STARTS),
    *(Twin("als", {**FACTORS, "start": start, **ALL}, "implicit", "ALS from our start, solved whole",
           {**THEIRS, "start": start, "use_cg": False}, 3000) for start in STARTS),
    Twin("ease", {"ridge": 500.0, "kept": 2000, **EACH}, "lenskit", "EASE", {"regularization": 500.0}, 3000),
    Twin("ease", {"ridge": 500.0, "kept": 2000, **EACH}, "cornac", "EASE", {"lamb": 500.0}, 3000),
    Twin("ease", {"ridge": 500.0, "kept": 2000, **EACH}, "rectools", "EASE", {"regularization": 500.0}, 3000),
)  # fmt: skip


def main() -> None:
    """Each twin on each data set."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("data", nargs="*", metavar="DATA", help=", ".join(SHOPS))
    console = Console(width=150, highlight=False)
    rows = []
    for name in options.parse_args().data or DATA:
        with tempfile.TemporaryDirectory() as folder:
            for row in compared(name, Path(folder), console.print):
                rows.append(row)
                console.print(json.dumps(row))
    found = {"machine": machine("threadpoolctl"), "rows": rows, "starts": list(over_starts(rows))}
    console.print(f"written {write('twins', found)}")


def compared(name: str, folder: Path, say: Any) -> Iterator[dict[str, Any]]:
    """The rows of one data set."""
    cut = split(load(SHOPS[name], say), SHOPS[name].days)
    asked = next(one for one in questions(cut, ASKERS, SEED) if one.placement == "discover")
    exchange.write(folder / "test", window(cut, {"discover": asked}))
    for place, twin in enumerate(TWINS):
        if len(cut.train.items) <= twin.most_items:
            mine, facts = of_ours(twin, cut, asked)
            out = folder / str(place)
            theirs = run(f"{twin.library} {twin.family}", _command(twin, folder), out, say)
            row = {"data": name, "strategy": twin.strategy, "twin": f"{twin.library} {twin.family}"}
            if "refused" in theirs:
                yield row | {"refused": theirs["refused"]}
                continue
            lists = np.load(out / "discover.npy")
            other = theirs["placements"]["discover"]
            yield row | judged(mine, lists, asked) | {
                "settings": {**twin.ours}, "note": twin.note, "fit_cpu_seconds": [facts, other["fit_cpu_seconds"]],
            }  # fmt: skip


def over_starts(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What several random starts of the same twin say together: means over starts, with intervals of starts."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in rows:
        if "start" in one.get("settings", {}):
            groups.setdefault((one["data"], one["twin"]), []).append(one)
    for (data, twin), own in groups.items():
        sides = {side: np.array([one[side][0] for one in own]) for side in ("ours", "theirs", "gain")}
        means = estimates(sides, np.arange(len(own)), seed=SEED)
        busy = np.median([one["fit_cpu_seconds"] for one in own], axis=0)
        yield {
            "data": data, "strategy": own[0]["strategy"], "twin": twin, "starts": len(own),
            **{side: known(one) for side, one in means.items()},
            "ratio": round(means["ours"].mean / means["theirs"].mean, 4),
            "fit_cpu_seconds": [round(float(one), 3) for one in busy],
        }  # fmt: skip


def of_ours(twin: Twin, cut: Split, asked: Questions) -> tuple[Any, float]:
    """Product rows of everybody's list, and the processor seconds of a second fit."""
    recipe = parse_recipe(
        {"strategies": {twin.strategy: dict(twin.ours), "popular": {"half_life_days": 0.0}}}, "twins"
    )
    table = {"sources": [{"strategy": twin.strategy}], "fallback": ["popular"], "rebuy": "never"}
    placements = parse_placements({"discover": table}, "twins")
    engine = Engine.of(fit(cut.train, recipe, placements), placements)
    rows, _ = ask(engine, asked, engine.placements.named("discover"), cut.now)
    strategy, busy = strategies.make(twin.strategy, twin.ours), time.process_time()
    strategy.fit(cut.train)
    took = round(time.process_time() - busy, 3)
    return np.append(cut.train.catalog.product, np.int32(-1))[rows], took


def _command(twin: Twin, folder: Path) -> list[str]:
    where = ".venv-rectools" if twin.library == "rectools" else ".venv-referees"
    python, search = str(ROOT / where / "bin" / "python"), str(CONTEST / "search.py")
    given = ["--settings", json.dumps(dict(twin.theirs))]
    return [python, search, str(folder), f"with_{twin.library}", twin.family, *given]


def judged(ours: Any, theirs: Any, asked: Questions) -> dict[str, Any]:
    """NDCG@10 of both sides with intervals, and how many of the products listed are the same."""
    sides = {"ours": figures(ours, asked)["ndcg@10"], "theirs": figures(theirs, asked)["ndcg@10"]}
    _, clusters = np.unique(asked.clusters, return_inverse=True)
    means = estimates({**sides, "gain": sides["ours"] - sides["theirs"]}, clusters, seed=SEED)
    same = [len(set(one[:10]) & set(other[:10])) / 10 for one, other in zip(ours, theirs, strict=True)]
    found: dict[str, Any] = {name: known(one) for name, one in means.items()}
    share = means["ours"].mean / means["theirs"].mean
    return found | {"ratio": round(share, 4), "same": round(float(np.mean(same)), 4), "asked": len(asked)}


if __name__ == "__main__":
    main()
