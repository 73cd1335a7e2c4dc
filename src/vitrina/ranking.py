"""Learning the order of candidates: LambdaRank (Burges 2010) over what past lists held and what came after,
or the chance that each is taken.

For each of some windows that lie one before another, the sources are fitted on what came before it, asked
for candidates, and these labelled by whether they were taken within it: features are never younger than
labels. LightGBM grows the trees; they leave here as plain arrays (`ranker.Forest`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numba import get_num_threads
from numpy.typing import NDArray

from vitrina.blend import fuse
from vitrina.bundle import Bundle
from vitrina.dataset import Dataset
from vitrina.draft import Draft
from vitrina.engine import Engine
from vitrina.errors import DataError
from vitrina.fit import fit, only_for
from vitrina.kernels.distinct import among, distinct
from vitrina.metrics import Truth, accuracy
from vitrina.placements import Placements
from vitrina.questions import proposed, to_ask
from vitrina.ranker import DEPTH, Forest, Shelf, describe, feature_names, mixture
from vitrina.recipe import RankerPlan, Recipe
from vitrina.seeds import query
from vitrina.sold import facts, shelf_of
from vitrina.splits import Split, another, split

Say = Callable[[str], None]
Forests = Mapping[str, Forest]
NO_FORESTS: Forests = MappingProxyType({})
Node = tuple[int, float, bool, int, int]
MAX_ASKERS = 5000
"""Of a window and a placement; each step of a visit asks."""
ROWS = 100_000
"""Candidates that keep a thread busy: of fewer, threads wait for each other rather than work, above all where
others share the processors."""
_K = 10
MIN_ASKERS = 50
"""Below this many askers who took a candidate there is nothing to learn from."""


@dataclass(frozen=True)
class Lessons:
    """Candidates of many askers as the blend has them: `table` float32[n, f], `taken` bool[n], `sizes` int64
    per asker. `windows`: how many askers each of those has that were joined, in `taught` the newest first."""

    table: NDArray[np.float32]
    taken: NDArray[np.bool_]
    sizes: NDArray[np.int64]
    windows: tuple[int, ...] = ()

    def first(self, askers: int) -> Lessons:
        """Those of the first askers."""
        return self._between(0, askers)

    def since(self, window: int) -> Lessons:
        """Those of a window and of all that came before it."""
        return self._between(sum(self.windows[:window]), len(self.sizes))

    def of(self, window: int) -> Lessons:
        """Those of one window."""
        first = sum(self.windows[:window])
        return self._between(first, first + self.windows[window])

    def _between(self, low: int, high: int) -> Lessons:
        begin, end = int(self.sizes[:low].sum()), int(self.sizes[:high].sum())
        return Lessons(self.table[begin:end], self.taken[begin:end], self.sizes[low:high])

    def ndcg(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """float64 per asker: NDCG@10 of candidates by `scores`, float64[n]; equal ones stay as they stand.

        0 for an asker who took none."""
        asker = np.repeat(np.arange(len(self.sizes)), self.sizes)
        order, ends = np.lexsort((-scores, asker)).astype(np.int32), np.cumsum(self.sizes)
        place = np.arange(len(asker)) - (ends - self.sizes)[asker]
        lists = np.full((len(self.sizes), _K), -1, np.int32)
        lists[asker[place < _K], place[place < _K]] = order[place < _K]
        rows = np.flatnonzero(self.taken).astype(np.int32)
        wanted = np.searchsorted(rows, np.append(0, ends)).astype(np.int64)
        truth = Truth(wanted, rows, np.zeros(len(rows)), np.zeros(len(rows), np.bool_))
        return np.nan_to_num(accuracy(lists, truth)["ndcg"])


def learn(
    dataset: Dataset, recipe: Recipe, placements: Placements, say: Say = lambda line: None
) -> dict[str, Forest]:
    """Trees for the placements that the recipe's [ranker] names, from the last windows of `dataset`.

    Give it the data before the days to be judged by. Fewer, and said, where there is too little, or where
    trees would have made lists worse.
    """
    forests = {}
    lessons = taught(dataset, recipe, placements, say)
    for name in list(lessons):
        learned, mixed, names = lessons.pop(name)  # the memory of one that is learned is free for the next
        if len(learned.sizes) < MIN_ASKERS:
            few = f"{len(learned.sizes)} askers took a candidate, {MIN_ASKERS} are needed"
            say(f"{name} is not ranked: {few}")
            continue
        added = rehearsed(learned, mixed, names, recipe.ranker, recipe.evaluation.seed)
        if added < 0:
            say(f"{name} is not ranked: on the window before the last trees cost {-added:.4f} of NDCG@10")
            continue
        forests[name] = grow(learned, mixed, names, recipe.ranker, recipe.evaluation.seed)
        say(f"{name} is ranked by {recipe.ranker.trees} trees, from {len(learned.sizes):,} lists")
    return forests


def rehearsed(
    learned: Lessons, mixed: tuple[str, ...], names: tuple[str, ...], plan: RankerPlan, seed: int
) -> float:
    """NDCG@10 that trees add on the window before the last to what the blend makes of its candidates, learned
    from all windows before that; 0 where these hold too little. On the last one weights were searched."""
    if len(learned.windows) < 3 or min(learned.windows[1], sum(learned.windows[2:])) < MIN_ASKERS:
        return 0.0
    past, asked = learned.since(2), learned.of(1)
    forest, blended = grow(past, mixed, names, plan, seed), -np.arange(len(asked.table), dtype=np.float64)
    return float((asked.ndcg(forest.scores(asked.table)) - asked.ndcg(blended)).mean())


def taught(
    dataset: Dataset,
    recipe: Recipe,
    placements: Placements,
    say: Say,
    more: Callable[[int], bool] = lambda learned: True,
) -> dict[str, tuple[Lessons, tuple[str, ...], tuple[str, ...]]]:
    """By placement: what the windows teach, the mixture it is for, and the names of its features.

    `more`: after how many windows there is time for another.
    """
    wanted = set(recipe.ranker.placements) & set(placements.by_name)
    recipe = only_for(recipe, placements, wanted)
    found: dict[str, list[Lessons]] = {}
    words: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for number, cut in enumerate(windows(dataset, recipe, say) if wanted else ()):
        if number and not more(number):
            break
        after = f"what came after {np.datetime64(cut.now, 's')}"
        say(f"learning from {after if cut.in_time else f'window {number + 1}: {cut.rule}'}")
        engine = Engine.of(fit(cut.train, recipe, placements), placements)
        shelf = shelf_of(cut.train)
        for asked in to_ask(engine.placements, cut, MAX_ASKERS, recipe.evaluation.seed):
            some = asked.drawn(MAX_ASKERS, recipe.evaluation.seed)
            held = proposed(engine, some, cut.now) if asked.placement in wanted else []
            if held and held[0].mixes:
                words[asked.placement] = _words(held[0])
                own = lessons(held, some.truth, shelf, cut.train.catalog.product)
                found.setdefault(asked.placement, []).append(own)
    return {name: (joined(found.pop(name)), *words[name]) for name in list(found)}


def windows(dataset: Dataset, recipe: Recipe, say: Say) -> Iterator[Split]:
    """The last windows of a dataset, newest first, each cut from what came before the one after it; of rows
    in no order one lot after another."""
    days, cut = recipe.evaluation.test_days, None
    for number in range(recipe.ranker.windows):
        try:
            cut = another(dataset, cut, days) if cut else split(dataset, days, tenth=True)
        except DataError as reason:
            say(f"the ranker learns from {number} windows: {reason}")
            return
        if cut.of_one_moment:
            say(f"the ranker learns from {number} windows: all that came before is of one moment")
            return
        yield cut


def lessons(held: Sequence[Draft], truth: Truth, shelf: Shelf, product: NDArray[np.int32]) -> Lessons:
    """What the askers of some drafts could be shown, described, and whether they took it.

    Askers who took nothing of it teach nothing, and are left out.
    """
    tables: list[Lessons] = []
    first = 0
    for draft in held:
        weights = [one.weight for one in draft.mixes]
        ranked = fuse(draft.lists, weights, by=draft.placement.blend, depth=DEPTH)
        table = describe(
            shelf, ranked, draft.lists, query(draft.askers, "history", draft.now).seeds, draft.now, DEPTH
        )
        taken = _taken(ranked.rows, product, truth, first)
        teaches = np.flatnonzero(taken.any(axis=1))
        keep = ranked.rows[teaches] >= 0
        tables.append(Lessons(table[teaches][keep], taken[teaches][keep], keep.sum(axis=1)))
        first += len(draft.askers)
    return joined(tables)


def grow(
    learned: Lessons, mixed: tuple[str, ...], names: tuple[str, ...], plan: RankerPlan, seed: int
) -> Forest:
    """Trees that put what was taken first; the same on any number of threads."""
    return exported(booster(learned, plan, seed), mixed, names)


def booster(learned: Lessons, plan: RankerPlan, seed: int) -> Any:
    """LightGBM's own model of it."""
    import lightgbm

    threads = min(max(len(learned.table) // ROWS, 1), get_num_threads())
    data = lightgbm.Dataset(learned.table, learned.taken.astype(np.int32), group=learned.sizes)
    settings = {
        "objective": plan.objective, "lambdarank_truncation_level": 20, "learning_rate": plan.rate,
        "num_leaves": plan.leaves, "min_data_in_leaf": plan.least, "feature_fraction": 0.5,
        "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 1.0, "seed": seed, "verbosity": -1,
        # By columns each feature is summed by one thread, in the order of its rows.
        "deterministic": True, "force_col_wise": True, "num_threads": threads,
    }  # fmt: skip
    return lightgbm.train(settings, data, num_boost_round=plan.trees)


def exported(model: Any, mixed: tuple[str, ...], names: tuple[str, ...]) -> Forest:
    """A LightGBM model as plain arrays; see `kernels.trees`."""
    nodes: list[Node] = []
    values: list[float] = []
    roots = [_flat(tree["tree_structure"], nodes, values) for tree in model.dump_model()["tree_info"]]
    columns = list(zip(*nodes, strict=True)) or [()] * 5
    feature, threshold, nan_left, left, right = columns
    whole = [np.array(one, np.int32) for one in (roots, feature, left, right)]
    arrays = whole[0], whole[1], np.array(threshold), np.array(nan_left, np.bool_), whole[2], whole[3]
    return Forest(mixed, names, (*arrays, np.array(values)), DEPTH)


def _flat(
    tree: Mapping[str, Any], nodes: list[tuple[int, float, bool, int, int]], values: list[float]
) -> int:
    """Append a tree's nodes, each before its children; the place of its root, ~place for a leaf."""
    if "leaf_value" in tree:
        values.append(float(tree["leaf_value"]))
        return ~(len(values) - 1)
    place, threshold = len(nodes), float(tree["threshold"])
    # Where learning saw no NaN in a feature, LightGBM takes one for 0.
    nan_left = tree["default_left"] if tree["missing_type"] == "NaN" else threshold >= 0
    nodes.append((int(tree["split_feature"]), threshold, bool(nan_left), 0, 0))
    left, right = (_flat(tree[side], nodes, values) for side in ("left_child", "right_child"))
    nodes[place] = (*nodes[place][:3], left, right)
    return place


def with_ranker(bundle: Bundle, dataset: Dataset, forests: Forests) -> Bundle:
    """A fitted bundle with trees, and with what they look at as `dataset` has it; as it was without any."""
    if not forests:
        return bundle
    parts = {
        f"ranker/{name}/{part}": one for name, own in forests.items() for part, one in own.parts().items()
    }
    return replace(bundle, parts={**bundle.parts, "ranker/items": facts(dataset), **parts})


def joined(parts: Sequence[Lessons]) -> Lessons:
    """Several lessons as one."""
    table, taken, sizes = (
        np.concatenate([getattr(one, name) for one in parts]) for name in ("table", "taken", "sizes")
    )
    return Lessons(table, taken, sizes, tuple(len(one.sizes) for one in parts))


def _words(draft: Draft) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What trees learned from such drafts are for, and the features they see."""
    return mixture(draft.placement, draft.mixes), feature_names([one.strategy for one in draft.mixes])


def _taken(
    rows: NDArray[np.int32], product: NDArray[np.int32], truth: Truth, first: int
) -> NDArray[np.bool_]:
    """bool[n, m]: whether asker `first` + i took the product of each of its rows."""
    n_products = int(product.max(initial=-1)) + 1
    mine = np.arange(len(rows))[:, None] + first
    wanted = distinct(truth.askers * np.int64(n_products) + truth.rows)
    found: NDArray[np.bool_] = among(mine * np.int64(n_products) + product[rows], wanted) & (rows >= 0)
    return found
