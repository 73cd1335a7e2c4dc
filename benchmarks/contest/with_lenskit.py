"""LensKit: neighbours by items and by users, implicit-feedback ALS, EASE; each query with its history."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd
from lenskit.als import ImplicitMFScorer
from lenskit.data import ItemList, RecQuery, Vocabulary, from_interactions_df
from lenskit.knn import EASEScorer, ItemKNNScorer, UserKNNScorer
from lenskit.training import TrainingOptions

from contest.exchange import USERS, VISITS, Asked, Lists, Window, best
from contest.search import SEED, Family, Settings

logging.getLogger("lenskit").setLevel(logging.ERROR)


class LensKit:
    """A scorer component, trained and called alone: choosing the best scores is the same for everybody."""

    def __init__(self, scorer: Any) -> None:
        self.scorer = scorer

    def fit(self, window: Window, by: str) -> None:
        """Learn."""
        matrix = window.matrix(by).tocoo()
        frame = pd.DataFrame({"user_id": matrix.row, "item_id": matrix.col})
        data = from_interactions_df(frame)
        self.scorer.train(data, TrainingOptions(rng=SEED))
        self.known = data.items.ids().astype(np.int64)
        self.items = ItemList(self.known, vocabulary=Vocabulary(self.known, reorder=False))

    def lists(self, window: Window, asked: Asked, *, fresh: bool) -> Lists:
        """The best by the scorer, asker by asker."""
        held = window.held(asked)

        def score(places: Any) -> Any:
            return np.stack([self._scores(asked, held, int(one)) for one in places])

        return best(score, held, fresh=fresh)

    def _scores(self, asked: Asked, held: Any, place: int) -> Any:
        """What it gives no score is not listed. It is told of what it knows alone: it fails at other items."""
        scores = np.full(held.shape[1], -np.inf)
        history = held.indices[held.indptr[place] : held.indptr[place + 1]].astype(np.int64)
        history = history[np.isin(history, self.known)]
        if len(history):
            user = int(asked.owner[place]) if asked.by == USERS else None
            found = self.scorer(RecQuery(user_id=user, history_items=ItemList(history)), self.items).scores()
            scores[self.known] = np.where(np.isnan(found), -np.inf, found)
        return scores


def _item_knn(trial: Any) -> Settings:
    return {
        "max_nbrs": trial.suggest_int("max_nbrs", 5, 500, log=True),
        "save_nbrs": trial.suggest_int("save_nbrs", 20, 1000, log=True),
    }


def _user_knn(trial: Any) -> Settings:
    return {"max_nbrs": trial.suggest_int("max_nbrs", 5, 500, log=True)}


def _als(trial: Any) -> Settings:
    return {
        "embedding_size": trial.suggest_int("embedding_size", 16, 128, log=True),
        "regularization": trial.suggest_float("regularization", 1e-3, 10, log=True),
        "weight": trial.suggest_float("weight", 1, 200, log=True),
    }


def _ease(trial: Any) -> Settings:
    return {"regularization": trial.suggest_float("regularization", 1, 10_000, log=True)}


FAMILIES = {
    "ItemKNN": Family(
        lambda one: LensKit(ItemKNNScorer(feedback="implicit", **one)),
        _item_knn,
        start=({"max_nbrs": 20, "save_nbrs": 100},),
    ),
    "UserKNN": Family(
        lambda one: LensKit(UserKNNScorer(feedback="implicit", **one)),
        _user_knn,
        kinds=(USERS, VISITS),
        start=({"max_nbrs": 30},),
    ),
    "ALS": Family(
        lambda one: LensKit(ImplicitMFScorer(**one)),
        _als,
        start=({"embedding_size": 50, "regularization": 0.1, "weight": 40.0},),
    ),
    "EASE": Family(
        lambda one: LensKit(EASEScorer(**one)), _ease, start=({"regularization": 500.0},), most_items=20_000
    ),
}
