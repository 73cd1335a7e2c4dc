"""The quality gate: a new bundle may not be worse than the current one by more than its recipe allows.

Both are asked about the same customers, on events that neither has learned from. Where those are too
few to tell, the gate says so and only looks for lists that are empty or all alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from vitrina import metrics
from vitrina.bootstrap import Estimate, paired
from vitrina.dataset import Dataset
from vitrina.engine import Engine
from vitrina.live import Live
from vitrina.questions import Questions, questions
from vitrina.request import Block
from vitrina.splits import Split, of_types, wanted_types

Say = Callable[[str], None]
MIN_EVENTS = 1000
"""Below this many events later than both cut-offs, a difference would be chance."""
MAX_EMPTY = 0.01
_K = 10
_BATCH = 256


@dataclass(frozen=True)
class Verdict:
    """What the gate found. `current`, `new`: NDCG@10 of home, NaN where it was not measured.

    `empty`: share of askers whom the new bundle gives nothing; `shown`: distinct products it gives.
    """

    passed: bool
    reason: str
    events: int
    current: float = float("nan")
    new: float = float("nan")
    empty: float = 0.0
    shown: int = 0

    def as_dict(self) -> dict[str, Any]:
        """For JSON; what was not measured is None."""
        return {name: None if value != value else value for name, value in asdict(self).items()}


def gate(
    dataset: Dataset, new: Engine, cut: int, current: Engine | None, allowed: float, seed: int
) -> Verdict:
    """Compare an engine fitted on events before `cut` with the current one. `allowed`: share of NDCG@10.

    Only events later than both cut-offs count.
    """
    moment = max(cut, current.last_event + 1) if current and dataset.timed else cut
    later = dataset.since(moment)
    events = int(of_types(later, wanted_types(dataset)).sum())
    split = Split(dataset.before(moment), later, moment, "", wanted_types(dataset))
    asked = [one for one in questions(split, 2000, seed) if one.placement == "home"] if events else []
    verdict = _whole(dataset, new, asked[0] if asked else None, moment, events)
    if current is None:
        return replace(verdict, reason=f"{verdict.reason}; there is no current bundle to compare with")
    if not verdict.passed or not asked or events < MIN_EVENTS or "home" not in current.placements.by_name:
        few = f"not comparable: {events} events are later than both cut-offs, {MIN_EVENTS} are needed"
        return replace(verdict, reason=f"{verdict.reason}; {few}") if verdict.passed else verdict
    return _compared(dataset, new, current, asked[0], moment, verdict, allowed, seed)


def _whole(dataset: Dataset, new: Engine, asked: Questions | None, moment: int, events: int) -> Verdict:
    """Whether lists have something in them, and not the same ten products for everybody."""
    if asked is None:
        return Verdict(True, "nobody to ask", events)
    lists = _lists(dataset, new, asked, moment)
    empty = float((lists[:, 0] < 0).mean())
    shown = len(np.unique(lists[lists >= 0]))
    if empty > MAX_EMPTY:
        return Verdict(
            False, f"{empty:.1%} of customers would get an empty home list", events, empty=empty, shown=shown
        )
    return Verdict(
        True, f"{empty:.1%} empty lists, {shown:,} products shown", events, empty=empty, shown=shown
    )


def _compared(
    dataset: Dataset,
    new: Engine,
    current: Engine,
    asked: Questions,
    moment: int,
    verdict: Verdict,
    allowed: float,
    seed: int,
) -> Verdict:
    ours, theirs = (_ndcg(dataset, one, asked, moment) for one in (new, current))
    before, after = float(np.nanmean(theirs)), float(np.nanmean(ours))
    change: Estimate = paired(ours, theirs, seed=seed)
    figures = f"NDCG@10 {after:.4f} against {before:.4f} on {verdict.events:,} events"
    passed = after >= before * (1 - allowed)
    share = (after - before) / before if before else 0.0
    words = f"{figures}: {share:+.1%} [{change.low:+.4f}, {change.high:+.4f}], {allowed:.0%} may be lost"
    return replace(verdict, passed=passed, reason=words, current=before, new=after)


def _ndcg(dataset: Dataset, engine: Engine, asked: Questions, moment: int) -> metrics.Values:
    rows = _lists(dataset, engine, asked, moment)
    products = np.append(dataset.catalog.product, np.int32(metrics.MISS))[rows]
    return metrics.ndcg(metrics.places(products, asked.truth) != metrics.MISS, asked.truth.sizes)


def _lists(dataset: Dataset, engine: Engine, asked: Questions, moment: int) -> metrics.Lists:
    """Home lists in the dataset's rows; what the dataset does not know is a miss."""
    block = (Block("home", limit=_K),)
    lists = np.full((len(asked), _K), metrics.MISS, np.int32)
    for start in range(0, len(asked), _BATCH):
        batch = [replace(one, blocks=block, reasons=False) for one in asked.requests[start : start + _BATCH]]
        for place, answer in enumerate(engine.recommend(batch, Live(now=moment)), start=start):
            items = [one.item_id for one in answer.blocks[0].items]
            lists[place, : len(items)] = dataset.items.rows(items)
    return lists
