"""The engine: a bundle opened with its placements. Pure: its only inputs are requests and a Live.

A block of a batch of requests is folded through the stages of `stages.py`; `explain` is the same
fold keeping what left each stage. Blocks of one request are answered in order, so that no product
stands twice on a page. After `open` the engine reads no clock, environment, network, disk or store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrina import answers, bundle, strategies
from vitrina.askers import Asker, Askers
from vitrina.asking import Asked, alike, limit_of, order, taken_by
from vitrina.built_in import BUILT_IN
from vitrina.catalog import Catalog
from vitrina.discretion import discreet, guarded
from vitrina.display import Displays, bought
from vitrina.draft import Draft, Opened
from vitrina.errors import InvalidRequest, SourceFailed
from vitrina.faltering import named
from vitrina.fates import fate
from vitrina.fitted import as_shop, fitted
from vitrina.grounds import Grounds
from vitrina.growing import grown
from vitrina.history import History
from vitrina.ids import Ids, Rows
from vitrina.live import Live
from vitrina.placements import Placement, Placements, parse_placements, read_placements
from vitrina.ranker import Ranker
from vitrina.recently import Recently
from vitrina.renewal import CatalogView, Said
from vitrina.request import Block, Fate, ListedBlock, Product, Request, Response
from vitrina.rules import Rules
from vitrina.shop import Shop
from vitrina.stages import admit, retrieve, through
from vitrina.strategy import Query, Source
from vitrina.wording import Wording


class Engine:
    """Answers batches of requests; immutable, so a server swaps it by one assignment.

    A source that fails is the caller's SourceFailed, unless the engine is `forbearing`: then others answer,
    and the response says who is missing.
    """

    missing: tuple[str, ...] = ()
    _told_of: Callable[[SourceFailed], None] | None = None

    def __init__(self, opened: bundle.Bundle, placements: Placements, sources: Mapping[str, Source]) -> None:
        parts = opened.under("catalog")
        self.manifest = opened.manifest
        self.placements = as_shop(placements, float(opened.manifest.dataset["repeat_share"]))
        items, catalog = Ids(opened.parts["ids/items"]), Catalog.of_columns(parts)  # type: ignore[arg-type]  # arrays
        self._shop, self._trained = Shop.of_bundle(opened), sources
        self.askers = Askers(
            users=Ids(opened.parts["ids/users"]),  # type: ignore[arg-type]
            items=items,
            history=History.of_columns(opened.under("history")),  # type: ignore[arg-type]
            types=self._shop.types,
            words=self._shop.words,
            regions=self._shop.people.get("region"),
            consent=self._shop.people.get("consent"),
        )
        learned = self.last_event, self._shop.words, self.created, opened.manifest.dataset.get("logged")
        self._recently = Recently(items, self._shop.types, *learned)
        self.due_days: NDArray[np.float32] = parts["due_days"]  # type: ignore[assignment]  # an array
        self._ranker = Ranker.open(opened.under("ranker"), parts)
        self._grounds = Grounds.of(catalog, self.due_days, opened.manifest.strategies)
        self.view, self.sources = CatalogView.of(items, catalog), sources
        self._show(self.view)

    def _show(self, view: CatalogView) -> None:
        """Set all that follows from the catalogue as it is now."""
        if view.content != self.view.content:
            self.sources = grown(self._trained, view)
        self.view, self.items, self.catalog = view, view.items, view.catalog
        if more := len(view.items) - len(self.due_days):
            self.due_days = np.append(self.due_days, np.zeros(more, np.float32))
        self.askers = replace(self.askers, items=view.items)
        self._recently = replace(self._recently, items=view.items)
        rules = Rules(self.catalog, self.items, self.due_days, self._shop)
        ranker = self._ranker and self._ranker.over(view.catalog)
        grounds = replace(self._grounds, catalog=view.catalog, due_days=self.due_days)
        self.opened = Opened(self.items, rules, named({**self.sources, **BUILT_IN}), ranker, grounds)
        history, n_items = self.askers.history, len(view.items)
        counts = cache(lambda: bought(history, n_items))
        self._displays = Displays(rules, self.items, history, self.sources, counts)
        self._fitted = fitted(self.placements, self.opened.sources, self._displays)

    @classmethod
    def open(cls, path: Path, placements: Path | None = None) -> Engine:
        """Open a stored bundle, with its own copy of the placements or with a file's.

        Raises BundleError, and PlacementsError for the file's.
        """
        opened = bundle.read(path)
        return cls.of(opened, read_placements(placements, opened.manifest.placements) if placements else None)

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
        other = copy(self)
        other.placements = as_shop(placements, float(self.manifest.dataset["repeat_share"]))
        other._fitted = fitted(other.placements, self.opened.sources, self._displays)
        return other

    def told(self, said: Said) -> Engine:
        """The same bundle over what the shop said of items since training: of each named, all so far."""
        other = copy(self)
        other._show(self.view.told(said))
        return other

    def with_wording(self, wording: Wording) -> Engine:
        """The same engine, whose reasons are said in other words."""
        other = copy(self)
        other._grounds = replace(self._grounds, wording=wording)
        other._show(self.view)
        return other

    def forbearing(self, told_of: Callable[[SourceFailed], None]) -> Engine:
        """The same engine, which answers without a source that fails, and tells of it."""
        other = copy(self)
        other._told_of = told_of
        return other

    def _without(self, failed: SourceFailed) -> Engine:
        """What answers instead. Raises the failure itself where that is nobody's."""
        if self._told_of is None or failed.source in self.missing:
            raise failed
        self._told_of(failed)
        other = copy(self)
        other.missing, other.opened = (*self.missing, failed.source), self.opened.without(failed.source)
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

        Raises InvalidRequest, UnknownPlacement and SourceFailed.
        """
        try:
            return self._recommended(requests, live)
        except SourceFailed as failed:
            if len(requests) == 1 or self._told_of is None:
                return self._without(failed).recommend(requests, live)
            # What fails for one need not for others.
            return [answer for one in requests for answer in self.recommend((one,), live)]

    def _recommended(self, requests: Sequence[Request], live: Live) -> list[Response]:
        askers = self.askers_of(requests, live)
        orders = [order(one) for one in requests]
        shown: list[list[Rows]] = [[] for _ in requests]
        blocks: list[dict[int, ListedBlock]] = [{} for _ in requests]
        known: dict[tuple[int, ...], dict[str, Query]] = {}
        for turn in range(max(map(len, orders), default=0)):
            places = [one[turn] if turn < len(one) else None for one in orders]
            for asked, members in self._alike(requests, askers, places, live.now).items():
                placement = self._fitted[asked.block.placement, asked.arm][0]
                taken = tuple(taken_by(askers[one], shown[one], placement) for one in members)
                draft = self._asked(asked, tuple(askers[one] for one in members), taken, live.now)
                if not asked.away:
                    draft = draft._replace(queries=known.setdefault(tuple(members), {}))
                draft, trace = through(self.opened, draft, asked.explain)
                listed = answers.blocks(draft, self.opened, trace, reasons=asked.reasons, locale=asked.locale)
                for place, one in enumerate(members):
                    blocks[one][orders[one][turn]] = asked.told(listed[place])
                    if turn + 1 < len(orders[one]):
                        shown[one].append(draft.shown(place))
        return [self._response(askers[one], blocks[one], live) for one in range(len(requests))]

    def asker(self, request: Request, live: Live) -> Asker:
        """Who asks, in rows: what they did in this bundle and since. Raises InvalidRequest."""
        return self.askers_of((request,), live)[0]

    def askers_of(self, requests: Sequence[Request], live: Live) -> list[Asker]:
        """Who asks, of several requests. Raises InvalidRequest."""
        return self.askers.together([self._recently.told(one, live) for one in requests], live.now)

    def explain(
        self, request: Request, item_ids: Sequence[str], live: Live
    ) -> tuple[Response, tuple[Fate, ...]]:
        """The answer to a request of one block, and what became of some items on the way to it.

        Raises as `recommend` does, and InvalidRequest where blocks are none or several.
        """
        if len(request.blocks) != 1:
            raise InvalidRequest(f"{len(request.blocks)} blocks; one list is explained at a time")
        asker = self.asker(request, live)
        (asked,) = self._alike([request], [asker], [0], live.now)
        taken = taken_by(asker, [], self._fitted[asked.block.placement, asked.arm].placement)
        draft = self._asked(asked, (asker,), (taken,), live.now)
        try:
            draft, trace = through(self.opened, draft, explain=True)
            listed = answers.blocks(draft, self.opened, trace, reasons=True, locale=request.locale)
        except SourceFailed as failed:
            return self._without(failed).explain(request, item_ids, live)
        fates = tuple(fate(self.opened, dict(trace), one) for one in item_ids)
        return self._response(asker, {0: asked.told(listed[0])}, live), fates

    def _alike(
        self, requests: Sequence[Request], askers: Sequence[Asker], places: Sequence[int | None], now: int
    ) -> dict[Asked, list[int]]:
        return alike(requests, askers, places, now, self.opened.rules.scopes, self._placement)

    def _placement(self, name: str, channel: str) -> Placement:
        """A placement that may be asked for. Raises UnknownPlacement and InvalidRequest."""
        self.placements.named(name)  # or UnknownPlacement, naming those there are
        placement = self._fitted[name, ""].placement
        if placement.channels and channel not in placement.channels:
            known = ", ".join(placement.channels)
            raise InvalidRequest(f"placement {name!r} is not for the channel {channel!r}; it is for {known}")
        return placement

    def retrieved(self, block: Block, requests: Sequence[Request], live: Live) -> Draft:
        """What a block's sources propose to a batch, not yet blended, under those hard rules that are alike
        for all of it: not by region, size, nor filters that ask about the asker."""
        askers = tuple(self.askers_of(requests, live))
        placement = self._placement(block.placement, requests[0].channel)
        taken = tuple(taken_by(one, [], placement) for one in askers)
        return retrieve(self.opened, admit(self.opened, self._draft(block, askers, taken, live.now)))

    def _response(self, asker: Asker, blocks: Mapping[int, ListedBlock], live: Live) -> Response:
        return Response(
            tuple(blocks[place] for place in sorted(blocks)),
            self.version,
            asker.unknown,
            known_user=asker.user >= 0,
            contextual=asker.contextual,
            degraded=self.missing + (live.degraded if asker.identity else ()),
        )

    def _draft(
        self, block: Block, askers: tuple[Asker, ...], taken: tuple[Rows, ...], now: int, arm: str = ""
    ) -> Draft:
        placement, mixes, display = self._fitted[block.placement, arm]
        limit = limit_of(block, placement)
        return Draft.of(placement, mixes, display, block, limit, askers, taken, now)

    def _asked(self, asked: Asked, askers: tuple[Asker, ...], taken: tuple[Rows, ...], now: int) -> Draft:
        """The draft of a block under its scope; away from the shop, with nothing sensitive in it."""
        draft = self._draft(asked.block, askers, taken, now, asked.arm)._replace(scope=asked.scope)
        if not asked.away:
            return draft
        hidden = self.opened.rules.below(draft.placement.sensitive)
        quiet = tuple(discreet(one, hidden) for one in askers)
        return draft._replace(placement=guarded(draft.placement), askers=quiet)
