"""What needs no library: popularity, frequency, neighbours and rules by their published formulae.

GP-TopFreq and TIFU-kNN as Hu et al. (SIGIR 2020) and Li et al. (TOIS 2023) have them; SR and VSTAN as
Ludewig et al. (UMUAI 2021), in plain Python (`session_oracles`), settings published for RSC15 among those
tried; confidence and lift of Agrawal et al. (SIGMOD 1993), of pairs, nothing smoothed.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, diags
from session_oracles import VSTAN_PUBLISHED, SequentialRules, Vstan

from contest.exchange import VISITS, Asked, K, Lists, Window, best, of_owners
from contest.search import SEED, Family, Settings

DAY = 86_400
FADES: dict[str, Callable[[int, int], float]] = {
    "none": lambda gap, steps: 1.0,
    "linear": lambda gap, steps: 1 - (gap - 1) / steps,
    "reciprocal": lambda gap, steps: 1 / gap,
    "quadratic": lambda gap, steps: 1 / gap**2,
}


class Popular:
    """Bestsellers of the last days, or of all time, the same for everybody."""

    def __init__(self, days: float = 0.0) -> None:
        self.days = days

    def fit(self, window: Window, by: str) -> None:
        """Count."""
        late = window.time >= window.now - self.days * DAY if self.days and window.timed else slice(None)
        self.sold = np.bincount(window.item[late], minlength=len(window.product)).astype(np.float64)
        self.sold[self.sold == 0] = -np.inf

    def lists(self, window: Window, asked: Asked, *, fresh: bool) -> Lists:
        """One list."""
        return best(lambda places: np.tile(self.sold, (len(places), 1)), window.held(asked), fresh=fresh)


class Random:
    """Products drawn by lot."""

    def fit(self, window: Window, by: str) -> None:
        """Nothing to learn."""

    def lists(self, window: Window, asked: Asked, *, fresh: bool) -> Lists:
        """Drawn anew for each asker, by a fixed seed."""
        lot = np.random.default_rng(SEED)
        return best(
            lambda places: lot.random((len(places), len(window.product))), window.held(asked), fresh=fresh
        )


class TopFrequent:
    """GP-TopFreq: what an asker bought most often, filled up with what everybody did."""

    def fit(self, window: Window, by: str) -> None:
        """Count both."""
        self.sold = np.bincount(window.item, minlength=len(window.product)) / max(len(window.item), 1)

    def lists(self, window: Window, asked: Asked, *, fresh: bool) -> Lists:
        """Own counts before shares of all."""
        past = window.past(asked)
        return best(lambda places: past[places].toarray() + self.sold, window.held(asked), fresh=fresh)


class Tifu:
    """TIFU-kNN: baskets fade within groups and groups fade; own vector and the mean of the k nearest."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def fit(self, window: Window, by: str) -> None:
        """Each user's vector."""
        groups, within, between = (self.settings[one] for one in ("groups", "within", "between"))
        keep = window.user >= 0
        visit = np.where(window.visit >= 0, window.visit, -2 - np.arange(len(window.visit)))[keep]
        # events are oldest first, so a user's baskets are in the order of their first event
        keys, first, basket = np.unique(
            np.stack([window.user[keep], visit]), axis=1, return_index=True, return_inverse=True
        )
        order = np.lexsort((first, keys[0]))
        user = keys[0][order]
        n_baskets = np.bincount(user, minlength=window.n_users)
        place = np.arange(len(order)) - np.searchsorted(user, user)
        many = np.minimum(n_baskets[user], groups)
        small, more = n_baskets[user] // many, n_baskets[user] % many
        split = (many - more) * small  # groups with one basket more come last
        group = np.where(place < split, place // small, many - more + (place - split) // (small + 1))
        size = np.where(place < split, small, small + 1)
        inside = np.where(place < split, place % small, (place - split) % (small + 1))
        weight = np.empty(len(order))
        weight[order] = within ** (size - 1 - inside) / size * between ** (many - 1 - group) / many
        lines = np.unique(np.stack([basket.ravel(), window.item[keep]]), axis=1)
        shape = (window.n_users, len(window.product))
        self.vectors = csr_matrix((weight[lines[0]], (keys[0][lines[0]], lines[1])), shape=shape)

    def lists(self, window: Window, asked: Asked, *, fresh: bool) -> Lists:
        """Neighbours by Euclidean distance, never oneself."""
        alpha, k = self.settings["alpha"], self.settings["neighbours"]
        lengths = np.asarray(self.vectors.multiply(self.vectors).sum(1)).ravel()
        some = np.flatnonzero(np.diff(self.vectors.indptr))
        mine = of_owners(self.vectors, asked.owner)
        pool, turned = self.vectors[some], self.vectors[some].T.tocsc()

        def score(places: Any) -> Any:
            own = mine[places]
            far = lengths[some][None] - 2 * (own @ turned).toarray()
            far[asked.owner[places][:, None] == some[None]] = np.inf
            near = np.argpartition(far, min(k, len(some) - 1) - 1, axis=1)[:, : min(k, len(some) - 1)]
            rows = np.repeat(np.arange(len(places)), near.shape[1])
            picks = csr_matrix(
                (np.full(near.size, 1 / near.shape[1]), (rows, near.ravel())), (len(places), len(some))
            )
            scores = (alpha * own + (1 - alpha) * (picks @ pool)).toarray()
            return np.where((scores > 0) & (asked.owner[places] >= 0)[:, None], scores, -np.inf)

        if len(some) < 2:  # nobody to be like
            return np.full((len(asked), K), -1, np.int32)
        return best(score, window.held(asked), fresh=fresh)


class Rules:
    """Pair rules from visits: an item scores the sum or the maximum of its rules' confidence or lift."""

    def __init__(self, measure: str, settings: Settings) -> None:
        self.measure, self.settings = measure, settings

    def fit(self, window: Window, by: str) -> None:
        """Count pairs that enough visits hold."""
        baskets = window.matrix(VISITS)
        baskets.data[:] = 1
        sold = np.asarray(baskets.sum(0)).ravel()
        least = self.settings["least"]
        kept = np.flatnonzero(sold >= least)
        self.rules = _counted(baskets[:, kept], kept, baskets.shape[1], least)
        self.rules = diags(1 / np.maximum(sold, 1)) @ self.rules
        if self.measure == "lift":
            self.rules = self.rules @ diags(baskets.shape[0] / np.maximum(sold, 1))
        self.rules = self.rules.tocsr()

    def lists(self, window: Window, asked: Asked, *, fresh: bool) -> Lists:
        """What the rules of each visit's items lead to."""
        held = window.held(asked)
        held.data[:] = 1

        def score(places: Any) -> Any:
            if self.settings["adds"] == "sum":
                scores = (held[places] @ self.rules).toarray()
            else:
                scores = np.stack([self.rules[held[int(one)].indices].max(0).toarray()[0] for one in places])
            return np.where(scores > 0, scores, -np.inf)

        return best(score, held, fresh=fresh)


class Session:
    """A session recommender in plain Python."""

    def __init__(self, make: Callable[[Any], Callable[[list[int], int], dict[int, float]]]) -> None:
        self.make = make

    def fit(self, window: Window, by: str) -> None:
        """Learn of visits."""
        keep = window.visit >= 0
        events = {name: getattr(window, name)[keep] for name in ("visit", "item", "time")}
        self.oracle = self.make(SimpleNamespace(events=SimpleNamespace(**events)))

    def lists(self, window: Window, asked: Asked, *, fresh: bool) -> Lists:
        """Session by session."""
        found = np.full((len(asked), K), -1, np.int32)
        for place, (low, high) in enumerate(zip(asked.indptr[:-1], asked.indptr[1:], strict=True)):
            session = asked.rows[low:high].tolist()
            scores = self.oracle(session, window.now) if session else {}
            barred = set(session) if fresh else set()
            ranked = sorted((-score, row) for row, score in scores.items() if score > 0 and row not in barred)
            rows = [row for _, row in ranked[:K]]
            found[place, : len(rows)] = rows
        return found


def _counted(baskets: csr_matrix, kept: Any, n_items: int, least: int) -> csr_matrix:
    """Visits that hold both of two items, of pairs that `least` do; some antecedents at a time."""
    turned, parts = baskets.T.tocsr(), []
    for low in range(0, len(kept), 2000):
        pairs = (turned[low : low + 2000] @ baskets).tocoo()
        keep = (pairs.data >= least) & (pairs.row + low != pairs.col)
        parts.append(np.stack([pairs.row[keep] + low, pairs.col[keep], pairs.data[keep]]))
    row, col, data = np.concatenate(parts, axis=1) if parts else np.zeros((3, 0))
    places = (kept[row.astype(np.int64)], kept[col.astype(np.int64)])
    return csr_matrix((data, places), shape=(n_items, n_items))


def _tifu(trial: Any) -> Settings:
    return {
        "neighbours": trial.suggest_int("neighbours", 10, 1000, log=True),
        "within": trial.suggest_float("within", 0.5, 1.0),
        "between": trial.suggest_float("between", 0.1, 1.0),
        "alpha": trial.suggest_float("alpha", 0.0, 1.0),
        "groups": trial.suggest_int("groups", 1, 25),
    }


def _rules(trial: Any) -> Settings:
    return {
        "adds": trial.suggest_categorical("adds", ("sum", "max")),
        "least": trial.suggest_int("least", 1, 20, log=True),
    }


def _sr(trial: Any) -> Settings:
    return {
        "steps": trial.suggest_int("steps", 1, 15),
        "fade": trial.suggest_categorical("fade", tuple(FADES)),
        "kept": trial.suggest_int("kept", 20, 200, log=True),
    }


def _sequential(one: Settings) -> Session:
    fade, steps = FADES[one["fade"]], one["steps"]
    return Session(lambda learned: SequentialRules(learned, steps, lambda gap: fade(gap, steps), one["kept"]))


_KNOWN: dict[str, Any] = {"only": ("home", "discover", "cart")}
FAMILIES = {
    "popular": Family(lambda one: Popular()),
    "popular, 7 days": Family(lambda one: Popular(7.0)),
    "random": Family(lambda one: Random()),
    "GP-TopFreq": Family(lambda one: TopFrequent(), **_KNOWN),
    "TIFU-kNN": Family(
        Tifu,
        _tifu,
        start=(
            {"neighbours": 300, "within": 0.9, "between": 0.7, "alpha": 0.7, "groups": 7},
            {"neighbours": 900, "within": 0.9, "between": 0.6, "alpha": 0.2, "groups": 3},
        ),
        **_KNOWN,
    ),
    **{
        name: Family(
            lambda one, name=name: Rules(name, one),
            _rules,
            kinds=(VISITS,),
            only=("cart",),
            start=({"adds": "sum", "least": 1}, {"adds": "max", "least": 3}),
        )
        for name in ("confidence", "lift")
    },
    "SR": Family(
        _sequential,
        _sr,
        kinds=(VISITS,),
        only=("session_next",),
        start=({"steps": 8, "fade": "reciprocal", "kept": 20},),
    ),
    "VSTAN": Family(
        lambda one: Session(lambda learned: Vstan(learned, *VSTAN_PUBLISHED[one["of"]])),
        lambda trial: {"of": trial.suggest_categorical("of", tuple(VSTAN_PUBLISHED))},
        kinds=(VISITS,),
        only=("session_next",),
        start=tuple({"of": one} for one in VSTAN_PUBLISHED),
    ),
}
