"""What gets into a bundle, and what tells two datasets apart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shops import make_shop
from vitrina.catalog import Attribute
from vitrina.fit import shop_parts


def attributes(**columns):
    """Attributes of items or of people, by name."""
    return {name: Attribute.of(values) for name, values in columns.items()}


@pytest.mark.parametrize("n", [3, 90, 200, 5000])
def test_nobody_is_named_by_a_bundle(n):
    """Few customers or many, a value each or one for several: of theirs goes only what items have too."""
    shop = make_shop([(f"u{row}", "a", 1) for row in range(n)])
    people = attributes(
        email=[f"ann.{row}@example.com" for row in range(n)],
        phone=[f"+49170{row}" if row < 100 else "" for row in range(n)],
        city=["Ghent"] * n,
        name=[("Ann", "Bob")[row % 2] for row in range(n)],
        region=["north"] * n,
    )
    catalog = replace(shop.catalog, attributes=attributes(name=["slim shirt"]))
    parts = shop_parts(replace(shop, catalog=catalog, people=people))
    kept = {name for name in parts if name.startswith("people/")}
    assert kept == {"people/region/codes", "people/region/values"}


def test_what_filters_compare_of_customers_is_kept():
    """In the smallest of shops too: the values that items have."""
    shop = make_shop([("ann", "a", 1), ("bob", "b", 1), ("eve", "c", 2)])
    catalog = replace(shop.catalog, attributes=attributes(cut=["slim", "wide", "slim"]))
    people = attributes(cut=["wide", "slim", "Eve Smith"])
    parts = shop_parts(replace(shop, catalog=catalog, people=people))
    assert parts["people/cut/values"].tolist() == [b"slim", b"wide"]
    assert parts["people/cut/codes"].tolist() == [1, 0, -1]
