"""Feeds are read as their standards mean them; what cannot be used is turned away with line, id and reason."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from vitrina.errors import DataError
from vitrina.feeds import Offer, Reject, read

FILES = Path(__file__).parent / "files"


def offers(name):
    """Offers by id, and rejects."""
    found = list(read(FILES / name))
    return {one.item_id: one.fields for one in found if isinstance(one, Offer)}, [
        one for one in found if isinstance(one, Reject)
    ]


def test_yml_says_titles_paths_prices_stock_and_parameters():
    """Both kinds of offers, old price, category paths, params with units, outlets; a cycle of categories ends."""
    found, rejects = offers("boutique.yml.xml")
    assert found["dress-1"] == {
        "product_id": "dress",
        "title": "Summer dress & belt",
        "category": "Clothes > Dresses",
        "image": "https://x/1.jpg",
        "url": "https://x/dress-1",
        "attributes/brand": "Alba",
        "attributes/size": "44",
        "attributes/color": "red",
        "attributes/weight": "0.4 kg",
        "price": 1299.9,
        "old_price": 1599.9,
        "in_stock": True,
    }
    assert found["dress-2"]["title"] == "Dress Brio X1"
    assert found["dress-2"]["in_stock"] is False
    assert found["dress-2"]["category"] == "B > A"
    assert (found["lamp-1"]["in_stock"], found["lamp-1"]["regions"]) == (True, ("north",))
    assert found["lamp-2"]["in_stock"] is False
    assert [(one.line, one.item_id, one.reason, one.worthless) for one in rejects] == [
        (32, "bad-1", "the offer has no price", False),
        (33, "bad-2", "price is not above 0", True),
        (34, "bad-3", "price is no number", False),
        (35, "", "the offer has no id", False),
    ]


def test_google_says_sale_prices_groups_and_dates():
    """With a sale price the price is the old one; availability in words; times with a zone."""
    found, rejects = offers("boutique.rss.xml")
    assert found["dress-1"]["price"] == 12.5
    assert found["dress-1"]["old_price"] == 15.0
    assert found["dress-1"]["category"] == "Clothes > Dresses"
    assert found["dress-1"]["available_until"] == 1798704000
    assert (found["lamp-1"]["price"], found["lamp-1"]["in_stock"]) == (1299.9, False)
    assert [(one.item_id, one.reason, one.text) for one in rejects] == [
        ("lamp-2", "availability is neither yes nor no", "'perhaps'")
    ]


def test_a_table_says_the_same_as_markup():
    """Quotes, names with blanks, decimal commas; a row too long is turned away alone."""
    found, rejects = offers("boutique.tsv")
    assert (found["lamp-1"]["title"], found["lamp-1"]["in_stock"]) == ('Lamp "one"', True)
    assert found["lamp-2"]["price"] == 10.5
    assert [(one.line, one.item_id) for one in rejects] == [(4, "lamp-3")]


def test_windows_1251_and_gzip(tmp_path):
    """The Russian market's encoding is read, and a packed feed is unpacked."""
    told = (FILES / "boutique.yml.xml").read_text().replace('encoding="UTF-8"', 'encoding="windows-1251"')
    packed = tmp_path / "feed.xml.gz"
    packed.write_bytes(gzip.compress(told.replace("Summer", "Летнее").encode("cp1251")))
    first = next(iter(read(packed)))
    assert first.fields["title"] == "Летнее dress & belt"
    assert first.fields["attributes/color"] == "red"


@pytest.mark.parametrize("content", [b"", b"<html><body/></html>", b"a,b\n1,2\n", b"\x00\x01\x02", b"<rss/>"])
def test_what_is_no_feed_is_told_so(tmp_path, content):
    """Anything else is an error that names the file, before any product."""
    file = tmp_path / "feed.xml"
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"feed\.xml"):
        list(read(file))
