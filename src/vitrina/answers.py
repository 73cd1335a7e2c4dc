"""Rows back to words: listed items with their sources and reasons, products, traces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vitrina.catalog import PATH, Catalog
from vitrina.discretion import silenced
from vitrina.draft import Draft, Opened
from vitrina.filters import EVERYTHING
from vitrina.grounds import Grounds
from vitrina.ids import UNKNOWN, Ids, Rows
from vitrina.kernels.fusion import by_source, finished
from vitrina.listing import Lists
from vitrina.request import ListedBlock, Product
from vitrina.strategy import Query, Whys

MAX_REGIONS = 100


def blocks(
    draft: Draft, opened: Opened, trace: Sequence[tuple[str, Draft]], *, reasons: bool, locale: str = ""
) -> list[ListedBlock]:
    """The finished block of every asker of a draft."""
    lists = listed(draft, opened, reasons)
    if locale and reasons and opened.grounds:
        lists = replace(lists, said=_said(opened.grounds, locale, draft, lists, opened))
    n, name = len(draft.askers), draft.block.placement
    missing = [_missing(draft, place) for place in range(n)] if draft.placement.needs else [()] * n
    chances = [_propensities(draft, place) for place in range(n)] if draft.chances is not None else [()] * n
    left = [_traced(trace, place, opened.items) for place in range(n)] if trace else [()] * n
    each = zip(range(n), draft.levels, draft.relaxed, left, draft.dropped, missing, chances, strict=True)
    return [
        ListedBlock(name, lists.of(place), level, relaxed, stages, dropped, lacking, chance)
        for place, level, relaxed, stages, dropped, lacking, chance in each
    ]


def _traced(
    trace: Sequence[tuple[str, Draft]], place: int, items: Ids
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What left each stage of one asker's list."""
    return tuple((name, _left(stage, place, items)) for name, stage in trace)


def _propensities(draft: Draft, place: int) -> tuple[float, ...]:
    """The chance of each item to be in the list."""
    assert draft.ranked is not None
    assert draft.chances is not None
    return tuple(draft.chances[place][draft.ranked.rows[place] >= 0].tolist())


def _missing(draft: Draft, place: int) -> tuple[str, ...]:
    """What the placement needs of this request and was not given."""
    asker, block = draft.askers[place], draft.block
    given = {
        "context": len(asker.context) > 0,
        "customer": len(asker.doings.rows) > 0,
        "candidates": len(block.candidate_item_ids) > 0,
        "filter": block.filter is not EVERYTHING and block.filter != EVERYTHING,
    }
    return tuple(one for one in draft.placement.needs if not given[one])


def listed(draft: Draft, opened: Opened, reasons: bool) -> Lists:
    """The items of all askers; without `reasons`, of each reason its source and nothing else."""
    assert draft.ranked is not None
    ranked, names, numbers = draft.ranked, *_numbered(draft.names)
    ends, rows, scores, sources, leads = finished(ranked.rows, ranked.scores, ranked.shares, numbers)
    seeds, figures = _reasons(draft, ends, rows, leads, opened) if reasons else _bare(len(rows))
    return Lists(opened.items, names, ends, rows, scores, sources, numbers[leads], seeds, figures)


def _said(grounds: Grounds, locale: str, draft: Draft, lists: Lists, opened: Opened) -> list[str]:
    """The sentence of every item's reason, in a locale."""
    said: list[str] = []
    hidden = opened.rules.below(draft.placement.sensitive)
    for place, asker in enumerate(draft.askers):
        one = lists.of(place)
        quiet = hidden[lists.rows[one.span]].tolist()
        leads = ["" if still else lead for lead, still in zip(one.leads, quiet, strict=True)]
        told = (lists.rows[one.span], lists.seeds[one.span], lists.figures[one.span])
        said += grounds.sentences(locale, asker, draft.now, leads, *told)
    return said


@lru_cache(maxsize=256)
def _numbered(columns: tuple[str, ...]) -> tuple[tuple[str, ...], Rows]:
    """The names of some columns, each once, and the number of each column's name among them: int32."""
    names = tuple(dict.fromkeys(columns)) or ("",)
    return names, np.array([names.index(one) for one in columns] or [0], np.int32)


def _bare(m: int) -> tuple[Rows, NDArray[np.float64]]:
    return np.zeros((m, 0), np.int32), np.zeros((m, 3))


def _reasons(
    draft: Draft, ends: NDArray[np.int64], rows: Rows, leads: Rows, opened: Opened
) -> tuple[Rows, NDArray[np.float64]]:
    """Seeds and figures of each row's reason, from the source that gave it most; each is asked once."""
    seeds, figures = np.full((len(rows), Whys.SEEDS), UNKNOWN, np.int32), np.zeros((len(rows), 3))
    names = draft.names
    places, spans = by_source(leads, ends, len(names))
    in_turn = rows[places]
    for column, span in enumerate(spans):
        low, high = span[0], span[-1]
        if low == high:
            continue
        found = opened.sources[names[column]].why(_query(draft, column), span - low, in_turn[low:high])
        if found.seeds.shape[1]:
            seeds[places[low:high], : found.seeds.shape[1]] = found.seeds
        if found.figures is not None:
            figures[places[low:high]] = found.figures
    if hidden := draft.placement.sensitive:
        return silenced(opened.rules.below(hidden), rows, seeds, figures)
    return seeds, figures


def _query(draft: Draft, column: int) -> Query:
    """What the source of a column was asked; a fallback, about all that askers did."""
    kind = draft.mixes[column].seeds if column < len(draft.mixes) else "history"
    return draft.start(kind)


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
        url=catalog.url[row],
        in_stock=bool(catalog.in_stock[row]),
        regions=catalog.regions.texts(row)[:MAX_REGIONS],
        tags=catalog.tags.texts(row),
        attributes={name: text for name, one in catalog.attributes.items() if (text := one.text(row))},
    )


def _number(value: np.float32) -> float:
    return 0.0 if np.isnan(value) else round(float(value), 2)
