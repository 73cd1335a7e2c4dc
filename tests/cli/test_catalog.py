"""catalog import: what a feed would change, and how it is put into force."""

from __future__ import annotations

import json
import time

import pytest
from servers import looping, publish, start
from typer.testing import CliRunner

from vitrina.cli import app
from vitrina.errors import DataError
from vitrina.server.items import Updater
from vitrina.state.items import every, updated
from vitrina.state.lmdb_store import LmdbStore
from vitrina.updates import ItemUpdate

FEED = "<yml_catalog><shop><offers>{}</offers></shop></yml_catalog>"
OFFER = '<offer id="{}" available="{}"><name>Thing</name><price>{}</price></offer>'


@pytest.fixture
def shop(tmp_path):
    """A registry whose bundle knows i0 to i16, and a way to write feeds."""
    publish(tmp_path / "registry")

    def feed(*offers):
        file = tmp_path / "feed.xml"
        file.write_text(FEED.format("".join(OFFER.format(*one) for one in offers)))
        return file

    return tmp_path / "registry", feed


def run(registry, feed, *more):
    """The verb's answer as JSON."""
    told = ["catalog", "import", str(feed), "--registry", str(registry), "--json", *more]
    result = CliRunner().invoke(app, told, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_feed_goes_into_the_store_once(shop, tmp_path):
    """First all is said; the same feed again changes nothing; what it stops naming is removed."""
    registry, feed = shop
    offers = [(f"i{number}", "true", number + 1) for number in range(17)]
    store = ("--store", str(tmp_path / "store"))
    first = run(registry, feed(*offers, ("new", "true", 5), ("bad", "true", "x")), *store)
    assert (first["changed"], first["new"], first["gone"], first["rejected"]) == (17, 1, 0, 1)
    again = run(registry, feed(*offers, ("new", "true", 5)), *store)
    assert (again["changed"], again["new"], again["unchanged"]) == (0, 0, 18)
    gone = run(registry, feed(*offers[:-1], ("new", "true", 6)), *store)
    assert (gone["gone"], gone["fields"]) == (1, {"price": 1})
    back = run(registry, feed(*offers, ("new", "true", 6)), *store)
    assert (back["gone"], back["back"]) == (0, 1)
    opened = LmdbStore(tmp_path / "store")
    with opened.read() as reads:
        told = every(reads)
    opened.close()
    assert told["new"] == {"title": "Thing", "price": 6.0, "old_price": None, "in_stock": True}
    assert told["i16"]["removed"] is False


def test_a_feed_that_loses_too_much_changes_nothing(shop, tmp_path):
    """Without --force it is refused before anything is written."""
    registry, feed = shop
    store = ("--store", str(tmp_path / "store"))
    half = feed(*[(f"i{number}", "true", 1) for number in range(8)])
    with pytest.raises(DataError, match="--force"):
        run(registry, half, *store)
    opened = LmdbStore(tmp_path / "store")
    with opened.read() as reads:
        assert every(reads) == {}
    opened.close()
    assert run(registry, half, *store, "--force")["gone"] == 9


def test_without_a_store_nothing_is_written_and_a_server_is_told(shop, tmp_path):
    """Dry by default; over the wire each update arrives in the server's store, and what is there counts as known
    with the next feed: a new product that the feed stops naming is taken away."""
    registry, feed = shop
    offers = [(f"i{number}", str(number != 3).lower(), 2) for number in range(17)]
    file = feed(*offers)
    assert run(registry, file)["sold_out"] == 1
    store = LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 20)
    with looping() as loop:
        front, address = start(loop)
        front.calls.store, front.calls.updater = store, Updater(store)
        run(registry, file, "--server", address)
        assert run(registry, feed(*offers, ("new", "true", 5)), "--server", address)["new"] == 1
        later = run(registry, feed(*offers), "--server", address)
        assert (later["known"], later["changed"], later["gone"]) == (18, 0, 1)
        loop.do(front.drain())
    with store.read() as reads:
        told = every(reads)
    store.close()
    assert len(told) == 18
    assert told["i3"]["in_stock"] is False
    assert told["new"]["removed"] is True


def dated(file, date):
    """The same feed with a date of its own."""
    file.write_text(file.read_text().replace("<yml_catalog>", f'<yml_catalog date="{date}">'))
    return file


def said(folder):
    """What a store says of items."""
    opened = LmdbStore(folder)
    with opened.read() as reads:
        told = every(reads)
    opened.close()
    return told


def test_what_was_said_after_a_feed_was_made_stays(shop, tmp_path):
    """A feed of ten o'clock that is imported at noon: the price of eleven holds, and so does a product that came
    then; what the feed says of others counts, and its time may be given otherwise."""
    registry, feed = shop
    folder, ten, eleven = tmp_path / "store", 1_700_000_000, 1_700_003_600
    offers = [(f"i{number}", "true", 4) for number in range(17)]
    store = LmdbStore(folder, create=True, map_bytes=1 << 20)
    late = [ItemUpdate("i1", eleven, {"price": 9.0}), ItemUpdate("new", eleven, {"title": "new"})]
    store.write(lambda to: updated(to, late)).result()
    store.close()
    file = dated(feed(*offers), "2023-11-14T22:13:20+00:00")
    report = run(registry, file, "--store", str(folder))
    assert (report["as_of"], report["superseded"], report["gone"]) == (ten, 1, 0)
    told = said(folder)
    assert (told["i1"]["price"], told["i2"]["price"]) == (9.0, 4.0)
    assert "removed" not in told["new"]
    report = run(registry, file, "--store", str(folder), "--at", str(eleven + 1))
    assert (report["as_of"], report["superseded"], report["gone"]) == (eleven + 1, 0, 1)
    assert said(folder)["i1"]["price"] == 4.0


def test_a_feed_of_tomorrow_is_as_of_now(shop, tmp_path):
    """A clock ahead, or a zone that was not said, does not lock out what comes next."""
    registry, feed = shop
    file = dated(feed(*[(f"i{number}", "true", 4) for number in range(17)]), "2999-01-01 00:00")
    told = ["catalog", "import", str(file), "--registry", str(registry), "--store", str(tmp_path / "store")]
    result = CliRunner().invoke(app, told)
    assert "ahead of this machine's clock" in result.stderr
    store = LmdbStore(tmp_path / "store")
    assert store.write(
        lambda to: updated(to, [ItemUpdate("i1", int(time.time()) + 1, {"price": 1.0})])
    ).result() == ["applied"]
    store.close()
