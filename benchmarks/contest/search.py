"""One family of one library: its settings by TPE on the window before, then asked on the test window once.

    python search.py FOLDER LIBRARY FAMILY --trials N --seconds S --out DIR

FOLDER holds `validation` and `test` (`exchange`). As many trials as are given, or as fit into the seconds
of its processor; what is best of them is chosen for each placement by NDCG@10 there. Writes <placement>.npy,
int32[n, 20] product rows, and facts.json: settings, trials, seconds and memory of the fit, microseconds a
request.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import signal
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import optuna

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[2] / "src")]

from contest.exchange import USERS, VISITS, Asked, Lists, Window, read  # noqa: E402
from vitrina.metrics import Truth, accuracy  # noqa: E402

SEED = 7
PATIENCE = 1800
"""Seconds of processor for all of a family's work; what has not answered then is not in the table."""
Settings = dict[str, Any]


class Model(Protocol):
    """What a family makes of settings: learns from a window's users or visits, then lists items."""

    def fit(self, window: Window, by: str) -> None:
        """Learn."""

    def lists(self, window: Window, asked: Asked, *, fresh: bool) -> Lists:
        """int32[n, 20] item rows of each asker, -1 where there are no more."""


@dataclass(frozen=True)
class Family:
    """`make` a model of settings, `space` draws them from a trial; `kinds`: who can ask it.

    `only`: the placements it is for, all by default. `start`: settings tried first. `most_items`: above
    these a fit needs more memory than there is.
    """

    make: Callable[[Settings], Model]
    space: Callable[[optuna.Trial], Settings] = lambda trial: {}
    kinds: tuple[str, ...] = (USERS, VISITS)
    only: tuple[str, ...] = ()
    start: tuple[Mapping[str, Any], ...] = ()
    most_items: int = 1_000_000

    def asked(self, window: Window, by: str) -> list[Asked]:
        """What it is asked by users or by visits."""
        return [one for one in window.asked if one.by == by and (not self.only or one.placement in self.only)]


@dataclass
class Choice:
    """The best settings of a placement so far."""

    score: float = -1.0
    settings: Settings = field(default_factory=dict)
    fresh: bool = False


def chosen(
    family: Family, window: Window, by: str, trials: int, seconds: float
) -> tuple[dict[str, Choice], int]:
    """By placement the best settings found on a window, and how many were tried."""
    best: dict[str, Choice] = {one.placement: Choice() for one in family.asked(window, by)}
    until = time.process_time() + seconds

    def objective(trial: optuna.Trial) -> float:
        settings = family.space(trial)
        model = family.make(settings)
        model.fit(window, by)
        total = 0.0
        for one in family.asked(window, by):
            scores = {way: ndcg(window, one, listed(model, window, one, fresh=way)) for way in one.ways}
            way = max(scores, key=lambda each: scores[each])
            total += scores[way]
            if scores[way] > best[one.placement].score:
                best[one.placement] = Choice(scores[way], settings, way)
        if time.process_time() > until:
            trial.study.stop()
        return total

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=SEED))
    for one in family.start:
        study.enqueue_trial(dict(one))
    drawn = len(family.space(optuna.trial.FixedTrial(dict(family.start[0])))) if family.start else 0
    study.optimize(objective, n_trials=trials if drawn else 1)
    return best, len(study.trials)


def warmed(family: Family, window: Window, by: str, settings: Settings) -> dict[str, Choice]:
    """Settings that were given for every placement. A first fit is made and dropped: it may compile."""
    family.make(settings).fit(window, by)
    return {one.placement: Choice(0.0, settings, one.ways[-1]) for one in family.asked(window, by)}


def asked_once(
    family: Family, window: Window, by: str, choices: Mapping[str, Choice], out: Path
) -> dict[str, Any]:
    """The lists of the test window, written, and what they took."""
    facts = {}
    for one in family.asked(window, by):
        choice = choices[one.placement]
        before, started, busy = peak_mb(), time.perf_counter(), time.process_time()
        model = family.make(choice.settings)
        model.fit(window, by)
        fitted, fitted_busy = time.perf_counter() - started, time.process_time() - busy
        busy = time.process_time()
        rows = listed(model, window, one, fresh=choice.fresh)
        asking = time.process_time() - busy
        np.save(out / f"{one.placement}.npy", np.append(window.product, np.int32(-1))[rows])
        facts[one.placement] = {
            "settings": {**choice.settings, "without what they have": choice.fresh},
            "validation": round(choice.score, 4),
            "fit_seconds": round(fitted, 2),
            "fit_cpu_seconds": round(fitted_busy, 2),
            "peak_mb": round(max(peak_mb(), before)),
            "us_per_request": round(asking / max(len(one), 1) * 1e6, 1),
        }
    return facts


def listed(model: Model, window: Window, asked: Asked, *, fresh: bool) -> Lists:
    """A model's lists, filled up with bestsellers where they are short, as any shop would."""
    rows, held = model.lists(window, asked, fresh=fresh), window.held(asked)
    order = np.argsort(-np.bincount(window.item, minlength=len(window.product)), kind="stable")[:2000]
    for place in np.flatnonzero((rows < 0).any(1)):
        own = rows[place][rows[place] >= 0]
        barred = [own, held.indices[held.indptr[place] : held.indptr[place + 1]]] if fresh else [own]
        more = order[~np.isin(order, np.concatenate(barred))]
        whole = np.concatenate([own, more])[: rows.shape[1]]
        rows[place, : len(whole)] = whole
    return rows


def ndcg(window: Window, asked: Asked, rows: Lists) -> float:
    """Mean NDCG@10 of lists of items."""
    n = len(asked.truth_rows)
    truth = Truth(asked.truth_indptr, asked.truth_rows, np.ones(n), np.zeros(n, np.bool_))
    products = np.append(window.product, np.int32(-1))[rows]
    return float(np.nanmean(accuracy(products[:, :10], truth)["ndcg"]))


def peak_mb() -> float:
    """The most memory this process ever held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def bounded() -> None:
    """End this process with a word about it when patience is over."""

    def over(*_: object) -> None:
        raise TimeoutError(f"no answer after {PATIENCE:,} s of processor")

    signal.signal(signal.SIGXCPU, over)
    resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE, PATIENCE + 60))


def main() -> None:
    """Choose, ask once, write."""
    bounded()
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name in ("folder", "library", "family"):
        options.add_argument(name)
    options.add_argument("--trials", type=int, default=20)
    options.add_argument("--seconds", type=float, default=120.0)
    options.add_argument("--settings", type=json.loads, help="to ask with, as JSON: nothing is searched")
    options.add_argument("--out", type=Path, required=True)
    given = options.parse_args()
    warnings.filterwarnings("ignore")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    family: Family = importlib.import_module(f"contest.{given.library}").FAMILIES[given.family]
    given.out.mkdir(parents=True, exist_ok=True)
    test = read(Path(given.folder) / "test")
    before = test if given.settings else read(Path(given.folder) / "validation")
    facts: dict[str, Any] = {"data_mb": round(peak_mb()), "trials": {}, "placements": {}}
    if len(test.product) > family.most_items:
        facts["refused"] = f"{len(test.product):,} items are more than fit into memory"
    for by in () if "refused" in facts else family.kinds:
        if family.asked(before, by) and family.asked(test, by):
            if given.settings:
                choices = warmed(family, test, by, given.settings)
            else:
                choices, facts["trials"][by] = chosen(family, before, by, given.trials, given.seconds)
            facts["placements"] |= asked_once(family, test, by, choices, given.out)
    (given.out / "facts.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main()
