"""ALS equals the equations written out whole, and the library that most people have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shops import make_shop, reasons
from vitrina.dataset import DAY, Catalog, Dataset, Events
from vitrina.ids import UNKNOWN, Ids
from vitrina.kernels.alternation import solved, turned
from vitrina.kernels.sparse import Csr, compress
from vitrina.strategies.als import Strategy
from vitrina.strategy import Allow, Query, Seeds

PLAIN = {"exponent": 0.0, "power": 1.0}


def bought(users, items) -> Dataset:
    """A dataset of purchases without times or orders."""
    n, (n_users, n_items) = len(users), (int(max(users)) + 1, int(max(items)) + 1)
    events = Events(
        np.asarray(users, np.int32), np.asarray(items, np.int32), np.full(n, UNKNOWN, np.int32), np.arange(n),
        np.zeros(n, np.uint8), np.ones(n, np.float32), np.full(n, np.nan, np.float32),
    )  # fmt: skip
    ids = Ids.of(f"{one:06d}" for one in range(n_users)), Ids.of(f"{one:06d}" for one in range(n_items))
    return Dataset(*ids, events, Catalog.bare(n_items), timed=False)


def random_shop(seed: int, n: int = 900) -> Dataset:
    random = np.random.default_rng(seed)
    return bought(random.integers(0, 60, n), (random.beta(0.7, 2.0, n) * 40).astype(int))


def asked(*lists) -> Query:
    """Strangers with these seeds each."""
    indptr = np.concatenate(([0], np.cumsum([len(one) for one in lists]))).astype(np.int64)
    rows = np.concatenate(lists).astype(np.int32)
    seeds = Seeds(indptr, rows, np.zeros(len(rows), np.uint8), np.zeros(len(rows), np.int64))
    strangers = np.full(len(lists), UNKNOWN, np.int32)
    return Query(DAY, strangers, strangers, seeds)


def by_hand(factors: np.ndarray, columns, weights, made: Strategy, n: int) -> np.ndarray:
    """The factor of one row: its k equations, solved."""
    whole = factors.astype(np.float64)
    held, extra = whole[columns], made.confidence * np.asarray(weights, np.float64)
    ridge = made.regularization * (n + extra.sum()) ** made.exponent
    matrix = whole.T @ whole + (held.T * extra) @ held + ridge * np.eye(whole.shape[1])
    return np.linalg.solve(matrix, held.T @ (1 + extra))


def held(dataset: Dataset) -> Csr:
    return dataset.matrix(np.ones(len(dataset.events), np.float32))


@pytest.mark.parametrize("exponent", [0.0, 1.0])
@pytest.mark.parametrize("k", [3, 30])
def test_rows_are_solved(k: int, exponent: float) -> None:
    """Short rows whole and long ones step by step, both ways: products are those of the k equations."""
    made = Strategy(factors=k, regularization=0.05, exponent=exponent)
    random = np.random.default_rng(k)
    dense = np.where(
        random.random((40, 60)) < np.linspace(0.02, 0.8, 40)[:, None], random.integers(1, 4, (40, 60)), 0
    )
    dense[7] = 0
    rows, columns = np.nonzero(dense)
    values = dense[rows, columns].astype(np.float32)
    matrix = compress(rows.astype(np.int32), columns.astype(np.int32), values, dense.shape)
    found = np.zeros((40, k), np.float32)
    factors, spectrum, found = turned(random.normal(0, 0.3, (60, k)).astype(np.float32), found)
    n = len(np.unique(columns))
    for _ in range(20):  # each takes up where the one before ended
        found = solved(matrix, factors, spectrum, n, made.rules, found)
    assert not found[7].any()
    for row in np.flatnonzero(dense.any(axis=1)):
        at = np.flatnonzero(dense[row])
        np.testing.assert_allclose(
            found[row], by_hand(factors, at, dense[row, at], made, n), rtol=1e-3, atol=5e-4
        )


def test_turning_keeps_products() -> None:
    """Another basis, the same scores; and nothing beside the Gram matrix's diagonal."""
    random = np.random.default_rng(1)
    items, askers = (random.normal(size=(n, 8)).astype(np.float32) for n in (50, 9))
    found, spectrum, others = turned(items, askers)
    np.testing.assert_allclose(found.T @ found, np.diag(spectrum), atol=1e-4)
    np.testing.assert_allclose(others @ found.T, askers @ items.T, atol=1e-4)


def test_an_asker_is_one_more_customer() -> None:
    """Scores are the factor solved for the seeds times the items' factors; only positive ones are listed."""
    dataset = random_shop(1)
    made = Strategy(factors=9)
    parts = made.fit(dataset)
    n = int((np.diff(held(dataset).indptr) > 0).sum())
    lists = [[3], [1, 2, 3, 3, 3], list(range(20))]
    found = made.open(parts).top(asked(*lists), 40, Allow.all(40, 3))
    for asker, seeds in enumerate(lists):
        columns, counts = np.unique(seeds, return_counts=True)
        expected = parts["factors"] @ by_hand(parts["factors"], columns, np.sqrt(counts), made, n)
        assert set(found.of(asker).tolist()) == set(np.flatnonzero(expected > 0).tolist())
        cut = slice(found.indptr[asker], found.indptr[asker + 1])
        np.testing.assert_allclose(found.scores[cut], expected[found.of(asker)], rtol=1e-3, atol=1e-6)


def test_reasons_are_shares_of_the_score() -> None:
    """Without a seed's right side the score falls by its share; the two largest others are named."""
    dataset = random_shop(2)
    made = Strategy(factors=6)
    parts = made.fit(dataset)
    source, query = made.open(parts), asked([4, 9, 1, 0])
    found = source.top(query, 40, Allow.all(40, 1))
    n = float(parts["learned"][0])
    whole = parts["factors"].astype(np.float64)
    extra, seeds = made.confidence, np.array([4, 9, 1, 0])
    matrix = whole.T @ whole + extra * whole[seeds].T @ whole[seeds]
    matrix += made.regularization * (n + 4 * extra) ** made.exponent * np.eye(6)
    shares = whole @ np.linalg.solve(matrix, whole[seeds].T) * (1 + extra)
    np.testing.assert_allclose(shares.sum(axis=1)[found.rows], found.scores, rtol=1e-3, atol=1e-6)
    for row, why in zip(found.rows, reasons(source, query, found.rows), strict=True):
        given = {
            int(seed): share
            for seed, share in zip(seeds, shares[row], strict=True)
            if seed != row and share > 0
        }
        assert list(why.seeds) == sorted(given, key=lambda one: -given[one])[:2]


def librarys(dataset: Dataset, made: Strategy, start: np.ndarray):
    """implicit's model of the same confidences, from the same start."""
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix

    matrix = held(dataset)
    counts = csr_matrix((matrix.data, matrix.indices, matrix.indptr), shape=matrix.shape).T.tocsr()
    counts.data = (1 + made.confidence * counts.data).astype(np.float32)
    model = AlternatingLeastSquares(
        factors=made.factors, regularization=made.regularization, iterations=made.iterations, alpha=1.0,
        use_cg=False, num_threads=1, random_state=1, dtype=np.float64,
    )  # fmt: skip
    model.item_factors = start.astype(np.float64)
    model.fit(counts, show_progress=False)
    return model, counts


def assert_same_lists(dataset: Dataset, made: Strategy, users: np.ndarray) -> None:
    """Lists of 10 new items: at least 99 of 100 rows are the library's, for askers solved for anew."""
    model, counts = librarys(dataset, made, made._start(held(dataset)))
    theirs, _ = model.recommend(users, counts[users], N=10, recalculate_user=True)
    query = asked(*[counts[user].indices for user in users])
    barred = Allow(np.ones(len(dataset.items), np.bool_), query.seeds.indptr, query.seeds.rows)
    mine = made.open(made.fit(dataset)).top(query, 10, barred)
    same = [len(set(mine.of(at).tolist()) & set(theirs[at].tolist())) for at in range(len(users))]
    assert np.mean(same) / 10 >= 0.99


@pytest.mark.filterwarnings("ignore")  # implicit warns of its own conversions and of BLAS threads
def test_lists_are_implicits() -> None:
    """Equal settings and an equal start, on a random shop, each pair once."""
    random = np.random.default_rng(3)
    users, items = np.nonzero(random.random((80, 60)) < np.linspace(0.4, 0.05, 60))
    made = Strategy(factors=8, confidence=5.0, regularization=0.5, iterations=15, **PLAIN)
    assert_same_lists(bought(users, items), made, np.arange(80))


@pytest.mark.shared
@pytest.mark.filterwarnings("ignore")
def test_lists_are_implicits_on_movielens(shared: Path) -> None:
    """The same on 100,000 real ratings."""
    import pyarrow.parquet as parquet

    table = parquet.read_table(shared / "ml_100k" / "ratings.parquet")
    codes = [np.unique(table[name].to_numpy(), return_inverse=True)[1] for name in ("user_id", "item_id")]
    made = Strategy(factors=16, confidence=5.0, regularization=2.0, iterations=5, seeds=999, **PLAIN)
    assert_same_lists(bought(*codes), made, np.arange(0, 943, 5))


def test_items_never_taken_together_meet_through_others() -> None:
    """a goes with b, b with c: who took a is shown c, which a cosine would never do."""
    pairs = [(f"ab{one}", item, one) for one in range(9) for item in "ab"]
    pairs += [(f"bc{one}", item, one) for one in range(9) for item in "bc"]
    pairs += [(f"xy{one}", item, one) for one in range(9) for item in "xy"]
    dataset = make_shop(pairs)
    made = Strategy(factors=2, regularization=0.01)
    found = made.open(made.fit(dataset)).top(asked([dataset.items.row("a")]), 5, Allow.all(5, 1))
    names = dataset.items.names(found.rows)
    assert "c" in names
    assert not {"x", "y"} & set(names[:3])


def test_too_much_regularisation_says_nothing() -> None:
    """All factors come to zero, and lists are empty rather than noise."""
    made = Strategy(factors=4, regularization=1e6)
    parts = made.fit(random_shop(4))
    assert not parts["factors"].any()
    assert len(made.open(parts).top(asked([1, 2]), 9, Allow.all(40, 1)).rows) == 0


def test_parts_that_do_not_fit_are_refused() -> None:
    """A spectrum of another width than the factors."""
    made = Strategy(factors=4)
    parts = {**made.fit(random_shop(5)), "spectrum": np.ones(5)}
    with pytest.raises(ValueError, match="spectrum"):
        made.open(parts)


@pytest.mark.parametrize(
    "wrong", [{"factors": 0}, {"iterations": 0}, {"seeds": 0}, {"confidence": 0.0}, {"regularization": 0.0},
              {"exponent": -1.0}, {"power": -0.1}]
)  # fmt: skip
def test_wrong_hyperparameters_are_refused(wrong: dict[str, float]) -> None:
    """Before anything is fitted."""
    with pytest.raises(ValueError):
        Strategy(**wrong)
