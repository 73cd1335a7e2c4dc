"""Cornac: EASE, BPR, and its models of the next basket (GPTop, UPCF, TIFUKNN), each by its own score()."""

from __future__ import annotations

from typing import Any

import numpy as np
import similaripy
from cornac.data import BasketDataset, Dataset
from cornac.models import BPR, EASE, TIFUKNN, UPCF, GPTop
from scipy.sparse import csr_matrix

from contest.exchange import USERS, VISITS, Asked, Lists, Window, best
from contest.search import SEED, Family, Settings


class Cornac:
    """A model of users and items. Visits are folded into EASE's weights; factors know users alone."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def fit(self, window: Window, by: str) -> None:
        """Learn."""
        matrix = window.matrix(by).tocoo()
        data = Dataset.from_uir(
            list(zip(matrix.row.tolist(), matrix.col.tolist(), matrix.data.tolist(), strict=True)), seed=SEED
        )
        self.model.fit(data)
        self.users, self.known = data.uid_map, np.array(list(data.iid_map), np.int64)

    def lists(self, window: Window, asked: Asked, *, fresh: bool) -> Lists:
        """The best by its scores; nothing for users that it does not know."""
        held = window.held(asked)
        inside = held[:, self.known]

        def score(places: Any) -> Any:
            scores = np.full((len(places), held.shape[1]), -np.inf)
            for at, place in enumerate(places):
                if asked.by == VISITS:
                    scores[at, self.known] = inside[place] @ self.model.B
                elif (user := self.users.get(int(asked.owner[place]))) is not None:
                    scores[at, self.known] = np.asarray(self.model.score(user)).ravel()
            return scores

        return best(score, held, fresh=fresh)


class NextBasket:
    """A model of users' baskets, in their order. `most`: the items most sold, of which alone it knows where there
    are more."""

    def __init__(self, model: Any, most: int = 1_000_000) -> None:
        self.model, self.most = model, most

    def fit(self, window: Window, by: str) -> None:
        """Learn; without visits each event is a basket."""
        sold = np.bincount(window.item, minlength=len(window.product))
        head = np.zeros(len(sold), np.bool_)
        head[np.argsort(-sold, kind="stable")[: self.most]] = True
        keep = (window.user >= 0) & head[window.item]
        visit = np.where(window.visit >= 0, window.visit, -2 - np.arange(len(window.visit)))[keep]
        user, item = window.user[keep], window.item[keep]
        lines = dict.fromkeys(zip(user.tolist(), visit.tolist(), item.tolist(), strict=True))
        data = BasketDataset.from_ubi(list(lines), seed=SEED)
        self.model.fit(data)
        self.known = np.array(list(data.iid_map), np.int64)
        baskets: dict[int, dict[int, list[int]]] = {}
        for one, basket, row in lines:
            baskets.setdefault(one, {}).setdefault(basket, []).append(data.iid_map[row])
        self.users, self.baskets = data.uid_map, baskets

    def lists(self, window: Window, asked: Asked, *, fresh: bool) -> Lists:
        """The best by its scores after each user's baskets."""
        held = window.held(asked)

        def score(places: Any) -> Any:
            scores = np.full((len(places), held.shape[1]), -np.inf)
            for at, place in enumerate(places):
                past = list(self.baskets.get(int(asked.owner[place]), {}).values())
                if past:
                    user = self.users[int(asked.owner[place])]
                    scores[at, self.known] = np.asarray(self.model.score(user, past)).ravel()
            return scores

        return best(score, held, fresh=fresh)


def _rows_times(first: Any, *more: Any, **named: Any) -> Any:
    """similaripy's product, also of a single row: scipy of today gives UPCF one of one dimension, of which
    similaripy ends the process."""
    return _product(csr_matrix(first.reshape(1, -1)) if first.ndim == 1 else first, *more, **named)


_product, similaripy.dot_product = similaripy.dot_product, _rows_times


def _ease(trial: Any) -> Settings:
    return {"lamb": trial.suggest_float("lamb", 1, 10_000, log=True)}


def _bpr(trial: Any) -> Settings:
    return {
        "k": trial.suggest_int("k", 16, 128, log=True),
        "max_iter": trial.suggest_int("max_iter", 20, 200, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 0.001, 0.1, log=True),
        "lambda_reg": trial.suggest_float("lambda_reg", 1e-4, 0.1, log=True),
    }


def _upcf(trial: Any) -> Settings:
    return {
        "recency": trial.suggest_int("recency", 1, 100, log=True),
        "locality": trial.suggest_int("locality", 1, 10),
        "asymmetry": trial.suggest_float("asymmetry", 0, 1),
    }


def _tifuknn(trial: Any) -> Settings:
    return {
        "n_neighbors": trial.suggest_int("n_neighbors", 10, 900, log=True),
        "within_decay_rate": trial.suggest_float("within_decay_rate", 0.5, 1.0),
        "group_decay_rate": trial.suggest_float("group_decay_rate", 0.1, 1.0),
        "alpha": trial.suggest_float("alpha", 0, 1),
        "n_groups": trial.suggest_int("n_groups", 2, 20),
    }


_BASKETS: dict[str, Any] = {"kinds": (USERS,), "only": ("home", "discover")}
FAMILIES = {
    "EASE": Family(
        lambda one: Cornac(EASE(posB=False, verbose=False, **one)),
        _ease,
        start=({"lamb": 500.0},),
        most_items=20_000,
    ),
    "BPR": Family(
        lambda one: Cornac(BPR(seed=SEED, verbose=False, num_threads=1, **one)),
        _bpr,
        kinds=(USERS,),
        start=({"k": 64, "max_iter": 100, "learning_rate": 0.01, "lambda_reg": 0.01},),
    ),
    "GPTop": Family(lambda one: NextBasket(GPTop()), **_BASKETS),
    "UPCF": Family(
        lambda one: NextBasket(UPCF(**one)),
        _upcf,
        # A grocer's year leaves time for one trial; by its own locality of 1 it is worth a fifth less there.
        start=({"recency": 50, "locality": 5, "asymmetry": 0.25},),
        **_BASKETS,
    ),
    "TIFUKNN": Family(
        # It holds a vector of all items for each basket and compares users by them: of all 91,725 of a grocer
        # a list takes seconds.
        lambda one: NextBasket(TIFUKNN(**one), most=20_000),
        _tifuknn,
        start=(
            {
                "n_neighbors": 300,
                "within_decay_rate": 0.9,
                "group_decay_rate": 0.7,
                "alpha": 0.7,
                "n_groups": 7,
            },
        ),
        **_BASKETS,
    ),
}
