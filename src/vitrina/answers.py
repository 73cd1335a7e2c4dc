"""Rows back to words: listed items with their sources and reasons, products, traces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vitrina.askers import query
from vitrina.catalog import PATH, Catalog
from vitrina.ids import Ids, Rows
from vitrina.request import ListedBlock, ListedItem, Product, Reason, RuleReason
from vitrina.stages import Draft, Opened
from vitrina.strategy import Rule, Why


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
    shown = draft.ranked.rows[place] >= 0
    rows = draft.ranked.rows[place][shown]
    if not len(rows):
        return ()
    shares = draft.ranked.shares[place][shown]
    order = np.argsort(-shares, axis=1, kind="stable")
    strongest = order[:, 0].astype(np.int32)
    names = draft.names
    if reasons:
        why = _reasons(draft, place, rows, strongest, opened)
    else:
        why = [Reason(names[one]) for one in strongest.tolist()]
    counts = (shares > 0).sum(axis=1).tolist()
    return tuple(
        ListedItem(item_id, score, tuple(dict.fromkeys(names[one] for one in ranks[:count])), reason)
        for item_id, score, ranks, count, reason in zip(
            opened.items.names(rows),
            draft.ranked.scores[place][shown].tolist(),
            order.tolist(),
            counts,
            why,
            strict=True,
        )
    )


def _reasons(draft: Draft, place: int, rows: Rows, strongest: Rows, opened: Opened) -> list[Reason]:
    """Each row's reason, from the source that gave it most."""
    found: list[Reason | None] = [None] * len(rows)
    for column in np.unique(strongest).tolist():
        own = column < len(draft.mixes)
        name = draft.names[column]
        seeds = draft.mixes[column].seeds if own else "history"
        where = np.flatnonzero(strongest == column)
        whys = opened.sources[name].why(query([draft.askers[place]], seeds, draft.now), rows[where])
        for spot, why in zip(where.tolist(), whys, strict=True):
            found[spot] = _reason(name, why, opened.items)
    return [one for one in found if one is not None]


def _reason(name: str, why: Why, items: Ids) -> Reason:
    return Reason(name, _names(items, why.seeds), _rule(why.rule, items) if why.rule else None)


def _rule(rule: Rule, items: Ids) -> RuleReason:
    return RuleReason(_names(items, rule.antecedent), rule.support, rule.confidence, rule.lift)


def _names(items: Ids, rows: Sequence[int]) -> tuple[str, ...]:
    return tuple(items.name(row) for row in rows)


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
