"""Published splits: all that is held is asked, and nothing of it reaches what is learned."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from shops import make_shop, make_window
from vitrina.cli import app
from vitrina.dataset import DAY
from vitrina.errors import DataError
from vitrina.evaluate import judge
from vitrina.fit import fit
from vitrina.placements import parse_placements
from vitrina.published import given, published
from vitrina.questions import questions
from vitrina.readers import read
from vitrina.recipe import parse_recipe
from vitrina.rivals import BLEND
from vitrina.train import judged_by

RECIPE = parse_recipe({"strategies": {"item_knn": {}, "popular": {}}}, "")
HOME = {"home": {"sources": [{"strategy": "item_knn"}, {"strategy": "popular"}], "rebuy": "never"}}
HEADS = "user_id,item_id\n"


def shop(folder: Path, train: str, test: str, name: str = "test.csv") -> tuple[Path, Path]:
    """A folder to learn from, and a file to be asked about beside it."""
    (folder / "train").mkdir(exist_ok=True)
    (folder / "train" / "events.csv").write_text(train)
    (folder / name).write_text(test)
    return folder / "train", folder / name


def cut_of(data: Path, test: Path):
    return published(read(data, weighed=RECIPE.weighed).dataset, data, test, RECIPE, lambda line: None)


def asked_of(cut, placement: str):
    return next(one for one in questions(cut, 100, 7) if one.placement == placement)


def test_what_is_learned_from_stays_as_it_was_read():
    """Rows, ids, catalogue and events of the first side are the very same; what the second has alone comes
    behind, is counted, and is truth that nobody finds."""
    train = make_shop([("ann", "a", 1), ("bob", "b", 2)], items=["a", "b", "c"])
    cut = given(train, make_shop([("ann", "0 before all", 5), ("ann", "b", 5), ("zoe", "a", 6)]), "held")
    assert cut.train is train
    assert cut.now == 2 * DAY + 1
    assert cut.in_time
    assert cut.test.items.names(cut.test.events.item) == ["0 before all", "b", "a"]
    assert cut.test.users.names(cut.test.events.user) == ["ann", "ann", "zoe"]
    assert cut.test.items.sorted[:3].tolist() == train.items.sorted.tolist()
    assert cut.test.events.visit.min() > train.events.visit.max()
    assert "1 of its items (1 of its 3 events) are not in --data: nobody can find them" in cut.rule
    assert "1 of its 2 customers are not: cold" in cut.rule
    home = asked_of(cut, "home")
    assert [one.user_id for one in home.requests] == ["ann", "zoe"]
    assert home.truth.rows.tolist() == [1, 3, 0]
    assert home.buckets["cold"].tolist() == [1]


def test_nothing_that_is_asked_reaches_what_is_fitted():
    """Whatever is held, popularity, neighbours and chosen weights come out alike to the last byte."""
    rows = [(f"u{one % 120:03}", f"i{one * one // 7 % 9}", one // 20) for one in range(2400)]
    train = make_shop(rows)
    placements = parse_placements(HOME)
    said: list[list[str]] = []
    fitted = []
    for held in ([("u001", "i3", 700)], [("new", "i1", 701), ("new", "other", 702), ("u002", "i2", 703)]):
        cut = given(train, make_shop(held), "held")
        fitted.append(fit(cut.train, RECIPE, placements).parts)
        said.append([])
        tables = {"strategies": {"item_knn": {}, "popular": {}}, "placements": HOME}
        recipe = parse_recipe({**tables, "evaluation": {"weigh": True}}, "")
        judged_by(cut, recipe, said[-1].append)
    assert fitted[0].keys() == fitted[1].keys()
    for name, one in fitted[1].items():
        assert np.asarray(one).tobytes() == np.asarray(fitted[0][name]).tobytes(), name
    weights = [[line for line in one if line.startswith("home: NDCG@10")] for one in said]
    assert weights[0] == weights[1] != []


def test_coverage_is_of_what_could_be_listed():
    """Products that are only asked about are no part of the shop that lists come from."""
    train = make_shop([("ann", "a", 1), ("bob", "b", 2)])
    cut = given(train, make_shop([("ann", "b", 5), ("bob", "new", 5)]), "held")
    engine = make_window(train, {"right": [1, 0]}, {"home": {"sources": [{"strategy": "right"}]}})
    row = judge(engine, cut, 100, 7).row(BLEND, "home")
    assert row.coverage == 1.0
    assert row.metrics["hit_rate@10"].mean == 0.5


def test_a_bundle_that_knows_more_is_asked_too():
    """A stored bundle may list what this split's own side never saw; its lists are looked at all the same, and
    cover of the catalogue what is in it."""
    train = make_shop([("ann", "a", 1), ("bob", "b", 2)])
    cut = given(train, make_shop([("ann", "new", 5), ("ann", "b", 6)]), "held")
    tables = {"home": {"sources": [{"strategy": "right"}]}}
    other = make_window(make_shop([("ann", "new", 1), ("ann", "b", 1)]), {"right": [0, 1]}, tables)
    found = judge(make_window(train, {"right": [0]}, tables), cut, 100, 7, against=other)
    stored = next(one for one in found.rows if one.system.startswith("bundle "))
    assert stored.metrics["recall@10"].mean == 1.0
    assert stored.coverage == 0.5
    assert found.published


def test_full_recall_counts_all_that_was_taken():
    """Of 25 things taken a list of 20 finds 20: recall that a list can reach is 1, full recall 0.8."""
    items = [f"i{one:02}" for one in range(30)]
    train = make_shop([("ann", "i29", 1)], items=items)
    cut = given(train, make_shop([("ann", one, 5) for one in items[:25]]), "held")
    engine = make_window(train, {"right": range(25)}, {"home": {"sources": [{"strategy": "right"}]}})
    metrics = judge(engine, cut, 100, 7).row(BLEND, "home").metrics
    assert metrics["recall@20"].mean == 1.0
    assert metrics["full_recall@20"].mean == pytest.approx(0.8)


def test_files_are_read_as_training_reads_them(tmp_path):
    """A file of any name and format with heads of its own; without times the rows come after all others."""
    test = '{"CustomerID": "ann", "sku": "b"}\n{"CustomerID": "zoe", "sku": "a"}\n'
    cut = cut_of(*shop(tmp_path, HEADS + "ann,a\nbob,b\n", test, "asked.jsonl"))
    assert not cut.train.timed
    assert cut.test.events.time.tolist() == [2, 3]
    assert cut.test.items.names(cut.test.events.item) == ["b", "a"]
    assert "asked.jsonl is asked whole, nothing is cut" in cut.rule


def test_words_mean_what_they_mean_in_training(tmp_path):
    """A type of the shop's own stands for what it stood for there; without types it is what lists foretell."""
    heads = "user_id,item_id,event_type\n"
    own = cut_of(*shop(tmp_path, f"{heads}ann,a,listen\nbob,b,listen\n", f"{heads}ann,b,listen\n"))
    assert own.wanted == ("purchase",)
    weighed = cut_of(*shop(tmp_path, f"{heads}ann,a,buy\nbob,b,listen\n", f"{heads}ann,b,listen\n"))
    assert weighed.wanted == ("listen",)
    bare = cut_of(*shop(tmp_path, f"{heads}ann,a,click\nbob,b,click\n", f"{HEADS}ann,b\n"))
    assert bare.wanted == ("view",)
    assert len(asked_of(bare, "home")) == 1


def test_sessions_and_baskets_are_asked_whole(tmp_path):
    """A visit of nobody is asked step by step, an order with a line hidden, though the other side has visits of
    the same names."""
    visits = "session_id,item_id\n1,a\n1,b\n2,b\n2,c\n"
    cut = cut_of(*shop(tmp_path, visits, "session_id,item_id\n1,a\n1,c\n1,b\n"))
    steps = asked_of(cut, "session_next")
    assert [[event.item_id for event in one.events] for one in steps.requests] == [["a"], ["a", "c"]]
    orders = "user_id,order_id,item_id\nann,1,a\nann,1,b\nbob,2,b\n"
    cut = cut_of(*shop(tmp_path, orders, "user_id,order_id,item_id\nann,1,b\nann,1,a\nzoe,3,b\n"))
    (cart,) = asked_of(cut, "cart").requests
    assert (cart.user_id, len(cart.context_item_ids)) == ("ann", 1)
    assert len(asked_of(cut, "home")) == 2


def test_a_split_that_is_not_in_time_is_told():
    """Events before the end of what is learned from are counted in a caution, and no days are named."""
    train = make_shop([("ann", "a", 1), ("bob", "b", 9)])
    cut = given(train, make_shop([("ann", "b", 5), ("bob", "a", 10)]), "held")
    assert "1 of 2 events of held are no later" in cut.caution
    assert not cut.in_time
    engine = make_window(train, {"right": [0, 1]}, {"home": {"sources": [{"strategy": "right"}]}})
    found = judge(engine, cut, 100, 7)
    assert found.start is None
    assert "not in time" in found.caution


@pytest.mark.parametrize(
    ("drawn", "is_held"),
    [
        ("time", lambda at, day: day > 50),
        ("last", lambda at, day: at == 9),
        ("lot", lambda at, day: at % 5 == 0),
    ],
)
def test_sources_are_weighed_as_what_is_asked_was_held_out(drawn, is_held):
    """By the last days, by each one's last order where customers come and go, or by lot."""
    whole = [(f"u{user}", f"i{at % 7}", at + 3 * user) for user in range(20) for at in range(10)]
    held = [one for place, one in enumerate(whole) if is_held(place % 10, one[2])]
    cut = given(make_shop([one for one in whole if one not in held]), make_shop(held), "held")
    assert cut.train.held_out == drawn
    assert (f"split = {drawn!r}" in cut.caution) == (drawn != "time")


def test_rows_of_both_sides_are_told():
    """Some are a caution; all are an error. Without times a customer may have taken a thing again, unless
    nobody ever did."""
    train = make_shop([("ann", "a", 1), ("bob", "b", 2)])
    cut = given(train, make_shop([("bob", "b", 2), ("bob", "a", 3)]), "held")
    assert "1 of 2 events of held are in --data too" in cut.caution
    with pytest.raises(DataError, match="all that held holds is in --data too"):
        given(train, make_shop([("bob", "b", 2)]), "held")
    assert given(train, make_shop([("bob", "b", 3)]), "held").caution == ""


def test_rows_of_both_sides_without_times(tmp_path):
    """A set of pairs holds none twice; in a shop of habits the same pair is a purchase more."""
    with pytest.raises(DataError, match="in --data too"):
        cut_of(*shop(tmp_path, HEADS + "ann,a\nann,b\nbob,b\n", HEADS + "ann,b\n"))
    assert cut_of(*shop(tmp_path, HEADS + "ann,a\nann,a\nbob,b\n", HEADS + "ann,a\n")).caution == ""


@pytest.mark.parametrize(
    ("test", "why"),
    [(HEADS, "hold no rows"), (HEADS + "ann,z\n", "none of the 1 items of .* is in --data, such as 'z'")],
)
def test_what_cannot_be_asked_is_refused(tmp_path, test, why):
    """Nothing, or nothing that is known, is no split; the sentence names the file."""
    with pytest.raises(DataError, match=why):
        cut_of(*shop(tmp_path, HEADS + "ann,a\n", test))


def test_a_file_that_is_learned_from_is_not_asked(tmp_path):
    """Every file whose name begins with events is learned from, so none of them can be the test."""
    data, _ = shop(tmp_path, HEADS + "ann,a\n", "nothing", "notes.txt")
    for place in (data, data / "events.csv"):
        with pytest.raises(DataError, match=r"events\.csv is learned from too"):
            cut_of(data, place)
    with pytest.raises(DataError, match="no file of events"):
        cut_of(data, tmp_path / "notes.txt")
    with pytest.raises(DataError, match="does not exist"):
        cut_of(data, tmp_path / "nowhere")


def test_the_verb_asks_a_published_split(tmp_path):
    """vitrina evaluate --test prints full recall and NDCG of 20, and as JSON; --at beside it is refused."""
    rows = "".join(f"u{one % 30},i{one * one % 11}\n" for one in range(300))
    data, test = shop(tmp_path, HEADS + rows, HEADS + "u1,i10\nu2,i9\nu3,i3\nzoe,i1\n")
    (tmp_path / "recipe.toml").write_text(
        'placements = "placements.toml"\n[strategies.item_knn]\n[strategies.popular]\n'
    )
    (tmp_path / "placements.toml").write_text(
        '[home]\nrebuy = "always"\n[[home.sources]]\nstrategy = "item_knn"\n'
    )
    asked = ["evaluate", "--data", data, "--test", test, "--recipe", tmp_path / "recipe.toml"]
    done = CliRunner().invoke(app, [str(one) for one in asked], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "test.csv is asked whole, nothing is cut" in done.stdout
    assert "NDCG@20" in done.stdout
    assert "full" in done.stdout
    more = ["--json", "--html", tmp_path / "page.html"]
    done = CliRunner().invoke(app, [str(one) for one in (*asked, *more)], catch_exceptions=False)
    found = json.loads(done.stdout)
    assert found["split"]["published"]
    row = next(one for one in found["rows"] if one["system"] == BLEND and one["bucket"] == "all")
    assert {"recall@20", "ndcg@20", "full_recall@20"} <= row.keys()
    assert "is asked whole" in (tmp_path / "page.html").read_text()
    refused = CliRunner().invoke(app, [str(one) for one in (*asked, "--at", "2020-01-01")])
    assert refused.exit_code == 2


def test_visits_of_both_sides_without_times_are_told(tmp_path):
    """Who forgot to take what is asked out of what is learned from is told, though nobody in it has a name;
    visits of the same items in another order, or of few items, are no such thing."""
    visits = [[f"i{(3 * number + step) % 50}" for step in range(4)] for number in range(40)]
    parts = {
        "same": visits[30:],
        "turned": [one[::-1] for one in visits[:10]],
        "short": [one[:2] for one in visits],
    }
    said = {name: cut_of(*shop(tmp_path, _rows(visits), _rows(some))).caution for name, some in parts.items()}
    assert "10 of the 10 visits of nobody in" in said["same"]
    assert said["turned"] == said["short"] == ""


def test_strangers_who_took_the_same_on_a_day_are_not_one(tmp_path):
    """With the dates alone a basket of what others took that day is not in --data; whole visits that are there,
    are told with times too."""
    train = make_shop([("", f"i{(3 * day + step) % 20}", day) for day in range(30) for step in range(4)])
    parted = replace(train.events, visit=np.arange(len(train.events), dtype=np.int32) // 2)
    cut = given(replace(train, events=parted), make_shop([("", "i3", 1), ("", "i5", 1)]), "held")
    assert "in --data too" not in cut.caution
    assert "item by item" not in cut.caution
    again = given(train, make_shop([("", f"i{(3 * 9 + step) % 20}", 9) for step in range(4)]), "held")
    assert "1 of the 1 visits of nobody in held" in again.caution


def test_strangers_at_the_same_moment_are_the_same():
    """With times of day each row is told: baskets too small to be compared whole are refused, asked again."""
    train = make_shop([("", f"i{step % 7}", step // 2) for step in range(60)])
    train = replace(train, events=replace(train.events, time=train.events.time + np.arange(60)))
    with pytest.raises(DataError, match="all that held holds is in --data too"):
        given(train, train, "held")


def test_who_is_known_is_compared_beside_strangers():
    """All of one customer's rows are in --data, not all that is held: that is a caution."""
    train = make_shop([("ann", "a", 1), ("", "b", 2)])
    cut = given(train, make_shop([("ann", "a", 1), ("", "b", 2)]), "held")
    assert "1 of 2 events of held are in --data too" in cut.caution


def _rows(visits) -> str:
    lines = (f"{number},{item}\n" for number, visit in enumerate(visits) for item in visit)
    return "session_id,item_id\n" + "".join(lines)


def test_last_steps_of_visits_are_said_to_have_nothing_before_them(tmp_path):
    """Ids of visits are not compared; customers' are, and so are visits that are whole."""
    train, last, whole = "s,a\ns,b\nt,a\nt,c\n", "s,c\nt,b\n", "x,c\nx,b\n"

    def said(head: str, test: str) -> str:
        return cut_of(*shop(tmp_path, f"{head},item_id\n" + train, f"{head},item_id\n" + test)).caution

    assert "call them user_id in both" in said("session_id", last)
    assert said("session_id", whole) == said("user_id", last) == ""
