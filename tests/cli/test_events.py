"""`vitrina events import`: a file into a store or a server, each event once."""

from __future__ import annotations

import json
import time
from hashlib import blake2b

import pytest
from servers import publish, served
from typer.testing import CliRunner

from vitrina.cli import app
from vitrina.errors import DataError
from vitrina.event_file import read
from vitrina.state.events import unpacked
from vitrina.state.lately import Lately
from vitrina.state.lmdb_store import LmdbStore
from vitrina.state.tables import LOG

NOW = int(time.time())
ROWS = (
    "user_id,item_id,timestamp,event_type,quantity,price\n"
    f"ann,i1,{NOW - 500},view,,\n"
    f"ann,i1,{NOW - 500},view,,\n"
    f"bob,i2,{NOW - 400},purchase,3,9.5\n"
    f",i3,{NOW - 300},view,,\n"
)


@pytest.fixture
def file(tmp_path):
    """Four events: two alike, one of nobody, which cannot be used."""
    path = tmp_path / "yesterday.csv"
    path.write_text(ROWS)
    return path


def imported(*words):
    """What the verb printed, as JSON."""
    found = CliRunner().invoke(app, ["events", "import", *map(str, words), "--json"])
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


def test_into_a_store_once(file, tmp_path):
    """Every event of a named customer is kept, as it was; a second import changes nothing."""
    first = imported(file, "--store", tmp_path / "store")
    assert (first["accepted"], first["unusable"], first["anonymous"]) == (3, 1, 0)
    again = imported(file, "--store", tmp_path / "store")
    assert (again.get("accepted", 0), again["duplicate"]) == (0, 3)
    found = logged(tmp_path / "store")
    assert [(one.user_id, one.item_id, one.type, one.quantity, one.price) for one in found] == [
        ("ann", "i1", "view", 1.0, 0.0), ("ann", "i1", "view", 1.0, 0.0), ("bob", "i2", "purchase", 3.0, 9.5),
    ]  # fmt: skip
    store = LmdbStore(tmp_path / "store")
    assert Lately(store).live([("ann", "")], NOW).did["ann", ""].item_ids == ("i1", "i1")
    store.close()


def logged(folder):
    """The events of a store's log."""
    store = LmdbStore(folder)
    with store.read() as reads:
        found = [unpacked(value).event for _, value in reads.feed(LOG, 0, 99)]
    store.close()
    return found


def test_users_visitors_and_orders_are_who_and_what_they_are(tmp_path):
    """A user is the user and a visitor the visitor; a session stands for whoever has no other name, and for the
    order of what has none; who has an order alone is nobody. The region is kept."""
    path = tmp_path / "days.csv"
    rows = [
        "ann,va,s1,o1,north,i1",
        "ann,va,s1,o2,north,i2",
        ",vb,s2,,,i3",
        ",,s3,,south,i4",
        "bob,,s4,,,i5",
        ",,,o3,,i6",
    ]
    header = "user_id,visitor_id,session_id,order_id,region,item_id,timestamp\n"
    path.write_text(header + "".join(f"{one},{NOW - 900 + at}\n" for at, one in enumerate(rows)))
    said = imported(path, "--store", tmp_path / "store")
    assert said == {
        "unusable": 0, "users": 3, "visitors": 2, "anonymous": 1, "accepted": 5, "reasons": {}
    }  # fmt: skip
    told = [(one.user_id, one.visitor_id, one.visit, one.region) for one in logged(tmp_path / "store")]
    assert told == [
        ("ann", "va", "o1", "north"), ("ann", "va", "o2", "north"), ("", "vb", "s2", ""),
        ("", "s3", "s3", "south"), ("bob", "", "s4", ""),
    ]  # fmt: skip
    shown = (
        CliRunner().invoke(app, ["events", "import", str(path), "--store", str(tmp_path / "store")]).stdout
    )
    assert "3 events of users, 2 of visitors, 1 of nobody" in shown
    assert "5 duplicate" in shown


def test_a_file_of_visitors_is_of_visitors(tmp_path):
    """Where no column names users, whom training takes for its customers is recorded as a visitor."""
    path = tmp_path / "clicks.csv"
    path.write_text(f"visitorid,itemid,timestamp,event\ns1,i1,{NOW - 9},view\n")
    said = imported(path, "--store", tmp_path / "store")
    assert (said["users"], said["visitors"], said["accepted"]) == (0, 1, 1)
    assert [(one.user_id, one.visitor_id) for one in logged(tmp_path / "store")] == [("", "s1")]


def test_ids_of_what_users_did_stay_as_they_were(file, tmp_path):
    """What was imported by an older release counts once when it is imported again."""
    found = {one.event_id for one in read(file, None, lambda _: None).happenings()}
    body = "\0".join(("ann", "i1", "view", str(NOW - 500))).encode()
    same = blake2b(body, digest_size=16).hexdigest()
    assert {f"{same}-1", f"{same}-2"} < found


def test_what_no_id_can_be_is_not_recorded(tmp_path):
    """An order or a region longer than an id is turned away with its reason, not stored."""
    path = tmp_path / "long.csv"
    path.write_text(f"user_id,order_id,item_id,timestamp\nann,{'o' * 257},i1,{NOW - 9}\nann,o,i2,{NOW - 9}\n")
    said = imported(path, "--store", tmp_path / "store", "--rejects", tmp_path / "out")
    assert (said["unusable"], said["accepted"]) == (1, 1)
    assert "order_id is longer than 256 bytes" in next((tmp_path / "out").iterdir()).read_text()


def test_into_a_server(file, tmp_path):
    """The server's outcomes are counted; what it rejects is told by its reason."""
    old = tmp_path / "old.csv"
    old.write_text(f"user_id,item_id,timestamp\nann,i9,{NOW - 40 * 86_400}\n")
    publish(tmp_path / "registry")
    with served(tmp_path / "registry", store=str(tmp_path / "store")) as (_, told):
        assert imported(file, "--server", told["address"])["accepted"] == 3
        assert imported(file, "--server", told["address"])["duplicate"] == 3
        late = imported(old, "--server", told["address"])
    assert (late["rejected"], late["reasons"]) == (1, {"time": 1})


@pytest.mark.parametrize("name", ["missing.csv", "letter.txt"])
def test_what_is_no_file_of_events_is_refused(tmp_path, name):
    """By its name, with the endings that are read."""
    (tmp_path / "letter.txt").write_text("Dear")
    with pytest.raises(DataError, match=r"no file of events; give one that ends in \.parquet"):
        read(tmp_path / name, None, lambda _: None)


def test_events_without_a_time_are_refused(tmp_path):
    """Their order alone does not tell when."""
    (tmp_path / "e.csv").write_text("user_id,item_id\nann,i1\n")
    with pytest.raises(DataError, match="add a column timestamp"):
        read(tmp_path / "e.csv", None, lambda _: None)


def test_one_place_is_needed(file):
    """Neither a server nor a store, or both, is wrong usage."""
    assert CliRunner().invoke(app, ["events", "import", str(file)]).exit_code == 2


def test_a_word_of_the_shop_is_logged_as_it_is(tmp_path):
    """What it stands for is for training to say, which knows the whole shop."""
    file = tmp_path / "listens.csv"
    file.write_text(f"user_id,item_id,timestamp,event_type\nann,i1,{NOW - 9},listen\n")
    assert next(read(file, None, lambda _: None).happenings()).type == "listen"
