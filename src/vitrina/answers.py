"""Rows back to words: listed items with their sources and reasons, products, traces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vitrina.askers import query
from vitrina.catalog import PATH, Catalog
from vitrina.ids import Ids, Rows
from vitrina.request import ListedBlock, ListedItem, Product, Reason, RuleReason
from vitrina.stages import Draft, Opened
from vitrina.strategy import Query, Rule, Why


def blocks(
    draft: Draft, opened: Opened, trace: Sequence[tuple[str, Draft]], *, reasons: bool
) -> list[ListedBlock]:
    """The finished block of every asker of a draft."""
    return [
        ListedBlock(
            placement=draft.block.placement,
            items=_items(draft, place, opened, reasons),
            fallback_level=draft.levels[place],
            relaxed=draft.placement.soft[len(draft.placement.soft) - draft.relaxed[place] :][::-1],
            trace=tuple((name, _left(stage, place, opened.items)) for name, stage in trace),
        )
        for place in range(len(draft.askers))
    ]


def _items(draft: Draft, place: int, opened: Opened, reasons: bool) -> tuple[ListedItem, ...]:
    assert draft.ranked is not None
    shown = int((draft.ranked.rows[place] >= 0).sum())
    rows = draft.ranked.rows[place, :shown]
    if not shown:
        return ()
    shares = draft.ranked.shares[place, :shown]
    order = np.argsort(-shares, axis=1, kind="stable")
    strongest = order[:, 0]
    names = draft.names
    why = _reasons(draft, place, rows, strongest, opened) if reasons else [_BARE] * shown
    listed = zip(
        opened.items.names(rows),
        draft.ranked.scores[place, :shown].tolist(),
        map(tuple, order.tolist()),
        np.count_nonzero(shares, axis=1).tolist(),
        why,
        strict=True,
    )
    sources: dict[tuple[int, ...], tuple[str, ...]] = {}
    items = []
    for item_id, score, ranks, count, reason in listed:
        found = ranks[:count]
        if found not in sources:
            sources[found] = tuple(dict.fromkeys(names[one] for one in found))
        items.append(ListedItem(item_id, score, sources[found], reason or Reason(names[ranks[0]])))
    return tuple(items)


_BARE = None
"""Instead of a reason: the strongest source's name is all that is said."""


def _reasons(
    draft: Draft, place: int, rows: Rows, strongest: NDArray[np.intp], opened: Opened
) -> list[Reason | None]:
    """Each row's reason, from the source that gave it most."""
    found: list[tuple[str, Why]] = [("", Why())] * len(rows)
    for column in set(strongest.tolist()):
        name, where = draft.names[column], np.flatnonzero(strongest == column)
        whys = opened.sources[name].why(_query(draft, place, column), rows[where])
        for spot, why in zip(where.tolist(), whys, strict=True):
            found[spot] = (name, why)
    known = _names(opened.items, [why for _, why in found])
    return [_reason(name, why, known) for name, why in found]


def _query(draft: Draft, place: int, column: int) -> Query:
    """What the source of a column was asked about one asker; a fallback, about all the asker did."""
    kind = draft.mixes[column].seeds if column < len(draft.mixes) else "history"
    asked = draft.queries.get(kind)
    if asked is None:
        return query([draft.askers[place]], kind, draft.now)
    return asked if len(asked) == 1 else asked.one(place)


def _names(items: Ids, whys: Sequence[Why]) -> dict[int, str]:
    """The ids of all rows that reasons speak of, looked up at once."""
    rows = {row for why in whys for row in why.seeds}
    rows.update(row for why in whys if why.rule for row in why.rule.antecedent)
    wanted = list(rows)
    return dict(zip(wanted, items.names(np.array(wanted, np.int32)), strict=True))


def _reason(name: str, why: Why, known: Mapping[int, str]) -> Reason:
    seeds = tuple([known[row] for row in why.seeds])
    return Reason(name, seeds, _rule(why.rule, known) if why.rule else None)


def _rule(rule: Rule, known: Mapping[int, str]) -> RuleReason:
    antecedent = tuple([known[row] for row in rule.antecedent])
    return RuleReason(antecedent, rule.support, rule.confidence, rule.lift)


def _left(draft: Draft, place: int, items: Ids) -> tuple[str, ...]:
    """The item ids that left a stage, best first; before the blend, those of all sources."""
    if draft.ranked is not None:
        rows = draft.ranked.rows[place]
        return tuple(items.names(rows[rows >= 0]))
    return tuple(name for one in draft.lists for name in items.names(one.of(place)))


def product(catalog: Catalog, item_id: str, row: int) -> Product:
    """What the catalogue says of one row."""
    return Product(
        item_id=item_id,
        title=catalog.title[row],
        category=catalog.category.text(row).replace(PATH, " > "),
        price=_number(catalog.price[row]),
        old_price=_number(catalog.old_price[row]),
        image=catalog.image[row],
        attributes={name: text for name, one in catalog.attributes.items() if (text := one.text(row))},
    )


def _number(value: np.float32) -> float:
    return 0.0 if np.isnan(value) else round(float(value), 2)
