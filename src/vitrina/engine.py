"""The engine: a bundle opened with its placements. Pure: its only inputs are requests and a Live.

A block of a batch of requests is folded through the stages of `stages.py`; `explain` is the same
fold keeping what left each stage. Blocks of one request are answered in order, so that no product
stands twice on a page. After `open` the engine reads no clock, environment, network, disk or store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vitrina import answers, bundle, strategies
from vitrina.askers import NOTHING, Asker, Askers
from vitrina.catalog import Catalog
from vitrina.dataset import Attribute
from vitrina.errors import InvalidRequest
from vitrina.history import History
from vitrina.ids import Ids, Rows
from vitrina.live import Live
from vitrina.placements import Mix, Placement, Placements, parse_placements, read_placements
from vitrina.ranker import Ranker
from vitrina.request import Block, ListedBlock, Product, Request, Response
from vitrina.rules import Rules
from vitrina.stages import STAGES, Draft, Opened, admit, retrieve
from vitrina.strategy import Allow, Source

MAX_CANDIDATES = 1000
_REPEATS = 0.05
"""Share of purchases that repeat an earlier one, from which on a shop's customers 'buy again'."""


class Engine:
    """Answers batches of requests; immutable, so a server swaps it by one assignment."""

    def __init__(self, opened: bundle.Bundle, placements: Placements, sources: Mapping[str, Source]) -> None:
        parts = opened.under("catalog")
        self.manifest = opened.manifest
        self.placements = _as_shop(placements, float(opened.manifest.dataset["repeat_share"]))
        self.sources = sources
        self._fitted = _fitted(self.placements, sources)
        self.items = Ids(opened.parts["ids/items"])  # type: ignore[arg-type]
        self.catalog = Catalog.of_columns(parts)  # type: ignore[arg-type]
        regions = opened.under("people/region")
        self.askers = Askers(
            users=Ids(opened.parts["ids/users"]),  # type: ignore[arg-type]
            items=self.items,
            history=History.of_columns(opened.under("history")),  # type: ignore[arg-type]
            types=tuple(opened.manifest.types),
            regions=Attribute(regions["codes"], Ids(regions["values"])) if regions else None,  # type: ignore[arg-type]
        )
        due = parts["due_days"]
        timed = bool(self.manifest.dataset["timed"])
        rules = Rules(self.catalog, self.items, due, timed=timed)  # type: ignore[arg-type]
        ranker = Ranker.open(opened.under("ranker"), parts)
        self.opened = Opened(self.items, rules, sources, ranker)

    @classmethod
    def open(cls, path: Path, placements: Path | None = None) -> Engine:
        """Open a stored bundle, with its own copy of the placements or with a file's.

        Raises BundleError, and PlacementsError for the file's.
        """
        chosen = read_placements(placements) if placements else None
        return cls.of(bundle.read(path), chosen)

    @classmethod
    def of(cls, opened: bundle.Bundle, placements: Placements | None = None) -> Engine:
        """An engine over an opened or just fitted bundle. Raises as `open` does."""
        with bundle.as_corrupt(opened.manifest.version):
            chosen = placements or parse_placements(opened.manifest.placements, "the bundle's placements")
            sources = {
                name: strategies.make(str(one["is"]), one["params"]).open(opened.under(name))
                for name, one in opened.manifest.strategies.items()
            }
            return cls(opened, chosen, sources)

    def with_placements(self, placements: Placements) -> Engine:
        """The same bundle under other placements; nothing is opened again."""
        other = object.__new__(Engine)
        chosen = _as_shop(placements, float(self.manifest.dataset["repeat_share"]))
        other.__dict__.update(self.__dict__, placements=chosen, _fitted=_fitted(chosen, self.sources))
        return other

    @property
    def version(self) -> str:
        """The bundle's version; empty when it was never stored."""
        return self.manifest.version

    @property
    def created(self) -> int:
        """When the bundle was trained, in seconds since 1970 UTC."""
        return self.manifest.created

    @property
    def last_event(self) -> int:
        """The time of the last event it learned from, in seconds since 1970 UTC."""
        return int(self.manifest.dataset["last_event"])

    @property
    def moment(self) -> int:
        """The time it was trained for: of its last event, or, where there was none, of its training."""
        return self.last_event or self.created

    @property
    def n_items(self) -> int:
        """Items known."""
        return len(self.items)

    @property
    def n_users(self) -> int:
        """Customers known."""
        return len(self.askers.users)

    def product(self, item_id: str) -> Product | None:
        """What the catalogue says of an item; None where it is unknown."""
        row = self.items.row(item_id)
        return answers.product(self.catalog, item_id, row) if row >= 0 else None

    def recommend(self, requests: Sequence[Request], live: Live) -> list[Response]:
        """Answer a batch, in order; each request exactly as if it had come alone.

        Raises InvalidRequest and UnknownPlacement.
        """
        askers = [self.askers.of(one, live.now) for one in requests]
        shown: list[list[Rows]] = [[] for _ in requests]
        blocks: list[list[ListedBlock]] = [[] for _ in requests]
        for depth in range(max((len(one.blocks) for one in requests), default=0)):
            for (block, explain, reasons), members in _alike(requests, depth).items():
                taken = tuple(_taken(askers[one], shown[one]) for one in members)
                draft = self._draft(block, tuple(askers[one] for one in members), taken, live.now)
                draft, trace = self._run(draft, explain)
                listed = answers.blocks(draft, self.opened, trace, reasons=reasons)
                for place, one in enumerate(members):
                    assert draft.ranked is not None
                    shown[one].append(draft.ranked.rows[place][draft.ranked.rows[place] >= 0])
                    blocks[one].append(listed[place])
        return [self._response(askers[one], blocks[one]) for one in range(len(requests))]

    def retrieved(self, block: Block, requests: Sequence[Request], live: Live) -> Draft:
        """What a block's sources propose to a batch under its hard rules, not yet blended."""
        askers = tuple(self.askers.of(one, live.now) for one in requests)
        draft = self._draft(block, askers, tuple(_taken(one, []) for one in askers), live.now)
        return retrieve(self.opened, admit(self.opened, draft))

    def _response(self, asker: Asker, blocks: list[ListedBlock]) -> Response:
        return Response(tuple(blocks), self.version, asker.unknown, asker.user >= 0)

    def _draft(self, block: Block, askers: tuple[Asker, ...], taken: tuple[Rows, ...], now: int) -> Draft:
        self.placements.named(block.placement)  # or UnknownPlacement, naming those there are
        placement, mixes = self._fitted[block.placement]
        return Draft(
            placement=placement,
            mixes=mixes,
            block=block,
            limit=_limit(block, placement),
            now=now,
            askers=askers,
            taken=taken,
            allow=Allow(np.zeros(0, np.bool_), np.zeros(len(askers) + 1, np.int64), NOTHING),
        )

    def _run(self, draft: Draft, explain: bool) -> tuple[Draft, list[tuple[str, Draft]]]:
        trace = []
        for name, stage in STAGES:
            draft = stage(self.opened, draft)
            if explain:
                trace.append((name, draft))
        return draft, trace


def _as_shop(placements: Placements, repeat_share: float) -> Placements:
    """Placements whose rebuy is as the shop's customers have it, decided."""
    rebuy = "always" if repeat_share >= _REPEATS else "never"
    decided = {
        name: replace(one, rebuy=rebuy) if one.rebuy == "as_shop" else one
        for name, one in placements.by_name.items()
    }
    return replace(placements, by_name=decided)


def _fitted(
    placements: Placements, sources: Mapping[str, Source]
) -> dict[str, tuple[Placement, tuple[Mix, ...]]]:
    """Each placement with the fallbacks and the mixes that the bundle has sources for."""
    return {
        name: (
            replace(one, fallback=tuple(back for back in one.fallback if back in sources)),
            tuple(mix for mix in one.sources if mix.strategy in sources),
        )
        for name, one in placements.by_name.items()
    }


def _alike(requests: Sequence[Request], depth: int) -> dict[tuple[Block, bool, bool], list[int]]:
    """Requests whose block at this depth is the same, explained and reasoned alike, run as one batch."""
    groups: dict[tuple[Block, bool, bool], list[int]] = {}
    for place, one in enumerate(requests):
        if depth < len(one.blocks):
            groups.setdefault((one.blocks[depth], one.explain, one.reasons), []).append(place)
    return groups


def _limit(block: Block, placement: Placement) -> int:
    if block.limit < 0:
        raise InvalidRequest(f"limit {block.limit} of block {block.placement!r} is below 0")
    if block.candidate_item_ids:
        return min(block.limit or MAX_CANDIDATES, len(block.candidate_item_ids), MAX_CANDIDATES)
    return min(block.limit or placement.limit, placement.max_limit)


def _taken(asker: Asker, shown: list[Rows]) -> Rows:
    """What the page already holds or stands for: never shown again, in any variant."""
    return np.concatenate([asker.context, asker.page, *shown])


def describe(engine: Engine) -> dict[str, Any]:
    """What an engine can do: placements, their sources, and those the bundle does not have."""
    return {
        name: {
            "sources": [one.strategy for one in placement.sources if one.strategy in engine.sources],
            "missing": [one.strategy for one in placement.sources if one.strategy not in engine.sources],
        }
        for name, placement in sorted(engine.placements.by_name.items())
    }
