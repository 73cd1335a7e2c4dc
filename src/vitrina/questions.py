"""What a shop's placements are asked in an evaluation, and what came after.

Truth is counted in products: a list that names another size of what was bought is right. Nothing
in a request was unknown at `Split.now`, but for the basket or the session that is asked about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import INDIFFERENT, PURCHASE, Dataset, Events
from vitrina.draft import Draft
from vitrina.engine import Engine
from vitrina.ids import UNKNOWN
from vitrina.kernels.distinct import among, distinct
from vitrina.live import Live
from vitrina.metrics import Truth
from vitrina.placements import Placement, Placements
from vitrina.purpose import purposes
from vitrina.request import Block, Request, SessionEvent
from vitrina.splits import Split, of_types

Places = NDArray[np.int64]
VISITOR = "evaluation"
RECENT = 50
"""Events of a session sent with a request, and steps of a session asked about, at most."""
_BATCH, _LIMIT = 512, 10
_PAST = ("history", "last_order")
"""Seeds that reach beyond a visit."""


@dataclass(frozen=True)
class Questions:
    """One placement's askers: requests still without blocks, and what each asker then took.

    `question`: one of `placements.QUESTIONS`. `truth`: in products. `buckets`: int64 positions of askers by
    name, 'all' among them. `clusters`: int64 per asker, equal for the steps of one session. `users`: whose
    visits were asked about, where that is known and the requests do not tell; else empty.
    """

    question: str
    requests: tuple[Request, ...]
    truth: Truth
    buckets: Mapping[str, Places]
    clusters: Places
    placement: str = ""
    users: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.requests)

    def of(self, placement: Placement) -> Questions:
        """The same, asked in a placement; one that starts from histories is told whose visit it is."""
        told = self.users and any(one.seeds in _PAST for one in placement.sources)
        pairs = zip(self.requests, self.users, strict=True) if told else ()
        whose = tuple(replace(one, user_id=user) for one, user in pairs)
        return replace(self, placement=placement.name, requests=whose or self.requests)

    def drawn(self, most: int, seed: int) -> Questions:
        """At most so many askers, drawn by lot; sessions whole while they fit. They are one bucket."""
        if len(self) <= most:
            return self
        lot = np.random.default_rng(seed).permutation(int(self.clusters.max()) + 1)
        keep = np.sort(np.argsort(lot[self.clusters], kind="stable")[:most])
        return replace(
            self,
            requests=tuple(self.requests[one] for one in keep),
            truth=self.truth.take(keep),
            buckets={"all": np.arange(len(keep))},
            clusters=self.clusters[keep],
            users=tuple(self.users[one] for one in keep) if self.users else (),
        )


def proposed(engine: Engine, asked: Questions, now: int) -> list[Draft]:
    """What each source of the placement proposes to everybody asked, in batches, not yet blended."""
    block, live = Block(asked.placement, limit=_LIMIT), Live(now=now)
    starts = range(0, len(asked), _BATCH)
    return [engine.retrieved(block, asked.requests[start : start + _BATCH], live) for start in starts]


@dataclass(frozen=True)
class _Ground:
    """A split with its returns settled, its items as products, and who had what before."""

    split: Split
    train: Dataset
    test: Dataset
    product: NDArray[np.int64]
    n_products: int
    had: Places

    @classmethod
    def of(cls, split: Split) -> _Ground:
        train, test = split.train.settled(), split.test.settled()
        product = test.catalog.product.astype(np.int64)
        n_products = int(product.max(initial=-1)) + 1
        liked = train.events.take(of_types(train, split.wanted) & (train.events.user >= 0))
        had = distinct(liked.user * np.int64(n_products) + product[liked.item])
        return cls(split, train, test, product, n_products, had)

    def truth(self, events: Events, asker: Places, users: NDArray[np.int32]) -> Truth:
        """What each of the askers, of whom `users` are the rows (-1 a stranger), took in these events."""
        keys, entry = np.unique(asker * self.n_products + self.product[events.item], return_inverse=True)
        worth = _worth(events, self.test)
        known = np.bincount(entry, weights=~np.isnan(worth), minlength=len(keys)) > 0
        summed = np.bincount(entry, weights=np.nan_to_num(worth), minlength=len(keys))
        indptr = np.searchsorted(keys, np.arange(len(users) + 1) * self.n_products)
        rows = keys % max(self.n_products, 1)
        owner = users[keys // max(self.n_products, 1)].astype(np.int64)
        repeat = (owner >= 0) & among(owner * self.n_products + rows, self.had)
        return Truth(indptr.astype(np.int64), rows.astype(np.int32), np.where(known, summed, np.nan), repeat)

    def fresh_visits(self) -> NDArray[np.bool_]:
        """bool per visit row: whether it began after the cut."""
        visits = self.test.events.visit[self.test.events.visit >= 0]
        before = self.train.events.visit[self.train.events.visit >= 0]
        fresh = np.zeros(int(max(visits.max(initial=-1), before.max(initial=-1))) + 2, np.bool_)
        fresh[visits] = True
        fresh[before] = False
        return fresh


def to_ask(
    placements: Placements, split: Split, max_users: int, seed: int, lines: int = 1
) -> list[Questions]:
    """What each placement is asked on this split, as far as its events go; in the order of QUESTIONS.

    At most `max_users` customers, baskets and sessions each, a seeded sample beyond. `lines`: as `questions`
    has it.
    """
    wanted = purposes(placements)
    return [
        one.of(placements.by_name[name])
        for one in questions(split, max_users, seed, lines)
        for name in placements.names
        if wanted[name].question == one.question and not wanted[name].why
    ]


def questions(split: Split, max_users: int, seed: int, lines: int = 1) -> list[Questions]:
    """Each question that can be asked of this split, in a placement of its own name.

    `lines`: of each basket, hidden one after the other where fewer baskets than `max_users` leave room.
    """
    ground = _Ground.of(split)
    home, visits = _home(ground, max_users, seed), _session_next(ground, max_users, seed)
    asked = [home, _discover(home), _cart(ground, max_users, seed, lines), visits]
    return [replace(one, placement=one.question) for one in asked if len(one)]


def _home(ground: _Ground, max_users: int, seed: int) -> Questions:
    """What each customer took after the cut, whatever it was."""
    test = ground.test
    taken = test.events.take(of_types(test, ground.split.wanted) & (test.events.user >= 0))
    users = _sample(distinct(taken.user), max_users, seed).astype(np.int32)
    asker = np.searchsorted(users, taken.user)
    sampled = np.append(users, -1)[asker] == taken.user
    truth = ground.truth(taken.take(sampled), asker[sampled], users)
    requests = tuple(Request((), user_id=name) for name in test.users.names(users))
    return Questions("home", requests, truth, _kinds(ground, users), np.arange(len(users)))


def _discover(home: Questions) -> Questions:
    """Of the same customers, those who took something they never had, and that alone."""
    fresh = home.truth.only(~home.truth.repeat)
    keep = np.flatnonzero(fresh.sizes)
    requests = tuple(home.requests[one] for one in keep)
    buckets = {name: np.flatnonzero(np.isin(keep, askers)) for name, askers in home.buckets.items()}
    return Questions("discover", requests, fresh.take(keep), buckets, np.arange(len(keep)))


def _cart(ground: _Ground, max_users: int, seed: int, lines: int) -> Questions:
    """Each basket with one product hidden, drawn by lot, then the next ones; the rest of it is the cart."""
    held, starts, sizes = _baskets(ground, max_users, seed)
    first = (np.random.default_rng(seed).random(len(starts)) * sizes).astype(np.int64)
    many = np.minimum(sizes, np.clip(max_users // max(len(starts), 1), 1, lines))
    basket = np.repeat(np.arange(len(starts)), many)
    nth = np.arange(len(basket)) - np.repeat(np.cumsum(many) - many, many)
    lows, highs = starts[basket], (starts + sizes)[basket]
    hidden = lows + (first[basket] + nth) % sizes[basket]
    names = ground.test.items.names(held.item)
    spans = zip(lows.tolist(), hidden.tolist(), highs.tolist(), strict=True)
    carts = [tuple(names[low:out] + names[out + 1 : high]) for low, out, high in spans]
    users = held.user[hidden]
    ids = _user_ids(ground.test, users)
    told = zip(ids, carts, strict=True)
    requests = tuple(Request((), user_id=one, context_item_ids=cart) for one, cart in told)
    truth = ground.truth(held.take(hidden), np.arange(len(hidden)), users)
    return Questions("cart", requests, truth, _kinds(ground, users), basket)


def _baskets(ground: _Ground, most: int, seed: int) -> tuple[Events, Places, Places]:
    """A line per product and basket, by basket; where sampled baskets of two or more begin; their sizes."""
    events = ground.test.events
    bought = events.take((events.type == PURCHASE) & ground.fresh_visits()[events.visit])
    keys = bought.visit * np.int64(ground.n_products) + ground.product[bought.item]
    lines = bought.take(np.unique(keys, return_index=True)[1])
    _, starts, sizes = np.unique(lines.visit, return_index=True, return_counts=True)
    chosen = _sample(np.flatnonzero(sizes >= 2), most, seed)
    return _kept(lines, starts[chosen], sizes[chosen])


def _session_next(ground: _Ground, max_users: int, seed: int) -> Questions:
    """Each step of each session: given what came before in it, the next item alone."""
    steps, starts, sizes = _sessions(ground, max_users, seed)
    firsts, counts = starts + 1, np.minimum(sizes - 1, RECENT)
    session = np.repeat(np.arange(len(starts)), counts)
    asked = np.repeat(firsts - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
    lows = np.maximum(starts[session], asked - RECENT)
    spans = list(zip(lows.tolist(), asked.tolist(), strict=True))
    names = ground.test.items.names(steps.item)
    kinds = [ground.test.types[one] for one in steps.type.tolist()]
    done = [SessionEvent(*one) for one in zip(names, kinds, strict=True)]
    requests = tuple(Request((), visitor_id=VISITOR, events=tuple(done[low:at])) for low, at in spans)
    each = np.arange(len(asked))
    truth = ground.truth(steps.take(asked), each, np.full(len(asked), UNKNOWN, np.int32))
    products = ground.product[steps.item]
    again = np.array([products[at] in products[low:at] for low, at in spans], np.bool_)
    users = tuple(_user_ids(ground.test, steps.user[asked]))
    return Questions(
        *("session_next", requests, replace(truth, repeat=again)),
        *(_kinds(ground, steps.user[asked]), session),
        users=users if any(users) else (),
    )


def _sessions(ground: _Ground, most: int, seed: int) -> tuple[Events, Places, Places]:
    """The events of visits, by visit; where the sampled sessions of two or more begin; sizes.

    Visits of nobody known are asked about; where there are none, those of customers.
    """
    events = ground.test.events
    anonymous = _visits(ground, events.user < 0)
    steps, starts, sizes = anonymous if len(anonymous[1]) else _visits(ground, events.user >= 0)
    chosen = _sample(np.arange(len(starts)), most, seed)
    return _kept(steps, starts[chosen], sizes[chosen])


def _visits(ground: _Ground, whose: NDArray[np.bool_]) -> tuple[Events, Places, Places]:
    """The events of some, by visit; where those that are sessions of two or more begin; sizes.

    A visit is a session where its events have an order: it came as one, or one of them was no purchase,
    or the times of what a stranger bought differ.
    """
    events = ground.test.events
    liked = of_types(ground.test, tuple(name for name in ground.test.types if name not in INDIFFERENT))
    mine = np.flatnonzero(liked & ground.fresh_visits()[events.visit] & whose)
    steps = events.take(mine[np.argsort(events.visit[mine], kind="stable")])
    _, starts, sizes = np.unique(steps.visit, return_index=True, return_counts=True)
    others = np.concatenate([[0], np.cumsum(steps.type != PURCHASE)])
    browsed = others[starts + sizes] > others[starts]
    lasted = ground.test.timed & (steps.time[starts + sizes - 1] > steps.time[starts])
    ordered = browsed | ground.test.sessions | (lasted & (steps.user[starts] < 0))
    chosen = np.flatnonzero((sizes >= 2) & ordered)
    return steps, starts[chosen], sizes[chosen]


def _kept(events: Events, starts: Places, sizes: Places) -> tuple[Events, Places, Places]:
    """The events of these visits alone; where they begin among those; sizes."""
    begins = np.cumsum(sizes) - sizes
    return events.take(np.repeat(starts - begins, sizes) + np.arange(sizes.sum())), begins, sizes


def _worth(events: Events, dataset: Dataset) -> NDArray[np.float64]:
    price = np.where(np.isnan(events.price), dataset.catalog.price[events.item], events.price)
    return price.astype(np.float64) * events.quantity


def _sample(pool: NDArray[np.generic], most: int, seed: int) -> NDArray[np.generic]:
    return (
        pool if len(pool) <= most else np.sort(np.random.default_rng(seed).choice(pool, most, replace=False))
    )


def _kinds(ground: _Ground, users: NDArray[np.int32]) -> dict[str, Places]:
    """Everybody; customers without a past, with one, and of those the lighter and the heavier half, by events
    before the cut, unless all did as much. Where nobody is known all are of one kind; beside customers a
    stranger (-1) has no past."""
    if not (users >= 0).any():
        return {"all": np.arange(len(users))}
    known = ground.train.events.user[ground.train.events.user >= 0]
    past = np.append(np.bincount(known, minlength=len(ground.test.users)), 0)[users]
    middle = np.median(past[past > 0]) if past.any() else 0.0
    more = past > middle if (past > middle).any() else (past >= middle) & (past > 0)
    less = (past > 0) & ~more
    halves = {"light": less, "heavy": more} if less.any() else {}
    kinds = {"all": past >= 0, "known": past > 0, "cold": past == 0, **halves}
    return {name: np.flatnonzero(one) for name, one in kinds.items()}


def _user_ids(dataset: Dataset, users: NDArray[np.int32]) -> list[str]:
    names = dataset.users.names(np.maximum(users, 0)) if len(dataset.users) else [""] * len(users)
    return [name if user >= 0 else "" for user, name in zip(users.tolist(), names, strict=True)]
