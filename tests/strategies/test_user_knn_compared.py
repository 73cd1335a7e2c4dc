"""Customers are alike by every weighting as the arithmetic says, whoever asks, and as a library has it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from customers import and_since, assert_scores, bought, random_shop, stranger, vectors_of, whole_history
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.dataset import DAY, VIEW, Dataset
from vitrina.ids import UNKNOWN
from vitrina.kernels.likeness import WEIGHTINGS
from vitrina.strategies.user_knn import Strategy
from vitrina.strategy import Allow, Query

COMPARED: tuple[dict[str, Any], ...] = (
    {"rarity": 1.0},
    {"rarity": 0.7, "asymmetry": 0.2, "shrink": 3.0, "popularity": 0.4},
    {"asymmetry": 1.0, "shrink": 1.0, "dilution": 0.0},
    {"weighting": "tfidf"},
    {"weighting": "tfidf", "asymmetry": 0.3, "shrink": 2.0, "dilution": 0.5},
    {"weighting": "bm25"},
    {"weighting": "bm25", "bm25_k1": 5.0, "bm25_b": 0.2, "popularity": 0.3},
    {"weighting": "jaccard"},
    {"weighting": "tversky", "ours": 0.2, "theirs": 0.9, "shrink": 4.0},
    {"weighting": "tversky", "ours": 1.5, "theirs": 0.0, "dilution": 0.0},
)


def closeness(whole: np.ndarray, asker: np.ndarray, made: Strategy) -> np.ndarray:
    """Of one asker's weights to each customer's, float32; but for a factor of the asker where that is no set."""
    having = np.maximum((whole > 0).sum(axis=0), 1)
    if made.weighting in ("jaccard", "tversky"):
        ours, theirs = (made.ours, made.theirs) if made.weighting == "tversky" else (1.0, 1.0)
        common = ((whole > 0) & (asker > 0)).sum(axis=1)
        alone, beside = (asker > 0).sum() - common, (whole > 0).sum(axis=1) - common
        below = common + ours * alone + theirs * beside + made.shrink
        return np.divide(common, below, out=np.zeros(len(whole)), where=common > 0).astype(np.float32)
    if made.weighting == "bm25":
        idf = np.log(len(whole)) - np.log1p((whole > 0).sum(axis=0))
        long = np.ones(len(whole))
        mean = whole.sum(axis=1).mean()
        k1, b = made.bm25_k1, made.bm25_b

        def counted(rows: np.ndarray) -> np.ndarray:
            norm = k1 * (1 - b + b * rows.sum(axis=-1, keepdims=True) / mean)
            return idf * rows * (k1 + 1) / (norm + rows)

    else:
        root = made.weighting == "tfidf"
        idf = np.log(len(whole)) - np.log1p((whole > 0).sum(axis=0))
        rare = idf if root else np.log1p(whole.any(axis=1).sum() / having) ** made.rarity

        def counted(rows: np.ndarray) -> np.ndarray:
            return rare * (np.sqrt(rows) if root else rows)

        long = np.sqrt((counted(whole) ** 2).sum(axis=1) + made.shrink) ** (2 - 2 * made.asymmetry)
    return (counted(whole) @ counted(asker) / long).astype(np.float32)


def listed(whole: np.ndarray, close: np.ndarray, made: Strategy) -> np.ndarray:
    """Scores of all items: what the nearest customers say of them; ties to the lower customer."""
    having = np.maximum((whole > 0).sum(axis=0), 1.0)
    shares = whole / np.sqrt((whole**2).sum(axis=1, keepdims=True)) ** made.dilution
    nearest = np.argsort(-close, kind="stable")[: made.neighbours]
    return close[nearest].astype(float) @ (shares[nearest] * having**-made.popularity)


@pytest.mark.parametrize(("known", "kept"), [(True, 1000), (True, 0), (False, 1000)])
@pytest.mark.parametrize("how", COMPARED)
def test_customers_may_be_compared_otherwise(known: bool, kept: int, how: dict[str, Any]) -> None:
    """Every weighting, for customers who are listed, or not, and for visitors: the sums written out."""
    dataset = random_shop(6)
    made = Strategy(neighbours=7, listed=kept, **how)
    source, whole = made.open(made.fit(dataset)), vectors_of(dataset, 0)
    for user in range(0, len(whole), 3):
        query = whole_history(dataset, user)
        if not known:
            query = replace(query, users=np.array([UNKNOWN], np.int32))
        close = closeness(whole, whole[user], made)
        if known:
            close[user] = 0
        assert_scores(source.top(query, 30, Allow.all(30, 1)), listed(whole, close, made))


@pytest.mark.parametrize("how", COMPARED[3:])
def test_what_was_done_since_is_compared_with_the_rest(how: dict[str, Any]) -> None:
    """A customer's history and what followed are one vector, also where what events count does not add up."""
    dataset = random_shop(4)
    made = Strategy(neighbours=9, half_life_days=15.0, **how)
    source, whole = made.open(made.fit(dataset)), vectors_of(dataset, 15.0)
    query = and_since(whole_history(dataset, 5), [1, 2], [0, VIEW], dataset.end + 10 * DAY)
    asker = whole[5] * 2.0 ** (-10 / 15)
    asker[[1, 2]] += [1.0, 0.25]
    close = closeness(whole, asker, made)
    close[5] = 0
    found = source.top(query, 30, Allow.all(30, 1))
    assert_scores(found, listed(whole, close, made))


ITEMS = 9


def signed(events: list[tuple[int, int, int, int]]) -> Dataset:
    """A shop in which every customer has an item of their own, of rows from ITEMS on: who is near shows in
    a list. Events are (customer, item, type, day)."""
    users = sorted({user for user, *_ in events})
    own = [(place, ITEMS + place, 0, 0) for place in range(len(users))]
    rest = [(users.index(user), *more) for user, *more in events]
    all_of = sorted([*own, *rest], key=lambda one: one[3])
    user, item, kind, day = zip(*all_of, strict=True)
    return bought(user, item, day, kind)


def near(made: Strategy, dataset: Dataset, query: Query, but: int) -> np.ndarray:
    """float64 per customer: how near to one who asks, as shares of the nearest; 0 for who is not in the circle."""
    n = len(dataset.users)
    found = made.open(made.fit(dataset)).top(query, ITEMS + n, Allow.all(ITEMS + n, 1))
    close = np.zeros(n)
    signs = found.rows >= ITEMS
    close[found.rows[signs] - ITEMS] = found.scores[signs]
    close[but] = 0
    return close / max(close.max(), 1e-30)


shops = st.lists(
    st.tuples(st.integers(0, 11), st.integers(0, ITEMS - 1), st.integers(0, 2), st.integers(0, 40)),
    min_size=20, max_size=70,
)  # fmt: skip
ways = st.fixed_dictionaries(
    {"asymmetry": st.floats(0, 1), "shrink": st.floats(0, 5), "rarity": st.floats(0, 1.5),
     "bm25_k1": st.floats(0.2, 9), "bm25_b": st.floats(0, 1), "ours": st.floats(0, 2), "theirs": st.floats(0, 2),
     "half_life_days": st.sampled_from([7.0, 0.0])}
)  # fmt: skip


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@settings(max_examples=25, deadline=None)
@given(events=shops, how=ways, data=st.data())
def test_a_customer_and_a_visitor_with_their_history_have_the_same_neighbours(
    weighting: str, events: list[tuple[int, int, int, int]], how: dict[str, Any], data: st.DataObject
) -> None:
    """From what was learned, through takers with an id, and through takers as nobody: as near to everybody."""
    dataset = signed(events)
    user = data.draw(st.integers(0, len(dataset.users) - 1))
    query = whole_history(dataset, user)
    nobody = replace(query, users=np.array([UNKNOWN], np.int32))
    made = Strategy(dilution=0.0, weighting=weighting, **how)
    learned = near(made, dataset, query, user)
    for other, asked in ((replace(made, listed=0), query), (made, nobody)):
        np.testing.assert_allclose(near(other, dataset, asked, user), learned, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@settings(max_examples=25, deadline=None)
@given(events=shops, how=ways, few=st.integers(1, 5), data=st.data())
def test_the_few_nearest_are_as_near_however_they_are_found(
    weighting: str,
    events: list[tuple[int, int, int, int]],
    how: dict[str, Any],
    few: int,
    data: st.DataObject,
) -> None:
    """A circle of a few holds those who are nearest; of who is as near as another it may hold either."""
    dataset = signed(events)
    user = data.draw(st.integers(0, len(dataset.users) - 1))
    made = Strategy(dilution=0.0, neighbours=few, weighting=weighting, **how)
    query, all_of = whole_history(dataset, user), replace(made, neighbours=100)
    whole = np.sort(near(all_of, dataset, query, user))[::-1][:few]
    for one in (made, replace(made, listed=0)):
        found = np.sort(near(one, dataset, query, user))[::-1][:few]
        np.testing.assert_allclose(found, whole, rtol=1e-4, atol=1e-7)


def test_a_part_of_a_history_counts_as_a_set_of_its_own() -> None:
    """A visitor of two items is as near to those who have just these by Jaccard as can be."""
    dataset = bought([0, 0, 1, 1, 1, 1, 2], [0, 1, 0, 1, 2, 3, 3])
    made = Strategy(weighting="jaccard", dilution=0.0)
    found = made.open(made.fit(dataset)).top(stranger([0, 1], [0, 0], [9, 9]), 4, Allow.all(4, 1))
    assert dict(zip(found.rows.tolist(), found.scores.tolist(), strict=True)) == {
        0: 1.5, 1: 1.5, 2: 0.5, 3: 0.5
    }  # fmt: skip


@pytest.mark.shared
@pytest.mark.filterwarnings("ignore")  # implicit warns of its own conversions
@pytest.mark.parametrize("weighting", ["cosine", "tfidf", "bm25"])
def test_neighbours_are_implicits_on_movielens(shared: Path, weighting: str) -> None:
    """The 20 nearest of 943 customers: implicit's neighbours of the matrix turned over."""
    import pyarrow.parquet as parquet
    from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
    from scipy.sparse import coo_matrix

    table = parquet.read_table(shared / "ml_100k" / "ratings.parquet")
    users, items = (
        np.unique(table[one].to_numpy(), return_inverse=True)[1] for one in ("user_id", "item_id")
    )
    parts = Strategy(neighbours=20, weighting=weighting).fit(bought(users, items))
    model = {"cosine": CosineRecommender, "tfidf": TFIDFRecommender,
             "bm25": lambda **one: BM25Recommender(K1=1.2, B=0.75, **one)}[weighting](K=943, num_threads=1)  # fmt: skip
    model.fit(coo_matrix((np.ones(len(users)), (items, users))).tocsr(), show_progress=False)
    for user in range(users.max() + 1):
        row = model.similarity.getrow(user)
        known = {one: score for one, score in zip(row.indices, row.data, strict=True) if one != user}
        span = slice(parts["alike/indptr"][user], parts["alike/indptr"][user + 1])
        rows, scores = parts["alike/rows"][span], parts["alike/scores"][span]
        np.testing.assert_allclose(scores, sorted(known.values(), reverse=True)[:20], rtol=2e-5)
        np.testing.assert_allclose(scores, [known[int(one)] for one in rows], rtol=2e-5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rarity": -1.0},
        {"asymmetry": 1.1},
        {"shrink": -1.0},
        {"popularity": -0.1},
        {"dilution": -0.1},
        {"weighting": "pearson"},
        {"bm25_k1": -1.0},
        {"bm25_b": 1.5},
        {"theirs": -1.0},
    ],
)
def test_wrong_comparisons_are_refused(wrong: dict[str, Any]) -> None:
    """Before anything is fitted."""
    with pytest.raises(ValueError):
        Strategy(**wrong)
