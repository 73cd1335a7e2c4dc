"""Columns of a catalogue with other values at some rows, or with more rows: what is not touched is shared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from vitrina.catalog import Attribute, Catalog, Labels
from vitrina.ids import UNKNOWN, Ids, Rows, Texts

T = TypeVar("T", bound=np.generic)
TEXTS = ("title", "image", "url")
NUMBERS = ("price", "old_price", "margin")
MOMENTS = ("available_from", "available_until")
PLAIN = (*NUMBERS, *MOMENTS, "in_stock")


def grown(catalog: Catalog, n: int) -> Catalog:
    """The catalogue with n more items of which nothing is known, each its own product."""
    more = Catalog.bare(n)
    products = more.product + catalog.product.max(initial=-1) + 1
    columns: dict[str, Any] = {"product": np.append(catalog.product, products).astype(np.int32)}
    for name in PLAIN:
        columns[name] = np.append(getattr(catalog, name), getattr(more, name))
    for name in TEXTS:
        texts: Texts = getattr(catalog, name)
        columns[name] = replace(texts, offsets=_longer(texts.offsets, n))
    for name in ("tags", "regions"):
        labels: Labels = getattr(catalog, name)
        columns[name] = replace(labels, indptr=_longer(labels.indptr, n))
    attributes = {name: _unsaid(one, n) for name, one in catalog.attributes.items()}
    return Catalog(**columns, category=_unsaid(catalog.category, n), attributes=attributes)


def _longer(ends: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    return np.append(ends, np.full(n, ends[-1]))


def _unsaid(attribute: Attribute, n: int) -> Attribute:
    return replace(attribute, codes=np.append(attribute.codes, np.full(n, UNKNOWN, np.int32)))


def recoded(attribute: Attribute, rows: Rows, texts: Sequence[str]) -> Attribute:
    """The attribute with other texts at some rows; '' is 'not given'."""
    fresh, old = Ids.of(one for one in set(texts) if one), attribute.values
    values, codes = old, np.array(attribute.codes)
    if (old.rows(fresh.names(np.arange(len(fresh), dtype=np.int32))) < 0).any():
        width = max(old.sorted.dtype.itemsize, fresh.sorted.dtype.itemsize)
        values = Ids(np.union1d(old.sorted.astype(f"S{width}"), fresh.sorted.astype(f"S{width}")))
        places = np.append(np.searchsorted(values.sorted, old.sorted.astype(f"S{width}")), UNKNOWN)
        codes = places[codes].astype(np.int32)
    codes[rows] = values.rows(texts)
    return Attribute(codes, values)


def relabelled(labels: Labels, rows: Rows, words: Sequence[Sequence[str]]) -> Labels:
    """The labels with other words at some rows, ascending."""
    plain = Attribute(np.asarray(labels.words), labels.values)
    flat = [word for one in words for word in one]
    n = len(plain.codes)
    coded = recoded(
        Attribute(np.append(plain.codes, np.full(len(flat), UNKNOWN, np.int32)), plain.values),
        np.arange(n, n + len(flat), dtype=np.int32),
        flat,
    )
    ends = np.cumsum([0, *map(len, words)]).astype(np.int64)
    indptr, kept = spliced(labels.indptr, coded.codes[:n], rows, ends, coded.codes[n:])
    return Labels(indptr, kept, coded.values)


def spliced(
    ends: NDArray[np.int64], values: NDArray[T], rows: Rows, new_ends: NDArray[np.int64], fresh: NDArray[T]
) -> tuple[NDArray[np.int64], NDArray[T]]:
    """Ragged rows `values[ends[i]:ends[i + 1]]`, others at some rows, ascending: the ends and values."""
    lengths = np.diff(ends)
    lengths[rows] = np.diff(new_ends)
    pieces, behind = [values[:0]], 0
    for n, row in enumerate(rows.tolist()):
        pieces += [values[ends[behind] : ends[row]], fresh[new_ends[n] : new_ends[n + 1]]]
        behind = row + 1
    pieces.append(values[ends[behind] :])
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), np.concatenate(pieces)


def taken(catalog: Catalog, order: Rows) -> Catalog:
    """The items of a catalogue in another order: the i-th is the old `order[i]`-th."""
    columns: dict[str, Any] = {name: getattr(catalog, name)[order] for name in ("product", *PLAIN)}
    for name in TEXTS:
        texts: Texts = getattr(catalog, name)
        columns[name] = Texts(*_picked(texts.offsets, texts.blob, order))
    for name in ("tags", "regions"):
        labels: Labels = getattr(catalog, name)
        columns[name] = Labels(*_picked(labels.indptr, labels.words, order), labels.values)
    attributes = {name: replace(one, codes=one.codes[order]) for name, one in catalog.attributes.items()}
    category = replace(catalog.category, codes=catalog.category.codes[order])
    return Catalog(**columns, category=category, attributes=attributes)


def _picked(ends: NDArray[np.int64], values: NDArray[T], order: Rows) -> tuple[NDArray[np.int64], NDArray[T]]:
    """Ragged rows in another order."""
    lengths = np.diff(ends)[order]
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    places = np.arange(starts[-1]) + np.repeat(ends[:-1][order] - starts[:-1], lengths)
    return starts, values[places]
