"""Item-based filtering learns what implicit learns, and answers what the arithmetic says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shops import make_shop, reasons
from vitrina.dataset import DAY, Catalog, Dataset, Events
from vitrina.ids import UNKNOWN, Ids
from vitrina.strategies.item_knn import Strategy
from vitrina.strategy import Allow, Query, Seeds

K = 20


def asked(rows, *, types=None, days=None, now_day=100):
    """One stranger with these seeds."""
    n = len(rows)
    seeds = Seeds(
        np.array([0, n]),
        np.array(rows, np.int32),
        np.array(types if types is not None else [0] * n, np.uint8),
        np.array(days if days is not None else [now_day] * n, np.int64) * DAY,
    )
    stranger = np.full(1, UNKNOWN, np.int32)
    return Query(now_day * DAY, stranger, stranger, seeds)


def bought(users, items, n_users, n_items):
    """A dataset of purchases without times or orders: rows of users, rows of items."""
    n = len(users)
    none = np.full(n, UNKNOWN, np.int32)
    zeros = np.zeros(n, np.uint8)
    events = Events(
        np.asarray(users, np.int32), np.asarray(items, np.int32), none, np.arange(n), zeros,
        np.ones(n, np.float32), np.full(n, np.nan, np.float32),
    )  # fmt: skip
    ids = Ids.of(f"{one:06d}" for one in range(n_users)), Ids.of(f"{one:06d}" for one in range(n_items))
    return Dataset(*ids, events, Catalog.bare(n_items), timed=False)


def random_purchases(seed: int) -> Dataset:
    random = np.random.default_rng(seed)
    users, items = random.integers(0, 120, 4000), (random.beta(0.7, 2.5, 4000) * 150).astype(int)
    return bought(users, items, 120, 150)


def movielens(shared: Path) -> Dataset:
    import pyarrow.parquet as parquet

    table = parquet.read_table(shared / "ml_100k" / "ratings.parquet")
    codes = [np.unique(table[name].to_numpy(), return_inverse=True)[1] for name in ("user_id", "item_id")]
    return bought(*codes, int(codes[0].max()) + 1, int(codes[1].max()) + 1)


def library_lists(dataset: Dataset, weighting: str):
    """implicit's similarities, items x items, the K best of each and itself."""
    from implicit import nearest_neighbours as library
    from scipy.sparse import coo_matrix

    kind = {"cosine": "CosineRecommender", "tfidf": "TFIDFRecommender", "bm25": "BM25Recommender"}[weighting]
    model = getattr(library, kind)(K=K + 1, num_threads=1)
    events = dataset.events
    counts = coo_matrix(
        (np.ones(len(events)), (events.user, events.item)), (len(dataset.users), len(dataset.items))
    ).tocsr()
    model.fit(counts, show_progress=False)
    return model.similarity


def assert_same_lists(parts, similarity) -> None:
    """Same scores in order; the same items wherever a score is not tied with the last one kept."""
    for item in range(similarity.shape[0]):
        row = similarity.getrow(item)
        known = {
            one: score for one, score in zip(row.indices, row.data, strict=True) if one != item and score > 0
        }
        span = slice(parts["indptr"][item], parts["indptr"][item + 1])
        mine, scores = parts["indices"][span], parts["scores"][span]
        expected = sorted(known.values(), reverse=True)[: len(scores)]
        np.testing.assert_allclose(scores, expected, rtol=2e-5)
        assert len(mine) == min(K, len(known))
        clear = scores > expected[-1] * (1 + 1e-4) if expected else scores > 0
        assert {int(one) for one in mine[clear]} <= set(known)
        np.testing.assert_allclose(scores[clear], [known[int(one)] for one in mine[clear]], rtol=2e-5)


@pytest.mark.filterwarnings("ignore")  # implicit warns that it converts its own coo_matrix
@pytest.mark.parametrize("weighting", ["cosine", "tfidf", "bm25"])
def test_neighbours_are_implicits(weighting: str) -> None:
    """Cosine, TF-IDF and BM25 on random purchases, repeats and all: the library's lists."""
    for seed in (1, 2):
        dataset = random_purchases(seed)
        parts = Strategy(neighbours=K, weighting=weighting).fit(dataset)
        assert_same_lists(parts, library_lists(dataset, weighting))


@pytest.mark.shared
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("weighting", ["cosine", "tfidf", "bm25"])
def test_neighbours_are_implicits_on_movielens(shared: Path, weighting: str) -> None:
    """The same on 100,000 real ratings."""
    dataset = movielens(shared)
    parts = Strategy(neighbours=K, weighting=weighting).fit(dataset)
    assert_same_lists(parts, library_lists(dataset, weighting))


@pytest.mark.parametrize("power", [1.0, 0.5])
def test_a_list_is_the_weighted_sum_of_the_seeds_lists(power: float) -> None:
    """Scores equal weights of seeds times the learned similarities, by type, by age and by how often."""
    strategy = Strategy(seed_half_life_days=10.0, seed_power=power)
    dataset = make_shop(
        [(f"u{user}", f"i{item}", day) for user in range(9) for item in range(6) for day in [user + item]
         if (user * 7 + item * 3) % 5 < 3]
    )  # fmt: skip
    parts = strategy.fit(dataset)
    n = len(dataset.items)
    similar = np.zeros((n, n))
    for item in range(n):
        span = slice(parts["indptr"][item], parts["indptr"][item + 1])
        similar[item, parts["indices"][span]] = parts["scores"][span]
    query = asked([0, 1, 0, 2], types=[0, 1, 1, 2], days=[70, 80, 95, 100])
    bought, viewed = 1.0 * 2**-3.0, 0.25 * 2**-0.5
    often = max(bought, viewed) * ((bought + viewed) / max(bought, viewed)) ** power
    weight = np.array([often, 0.25 * 2**-2.0, 0.6])
    expected = weight @ similar[:3]
    found = strategy.open(parts).top(query, n, Allow.all(n, 1))
    assert sorted(found.rows.tolist()) == np.flatnonzero(expected > 0).tolist()
    np.testing.assert_allclose(found.scores, expected[found.rows], rtol=1e-5)
    why = reasons(strategy.open(parts), query, found.rows)
    for row, reason in zip(found.rows, why, strict=True):
        given = weight * similar[:3, row]
        assert given[reason.seeds[0]] == pytest.approx(given.max())


def test_only_the_latest_distinct_seeds_count() -> None:
    """With seeds=2 the third-latest item changes nothing, however often it was taken."""
    strategy = Strategy(seeds=2)
    dataset = random_purchases(3)
    source = strategy.open(strategy.fit(dataset))
    allow = Allow.all(len(dataset.items), 1)
    long = source.top(asked([9, 9, 9, 5, 7, 5]), 20, allow)
    short = source.top(asked([5, 7, 5]), 20, allow)
    assert long.rows.tolist() == short.rows.tolist()
    np.testing.assert_array_equal(long.scores, short.scores)


def test_old_seeds_still_make_a_list() -> None:
    """Who was last here ten years ago gets a list, whatever the half-life."""
    strategy = Strategy(seed_half_life_days=1.0)
    dataset = make_shop(
        [(f"u{user}", f"i{item}", 1) for user in range(4) for item in range(4) if user != item]
    )
    source = strategy.open(strategy.fit(dataset))
    assert len(source.top(asked([0], days=[1], now_day=4000), 3, Allow.all(4, 1)).rows) == 3


def test_shrink_lowers_what_little_is_known_of() -> None:
    """Two items that one customer took are no longer as alike as two that ten did."""
    pairs = [(f"u{user}", item, 1) for user in range(10) for item in ("many-a", "many-b")]
    dataset = make_shop([*pairs, ("x", "rare-a", 1), ("x", "rare-b", 1)])
    many, rare = dataset.items.row("many-a"), dataset.items.row("rare-a")
    for shrink, ratio in ((0.0, 1.0), (2.0, (1 / 3) / (10 / 12))):
        parts = Strategy(shrink=shrink).fit(dataset)
        first = parts["scores"][parts["indptr"][[many, rare]]]
        assert first[1] / first[0] == pytest.approx(ratio, rel=1e-5)


def test_views_of_strangers_teach() -> None:
    """What anonymous visits saw together is similar; what a customer sent back is not."""
    seen = [("", item, visit, "view") for visit in range(3) for item in ("a", "b")]
    dataset = make_shop([*seen, ("u", "c", 5), ("u", "a", 5), ("u", "c", 6, "return")])
    parts = Strategy().fit(dataset)
    a, b, c = (dataset.items.row(one) for one in "abc")
    assert parts["indices"][parts["indptr"][a]] == b
    assert parts["indptr"][c] == parts["indptr"][c + 1]


@pytest.mark.parametrize("wrong", [{"weighting": "cosin"}, {"neighbours": 0}, {"seeds": 0}])
def test_wrong_hyperparameters_are_refused(wrong: dict[str, object]) -> None:
    """Before anything is fitted."""
    with pytest.raises(ValueError):
        Strategy(**wrong)


def whole_counts(dataset: Dataset) -> np.ndarray:
    """Items x customers, how often each took each."""
    counts = np.zeros((len(dataset.items), len(dataset.users)))
    np.add.at(counts, (dataset.events.item, dataset.events.user), 1)
    return counts


def assert_similarities(parts, expected: np.ndarray) -> None:
    """Each list is the K best of its row, but the item itself, scores in order."""
    np.fill_diagonal(expected, 0)
    for item in range(len(expected)):
        span = slice(parts["indptr"][item], parts["indptr"][item + 1])
        best = np.sort(expected[item][expected[item] > 0])[::-1][:K]
        np.testing.assert_allclose(parts["scores"][span], best, rtol=2e-5)
        np.testing.assert_allclose(expected[item][parts["indices"][span]], best, rtol=2e-5)


@pytest.mark.parametrize("weighting", ["cosine", "tfidf"])
@pytest.mark.parametrize(
    ("asymmetry", "popularity", "shrink"), [(0.1, 0.0, 0.0), (1.0, 0.3, 5.0), (0.5, 0.7, 2.0)]
)
def test_cosines_may_be_asymmetric(
    weighting: str, asymmetry: float, popularity: float, shrink: float
) -> None:
    """<i, j> / |i|^2a |j|^2(1 - a) (Aiolli 2013), over the other's number of customers to a power."""
    dataset = random_purchases(5)
    counts = whole_counts(dataset)
    taken = (counts > 0).sum(axis=1)
    if weighting == "tfidf":
        counts = np.sqrt(counts) * np.log(len(counts) / (1 + (counts > 0).sum(axis=0)))
    lengths = np.maximum(np.sqrt((counts**2).sum(axis=1) + shrink), 1e-9)
    expected = (
        counts @ counts.T / lengths[:, None] ** (2 * asymmetry) / lengths[None, :] ** (2 - 2 * asymmetry)
    )
    expected *= np.maximum(taken, 1.0)[None, :] ** -popularity
    made = Strategy(
        neighbours=K, weighting=weighting, asymmetry=asymmetry, popularity=popularity, shrink=shrink
    )
    assert_similarities(made.fit(dataset), expected)


def test_bm25_may_hold_popular_ones_down() -> None:
    """The product of all items' BM25 rows over the other's number of customers to a power."""
    dataset = random_purchases(6)
    plain = Strategy(neighbours=150, weighting="bm25").fit(dataset)
    expected = np.zeros((150, 150))
    expected[np.repeat(np.arange(150), np.diff(plain["indptr"])), plain["indices"]] = plain["scores"]
    expected *= np.maximum((whole_counts(dataset) > 0).sum(axis=1), 1.0)[None, :] ** -0.5
    assert_similarities(Strategy(neighbours=K, weighting="bm25", popularity=0.5).fit(dataset), expected)


@pytest.mark.parametrize(
    "made", [{"weighting": "jaccard"}, {"weighting": "tversky", "ours": 0.2, "theirs": 0.9}]
)
def test_items_may_be_sets(made: dict[str, Any]) -> None:
    """Customers in common over all, those of one item alone counting as asked; how often does not matter."""
    dataset = random_purchases(7)
    had = (whole_counts(dataset) > 0).astype(np.float64)
    common, sizes = had @ had.T, had.sum(axis=1)
    ours, theirs = made.get("ours", 1.0), made.get("theirs", 1.0)
    whole = common + ours * (sizes[:, None] - common) + theirs * (sizes[None, :] - common) + 3.0
    assert_similarities(Strategy(neighbours=K, shrink=3.0, **made).fit(dataset), common / whole)


@pytest.mark.parametrize(
    "wrong", [{"asymmetry": 1.5}, {"asymmetry": -0.1}, {"popularity": -1.0}, {"ours": -1.0}, {"theirs": -1.0}]
)
def test_wrong_likenesses_are_refused(wrong: dict[str, Any]) -> None:
    """Before anything is fitted."""
    with pytest.raises(ValueError):
        Strategy(**wrong)
