"""Values that share a purchase: the affinity is the brute count's, and new items profit from their first day."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shops import make_shop, reasons
from vitrina.catalog import PATH, Attribute, Catalog
from vitrina.errors import DataError
from vitrina.ids import UNKNOWN
from vitrina.kernels.affinity import affinities, product
from vitrina.kernels.sparse import compress
from vitrina.strategies.transaction_similar import Strategy
from vitrina.strategy import Allow, Query, Seeds


def asked(*rows):
    """A stranger who looked at these."""
    n = len(rows)
    seeds = Seeds(np.array([0, n]), np.array(rows, np.int32), np.ones(n, np.uint8), np.zeros(n, np.int64))
    return Query(0, np.array([UNKNOWN], np.int32), np.array([UNKNOWN], np.int32), seeds)


def catalogue(n, seed=0):
    """Items of a few categories and brands, with prices."""
    random = np.random.default_rng(seed)
    paths = [f"{'AB'[leaf % 2]}{PATH}{leaf}" for leaf in random.integers(0, 6, n)]
    brands = [("", "x", "y", "z")[one] for one in random.integers(0, 4, n)]
    return replace(
        Catalog.bare(n),
        category=Attribute.of(paths),
        price=np.exp(random.normal(2, 1, n)).astype(np.float32),
        attributes={"brand": Attribute.of(brands)},
    )


def cut(catalog, n):
    """The first n items."""
    return replace(
        catalog,
        product=catalog.product[:n],
        price=catalog.price[:n],
        category=Attribute.of([catalog.category.text(row) for row in range(n)]),
        attributes={"brand": Attribute.of([catalog.attributes["brand"].text(row) for row in range(n)])},
    )


def shop_of(catalog, baskets):
    """A shop of this catalogue and these baskets of rows."""
    happened = [(f"u{at}", f"{row:04d}", at) for at, basket in enumerate(baskets) for row in basket]
    shop = make_shop(happened, items=[f"{row:04d}" for row in range(len(catalog))])
    return replace(shop, catalog=catalog)


def random_baskets(n_items, n=120, seed=0):
    random = np.random.default_rng(seed)
    return [random.integers(0, n_items, random.integers(1, 7)).tolist() for _ in range(n)] if n_items else []


def sparse(x):
    rows, columns = np.nonzero(x)
    values = x[rows, columns].astype(np.float32)
    return compress(rows.astype(np.int32), columns.astype(np.int32), values, x.shape)


def dense(indptr, rows, scores, width):
    x = np.zeros((len(indptr) - 1, width))
    x[np.repeat(np.arange(len(indptr) - 1), np.diff(indptr)), rows] = scores
    return x


def brute_affinity(baskets, has):
    """(root of the log-likelihood ratio, log lift, weighted pairs) by looking at each pair of items."""
    n = has.shape[1]
    both, one, whole = np.zeros((n, n)), np.zeros(n), 0.0
    for basket in baskets:
        items = sorted(set(basket))
        for a in items:
            for b in items:
                if a != b:
                    weight = 1 / (len(items) - 1)
                    both += weight * np.outer(has[a], has[b])
                    one += weight * has[a]
                    whole += weight
    ratio, lift = np.zeros((n, n)), np.zeros((n, n))
    for a in range(n):
        for b in range(n):
            cells = [
                both[a, b],
                one[a] - both[a, b],
                one[b] - both[a, b],
                whole - one[a] - one[b] + both[a, b],
            ]
            chance = [
                one[a] * one[b],
                one[a] * (whole - one[b]),
                (whole - one[a]) * one[b],
                (whole - one[a]) * (whole - one[b]),
            ]
            if cells[0] * whole > chance[0] * (1 + 1e-9):
                terms = [c * math.log(c * whole / e) for c, e in zip(cells, chance, strict=True) if c > 1e-9]
                ratio[a, b] = math.sqrt(max(0.0, 2 * sum(terms)))
                lift[a, b] = math.log(cells[0] * whole / chance[0])
    return ratio, lift, both


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 7), min_size=1, max_size=6), max_size=12),
    st.lists(st.lists(st.integers(0, 4), max_size=3), min_size=8, max_size=8),
    st.sampled_from([0.0, 1.0, 2.0]),
)
def test_affinity_is_what_each_pair_of_items_says(baskets, values, least):
    """Both scores, for any baskets and values, are those of counting pair by pair; an item never meets itself."""
    has = np.zeros((8, 5))
    for item, held in enumerate(values):
        has[item, held] = 1
    bought = np.zeros((len(baskets), 8))
    for at, basket in enumerate(baskets):
        bought[at, basket] = 1
    ratio, lifts, both = brute_affinity(baskets, has)
    for lift, expected in ((False, ratio), (True, lifts)):
        found = dense(*affinities(sparse(bought), sparse(has), 5, least, lift=lift), 5)
        np.testing.assert_allclose(found, expected * (both >= least - 1e-9), rtol=1e-4, atol=2e-3)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sets(st.integers(0, 7), min_size=1, max_size=6), min_size=1, max_size=8),
    st.lists(st.integers(0, 3), min_size=8, max_size=8),
    st.booleans(),
)
def test_a_basket_of_worth_two_is_two_baskets(baskets, worth, lift):
    """What counts n times is as if it had been bought n times, and what counts nothing as if never."""
    has, bought = np.eye(8, 5) + np.eye(8, 5, -3), np.zeros((len(baskets), 8))
    for at, basket in enumerate(baskets):
        bought[at, list(basket)] = 1
    often = np.array(worth[: len(baskets)])
    found = affinities(sparse(bought), sparse(has), 5, 1.0, lift=lift, worth=often.astype(np.float64))
    again = affinities(sparse(np.repeat(bought, often, axis=0)), sparse(has), 5, 1.0, lift=lift)
    np.testing.assert_allclose(dense(*found, 5), dense(*again, 5), rtol=1e-4, atol=2e-3)


def test_a_product_is_a_product():
    """As numpy's, whatever is empty."""
    random = np.random.default_rng(0)
    one, other = (random.random(shape) * (random.random(shape) < 0.3) for shape in ((9, 7), (7, 11)))
    found = product(sparse(one), sparse(other))
    np.testing.assert_allclose(dense(found.indptr, found.indices, found.data, 11), one @ other, rtol=1e-5)


@pytest.mark.parametrize("complements", [False, True])
def test_lists_are_what_the_sum_says(complements):
    """score = values x affinity x fame, of every pair but the barred, with the best kept."""
    catalog = catalogue(60)
    dataset = shop_of(catalog, random_baskets(60))
    made = Strategy(neighbours=15, members=1000, affinities=1000, complements=complements)
    parts = made.fit(dataset)
    width = len(parts["features/keys"])
    values = dense(parts["values/indptr"], parts["values/indices"], parts["values/weights"], width)
    drawn = dense(parts["affinity/indptr"], parts["affinity/indices"], parts["affinity/scores"], width)
    most = ((values > 0) * parts["sold"][:, None]).max(axis=0)
    fame = values * np.sqrt((1 + parts["sold"])[:, None] / (1 + most))
    expected = values @ drawn @ fame.T
    own = catalog.category.codes if complements else np.arange(60)
    expected[own[:, None] == own] = 0
    assert parts["sold"].sum() == sum(len(set(basket)) for basket in random_baskets(60))
    for row in range(60):
        span = slice(parts["indptr"][row], parts["indptr"][row + 1])
        best = np.sort(expected[row][expected[row] > 0])[::-1][:15]
        np.testing.assert_allclose(parts["scores"][span], best, rtol=1e-4)
        np.testing.assert_allclose(parts["scores"][span], expected[row, parts["indices"][span]], rtol=1e-4)


def paint_and_brushes(more=()):
    """Paint is bought with brushes, bread with butter; the last of each nobody bought."""
    items = [("Paint", 4), ("Brushes", 4), ("Bread", 4), ("Butter", 4)]
    paths = [path for path, n in items for _ in range(n)] + list(more)
    catalog = replace(Catalog.bare(len(paths)), category=Attribute.of(paths))
    random, baskets = np.random.default_rng(0), []
    for at in range(60):
        first = 8 * (at % 2)
        baskets.append([first + random.integers(0, 3), first + 4 + random.integers(0, 3)])
    return shop_of(catalog, baskets)


def test_an_item_nobody_bought_has_a_list_and_stands_in_others():
    """Paint number 3 was never sold: it asks for brushes, and brushes list it last of the paints."""
    made, dataset = Strategy(), paint_and_brushes()
    source = made.open(made.fit(dataset))
    assert set(source.top(asked(3), 9, Allow.all(16, 1)).rows.tolist()) == {4, 5, 6, 7}
    paints = source.top(asked(4), 9, Allow.all(16, 1)).rows.tolist()
    assert set(paints) == {0, 1, 2, 3}
    assert paints[-1] == 3
    assert reasons(source, asked(3), np.array([4], np.int32))[0].seeds == (3,)


def test_complements_bar_the_seed_s_own_category():
    """Bread that is bought with bread is its list, unless only what goes with it is asked for."""
    catalog = replace(Catalog.bare(6), category=Attribute.of(["Bread"] * 3 + ["Tea"] * 3))
    dataset = shop_of(catalog, [[0, 1], [1, 2], [3, 4], [0, 2], [3, 5], [0, 1, 3]])
    for complements, expected in ((False, True), (True, False)):
        made = Strategy(complements=complements)
        found = made.open(made.fit(dataset)).top(asked(0), 9, Allow.all(6, 1)).rows.tolist()
        assert bool({1, 2} & set(found)) is expected


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 40), st.integers(0, 15), st.integers(0, 4), st.booleans(), st.sampled_from([3, 1000]))
def test_added_items_are_as_if_they_had_been_there(n_old, n_new, seed, complements, members):
    """Extended, or fitted anew on all items with the same baskets, values and affinities: the same lists."""
    whole = catalogue(n_old + n_new, seed)
    made = Strategy(neighbours=8, complements=complements, members=members)
    parts = made.fit(shop_of(cut(whole, n_old), random_baskets(n_old, seed=seed)))
    found = made.open(parts).extended(whole, None)._parts
    width = len(parts["features/keys"])
    values, drawn = (
        sparse(dense(found[f"{name}/indptr"], found[f"{name}/indices"], found[f"{name}/{data}"], width))
        for name, data in (("values", "weights"), ("affinity", "scores"))
    )
    owner = made._owners(whole)
    anew = made._lists(values, drawn, made._shelves(values, found["sold"]), owner, owner)
    np.testing.assert_array_equal(found["indptr"], anew[0])
    np.testing.assert_allclose(found["scores"], anew[2], rtol=1e-5)
    assert np.mean(found["indices"] == anew[1]) > 0.95 if len(anew[1]) else True
    assert len(found["sold"]) == n_old + n_new


def test_a_new_paint_is_sold_with_brushes():
    """Added after training, it has a list and stands in those of brushes; shorter catalogues are refused."""
    made, dataset = Strategy(), paint_and_brushes()
    source = made.open(made.fit(dataset))
    longer = paint_and_brushes(["Paint", "Anvils"]).catalog
    grown = source.extended(longer, None)
    assert set(grown.top(asked(16), 9, Allow.all(18, 1)).rows.tolist()) == {4, 5, 6, 7}
    assert 16 in grown.top(asked(4), 9, Allow.all(18, 1)).rows
    assert not len(grown.top(asked(17), 9, Allow.all(18, 1)).rows)
    with pytest.raises(DataError, match="16 items, 18 were trained"):
        grown.extended(dataset.catalog, None)


def test_what_was_bought_together_long_ago_fades():
    """Tea went with cups for a year, and for the last fortnight with spoons: a short half-life says so."""
    kinds = np.repeat(["Tea", "Cups", "Spoons", "Rope"], 4)
    catalog = replace(Catalog.bare(16), category=Attribute.of(kinds.tolist()))
    mixed = [[12, 4], [12, 8], [12, 4], [12, 8]]
    then, now = ([[at % 4, first + at % 3] for at in range(n)] + mixed for first, n in ((4, 360), (8, 30)))
    dataset = shop_of(catalog, [*then, *now])
    led = [Strategy(half_life_days=days).fit(dataset) for days in (0.0, 7.0)]
    firsts = [Strategy().open(parts).top(asked(0), 3, Allow.all(16, 1)).rows for parts in led]
    assert {kinds[rows[0]] for rows in firsts[:1]} == {"Cups"}
    assert {kinds[rows[0]] for rows in firsts[1:]} == {"Spoons"}


def test_an_expert_names_what_is_there():
    """An attribute that no item has is an error, but for the three of the default."""
    dataset = paint_and_brushes()
    assert len(Strategy().fit(dataset)["scores"])
    with pytest.raises(DataError, match="cannot weigh 'colour': the items have category, price"):
        Strategy(attribute_weights={"colour": 1.0}).fit(dataset)


@pytest.mark.parametrize(
    "wrong",
    [{"score": "pmi"}, {"neighbours": 0}, {"attribute_weights": {"brand": -1.0}}, {"popularity": -1.0}],
)
def test_wrong_hyperparameters_are_refused(wrong):
    """Before anything is fitted."""
    with pytest.raises(ValueError):
        Strategy(**wrong)
