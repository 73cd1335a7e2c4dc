"""A catalogue as features: each aspect says what it promises, and names keep their numbers."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from vitrina import features
from vitrina.catalog import PATH, Attribute, Catalog
from vitrina.ids import Texts
from vitrina.kernels.words import keys_of, places

ROWS = [
    ("a > b > c", "red Shirt red", 9.0, "x"),
    ("a > b", "", math.nan, ""),
    ("", "blue", 0.0, "y"),
    ("a", "Red", 90.0, "x"),
]


@pytest.fixture
def catalog():
    paths, titles, prices, brands = zip(*ROWS, strict=True)
    return replace(
        Catalog.bare(len(ROWS)),
        category=Attribute.of([one.replace(" > ", PATH) for one in paths]),
        title=Texts.of(titles),
        price=np.array(prices, np.float32),
        attributes={"brand": Attribute.of(list(brands))},
    )


def told(aspect):
    """{(item, name): value}; no place may be there twice."""
    entries = [
        ((item, aspect.names[code].replace(PATH, ">")), value)
        for item, code, value in zip(
            aspect.items.tolist(), aspect.codes.tolist(), aspect.values.tolist(), strict=True
        )
    ]
    assert len(dict(entries)) == len(entries)
    return dict(entries)


def test_every_step_of_a_path_is_a_feature(catalog):
    """Down to a depth, and of later items alone where that is asked."""
    whole = {(0, "a"), (0, "a>b"), (0, "a>b>c"), (1, "a"), (1, "a>b"), (3, "a")}
    assert told(features.categories(catalog)).keys() == whole
    assert told(features.categories(catalog, depth=1)).keys() == {(0, "a"), (1, "a"), (3, "a")}
    assert told(features.categories(catalog, 1)).keys() == {(0, "a"), (0, "a>b"), (2, "a")}


def test_words_and_values_are_counted(catalog):
    """Words with their count; values of attributes with their weight; what is not there says nothing."""
    assert told(features.titles(catalog)) == {(0, "red"): 2, (0, "shirt"): 1, (2, "blue"): 1, (3, "red"): 1}
    values = features.attributes(catalog, {"brand": 0.5, "size": 9.0})
    assert told(values) == {(0, "brand>x"): 0.5, (2, "brand>y"): 0.5, (3, "brand>x"): 0.5}


def test_price_bumps_are_a_gaussian():
    """Within 2 % of exp(-(d / band)^2 / 2) at any price and distance; no price, or 0, is no feature."""
    prices = np.exp(np.linspace(0, 4, 301))
    catalog = replace(Catalog.bare(303), price=np.array([*prices, np.nan, 0], np.float32))
    bumps = features.prices(catalog, 0.35)
    x = np.zeros((303, len(bumps.names)))
    x[bumps.items, bumps.codes] = bumps.scaled(bumps.values)
    distance = np.linspace(0, 4, 301)[:, None] - np.linspace(0, 4, 301)
    np.testing.assert_allclose((x @ x.T)[:301, :301], np.exp(-((distance / 0.35) ** 2) / 2), atol=0.02)
    assert not x[301:].any()


def test_price_bands_hold_as_many():
    """Quantiles of the prices there are; a shop without prices has no bands."""
    catalog = replace(Catalog.bare(100), price=np.arange(1, 101, dtype=np.float32))
    bands = features.price_bands(catalog, features.price_edges(catalog, 4))
    assert np.bincount(bands.codes).tolist() == [25, 25, 25, 25]
    assert not len(features.price_bands(Catalog.bare(5), features.price_edges(Catalog.bare(5), 4)).items)


def test_a_vocabulary_grows_at_its_end(catalog):
    """Names keep their numbers; what was not learned is held by nobody; kinds are kept apart."""
    words, values = features.titles(catalog), features.attributes(catalog, {"brand": 1.0})
    known = features.Vocabulary.none().grown("title", words, learn=True)
    more = known.grown(
        "title", features.titles(replace(catalog, title=Texts.of(["red", "green", "", ""]))), learn=False
    )
    assert known.held.tolist() == [2, 1, 1]
    assert more.held.tolist() == [2, 1, 1, 0]
    np.testing.assert_array_equal(more.places("title", words), known.places("title", words))
    assert (known.places("attributes", values) == -1).all()


def test_part_numbers_are_told_from_values():
    """Hundreds of values of which hardly any repeats; a few of them are just a small shop."""
    assert features.identifies(Attribute.of([f"sku{row}" for row in range(300)]))
    assert not features.identifies(Attribute.of([f"sku{row}" for row in range(50)]))
    assert not features.identifies(Attribute.of([f"brand{row % 120}" for row in range(300)]))


def test_keys_are_the_same_everywhere():
    """Bundles are read on other machines: the key of a name is written down."""
    assert keys_of(["title=red"]).tolist() == [1540753508263220920]
    known = keys_of(["a", "b", "c"])
    assert places(keys_of(["c", "x", "a"]), known).tolist() == [2, -1, 0]
    assert places(known, keys_of([])).tolist() == [-1, -1, -1]
