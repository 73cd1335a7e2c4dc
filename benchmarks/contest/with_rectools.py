"""RecTools: EASE and PureSVD, asked by its own recommend(); visits are folded into EASE's weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import EASEModel, PureSVDModel

from contest.exchange import USERS, VISITS, Asked, K, Lists, Window, best
from contest.search import Family, Settings


class RecTools:
    """One of its models over counts of users or visits."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def fit(self, window: Window, by: str) -> None:
        """Learn."""
        matrix = window.matrix(by).tocoo()
        frame = pd.DataFrame(
            {
                Columns.User: matrix.row,
                Columns.Item: matrix.col,
                Columns.Weight: matrix.data,
                Columns.Datetime: pd.Timestamp(window.now, unit="s"),
            }
        )
        self.data = Dataset.construct(frame)
        self.model.fit(self.data)
        self.known = self.data.item_id_map.external_ids.astype(np.int64)

    def lists(self, window: Window, asked: Asked, *, fresh: bool) -> Lists:
        """Its own lists for users that it knows, by its weights for others."""
        if asked.by == VISITS:
            return self._folded(window, asked, fresh=fresh)
        found = np.full((len(asked), K), -1, np.int32)
        known = set(self.data.user_id_map.external_ids.tolist())
        users = [one for one in asked.owner.tolist() if one in known]
        told = self.model.recommend(users, dataset=self.data, k=K, filter_viewed=fresh)
        place = pd.Series(np.arange(len(asked)), index=asked.owner)
        found[place[told[Columns.User]].to_numpy(), told[Columns.Rank].to_numpy() - 1] = told[Columns.Item]
        return found

    def _folded(self, window: Window, asked: Asked, *, fresh: bool) -> Lists:
        held = window.held(asked)
        inside = held[:, self.known]

        def score(places: Any) -> Any:
            scores = np.full((len(places), held.shape[1]), -np.inf)
            scores[:, self.known] = inside[places] @ self.model.weight
            return scores

        return best(score, held, fresh=fresh)


def _ease(trial: Any) -> Settings:
    return {"regularization": trial.suggest_float("regularization", 1, 10_000, log=True)}


def _svd(trial: Any) -> Settings:
    return {"factors": trial.suggest_int("factors", 8, 256, log=True)}


FAMILIES = {
    "EASE": Family(
        lambda one: RecTools(EASEModel(**one, recommend_n_threads=1)),
        _ease,
        start=({"regularization": 500.0},),
        most_items=20_000,
    ),
    "PureSVD": Family(
        lambda one: RecTools(PureSVDModel(**one, recommend_n_threads=1)),  # its seed fails in this SciPy
        _svd,
        kinds=(USERS,),
        start=({"factors": 32},),
    ),
}
