"""The doctor: true counts, and verdicts that change with the column that they name."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from vitrina.doctor import Diagnosis, examine, show
from vitrina.doctor.verdicts import _PLACES
from vitrina.placements import read_placements
from vitrina.readers import Reading, read
from vitrina.strategies import names

STANDARD = Path(__file__).resolve().parents[1] / "models" / "placements" / "standard.toml"
ITEMS = "item_id,title,category,price,image\n" + "".join(
    f"i{n},T{n},c > d{n % 3},{n}.5,{n}.jpg\n" for n in range(12)
)


def rows(columns: str, *lines: str) -> str:
    """A CSV text."""
    return "\n".join([columns, *lines]) + "\n"


def full_shop(users: int = 40, days: int = 60) -> str:
    """Events with every column that matters: orders of three, repeats, views."""
    lines = []
    for user in range(users):
        for visit in range(10):
            day = np.datetime64("2024-01-01") + (visit * days // 10 + user % 5)
            for item in range(3):
                lines.append(
                    f"u{user},o{user}-{visit},,i{(user + item + visit % 4) % 11},{day}T10:00,purchase"
                )
            lines.append(f"u{user},,s{user}-{visit},i{(user + visit) % 11},{day}T09:00,view")
    return rows("user_id,order_id,session_id,item_id,timestamp,event_type", *lines)


def diagnose(folder: Path, **files: str) -> Diagnosis:
    """Read a folder made of these texts, and examine it."""
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    return examine(read(folder))


def states(verdicts: object) -> dict[str, str]:
    """Name -> state."""
    return {one.name: one.state for one in verdicts}  # type: ignore[attr-defined]


def reason(verdicts: object, name: str) -> str:
    """Why one of them is as it is."""
    return next(one.why for one in verdicts if one.name == name)  # type: ignore[attr-defined]


def test_counts_are_true(tmp_path: Path) -> None:
    """Promise: every count and share is what one counts by hand."""
    text = rows(
        "user_id,order_id,item_id,timestamp,price,quantity",
        "u,1,a,2024-01-01,1,1",
        "u,1,b,2024-01-01,,1",
        "u,2,a,2024-01-11,2,1",
        "v,3,a,2024-01-05,3,1",
        ",4,c,2024-01-06,3,1",
        "v,5,a,2024-01-07,3,-1",
    )
    facts = diagnose(tmp_path, events=text, items=rows("item_id,category", "a,x", "z,")).facts
    assert (facts.events, facts.users, facts.items, facts.orders, facts.pairs) == (6, 2, 4, 4, 1)
    assert facts.types == {"purchase": 5, "return": 1}
    assert (facts.first, facts.last, facts.days) == ("2024-01-01", "2024-01-11", 10.0)
    assert facts.repeat_share == pytest.approx(1 / 4)
    assert facts.anonymous_share == pytest.approx(1 / 6)
    assert facts.priced_events == pytest.approx(5 / 6)
    assert facts.head_share == pytest.approx(4 / 6)
    assert (facts.unsold_items, facts.learners) == (1, 1)
    assert facts.categorised == pytest.approx(1 / 4)
    assert facts.events_per_user == {"p10": 2.1, "median": 2.5, "p90": 2.9, "p99": 2.99, "most": 3.0}
    assert facts.items_per_order["most"] == 2


def test_a_second_line_of_one_order_is_no_repeat(tmp_path: Path) -> None:
    """Promise: the same item twice on one receipt is not a customer who came back."""
    text = rows("user_id,order_id,item_id", "u,1,a", "u,1,a", "u,1,b")
    assert diagnose(tmp_path, events=text).facts.repeat_share == 0


def test_a_healthy_shop_has_nothing_wrong(tmp_path: Path) -> None:
    """Promise: with every column, everything but photos works and there is no warning."""
    found = diagnose(tmp_path, events=full_shop(), items=ITEMS)
    assert found.warnings == ()
    learned = states(found.strategies)
    assert learned.pop("image_similar") == "empty"
    assert set(learned.values()) == {"works"}
    assert set(states(found.placements).values()) == {"works"}
    assert list(states(found.placements)) == [
        "home", "discover", "product_similar", "cart", "session_next", "category",
        "post_purchase", "email_digest", "retargeting",
    ]  # fmt: skip
    assert "embed" in reason(found.strategies, "image_similar")


PHOTOS = {"image_similar": "empty"}


def without(text: str, *names: str) -> str:
    """The CSV without some columns."""
    header, *lines = (line.split(",") for line in text.splitlines())
    keep = [at for at, name in enumerate(header) if name not in names]
    return "\n".join(",".join(line[at] for at in keep) for line in [header, *lines]) + "\n"


@pytest.mark.parametrize(
    ("gone", "strategies", "placements"),
    [
        (
            ("user_id",),
            {"user_knn": "thin", "buy_again": "empty", "next_basket": "empty", "decision_tree": "thin"},
            {"home": "thin", "discover": "thin", "post_purchase": "thin", "email_digest": "thin"},
        ),
        (
            ("timestamp",),
            {"popular": "thin", "buy_again": "thin", "next_basket": "thin", "markov": "thin"},
            {},
        ),
        (("session_id",), {"session_knn": "thin", "markov": "thin"}, {}),
        (
            ("order_id",),
            {"bought_together": "thin", "transaction_similar": "thin"},
            {"cart": "thin", "post_purchase": "thin"},
        ),
        (("event_type",), {"look_again": "empty"}, {"session_next": "thin", "retargeting": "thin"}),
        (
            ("order_id", "session_id", "timestamp"),
            {
                "bought_together": "empty",
                "transaction_similar": "empty",
                "next_basket": "thin",
                "buy_again": "thin",
                "popular": "thin",
                "session_knn": "thin",
                "markov": "thin",
            },
            {"cart": "thin", "post_purchase": "thin"},
        ),
    ],
)
def test_each_missing_column_costs_what_it_carries(
    tmp_path: Path, gone: tuple[str, ...], strategies: dict[str, str], placements: dict[str, str]
) -> None:
    """Promise: without a column, just the lists that live on it suffer, and the column is named."""
    found = diagnose(tmp_path, events=without(full_shop(), *gone), items=ITEMS)
    strategies = {**strategies, **PHOTOS}
    for wanted, verdicts in ((strategies, found.strategies), (placements, found.placements)):
        got = states(verdicts)
        assert {name: state for name, state in got.items() if state != "works"} == wanted
        assert all(reason(verdicts, name) for name in wanted)
    assert {("events", name) for name in gone} <= {(one.table, one.column) for one in found.missing}


def test_every_strategy_has_a_verdict(tmp_path: Path) -> None:
    """Promise: what a recipe may fit, the doctor has looked at."""
    assert sorted(states(diagnose(tmp_path, events=full_shop()).strategies)) == names()


VISITS = rows(
    "session_id,item_id,timestamp", *(f"s{n // 3},i{n % 7},2024-01-0{n % 9 + 1}" for n in range(1200))
)
PEOPLE = rows("user_id,item_id", *(f"u{n // 30},i{n * n % 11}" for n in range(1200)))
BASKETS = rows("order_id,item_id", *(f"o{n // 4},i{n % 7}" for n in range(1200)))
DAYS = rows(
    "user_id,item_id,timestamp", *(f"u{n // 30},i{n * n % 11},2024-01-0{n % 9 + 1}" for n in range(1200))
)
FEW = rows(
    "user_id,item_id,timestamp", *(f"u{n // 30},i{n * n % 11},2024-01-0{n % 9 + 1}" for n in range(900))
)
ODD = rows(
    "user_id,item_id,event_type",
    *(f"u{n // 30},i{n % 11},{'wink' if n % 30 else 'view'}" for n in range(1200)),
)


@pytest.mark.parametrize(
    ("text", "name", "state", "said"),
    [
        (VISITS, "user_knn", "thin", "visits stand for customers"),
        (BASKETS, "user_knn", "thin", "visits stand for customers"),
        (BASKETS, "ease", "works", ""),
        (VISITS, "als", "works", ""),
        (BASKETS, "session_knn", "thin", "no session_id: an order stands for a visit"),
        (DAYS, "markov", "thin", "a customer's day stands for a visit"),
        (PEOPLE, "session_knn", "thin", "all that a customer ever did is one visit"),
        (PEOPLE, "markov", "thin", "all that a customer ever did is one visit"),
        (FEW, "rp3beta", "thin", "only 900 events to learn from"),
        (ODD, "graph_filter", "empty", "no customer and no visit touched two items, by events that count"),
        (DAYS, "decision_tree", "empty", "no category, price or attribute"),
    ],
)  # fmt: skip
def test_a_verdict_says_what_is_so(tmp_path: Path, text: str, name: str, state: str, said: str) -> None:
    """Promise: what stands for what is missing is named, and nothing else."""
    found = diagnose(tmp_path, events=text).strategies
    assert (states(found)[name], said in reason(found, name)) == (state, True)


def test_a_tree_needs_customers_who_come_back(tmp_path: Path) -> None:
    """Promise: with one visit each, substitutes are bestsellers, and that is said; the count is true."""
    once = rows("user_id,order_id,item_id", *(f"u{n // 3},o{n // 3},i{n % 11}" for n in range(1200)))
    found = diagnose(tmp_path, events=once, items=ITEMS)
    assert found.facts.returners == 0
    assert reason(found.strategies, "decision_tree").startswith("no customer bought on two visits or more")
    twice = rows("user_id,order_id,item_id", *(f"u{n // 6},o{n // 3},i{n % 11}" for n in range(1200)))
    found = diagnose(tmp_path, events=twice)
    assert found.facts.returners == 200
    assert states(found.strategies)["decision_tree"] == "works"


def test_no_category_no_category_page(tmp_path: Path) -> None:
    """Promise: a category page without categories is empty, and says so."""
    found = diagnose(tmp_path, events=full_shop(), items="item_id\ni1\n")
    assert states(found.placements)["category"] == "empty"
    assert "no category" in reason(found.placements, "category")


def test_a_catalogue_alone(tmp_path: Path) -> None:
    """Promise: without events all is empty but what the catalogue carries; one line says what is missing."""
    for name, text in {"items": ITEMS}.items():
        (tmp_path / f"{name}.csv").write_text(text)
    reading = read(tmp_path)
    found = examine(reading)
    learned = states(found.strategies)
    assert learned.pop("content_similar") == "works"
    assert set(learned.values()) == {"empty"}
    assert [one.column for one in found.missing if one.table == "events"] == ["*"]
    vectors = np.ones((len(reading.dataset.items), 4), np.float32)
    pictured = examine(Reading(replace(reading.dataset, vectors=vectors), reading.report))
    assert states(pictured.strategies)["image_similar"] == "works"
    assert states(pictured.placements)["product_similar"] == "works"


def test_an_attribute_called_region_is_not_missing(tmp_path: Path) -> None:
    """Promise: what came as an attribute is not asked for again."""
    found = diagnose(tmp_path, events=full_shop(), items=ITEMS, users="user_id,region\nu1,north\n")
    assert ("users", "region") not in {(one.table, one.column) for one in found.missing}


CROWD = rows("user_id,item_id,timestamp", *(
    f"{'guest' if n % 2 else f'u{n % 400}'},i{n % 90},2024-{n % 12 + 1:02}-0{n % 9 + 1}T1{n % 10}:00" for n in range(3000)
))  # fmt: skip
ROBOT = rows(
    "session_id,item_id", *(f"s{n // 2},i{n % 7}" for n in range(2000)), *(f"bot,x{n}" for n in range(300))
)
HASTY = rows("user_id,item_id,timestamp", *(f"u{n % 30},i{n % 7},2024-0{n % 9 + 1}-01T10:00" for n in range(2000)),
             *(f"bot,i{n % 7},2024-03-01T10:00" for n in range(1001)))  # fmt: skip
BAG = rows("order_id,item_id", *(f"o{n},{item}" for n in range(600) for item in ("bag", f"i{n % 40}")))
BACK = rows(
    "user_id,order_id,item_id,quantity",
    *(f"u{n % 50},{n},i{n % 9},{-1 if n % 2 else 1}" for n in range(1200)),
)
VIEWS = rows("user_id,item_id,event_type", *(f"u{n % 50},i{n % 9},view" for n in range(1200)))
PAIRS = rows("user_id,item_id", *(f"u{n // 5},i{n % 5 * 7 + n % 3}" for n in range(2000)))
SORTED = rows("user_id,order_id,item_id", *(f"u{n // 5},o{n},i{n % 5 * 7 + n % 3}" for n in range(2000)))
CLICKS = rows("session_id,item_id", *(f"s{n % 50},i{n % 9}" for n in range(1200)))

SORTED_CLICKS = rows(
    "session_id,item_id,event_type", *(f"s{n // 4},{n % 4 * 9 + n % 7},view" for n in range(1200))
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (rows("user_id,item_id", "u,a", "u,b"), "2 events are few"),
        (rows("user_id,item_id", "u,a", "u,b"), "only 1 customer or visit touched two items"),
        (CROWD, "user 'guest' has 50% of all events"),
        (ROBOT, "1 visit holds 50 different items or more, the largest 300"),
        (HASTY, "1 customer or visit has over 1,000 events in one day"),
        (BAG, "item 'bag' is in 100% of the orders"),
        (BACK, "600 returns on 600 purchases"),
        (VIEWS, "there is no purchase among the events, only view"),
        (CLICKS, "if they are clicks"),
        (SORTED_CLICKS, "the rows of visits are sorted by item"),
        (rows("user_id,item_id,price", *(f"u{n},a,{n % 30 or 'x'}" for n in range(90))), "3.3% of the rows of events.* were rejected"),
        (SORTED, "rows do not seem to stand in the order"),
        (PAIRS, "rows tell who took what and nothing else"),
        (full_shop(days=20), "days: trends"),
        (rows("user_id,item_id,timestamp", *(f"u{n % 50},i{n % 9},2024-01-01T1{n % 9}:00" for n in range(1200))), "of one day"),
        (rows("user_id,item_id,timestamp", *(f"u{n % 50},i{n % 9},2024-0{n % 9 + 1}-01" for n in range(1200))), "days without a time"),
    ],
)  # fmt: skip
def test_what_looks_wrong_is_said(tmp_path: Path, text: str, said: str) -> None:
    """Promise: each known trouble is one sentence that says what to do; a healthy shop has none."""
    found = diagnose(tmp_path, events=text)
    assert any(said in warning for warning in found.warnings), found.warnings


def test_too_few_customers_tell_nothing_of_the_order(tmp_path: Path) -> None:
    """Promise: that rows seem to stand in the order of time is said where it was seen, not by default."""
    few = rows("user_id,item_id", *(f"u{n // 20},i{n % 20 * 7 + n % 3}" for n in range(2000)))
    found = diagnose(tmp_path, events=few)
    assert any("rows tell who took what and nothing else: lists" in one for one in found.warnings)


def test_events_and_catalogue_of_different_ids(tmp_path: Path) -> None:
    """Promise: ids that do not meet are found out."""
    found = diagnose(tmp_path, events=full_shop(), items=ITEMS.replace("\ni", "\nsku-"))
    assert any("11 items with 100% of the events are not in items.*" in one for one in found.warnings)


def test_the_diagnosis_is_json(tmp_path: Path) -> None:
    """Promise: as_dict is JSON without losses of its own."""
    found = diagnose(tmp_path, events=full_shop(), items=ITEMS)
    table = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert table["facts"]["users"] == 40
    assert table["strategies"][0] == {"name": "item_knn", "state": "works", "why": ""}
    assert table["reading"]["tables"]["items"]["kept"] == 12


def test_the_diagnosis_in_words(tmp_path: Path) -> None:
    """Promise: every section is there, and what a shop wrote is never markup."""
    text = rows("user_id,item_id,[bold]odd[/bold]", "[red]u[/red],[link=x],1", "u,i,2")
    found = diagnose(tmp_path, events=text)
    out = io.StringIO()
    show(found, Console(file=out, width=100, force_terminal=False))
    said = out.getvalue()
    for piece in ("How the files were read", "What is in them", "What looks wrong", "strategy can learn",
                  "each placement", "more columns would buy", "[bold]odd[/bold]"):  # fmt: skip
        assert piece in said


def test_few_looks_are_thin(tmp_path: Path) -> None:
    """Promise: so few looks that how they end is hardly learned are counted in the verdict."""
    lines = [f"u{user},i{user % 5},2024-01-{1 + user % 28:02},view" for user in range(60)]
    found = diagnose(tmp_path, events=rows("user_id,item_id,timestamp,event_type", *lines))
    told = {one.name: one for one in found.strategies}["look_again"]
    assert (told.state, told.why) == ("thin", "only 60 views and carts")


def test_what_placements_are_made_of_is_what_the_standard_file_says() -> None:
    """Promise: no verdict speaks of a source that a placement does not have."""
    standard = read_placements(STANDARD, {})
    for name, place in _PLACES.items():
        assert set(place.sources) <= {one.strategy for one in standard.by_name[name].sources}, name
