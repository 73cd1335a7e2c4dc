"""Sources beside items that came since training: those that can take them up do; the others are asked about
the items that they know.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrina.errors import DataError
from vitrina.ids import Rows
from vitrina.renewal import CatalogView
from vitrina.strategy import Allow, Candidates, Extendable, Query, Seeds, Source, Whys
from vitrina.updates import VECTOR


@dataclass(frozen=True)
class Trained:
    """A source that knows the first `n_items` items, whatever others there are."""

    source: Source
    n_items: int

    def top(self, query: Query, k: int, allow: Allow) -> Candidates:
        """As `Source.top`: later items are neither seeds nor answers."""
        indptr, rows = _below(allow.indptr, allow.rows, self.n_items)
        few = None if allow.few is None else allow.few[allow.few < self.n_items]
        return self.source.top(self._query(query), k, Allow(allow.mask[: self.n_items], indptr, rows, few))

    def why(self, query: Query, ends: NDArray[np.int64], rows: Rows) -> Whys:
        """As `Source.why`."""
        return self.source.why(self._query(query), ends, rows)

    def _query(self, query: Query) -> Query:
        seeds = query.seeds
        keep = seeds.rows < self.n_items
        if keep.all():
            return query
        kept = np.concatenate([[0], np.cumsum(keep)])[seeds.indptr].astype(np.int64)
        known = Seeds(kept, seeds.rows[keep], seeds.types[keep], seeds.times[keep])
        return Query(query.now, query.users, query.regions, known)


def _below(indptr: NDArray[np.int64], rows: Rows, n_items: int) -> tuple[NDArray[np.int64], Rows]:
    """Ragged rows without those from `n_items` on."""
    keep = rows < n_items
    if keep.all():
        return indptr, rows
    return np.concatenate([[0], np.cumsum(keep)])[indptr].astype(np.int64), rows[keep]


def grown(sources: Mapping[str, Source], view: CatalogView) -> dict[str, Source]:
    """The sources of a bundle over a view of its catalogue, by name."""
    if len(view.items) == view.trained:
        return dict(sources)
    vectors = photo_vectors(view)
    return {name: _grown(one, view, vectors) for name, one in sources.items()}


def _grown(source: Source, view: CatalogView, vectors: NDArray[np.float32] | None) -> Source:
    if not isinstance(source, Extendable):
        return Trained(source, view.trained)
    try:
        return source.extended(view.catalog, vectors)
    except DataError:  # photos that another network read: words are all that is known of these
        return source.extended(view.catalog, None)


def photo_vectors(view: CatalogView) -> NDArray[np.float32] | None:
    """float32[items, d]: the photo vectors that were sent for items that came since; None where none was.

    Zeros where there is none, and where one is of another length than most.
    """
    names = view.items.names(np.arange(view.trained, len(view.items), dtype=np.int32))
    texts = [view.said.get(one, {}).get(VECTOR) for one in names]
    sent = [np.frombuffer(base64.b64decode(str(one)), "<f4") if one else np.zeros(0, "<f4") for one in texts]
    lengths = [len(one) for one in sent if len(one)]
    if not lengths:
        return None
    width = max(set(lengths), key=lengths.count)
    out = np.zeros((len(view.items), width), np.float32)
    for at, one in enumerate(sent):
        if len(one) == width:
            out[view.trained + at] = one
    return out
