"""What is known of items, as columns, and how those columns lie in a bundle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from vitrina.ids import UNKNOWN, Ids, Rows, Texts

PATH = "\x1f"
"""Joins the steps of a category path; below every printable sign, so a subtree is one slice."""

VEIL = "\x1e"
"""Begins a value that is stored as a hash of it: that does not say it, but who guesses it can check."""

Columns = Mapping[str, NDArray[np.generic]]
_LABELS = ("indptr", "words", "values")
_PLAIN = ("product", "price", "old_price", "margin", "in_stock", "available_from", "available_until")


@dataclass(frozen=True)
class Attribute:
    """One attribute of every row: `codes` int32 into `values`, UNKNOWN where it is not given."""

    codes: Rows
    values: Ids

    @classmethod
    def of(cls, texts: list[str]) -> Attribute:
        """Code texts; the empty text is 'not given'."""
        values = Ids.of(one for one in set(texts) if one)
        return cls(values.rows(texts), values)

    def columns(self, name: str) -> dict[str, NDArray[np.generic]]:
        """The attribute as two named arrays."""
        return {f"{name}/codes": self.codes, f"{name}/values": self.values.sorted}

    @classmethod
    def of_columns(cls, named: Columns, name: str) -> Attribute:
        """The attribute whose `columns` these are."""
        return cls(named[f"{name}/codes"], Ids(named[f"{name}/values"]))  # type: ignore[arg-type]

    def veiled(self, words: Ids) -> Attribute:
        """The attribute, with values veiled that are none of these words."""
        known = dict(zip(self.names, np.isin(self.values.sorted, words.sorted).tolist(), strict=True))
        return self.mapped(lambda one: one if known[one] else veil(one))

    def mapped(self, spell: Callable[[str], str]) -> Attribute:
        """The attribute with each value spelled so; where that is nothing it is not given."""
        names = [spell(one) for one in self.names]
        values = Ids.of(one for one in names if one)
        codes = np.append(values.rows(names), np.int32(UNKNOWN))[self.codes]
        return Attribute(codes, values)

    def unveiled(self, text: str) -> str:
        """The value of this attribute that a text stands for, if it is veiled; else itself."""
        return self._veils.get(text, text) if text.startswith(VEIL) else text

    @property
    def names(self) -> list[str]:
        """All values, by their codes."""
        return self.values.names(np.arange(len(self.values), dtype=np.int32))

    @cached_property
    def _veils(self) -> dict[str, str]:
        return {veil(one): one for one in self.names}

    def text(self, row: int) -> str:
        """The value of one row, empty where it is not given."""
        code = int(self.codes[row])
        return self.values.names(np.array([code], np.int32))[0] if code >= 0 else ""


def veil(value: str) -> str:
    """A value as it is stored of a customer where no item had it in training: 64 bits of its hash."""
    return VEIL + sha256(value.encode()).hexdigest()[:16]


def path_of(text: str) -> str:
    """A category as people write it ('a > b') as the catalogue has it."""
    return PATH.join(step.strip() for step in text.split(">") if step.strip())


def first_step(path: str) -> str:
    """The department of a category, as the catalogue has it."""
    return path.split(PATH)[0]


@dataclass(frozen=True)
class Labels:
    """Several words of every row, such as tags: row i has `words[indptr[i]:indptr[i + 1]]`.

    `indptr`: int64[n + 1]; `words`: int32 into `values`.
    """

    indptr: NDArray[np.int64]
    words: Rows
    values: Ids

    @classmethod
    def of(cls, rows: Sequence[Sequence[str]]) -> Labels:
        """Code the words of each row; the empty word is none."""
        kept = [[word for word in dict.fromkeys(row) if word] for row in rows]
        values = Ids.of(word for row in kept for word in row)
        indptr = np.array([0, *accumulate(map(len, kept))], np.int64)
        return cls(indptr, values.rows([word for row in kept for word in row]), values)

    @classmethod
    def none(cls, n: int) -> Labels:
        """No word for any of n rows."""
        return cls(np.zeros(n + 1, np.int64), np.zeros(0, np.int32), Ids.of([]))

    def having(self, words: Sequence[str]) -> NDArray[np.bool_]:
        """bool per row: whether it has any of these words."""
        wanted = np.zeros(len(self.values) + 1, np.bool_)
        wanted[self.values.rows(words)] = True  # an unknown word marks the last, which no row has
        found = np.zeros(len(self.indptr) - 1, np.bool_)
        if len(self.words):
            owner = np.repeat(np.arange(len(found)), np.diff(self.indptr))
            found[owner[wanted[:-1][self.words]]] = True
        return found

    def given(self) -> NDArray[np.bool_]:
        """bool per row: whether it has any word at all."""
        return self.indptr[1:] > self.indptr[:-1]

    def texts(self, row: int) -> tuple[str, ...]:
        """The words of one row."""
        return tuple(self.values.names(self.words[self.indptr[row] : self.indptr[row + 1]]))

    def columns(self, name: str) -> dict[str, NDArray[np.generic]]:
        """The labels as three named arrays."""
        columns: tuple[NDArray[np.generic], ...] = (self.indptr, self.words, self.values.sorted)
        return {f"{name}/{one}": column for one, column in zip(_LABELS, columns, strict=True)}

    @classmethod
    def of_columns(cls, named: Columns, name: str, n: int) -> Labels:
        """The labels whose `columns` these are; none for the n rows of a bundle that is older than they."""
        if f"{name}/indptr" not in named:
            return cls.none(n)
        return cls(named[f"{name}/indptr"], named[f"{name}/words"], Ids(named[f"{name}/values"]))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Catalog:
    """What is known of each item; every array has one entry an item row.

    `product`: int32, shared by the variants of one product. `category`: codes of paths joined by
    PATH. `price`, `old_price`, `margin`: float32, NaN unknown. `available_from`,
    `available_until`: int64 seconds. `regions`: where it is in stock, no word for wherever `in_stock` says.
    `tags`: the shop's own words. `attributes`: brand, size, color and whatever else came.
    """

    product: Rows
    category: Attribute
    price: NDArray[np.float32]
    old_price: NDArray[np.float32]
    margin: NDArray[np.float32]
    in_stock: NDArray[np.bool_]
    available_from: NDArray[np.int64]
    available_until: NDArray[np.int64]
    title: Texts
    image: Texts
    url: Texts
    tags: Labels
    regions: Labels
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.product)

    @classmethod
    def bare(cls, n_items: int) -> Catalog:
        """A catalogue of which nothing is known: every item in stock, always, its own product."""
        unknown = np.full(n_items, np.nan, np.float32)
        empty, none = Texts.empty(n_items), Labels.none(n_items)
        return cls(
            product=np.arange(n_items, dtype=np.int32),
            category=Attribute(np.full(n_items, UNKNOWN, np.int32), Ids.of([])),
            price=unknown,
            old_price=unknown,
            margin=unknown,
            in_stock=np.ones(n_items, np.bool_),
            available_from=np.full(n_items, np.iinfo(np.int64).min),
            available_until=np.full(n_items, np.iinfo(np.int64).max),
            title=empty,
            image=empty,
            url=empty,
            tags=none,
            regions=none,
        )

    def department(self) -> Attribute:
        """Which department, the first step of its category's path, each item is of."""
        return self.category.mapped(first_step)

    def subtree(self, path: str) -> tuple[int, int]:
        """The half-open range of category codes at or below `path` ('a > b')."""
        stem = path_of(path).encode()
        paths = self.category.values.sorted
        if not stem or len(stem) >= paths.dtype.itemsize + 1:
            return (0, 0)
        low = int(np.searchsorted(paths, np.bytes_(stem)))
        wide = paths.astype(f"S{paths.dtype.itemsize + 1}")
        return low, int(np.searchsorted(wide, np.bytes_(stem + b" ")))

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """The catalogue as named arrays, for a bundle; `of_columns` reads them back."""
        named: dict[str, NDArray[np.generic]] = {name: getattr(self, name) for name in _PLAIN}
        for name, texts in (("title", self.title), ("image", self.image), ("url", self.url)):
            named |= {f"{name}/offsets": texts.offsets, f"{name}/blob": texts.blob}
        named |= {**self.tags.columns("tags"), **self.regions.columns("regions")}
        for name, attribute in {"category": self.category, **self._prefixed()}.items():
            named |= attribute.columns(name)
        return named

    def _prefixed(self) -> dict[str, Attribute]:
        return {f"attributes/{name}": attribute for name, attribute in self.attributes.items()}

    @classmethod
    def of_columns(cls, named: Columns) -> Catalog:
        """The catalogue whose `columns` these are."""
        names = sorted({key.split("/")[1] for key in named if key.startswith("attributes/")})
        n_items = len(named["product"])
        return cls(
            **{name: named[name] for name in _PLAIN},  # type: ignore[arg-type]  # each has its own dtype
            category=Attribute.of_columns(named, "category"),
            title=Texts(named["title/offsets"], named["title/blob"]),  # type: ignore[arg-type]
            image=Texts(named["image/offsets"], named["image/blob"]),  # type: ignore[arg-type]
            url=_texts(named, "url", n_items),
            tags=Labels.of_columns(named, "tags", n_items),
            regions=Labels.of_columns(named, "regions", n_items),
            attributes={name: Attribute.of_columns(named, f"attributes/{name}") for name in names},
        )


def _texts(named: Columns, name: str, n: int) -> Texts:
    """Texts of a bundle; n empty ones where it is older than they."""
    if f"{name}/offsets" not in named:
        return Texts.empty(n)
    return Texts(named[f"{name}/offsets"], named[f"{name}/blob"])  # type: ignore[arg-type]
