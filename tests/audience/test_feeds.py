"""Product feeds: well-formed whatever a catalogue says, and only what can be had."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shops import make_shop, make_window
from vitrina.audience.feeds import GOOGLE, Fed, write_feed
from vitrina.catalog import PATH, Attribute
from vitrina.errors import DataError
from vitrina.ids import Texts
from vitrina.letters.style import Style

STYLE = Style(
    shop="Corner & Co",
    home="https://s.example/",
    link="https://s.example/p/{item_id}",
    photo="https://s.example/{item_id}.jpg",
)
G = f"{{{GOOGLE}}}"


def engine(titles: list[str], **columns: object):
    """A shop of so many products, i0, i1, ..."""
    n = len(titles)
    dataset = make_shop([("ann", "i0", 1)], items=[f"i{number}" for number in range(n)])
    known = {
        "title": Texts.of(titles), "price": np.full(n, 9.5, np.float32),
        "category": Attribute.of([PATH.join(("Food", "Tea" if row % 2 else "Cake")) for row in range(n)]),
    }  # fmt: skip
    return make_window(
        replace(dataset, catalog=replace(dataset.catalog, **{**known, **columns})), {}, {"p": {}}
    )


def test_google_reads_its_names(tmp_path: Path) -> None:
    """The price before the discount is the price, the one paid now the sale price; variants share a group."""
    shop = engine(
        ["Tea", "Cake", "Pie"],
        old_price=np.array([12, np.nan, np.nan], np.float32),
        product=np.array([0, 1, 1], np.int32),
    )
    assert write_feed("google", shop, STYLE, "EUR", tmp_path / "g.xml", 0) == Fed(3, 0)
    items = ElementTree.parse(tmp_path / "g.xml").getroot().findall("channel/item")
    first = {one.tag.removeprefix(G): one.text for one in items[0]}
    assert first == {
        "id": "i0", "title": "Tea", "link": "https://s.example/p/i0", "image_link": "https://s.example/i0.jpg",
        "availability": "in_stock", "price": "12.00 EUR", "sale_price": "9.50 EUR", "product_type": "Food > Cake",
    }  # fmt: skip
    assert [one.findtext(f"{G}item_group_id") for one in items] == [None, "i1", "i1"]


@pytest.mark.parametrize("kind", ["yandex", "vk"])
def test_yml_has_its_tree_of_categories(tmp_path: Path, kind: str) -> None:
    """Parents before children, every offer in one of them."""
    write_feed(kind, engine(["Tea", "Cake"]), STYLE, "RUB", tmp_path / "y.xml", 0)
    shop = ElementTree.parse(tmp_path / "y.xml").getroot().find("shop")
    categories = {
        one.get("id"): (one.text, one.get("parentId")) for one in shop.findall("categories/category")
    }
    assert categories == {"1": ("Food", None), "2": ("Cake", "1"), "3": ("Tea", "1")}
    offers = shop.findall("offers/offer")
    assert [one.get("id") for one in offers] == ["i0", "i1"]
    assert [one.findtext("categoryId") for one in offers] == ["2", "3"]
    assert shop.findtext("name") == "Corner & Co"


def test_what_cannot_be_had_is_left_out(tmp_path: Path) -> None:
    """Sold out, not on sale any more, without a price; and counted."""
    shop = engine(
        ["a", "b", "c", "d"], in_stock=np.array([True, False, True, True]), price=np.array([1, 1, np.nan, 1], np.float32),
        available_until=np.array([9, 9, 9, 3]),
    )  # fmt: skip
    assert write_feed("google", shop, STYLE, "EUR", tmp_path / "g.xml", 5) == Fed(1, 3)
    assert write_feed("google", shop, Style(), "EUR", tmp_path / "none.xml", 5) == Fed(0, 4)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=4), st.sampled_from(["google", "yandex"]))
def test_it_is_well_formed_whatever_titles_say(
    tmp_path_factory: pytest.TempPathFactory, titles: list[str], kind: str
) -> None:
    """Every product is in it, whatever signs its title holds."""
    out = tmp_path_factory.mktemp("feed") / "f.xml"
    assert write_feed(kind, engine(titles), STYLE, "EUR", out, 0).written == len(titles)
    path = "channel/item" if kind == "google" else "shop/offers/offer"
    assert len(ElementTree.parse(out).getroot().findall(path)) == len(titles)


@pytest.mark.parametrize(
    ("kind", "currency", "said"),
    [("bing", "EUR", "unknown feed 'bing'"), ("google", "euro", "currency 'euro'")],
)
def test_other_feeds_and_currencies(tmp_path: Path, kind: str, currency: str, said: str) -> None:
    """Are said, and nothing is written."""
    with pytest.raises(DataError, match=said):
        write_feed(kind, engine(["a"]), STYLE, currency, tmp_path / "f.xml", 0)
    assert not list(tmp_path.iterdir())
