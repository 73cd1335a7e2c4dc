"""A source over learned lists of items: those of the asker's seeds, weighed and added up.

Several strategies learn such lists, each in its own way; all answer alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import DAY, Dataset
from vitrina.ids import Rows
from vitrina.kernels.few import among
from vitrina.kernels.gather import Ragged, Scratch, gather, grounds, in_chunks
from vitrina.kernels.latest import EACH
from vitrina.parts import Parts
from vitrina.strategy import Allow, Candidates, Query, Whys


def seed_parts(
    dataset: Dataset, event_weights: Mapping[str, float], half_life_days: float, power: float = EACH
) -> Parts:
    """What is stored of seeds: `type_weights`, float32 by event type; `half_life`, float64[1] seconds, 0 for
    never, as in a shop without times; `seed_power`, float64[1].
    """
    half_life = half_life_days * DAY if dataset.timed else 0.0
    return {
        "type_weights": dataset.type_weights(event_weights),
        "half_life": np.array([half_life]),
        "seed_power": np.array([power]),
    }


def with_views(event_weights: Mapping[str, float]) -> Mapping[str, float]:
    """A shop that does not learn from views still shows lists to who only looks at a product."""
    return {"view": min(event_weights.values(), default=1.0), **event_weights}


class Neighbourhood:
    """Parts: a list of each item, `indptr` int64, `indices` int32, `scores` float32, which may be
    negative; `type_weights` float32, what a seed counts by its event type; `half_life` float64[1], seconds
    by which a seed older than the newest counts half, 0 for never; `seed_power` float64[1], the power to
    which it counts how many times an asker had one, missing from old bundles. `seeds`: latest items that
    count.
    """

    def __init__(self, parts: Parts, seeds: int) -> None:
        self._lists = tuple(np.asarray(parts[name]) for name in ("indptr", "indices", "scores"))
        self._rules: tuple[Any, ...] = (
            float(parts["half_life"][0]),
            parts["type_weights"],
            seeds,
            float(parts["seed_power"][0]) if len(parts.get("seed_power", ())) else EACH,
        )
        self._scratch = Scratch(len(self._lists[0]) - 1)

    def top(self, query: Query, k: int, allow: Allow) -> Candidates:
        """The k best allowed rows of each asker, by its seeds' lists; where few are allowed, theirs too."""
        seeds = (query.seeds.indptr, query.seeds.rows, query.seeds.types, query.seeds.times)
        way, admitted = (gather, allow.mask) if allow.few is None else (among, allow.few)
        asked: Any = (*seeds, *self._rules, *self._lists, admitted, allow.indptr, allow.rows, k)

        def answer(low: int, high: int) -> Ragged:
            found: Ragged = way(low, high, *asked, self._scratch.sums)
            return found

        return Candidates(*in_chunks(len(query), answer))

    def why(self, query: Query, ends: NDArray[np.int64], rows: Rows) -> Whys:
        """The one or two seeds whose lists gave each row most."""
        seeds = (query.seeds.indptr, query.seeds.rows, query.seeds.types, query.seeds.times)
        return Whys(grounds(*seeds, *self._rules, *self._lists, ends, rows, self._scratch.sums))
