"""Stages of placements that display their lists otherwise than as they are ranked; others pass through.

promote   scores are lifted, buried, damped and rested; included products join
arrange   pins, quotas, diversity, kinds set apart: a pool down to the limit
explore   a share of the places goes to new products, by chance
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vitrina import exploration
from vitrina.arrangement import Pool, arranged, at_least, at_most, pooled
from vitrina.blend import Ranked, append
from vitrina.built_in import EXPLORED, GIVEN, INCLUDED, PINNED
from vitrina.dataset import DAY
from vitrina.draft import Draft, Opened
from vitrina.facets import Mask
from vitrina.ids import Rows
from vitrina.inforce import InForce
from vitrina.kernels.arrange import tiers
from vitrina.promotion import promoted
from vitrina.strategy import Allow

LAST_TIER = 126


def promote(opened: Opened, draft: Draft) -> Draft:
    """Multiply scores by what is in force, and let included products join."""
    if draft.display is None:
        return draft
    assert draft.ranked is not None
    assert draft.admitted is not None
    force, rotation = draft.display.merchandise.at(draft.now), draft.placement.rotation
    allow, column = _shown(draft), draft.names.index(INCLUDED)
    ranked = promoted(force, rotation, draft.ranked, allow, draft.askers, draft.now, column)
    return draft._replace(ranked=ranked)


def arrange(opened: Opened, draft: Draft) -> Draft:
    """Choose from the pool what is shown, in which order."""
    if draft.display is None or not draft.display.arranges:
        return draft
    assert draft.ranked is not None
    force, likeness = draft.display.merchandise.at(draft.now), draft.display.likeness
    product, column, allow = opened.rules.product, draft.names.index(PINNED), _shown(draft)
    pool = pooled(force, draft.ranked, _tiers(opened, draft, draft.ranked), allow, column)
    picks, stay = arranged(force, pool, product, likeness, draft.limit)
    more = _supplied(opened, draft, force, pool, picks)
    if more is not None:
        pool = pooled(force, more, _tiers(opened, draft, more), allow, column)
        picks, stay = arranged(force, pool, product, likeness, draft.limit)
    if draft.dropped:
        picks[np.array(draft.dropped)] = -1
    ranked, shown = pool.ranked.take(picks), pool.tiers[np.arange(len(picks))[:, None], picks]
    return _reported(draft, ranked, np.where(picks >= 0, shown, 0))._replace(stay=stay)


def explore(opened: Opened, draft: Draft) -> Draft:
    """Give some places to new products; whoever has no id is shown the list as it is."""
    plan, display = draft.placement.exploration, draft.display
    if plan is None or display is None or display.newcomers is None:
        return draft
    assert draft.ranked is not None
    assert draft.admitted is not None
    force = display.merchandise.at(draft.now)
    newcomers = display.newcomers.at(draft.now, plan.days)
    newcomers = newcomers[draft.admitted.mask[newcomers]]
    rows, column = draft.ranked.rows.copy(), draft.names.index(EXPLORED)
    scores, shares = draft.ranked.scores.copy(), draft.ranked.shares.copy()
    chances = np.ones(rows.shape, np.float32)
    for place, asker in enumerate(draft.askers):
        n = int((rows[place] >= 0).sum())
        if not asker.identity or not n:
            continue
        barred = draft.allow.rows[draft.allow.indptr[place] : draft.allow.indptr[place + 1]]
        most = exploration.places_given(plan, n)[0] + 1
        new = exploration.eligible(
            newcomers, opened.rules.product, barred, rows[place, :n], force.caps, draft.limit, most
        )
        stay = np.zeros(n, np.bool_) if draft.stay is None else draft.stay[place, :n]
        seed = ("explore", asker.identity, draft.placement.name, str(draft.now // DAY))
        found = exploration.explored(plan, rows[place, :n], stay, new, seed)
        fresh = found.kept < 0
        floor = scores[place, :n].min() / 2
        scores[place, :n] = np.where(fresh, floor, scores[place, found.kept])
        shares[place, :n] = np.where(fresh[:, None], 0, shares[place, found.kept])
        shares[place, :n, column] = np.where(fresh, floor, shares[place, :n, column])
        rows[place, :n], chances[place, :n] = found.rows, found.chances
    return draft._replace(ranked=Ranked(rows, scores, shares), chances=chances)


def _shown(draft: Draft) -> Allow:
    """What may be shown as it is: the variants that are admitted, not all that sources may propose."""
    assert draft.admitted is not None
    return Allow(draft.admitted.mask, draft.allow.indptr, draft.allow.rows)


def _tiers(opened: Opened, draft: Draft, ranked: Ranked) -> NDArray[np.int8]:
    """int8[n, m]: later ones only while a list is short. Soft rules that would give way, then fallbacks."""
    levels = np.zeros(ranked.rows.shape, np.int8)
    for place, preferred in enumerate(draft.preferred if any(draft.relaxed) else ()):
        levels[place] = opened.rules.soft.levels(ranked.rows[place], preferred)
    first, last = len(draft.mixes), len(draft.mixes) + len(draft.fillers)
    found: NDArray[np.int8] = tiers(levels, ranked.shares, first, last, LAST_TIER)
    return found


def _reported(draft: Draft, ranked: Ranked, shown: NDArray[np.int8]) -> Draft:
    """The draft with its lists, and what gave way for those that are shown."""
    if not shown.any():
        nothing: tuple[tuple[str, ...], ...] = ((),) * len(shown)
        return draft._replace(ranked=ranked, relaxed=nothing, levels=(0,) * len(shown))
    levels = shown.max(axis=1, initial=0) // (len(draft.fillers) + 1)
    numbers = (shown % (len(draft.fillers) + 1)).max(axis=1, initial=0)
    numbers = np.where(numbers == len(draft.fillers), 0, numbers) if GIVEN in draft.fillers else numbers
    softs = [one.rules for one in draft.preferred] or [()] * len(shown)
    relaxed = tuple(
        tuple(one.name for one in soft[::-1][:level])
        for soft, level in zip(softs, levels.tolist(), strict=True)
    )
    return draft._replace(ranked=ranked, relaxed=relaxed, levels=tuple(numbers.tolist()))


def _supplied(
    opened: Opened, draft: Draft, force: InForce, pool: Pool, picks: NDArray[np.int32]
) -> Ranked | None:
    """The candidates with more of what quotas lack, asked of the sources; None where nothing lacks.

    Only where the pool was full: sources that could not fill it have no more.
    """
    assert draft.ranked is not None
    if not (force.caps or force.floors):
        return None
    full = (draft.ranked.rows >= 0).sum(axis=1) >= draft.room
    if not full.any():
        return None
    lists = []
    for place in range(len(picks)):
        one = slice(place, place + 1)
        ranked = Ranked(draft.ranked.rows[one], draft.ranked.scores[one], draft.ranked.shares[one])
        chosen = picks[place][picks[place] >= 0]
        for wanted in _lacking(force, pool.ranked.rows[place, chosen], draft.limit) if full[place] else ():
            ranked = _asked(opened, draft, place, ranked, wanted)
        lists.append(ranked)
    width = max(one.rows.shape[1] for one in lists)
    if width == draft.ranked.rows.shape[1]:
        return None
    n_sources = draft.ranked.shares.shape[2]
    rows = np.full((len(lists), width), -1, np.int32)
    scores, shares = np.zeros(rows.shape, np.float32), np.zeros((*rows.shape, n_sources), np.float32)
    for place, own in enumerate(lists):
        m = own.rows.shape[1]
        rows[place, :m], scores[place, :m], shares[place, :m] = own.rows[0], own.scores[0], own.shares[0]
    return Ranked(rows, scores, shares)


def _lacking(force: InForce, chosen: Rows, limit: int) -> list[Mask]:
    """Masks of what a list lacks: members of minimums that are not met, and what caps would still let in."""
    masks = [
        one.mask
        for one in force.floors
        if one.mask[chosen].sum() < min(limit, at_least(one.quota.least, limit))
    ]
    if len(chosen) < limit and force.caps:
        open_ = np.ones(len(force.caps[0].codes), np.bool_)
        for cap in force.caps:
            own = cap.codes[chosen]
            counts = np.bincount(own[own >= 0], minlength=int(cap.codes.max(initial=-1)) + 1)
            full = np.append(
                counts >= at_most(cap.quota.most, limit), False
            )  # the last for what does not count
            open_ &= ~full[cap.codes]
        masks.append(open_)
    return masks


def _asked(opened: Opened, draft: Draft, place: int, ranked: Ranked, wanted: Mask) -> Ranked:
    """One asker's list with what its sources, then its fallbacks, know of some products."""
    for column, name in enumerate((*(one.strategy for one in draft.mixes), *draft.fillers)):
        if name == GIVEN:
            continue
        barred = draft.allow.rows[draft.allow.indptr[place] : draft.allow.indptr[place + 1]]
        held = opened.rules.with_variants(ranked.rows[0][ranked.rows[0] >= 0])
        own = np.concatenate([barred, held])
        allow = Allow(draft.allow.mask & wanted, np.array([0, len(own)], np.int64), own)
        kind = draft.mixes[column].seeds if column < len(draft.mixes) else "history"
        found = opened.sources[name].top(draft.asked(kind, place), draft.limit, allow)
        if len(found.rows):
            ranked = append(ranked, found, column)
    assert draft.admitted is not None
    return Ranked(opened.rules.fitting(ranked.rows, draft.admitted), ranked.scores, ranked.shares)
