"""Tables of an evaluation: no figure is cut, and no column is empty."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from shops import make_shop, make_window
from vitrina.evaluate import judge
from vitrina.scoresheet import show
from vitrina.splits import split

LONG = "bundle 20261129T110858Z, knew"
HOME = {"home": {"sources": [{"strategy": "a", "weight": 1.0}, {"strategy": LONG, "weight": 0.5}]}}


def test_nothing_that_was_foretold_leaves_no_empty_words():
    """Of returns alone no list is asked, and none is said to foretell anything."""
    cut = split(make_shop([("u1", "i1", 1), ("u2", "i1", 1), ("u1", "i1", 99, "return")]), 7)
    written = io.StringIO()
    show(
        judge(make_window(cut.train, {"a": [0], LONG: [0]}, HOME), cut, 100, 7),
        Console(file=written, width=300),
    )
    assert "foretold" not in written.getvalue()
    assert "Nothing could be asked" in written.getvalue()


@pytest.mark.parametrize("width", [40, 80, 100, 120, 140, 300])
def test_no_figure_is_cut(width):
    """On a narrow console lines run on, and heads are whole where a table nearly fits; money without prices has
    no column."""
    random = np.random.default_rng(1)
    bought = [(f"u{user}", f"i{random.integers(6)}", day) for user in range(40) for day in range(0, 60, 5)]
    cut = split(make_shop(bought), 7)
    engine = make_window(cut.train, {"a": [0, 1, 2], LONG: [3, 1]}, HOME)
    written = io.StringIO()
    found = replace(judge(engine, cut, 100, 7), published=True)
    show(found, Console(file=written, width=width))
    text = written.getvalue()
    assert "NDCG@10" in text.replace("\n", " ")
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    assert "revenue" not in text
    assert "±" in text
