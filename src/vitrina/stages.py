"""The stages of a request: pure functions from a draft of one block to the next draft.

    admit     hard rules and the filter, as what may appear at all
    retrieve  each source's best candidates
    blend     one ranked list, by the sources' places or by learned trees; of each product the right variant
    promote   scores lifted, buried, rested, as the placement says (`arranging`)
    settle    soft rules, one variant a product
    fall back the placement's fallbacks, while a list is short; a list under its minimum is dropped
    arrange   pins, quotas, diversity, as the placement says (`arranging`)
    cut       the limit, where stages before wanted more to choose from
    explore   some places to new products, as the placement says (`arranging`)

A draft is a batch: every asker of the same block and the same scope at once. No stage knows whether it is
explained.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from vitrina.arranging import arrange, explore, promote
from vitrina.blend import Ranked, append, fuse
from vitrina.built_in import GIVEN
from vitrina.crowd import Each
from vitrina.draft import Draft, Opened, Stage
from vitrina.errors import SourceFailed
from vitrina.faltering import RANKER
from vitrina.ids import Rows
from vitrina.kernels.doings import beside, marked
from vitrina.kernels.fusion import settle
from vitrina.ranker import Forest, Ranker
from vitrina.rules import Admitted
from vitrina.seeds import query
from vitrina.softness import Preferred
from vitrina.strategy import Allow, Candidates

_DEPTH = 100
"""Rows asked of each source at least: rank fusion wants more than it shows."""


def admit(opened: Opened, draft: Draft) -> Draft:
    """Hard rules: the mask of the scope, and what each asker may not see."""
    rules, block = opened.rules, draft.block
    admitted = rules.admitted(draft.now, draft.placement, block.filter, draft.scope)
    if block.candidate_item_ids:
        only = rules.facets.rows(block.candidate_item_ids)
        narrow = np.zeros_like(admitted.mask)
        narrow[only] = admitted.mask[only]
        admitted = Admitted(narrow, narrow)
    allow = Allow(admitted.wide, *rules.with_variants_of_each(*_barred(opened, draft)), admitted.few)
    return draft._replace(admitted=admitted, allow=allow)


def _barred(opened: Opened, draft: Draft) -> Each:
    """What each asker may not see: ends and rows, which may repeat."""
    rules, askers = opened.rules, draft.askers
    ends, places = marked(askers.ends, rules.unwanted(askers.doings, draft.placement, draft.now))
    barred: Each = ends, askers.doings.rows[places]
    if len(draft.taken[1]):
        barred = beside(*barred, *draft.taken)
    if draft.block.exclude_item_ids:
        excluded, n = rules.facets.rows(draft.block.exclude_item_ids), len(askers)
        barred = beside(*barred, np.arange(n + 1, dtype=np.int64) * len(excluded), np.tile(excluded, n))
    return barred


def retrieve(opened: Opened, draft: Draft) -> Draft:
    """Ask each source of the placement for its best."""
    depth = max(_DEPTH, 3 * draft.limit)
    lists = tuple(
        opened.sources[mix.strategy].top(draft.start(mix.seeds), depth, draft.allow) for mix in draft.mixes
    )
    return draft._replace(lists=lists)


def blend(opened: Opened, draft: Draft) -> Draft:
    """One list of all of them, in the order of learned trees where the bundle has some for it.

    A fallback's share in it is nothing as yet.
    """
    nothing = Candidates.none(len(draft.askers))
    lists = (*draft.lists, *(nothing for _ in draft.names[len(draft.mixes) :]))
    weights = [*(one.weight for one in draft.mixes), *(1.0 for _ in lists[len(draft.mixes) :])]
    if not lists:
        lists, weights = (nothing,), [1.0]
    depth = max(_DEPTH, 3 * draft.room)
    ranker, way = opened.ranker, draft.placement.blend
    forest = ranker.forest(draft.placement, draft.mixes) if ranker else None
    ranked = fuse(lists, weights, by=way, depth=max(depth, forest.depth) if forest else depth)
    if ranker and forest:
        ranked = _ranked(ranker, forest, ranked, draft)
    return draft._replace(ranked=_fitting(opened, draft, ranked))


def _ranked(ranker: Ranker, forest: Forest, ranked: Ranked, draft: Draft) -> Ranked:
    """The list in the order of learned trees. Raises SourceFailed."""
    past = draft.start("history").seeds
    try:
        return ranker.rank(forest, ranked, draft.lists, past, draft.now)
    except Exception as fault:
        raise SourceFailed(RANKER, fault) from fault


def _fitting(opened: Opened, draft: Draft, ranked: Ranked) -> Ranked:
    """The list with the right variant of each product."""
    assert draft.admitted is not None
    rows = opened.rules.fitting(ranked.rows, draft.admitted)
    return ranked if rows is ranked.rows else Ranked(rows, ranked.scores, ranked.shares)


def settle_down(opened: Opened, draft: Draft) -> Draft:
    """Soft rules, given up one by one while a list is short; one variant a product."""
    assert draft.ranked is not None
    before, soft = draft.ranked, opened.rules.soft
    if draft.placement.soft:
        preferred = tuple(soft.preferred(draft.placement, one, draft.now) for one in draft.askers)
        draft = draft._replace(preferred=preferred)
    ranked, relaxed = _settled(opened, draft, before, range(len(draft.askers)))
    return draft._replace(ranked=ranked, relaxed=relaxed)


def _settled(
    opened: Opened, draft: Draft, ranked: Ranked, places: Sequence[int]
) -> tuple[Ranked, tuple[tuple[str, ...], ...]]:
    """The lists of some askers, settled, and of each the soft rules that gave way."""
    rows, n_soft = ranked.rows, len(draft.placement.soft)
    softs = [draft.preferred[place] for place in places if n_soft]
    levels = _levels(opened, rows, softs)
    picks, used = settle(rows, opened.rules.product, levels, n_soft, draft.filled, draft.room)
    relaxed = tuple(
        tuple(one.name for one in soft.rules[n_soft - n :][::-1])
        for soft, n in zip(softs, used.tolist(), strict=False)
    )
    return ranked.take(picks), relaxed or ((),) * len(rows)


def _levels(opened: Opened, rows: Rows, softs: Sequence[Preferred]) -> NDArray[np.int8]:
    """int8 like `rows`: how many soft rules let each row in; most askers prefer the same."""
    soft = opened.rules.soft
    if not softs:
        return np.zeros(rows.shape, np.int8)
    if all(one == softs[0] for one in softs):
        return soft.levels(rows.ravel(), softs[0]).reshape(rows.shape)
    return np.array([soft.levels(own, one) for own, one in zip(rows, softs, strict=True)])


def fall_back(opened: Opened, draft: Draft) -> Draft:
    """While lists are short, let the placement's fallbacks fill them, one after the other.

    A list under its minimum is emptied instead, where the placement says so.
    """
    assert draft.ranked is not None
    if draft.placement.short == "drop":
        return _dropped(draft, draft.ranked)
    levels, relaxed, ranked = [0] * len(draft.askers), list(draft.relaxed), draft.ranked
    enough = draft.placement.minimum or draft.filled
    if not (ranked.rows[:, : draft.filled][:, -1:] >= 0).all():  # pads stand last
        counts = (ranked.rows >= 0).sum(axis=1)
        thin = counts < enough
        for number, name in enumerate(draft.fillers, start=1):
            counts = (ranked.rows >= 0).sum(axis=1)
            short = np.flatnonzero(thin & (counts < draft.filled))
            if not len(short):
                break
            more = _fill(opened, draft, ranked, name, short)
            column = len(draft.mixes) + number - 1
            some = Ranked(ranked.rows[short], ranked.scores[short], ranked.shares[short])
            filled = _fitting(opened, draft, append(some, more, column))
            filled, gave_way = _settled(opened, draft, filled, short.tolist())
            ranked = _put(ranked, filled, short)
            for one, rules in zip(short.tolist(), gave_way, strict=True):
                relaxed[one] = max(relaxed[one], rules, key=len)
                grown = name != GIVEN and (ranked.rows[one] >= 0).sum() > counts[one]
                levels[one] = number if grown else levels[one]
    n = len(draft.askers)
    return draft._replace(ranked=ranked, levels=tuple(levels), relaxed=tuple(relaxed), dropped=(False,) * n)


def _dropped(draft: Draft, ranked: Ranked) -> Draft:
    """The lists as they are, those under the minimum emptied."""
    few = (ranked.rows >= 0).sum(axis=1) < min(draft.placement.minimum, draft.limit)
    rows = np.where(few[:, None], np.int32(-1), ranked.rows)
    levels = (0,) * len(draft.askers)
    kept = Ranked(rows, ranked.scores, ranked.shares)
    return draft._replace(ranked=kept, levels=levels, dropped=tuple(few.tolist()))


def _fill(opened: Opened, draft: Draft, ranked: Ranked, name: str, short: NDArray[np.intp]) -> Candidates:
    """A fallback's best for the short lists, less what they hold already."""
    askers = draft.askers.take(short.tolist())
    held = [
        np.concatenate(
            [
                draft.allow.rows[draft.allow.indptr[one] : draft.allow.indptr[one + 1]],
                opened.rules.with_variants(ranked.rows[one][ranked.rows[one] >= 0]),
            ]
        )
        for one in short
    ]
    allow = Allow(draft.allow.mask, _indptr(held), np.concatenate(held), draft.allow.few)
    if name == GIVEN:
        return _given(opened.rules.facets.rows(draft.block.candidate_item_ids), allow)
    # Variants of one product may stand in a source's list, so ask for more than is short.
    return opened.sources[name].top(query(askers, "history", draft.now), 3 * draft.limit, allow)


def _given(rows: Rows, allow: Allow) -> Candidates:
    """The candidates of the request that may be shown, in its order, for each asker."""
    rows = rows[np.sort(np.unique(rows, return_index=True)[1])]
    rows = rows[allow.mask[rows]]
    spans = zip(allow.indptr[:-1].tolist(), allow.indptr[1:].tolist(), strict=True)
    lists = [rows[~np.isin(rows, allow.rows[low:high])] for low, high in spans]
    scores = [1 / np.arange(1, len(one) + 1, dtype=np.float32) for one in lists]
    return Candidates(_indptr(lists), np.concatenate(lists), np.concatenate(scores).astype(np.float32))


def cut(opened: Opened, draft: Draft) -> Draft:
    """The limit."""
    assert draft.ranked is not None
    if draft.ranked.rows.shape[1] <= draft.limit:
        return draft
    rows, scores, shares = draft.ranked.rows, draft.ranked.scores, draft.ranked.shares
    n = draft.limit
    return draft._replace(ranked=Ranked(rows[:, :n], scores[:, :n], shares[:, :n]))


def _put(ranked: Ranked, filled: Ranked, where: NDArray[np.intp]) -> Ranked:
    rows, scores, shares = ranked.rows.copy(), ranked.scores.copy(), ranked.shares.copy()
    rows[where], scores[where], shares[where] = filled.rows, filled.scores, filled.shares
    return Ranked(rows, scores, shares)


def _indptr(rows: Sequence[Rows]) -> NDArray[np.int64]:
    return np.array([0, *accumulate(map(len, rows))], np.int64)


STAGES: tuple[tuple[str, Stage], ...] = (
    ("admit", admit),
    ("retrieve", retrieve),
    ("blend", blend),
    ("promote", promote),
    ("settle", settle_down),
    ("fall back", fall_back),
    ("arrange", arrange),
    ("cut", cut),
    ("explore", explore),
)


_ANSWERED = 1 + [name for name, _ in STAGES].index("retrieve")


def onward(opened: Opened, draft: Draft) -> Draft:
    """A draft that its sources have answered, passed through the stages that are left."""
    for _, stage in STAGES[_ANSWERED:]:
        draft = stage(opened, draft)
    return draft


def through(opened: Opened, draft: Draft, explain: bool) -> tuple[Draft, list[tuple[str, Draft]]]:
    """A draft that has passed all stages, and, where it is explained, what left each of them."""
    trace = []
    for name, stage in STAGES:
        draft = stage(opened, draft)
        if explain:
            trace.append((name, draft))
    return draft, trace
