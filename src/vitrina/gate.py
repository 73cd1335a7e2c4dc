"""The quality gate: a new bundle may not be worse than the current one by more than its recipe allows.

Both are asked about the same customers, on events that neither has learned from. Where those are too
few to tell, the gate says so and only looks at lists: of a new bundle none may be empty, and together they
may not show far fewer products than the current one's, as of a source that fell silent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from vitrina import metrics
from vitrina.bootstrap import Estimate, paired
from vitrina.clusters import witnesses
from vitrina.dataset import Dataset
from vitrina.engine import Engine
from vitrina.live import Live
from vitrina.placements import QUESTIONS
from vitrina.purpose import purposes
from vitrina.questions import Questions, to_ask
from vitrina.request import Block, Request
from vitrina.splits import Split, of_types, wanted_types

Say = Callable[[str], None]
MIN_EVENTS = 1000
"""Below this many events later than both cut-offs, a difference would be chance."""
MAX_EMPTY = 0.01
LEAST_SHOWN = 0.1
"""Products shown at least, beside those that the current bundle shows to the same customers."""
ASKED = 200
"""Customers who are asked about where nobody did anything later."""
_K = 10
_BATCH = 256
NOTHING = metrics.Truth(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0), np.zeros(0, np.bool_))


@dataclass(frozen=True)
class Verdict:
    """What the gate found. `current`, `new`: NDCG@10 of `placement`, NaN where it was not measured.

    `empty`: share of askers whom the new bundle gives nothing; `shown`: distinct products that it gives, and
    `shown_before` the current one, 0 where that did not matter.
    """

    passed: bool
    reason: str
    events: int
    current: float = float("nan")
    new: float = float("nan")
    empty: float = 0.0
    shown: int = 0
    shown_before: int = 0
    placement: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON; what was not measured is None."""
        return {name: None if value != value else value for name, value in asdict(self).items()}


def gate(
    dataset: Dataset, new: Engine, cut: int, current: Engine | None, allowed: float, seed: int
) -> Verdict:
    """Compare an engine fitted on events before `cut` with the current one. `allowed`: share of NDCG@10.

    Only events later than both cut-offs count. The first of QUESTIONS that can be asked tells.
    """
    moment = max(cut, current.last_event + 1) if current and dataset.timed else cut
    later, events = dataset.since(moment), telling(dataset, moment)
    split = Split(dataset.before(moment), later, moment, "", wanted_types(dataset))
    asked = _deciding(new, split, seed, events)
    if asked is None:
        return Verdict(True, "no placement can be asked, so there is no list to look at", events)
    verdict = _whole(dataset, new, asked, moment, events)
    if current is None:
        return replace(verdict, reason=f"{verdict.reason}; compared with no other bundle")
    if not verdict.passed or asked.placement not in current.placements.by_name:
        return verdict
    if events >= MIN_EVENTS and len(asked.truth):
        return _compared(dataset, new, current, asked, moment, verdict, allowed, seed)
    few = f"not comparable: {events} events are later than both cut-offs, {MIN_EVENTS} are needed"
    return _beside(
        replace(verdict, reason=f"{verdict.reason}; {few}"), _lists(dataset, current, asked, moment)
    )


def telling(dataset: Dataset, moment: int) -> int:
    """How many events from a moment on say what lists should have held."""
    return int(of_types(dataset.since(moment), wanted_types(dataset)).sum())


def _deciding(new: Engine, split: Split, seed: int, events: int) -> Questions | None:
    """The placement that tells a good bundle from a bad one, and who is asked in it; where nobody did
    anything later, somebody all the same.

    A list that may be left empty on purpose does not tell.
    """
    for one in to_ask(new.placements, split, 2000, seed) if events else ():
        if new.placements.named(one.placement).short != "drop":
            return one
    suited = {
        one.question: name
        for name, one in sorted(purposes(new.placements).items(), reverse=True)
        if not one.why and new.placements.named(name).short != "drop"
    }
    for question in QUESTIONS:
        if question in suited:
            requests = _somebody(split.train)
            return Questions(question, requests, NOTHING, {}, np.arange(len(requests)), suited[question])
    return None


def _somebody(dataset: Dataset) -> tuple[Request, ...]:
    """Customers from first to last, or else a stranger: to see lists where nobody did anything later."""
    if not len(dataset.users):
        return (Request(()),)
    rows = np.unique(np.linspace(0, len(dataset.users) - 1, ASKED).astype(np.int32))
    return tuple(Request((), user_id=one) for one in dataset.users.names(rows))


def _whole(dataset: Dataset, new: Engine, asked: Questions, moment: int, events: int) -> Verdict:
    """Whether lists have something in them."""
    lists, name = _lists(dataset, new, asked, moment), asked.placement
    empty, shown = float((lists[:, 0] < 0).mean()), _shown(lists)
    reason = f"{empty:.1%} empty lists, {shown:,} products shown"
    if empty > MAX_EMPTY:
        reason = f"{empty:.1%} of customers would get an empty {name} list"
    return Verdict(empty <= MAX_EMPTY, reason, events, empty=empty, shown=shown, placement=name)


def _beside(verdict: Verdict, lists: metrics.Lists) -> Verdict:
    """The verdict, unless the current bundle's lists for the same customers hold far more products."""
    verdict = replace(verdict, shown_before=_shown(lists))
    if verdict.shown >= LEAST_SHOWN * verdict.shown_before:
        return verdict
    few = f"{verdict.placement} lists of {len(lists):,} customers would show {verdict.shown:,} products"
    return replace(verdict, passed=False, reason=f"{few}; they show {verdict.shown_before:,} now")


def _shown(lists: metrics.Lists) -> int:
    return len(np.unique(lists[lists >= 0]))


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
    change: Estimate = paired(ours, theirs, witnesses(asked), seed=seed)
    figures = f"{asked.placement}: NDCG@10 {after:.4f} against {before:.4f} on {verdict.events:,} events"
    passed = after >= before * (1 - allowed)
    share = (after - before) / before if before else 0.0
    certain = "of one customer" if np.isnan(change.low) else f"[{change.low:+.4f}, {change.high:+.4f}]"
    words = f"{figures}: {share:+.1%} {certain}, {allowed:.0%} may be lost"
    return replace(verdict, passed=passed, reason=words, current=before, new=after)


def _ndcg(dataset: Dataset, engine: Engine, asked: Questions, moment: int) -> metrics.Values:
    rows = _lists(dataset, engine, asked, moment)
    products = np.append(dataset.catalog.product, np.int32(metrics.MISS))[rows]
    return metrics.ndcg(metrics.places(products, asked.truth) != metrics.MISS, asked.truth.sizes)


def _lists(dataset: Dataset, engine: Engine, asked: Questions, moment: int) -> metrics.Lists:
    """A placement's lists in the dataset's rows; what the dataset does not know is a miss."""
    block, requests = (Block(asked.placement, limit=_K),), asked.requests
    lists = np.full((len(requests), _K), metrics.MISS, np.int32)
    for start in range(0, len(requests), _BATCH):
        batch = [replace(one, blocks=block, reasons=False) for one in requests[start : start + _BATCH]]
        for place, answer in enumerate(engine.recommend(batch, Live(now=moment)), start=start):
            items = [one.item_id for one in answer.blocks[0].items]
            lists[place, : len(items)] = dataset.items.rows(items)
    return lists
