"""What gets into a bundle, and what tells two datasets apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shops import make_shop
from vitrina.catalog import Attribute, veil
from vitrina.fit import fingerprint, shop_parts, whole_print
from vitrina.ids import Ids


def attributes(**columns):
    """Attributes of items or of people, by name."""
    return {name: Attribute.of(values) for name, values in columns.items()}


@pytest.mark.parametrize("n", [3, 90, 200, 5000])
def test_nobody_is_named_by_a_bundle(n):
    """Few customers or many, a value each or one for several: of theirs goes only what items have too, and
    what no item has in no words."""
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
    kept = {
        name: one for name, one in parts.items() if name.startswith("people/") and name.endswith("values")
    }
    assert kept.keys() == {"people/region/values", "people/name/values"}
    assert kept["people/name/values"].tolist() == sorted(veil(one).encode() for one in ("Ann", "Bob"))


def test_what_filters_compare_of_customers_is_kept():
    """In the smallest of shops too: the values that items have, and of others whether they are the same."""
    shop = make_shop([("ann", "a", 1), ("bob", "b", 1), ("eve", "c", 2)])
    catalog = replace(shop.catalog, attributes=attributes(cut=["slim", "wide", "slim"]))
    people = attributes(cut=["wide", "slim", "Eve Smith"])
    parts = shop_parts(replace(shop, catalog=catalog, people=people))
    assert parts["people/cut/values"].tolist() == [veil("Eve Smith").encode(), b"slim", b"wide"]
    assert parts["people/cut/codes"].tolist() == [2, 1, 0]


def changed(shop):
    """The shop with one thing more or otherwise, in all that a strategy can learn from, and how it is told."""
    n, events, catalog = len(shop.items), shop.events, shop.catalog
    yield replace(shop, types=(*shop.types, "listen"))
    yield replace(shop, words={"listen": "purchase"})
    yield replace(shop, people=attributes(region=["n", "s", "n"]))
    yield replace(shop, vectors=np.ones((n, 2), np.float32))
    yield replace(shop, vectors=np.ones((n, 2), np.float32), encoder="dino")
    yield replace(shop, colours=np.ones((n, 2), np.float32))
    yield replace(shop, thumbnails=np.ones((n, 8), np.uint8))
    yield replace(shop, held_out="lot")
    yield replace(shop, events=replace(events, quantity=events.quantity + 1))
    yield replace(shop, events=replace(events, gift=~events.gift))
    yield replace(shop, catalog=replace(catalog, price=np.ones(n, np.float32)))
    yield replace(shop, catalog=replace(catalog, attributes=attributes(brand=["x"] * n)))
    yield replace(shop, catalog=replace(catalog, attributes=attributes(color=["x"] * n)))
    # The same bytes, parted otherwise between the columns.
    yield replace(shop, users=Ids.of(["a", "b"]), items=Ids.of(["c", "d"]))
    yield replace(shop, users=Ids.of(["a", "b", "c"]), items=Ids.of(["d"]))


def test_whatever_is_learned_from_tells_datasets_apart():
    """A tuner goes on with another search's trials only where nothing differs; what happened has its own print."""
    shop = make_shop([("ann", "a", 1), ("bob", "b", 1), ("eve", "c", 2)])
    shops = [shop, *changed(shop)]
    assert len({whole_print(one) for one in shops}) == len(shops)
    assert whole_print(shop) == whole_print(replace(shop, logged=7))
    assert {fingerprint(one) for one in shops[1:-2]} == {fingerprint(shop)}
