"""String ids and the rows that stand for them.

Inside Vitrina a user, an item or a product is a row: an int32 position in a sorted array of ids.
Strings exist at the edges only. The arrays are plain bytes, so a bundle maps them from disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from vitrina.kernels.searching import places

MAX_ID_BYTES = 256
UNKNOWN = -1

Rows = NDArray[np.int32]


def encode(text: str) -> bytes:
    """The stored form of an id: UTF-8, or empty where no stored id could equal it.

    An over-long needle makes numpy widen and copy the whole haystack, and numpy strips trailing
    NULs; both are refused here, before any search.
    """
    data = text.encode("utf-8", "surrogatepass")
    return data if len(data) <= MAX_ID_BYTES and b"\0" not in data else b""


def joined(*some: Rows) -> Rows:
    """int32: rows one behind the other; what is not empty is copied only where there is more than one."""
    full = [one for one in some if len(one)]
    if len(full) > 1:
        return np.concatenate(full)
    return full[0] if full else np.zeros(0, np.int32)


@dataclass(frozen=True)
class Ids:
    """Sorted unique ids; an id's position is its row.

    `sorted`: array of fixed-width bytes (dtype S), ascending.
    """

    sorted: NDArray[np.bytes_]

    @classmethod
    def of(cls, ids: Iterable[str]) -> Ids:
        """Collect ids from strings; duplicates and ids that cannot be stored are dropped."""
        unique = sorted({encode(one) for one in ids} - {b""})
        return cls(np.array(unique, dtype=f"S{max(map(len, unique), default=1)}"))

    def __len__(self) -> int:
        return len(self.sorted)

    @cached_property
    def letters(self) -> NDArray[np.uint8]:
        """uint8[n, width]: the bytes of each id, padded with NUL; the same memory."""
        width = self.sorted.dtype.itemsize
        return np.ascontiguousarray(self.sorted).view(np.uint8).reshape(len(self.sorted), width)

    def rows(self, ids: Sequence[str]) -> Rows:
        """int32[len(ids)]: the row of each id, UNKNOWN (-1) where there is none."""
        needles = [encode(one) for one in ids]
        ends = np.array([0, *accumulate(map(len, needles))], np.int64)
        found: Rows = places(self.letters, ends, np.frombuffer(b"".join(needles), np.uint8))
        return found

    def row(self, one: str) -> int:
        """The row of one id, UNKNOWN (-1) where there is none."""
        return int(self.rows((one,))[0])

    def name(self, row: int) -> str:
        """The id of one row."""
        return bytes(self.sorted[row]).decode("utf-8", "surrogatepass")

    def names(self, rows: Rows) -> list[str]:
        """The ids of these rows."""
        return [one.decode("utf-8", "surrogatepass") for one in self.sorted[rows].tolist()]


@dataclass(frozen=True)
class GrownIds(Ids):
    """Ids with later ones behind the `first`, which alone are sorted. `later`: id to row."""

    first: Ids
    later: Mapping[str, int]

    @classmethod
    def after(cls, ids: Ids, more: Sequence[str]) -> GrownIds:
        """`ids`, and behind them some that are not among them, each once, in this order."""
        first, later = (ids.first, ids.later) if isinstance(ids, GrownIds) else (ids, {})
        encoded = [encode(one) for one in more]
        width = max(ids.sorted.dtype.itemsize, *map(len, encoded))
        every = np.concatenate([ids.sorted.astype(f"S{width}"), np.array(encoded, f"S{width}")])
        return cls(every, first, {**later, **{one: len(ids) + n for n, one in enumerate(more)}})

    def rows(self, ids: Sequence[str]) -> Rows:
        """As `Ids.rows`."""
        found = self.first.rows(ids)
        for place in np.flatnonzero(found < 0).tolist():
            found[place] = self.later.get(ids[place], UNKNOWN)
        return found


@dataclass(frozen=True)
class Texts:
    """Any texts by row (titles, brands), as one blob and its offsets.

    `offsets`: int64[n + 1]; text i is `blob[offsets[i]:offsets[i + 1]]`, UTF-8.
    """

    offsets: NDArray[np.int64]
    blob: NDArray[np.uint8]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        """Store texts in order."""
        encoded = [one.encode("utf-8", "replace") for one in texts]
        offsets = np.zeros(len(encoded) + 1, np.int64)
        np.cumsum([len(one) for one in encoded], out=offsets[1:])
        return cls(offsets, np.frombuffer(b"".join(encoded), np.uint8))

    @classmethod
    def empty(cls, n: int) -> Texts:
        """n empty texts."""
        return cls(np.zeros(n + 1, np.int64), np.zeros(0, np.uint8))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> str:
        return self.blob[self.offsets[row] : self.offsets[row + 1]].tobytes().decode("utf-8", "replace")
