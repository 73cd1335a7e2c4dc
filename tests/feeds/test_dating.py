"""When a feed was made: by the word of each dialect, and by nothing else that stands in it."""

from __future__ import annotations

import gzip

import pytest

from vitrina.feeds import made_at
from vitrina.feeds.dating import dated

TEN = 1_700_042_400
"""2023-11-15 10:00 UTC."""


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ('<?xml version="1.0"?><yml_catalog date="2023-11-15T13:00:00+03:00"><shop>', TEN),
        ("<yml_catalog\n a='1' date = '2023-11-15T10:00Z' >", TEN),
        ("<rss><channel><lastBuildDate>Wed, 15 Nov 2023 11:00:00 +0100</lastBuildDate><item>", TEN),
        ("<rss><channel><pubDate> 15 Nov 2023 10:00 GMT </pubDate>", TEN),
        ("<feed><updated>2023-11-15T10:00:00Z</updated><entry>", TEN),
        ("<feed><entry><updated>2023-11-15T10:00:00Z</updated>", None),
        ("<rss><channel><item><pubDate>15 Nov 2023 10:00 GMT</pubDate>", None),
        ('<yml_catalog date="yesterday">', None),
        ('<yml_catalog date="99999-11-15">', None),
        ("<rss><channel><lastBuildDate>soon</lastBuildDate>", None),
        ("<yml_catalog><shop>", None),
        ("id\ttitle\tprice\n", None),
        ("", None),
    ],
)
def test_each_dialect_has_its_word(text, made):
    """With its zone; what a product says of itself, and what is no time, says nothing."""
    assert dated(text.encode()) == made
    assert dated(text.encode("utf-16")) == made


def test_without_a_zone_it_is_this_machines(monkeypatch):
    """As YML has it: the shop's export and its import run under one clock."""
    import time

    monkeypatch.setenv("TZ", "Europe/Moscow")
    time.tzset()
    try:
        assert dated(b'<yml_catalog date="2023-11-15 13:00">') == TEN
    finally:
        monkeypatch.undo()
        time.tzset()


def test_it_is_read_from_packed_files_and_from_none(tmp_path):
    """What cannot be read has no date; reading it will say why."""
    packed = tmp_path / "feed.xml.gz"
    packed.write_bytes(gzip.compress(b'<yml_catalog date="2023-11-15T10:00Z">'))
    assert made_at(packed) == TEN
    assert made_at(tmp_path / "none.xml") is None
    packed.write_bytes(b"no gzip")
    assert made_at(packed) is None
