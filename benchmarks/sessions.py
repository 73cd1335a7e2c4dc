"""The next step of a visit: every next click (Yoochoose), the last download of a session (Epub).

    python benchmarks/sessions.py                   prints tables, writes results/sessions.json
    python benchmarks/sessions.py --trials 10       a shorter search
    python benchmarks/sessions.py --latency         measures latency alone, of the settings found before

Yoochoose: the prepared sample of session-rec (Ludewig and Jannach), its last day as the test. After
each click of a test session the next one alone is the answer, what was clicked before may be clicked
again, items that training has not seen are taken out of the test; all as in session-rec. Epub: the
last fifth of the sessions, by time; the last document of each is hidden, and what the session has
is not listed. Nearly every Epub session carries one timestamp for all its documents, so it is asked
twice: as stamped, and as if the order of the file were theirs.

Every row is searched by TPE with as many trials, by HR@20 + MRR@20 on the last day of training alone
(Epub: on the last fifth of training), from the settings published for RSC15 where there are some.
Ties count against: a rank is how many score as much.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter, thread_time
from typing import Any

import numpy as np
import optuna
import pyarrow.parquet as pq
from machine import RESULTS, machine, shared, write
from numpy.typing import NDArray
from session_oracles import VSTAN_PUBLISHED, SequentialRules, Vstan

from vitrina.blend import fuse
from vitrina.bootstrap import Estimate, estimates, paired
from vitrina.dataset import DAY, VIEW, Catalog, Dataset, Events
from vitrina.ids import UNKNOWN, Ids
from vitrina.strategies import make
from vitrina.strategy import Allow, Candidates, Query, Seeds

K, DEPTH, SEED, LATENCIES = 20, 100, 7, 2000
OURS = "blend by score"
FADES = ["none", "linear", "reciprocal", "quadratic", "exponential"]
Params = dict[str, Any]
Scores = dict[str, NDArray[np.float64]]


def main() -> None:
    """Search, then ask the test once."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--latency", action="store_true")
    asked = parser.parse_args()
    result = latency_again() if asked.latency else accuracy(asked.trials)
    result["latency"] = latencies(result["yoochoose"]["choice"])
    print(f"\nwritten to {write('sessions', result)}")


def latency_again() -> dict[str, Any]:
    """What was found before."""
    found: dict[str, Any] = json.loads((RESULTS / "sessions.json").read_text())
    return found


def accuracy(trials: int) -> dict[str, Any]:
    """Every set of data."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    result: dict[str, Any] = {"machine": machine("optuna"), "trials": trials}
    for name, (chosen_on, tested_on) in sources().items():
        print(f"\n== {name}")
        result[name] = judged(chosen_on, tested_on, trials)
    return result


def sources() -> dict[str, tuple[Questions, Questions]]:
    """What to choose on and what to test on."""
    clicks = yoochoose()
    end = clicks.events.time[-1] + 1
    cut = last_time_of_training() + 1
    found = {"yoochoose": (questions(clicks, cut - DAY, cut), questions(clicks, cut, end))}
    for name, stamped in (("epub, as stamped", True), ("epub, order of the file", False)):
        shop = epub(stamped)
        times = np.sort(ended(shop))
        early, late = times[int(0.64 * len(times))], times[int(0.8 * len(times))]
        found[name] = (
            questions(shop, early, late, last_only=True),
            questions(shop, late, times[-1] + 1, last_only=True),
        )
    return found


def yoochoose() -> Dataset:
    """Clicks of seven days and the eighth (RecSys Challenge 2015, sample)."""
    table = pq.read_table(shared("yoochoose_clicks_100k/clicks.parquet"))
    time = table["Time"].cast("int64").to_numpy()
    return anonymous(table["ItemId"].to_numpy(), table["SessionId"].to_numpy(), time, time // 10**9)


def last_time_of_training() -> int:
    """Seconds."""
    table = pq.read_table(shared("yoochoose_clicks_100k/clicks.parquet"), columns=["Time", "split"])
    time, split = table["Time"].cast("int64").to_numpy(), np.array(table["split"].to_pylist())
    return int(time[split == "train"].max() // 10**9)


def epub(stamped: bool) -> Dataset:
    """Downloads of the Vienna University of Economics, 2003 to 2008 (arules); a second apart in the
    order of the file, unless as stamped."""
    table = pq.read_table(shared("epub_downloads/downloads.parquet"))
    time = table["timestamp"].cast("int64").to_numpy() // 10**6
    _, session = np.unique(np.array(table["session_id"].to_pylist()), return_inverse=True)
    began = np.full(session.max() + 1, np.iinfo(np.int64).max)
    np.minimum.at(began, session, time)
    order = np.lexsort((np.arange(len(time)), time, session))
    place = np.empty(len(order), np.int64)
    starts = np.searchsorted(session[order], np.arange(len(began)))
    place[order] = np.arange(len(order)) - starts[session[order]]
    documents = np.array(table["document_id"].to_pylist())
    return anonymous(documents, session, began[session] * 1000 + place, time if stamped else time + place)


def anonymous(item: Any, session: Any, order: Any, time: Any) -> Dataset:
    """A shop of views in visits of nobody known, in this order within and by time between visits."""
    names = Ids.of(map(str, item.tolist()))
    at = np.lexsort((order, time))
    n, nobody = len(at), np.full(len(at), UNKNOWN, np.int32)
    visit = np.unique(session, return_inverse=True)[1].astype(np.int32)
    rows = names.rows([str(one) for one in item[at].tolist()])
    price = np.full(n, np.nan, np.float32)
    events = Events(
        nobody, rows, visit[at], time[at], np.full(n, VIEW, np.uint8), np.ones(n, np.float32), price
    )
    return Dataset(Ids.of([]), names, events, Catalog.bare(len(names)))


def ended(shop: Dataset) -> NDArray[np.int64]:
    """int64 per visit: the time of its last event."""
    last = np.zeros(shop.events.visit.max() + 1, np.int64)
    np.maximum.at(last, shop.events.visit, shop.events.time)
    return last


@dataclass(frozen=True)
class Questions:
    """What was learned of; the askers' sessions so far, and the row each took next.

    `visit`: whose question it is. `owned`: whether what the asker has is not listed.
    """

    learned: Dataset
    query: Query
    target: NDArray[np.int32]
    visit: NDArray[np.int64]
    owned: bool

    def allow(self) -> Allow:
        """What may be listed."""
        seeds = self.query.seeds
        if self.owned:
            return Allow(np.ones(len(self.learned.items), np.bool_), seeds.indptr, seeds.rows)
        return Allow.all(len(self.learned.items), len(self.query))

    def lists(self, name: str, params: Params) -> Candidates:
        """The lists of a strategy fitted with these hyperparameters."""
        strategy = make(name, params)
        return strategy.open(strategy.fit(self.learned)).top(self.query, DEPTH, self.allow())

    def judge(self, found: Candidates) -> Scores:
        """Hit and reciprocal rank at K of each question; of equal scores the target's comes last."""
        sizes = np.diff(found.indptr)
        inside = np.arange(int(sizes.max(initial=1))) < sizes[:, None]
        rows, scores = np.full(inside.shape, -1), np.full(inside.shape, -np.inf)
        rows[inside], scores[inside] = found.rows, found.scores
        hit = rows == self.target[:, None]
        own = np.where(hit, scores, -np.inf).max(1)
        rank = np.where(hit.any(1), (scores >= own[:, None]).sum(1), K + 1)
        return {"hr": (rank <= K).astype(float), "mrr": np.where(rank <= K, 1 / rank, 0.0)}

    def value(self, found: Candidates) -> float:
        """What is searched for."""
        return float(sum(one.mean() for one in self.judge(found).values()))


def questions(shop: Dataset, cut: int, until: int, last_only: bool = False) -> Questions:
    """Learn of visits that ended before `cut`, ask of those that ended before `until`."""
    last = ended(shop)[shop.events.visit]
    learned = replace(shop, events=shop.events.take(last < cut))
    known = np.bincount(learned.events.item, minlength=len(shop.items)) > 0
    asked = shop.events.take((last >= cut) & (last < until) & known[shop.events.item])
    visits: dict[int, list[int]] = defaultdict(list)
    for at, visit in enumerate(asked.visit.tolist()):
        visits[visit].append(at)
    prefixes = [
        own[:length]
        for own in visits.values()
        for length in range(len(own) - 1 if last_only else 1, len(own))
        if length
    ]
    ends = np.concatenate([[0], np.cumsum([len(one) for one in prefixes])])
    places = np.concatenate(prefixes)
    target = np.array([visits[int(asked.visit[one[-1]])][len(one)] for one in prefixes])
    seeds = Seeds(ends, asked.item[places], asked.type[places], asked.time[places])
    nobody = np.full(len(prefixes), UNKNOWN, np.int32)
    whose = np.unique(asked.visit[target], return_inverse=True)[1]
    return Questions(learned, Query(cut, nobody, nobody, seeds), asked.item[target], whose, last_only)


def space(name: str, trial: optuna.Trial, vstan: bool) -> Params:
    """Hyperparameters that a row may have; those of VSTAN are a cosine or none."""
    if name == "session_knn":
        return space_of_visits(trial, vstan)
    if name == "markov":
        return space_of_transitions(trial)
    real, whole, one_of = trial.suggest_float, trial.suggest_int, trial.suggest_categorical
    if name == "popular":
        return {
            "window_days": real("window_days", 0.5, 60, log=True),
            "half_life_days": real("half_life_days", 0.2, 60, log=True),
        }
    return {
        "neighbours": one_of("neighbours", [50, 100, 300]),
        "weighting": one_of("weighting", ["cosine", "tfidf", "bm25"]),
        "shrink": real("shrink", 0.0, 50.0),
        "half_life_days": real("half_life_days", 0.5, 1000, log=True),
        "seeds": whole("seeds", 1, 15),
    }


def space_of_visits(trial: optuna.Trial, vstan: bool) -> Params:
    """Of session_knn."""
    real, whole = trial.suggest_float, trial.suggest_int
    return {
        "near": whole("near", 50, 2000, log=True),
        "recent": whole("recent", 100, 5000, log=True),
        "seed_decay": real("seed_decay", 0.2, 10, log=True),
        "echo_decay": real("echo_decay", 0.1, 10, log=True),
        "age_days": real("age_days", 0.5, 1000, log=True),
        "step_decay": real("step_decay", 0.3, 20, log=True),
        "backward": real("backward", 0.0, 1.0),
        "length": 0.5 * whole("cosine", 0, 1) if vstan else real("length", 0.0, 1.0),
        "idf": real("idf", 0.0, 10.0),
    }


def space_of_transitions(trial: optuna.Trial) -> Params:
    """Of markov."""
    real, whole, one_of = trial.suggest_float, trial.suggest_int, trial.suggest_categorical
    return {
        "gap": whole("gap", 1, 15),
        "fade": one_of("fade", FADES),
        "seeds": whole("seeds", 1, 15),
        "seed_fade": one_of("seed_fade", FADES),
        "confidence": real("confidence", 0.0, 1.0),
        "discount": real("discount", 0.0, 0.5),
        "half_life_days": real("half_life_days", 0.5, 1000, log=True),
        "together": real("together", 0.2, 2.0),
        "order": whole("order", 1, 2),
        "support": whole("support", 1, 4),
        "backoff": real("backoff", 0.3, 50, log=True),
    }


def tuned(row: str, asked: Questions, trials: int) -> Params:
    """The best hyperparameters found for a row."""
    name, fixed = SHAPES.get(row, (row, {}))
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=SEED))

    def objective(trial: optuna.Trial) -> float:
        trial.set_user_attr("params", space(name, trial, row == "VSTAN") | fixed)
        return asked.value(asked.lists(name, trial.user_attrs["params"]))

    for start in STARTS.get(row, []):
        study.enqueue_trial(start)
    study.optimize(objective, n_trials=trials)
    params: Params = study.best_trial.user_attrs["params"]
    return {key: round(one, 4) if isinstance(one, float) else one for key, one in params.items()}


SHAPES: dict[str, tuple[str, Params]] = {
    "VSTAN": ("session_knn", {"recent": 5000, "seeds": 250, "longest": 250, "backward": 1.0}),
    "SR": ("markov", {"seeds": 1, "confidence": 0.0, "discount": 0.0, "order": 1, "half_life_days": 0.0}),
}
"""Published methods as points in the space of our strategies: by these they are searched, not measured."""

VSTAN_STARTS = [
    {"near": 1500, "seed_decay": 0.5, "echo_decay": 2.0, "age_days": 5.0, "step_decay": 2.0, "idf": 2.0},
    {"near": 2000, "seed_decay": 8.0, "echo_decay": 0.5, "age_days": 10.0, "step_decay": 8.0, "idf": 2.0},
]
STARTS: dict[str, list[Params]] = {
    "VSTAN": [{**one, "cosine": 1 - at} for at, one in enumerate(VSTAN_STARTS)],
    "session_knn": [
        {**one, "length": 0.5 - 0.5 * at, "recent": 2500, "backward": 1.0}
        for at, one in enumerate(VSTAN_STARTS)
    ],
    "SR": [{"gap": 8, "fade": "reciprocal"}],
    "markov": [{"gap": 8, "fade": "reciprocal", "seeds": 1}],
}
"""Where a search begins: settings that were published for RSC15."""


def asked_one_by_one(oracle: Callable[[list[int], int], dict[int, float]], asked: Questions) -> Candidates:
    """The lists of an oracle."""
    seeds, ends, rows, scores = asked.query.seeds, [0], [], []
    for low, high in zip(seeds.indptr[:-1].tolist(), seeds.indptr[1:].tolist(), strict=True):
        session = seeds.rows[low:high].tolist()
        found = oracle(session, int(seeds.times[high - 1]))
        barred = set(session) if asked.owned else set()
        best = sorted((-score, row) for row, score in found.items() if row not in barred and score > 0)
        rows += [row for _, row in best[:DEPTH]]
        scores += [-score for score, _ in best[:DEPTH]]
        ends.append(len(rows))
    return Candidates(np.array(ends), np.array(rows, np.int32), np.array(scores))


def judged(chosen_on: Questions, tested_on: Questions, trials: int) -> dict[str, Any]:
    """Hyperparameters, and HR@20 and MRR@20 of each row on the test with 95 % intervals over sessions."""
    choice = {
        row: tuned(row, chosen_on, trials)
        for row in ("popular", "item_knn", "SR", "VSTAN", "markov", "session_knn")
    }
    lists = {row: tested_on.lists(row, choice[row]) for row in choice if row not in SHAPES}
    lists |= oracles(choice, tested_on)
    pair = ("session_knn", "markov")
    tried = [chosen_on.lists(row, choice[row]) for row in pair]
    for by in ("rank", "score"):
        share = max(np.arange(0, 1.01, 0.05), key=lambda one: chosen_on.value(blended(tried, one, by)))
        lists[f"blend by {by}"] = blended([lists[row] for row in pair], share, by)
        choice[f"blend by {by}"] = {
            "markov": round(float(share), 2),
            "session_knn": round(1 - float(share), 2),
        }
    return {
        "questions": len(tested_on.target),
        "sessions": int(tested_on.visit.max()) + 1,
        "learned_events": len(tested_on.learned.events),
        "items": len(np.unique(tested_on.learned.events.item)),
        "choice": choice,
        "test": table(tested_on, lists),
    }


def oracles(choice: dict[str, Params], asked: Questions) -> dict[str, Candidates]:
    """Published methods in plain Python, with settings that were published and that were found."""
    found, rules = choice["VSTAN"], choice["SR"]
    lengths = [found[one] for one in ("seed_decay", "age_days", "step_decay", "echo_decay", "idf")]
    settings = {
        "VSTAN, tuned": (found["near"], found["recent"], *lengths, found["length"] > 0),
        **VSTAN_PUBLISHED,
    }
    lists = {name: asked_one_by_one(Vstan(asked.learned, *one), asked) for name, one in settings.items()}
    fading = {
        "none": lambda gap: 1.0,
        "linear": lambda gap: 1 - (gap - 1) / rules["gap"],
        "reciprocal": lambda gap: 1 / gap,
        "quadratic": lambda gap: 1 / gap**2,
        "exponential": lambda gap: 0.5 ** (gap - 1),
    }[rules["fade"]]
    lists["SR, tuned"] = asked_one_by_one(SequentialRules(asked.learned, rules["gap"], fading, 100), asked)
    published = SequentialRules(asked.learned, 8, lambda gap: 1 / gap, 20)
    lists["SR, published settings"] = asked_one_by_one(published, asked)
    return lists


def blended(lists: Sequence[Candidates], share: float, by: str) -> Candidates:
    """session_knn and markov in one list, the latter with this share."""
    ranked = fuse(lists, [1 - share, share], by=by, depth=DEPTH)
    inside = ranked.rows >= 0
    ends = np.concatenate([[0], np.cumsum(inside.sum(1))])
    return Candidates(ends, ranked.rows[inside], ranked.scores[inside])


def table(asked: Questions, lists: dict[str, Candidates]) -> dict[str, Any]:
    """HR@20 and MRR@20 of each row, and what ours has over it."""
    scores = {row: asked.judge(one) for row, one in lists.items()}
    print(f"{len(asked.target)} questions{'':24} HR@20 (95 %)             MRR@20 (95 %)")
    found: dict[str, Any] = {}
    for row in sorted(scores, key=lambda one: scores[one]["hr"].mean()):
        sure = estimates(scores[row], asked.visit, seed=SEED)
        found[row] = {f"{metric}20": rounded(one) for metric, one in sure.items()}
        for metric in ("hr", "mrr"):
            gain = paired(scores[OURS][metric], scores[row][metric], asked.visit, seed=SEED)
            found[row][f"{metric}20_gain_of_blend_by_score"] = rounded(gain)
        hr, mrr = found[row]["hr20"], found[row]["mrr20"]
        print(f"{row:36} {hr[0]:.4f} ({hr[1]:.4f}-{hr[2]:.4f})   {mrr[0]:.4f} ({mrr[1]:.4f}-{mrr[2]:.4f})")
    return found


def rounded(one: Estimate) -> list[float]:
    """Mean and interval."""
    return [round(value, 4) for value in (one.mean, one.low, one.high)]


def latencies(choice: dict[str, Params]) -> dict[str, Any]:
    """Microseconds a list of 20, one request at a time in one thread."""
    asked = {"yoochoose": sources()["yoochoose"][1], "a million synthetic clicks": synthetic()}
    found: dict[str, Any] = {}
    for shop, questions_of in asked.items():
        for name in ("session_knn", "markov"):
            for which, params in (("default", {}), ("tuned", choice[name])):
                found[f"{shop}, {name}, {which}"] = one = latency(questions_of, name, params)
                print(f"{shop}, {name}, {which}: {one}")
    return found


def latency(asked: Questions, name: str, params: Params) -> dict[str, float]:
    """Median and 99th percentile in microseconds, by the clock and of processor time; seconds to fit;
    megabytes of parts."""
    strategy, began = make(name, params), perf_counter()
    parts = strategy.fit(asked.learned)
    fitted = perf_counter() - began
    source, allow, times = strategy.open(parts), Allow.all(len(asked.learned.items), 1), []
    places = np.random.default_rng(SEED).permutation(len(asked.query))[:LATENCIES]
    for one in [asked.query.one(int(at)) for at in [*places[:50], *places]]:
        began, busy = perf_counter(), thread_time()
        source.top(one, K, allow)
        times.append((thread_time() - busy, perf_counter() - began))
    (mid_busy, mid), (high_busy, high) = np.percentile(np.array(times[50:]) * 1e6, [50, 99], axis=0)
    size = sum(part.nbytes if isinstance(part, np.ndarray) else len(part) for part in parts.values())
    return {
        "p50_us": round(float(mid), 1),
        "p99_us": round(float(high), 1),
        "processor_p50_us": round(float(mid_busy), 1),
        "processor_p99_us": round(float(high_busy), 1),
        "fit_s": round(fitted, 2),
        "mb": round(size / 2**20, 1),
    }


def synthetic() -> Questions:
    """A million clicks on 50,000 items in 250,000 visits, each visit about one of 500 themes; a
    heavy head, so that lists in the index are full."""
    random, n_visits, n_items, themes = np.random.default_rng(SEED), 250_000, 50_000, 500
    visit = np.repeat(np.arange(n_visits), 1 + random.geometric(1 / 3, n_visits))[:1_000_000]
    theme = random.integers(0, themes, n_visits)[visit]
    within = (random.beta(0.4, 3.0, len(visit)) * (n_items // themes)).astype(np.int64)
    began = np.sort(random.integers(0, 90 * DAY, n_visits))
    time = began[visit] + 30 * (np.arange(len(visit)) - np.searchsorted(visit, visit))
    shop = anonymous(theme * (n_items // themes) + within, visit, time, time)
    return questions(shop, 89 * DAY, 90 * DAY)


if __name__ == "__main__":
    main()
