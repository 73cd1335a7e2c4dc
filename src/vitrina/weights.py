"""How much each source of a placement weighs, searched on days the sources have not learned from.

Coordinate ascent on NDCG@10 over the sources' weights and over both ways to blend, from even weights and
from the best of those and of every source alone. Each source is asked once and the lists are merged once;
only sums and places are found again. A source that no longer weighs anything is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vitrina import metrics
from vitrina.clusters import gain, together, whose
from vitrina.dataset import Dataset
from vitrina.engine import Engine
from vitrina.errors import DataError
from vitrina.fit import fit, only_for
from vitrina.ids import Rows
from vitrina.kernels.distinct import distinct
from vitrina.kernels.weighing import gained, merged
from vitrina.metrics import Truth
from vitrina.placements import Mix, Placements, parse_placements
from vitrina.purpose import purposes
from vitrina.questions import Places, Questions, proposed, to_ask
from vitrina.recipe import Recipe
from vitrina.splits import Split, another, split
from vitrina.strategy import Candidates

Say = Callable[[str], None]
LEVELS = (0.0, 0.05, 0.1, 0.2, 0.35, 0.6, 1.0, 1.6, 2.5, 4.0, 7.0)
WAYS = ("rank", "score")
MAX_ASKERS = 3000
MOST_LOTS = 6
QUICK = 300_000
"""Events from which on there is but one lot or window to choose by: more would take too long."""
LINES = 3
"""Of each basket, hidden one after the other while there is room: which is the first is luck."""
MIN_ASKERS = 50
"""Below this many askers weights would be noise, and the placement stays as it was written."""
MIN_VISITS = 10
"""So many customers, baskets or visits they must be of: the steps of one visit are one shopper's taste."""
SPARED = 0.5
"""Standard errors that a blend may lose for being simpler."""
LEAST_GAIN = 1e-5
"""NDCG@10 that a round of the search over all weights must gain to be followed by another."""
_K = 10


class Judge(Protocol):
    """Tells what weights and a way to blend are worth to each of n askers; NaN where nothing was taken."""

    def ndcg(self, weights: Sequence[float], way: str) -> metrics.Values:
        """float64[n]: the NDCG@10 of each."""

    def along(self, weights: Sequence[float], way: str, source: int) -> metrics.Values:
        """float64[LEVELS, n]: the same where one source weighs each of LEVELS in turn."""


@dataclass(frozen=True)
class Found:
    """Weights of a placement's sources, how to blend them, and the NDCG@10 they reached."""

    weights: tuple[float, ...]
    blend: str
    ndcg: float


def enough(askers: int, visits: int) -> bool:
    """Whether so many askers, of so many customers, baskets or visits, tell anything of a placement."""
    return askers >= MIN_ASKERS and visits >= MIN_VISITS


def weigh(
    dataset: Dataset, recipe: Recipe, placements: Placements, say: Say = lambda line: None
) -> Placements:
    """Placements whose sources' weights are the best found on the last days of `dataset`.

    Give it the data before the days to be judged by: weights are part of what is learned. Where
    there is too little to hold out, the placements come back as they are, and `say` is told.
    """
    held = recipe.evaluation
    try:
        cut = split(dataset, held.test_days, tenth=True)
    except DataError as reason:
        say(f"source weights stay as written: {reason}")
        return placements
    say(f"weighing sources: {cut.rule}")
    tables: dict[str, Any] = dict(placements.tables)
    for name, parts in _asked(dataset, cut, recipe, placements, say).items():
        mixes, truth = parts[0].mixes, pooled([one.truth for one in parts])
        clusters = together([one.clusters for one in parts])
        visits = len(distinct(clusters))
        if len(mixes) < 2 or not enough(len(truth), visits):
            continue
        lists = [joined([one.lists[source] for one in parts]) for source in range(len(mixes))]
        found = best(Table.of(lists, truth, cut.train.catalog.product), len(mixes), clusters)
        tables[name] = {**tables[name], **_written(mixes, found)}
        words = ", ".join(
            f"{one.strategy} {weight:g}" for one, weight in zip(mixes, found.weights, strict=True)
        )
        say(f"{name}: NDCG@10 {found.ndcg:.4f} by {found.blend} with {words}")
    return parse_placements({**tables, "version": f"{placements.version}+weighed"}, "weighed placements")


@dataclass(frozen=True)
class _Answered:
    """What a placement's sources, `mixes`, proposed to those who were asked on a cut, what these took, and
    whose they are, see `clusters`."""

    mixes: Sequence[Mix]
    lists: Sequence[Candidates]
    truth: Truth
    clusters: NDArray[np.int64]


def _asked(
    dataset: Dataset, first: Split, recipe: Recipe, placements: Placements, say: Say
) -> dict[str, list[_Answered]]:
    """By placement, what was answered on the first cut, and where few ask on a lot on the next ones: one is
    like another, and weights of few askers are of the lot."""
    found: dict[str, list[_Answered]] = {}
    judged = [name for name, one in purposes(placements).items() if one.question and not one.why]
    recipe = only_for(recipe, placements, judged)
    for cut in _cuts(dataset, first, recipe.evaluation.test_days):
        engine = Engine.of(fit(cut.train, recipe, placements, say), placements)
        for asked in to_ask(engine.placements, cut, MAX_ASKERS, recipe.evaluation.seed, LINES):
            parts = found.setdefault(asked.placement, [])
            room = MAX_ASKERS - sum(len(one.truth) for one in parts)
            own = _answered(engine, asked.drawn(room, recipe.evaluation.seed), cut) if room > 0 else None
            if own and (not parts or parts[0].mixes == own.mixes):
                parts.append(own)
        fewest = min((sum(len(one.truth) for one in parts) for parts in found.values()), default=MAX_ASKERS)
        if fewest >= MAX_ASKERS:
            break
    return found


def _cuts(dataset: Dataset, cut: Split, test_days: int) -> Iterator[Split]:
    """The cut, and where it is a lot the next ones, while anybody has so many orders."""
    yield cut
    more = MOST_LOTS if cut.lot >= 0 and len(dataset.events) <= QUICK else 1
    with suppress(DataError):
        for _ in range(1, more):
            cut = another(dataset, cut, test_days)
            yield cut


def _answered(engine: Engine, asked: Questions, cut: Split) -> _Answered:
    drafts = proposed(engine, asked, cut.now)
    mixes = drafts[0].mixes
    lists = [joined([draft.lists[source] for draft in drafts]) for source in range(len(mixes))]
    return _Answered(mixes, lists, asked.truth, whose(asked, cut.train.users))


def best(
    judge: Judge,
    n_sources: int,
    clusters: Places,
    more: Callable[[], bool] = lambda: True,
    least: float = LEAST_GAIN,
) -> Found:
    """The best weights found, less what hardly helps; the first tries are made even where there is no `more`
    time. `clusters`: int64 per asker, equal for those who hang together."""
    return simpler(judge, search(judge, n_sources, more, least), clusters)


def search(
    judge: Judge, n_sources: int, more: Callable[[], bool] = lambda: True, least: float = LEAST_GAIN
) -> Found:
    """The best weights found by coordinate ascent from even weights and from the best of those and of each
    source alone, until a round over all weights gains less than the `least`."""
    starts = [tuple(1.0 for _ in range(n_sources))]
    starts += [tuple(float(one == alone) for one in range(n_sources)) for alone in range(n_sources)]
    found = max((_found(judge, start, way) for start in starts for way in WAYS), key=attrgetter("ndcg"))
    begins = dict.fromkeys((found.weights, starts[0]))
    ascents = (_ascend(judge, _found(judge, begin, way), more, least) for begin in begins for way in WAYS)
    return max((found, *ascents), key=attrgetter("ndcg"))


def simpler(judge: Judge, found: Found, clusters: Places) -> Found:
    """The same without the sources that hardly help: each is asked at every request.

    A source stays where leaving it out, after all that were left out before, costs more than half a standard
    error over clusters: each alone may cost as good as nothing, and all together much.
    """
    whole = judge.ndcg(found.weights, found.blend)
    for place in sorted(range(len(found.weights)), key=lambda one: found.weights[one]):
        tried = (*found.weights[:place], 0.0, *found.weights[place + 1 :])
        if found.weights[place] and any(tried):
            values = judge.ndcg(tried, found.blend)
            lost, error = gain(whole, values, clusters)
            if lost <= SPARED * error:
                found = Found(tried, found.blend, float(np.nanmean(values)))
    return found


def _found(judge: Judge, weights: tuple[float, ...], way: str) -> Found:
    return Found(weights, way, float(np.nanmean(judge.ndcg(weights, way))))


def _ascend(judge: Judge, found: Found, more: Callable[[], bool], least: float) -> Found:
    """Change one weight at a time for the better until a round over all gains less than the least."""
    while True:
        before = found.ndcg
        for place in range(len(found.weights)):
            if not more():
                return found
            means = np.nanmean(judge.along(found.weights, found.blend, place), axis=1)
            for level, mean in zip(LEVELS, means.tolist(), strict=True):
                tried = (*found.weights[:place], level, *found.weights[place + 1 :])
                if any(tried) and mean > found.ndcg:
                    found = Found(tried, found.blend, mean)
        if found.ndcg <= before + least:
            return found


@dataclass(frozen=True)
class Table:
    """Sources' lists for the same askers, merged, to be judged under many weights; see kernels/weighing.

    `wanted`: int64 along `truth`, which counts products: where each stands in the table, -1 if nowhere.
    """

    truth: Truth
    wanted: NDArray[np.int64]
    starts: NDArray[np.int64]
    found: Rows
    heads: NDArray[np.int64]
    gains: Mapping[str, NDArray[np.float32]]

    @classmethod
    def of(cls, lists: Sequence[Candidates], truth: Truth, product: Rows) -> Table:
        """Merge one list or more. `product`: int32, the product of each item."""
        begins = np.cumsum([0, *(len(one.rows) for one in lists)])[:-1]
        indptr = np.stack([one.indptr + begin for one, begin in zip(lists, begins, strict=True)])
        rows, scores = (np.concatenate([getattr(one, name) for one in lists]) for name in ("rows", "scores"))
        merge = merged(indptr, rows, scores, product, truth.indptr, truth.rows)
        wanted, starts, found, heads, by_rank, by_score = merge
        return cls(truth, wanted, starts, found, heads, {"rank": by_rank, "score": by_score})

    def ndcg(self, weights: Sequence[float], way: str) -> metrics.Values:
        """float64[n]: NDCG@10 of each asker, NaN where nothing was taken, of the lists blended so."""
        found: metrics.Values = self._judged(weights, way, 0, weights[:1])[0]
        return found

    def along(self, weights: Sequence[float], way: str, source: int) -> metrics.Values:
        """float64[LEVELS, n]: the same where one source weighs each of LEVELS in turn."""
        return self._judged(weights, way, source, LEVELS)

    def _judged(
        self, weights: Sequence[float], way: str, source: int, levels: Sequence[float]
    ) -> metrics.Values:
        merge = (self.starts, self.found, self.heads, self.gains[way])
        tried = np.array(weights, np.float32), source, np.array(levels, np.float32)
        worth = 1 / np.log2(np.arange(2, _K + 2))
        sums = gained(*merge, *tried, self.truth.indptr, self.wanted, worth)
        ideals = np.concatenate([[np.nan], np.cumsum(worth)])
        found: metrics.Values = sums / ideals[np.minimum(self.truth.sizes, _K)]
        return found


def joined(parts: Sequence[Candidates]) -> Candidates:
    """The candidates of several batches as those of one."""
    starts = np.cumsum([0, *(len(one.rows) for one in parts)])
    indptr = [one.indptr[:-1] + start for one, start in zip(parts, starts[:-1], strict=True)]
    return Candidates(
        np.concatenate([*indptr, starts[-1:]]).astype(np.int64),
        np.concatenate([one.rows for one in parts]),
        np.concatenate([one.scores for one in parts]),
    )


def pooled(truths: Sequence[Truth]) -> Truth:
    """The truths of several windows as one."""
    starts = np.cumsum([0, *(len(one.rows) for one in truths)])
    indptr = [one.indptr[:-1] + start for one, start in zip(truths, starts[:-1], strict=True)]
    return Truth(
        np.concatenate([*indptr, starts[-1:]]).astype(np.int64),
        np.concatenate([one.rows for one in truths]),
        np.concatenate([one.values for one in truths]),
        np.concatenate([one.repeat for one in truths]),
    )


def _written(sources: Sequence[Any], found: Found) -> dict[str, Any]:
    """What changes in the placement's table."""
    kept = [
        {"strategy": one.strategy, "weight": weight, "seeds": one.seeds}
        for one, weight in zip(sources, found.weights, strict=True)
        if weight > 0
    ]
    return {"sources": kept, "blend": found.blend}
