"""Sources that fail while they are asked: the failure bears a source's name, and a mute one takes its place.

A fitted source does not raise; one that does all the same has met a defect, or data that nobody foresaw.
Probes and trainings should hear of it. A shopper should get the list that the other sources make.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from numpy import int64
from numpy.typing import NDArray

from vitrina.errors import SourceFailed
from vitrina.ids import Rows
from vitrina.strategy import Allow, Candidates, Query, Source, Whys

RANKER = "ranker"
"""What the learned second stage is called where it fails."""


@dataclass(frozen=True)
class Named:
    """A source whose failures bear its name."""

    name: str
    source: Source

    def top(self, query: Query, k: int, allow: Allow) -> Candidates:
        """As the source does. Raises SourceFailed."""
        try:
            return self.source.top(query, k, allow)
        except Exception as fault:
            raise SourceFailed(self.name, fault) from fault

    def why(self, query: Query, ends: NDArray[int64], rows: Rows) -> Whys:
        """As the source does. Raises SourceFailed."""
        try:
            return self.source.why(query, ends, rows)
        except Exception as fault:
            raise SourceFailed(self.name, fault) from fault


class Mute:
    """Stands for a source that fails: has nothing to say."""

    def top(self, query: Query, k: int, allow: Allow) -> Candidates:
        """Nothing, for everybody."""
        return Candidates.none(len(query))

    def why(self, query: Query, ends: NDArray[int64], rows: Rows) -> Whys:
        """No reason."""
        return Whys.nothing(len(rows))


def named(sources: Mapping[str, Source]) -> dict[str, Source]:
    """The same sources, whose failures say whose they are."""
    return {name: Named(name, one) for name, one in sources.items()}
