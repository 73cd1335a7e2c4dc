"""The contest's arrays, formulae and searches are what they say: benchmarks/contest, without its libraries."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
DAY = 86_400


@pytest.fixture
def contest(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Its modules, which stand beside the benchmarks."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    names = ("exchange", "plain", "search")
    return SimpleNamespace(**{name: importlib.import_module(f"contest.{name}") for name in names})


def window(contest: Any, bought: list[tuple[int, int, int, int]], n_items: int, asked: list[Any]) -> Any:
    """A window of (user, visit, item, day)."""
    user, visit, item, day = (np.array(column, np.int32) for column in zip(*bought, strict=True))
    product, time = np.arange(n_items, dtype=np.int32), day.astype(np.int64) * DAY
    now = int(time.max()) + DAY
    return contest.exchange.Window(
        user, item, visit, time, product, int(user.max()) + 1, now, True, tuple(asked)
    )


def users_ask(contest: Any, placement: str, users: list[int], truth: list[int], ways=(False,)) -> Any:
    """Known users, each of whom took one product."""
    n, nothing = len(users), np.zeros(0, np.int32)
    return contest.exchange.Asked(
        placement, contest.exchange.USERS, ways, np.array(users, np.int32), np.zeros(n + 1, np.int64),
        nothing, np.arange(n + 1), np.array(truth, np.int32),
    )  # fmt: skip


def carts_ask(contest: Any, carts: list[list[int]], truth: list[int], placement: str = "cart") -> Any:
    """Visits that hold some items."""
    ends = np.concatenate([[0], np.cumsum([len(one) for one in carts])])
    rows = np.array([row for one in carts for row in one], np.int32)
    nobody, n = np.full(len(carts), -1, np.int32), len(carts)
    return contest.exchange.Asked(
        placement, contest.exchange.VISITS, (True,), nobody, ends, rows, np.arange(n + 1), np.array(truth, np.int32)
    )  # fmt: skip


BOUGHT = [(0, 0, 0, 1), (0, 0, 1, 1), (0, 1, 0, 3), (1, 2, 1, 2), (1, 2, 2, 2), (1, 3, 1, 4), (2, 4, 3, 4)]


def test_a_window_comes_back_whole(contest: Any, tmp_path: Path) -> None:
    """What one side writes the other reads: every array, every asker, and what each has."""
    asked = [
        users_ask(contest, "home", [0, 2], [1, 3], (False, True)),
        carts_ask(contest, [[0], [1, 2]], [1, 0]),
    ]
    made = window(contest, BOUGHT, 5, asked)
    contest.exchange.write(tmp_path, made)
    found = contest.exchange.read(tmp_path)
    for name in ("user", "item", "visit", "time", "product"):
        assert np.array_equal(getattr(found, name), getattr(made, name))
    assert (found.n_users, found.now, found.timed) == (made.n_users, made.now, True)
    assert [one.ways for one in found.asked] == [(False, True), (True,)]
    assert found.held(found.asked[0]).toarray().tolist() == [[2, 1, 0, 0, 0], [0, 0, 0, 1, 0]]
    assert found.held(found.asked[1]).toarray().tolist() == [[1, 0, 0, 0, 0], [0, 1, 1, 0, 0]]


def test_lists_are_best_first_and_bar_what_is_had(contest: Any) -> None:
    """Equal scores go to the lower row, -inf is never listed, and short lists end in -1."""
    made = window(contest, BOUGHT, 5, [users_ask(contest, "home", [0], [1])])
    scores = np.array([[3.0, 1.0, 1.0, -np.inf, 2.0]])
    held = made.held(made.asked[0])
    assert contest.exchange.best(lambda places: scores, held, fresh=False)[0, :5].tolist() == [0, 4, 1, 2, -1]
    assert contest.exchange.best(lambda places: scores, held, fresh=True)[0, :3].tolist() == [4, 2, -1]


def test_tifu_is_as_published(contest: Any) -> None:
    """Vectors by hand: baskets fade within groups, groups fade, both are averaged; then alpha of the own
    vector and the rest of the mean of the nearest."""
    bought = [(0, visit, visit, visit) for visit in range(5)] + [(1, 5, 0, 5), (2, 6, 7, 6)]
    asked = users_ask(contest, "home", [0], [1])
    made = window(contest, bought, 8, [asked])
    tifu = contest.plain.Tifu({"groups": 2, "within": 0.5, "between": 0.1, "alpha": 0.75, "neighbours": 1})
    tifu.fit(made, "users")
    # five baskets in two groups: of two, and of three
    own = [0.1 / 2 * 0.5 / 2, 0.1 / 2 / 2, 0.25 / 3 / 2, 0.5 / 3 / 2, 1 / 3 / 2, 0, 0, 0]
    assert tifu.vectors[0].toarray()[0] == pytest.approx(own)
    assert tifu.vectors[1].toarray()[0] == pytest.approx([1, 0, 0, 0, 0, 0, 0, 0])
    far = [np.sum((np.array(own) - tifu.vectors[one].toarray()[0]) ** 2) for one in (1, 2)]
    assert far[0] < far[1]
    mixed = 0.75 * np.array(own) + 0.25 * tifu.vectors[1].toarray()[0]
    best = tifu.lists(made, asked, fresh=False)[0]
    assert best[:5].tolist() == np.argsort(-mixed, kind="stable")[:5].tolist()
    assert (best[5:] == -1).all()


def test_frequency_comes_before_popularity(contest: Any) -> None:
    """GP-TopFreq: own purchases by how often, then everybody's; a stranger gets the bestsellers."""
    asked = users_ask(contest, "home", [2, 0], [1, 1])
    made = window(contest, BOUGHT, 5, [asked])
    model = contest.plain.TopFrequent()
    model.fit(made, "users")
    found = model.lists(made, asked, fresh=False)
    assert found[0, :3].tolist() == [3, 1, 0]
    assert found[1, :2].tolist() == [0, 1]


def test_habit_answers_for_the_carts_of_known_customers(contest: Any) -> None:
    """At a cart, frequency and TIFU-kNN count all that its customer had before, and list nothing that lies in
    it; of nobody's cart they say what everybody bought, or nothing."""
    asked = replace(carts_ask(contest, [[0], [0]], [1, 1]), owner=np.array([1, -1], np.int32))
    made = window(contest, BOUGHT, 5, [asked])
    frequent = contest.plain.TopFrequent()
    frequent.fit(made, "visits")
    found = frequent.lists(made, asked, fresh=True)
    assert found[0, :2].tolist() == [1, 2]
    assert found[1, 0] == 1
    assert 0 not in found
    tifu = contest.plain.Tifu({"groups": 2, "within": 0.9, "between": 0.7, "alpha": 1.0, "neighbours": 1})
    tifu.fit(made, "visits")
    found = tifu.lists(made, asked, fresh=True)
    assert found[0, :3].tolist() == [1, 2, -1]
    assert (found[1] == -1).all()


@pytest.mark.parametrize("adds", ["sum", "max"])
def test_rules_are_counted(contest: Any, adds: str) -> None:
    """Confidence is the share of the antecedent's baskets, lift that over the consequent's share of all."""
    baskets = [[0, 1], [0, 1], [0, 2], [1, 3], [3, 2]]
    bought = [(0, visit, item, visit) for visit, items in enumerate(baskets) for item in items]
    asked = carts_ask(contest, [[0], [0, 3]], [1, 2])
    made = window(contest, bought, 4, [asked])
    rules = contest.plain.Rules("confidence", {"least": 1, "adds": adds})
    rules.fit(made, "visits")
    assert rules.rules[0].toarray()[0] == pytest.approx([0, 2 / 3, 1 / 3, 0])
    lift = contest.plain.Rules("lift", {"least": 1, "adds": adds})
    lift.fit(made, "visits")
    assert lift.rules[0].toarray()[0] == pytest.approx([0, 2 / 3 / (3 / 5), 1 / 3 / (2 / 5), 0])
    found = rules.lists(made, asked, fresh=True)
    assert found[0, :3].tolist() == [1, 2, -1]
    assert found[1, :2].tolist() == [1, 2]  # sums 2/3 + 1/2 and 1/3 + 1/2; maxima 2/3 and 1/2


def test_what_is_best_before_is_asked_once(
    contest: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings and the way that won on the validation window answer on the test window; cold askers get bestsellers."""
    habits = [(user, 10 * user + day, user % 3, day) for user in range(6) for day in range(4)]
    noise = [(user, 100 + user, 3 + user % 2, 5) for user in range(6)]
    asked = users_ask(contest, "home", list(range(6)), [user % 3 for user in range(6)], (False, True))
    validation = window(contest, habits + noise, 6, [asked])
    contest.exchange.write(tmp_path / "validation", validation)
    contest.exchange.write(
        tmp_path / "test",
        replace(validation, asked=(replace(asked, owner=np.array([0, 1, 2, 3, 4, -1], np.int32)),)),
    )
    arguments = [
        "search",
        str(tmp_path),
        "plain",
        "GP-TopFreq",
        "--trials",
        "3",
        "--out",
        str(tmp_path / "out"),
    ]
    monkeypatch.setattr(sys, "argv", arguments)
    limits = []  # of the process, which here is that of all tests
    monkeypatch.setattr(contest.search, "bounded", lambda: limits.append(True))
    contest.search.main()
    assert limits
    facts = json.loads((tmp_path / "out" / "facts.json").read_text())["placements"]["home"]
    assert facts["validation"] == 1.0
    assert facts["settings"] == {"without what they have": False}
    lists = np.load(tmp_path / "out" / "home.npy")
    assert lists.shape == (6, 20)
    assert lists[:5, 0].tolist() == [0, 1, 2, 0, 1]
    assert sorted(lists[5, :5].tolist()) == [0, 1, 2, 3, 4]


@pytest.mark.filterwarnings("ignore")  # implicit warns of its own conversions
def test_implicit_turned_over_lists_what_neighbours_have(contest: Any) -> None:
    """Users by cosine: the sum of how alike they are to all who have an item, and nothing for nobody."""
    implicit = importlib.import_module("contest.with_implicit")
    asked = users_ask(contest, "discover", [0, -1, 1], [2, 0, 0], (True,))
    made = window(contest, BOUGHT, 5, [asked])
    held = made.matrix(contest.exchange.USERS).toarray()
    unit = held / np.linalg.norm(held, axis=1, keepdims=True)
    scores = (unit @ unit.T) @ held
    model = implicit.FAMILIES["users by cosine"].make({"K": 10})
    model.fit(made, contest.exchange.USERS)
    rows = model.lists(made, asked, fresh=False)
    for place, user in ((0, 0), (2, 1)):
        expected = [item for item in np.argsort(-scores[user], kind="stable") if scores[user, item] > 0]
        assert rows[place][rows[place] >= 0].tolist() == expected
    assert (rows[1] == -1).all()


@pytest.mark.filterwarnings("ignore")
def test_implicit_starts_where_als_of_ours_does(contest: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same factors of the same items before anything is learned."""
    from vitrina.kernels.sparse import compress
    from vitrina.strategies.als import Strategy

    implicit = importlib.import_module("contest.with_implicit")
    made = window(contest, BOUGHT, 5, [])
    model = implicit.FAMILIES["ALS from our start"].make({"factors": 8, "start": 4})
    monkeypatch.setattr(type(model.model), "fit", lambda *_, **__: None)
    model.fit(made, contest.exchange.USERS)
    matrix = compress(made.item, made.user, np.ones(len(made.item), np.float32), (5, made.n_users))
    assert np.array_equal(model.model.item_factors, Strategy(factors=8, start=4)._start(matrix))


def test_starts_of_a_twin_are_one_row_together(contest: Any) -> None:
    """Means over starts and the medians of seconds; twins without a start stay out, and others apart."""
    twins = importlib.import_module("twins")

    def row(ours: float, theirs: float, twin: str, busy: list[float], **settings: int) -> dict[str, Any]:
        sides = {"ours": [ours, 0, 1], "theirs": [theirs, 0, 1], "gain": [ours - theirs, -1, 1]}
        return {
            "data": "a",
            "strategy": "als",
            "twin": twin,
            "settings": settings,
            "fit_cpu_seconds": busy,
            **sides,
        }

    found = list(twins.over_starts([
        row(0.3, 0.2, "one", [1.0, 2.0], start=1), row(0.5, 0.6, "one", [3.0, 4.0], start=2),
        row(0.9, 0.1, "other", [1.0, 1.0], start=1), row(0.9, 0.1, "none", [1.0, 1.0]),
    ]))  # fmt: skip
    assert [(one["twin"], one["starts"]) for one in found] == [("one", 2), ("other", 1)]
    first = found[0]
    assert (first["ours"][0], first["theirs"][0], first["ratio"]) == (0.4, 0.4, 1.0)
    assert first["gain"] == [0.0, -0.1, 0.1]
    assert first["fit_cpu_seconds"] == [2.0, 3.0]


def test_a_folder_of_anybodys(contest: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The contest is held on a published split: all that is held is asked, what nobody can find and strangers
    among it; results go where they are told to, and nowhere else."""
    heads, train, test = "user_id,order_id,item_id\n", [], []
    for user in range(60):
        for order in range(5):
            rows = [f"u{user},{user}/{order},i{(user % 4 * 6 + order + step) % 24}\n" for step in range(3)]
            (test if order == 4 else train).extend(rows)
    strangers = ["zoe,z,i1\n", "zoe,z,new\n", "u1,y,new\n", "u1,y,i3\n", "u1,y,newer\n"]
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "events.csv").write_text("".join([heads, *train]))
    (tmp_path / "held.csv").write_text("".join([heads, *test, *strangers]))
    (tmp_path / "recipe.toml").write_text(
        f'placements = "{ROOT}/models/placements/standard.toml"\n[strategies.item_knn]\n[strategies.popular]\n'
        "[strategies.bought_together]\n[strategies.buy_again]\n"
    )
    accuracy = importlib.import_module("accuracy")
    before = sorted((ROOT / "benchmarks" / "results").iterdir())
    words = f"--data {tmp_path}/train --test {tmp_path}/held.csv --recipe {tmp_path}/recipe.toml --budget 2s"
    more = ["--referees", "popular", "--out", str(tmp_path / "out.json"), "--keep", str(tmp_path / "keep")]
    monkeypatch.setattr(sys, "argv", ["accuracy", *words.split(), *more])
    accuracy.main()
    found = json.loads((tmp_path / "out.json").read_text())
    assert "2 of its items (3 of its 185 events) are not in --data" in found["split"]
    assert (found["events"], found["items"], found["users"]) == (720, 24, 60)
    assert found["asked"]["home"] == 61
    assert found["asked"]["cart"] == 62
    for rows in found["placements"].values():
        assert {one["system"] for one in rows} == {accuracy.TUNED, accuracy.DEFAULT, "popular"}
        assert all(
            "refused" not in one and {"ndcg@20", "recall@20", "full_recall@20"} <= one.keys() for one in rows
        )
    kept = contest.exchange.read(tmp_path / "keep" / "train" / "test")
    assert all(one.rows.min(initial=0) >= 0 and one.indptr[-1] == len(one.rows) for one in kept.asked)
    assert sorted((ROOT / "benchmarks" / "results").iterdir()) == before


def test_a_folder_that_cannot_be_asked_is_refused_in_words(
    contest: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback: the sentence of the reader; and words that do not go together are told apart."""
    accuracy = importlib.import_module("accuracy")
    monkeypatch.setattr(sys, "argv", ["accuracy", "--data", str(tmp_path / "nowhere")])
    with pytest.raises(SystemExit, match="does not exist"):
        accuracy.main()
    monkeypatch.setattr(sys, "argv", ["accuracy", "ml_100k", "--test", str(tmp_path)])
    with pytest.raises(SystemExit):
        accuracy.main()
