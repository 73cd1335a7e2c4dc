"""A graph filter equals the papers' formulas, written out dense."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse import linalg

from shops import make_shop
from vitrina.errors import DataError
from vitrina.strategies.graph_filter import Strategy, _lanczos

ALL = {"walks": 999, "kept": 999}


def random_shop(seed, n_users=70, n_items=25, share=0.25):
    """Customers who took a random quarter of the items, the first ones more often; one item nobody took."""
    rng = np.random.default_rng(seed)
    taken = rng.random((n_users, n_items)) < share * np.linspace(2, 0.3, n_items)
    taken[:, 3] = False
    pairs = [(f"u{user:02d}", f"i{item:02d}", 1) for user, item in zip(*np.nonzero(taken), strict=True)]
    return make_shop(pairs, items=[f"i{item:02d}" for item in range(n_items)]), taken.astype(np.float64)


def dense(parts, n):
    """The stored lists as a whole matrix."""
    weights = np.zeros((n, n))
    for row in range(n):
        span = slice(parts["indptr"][row], parts["indptr"][row + 1])
        weights[row, parts["indices"][span]] = parts["scores"][span]
    return weights


def scaled(taken, alpha):
    """R~, customers x items, and the degrees of items."""
    users, items = taken.sum(1), taken.sum(0)
    users, items = np.where(users > 0, users, 1), np.where(items > 0, items, 1)
    return taken * users[:, None] ** -alpha * items[None, :] ** (alpha - 1), items


def off_diagonal(matrix):
    return matrix - np.diag(np.diag(matrix))


@pytest.mark.parametrize("rank", [1, 4, 9])
def test_the_filter_is_gf_cfs(rank):
    """R~'R~ + 0.3 D^-1/2 U U' D^1/2 over the first singular vectors (Shen et al. 2021, section 4.2)."""
    shop, taken = random_shop(1)
    walks, items = scaled(taken, 0.5)
    vectors = np.linalg.svd(walks)[2][:rank].T
    low_pass = np.diag(items**-0.5) @ vectors @ vectors.T @ np.diag(items**0.5)
    expected = off_diagonal(walks.T @ walks + 0.3 * low_pass)
    parts = Strategy(rank=rank, smooth=0.3, **ALL).fit(shop)
    np.testing.assert_allclose(dense(parts, 25), expected, atol=2e-6)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize(("alpha", "power"), [(0.5, 1.0), (0.7, 1.3)])
def test_the_filter_is_turbo_cfs(order, alpha, power):
    """P, 2P - P^2 and P + 0.01 (-P^3 + 10 P^2 - 29 P) of P = (R~'R~) to a power, entry by entry (Park et al. 2024)."""
    shop, taken = random_shop(2)
    walks = scaled(taken, alpha)[0]
    p = (walks.T @ walks) ** power
    filters = [p, 2 * p - p @ p, p + 0.01 * (-p @ p @ p + 10 * p @ p - 29 * p)]
    parts = Strategy(order=order, alpha=alpha, power=power, smooth=0.0, **ALL).fit(shop)
    np.testing.assert_allclose(dense(parts, 25), off_diagonal(filters[order - 1]), atol=2e-6)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_what_many_take_stands_before_what_few_do_as_in_chebycf(order):
    """The filter between D^-beta and D^beta: a seed's entries divided, a candidate's multiplied (Kim et al. 2025)."""
    shop, taken = random_shop(4)
    walks, items = scaled(taken, 0.5)
    p = walks.T @ walks
    filters = [p, 2 * p - p @ p, p + 0.01 * (-p @ p @ p + 10 * p @ p - 29 * p)]
    expected = np.diag(items**-0.4) @ filters[order - 1] @ np.diag(items**0.4)
    parts = Strategy(order=order, popularity=0.4, smooth=0.0, **ALL).fit(shop)
    np.testing.assert_allclose(dense(parts, 25), off_diagonal(expected), atol=2e-6)


def test_large_matrices_take_the_sparse_way_to_the_same_vectors():
    """With ranks far below both sides singular vectors come of a sparse solver; the filter is the same."""
    shop, taken = random_shop(3, n_users=90, n_items=60)
    walks, items = scaled(taken, 0.5)
    vectors = np.linalg.svd(walks)[2][:5].T
    low_pass = np.diag(items**-0.5) @ vectors @ vectors.T @ np.diag(items**0.5)
    parts = Strategy(rank=5, smooth=1.0, **ALL).fit(shop)
    np.testing.assert_allclose(dense(parts, 60), off_diagonal(walks.T @ walks + low_pass), atol=5e-6)


def test_only_the_largest_entries_are_kept():
    """Of each item at most `kept`, those of greatest size, whatever their sign."""
    shop, _ = random_shop(4)
    whole, few = (dense(Strategy(rank=6, walks=999, kept=kept).fit(shop), 25) for kept in (999, 4))
    assert ((few != 0).sum(axis=1) <= 4).all()
    for row in np.flatnonzero(few.any(axis=1)):
        held = few[row] != 0
        np.testing.assert_allclose(few[row][held], whole[row][held], atol=1e-7)
        assert np.abs(few[row][held]).min() >= np.sort(np.abs(whole[row]))[-4] - 1e-6


def test_few_walks_are_those_of_the_strongest():
    """With `walks` of 3 the linear filter keeps each item's three strongest neighbours."""
    shop, taken = random_shop(5)
    walks = scaled(taken, 0.5)[0]
    expected = off_diagonal(walks.T @ walks)
    found = dense(Strategy(smooth=0.0, walks=3).fit(shop), 25)
    for row in range(25):
        np.testing.assert_allclose(np.sort(found[row])[-3:], np.sort(expected[row])[-3:], atol=1e-6)
        assert (found[row] != 0).sum() <= 3


@pytest.mark.parametrize(
    "wrong", [{"order": 0}, {"order": 4}, {"rank": 0}, {"walks": 0}, {"kept": 0}, {"seeds": 0}, {"alpha": 1.1},
              {"smooth": -1.0}, {"power": 0.0}, {"popularity": -0.1}]
)  # fmt: skip
def test_wrong_hyperparameters_are_refused(wrong):
    """Before anything is fitted."""
    with pytest.raises(ValueError):
        Strategy(**wrong)


def test_the_most_taken_alone_are_learned():
    """With fewer items than there are, lists are those of a shop that sells the head alone."""
    shop, taken = random_shop(4)
    head = np.sort(np.argsort(-taken.sum(0), kind="stable")[:9])
    parts = Strategy(items=9, rank=3, **ALL).fit(shop)
    found = dense(parts, 25)
    pairs = [
        (f"u{user:02d}", f"i{item:02d}", 1)
        for user, item in zip(*np.nonzero(taken), strict=True)
        if item in head
    ]
    small = Strategy(rank=3, **ALL).fit(make_shop(pairs))
    np.testing.assert_allclose(found[np.ix_(head, head)], dense(small, 9), atol=2e-6)
    assert not np.delete(found, head, 0).any()


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_vectors_that_do_not_settle_are_asked_for_again(failures, monkeypatch):
    """With more room the same are found; where that fails too, the reason and a way out are said."""
    whole = sparse.random(200, 300, 0.05, format="csr", rng=np.random.default_rng(1))
    expected, plain, calls = _lanczos(whole, 8)[1], linalg.svds, []

    def unsettled(*given, **options):
        calls.append(options)
        if len(calls) <= failures and "solver" in options:
            raise np.linalg.LinAlgError("singular triplets did not converge")
        if len(calls) <= failures:
            raise linalg.ArpackNoConvergence("no convergence", np.zeros(0), np.zeros((0, 0)))
        return plain(*given, **options)

    monkeypatch.setattr(linalg, "svds", unsettled)
    if failures < 3:
        np.testing.assert_allclose(_lanczos(whole, 8)[1], expected, rtol=1e-9)
        assert len(calls) == failures + 1
        assert calls[-1].get("ncv", 0) > 3 * 8 or failures == 1
    else:
        with pytest.raises(DataError, match="set smooth = 0"):
            _lanczos(whole, 8)


def test_vectors_that_are_found_twice_are_asked_for_again():
    """In a shop of parts that share no customer many values are alike, and PROPACK's vectors the same."""
    whole = sparse.block_diag([np.full((3, 4), 0.25)] * 150, format="csr")
    again = linalg.svds(whole, k=64, solver="propack", rng=2021)[0]
    assert np.abs(again.T @ again - np.eye(64)).max() > 0.1
    vectors, values = _lanczos(whole, 64)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(64), atol=1e-9)
    np.testing.assert_allclose(values, np.sqrt(12) / 4, rtol=1e-9)
