"""Judging: an oracle scores 1, chance scores chance, and every list comes from the engine itself."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from shops import make_shop, make_window
from vitrina.catalog import Attribute
from vitrina.dataset import DAY
from vitrina.evaluate import TUNED, ask, evaluate, judge
from vitrina.fit import fingerprint
from vitrina.placements import parse_placements
from vitrina.questions import questions
from vitrina.recipe import parse_recipe
from vitrina.report import page
from vitrina.rivals import BLEND, Random, challengers
from vitrina.scoresheet import show
from vitrina.splits import split
from vitrina.strategy import Allow, Query, Seeds

ITEMS = [f"i{number:02}" for number in range(30)]
SOURCES = {"right": [10, 11, 2, 3], "wrong": range(20, 30), "popular": range(30), "random": Random(7)}
PLACEMENTS = {
    "home": {"sources": [{"strategy": "right"}, {"strategy": "wrong", "weight": 0.01}], "fallback": []},
    "discover": {"sources": [{"strategy": "right"}], "rebuy": "never", "fallback": ["popular"]},
    "cart": {"sources": [{"strategy": "right", "seeds": "context"}], "fallback": []},
}


@pytest.fixture
def dataset():
    """Twenty customers buy i00 and i01 daily for ninety days, then i10 and i11; one newcomer buys i12."""
    before = [
        (f"u{user:02}", f"i{item:02}", day) for day in range(90) for user in range(20) for item in (0, 1)
    ]
    after = [(f"u{user:02}", f"i{item:02}", 95) for user in range(20) for item in (10, 11)]
    return make_shop([*before, *after, ("zoe", "i12", 96)], items=ITEMS)


@pytest.fixture
def cut(dataset):
    return split(dataset, 7)


@pytest.fixture
def engine(cut):
    return make_window(cut.train, SOURCES, PLACEMENTS)


def test_an_oracle_scores_one_and_the_wrong_scores_nothing(engine, cut):
    """The source that knows the answer has NDCG 1 among those who took it; who names others has 0."""
    found = judge(engine, cut, 100, 7)
    assert found.row("right", "home", "known").metrics["ndcg@10"].mean == 1.0
    assert found.row("right", "home", "known").metrics["recall@20"].low == 1.0
    assert found.row("wrong", "home", "known").metrics["ndcg@10"].mean == 0.0
    assert found.row(BLEND, "home", "known").metrics["hit_rate@10"].mean == 1.0


def test_buckets_and_counts(engine, cut):
    """Newcomers are counted apart, and so is what nobody had touched before the cut."""
    found = judge(engine, cut, 100, 7)
    assert found.counts["home"] == {
        "all": 21, "known": 20, "cold": 1, "taken": 41, "taken_cold": 41
    }  # fmt: skip
    assert found.row("right", "home", "cold").metrics["ndcg@10"].mean == 0.0
    assert found.row("popular", "home", "cold").askers == 1
    assert found.row("right", "home").metrics["ndcg@10"].mean == pytest.approx(20 / 21)


def test_the_gain_is_paired(engine, cut):
    """The blend's gain over a rival is over the same askers, and the blend has none over itself."""
    found = judge(engine, cut, 100, 7)
    blend, wrong = (found.row(name, "home", "known") for name in (BLEND, "wrong"))
    assert blend.gain is None
    assert wrong.gain.mean == pytest.approx(blend.metrics["ndcg@10"].mean)
    assert found.row("right", "home", "known").gain.mean == pytest.approx(0.0)


def test_one_visit_has_no_interval():
    """Of seventy clicks of one visit nothing is sure: the row says that it is one, and no interval is told, in
    the table, on the page and as JSON."""
    before = [("", f"i{day % 9}", day, "view") for day in range(90)]
    shop = make_shop([*before, *(("", f"i{click % 9}", 95, "view") for click in range(70))])
    table = {"session_next": {"sources": [{"strategy": "a", "seeds": "session"}], "fallback": []}}
    found = judge(make_window(split(shop, 7).train, {"a": [0, 1]}, table), split(shop, 7), 100, 7)
    row = found.row("a", "session_next")
    assert (row.askers, row.clusters) == (50, 1)
    assert row.as_dict()["gain"] == [0.0, None, None]
    console = Console(width=240, record=True, file=StringIO())
    show(found, console)
    for text in (console.export_text(), page(found)):
        assert "Too few customers or visits were asked to tell who is ahead: 1, of 50" in text
        assert "nan" not in text
    assert not {tag for tag in ("<path", "<i>") if tag in page(found)}


def test_rules_hold_for_rivals_too(engine, cut):
    """Where nothing bought may return, no rival shows it, not even chance; fallbacks fill and are counted."""
    found = judge(engine, cut, 100, 7)
    assert found.row("popular", "discover").metrics["ndcg@10"].mean > 0
    discover = next(one for one in questions(cut, 100, 7) if one.placement == "discover")
    for placement in challengers(engine, engine.placements.named("discover")).values():
        lists, filled = ask(engine, discover, placement, cut.now)
        assert not np.isin(lists[:20], [0, 1]).any()
        assert (lists >= 0).all()
    assert found.row("right", "discover").metrics["fallback"].mean == 1.0
    assert found.row("right", "home").metrics["short@10"].mean == 1.0
    assert filled.all() or placement.name.endswith(("popular", "random", "wrong"))


def test_a_bundle_without_a_placement_is_told(engine, cut):
    """It has no row there, and that is said, shown and kept."""
    said: list[str] = []
    other = make_window(cut.train, SOURCES, {"home": PLACEMENTS["home"]})
    found = judge(engine, cut, 100, 7, said.append, against=other)
    assert {one.placement for one in found.rows if one.system.startswith("bundle")} == {"home"}
    assert found.caution.endswith("has no placement discover, cart: it is not asked there")
    assert found.caution in said


def test_filled_up_is_who_lacks_ten_of_its_own(cut):
    """Lists of twenty are asked for, figures are of ten: a source of eleven products is not filled up, one of
    nine is."""
    sources = {"eleven": range(10, 21), "nine": range(10, 19), "popular": range(30)}
    tables = {"home": {"sources": [{"strategy": "eleven"}], "fallback": ["popular"]}}
    found = judge(make_window(cut.train, sources, tables), cut, 100, 7)
    shares = {one.system: one.metrics["fallback"].mean for one in found.rows if one.bucket == "all"}
    assert shares == {BLEND: 0.0, "eleven": 0.0, "nine": 1.0, "popular": 0.0}


def test_lists_are_the_servers(engine, cut):
    """What is judged is exactly what the engine answers to the same request."""
    from vitrina.live import Live
    from vitrina.request import Block

    home = next(one for one in questions(cut, 100, 7) if one.placement == "home")
    lists, _ = ask(engine, home, engine.placements.named("home"), cut.now)
    served = engine.recommend(
        [replace(one, blocks=(Block("home", limit=20),)) for one in home.requests], Live(now=cut.now)
    )
    for row, answer in zip(lists, served, strict=True):
        names = [one.item_id for one in answer.blocks[0].items]
        assert engine.items.names(row[row >= 0]) == names


def test_the_cart_is_asked_about_the_hidden_line(engine, cut):
    """Baskets of i10 and i11: given one, the source that starts with both names the other first."""
    found = judge(engine, cut, 100, 7)
    assert found.row("right", "cart").metrics["mrr@10"].mean == 1.0
    assert found.counts["cart"]["all"] == 20


def test_the_same_seed_gives_the_same_figures(engine, cut):
    """Two runs agree to the last digit; the result is strict JSON."""
    one, other = (judge(engine, cut, 5, 7).as_dict() for _ in range(2))
    assert one == other
    assert json.loads(json.dumps(one, allow_nan=False)) == one
    assert one["counts"]["home"]["all"] == 5
    assert one["rebuy"] == {"home": "always", "discover": "never", "cart": "always"}


def test_variants_count_as_their_product(cut):
    """A list that names another size of what was bought is right."""
    product = np.arange(30, dtype=np.int32)
    product[20:22] = product[10:12]
    made = replace(cut.train, catalog=replace(cut.train.catalog, product=product))
    sized = replace(cut, train=made, test=replace(cut.test, catalog=made.catalog))
    engine = make_window(made, {"right": [20, 21], "popular": range(30)}, {"home": PLACEMENTS["home"]})
    assert judge(engine, sized, 100, 7).row(BLEND, "home", "known").metrics["ndcg@10"].mean == 1.0


def test_coverage_diversity_and_novelty(cut):
    """Set figures are of what was shown: four items of thirty, in two categories, had by nobody."""
    categories = Attribute.of([f"c{number % 2}" for number in range(30)])
    made = replace(cut.train, catalog=replace(cut.train.catalog, category=categories))
    engine = make_window(made, {"right": [10, 11, 2, 3]}, {"home": PLACEMENTS["home"]})
    row = judge(engine, replace(cut, train=made), 100, 7).row(BLEND, "home")
    assert row.coverage == pytest.approx(4 / 30)
    assert row.metrics["diversity@10"].mean == pytest.approx(4 / 6)
    assert row.metrics["novelty@10"].mean == pytest.approx(np.log2(20))


def test_the_table_says_who_leads(engine, cut):
    """People read the placement, its systems best first, and whether mixing paid."""
    console = Console(width=240, record=True, file=StringIO())
    show(judge(engine, cut, 100, 7), console)
    text = console.export_text()
    assert "the last 7 days are held out" in text
    assert "home (rebuy always): 21 asked, foretold: purchase; 41 taken (100.0% new to the shop)" in text
    assert "Too few customers or visits were asked to tell who is ahead: 20, of 50 that are needed." in text
    assert text.index("right") < text.index("wrong")


def test_placements_of_any_name_have_the_figures_of_their_question(cut):
    """Called otherwise, a list is judged alike to the last digit; what is not asked is told with the reason,
    in the table and as JSON."""
    named = judge(make_window(cut.train, SOURCES, {"home": PLACEMENTS["home"]}), cut, 100, 7)
    tables = {"start_page": PLACEMENTS["home"], "search": {**PLACEMENTS["home"], "needs": ["filter"]}}
    other = judge(make_window(cut.train, SOURCES, tables), cut, 100, 7)
    for one, same in zip(named.rows, other.rows, strict=True):
        assert repr(replace(same, placement="home")) == repr(one)
    made = other.as_dict()
    assert made["questions"] == {"start_page": "home"}
    assert "filter" in made["unasked"]["search"]
    console = Console(width=240, record=True, file=StringIO())
    show(other, console)
    text = console.export_text()
    assert "start_page (asked as home, rebuy always): 21 asked" in text
    assert "Not asked: search: each request gives its filter" in text


def test_a_rival_keeps_its_seeds():
    """A strategy alone starts from the seeds it has in the placement; another from the usual ones."""
    dataset = make_shop([("ann", "i0", 1)])
    tables = {"cart": {"sources": [{"strategy": "a", "seeds": "last_order"}], "fallback": ["popular"]}}
    engine = make_window(dataset, {"a": [0], "popular": [0]}, tables)
    rivals = challengers(engine, engine.placements.named("cart"))
    assert list(rivals) == [BLEND, "a", "popular"]
    assert rivals["a"].sources[0].seeds == "last_order"
    assert rivals["popular"].sources[0].seeds == "context"
    assert rivals["a"].fallback == ("popular",)


def test_chance_is_fair_and_repeatable():
    """Every allowed row is as likely as another; the same asker draws the same; barred rows never come."""
    n = 3000
    query = Query(0, np.arange(n, dtype=np.int32), np.full(n, -1, np.int32), Seeds(
        np.zeros(n + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.uint8), np.zeros(0, np.int64)
    ))  # fmt: skip
    mask = np.arange(12) < 10
    allow = Allow(mask, np.arange(n + 1), np.zeros(n, np.int32))
    drawn = Random(7).top(query, 3, allow)
    counts = np.bincount(drawn.rows, minlength=12)
    assert counts[0] == counts[10:].sum() == 0
    assert counts[1:10] == pytest.approx(np.full(9, n / 3), rel=0.1)
    assert (np.diff(drawn.indptr) == 3).all()
    again = Random(7).top(query.one(5), 3, Allow(mask, np.array([0, 1]), np.zeros(1, np.int32)))
    assert again.rows.tolist() == drawn.of(5).tolist()
    assert (
        len(
            Random(7)
            .top(query.one(5), 3, Allow(mask & False, np.array([0, 0]), mask[:0].astype(np.int32)))
            .rows
        )
        == 0
    )


def test_a_whole_evaluation(dataset):
    """From dataset and recipe to figures, with the real strategies: last week's bestsellers are in."""
    recipe = parse_recipe({"strategies": {"popular": {}}, "evaluation": {"test_days": 7}}, "")
    placements = parse_placements({"home": {"sources": [{"strategy": "popular"}]}})
    said: list[str] = []
    found = evaluate(dataset, recipe, placements, said.append, max_users=10)
    systems = {one.system for one in found.rows}
    assert systems == {BLEND, "popular", "popular_last_7_days", "random"}
    assert found.counts["home"]["all"] == 10
    assert found.start == 96 * DAY + 1 - 7 * DAY
    assert any("learn from" in line for line in said)
    assert any("home 1/4: blend" in line for line in said)


@pytest.mark.parametrize("tuned", [True, False])
def test_days_that_chose_a_recipe_are_told_of(tuned, dataset):
    """`vitrina tune` names the data it chose by: on those its figures flatter."""
    text = f"# Data {fingerprint(dataset if tuned else dataset.before(90 * DAY))}; the last days held out."
    recipe = parse_recipe({"strategies": {"popular": {}}, "evaluation": {"test_days": 7}}, text)
    placements = parse_placements({"home": {"sources": [{"strategy": "popular"}]}})
    said: list[str] = []
    found = evaluate(dataset, recipe, placements, said.append, max_users=10)
    assert found.caution == (TUNED if tuned else "")
    assert (TUNED in said) == tuned
