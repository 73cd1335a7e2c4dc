"""A feed is a stranger's file: nothing it declares is expanded, nothing outside is read, memory stays flat."""

from __future__ import annotations

import gzip

import pytest

from vitrina import feeds
from vitrina.errors import DataError
from vitrina.feeds import read

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
OFFER = "<offer id='a'><price>1</price><name>{}</name></offer>"
ATTACKS = {
    "laughs": f'<!DOCTYPE y [<!ENTITY l0 "ha">{LAUGHS}]><yml_catalog>{OFFER.format("&l9;")}</yml_catalog>',
    "quadratic": f'<!DOCTYPE y [<!ENTITY l "{"x" * 60000}">]><yml_catalog>{OFFER.format("&l;" * 9)}</yml_catalog>',
    "outside": f'<!DOCTYPE y [<!ENTITY l SYSTEM "/etc/passwd">]><yml_catalog>{OFFER.format("&l;")}</yml_catalog>',
    "parameter": '<!DOCTYPE y [<!ENTITY % l SYSTEM "http://127.0.0.1:1/x"> %l;]><yml_catalog/>',
    "deep": "<yml_catalog>" + "<a>" * 5000,
    "long": f"<yml_catalog>{OFFER.format('x' * 70_000)}</yml_catalog>",
    "wide": f"<yml_catalog><offer id='a'>{'<p/>' * 5000}</offer></yml_catalog>",
    "cut": "<yml_catalog><offers><offer id='a'><price>1",
    "encoding": "<?xml version='1.0' encoding='utf-7-no-such'?><yml_catalog/>",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_end_in_one_sentence(tmp_path, attack):
    """Each is refused with the file's name, and no product of it is taken."""
    file = tmp_path / "feed.xml"
    file.write_text(ATTACKS[attack])
    taken = []
    with pytest.raises(DataError, match=r"feed\.xml"):
        taken.extend(read(file))
    assert taken == []


def test_entities_that_nobody_declared_say_nothing(tmp_path):
    """Beside a document type that is not read, &nbsp; is no error, and no text."""
    file = tmp_path / "feed.xml"
    file.write_text(f'<!DOCTYPE y SYSTEM "shops.dtd"><yml_catalog>{OFFER.format("a&nbsp;b")}</yml_catalog>')
    assert [one.fields["title"] for one in read(file)] == ["ab"]


def test_a_packed_bomb_is_not_unpacked_to_its_end(tmp_path, monkeypatch):
    """What unpacks to more than the bound is refused there."""
    monkeypatch.setattr(feeds, "MAX_BYTES", 1 << 20)
    file = tmp_path / "feed.xml.gz"
    file.write_bytes(gzip.compress(b"<yml_catalog>" + b" " * (64 << 20)))
    with pytest.raises(DataError, match="unpacks to more"):
        list(read(file))


def test_a_broken_archive_is_told_so(tmp_path):
    """A download that ended early is an error with a next step."""
    file = tmp_path / "feed.xml.gz"
    file.write_bytes(gzip.compress(b"<yml_catalog>" + b" " * 99_999)[:-20])
    with pytest.raises(DataError, match="download is whole"):
        list(read(file))
