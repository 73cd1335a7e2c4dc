"""What is known of items, as columns, and how those columns lie in a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vitrina.ids import UNKNOWN, Ids, Rows, Texts

PATH = "\x1f"
"""Joins the steps of a category path; below every printable sign, so a subtree is one slice."""

Columns = Mapping[str, NDArray[np.generic]]
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

    def text(self, row: int) -> str:
        """The value of one row, empty where it is not given."""
        code = int(self.codes[row])
        return self.values.names(np.array([code], np.int32))[0] if code >= 0 else ""


@dataclass(frozen=True)
class Catalog:
    """What is known of each item; every array has one entry an item row.

    `product`: int32, shared by the variants of one product. `category`: codes of paths joined by
    PATH. `price`, `old_price`, `margin`: float32, NaN unknown. `available_from`,
    `available_until`: int64 seconds. `attributes`: brand, size, color and whatever else came.
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
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.product)

    @classmethod
    def bare(cls, n_items: int) -> Catalog:
        """A catalogue of which nothing is known: every item in stock, always, its own product."""
        unknown = np.full(n_items, np.nan, np.float32)
        empty = Texts.of([""] * n_items)
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
        )

    def departments(self) -> tuple[Rows, tuple[str, ...]]:
        """int32 per item: which department, the first step of its category's path; UNKNOWN (-1) where it
        has none. And their names."""
        paths = self.category.values
        tops = [path.split(PATH)[0] for path in paths.names(np.arange(len(paths), dtype=np.int32))]
        numbers = {top: number for number, top in enumerate(dict.fromkeys(tops))}
        of_path = np.array([*(numbers[top] for top in tops), UNKNOWN], np.int32)
        return of_path[self.category.codes], tuple(numbers)

    def subtree(self, path: str) -> tuple[int, int]:
        """The half-open range of category codes at or below `path` ('a > b')."""
        stem = PATH.join(step.strip() for step in path.split(">")).encode()
        paths = self.category.values.sorted
        if not stem or len(stem) >= paths.dtype.itemsize + 1:
            return (0, 0)
        low = int(np.searchsorted(paths, np.bytes_(stem)))
        wide = paths.astype(f"S{paths.dtype.itemsize + 1}")
        return low, int(np.searchsorted(wide, np.bytes_(stem + b" ")))

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """The catalogue as named arrays, for a bundle; `of_columns` reads them back."""
        named: dict[str, NDArray[np.generic]] = {name: getattr(self, name) for name in _PLAIN}
        for name, texts in (("title", self.title), ("image", self.image)):
            named |= {f"{name}/offsets": texts.offsets, f"{name}/blob": texts.blob}
        for name, attribute in {"category": self.category, **self._prefixed()}.items():
            named |= attribute.columns(name)
        return named

    def _prefixed(self) -> dict[str, Attribute]:
        return {f"attributes/{name}": attribute for name, attribute in self.attributes.items()}

    @classmethod
    def of_columns(cls, named: Columns) -> Catalog:
        """The catalogue whose `columns` these are."""
        names = sorted({key.split("/")[1] for key in named if key.startswith("attributes/")})
        return cls(
            **{name: named[name] for name in _PLAIN},  # type: ignore[arg-type]  # each has its own dtype
            category=Attribute.of_columns(named, "category"),
            title=Texts(named["title/offsets"], named["title/blob"]),  # type: ignore[arg-type]
            image=Texts(named["image/offsets"], named["image/blob"]),  # type: ignore[arg-type]
            attributes={name: Attribute.of_columns(named, f"attributes/{name}") for name in names},
        )
