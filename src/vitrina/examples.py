"""A few askers of an evaluation, in words: what was known of them, what was listed, and what they took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vitrina.ids import UNKNOWN, Rows
from vitrina.metrics import Lists, Truth
from vitrina.request import Request
from vitrina.scoreboard import Example
from vitrina.splits import Split, of_types

FEW = 3
"""Askers of a placement."""
SHOWN = 10
"""Places of a list, and products that are named of what was known and of what was taken beside it."""


def drawn(
    cut: Split, requests: Sequence[Request], truth: Truth, lists: Lists, seed: int
) -> tuple[Example, ...]:
    """Some askers, by lot and not for their lists. `lists`: int32[n, k], item rows of `cut.test`; `truth`: in
    products."""
    some = np.random.default_rng(seed).permutation(len(requests))[:FEW].tolist()
    product, found = cut.test.catalog.product, []
    for at in some:
        listed = lists[at, :SHOWN][lists[at, :SHOWN] >= 0]
        taken = truth.take(np.array([at])).rows
        hits = np.isin(product[listed], taken).tolist()
        missed = np.flatnonzero(np.isin(product, np.setdiff1d(taken, product[listed])))
        beside = missed[np.unique(product[missed], return_index=True)[1]].astype(np.int32)
        named = [_titles(cut, rows) for rows in (_known(cut, requests[at]), listed, beside)]
        pairs = tuple(zip(named[1], hits, strict=True))
        found.append(Example(_distinct(named[0]), pairs, _distinct(named[2])))
    return tuple(found)


def _known(cut: Split, request: Request) -> Rows:
    """What the list could start from, the latest first: the basket, the visit, or what was taken before."""
    items = cut.test.items
    if request.context_item_ids or request.events:
        ids = request.context_item_ids or [one.item_id for one in request.events]
        return items.rows(list(ids))[::-1]
    user, events = cut.train.users.row(request.user_id), cut.train.events
    own = events.take(np.flatnonzero((events.user == user) & (user != UNKNOWN)))
    wanted = of_types(replace(cut.train, events=own), cut.wanted)
    return items.rows(cut.train.items.names(own.item[wanted][::-1]))


def _titles(cut: Split, rows: Rows) -> list[str]:
    """What items are called; one without a title by its id."""
    return [cut.test.catalog.title[row] or cut.test.items.name(row) for row in rows.tolist() if row >= 0]


def _distinct(titles: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(titles))[: SHOWN + 1]
