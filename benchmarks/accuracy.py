"""Vitrina's recipes beside every library on one split of a data set, each tuned on the window before it.

    python benchmarks/accuracy.py [ml_100k groceries ...] [--budget 5m]     all data sets by default
    python benchmarks/accuracy.py --quick                                   MovieLens beside popular and implicit
    python benchmarks/accuracy.py held_out                                  those that nothing was developed on
    python benchmarks/accuracy.py --data DIR [--test HELD] [--recipe FILE] [--out FILE]      a folder of your own

The last window is the test (28 days, or a fifth of the time there is; without times each one's last
order, or a tenth by lot where rows tell who took what alone). Two recipes of ours are asked: the one that
comes with Vitrina, its sources weighed on the window before as in training, and the one that `vitrina tune`
writes unaided within the budget, from all that came before the test window. A library's family has as many
trials as a strategy had there on average (10 at least, and a third of the budget in time at most), by NDCG@10 on
the same window before (without times the last tenth of what each one took one by one), by the same number of
askers; its short lists are filled up with bestsellers, and whether what an asker has may be listed is chosen
there too. Everybody is asked the test window once. One thread; budgets are seconds of each one's
processor, so that a busy machine is held against nobody; libraries in environments of their own (`make
referees`). Writes results/accuracy_<data>.json.

A folder of your own is cut as those are, or with --test, a folder or a file of events, learned from whole while
all that is held is asked (`vitrina evaluate` says how); tuning and validation see the folder alone. `--askers`
draws more than 5,000 of them. Its results are printed, and written where --out says, nowhere else.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numba
import numpy as np
from contest import exchange, plain
from contest.shops import ALL, ASKERS, HELD_OUT, RECIPES, SEED, SHOPS, Folder, Shop, cut
from machine import machine, write
from rich.console import Console

from vitrina.bootstrap import Estimate, estimates
from vitrina.cli.tuning import duration
from vitrina.errors import VitrinaError
from vitrina.metrics import Lists, Values, accuracy
from vitrina.questions import Questions, questions
from vitrina.splits import Split, of_types, split
from vitrina.train import placements_of
from vitrina.tune import tune
from vitrina.tune.bench import MOST
from vitrina.weights import LINES

ROOT = Path(__file__).resolve().parents[1]
CONTEST = ROOT / "benchmarks" / "contest"
LIBRARIES = {
    "implicit": (".venv", ("cosine", "TF-IDF", "BM25", "ALS")),
    "lenskit": (".venv-referees", ("ItemKNN", "UserKNN", "ALS", "EASE")),
    "cornac": (".venv-referees", ("EASE", "BPR", "GPTop", "UPCF", "TIFUKNN")),
    "rectools": (".venv-rectools", ("EASE", "PureSVD")),
    "plain": (".venv", tuple(plain.FAMILIES)),
}
QUICK = ("popular", "implicit BM25", "implicit ALS")
TUNED, DEFAULT = "vitrina, tuned", "vitrina, as it comes"
WAYS = {"home": (False, True), "discover": (True,), "cart": (True,), "session_next": (False, True)}
"""Whether what an asker has is not listed: of `home` and `session_next` validation decides."""
LEAST_TRIALS = 10
METRICS = {
    "ndcg@10": ("ndcg", 10), "recall@10": ("recall", 10), "revenue_recall@10": ("revenue_recall", 10),
    "hit_rate@10": ("hit_rate", 10), "mrr@10": ("mrr", 10), "hit_rate@20": ("hit_rate", 20), "mrr@20": ("mrr", 20),
    "ndcg@20": ("ndcg", 20), "recall@20": ("recall", 20), "full_recall@20": ("full_recall", 20),
}  # fmt: skip
ONE_THREAD = {
    f"{name}_NUM_THREADS": "1" for name in ("OMP", "NUMBA", "OPENBLAS", "MKL", "POLARS", "RAYON", "LK")
}
Say = Callable[[str], None]


def main() -> None:
    """Each data set in its turn."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("data", nargs="*", metavar="DATA", help=", ".join(ALL))
    options.add_argument("--budget", default="5m", help="of vitrina tune (default 5m)")
    options.add_argument("--keep", type=Path, help="where all stays that was made; what is there goes on")
    known = [label for label, _ in _others(Path(), 0, 0.0)]
    options.add_argument("--referees", nargs="+", choices=known, metavar="NAME", help=f"of {known}; all")
    options.add_argument(
        "--quick", action="store_true", help="ml_100k beside popular and implicit in minutes, nothing written"
    )
    options.add_argument("--data", type=Path, dest="folder", help="a folder of your own")
    options.add_argument("--test", type=Path, help="what is asked, all of --data being learned from")
    options.add_argument("--recipe", type=Path, default=RECIPES / "default.toml", help="of --data")
    options.add_argument("--name", help="of --data; by default the folder's")
    options.add_argument("--askers", type=int, default=ASKERS, help="asked of --data at most (default 5000)")
    options.add_argument("--out", type=Path, help="file for the results of --data, .json")
    given = options.parse_args()
    if (given.data or given.quick) if given.folder else (given.test or given.out):
        options.error("--data stands for DATA and --quick; --test and --out need it")
    if given.quick:
        given.data, given.budget, given.referees = ["ml_100k"], "30s", QUICK
    try:
        held(given, Console(width=150, highlight=False).print)
    except VitrinaError as reason:
        sys.exit(str(reason))


def held(given: argparse.Namespace, say: Say) -> None:
    """The contests that were asked for."""
    named = [one for name in given.data or SHOPS for one in (HELD_OUT if name == "held_out" else [name])]
    shops: dict[str, Shop | Folder] = {one: ALL[one] for one in named}
    if given.folder:
        shops = {given.name or given.folder.resolve().name: Folder(given.folder, given.recipe, given.test)}
    for name, shop in shops.items():
        with tempfile.TemporaryDirectory() as scratch:
            keep, budget = given.keep or Path(scratch), duration(given.budget)
            found = contest(name, shop, budget, keep, given.referees, say, given.askers)
        if given.out:
            given.out.write_text(json.dumps(found, default=float, indent=2) + "\n")
            say(f"written {given.out}")
        elif not given.quick and not given.folder:
            say(f"written {write(f'accuracy_{name}', json.loads(json.dumps(found, default=float)))}")


def contest(
    name: str,
    shop: Shop | Folder,
    budget: float,
    keep: Path,
    referees: Sequence[str] | None,
    say: Say,
    askers: int = ASKERS,
) -> dict[str, Any]:
    """One data set: tune ours, tune the others, or those that are named, ask everybody."""
    folder, start = keep / name, shop.start
    folder.mkdir(parents=True, exist_ok=True)
    test = cut(shop, say)
    numba.set_num_threads(1)  # others would wait for work awake, and that is the processor's time too
    out, clock = folder / "tuned.toml", time.process_time
    made = tune(test.train, start, placements_of(start), out, budget, say=say, clock=clock)
    asked = {one.placement: one for one in questions(test, askers, SEED)}
    exchange.write(folder / "test", window(test, asked))
    before = split(test.train, shop.days, tenth=True)
    chosen_by = {one.placement: one for one in questions(before, MOST, SEED, LINES)}
    exchange.write(folder / "validation", window(before, chosen_by))
    families = len({json.loads(line)["family"] for line in _journal(folder)})
    trials = max(LEAST_TRIALS, -(-made.trials // max(families, 1)))
    told = shop.words if isinstance(shop, Folder) else [name]
    entrants = {
        TUNED: _ours(folder / "tuned.toml", told, askers),
        DEFAULT: _ours(shop.file, told, askers),
    }
    others = dict(_others(folder, trials, budget / 3))
    entrants |= {label: others[label] for label in referees or others}
    facts = {label: run(label, command, folder / "lists" / label, say) for label, command in entrants.items()}
    about = {
        "trials": made.trials,
        "families": families,
        "seconds": round(made.seconds, 1),
        "trials_of_others": _most_tried(facts),
    }
    placements = {one: judged(asked[one], one, folder / "lists", facts, say) for one in asked}
    return {
        "machine": machine("optuna"), "split": test.rule, "events": len(test.train.events),
        "items": len(test.train.items), "users": len(test.train.users), "budget_seconds": budget, "tune": about,
        "asked": {one: len(questions_) for one, questions_ in asked.items()}, "placements": placements,
    }  # fmt: skip


def _most_tried(facts: Mapping[str, Any]) -> int:
    """Trials that a family of others had at most: those of lists that were kept from an earlier run too."""
    return max((many for one in facts.values() for many in one.get("trials", {}).values()), default=0)


def window(cut: Split, asked: Mapping[str, Questions]) -> exchange.Window:
    """What libraries learn from: what the lists should foretell, returns settled."""
    train = cut.train.settled()
    events = train.events.take(of_types(train, cut.wanted))
    columns = {name: getattr(events, name) for name in ("user", "item", "visit", "time")}
    told = tuple(_told(one, cut) for one in asked.values())
    return exchange.Window(
        **columns,
        product=train.catalog.product,
        n_users=len(train.users),
        now=cut.now,
        timed=train.timed,
        asked=told,
    )


def _told(asked: Questions, cut: Split) -> exchange.Asked:
    """One placement's askers as arrays."""
    users, items, empty = cut.train.users, cut.train.items, len(cut.train.users) == 0
    ids = [one.user_id for one in asked.requests]
    owner = np.full(len(asked), -1, np.int32) if empty else users.rows(ids)
    held = [[*one.context_item_ids, *(event.item_id for event in one.events)] for one in asked.requests]
    ends = np.concatenate([[0], np.cumsum([len(one) for one in held])]).astype(np.int64)
    rows = items.rows([one for each in held for one in each]).astype(np.int32)
    learned = rows >= 0  # what a visit holds of items that are only asked about
    indptr, rows = np.concatenate([[0], np.cumsum(learned)]).astype(np.int64)[ends], rows[learned]
    by = exchange.USERS if asked.placement in ("home", "discover") else exchange.VISITS
    truth = asked.truth
    return exchange.Asked(
        asked.placement, by, WAYS[asked.placement], owner, indptr, rows, truth.indptr, truth.rows
    )


def _journal(folder: Path) -> list[str]:
    return (folder / "tuned.toml.journal").read_text().splitlines()[1:]


def _ours(recipe: Path, told: Sequence[str], askers: int) -> list[str]:
    python = str(ROOT / ".venv" / "bin" / "python")
    return [python, str(CONTEST / "ours.py"), str(recipe), *told, "--askers", str(askers)]


def _others(folder: Path, trials: int, seconds: float) -> Iterator[tuple[str, list[str]]]:
    """By name, what searches and asks a family."""
    for library, (where, families) in LIBRARIES.items():
        module = library if library == "plain" else f"with_{library}"
        python = str(ROOT / where / "bin" / "python")
        for family in families:
            label = family if library == "plain" else f"{library} {family}"
            limits = ["--trials", str(trials), "--seconds", str(seconds)]
            yield label, [python, str(CONTEST / "search.py"), str(folder), module, family, *limits]


def run(label: str, command: list[str], out: Path, say: Say) -> dict[str, Any]:
    """A contestant in a process of its own; what became of it where it failed."""
    if not Path(command[0]).exists():
        return {"refused": f"{command[0]} is not there: make referees"}
    if (out / "facts.json").exists():  # of a contest that was interrupted
        kept: dict[str, Any] = json.loads((out / "facts.json").read_text())
        return kept
    started = time.perf_counter()
    environment = {**os.environ, **ONE_THREAD, "NUMBA_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run([*command, "--out", str(out)], env=environment, capture_output=True, text=True)
    say(f"{label}: {time.perf_counter() - started:.0f} s")
    if done.returncode < 0:
        return {"refused": f"its process crashed (signal {-done.returncode})"}
    if done.returncode:
        words = (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
        say(f"{label} failed: {words}")
        return {"refused": words}
    facts: dict[str, Any] = json.loads((out / "facts.json").read_text())
    return facts


def judged(
    asked: Questions, placement: str, lists: Path, facts: Mapping[str, Any], say: Say
) -> list[dict[str, Any]]:
    """Each contestant's figures in a placement with intervals, and what the tuned recipe has over it; best first."""
    scores: dict[str, dict[str, Values]] = {}
    for label, one in facts.items():
        if placement in one.get("placements", {}):
            scores[label] = figures(np.load(lists / label / f"{placement}.npy"), asked)
    _, clusters = np.unique(asked.clusters, return_inverse=True)
    columns = {(label, name): one for label, own in scores.items() for name, one in own.items()}
    columns |= {
        (label, f"{name} gain"): scores[TUNED][name] - one
        for label, own in scores.items()
        for name, one in own.items()
    }
    means = estimates(columns, clusters, seed=SEED)
    rows = []
    for label in scores:
        own = {name: known(one) for (whose, name), one in means.items() if whose == label}
        rows.append(
            {
                "system": label,
                **own,
                **facts[label]["placements"][placement],
                "data_mb": facts[label]["data_mb"],
            }
        )
    rows.sort(key=lambda row: -row["ndcg@10"][0])
    for row in rows:
        say(words(placement, row))
    refused = [
        {"system": label, "refused": one["refused"]} for label, one in facts.items() if "refused" in one
    ]
    return rows + refused


def known(one: Estimate) -> list[float | None]:
    """A mean and its interval; nothing where nobody has such a figure."""
    return [round(value, 6) if np.isfinite(value) else None for value in (one.mean, one.low, one.high)]


def figures(rows: Lists, asked: Questions) -> dict[str, Values]:
    """Each asker's figures; who spent nothing that is known has no share of it."""
    by_k = {k: accuracy(rows[:, :k], asked.truth) for k in (10, 20)}
    return {name: by_k[k][metric] for name, (metric, k) in METRICS.items()}


def words(placement: str, row: Mapping[str, Any]) -> str:
    """A row for people."""
    (mean, low, high), (gain, down, up) = row["ndcg@10"], row["ndcg@10 gain"]
    return (
        f"{placement:12} {row['system']:22} NDCG@10 {mean:.4f} [{low:.4f}, {high:.4f}]  HR@10 {row['hit_rate@10'][0]:.4f}  "
        f"MRR@10 {row['mrr@10'][0]:.4f}  tuned ahead by {gain:+.4f} [{down:+.4f}, {up:+.4f}]  "
        f"fit {row['fit_cpu_seconds']} s, {row['us_per_request']} us"
    )


if __name__ == "__main__":
    main()
