"""implicit: its neighbours and its ALS, for users it has learned and for visits it has not.

`twins.py` asks for more: its neighbours of users, and its ALS from the start that Vitrina's has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender

from contest.exchange import USERS, VISITS, Asked, K, Lists, Window, best
from contest.search import SEED, Family, Settings


class Implicit:
    """One of implicit's models; what an asker has is given with each request, as its own API has it."""

    def __init__(self, make: Callable[..., Any], settings: Settings, *, factors: bool = False) -> None:
        self.model, self.factors = make(**settings), factors

    def fit(self, window: Window, by: str) -> None:
        """Learn."""
        self.model.fit(window.matrix(by), show_progress=False)

    def lists(self, window: Window, asked: Asked, *, fresh: bool) -> Lists:
        """Its own recommend(); factors of visits are made anew from their items."""
        held = window.held(asked)
        known = {"recalculate_user": asked.by == VISITS} if self.factors else {}
        users = np.arange(len(asked)) if asked.by == VISITS else np.maximum(asked.owner, 0)
        rows, scores = self.model.recommend(users, held, N=K, filter_already_liked_items=fresh, **known)
        rows = np.where(np.isfinite(scores) & (scores > -1e30), rows, -1).astype(np.int32)
        rows[np.diff(held.indptr) == 0] = -1
        return np.pad(rows, ((0, 0), (0, K - rows.shape[1])), constant_values=-1)


class Turned:
    """Its neighbours of the matrix turned over, which are users, each with what the nearest of them have."""

    def __init__(self, make: Callable[..., Any], settings: Settings) -> None:
        self.model = make(**settings)

    def fit(self, window: Window, by: str) -> None:
        """Learn."""
        self.matrix = window.matrix(by)
        self.model.fit(self.matrix.T.tocsr(), show_progress=False)

    def lists(self, window: Window, asked: Asked, *, fresh: bool) -> Lists:
        """The best by the sum of how alike users are; what none of them has is not listed."""

        def score(places: Any) -> Any:
            owner = asked.owner[places]
            scores = (self.model.similarity[np.maximum(owner, 0)] @ self.matrix).toarray()
            return np.where((scores > 0) & (owner >= 0)[:, None], scores, -np.inf)

        return best(score, window.held(asked), fresh=fresh)


class Started(Implicit):
    """Its ALS from given factors of items, as `vitrina.strategies.als` draws them from `start`."""

    def __init__(self, settings: Settings) -> None:
        self.start = settings.pop("start")
        super().__init__(AlternatingLeastSquares, settings, factors=True)

    def fit(self, window: Window, by: str) -> None:
        """Learn."""
        matrix, k = window.matrix(by), self.model.factors
        drawn = np.random.default_rng(self.start).normal(0, 0.1, (matrix.shape[1], k)) / np.sqrt(k)
        drawn[np.diff(matrix.tocsc().indptr) == 0] = 0
        self.model.item_factors = drawn.astype(np.float32)
        self.model.user_factors = np.zeros((matrix.shape[0], k), np.float32)
        self.model.fit(matrix, show_progress=False)


def _neighbours(trial: Any) -> Settings:
    return {"K": trial.suggest_int("K", 10, 1000, log=True)}


def _bm25(trial: Any) -> Settings:
    return {
        **_neighbours(trial),
        "K1": trial.suggest_float("K1", 0.2, 20, log=True),
        "B": trial.suggest_float("B", 0, 1),
    }


def _als(trial: Any) -> Settings:
    return {
        "factors": trial.suggest_int("factors", 16, 128, log=True),
        "regularization": trial.suggest_float("regularization", 1e-3, 100, log=True),
        "alpha": trial.suggest_float("alpha", 0.5, 100, log=True),
    }


FAMILIES = {
    "cosine": Family(lambda one: Implicit(CosineRecommender, one), _neighbours, start=({"K": 20},)),
    "TF-IDF": Family(lambda one: Implicit(TFIDFRecommender, one), _neighbours, start=({"K": 20},)),
    "BM25": Family(
        lambda one: Implicit(BM25Recommender, one), _bm25, start=({"K": 20, "K1": 1.2, "B": 0.75},)
    ),
    "ALS": Family(
        lambda one: Implicit(AlternatingLeastSquares, {"random_state": SEED, **one}, factors=True),
        _als,
        start=({"factors": 100, "regularization": 0.01, "alpha": 1.0},),
    ),
    "users by cosine": Family(lambda one: Turned(CosineRecommender, one), _neighbours, kinds=(USERS,)),
    "users by TF-IDF": Family(lambda one: Turned(TFIDFRecommender, one), _neighbours, kinds=(USERS,)),
    "users by BM25": Family(lambda one: Turned(BM25Recommender, one), _bm25, kinds=(USERS,)),
    **dict.fromkeys(
        ("ALS from our start", "ALS from our start, solved whole"),
        Family(lambda one: Started({"random_state": SEED, **one}), kinds=(USERS,)),
    ),
}
