"""What became of one product on its way to a list: the stage that dropped it, and the rule.

Read off the drafts that left each stage (`engine.py` keeps them to explain); no stage knows of it. Rules are
asked again, one by one, for the one row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime

import numpy as np

from vitrina.arrangement import at_most
from vitrina.dataset import DAY, PURCHASE, VIEW
from vitrina.draft import Draft, Opened
from vitrina.filters import Filter
from vitrina.ids import Rows
from vitrina.masks import holds
from vitrina.request import Fate


def fate(opened: Opened, trace: Mapping[str, Draft], item_id: str) -> Fate:
    """What became of an item for the first asker. `trace`: by a stage's name, the draft that left it."""
    row = opened.items.row(item_id)
    if row < 0:
        return Fate(item_id, stage="admit", rules=("the bundle does not know it",))
    proposed = tuple(_proposed(trace["retrieve"], row))
    blended = _place(trace["blend"], row)
    if place := _place(_last(trace), row):
        return Fate(item_id, place, proposed=proposed, blended=blended)
    if hard := tuple(_hard(opened, trace["admit"], row)):
        return Fate(item_id, 0, "admit", hard, proposed, blended)
    if not proposed and not blended:
        asked = ", ".join(one.strategy for one in trace["retrieve"].mixes) or "none"
        return Fate(item_id, 0, "retrieve", (f"no source proposed it; asked: {asked}",))
    if not blended:
        rule = "a variant of it was blended, or it stood below the depth that is blended"
        return Fate(item_id, 0, "blend", (rule,), proposed)
    return Fate(item_id, 0, *_settled(opened, trace, row, blended), proposed, blended)


def _place(draft: Draft, row: int) -> int:
    """The place of a row in the first asker's list, from 1; 0 where it is not there."""
    assert draft.ranked is not None
    at = np.flatnonzero(draft.ranked.rows[0] == row)
    return int(at[0]) + 1 if len(at) else 0


def _proposed(draft: Draft, row: int) -> Iterator[tuple[str, int]]:
    for mix, one in zip(draft.mixes, draft.lists, strict=True):
        at = np.flatnonzero(one.of(0) == row)
        if len(at):
            yield mix.strategy, int(at[0]) + 1


def _hard(opened: Opened, draft: Draft, row: int) -> Iterator[str]:
    """The hard rules that keep a row from the first asker, each in words."""
    yield from _stocked(opened, draft, row)
    yield from _ruled(opened, draft, row)
    yield from _asked(opened, draft, row)
    yield from _known(opened, draft, row)


def _stocked(opened: Opened, draft: Draft, row: int) -> Iterator[str]:
    """What the catalogue says of it today."""
    catalog, place = opened.rules.catalog, draft.scope.place
    if not catalog.in_stock[row]:
        yield "out of stock"
    if draft.now < catalog.available_from[row]:
        yield f"not for sale before {_day(int(catalog.available_from[row]))}"
    if draft.now >= catalog.available_until[row]:
        yield f"not for sale since {_day(int(catalog.available_until[row]))}"
    if place >= 0:
        name, stocked = catalog.regions.values.name(place), catalog.regions.texts(row)
        if stocked and name not in stocked:
            yield f"not in stock in {name}"
    if draft.scope.fit:
        mask = np.ones(len(catalog), np.bool_)
        opened.rules.scopes.sizes.narrow(mask, draft.scope.fit)
        if not mask[row]:
            yield "not in the customer's size"


def _ruled(opened: Opened, draft: Draft, row: int) -> Iterator[str]:
    """What the placement and the block say of it."""
    rules, one = opened.rules, np.array([row], np.int32)
    for path in draft.placement.deny_categories:
        if rules.facets.below(path, one)[0]:
            yield f"category denied: {path}"
    if row in rules.facets.rows(draft.placement.deny_items):
        yield "product denied"
    for whose, wanted in (("placement", draft.placement.filter), ("block", draft.block.filter)):
        for name in _failed(opened, draft, wanted, one):
            yield f"the {whose}'s filter: {name}"
    candidates = draft.block.candidate_item_ids
    if candidates and row not in rules.facets.rows(candidates):
        yield "not among the candidates of the block"


def _failed(opened: Opened, draft: Draft, wanted: Filter, one: Rows) -> Iterator[str]:
    """The conditions of a filter that a row does not meet."""
    empty, facts = Filter(), opened.rules.scopes.facts(draft.askers[0], [wanted], draft.now)
    for part in fields(Filter):
        value = getattr(wanted, part.name)
        condition = Filter(**{part.name: value})
        if value != getattr(empty, part.name) and not holds(opened.rules.facets, condition, facts, one)[0]:
            yield part.name


def _asked(opened: Opened, draft: Draft, row: int) -> Iterator[str]:
    """What the page holds already, in any variant."""
    asker, family = draft.askers[0], _family(opened, row)
    excluded = opened.items.rows(draft.block.exclude_item_ids) if draft.block.exclude_item_ids else family[:0]
    if len(np.intersect1d(excluded, family)):
        yield "excluded by the request"
    if not draft.placement.show_context and len(np.intersect1d(asker.context, family)):
        yield "the page is about it"
    if len(np.intersect1d(asker.page, family)):
        yield "on the page already"


def _known(opened: Opened, draft: Draft, row: int) -> Iterator[str]:
    """What the customer did with it, under the placement's policies."""
    asker, family, placement = draft.askers[0], _family(opened, row), draft.placement
    mine = np.isin(asker.doings.rows, family)
    if not placement.viewed and (mine & (asker.doings.types == VIEW)).any():
        yield "viewed before, and the placement lists nothing that was"
    away = opened.rules.unwanted(asker.doings, replace(placement, viewed=True), draft.now)
    if (mine & away).any():
        last = int(asker.doings.times[mine & (asker.doings.types == PURCHASE)].max())
        yield f"bought {_days(draft.now - last)} ago, and {_waited(opened, draft, row)}"


def _waited(opened: Opened, draft: Draft, row: int) -> str:
    """What the rebuy policy of a product says, in words."""
    one, placement = np.array([row], np.int32), draft.placement
    ruled = sorted(placement.rebuy_in, key=lambda pair: pair[0].count(">"))
    inside = [rebuy for path, rebuy in ruled if opened.rules.facets.below(path, one)[0]]
    rebuy = inside[-1] if inside else placement.rebuy
    if rebuy.policy == "when_due":
        return f"it is bought again after {_days(int(opened.rules.waits(one, rebuy)[0]))} (rebuy when_due)"
    if rebuy.policy == "after_days":
        return f"it stays away for {_days(int(rebuy.after_days * DAY))} (rebuy after_days)"
    return f"it does not come back (rebuy {rebuy.policy})"


def _settled(
    opened: Opened, trace: Mapping[str, Draft], row: int, blended: int
) -> tuple[str, tuple[str, ...]]:
    """The stage and the rules that dropped a row after the blend."""
    blend, last = trace["blend"], _last(trace)
    assert last.ranked is not None
    if last.dropped and last.dropped[0]:
        return "fall back", (f"the list was under its minimum of {last.placement.minimum} and is left empty",)
    family = _family(opened, row)
    if len(np.intersect1d(last.ranked.rows[0], family)):
        return "settle", ("another variant of it is listed",)
    if _place(trace["cut"], row):
        return "explore", ("its place went to a new product, by chance",)
    if _place(trace["fall back"], row) and not _place(trace["arrange"], row) and last.display:
        return "arrange", tuple(_arranged(last, row))
    soft, one = opened.rules.soft, np.array([row], np.int32)
    preferred = soft.preferred(blend.placement, blend.askers[0], blend.now)
    broken = tuple(
        f"soft rule: {rule.name}"
        for rule in preferred.rules
        if soft.levels(one, preferred._replace(rules=(rule,)))[0]
    )
    if broken:
        return "settle", broken
    return "cut", (f"place {blended} of the blended list; the list ends with {blend.limit}",)


def _arranged(last: Draft, row: int) -> Iterator[str]:
    """What may have given its place to others: quotas that are full of its kind, diversity, pins."""
    assert last.display is not None
    assert last.ranked is not None
    shown = last.ranked.rows[0][last.ranked.rows[0] >= 0]
    force = last.display.merchandise.at(last.now)
    for cap in force.caps:
        most = at_most(cap.quota.most, last.limit)
        if cap.codes[row] >= 0 and (cap.codes[shown] == cap.codes[row]).sum() >= most:
            yield f"quota: {cap.quota.name}"
    if last.display.likeness is not None:
        yield "diversity: what is listed is less alike"
    yield f"pins, quotas and kinds set apart left it no place among {last.limit}"


def _last(trace: Mapping[str, Draft]) -> Draft:
    """What left the last stage."""
    return list(trace.values())[-1]


def _family(opened: Opened, row: int) -> Rows:
    """A row and every other variant of its product."""
    return opened.rules.with_variants(np.array([row], np.int32))


def _day(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d}"


def _days(seconds: int) -> str:
    days = seconds // DAY
    return "less than a day" if days < 1 else "1 day" if days == 1 else f"{days} days"
