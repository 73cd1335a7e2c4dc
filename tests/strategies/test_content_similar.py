"""Likeness by content is what its sum says, asks no event, and takes items added later."""

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
from vitrina.ids import UNKNOWN, Texts
from vitrina.kernels.words import words
from vitrina.strategies.content_similar import Strategy
from vitrina.strategy import Allow, Query, Seeds

WORDS = ("Shirt", "red", "BLUE", "łóżko", "Кресло", "120x200", "64GB", "naïve")


def catalogue(rows, **more):
    """A catalogue of (title, category path, price, brand, colour) rows."""
    titles, paths, prices, brands, colours = zip(*rows, strict=True) if rows else ([],) * 5
    bare = Catalog.bare(len(rows))
    return replace(
        bare,
        title=Texts.of(titles),
        category=Attribute.of([one.replace(" > ", PATH) for one in paths]),
        price=np.array(prices, np.float32),
        attributes={"brand": Attribute.of(list(brands)), "color": Attribute.of(list(colours))},
        **more,
    )


def shop_of(catalog):
    """A shop of this catalogue in which nothing ever happened."""
    shop = make_shop([], items=[f"{row:04d}" for row in range(len(catalog))])
    return replace(shop, catalog=catalog)


def random_rows(n, seed=0):
    random = np.random.default_rng(seed)
    paths = ("", "Home", "Home > Beds", "Home > Chairs", "Home > Chairs > Office", "Clothes > Shirts")
    rows = []
    for _ in range(n):
        title = " ".join(random.choice(WORDS, random.integers(0, 5)))
        price = random.choice([math.nan, 0.0, *np.exp(random.normal(3, 0.6, 4))])
        rows.append(
            (
                title,
                random.choice(paths),
                price,
                random.choice(["", "A", "B"]),
                random.choice(["", "x", "y", "z"]),
            )
        )
    return rows


def asked(*rows):
    """A stranger who looked at these."""
    seeds = Seeds(
        np.array([0, len(rows)]),
        np.array(rows, np.int32),
        np.ones(len(rows), np.uint8),
        np.zeros(len(rows), np.int64),
    )
    return Query(0, np.array([UNKNOWN], np.int32), np.array([UNKNOWN], np.int32), seeds)


def unit(x):
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)


def title_likeness(catalog):
    """scikit-learn's TF-IDF with our words."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [catalog.title[row] for row in range(len(catalog))]
    made = TfidfVectorizer(analyzer=words).fit_transform(texts)
    return (made @ made.T).toarray()


def path_likeness(catalog):
    paths = [tuple(one.split(PATH)) if one else () for one in map(catalog.category.text, range(len(catalog)))]

    def like(one, other):
        shared = next(
            (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
            min(len(one), len(other)),
        )
        return shared / math.sqrt(len(one) * len(other)) if shared else 0.0

    return np.array([[like(one, other) for other in paths] for one in paths])


def attribute_likeness(catalog):
    """Cosine of one-hot values, each squared entry the value's rarity."""
    n, columns = len(catalog), []
    for attribute in catalog.attributes.values():
        for code in range(len(attribute.values)):
            has = attribute.codes == code
            columns.append(has * math.sqrt(math.log((1 + n) / (1 + has.sum())) + 1))
    x = unit(np.array(columns).T)
    return x @ x.T


def price_likeness(catalog, band):
    price = catalog.price.astype(float)
    known = np.isfinite(price) & (price > 0)
    logs = np.log(np.where(known, price, 1.0))
    return np.exp(-(((logs[:, None] - logs) / band) ** 2) / 2) * known * known[:, None]


def dense(parts):
    """What the parts' vectors make of each pair."""
    n = len(parts["vectors/indptr"]) - 1
    x = np.zeros((n, len(parts["features/keys"])))
    for row in range(n):
        cut = slice(parts["vectors/indptr"][row], parts["vectors/indptr"][row + 1])
        x[row, parts["vectors/indices"][cut]] = parts["vectors/data"][cut]
    return x @ x.T


def assert_lists_are_the_best_of(parts, likeness, k, product=None):
    """Every list: the k best pairs of other products, in order, with their scores."""
    product = np.arange(len(likeness)) if product is None else product
    assert len(parts["indptr"]) == len(likeness) + 1
    for row in range(len(likeness)):
        cut = slice(parts["indptr"][row], parts["indptr"][row + 1])
        mine, scores = parts["indices"][cut], parts["scores"][cut]
        others = np.where(product == product[row], 0, likeness[row])
        expected = np.sort(others[others > 0])[::-1][:k]
        np.testing.assert_allclose(scores, expected, rtol=2e-4, atol=1e-6)
        np.testing.assert_allclose(scores, others[mine], rtol=2e-4, atol=1e-6)
        assert len(set(mine.tolist())) == len(mine)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_likeness_is_the_sum_of_its_aspects(seed):
    """TF-IDF as scikit-learn's, paths, equal values and prices as written down, each by its weight."""
    catalog = catalogue(random_rows(70, seed))
    weights = {"title_weight": 0.9, "category_weight": 0.7, "attribute_weight": 0.4, "price_weight": 0.3}
    parts = Strategy(neighbours=12, **weights).fit(shop_of(catalog))
    given = (
        title_likeness(catalog),
        path_likeness(catalog),
        attribute_likeness(catalog),
        price_likeness(catalog, 0.35),
    )
    expected = sum(weight * one for weight, one in zip(weights.values(), given, strict=True))
    np.testing.assert_allclose(dense(parts), expected, atol=0.02 * 0.3)  # the grid under the prices
    assert_lists_are_the_best_of(parts, dense(parts), 12)


def test_bm25_saturates_and_scales():
    """Okapi's formula, each title then scaled to length 1."""
    catalog = catalogue(random_rows(40, 3))
    made = Strategy(title="bm25", category_weight=0, attribute_weight=0, price_weight=0)
    texts = [words(catalog.title[row]) for row in range(40)]
    known = sorted({word for text in texts for word in text})
    counts = np.array([[text.count(word) for word in known] for text in texts], float)
    held, lengths = (counts > 0).sum(axis=0), counts.sum(axis=1, keepdims=True)
    mean = lengths[lengths > 0].mean()
    x = counts * 2.2 / np.maximum(counts + 1.2 * (0.25 + 0.75 * lengths / mean), 1e-12)
    x = unit(x * np.log1p((40 - held + 0.5) / (held + 0.5)))
    np.testing.assert_allclose(dense(made.fit(shop_of(catalog))), x @ x.T, atol=1e-5)


def test_an_expert_says_what_counts():
    """What `attribute_weights` says is added where values are equal, and other attributes are not asked."""
    catalog = catalogue(random_rows(50, 4))
    made = Strategy(title_weight=0, category_weight=0, price_weight=0, attribute_weights={"brand": 1.5})
    codes = catalog.attributes["brand"].codes
    expected = 1.5 * ((codes[:, None] == codes) & (codes >= 0))
    np.testing.assert_allclose(dense(made.fit(shop_of(catalog))), expected, atol=1e-5)
    with pytest.raises(DataError, match="cannot weigh 'brnd': the items' attributes are brand, color"):
        Strategy(attribute_weights={"brnd": 1.0}).fit(shop_of(catalog))


def test_words_of_any_alphabet():
    """Case folds, digits stay, signs part; composed and decomposed letters are one."""
    assert words("Łóżko SOSNOWE 120x200, „Mały”") == ["łóżko", "sosnowe", "120x200", "mały"]
    assert words("Кресло-КАЧАЛКА №5") == ["кресло", "качалка", "no5"]
    assert words("nai\u0308ve") == words("naïve") == ["naïve"]
    assert words("") == words("--- _") == []


def test_an_item_nobody_bought_answers_and_is_listed():
    """No event is asked for; the reason is the seed."""
    catalog = catalogue(
        [
            ("red shirt", "Clothes > Shirts", 20, "A", "x"),
            ("blue shirt", "Clothes > Shirts", 21, "A", "y"),
            ("office chair", "Home > Chairs", 99, "B", "x"),
        ]
    )
    made = Strategy()
    source = made.open(made.fit(shop_of(catalog)))
    found = source.top(asked(0), 5, Allow.all(3, 1))
    assert found.rows[0] == 1
    assert reasons(source, asked(0), found.rows)[0].seeds == (0,)


def test_variants_are_not_alike():
    """Items of one product never stand in one another's lists."""
    rows = random_rows(30, 5)
    product = np.repeat(np.arange(10, dtype=np.int32), 3)
    parts = Strategy().fit(shop_of(replace(catalogue(rows), product=product)))
    assert_lists_are_the_best_of(parts, dense(parts), 100, product)


def test_part_numbers_make_nothing_alike():
    """An attribute of hundreds of values that hardly repeat is left out; the expert may still ask for it."""
    catalog = catalogue(
        [("", "", math.nan, "A", f"sku {row // 2 * (row < 20) or row}") for row in range(300)]
    )
    parts = Strategy().fit(shop_of(catalog))
    assert parts["attributes"].tolist() == [b"brand"]
    assert Strategy(attribute_weights={"color": 1.0}).fit(shop_of(catalog))["attributes"].tolist() == [
        b"color"
    ]


def test_a_large_catalogue_is_ranked_by_everything(monkeypatch):
    """Beyond `exact_up_to` candidates come by rarer features only, their scores are whole; with all
    features rare enough nothing is missed."""
    catalog = catalogue(random_rows(90, 6))
    exact = Strategy(neighbours=10).fit(shop_of(catalog))
    monkeypatch.setattr("vitrina.kernels.across.CHUNK", 32)
    every = Strategy(neighbours=10, exact_up_to=10, common=90).fit(shop_of(catalog))
    assert_lists_are_the_best_of(every, dense(exact), 10)
    thin = Strategy(neighbours=10, exact_up_to=10, common=15).fit(shop_of(catalog))
    likeness = dense(exact)
    asking = np.repeat(np.arange(90), np.diff(thin["indptr"]))
    np.testing.assert_allclose(thin["scores"], likeness[asking, thin["indices"]], rtol=1e-4)
    assert len(thin["scores"]) > 0.9 * len(exact["scores"])
    assert thin["scores"].mean() > 0.8 * exact["scores"].mean()


def grown(rows, n_old, made):
    """(parts extended by what follows the first n_old rows, parts of the first alone)."""
    whole = catalogue(rows)
    first = shop_of(catalogue(rows[:n_old]))
    parts = made.fit(first)
    return made.open(parts).extended(whole, None)._parts, parts


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 40), st.integers(0, 25), st.integers(0, 5))
def test_added_items_are_as_if_they_had_been_there(n_old, n_new, seed):
    """Each list, old or new, is the best of all pairs by what the first fit learned, and old pairs keep
    their likeness; words nobody had before still make the added alike."""
    rows = random_rows(n_old, seed) + [
        (title + " brandneu", *rest) for title, *rest in random_rows(n_new, seed + 50)
    ]
    made = Strategy(neighbours=9)
    parts, old = grown(rows, n_old, made)
    likeness = dense(parts)
    np.testing.assert_allclose(likeness[:n_old, :n_old], dense(old), atol=1e-6)
    assert_lists_are_the_best_of(parts, likeness, 9)
    if n_new > 1:
        assert (likeness[n_old:, n_old:] > 0).all()


def test_adding_twice_is_adding_once():
    """In two steps or one: the same items, features and lists."""
    rows, made = random_rows(60, 9), Strategy(neighbours=9)
    source = made.open(made.fit(shop_of(catalogue(rows[:40]))))
    once = source.extended(catalogue(rows), None)
    twice = source.extended(catalogue(rows[:50]), None).extended(catalogue(rows), None)
    np.testing.assert_allclose(dense(once._parts), dense(twice._parts), atol=1e-6)
    assert_lists_are_the_best_of(twice._parts, dense(once._parts), 9)
    with pytest.raises(DataError, match="10 items, 40 were trained"):
        source.extended(catalogue(rows[:10]), None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": "bm26"},
        {"neighbours": 0},
        {"title_weight": -1.0},
        {"attribute_weights": {"brand": -1.0}},
        {"price_band": 0.0},
    ],
)
def test_wrong_hyperparameters_are_refused(wrong):
    """Before anything is fitted."""
    with pytest.raises(ValueError):
        Strategy(**wrong)
