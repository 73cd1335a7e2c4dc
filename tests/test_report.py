"""The page for people: whole without a network, safe with any name, and it says what the figures say."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from rich.console import Console

from shops import make_shop, make_window
from vitrina.catalog import Attribute
from vitrina.evaluate import judge
from vitrina.report import page
from vitrina.rivals import Random
from vitrina.scoreboard import Example
from vitrina.scoresheet import show
from vitrina.splits import split

EVIL = '<script>alert("x")</script>'
PLACEMENTS = {
    "home": {"sources": [{"strategy": "right"}], "fallback": []},
    "cart": {"sources": [{"strategy": EVIL, "seeds": "context"}], "fallback": []},
}
VOID = {"meta", "rect", "path", "br"}


@pytest.fixture(scope="module")
def evaluation():
    """Habits of twenty customers, light and heavy, in two departments; one source knows what comes next."""
    bought = [(f"u{u}", f"i{i}", day) for day in range(90) for u in range(20) for i in range(1 + u % 3)]
    after = [(f"u{u}", f"i{i}", 95) for u in range(20) for i in (10, 11)]
    shop = make_shop([*bought, *after, ("zoe", "i12", 96)], items=[f"i{n}" for n in range(30)])
    category = Attribute.of([f"{EVIL}\x1fa" if n % 2 else "plain\x1fb" for n in range(30)])
    object.__setattr__(shop.catalog, "category", category)
    cut = split(shop, 7)
    rows = shop.items.rows(["i10", "i11", "i2"]).tolist()
    engine = make_window(cut.train, {"right": rows, EVIL: range(9), "random": Random(7)}, PLACEMENTS)
    return judge(engine, cut, 100, 7)


class Nesting(HTMLParser):
    """Checks that every tag is closed in order, and collects tags."""

    def __init__(self):
        super().__init__()
        self.open, self.tags = [], set()

    def handle_starttag(self, tag, attrs):
        """A tag begins."""
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        """A tag ends: the one that began last."""
        if tag not in VOID:
            assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_nothing(evaluation):
    """Well-formed, no script, no address to fetch anything from."""
    text = page(evaluation)
    found = Nesting()
    found.feed(text)
    assert found.open == []
    assert "script" not in found.tags
    assert {"svg", "table", "h2", "dl"} <= found.tags
    assert not re.search(r"https?:|src=|url\(|@import", text)


def test_what_is_not_known_has_no_column(evaluation):
    """Money is told where there are prices; without, no empty column stands for it."""
    assert "<th>revenue recall</th>" not in page(evaluation)
    row = evaluation.row("blend", "home")
    priced = replace(row, metrics={**row.metrics, "revenue_recall@10": row.metrics["ndcg@10"]})
    rows = tuple(priced if one is row else one for one in evaluation.rows)
    assert "<th>revenue recall</th>" in page(replace(evaluation, rows=rows))


def test_each_rival_is_told_by_how_much_the_blend_is_ahead(evaluation):
    """Over the same askers, with its interval; of the blend itself nothing is said."""
    text = page(evaluation)
    gain = next(one.gain for one in evaluation.rows if one.placement == "home" and one.gain)
    assert f"{gain.mean:.4f} <i>{gain.low:.4f} to {gain.high:.4f}</i></td></tr>" in text
    own = re.search(r"<tr class=own><td>blend</td>.*?</tr>", text)
    assert own
    assert own[0].endswith("<td></td></tr>")


def test_some_of_those_asked_are_shown_in_products(evaluation):
    """On the page alone: one customer's purchases are no figure, and no manifest or file has them."""
    text = page(evaluation)
    assert text.count("<h3>Some of those asked</h3>") == len(evaluation.examples) == len(evaluation.counts)
    for one in evaluation.examples["home"]:
        for title, taken in one.listed:
            assert (f"<li class=hit>{title} &#10003;</li>" if taken else f"<li>{title}</li>") in text
    assert "examples" not in evaluation.as_dict()
    assert "Some of those asked" not in page(replace(evaluation, examples={}))


def test_what_is_long_is_told_to_be_more(evaluation):
    """Ten names, and that there are more."""
    names = tuple(f"thing {n}" for n in range(11))
    long = replace(evaluation, examples={"home": (Example(names, (), names[:10]),)})
    assert "thing 9 and more</p>" in page(long)
    assert "thing 9</p>" in page(long)
    assert "thing 10" not in page(long)


def test_each_list_says_what_it_foretold(evaluation):
    """Purchases, or what was hidden of a basket; of clicks nothing is said to be bought, and of a split that is
    not in time nothing to be after it."""
    text = page(evaluation)
    assert "foretold: purchase;" in text
    assert "foretold: what was hidden of each basket;" in text
    assert "customers did after it: the last 7 days are held out" in text
    assert "after it" not in page(replace(evaluation, start=None, end=None))
    clicks = make_shop([("", f"i{step}", day, "view") for day in (1, 2, 20, 21) for step in range(3)])
    table = {"session_next": {"sources": [{"strategy": "a", "seeds": "session"}], "fallback": []}}
    cut = split(clicks, 7)
    looked = page(judge(make_window(cut.train, {"a": [0]}, table), cut, 100, 7))
    assert "foretold: the next step of each visit;" in looked
    assert "purchase" not in looked
    assert "bought" not in looked.replace("bought products may return", "")


def test_names_are_escaped(evaluation):
    """A department or a strategy may be called anything."""
    assert "<script" not in page(evaluation)
    assert "&lt;script&gt;" in page(evaluation)


def test_it_says_what_the_figures_say(evaluation):
    """Every placement, the blend's figure beside its rivals', customers by weight, departments with shares."""
    text = page(evaluation)
    shown = Console(file=io.StringIO(), width=250, record=True)
    show(evaluation, shown)
    assert "by customer, of the blend" in shown.export_text()
    own = evaluation.row("blend", "home").metrics["ndcg@10"].mean
    assert f"{own:.4f}" in text
    assert "<td>light: the half that did less before</td><td>14</td>" in text
    assert "<td>heavy: the half that did more</td><td>6</td>" in text
    assert "<td>cold: new, nothing known of them</td><td>1</td>" in text
    plain = next(one for one in evaluation.departments["home"] if one.name == "plain")
    assert (plain.taken, plain.found[10]) == (21, pytest.approx(20 / 21))
    assert (plain.askers, plain.metrics["hit_rate@10"].mean) == (21, pytest.approx(20 / 21))
    assert "<td>21</td><td>95.2%</td>" in text
    assert {"askers", "ndcg@10", "recall@10", "hit_rate@10"} <= plain.as_dict().keys()
    assert "95 % of those asked" not in text
    assert "95% of those asked took at least one of the first ten" in text


def test_a_stored_bundle_is_asked_the_same(evaluation):
    """Another engine, with rows of its own, stands in the table under its version and is judged by ids."""
    shop = make_shop([("u1", "i5", 1), ("u1", "i1", 99), ("u2", "i1", 99)], items=["i0", "i1", "i5"])
    cut = split(shop, 7)
    mine = make_window(cut.train, {"right": [0], "random": Random(7)}, PLACEMENTS)
    other_shop = make_shop([("u1", "i1", 1)], items=["i1", "z9"])
    other = make_window(other_shop, {"right": [0], "random": Random(7)}, PLACEMENTS)
    lines = []
    found = judge(mine, cut, 100, 7, lines.append, against=other)
    assert found.row(f"bundle {other.version[:16]}", "home").metrics["ndcg@10"].mean == 1.0
    assert found.row("blend", "home").metrics["ndcg@10"].mean == 0.0
    assert not any("flatter" in line for line in lines)
    late = make_window(shop, {"right": [0], "random": Random(7)}, PLACEMENTS)
    flattered = judge(mine, cut, 100, 7, lines.append, against=late)
    assert any("flatter" in line for line in lines)
    assert "knew" not in page(found).split("<h2>Words")[0]
    assert found.as_dict()["caution"] == ""
    told(flattered, f"bundle {late.version[:16]}, knew", "has learned from days it is judged by")


@pytest.mark.parametrize("timed", [True, False])
def test_without_times_a_stored_bundle_may_have_known(timed):
    """Where no time tells what was held out from the rest, or all bear one, the table, the page and the JSON
    doubt its figures."""
    shop = make_shop(
        [(f"u{n}", f"i{item}", 1) for n in range(9) for item in range(n % 3, n % 3 + 3)], visits=False
    )
    shop = replace(shop, timed=timed)
    cut = split(shop, 7)
    mine = make_window(cut.train, {"right": [0], "random": Random(7)}, PLACEMENTS)
    asked = judge(mine, cut, 100, 7, against=mine)
    told(asked, f"bundle {mine.version[:16]}, knew?", "may have learned from what is held out")


def told(found, label, caution):
    """Assert that every form of an evaluation has the bundle's name and the sentence."""
    shown = Console(file=io.StringIO(), width=250, record=True)
    show(found, shown)
    for text in (page(found), json.dumps(found.as_dict()), shown.export_text()):
        assert label in text
        assert caution in text
