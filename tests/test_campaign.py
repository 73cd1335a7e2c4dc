"""Lists for whole files: exact columns, everybody answered, resumed where it stopped."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from shops import make_shop, make_window
from vitrina import campaign
from vitrina.dataset import DAY
from vitrina.errors import DataError
from vitrina.since import Since
from vitrina.state.events import Event
from vitrina.state.items import updated
from vitrina.state.lmdb_store import LmdbStore
from vitrina.state.recording import recording
from vitrina.updates import ItemUpdate

ITEMS = [f"i{number}" for number in range(6)]
NOW = 100 * DAY


@pytest.fixture
def engine():
    """Six items in order to everybody; ann bought i0."""
    rule = {"sources": [{"strategy": "all"}], "rebuy": "never"}
    placements = {"p": rule, "q": rule}
    return make_window(
        make_shop([("ann", "i0", 1), ("bob", "i1", 2)], items=ITEMS), {"all": range(6)}, placements
    )


def quiet(_line):
    """No progress."""


def test_users_file(engine, tmp_path):
    """Columns, ranks from 1, the order of the file; a stranger gets a list too."""
    (tmp_path / "users.csv").write_text("user_id\nbob\nann\nzoe\n")
    asked = campaign.for_users(tmp_path / "users.csv", ["p"], 2)
    assert campaign.run(engine, asked, tmp_path / "out.parquet", NOW, quiet) == 6
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.column_names == ["user_id", "item_id", "rank", "score", "source"]
    assert table["user_id"].to_pylist() == ["bob", "bob", "ann", "ann", "zoe", "zoe"]
    assert table["item_id"].to_pylist() == ["i0", "i2", "i1", "i2", "i0", "i1"]
    assert table["rank"].to_pylist() == [1, 2] * 3
    assert set(table["source"].to_pylist()) == {"all"}
    assert not (tmp_path / "out.parquet.slices").exists()


def test_what_happened_since_training_counts(engine, tmp_path):
    """Bought and sold out meanwhile, by the store: neither is listed."""
    store = LmdbStore(tmp_path / "store", create=True)
    store.write(recording([Event("e1", "purchase", "ann", "", "i1", NOW - 60)], NOW)).result()
    gone = ItemUpdate("i2", NOW - 60, {"in_stock": False})
    store.write(lambda to: updated(to, [gone])).result()
    store.close()
    since = Since(tmp_path / "store")
    (tmp_path / "users.csv").write_text("user_id\nann\nbob\n")
    asked = campaign.for_users(tmp_path / "users.csv", ["p"], 3)

    def lists(*told, **more):
        campaign.run(*told, asked, tmp_path / "out.parquet", NOW, quiet, **more)
        return pq.read_table(tmp_path / "out.parquet")["item_id"].to_pylist()

    assert lists(engine) == ["i1", "i2", "i3", "i0", "i2", "i3"]
    assert lists(since.over(engine), remember=since.remember) == ["i3", "i4", "i5", "i0", "i3", "i4"]
    since.store.close()


def test_contexts_file(engine, tmp_path):
    """Rows of one query_id are one cart, wherever they stand; its own items never return."""
    pq.write_table(pa.table({"query_id": [7, 8, 7], "item_id": ["i0", "i5", "i1"]}), tmp_path / "c.parquet")
    asked = campaign.for_contexts(tmp_path / "c.parquet", ["p"], 3)
    campaign.run(engine, asked, tmp_path / "out.csv", NOW, quiet)
    rows = pc.read_csv(tmp_path / "out.csv").to_pylist()
    assert [row["item_id"] for row in rows if row["query_id"] == 7] == ["i2", "i3", "i4"]
    assert [row["item_id"] for row in rows if row["query_id"] == 8] == ["i0", "i1", "i2"]


def test_a_killed_run_goes_on_where_it_stopped(engine, tmp_path, monkeypatch):
    """Finished slices are not computed again, and the result is that of a run never killed."""
    monkeypatch.setattr(campaign, "SLICE", 10)
    users = tmp_path / "users.csv"
    users.write_text("user_id\n" + "\n".join(f"u{number}" for number in range(35)) + "\n")
    survey = campaign.for_users(users, ["p"], 3)
    calls = []
    table = campaign._table

    def dying(*told):
        calls.append(told[2][0][0])
        if len(calls) == 3:
            raise KeyboardInterrupt
        return table(*told)

    monkeypatch.setattr(campaign, "_table", dying)
    with pytest.raises(KeyboardInterrupt):
        campaign.run(engine, survey, tmp_path / "out.parquet", NOW, quiet)
    said = []
    campaign.run(engine, survey, tmp_path / "out.parquet", NOW, said.append)
    assert calls == ["u0", "u10", "u20", "u20", "u30"]
    assert said[0].startswith("30 of 35 lists, ")
    assert said[0].endswith(" s to go")
    assert said[-1].startswith("35 of 35 lists")
    campaign.run(engine, survey, tmp_path / "whole.parquet", NOW, quiet)
    assert pq.read_table(tmp_path / "out.parquet").equals(pq.read_table(tmp_path / "whole.parquet"))


def test_several_lists_for_everybody(engine, tmp_path):
    """A column says which; no product stands twice in what one customer gets."""
    (tmp_path / "users.csv").write_text("user_id\nann\nzoe\n")
    survey = campaign.for_users(tmp_path / "users.csv", ["p", "q"], 2)
    assert campaign.run(engine, survey, tmp_path / "out.parquet", NOW, quiet) == 8
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.column_names == ["user_id", "placement", "item_id", "rank", "score", "source"]
    rows = table.to_pylist()
    assert [one["item_id"] for one in rows if one["user_id"] == "ann"] == ["i1", "i2", "i3", "i4"]
    assert [one["placement"] for one in rows[:4]] == ["p", "p", "q", "q"]


def test_slices_of_another_run_are_not_taken(engine, tmp_path):
    """What a run with other users left behind is thrown away."""
    out = tmp_path / "out.parquet"
    slices = tmp_path / "out.parquet.slices"
    slices.mkdir()
    (slices / "RUN").write_text("another")
    (slices / "000000.parquet").write_text("not even parquet")
    (tmp_path / "users.csv").write_text("user_id\nann\n")
    assert campaign.run(engine, campaign.for_users(tmp_path / "users.csv", ["p"], 2), out, NOW, quiet) == 2


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("u.csv", "name\nann\n", "columns user_id"),
        ("gone.csv", None, "not a file"),
        ("u.parquet", "x", "user_id"),
    ],
)
def test_a_file_of_another_shape(engine, tmp_path, name, text, says):
    """The error names the file and the columns it needs."""
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=says):
        campaign.for_users(tmp_path / name, ["p"], 2)


def test_another_kind_of_output(engine, tmp_path):
    """Only .parquet and .csv."""
    with pytest.raises(DataError, match=r"\.parquet or \.csv"):
        campaign.run(
            engine, campaign.Survey(tmp_path, "user_id", ("p",), 1), tmp_path / "out.txt", NOW, quiet
        )


def test_nobody_asked(engine, tmp_path):
    """A file with a header alone says so."""
    (tmp_path / "users.csv").write_text("user_id\n")
    with pytest.raises(DataError, match="no rows"):
        campaign.run(
            engine,
            campaign.for_users(tmp_path / "users.csv", ["p"], 2),
            tmp_path / "o.csv",
            NOW,
            quiet,
        )
