"""What lists led to is counted as it was, and only effects that are there are called so."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from typer.testing import CliRunner

from vitrina.cli import app, main
from vitrina.errors import DataError
from vitrina.outcomes import Comparison, Key, counted, holm, outcomes, ratio, welch
from vitrina.state.events import Event, Placed
from vitrina.state.lmdb_store import LmdbStore
from vitrina.state.people import joining
from vitrina.state.recording import recording


def shown(person, items, arm="", source="knn", placement="home", time=10):
    """An impression of a list."""
    placed = tuple(Placed(one, placement, at, source, 1.0, arm) for at, one in enumerate(items))
    return Event(f"{person}{items}{placement}{time}", "impression", person, "", "", time, placed=placed)


def did(person, kind, item, arm="", source="knn", placement="home", price=0.0, quantity=1.0, time=11):
    """Something that a list led to."""
    placed = (Placed(item, placement, 0, source, 1.0, arm),)
    name = f"{person}{kind}{item}{time}"
    return Event(name, kind, person, "", item, time, quantity, price, placed=placed)


EVENTS = [
    shown("a", "xyz"), shown("b", "xy"), shown("b", "z", source="pop"), shown("a", "x", placement="cart"),
    did("a", "click", "x"), did("b", "view", "z", source="pop"), did("a", "cart", "x"),
    did("a", "purchase", "x", price=5.0, quantity=2.0), did("a", "wink", "x"),
    Event("free", "purchase", "a", "", "x", 12, 1.0, 100.0),
]  # fmt: skip


def by_key(report):
    """Rows by what they count."""
    return {one.key: one for one in report.rows}


def test_counts_are_what_happened():
    """By placement, and each event once by source; what no list led to counts for none."""
    rows = by_key(counted(EVENTS))
    home = rows[Key("home")]
    assert (home.people, home.shown, home.clicks, home.carts, home.orders, home.revenue) == (
        2,
        6,
        2,
        1,
        1,
        10.0,
    )
    assert home.click_rate.value == pytest.approx(2 / 6)
    assert home.revenue_rate.value == pytest.approx(10_000 / 6)
    assert (rows[Key("home", "pop")].shown, rows[Key("home", "knn")].shown) == (1, 5)
    assert rows[Key("cart")].clicks == 0
    assert not [key for key in rows if key.arm]


def test_a_click_and_the_view_it_causes_are_one():
    """Of one person, item and answer; another answer's click is another, and so is another person's."""
    events = [shown("a", "x"), did("a", "click", "x"), did("a", "view", "x", time=12), did("b", "click", "x")]
    assert by_key(counted(events))[Key("home")].clicks == 2
    later = did("a", "click", "x", time=20)._replace(answered=15)
    assert by_key(counted([*events, later]))[Key("home")].clicks == 3


def test_all_ids_of_a_person_are_one(tmp_path):
    """Who was shown a list as a visitor and clicked as a user is one person, once both are joined."""
    store = LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 20)
    seen = shown("", "x")._replace(visitor_id="phone")
    store.write(recording([seen, did("ann", "click", "x"), shown("bob", "x")], 99)).result()
    store.write(joining([b"uann", b"vphone"])).result()
    with store.read() as reads:
        (row,) = (one for one in outcomes(reads).rows if one.key == Key("home"))
    store.close()
    assert (row.people, row.shown, row.clicks) == (2, 2, 1)


def test_what_cannot_be_said_is_null(tmp_path):
    """JSON without NaN: of one person no interval follows, and of arms where nothing varies no p."""
    told = counted([shown("a", "x", "control"), shown("b", "x", "bold")]).as_dict()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["comparisons"][0]["p"] is None


def test_a_picture_that_cannot_be_written_ends_in_a_sentence(tmp_path, monkeypatch, capsys):
    """A folder that is missing is named, without a traceback."""
    LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 20).close()
    lost = tmp_path / "no" / "r.svg"
    monkeypatch.setattr(
        "sys.argv", ["vitrina", "report", "--store", str(tmp_path / "store"), "--out", str(lost)]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == DataError.exit_code
    assert "r.svg: No such file" in capsys.readouterr().err.replace("\n", "")


def test_an_interval_holds_its_level():
    """Of many made shops whose people differ, about 95 % of intervals hold the true rate."""
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(400):
        views = rng.integers(1, 30, 200).astype(float)
        clicks = rng.binomial(views.astype(int), rng.beta(2, 38, 200)).astype(float)
        one = ratio(clicks, views)
        held += one.low <= 0.05 <= one.high
    assert 0.92 <= held / 400 <= 0.98


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 9), min_size=2, max_size=30), st.lists(st.floats(0, 9), min_size=2, max_size=30))
def test_welch_is_scipys_where_people_are_many(one, other):
    """The statistic is that of scipy's Welch test, under the normal law."""
    a, b = np.array(one), np.array(other)
    lift, p = welch(a, b)
    if math.isnan(p) or min(a.std(), b.std()) < 1e-3:
        return
    t = stats.ttest_ind(a, b, equal_var=False).statistic
    assert p == pytest.approx(2 * stats.norm.sf(abs(t)), abs=1e-9)
    if b.mean():
        assert lift == pytest.approx(a.mean() / b.mean() - 1)


def experiment(effect, seed, n=1500):
    """Events of an experiment whose people click more often by `effect` in one of two arms."""
    rng = np.random.default_rng(seed)
    events = []
    for number in range(n):
        arm = ("control", "bold")[number % 2]
        chance = 0.1 * (1 + effect * (arm == "bold"))
        events.append(shown(f"p{number}", "vwxyz", arm))
        for item in np.array(list("vwxyz"))[rng.random(5) < chance]:
            events.append(did(f"p{number}", "click", str(item), arm))
            if rng.random() < 0.3:
                events.append(did(f"p{number}", "purchase", str(item), arm, price=float(rng.lognormal(3, 1))))
    return events


def test_a_planted_effect_is_found_and_an_absent_one_is_not():
    """Half as many clicks again is significant; of 40 experiments without effect at most a few claim one."""
    found = {one.measure: one for one in counted(experiment(0.5, 1)).comparisons}
    assert found["clicks"].significant
    assert found["clicks"].against == "control"
    assert found["clicks"].lift == pytest.approx(0.5, abs=0.2)
    claims = [
        any(one.significant for one in counted(experiment(0, seed, 300)).comparisons) for seed in range(40)
    ]
    assert sum(claims) <= 6  # 5 % of 40 are 2; more than 6 would come by chance once in 200 times


def test_what_is_claimed_holds_over_all_comparisons():
    """Holm's steps: the least p against all of them, and nothing behind the first that fails."""
    ps = [0.04, 0.001, 0.015, float("nan")]
    made = [Comparison("home", str(n), "control", "clicks", 0.1, p) for n, p in enumerate(ps)]
    assert [one.significant for one in holm(made)] == [True, True, True, False]
    assert [one.significant for one in holm([*made, made[0]])] == [False, True, True, False, False]


def test_the_verb_prints_json_table_and_picture(tmp_path):
    """One store, three forms; what a machine did is left out; the picture is XML with a line a row."""
    store = LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 20)
    store.write(recording([*EVENTS, shown("<b>&", "x", "one")], 99)).result()
    store.close()
    drawn = tmp_path / "r.svg"
    told = ["report", "--store", str(tmp_path / "store"), "--out", str(drawn)]
    said = CliRunner().invoke(app, [*told, "--json"], catch_exceptions=False)
    rows = json.loads(said.stdout)["rows"]
    assert [one["shown"] for one in rows if not one["source"] and not one["arm"]] == [1, 7]
    texts = [one.text for one in ET.fromstring(drawn.read_text()).iter() if one.tag.endswith("text")]
    assert texts.count("home") == 1
    assert "arm one" in texts
    assert "home" in CliRunner().invoke(app, told, catch_exceptions=False).stdout
    late = json.loads(CliRunner().invoke(app, [*told, "--json", "--since", "50"]).stdout)
    assert late["rows"] == []
