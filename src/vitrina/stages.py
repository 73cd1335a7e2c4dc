"""The stages of a request: pure functions from a draft of one block to the next draft.

    admit     hard rules and the filter, as what may appear at all
    retrieve  each source's best candidates
    blend     one ranked list, by the sources' places or by learned trees
    settle    soft rules, one variant a product, the limit
    fall back the placement's fallbacks, while a list is short

A draft is a batch: every asker of the same block at once. No stage knows whether it is explained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitrina.askers import NOTHING, Asker, query
from vitrina.blend import Ranked, append, fuse
from vitrina.dataset import VIEW
from vitrina.ids import Ids, Rows
from vitrina.kernels.fusion import settle
from vitrina.placements import Mix, Placement
from vitrina.ranker import DEPTH, Ranker
from vitrina.request import Block
from vitrina.rules import Rules
from vitrina.strategy import Allow, Candidates, Query, Source

_DEPTH = 100
"""Rows asked of each source at least: rank fusion wants more than it shows."""


@dataclass(frozen=True)
class Opened:
    """What stages may look at beside the draft: the id map, the rules, the sources by name, the trees."""

    items: Ids
    rules: Rules
    sources: Mapping[str, Source]
    ranker: Ranker | None = None


class Draft(NamedTuple):
    """One block of a batch of askers, as it passes the stages.

    `queries`: by kind of seeds, what the placement's sources were asked.
    """

    placement: Placement
    mixes: tuple[Mix, ...]
    block: Block
    limit: int
    now: int
    askers: tuple[Asker, ...]
    taken: tuple[Rows, ...]
    allow: Allow
    queries: Mapping[str, Query] = {}
    lists: tuple[Candidates, ...] = ()
    ranked: Ranked | None = None
    relaxed: tuple[int, ...] = ()
    levels: tuple[int, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Sources in the order of `Ranked.shares`: the placement's own, then its fallbacks."""
        return (*(one.strategy for one in self.mixes), *self.placement.fallback)


def admit(opened: Opened, draft: Draft) -> Draft:
    """Hard rules: the shared mask, and what each asker may not see."""
    rules, block = opened.rules, draft.block
    mask = rules.mask(draft.now, draft.placement, block.filter)
    if block.candidate_item_ids:
        only = opened.items.rows(block.candidate_item_ids)
        narrow = np.zeros_like(mask)
        narrow[only[only >= 0]] = mask[only[only >= 0]]
        mask = narrow
    excluded = opened.items.rows(block.exclude_item_ids) if block.exclude_item_ids else NOTHING
    excluded = excluded[excluded >= 0]
    rows = [
        rules.with_variants(
            np.concatenate([taken, excluded, rules.unwanted(one.doings, draft.placement, draft.now)])
        )
        for one, taken in zip(draft.askers, draft.taken, strict=True)
    ]
    return draft._replace(allow=Allow(mask, _indptr(rows), np.concatenate(rows)))


def retrieve(opened: Opened, draft: Draft) -> Draft:
    """Ask each source of the placement for its best."""
    depth = max(_DEPTH, 3 * draft.limit)
    queries = {kind: query(draft.askers, kind, draft.now) for kind in {one.seeds for one in draft.mixes}}
    lists = tuple(
        opened.sources[mix.strategy].top(queries[mix.seeds], depth, draft.allow) for mix in draft.mixes
    )
    return draft._replace(queries=queries, lists=lists)


def blend(opened: Opened, draft: Draft) -> Draft:
    """One list of all of them, in the order of learned trees where the bundle has some for it.

    A fallback's share in it is nothing as yet.
    """
    nothing = Candidates.none(len(draft.askers))
    lists = (*draft.lists, *(nothing for _ in draft.placement.fallback))
    weights = [*(one.weight for one in draft.mixes), *(1.0 for _ in draft.placement.fallback)]
    if not lists:
        lists, weights = (nothing,), [1.0]
    depth = max(_DEPTH, 3 * draft.limit)
    ranker, way = opened.ranker, draft.placement.blend
    forest = ranker.forest(draft.placement, draft.mixes) if ranker else None
    ranked = fuse(lists, weights, by=way, depth=max(depth, DEPTH) if forest else depth)
    if ranker and forest:
        past = query(draft.askers, "history", draft.now).seeds
        ranked = ranker.rank(forest, ranked, draft.lists, past, draft.now)
    return draft._replace(ranked=ranked)


def settle_down(opened: Opened, draft: Draft) -> Draft:
    """Soft rules, dropped from the last while a list is short; one variant a product; the limit."""
    assert draft.ranked is not None
    rows, soft = draft.ranked.rows, draft.placement.soft
    levels = np.zeros(rows.shape, np.int8)
    for place, asker in enumerate(draft.askers if soft else ()):
        viewed = np.concatenate([asker.context, asker.doings.rows[asker.doings.types == VIEW]])
        levels[place] = opened.rules.levels(rows[place], draft.placement, asker.context, viewed)
    picks, used = settle(rows, opened.rules.product, levels, len(soft), draft.limit)
    return draft._replace(ranked=draft.ranked.take(picks), relaxed=tuple(used.tolist()))


def fall_back(opened: Opened, draft: Draft) -> Draft:
    """While lists are short, let the placement's fallbacks fill them, one after the other."""
    levels = [0] * len(draft.askers)
    ranked = draft.ranked
    assert ranked is not None
    if (ranked.rows[:, -1:] >= 0).all():  # pads stand last
        return draft._replace(levels=tuple(levels))
    for number, name in enumerate(draft.placement.fallback, start=1):
        counts = (ranked.rows >= 0).sum(axis=1)
        short = np.flatnonzero(counts < draft.limit)
        if not len(short):
            break
        more = _fill(opened, draft, ranked, name, short)
        column = len(draft.mixes) + number - 1
        filled = append(Ranked(ranked.rows[short], ranked.scores[short], ranked.shares[short]), more, column)
        plain = np.zeros(filled.rows.shape, np.int8)
        picks, _ = settle(filled.rows, opened.rules.product, plain, 0, draft.limit)
        ranked = _put(ranked, filled.take(picks), short)
        for one in short.tolist():
            levels[one] = number if (ranked.rows[one] >= 0).sum() > counts[one] else levels[one]
    return draft._replace(ranked=ranked, levels=tuple(levels))


def _fill(opened: Opened, draft: Draft, ranked: Ranked, name: str, short: NDArray[np.intp]) -> Candidates:
    """A fallback's best for the short lists, less what they hold already."""
    askers = [draft.askers[one] for one in short]
    held = [
        np.concatenate(
            [
                draft.allow.rows[draft.allow.indptr[one] : draft.allow.indptr[one + 1]],
                opened.rules.with_variants(ranked.rows[one][ranked.rows[one] >= 0]),
            ]
        )
        for one in short
    ]
    allow = Allow(draft.allow.mask, _indptr(held), np.concatenate(held))
    # Variants of one product may stand in a source's list, so ask for more than is short.
    return opened.sources[name].top(query(askers, "history", draft.now), 3 * draft.limit, allow)


def _put(ranked: Ranked, filled: Ranked, where: NDArray[np.intp]) -> Ranked:
    rows, scores, shares = ranked.rows.copy(), ranked.scores.copy(), ranked.shares.copy()
    rows[where], scores[where], shares[where] = filled.rows, filled.scores, filled.shares
    return Ranked(rows, scores, shares)


def _indptr(rows: Sequence[Rows]) -> NDArray[np.int64]:
    return np.array([0, *accumulate(map(len, rows))], np.int64)


Stage = Callable[[Opened, Draft], Draft]
STAGES: tuple[tuple[str, Stage], ...] = (
    ("admit", admit),
    ("retrieve", retrieve),
    ("blend", blend),
    ("settle", settle_down),
    ("fall back", fall_back),
)
