"""A column that counts rows stands for times; counts of orders that start anew are each customer's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vitrina.dataset import Dataset
from vitrina.readers import Reading, read
from vitrina.splits import split


def reading(folder: Path, header: str, *rows: str) -> Reading:
    """These rows, read."""
    (folder / "events.csv").write_text("\n".join([header, *rows]) + "\n")
    return read(folder)


def took(dataset: Dataset, user: str) -> list[str]:
    """A customer's items as they stand."""
    events = dataset.events
    mine = events.user == dataset.users.rows([user])[0]
    return list(dataset.items.names(events.item[mine]))


def notes(found: Reading) -> str:
    """What is said of its events."""
    return "; ".join(found.report.tables[0].notes)


@pytest.mark.parametrize("name", ["position", "pos", "step"])
def test_rows_are_put_in_the_order_that_is_counted(tmp_path, name):
    """From 0 or from 1, whatever order they come in; the last of each is what comes next."""
    rows = ["v,x2,2", "u,i1,1", "u,i0,0", "v,x1,1", "u,i2,2"]
    found = reading(tmp_path, f"user_id,item_id,{name}", *rows)
    assert found.dataset.counted
    assert took(found.dataset, "u") == ["i0", "i1", "i2"]
    assert took(found.dataset, "v") == ["x1", "x2"]
    assert f"the order of each customer's or visit's rows is what {name!r} counts" in notes(found)
    assert "order of the rows is taken" not in notes(found)
    cut = split(found.dataset, 28)
    assert "the last order of each customer is held out" in cut.rule
    assert took(cut.test, "u") == ["i2"]


@pytest.mark.parametrize(
    "rows", [["u,i1,0", "u,i2,2"], ["u,i1,1", "u,i2,1"], ["u,i1,a", "u,i2,b"], ["u,i1,0", "u,i2,"]]
)
def test_what_counts_nothing_is_said_and_left_alone(tmp_path, rows):
    """A count with holes, as a lot that was taken out leaves, places on a page, words, gaps."""
    found = reading(tmp_path, "user_id,item_id,pos", *rows)
    assert not found.dataset.counted
    assert took(found.dataset, "u") == ["i1", "i2"]
    assert "'pos' is not used: it does not count each customer's rows one by one" in notes(found)
    assert "by lot" in split(found.dataset, 28).rule


def test_times_tell_more_than_a_count(tmp_path):
    """Said, and the count is left alone."""
    found = reading(tmp_path, "user_id,item_id,pos,timestamp", "u,i1,1,2024-01-02", "u,i2,0,2024-01-03")
    assert took(found.dataset, "u") == ["i1", "i2"]
    assert not found.dataset.counted
    assert "'pos' is not used: timestamps tell the order" in notes(found)


def test_visits_are_counted_one_by_one(tmp_path):
    """A count that begins anew with each visit orders its rows, in the places that it had."""
    rows = ["b,y1,1", "a,x2,2", "b,y0,0", "a,x1,1"]
    found = reading(tmp_path, "session_id,item_id,position", *rows)
    assert list(found.dataset.items.names(found.dataset.events.item)) == ["y0", "x1", "y1", "x2"]
    assert found.dataset.counted


def test_places_in_a_basket_tell_nothing_of_baskets(tmp_path):
    """Lines of an order are put as they were laid into it; which order came first is left to what they hold."""
    rows = ["u,b,y1,2", "u,b,y0,1", "u,a,x1,2", "u,a,x0,1"]
    found = reading(tmp_path, "user_id,order_id,item_id,position", *rows)
    assert took(found.dataset, "u") == ["y0", "y1", "x0", "x1"]
    assert not found.dataset.counted


@pytest.mark.parametrize(
    "header", ["user_id,order_number,item_id,line", "user_id,order_number,item_id,order_id"]
)
def test_orders_are_put_in_the_order_that_is_counted(tmp_path, header):
    """Numbers of a customer's orders that begin with 1 for each, beside ids of orders or as the ids themselves;
    9 comes before 10."""
    rows = [f"u,{order},i{order},{7 * order % 11}" for order in (10, 3, 9, 1, 2, 8, 4, 5, 7, 6)]
    found = reading(tmp_path, header, *rows[:5], "v,2,k2,b", "v,1,k1,a", "w,1,m,c", *rows[5:])
    assert found.dataset.counted
    assert took(found.dataset, "u") == [f"i{order}" for order in range(1, 11)]
    assert took(found.dataset, "v") == ["k1", "k2"]
    assert "the order of each customer's orders is what 'order_number' counts" in notes(found)
    cut = split(found.dataset, 28)
    assert "the last order of each customer is held out" in cut.rule
    assert took(cut.test, "u") == ["i10"]


@pytest.mark.parametrize(
    "rows",
    [["u,1,i1", "u,3,i3"], ["u,5,i5", "u,6,i6"], ["u,1,i1", "u,b,i2"], ["u,1,i1", "u,2,i2", "u,,i3"]],
)
def test_numbers_of_orders_that_count_nothing_are_left_alone(tmp_path, rows):
    """With holes; a count of the whole shop; words; events of no order."""
    found = reading(tmp_path, "user_id,order_id,item_id", *reversed(rows))
    assert not found.dataset.counted
    assert took(found.dataset, "u") == [row.split(",")[2] for row in reversed(rows)]


def test_orders_that_are_counted_anew_are_each_customer_s_own(tmp_path):
    """The first order of one is not that of another, as TIFU-kNN's authors publish baskets; others stay whole."""
    rows = [f"{user},{order},m{user}{line}" for user in range(2) for order in (1, 2) for line in range(2)]
    found = reading(tmp_path, "CUSTOMER_ID,ORDER_NUMBER,MATERIAL_NUMBER", *rows, "7,own,m9", ",own,m8")
    visits = found.dataset.events.visit
    assert np.unique(visits, return_counts=True)[1].tolist() == [2] * 5
    assert visits[-1] == visits[-2]
    assert "2 values of 'ORDER_NUMBER' stand with several customers: each has visits apart" in notes(found)


def test_numbers_of_clicks_are_no_orders(tmp_path):
    """A column called order that counts each session's rows tells which click a row is; other orders are orders."""
    rows = ["b,2,y1", "a,1,x0", "b,1,y0", "a,2,x1", "a,3,x2"]
    found = reading(tmp_path, "session_id,order,item_id", *rows)
    assert found.dataset.sessions
    assert np.unique(found.dataset.events.visit, return_counts=True)[1].tolist() == [3, 2]
    assert list(found.dataset.items.names(found.dataset.events.item)) == ["y0", "x0", "y1", "x1", "x2"]
    assert "'order' counts the rows of each session, and tells no orders" in notes(found)
    bought = reading(tmp_path, "session_id,order,item_id", "a,A17,x0", "a,A17,x1", "b,,y0", "b,A19,y1")
    assert not bought.dataset.sessions
    assert np.unique(bought.dataset.events.visit, return_counts=True)[1].tolist() == [2, 1, 1]


def test_what_is_known_of_visits_and_not_of_when_they_were_is_said_once(tmp_path):
    """Places in a basket order its lines; nothing more is said of the order of rows."""
    found = reading(tmp_path, "user_id,order_id,item_id,position", "u,b,y1,2", "u,b,y0,1", "u,a,x0,1")
    assert "order of the rows is taken" not in notes(found)


@pytest.mark.parametrize("day", ["", ",2014-04-07"])
def test_a_time_since_the_visit_began_orders_its_rows(tmp_path, day):
    """DIGINETICA's milliseconds count nothing, and tell what was clicked after what on a day."""
    rows = ["1,b,364876", "1,a,198698", "2,d,5603", "2,c,5602"]
    head = "sessionId,itemId,timeframe" + (",eventdate" if day else "")
    found = reading(tmp_path, head, *(row + day for row in rows))
    items = list(found.dataset.items.names(found.dataset.events.item))
    assert items == ["a", "b", "c", "d"]
    assert "is what 'timeframe' says" in notes(found)


@pytest.mark.parametrize(
    ("who", "frames"),
    [("user_id", "21"), ("session_id", ["evening", "morning"]), ("session_id", ["1", "-1"])],
)
def test_what_is_called_a_time_and_is_none_orders_nothing(tmp_path, who, frames):
    """Without sessions nothing began, and parts of a day are no numbers."""
    rows = [f"1,{item},{frame},2020-01-01" for item, frame in zip("ab", frames, strict=True)]
    found = reading(tmp_path, f"{who},item_id,timeframe,timestamp", *rows)
    assert list(found.dataset.items.names(found.dataset.events.item)) == ["a", "b"]
    assert "'timeframe' is not used: it is no time since a session began" in notes(found)


def test_sessions_of_several_visitors_are_apart(tmp_path):
    """GA4's are seconds, which visitors share; who signs in goes on with a session."""
    head = "event_name,event_timestamp,user_id,user_pseudo_id,item_id,ga_session_id,transaction_id"
    rows = ["(not set),a,100", "(not set),b,100", "u,b,100", "(none),b,200"]
    lines = [f"view_item,139686066927600{n},{row.replace(',100', f',i{n},100').replace(',200', f',i{n},200')},(not set)"
             for n, row in enumerate(rows)]  # fmt: skip
    found = reading(tmp_path, head, *lines)
    visits = found.dataset.events.visit.tolist()
    assert visits[1] == visits[2]
    assert len(set(visits)) == 3
    assert len(found.dataset.users) == 1
    assert "1 values of 'ga_session_id' stand with several" in notes(found)


@pytest.mark.parametrize("second", ["v,u", "w,u", ",u"])
def test_a_session_on_two_devices_or_of_a_device_at_times_is_one(tmp_path, second):
    """Ids of sessions that count no seconds are whole, whoever signs in and wherever rows come from."""
    first = "v,u" if second == "w,u" else "v,"
    found = reading(tmp_path, "session_id,visitor_id,user_id,item_id", f"s,{first},a", f"s,{second},b")
    assert len(set(found.dataset.events.visit.tolist())) == 1
    assert "stand with several" not in notes(found)


def test_seconds_tell_no_visitors_apart_where_some_rows_have_none(tmp_path):
    """Who came by which row is not known then, and customers alone are told apart."""
    found = reading(tmp_path, "ga_session_id,visitor_id,user_id,item_id", "s,v,,a", "s,,u,b", "s,w,,c")
    assert len(set(found.dataset.events.visit.tolist())) == 1
