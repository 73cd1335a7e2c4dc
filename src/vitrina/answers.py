"""Rows back to words: listed items with their sources and reasons, products, traces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise

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
    soft = draft.placement.soft
    return [
        ListedBlock(
            placement=draft.block.placement,
            items=items,
            fallback_level=draft.levels[place],
            relaxed=soft[len(soft) - draft.relaxed[place] :][::-1],
            trace=tuple((name, _left(stage, place, opened.items)) for name, stage in trace),
        )
        for place, items in enumerate(_items(draft, opened, reasons))
    ]


def _items(draft: Draft, opened: Opened, reasons: bool) -> list[tuple[ListedItem, ...]]:
    """The items of every asker. Arrays become lists once for the whole batch, not once an asker."""
    assert draft.ranked is not None
    shown = draft.ranked.rows >= 0
    rows, shares = draft.ranked.rows[shown], draft.ranked.shares[shown]
    order = np.argsort(-shares, axis=1, kind="stable")
    ends = [0, *accumulate(shown.sum(axis=1).tolist())]
    spans = [slice(*span) for span in pairwise(ends)]
    ranks = list(map(tuple, order.tolist()))
    counts = np.count_nonzero(shares, axis=1).tolist()
    sources = _Sources(draft.names)
    why = _reasons(draft, rows, order[:, 0], spans, opened) if reasons else _bare(draft.names, ranks)
    listed = [
        ListedItem(item_id, score, sources[order_[:count]], reason)
        for item_id, score, order_, count, reason in zip(
            opened.items.names(rows), draft.ranked.scores[shown].tolist(), ranks, counts, why, strict=True
        )
    ]
    return [tuple(listed[span]) for span in spans]


class _Sources(dict[tuple[int, ...], tuple[str, ...]]):
    """Names of sources by their numbers, each once, strongest first; few combinations ever occur."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    def __missing__(self, numbers: tuple[int, ...]) -> tuple[str, ...]:
        found = self[numbers] = tuple(dict.fromkeys(self.names[one] for one in numbers))
        return found


def _bare(names: tuple[str, ...], ranks: Sequence[tuple[int, ...]]) -> list[Reason]:
    """Reasons that say the strongest source and nothing else."""
    plain = [Reason(name) for name in names]
    return [plain[one[0]] for one in ranks]


def _reasons(
    draft: Draft, rows: Rows, strongest: NDArray[np.intp], spans: Sequence[slice], opened: Opened
) -> list[Reason]:
    """Each row's reason, from the source that gave it most."""
    found: list[tuple[str, Why]] = [("", Why())] * len(rows)
    for place, span in enumerate(spans):
        own, leading = rows[span], strongest[span]
        for column in set(leading.tolist()):
            name, where = draft.names[column], np.flatnonzero(leading == column)
            whys = opened.sources[name].why(_query(draft, place, column), own[where])
            for spot, why in zip(where.tolist(), whys, strict=True):
                found[span.start + spot] = (name, why)
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
