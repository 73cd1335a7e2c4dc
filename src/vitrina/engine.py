"""The engine: a bundle opened with its placements. Pure: its only inputs are requests and a Live.

A block of a batch of requests is folded through the stages of `stages.py`; `explain` is the same
fold keeping what left each stage. Blocks of one request are answered in order, so that no product
stands twice on a page. After `open` the engine reads no clock, environment, network, disk or store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrina import answers, bundle, strategies
from vitrina.answering import Answering
from vitrina.askers import Asker, Askers
from vitrina.asking import Pages, alike, order
from vitrina.built_in import BUILT_IN
from vitrina.catalog import Catalog
from vitrina.crowd import Crowd
from vitrina.display import Displays, bought
from vitrina.draft import Draft, Opened
from vitrina.errors import InvalidRequest, SourceFailed
from vitrina.faltering import named
from vitrina.fates import fate
from vitrina.fitted import as_shop, fitted
from vitrina.grounds import Grounds
from vitrina.growing import grown
from vitrina.history import History
from vitrina.ids import Ids
from vitrina.listing import Lists
from vitrina.live import Live
from vitrina.placements import Placements, parse_placements, read_placements
from vitrina.ranker import Ranker
from vitrina.recently import Recently
from vitrina.renewal import CatalogView, Said
from vitrina.request import Block, Fate, ListedBlock, Product, Request, Response
from vitrina.rules import Rules
from vitrina.shop import Shop
from vitrina.stages import admit, retrieve
from vitrina.strategy import Source
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
        self._ranker = Ranker.open(opened.under("ranker"), parts, timed=self._shop.timed)
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
    def _answering(self) -> Answering:
        return Answering(self.opened, self.placements, self._fitted)

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
        askers, made = Crowd(self.askers_of(requests, live)), self._answering
        orders = [order(one) for one in requests]
        turns = max(map(len, orders), default=0)
        pages = Pages(len(requests), turns)
        blocks: list[dict[int, ListedBlock]] = [{} for _ in requests]
        for turn in range(turns):
            for block, one, places in alike(requests, turn, orders):
                for found in made.block(block, one, askers, places, pages, live.now):
                    for member, listed in zip(found.members, found.blocks(self.opened), strict=True):
                        blocks[member][orders[member][turn]] = listed
        return [self._response(askers[one], blocks[one], live) for one in range(len(requests))]

    def lists(self, page: Request, askers: Crowd, now: int) -> Iterator[tuple[int, Sequence[int], Lists]]:
        """The lists of a page for many: the place of a block in it, the places of some askers, their lists.

        Of the page blocks and channel count. Every asker is in one part of each block. Lists are those that
        `recommend` gives, but of each reason there is its source alone. Raises as `recommend` does where it
        is not forbearing.
        """
        pages, every = Pages(len(askers), len(page.blocks)), range(len(askers))
        for place in order(page):
            for one in self._answering.block(page.blocks[place], page, askers, every, pages, now):
                yield place, one.members, answers.listed(one.draft, self.opened, reasons=False)

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
        askers = Crowd((self.asker(request, live),))
        one = replace(request, explain=True, reasons=True)
        try:
            found = self._answering.block(one.blocks[0], one, askers, (0,), Pages(1, 1), live.now)
            (((listed,), trace),) = [(one.blocks(self.opened), one.trace) for one in found]
        except SourceFailed as failed:
            return self._without(failed).explain(request, item_ids, live)
        fates = tuple(fate(self.opened, dict(trace), one) for one in item_ids)
        return self._response(askers[0], {0: listed}, live), fates

    def retrieved(self, block: Block, requests: Sequence[Request], live: Live) -> Draft:
        """What a block's sources propose to a batch, not yet blended, under those hard rules that are alike
        for all of it: not by region, size, nor filters that ask about the asker."""
        askers, made = Crowd(self.askers_of(requests, live)), self._answering
        placement = made.placement(block.placement, requests[0].channel)
        taken = Pages(len(askers), 1).taken(askers, range(len(askers)), placement)
        return retrieve(self.opened, admit(self.opened, made.draft(block, askers, taken, live.now)))

    def _response(self, asker: Asker, blocks: Mapping[int, ListedBlock], live: Live) -> Response:
        return Response(
            tuple(blocks[place] for place in sorted(blocks)),
            self.version,
            asker.unknown,
            known_user=asker.user >= 0,
            contextual=asker.contextual,
            degraded=self.missing + (live.degraded if asker.identity else ()),
        )
