"""The plan file: read as it is written, refused by the key that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from vitrina.audience.plan import parse_plan, read_plan, standard
from vitrina.audience.triggers import TRIGGERS
from vitrina.dataset import DAY
from vitrina.errors import PolicyError


def test_the_shipped_plan_and_the_standard_one() -> None:
    """Every trigger is in both, most important first."""
    plan = read_plan(Path(__file__).resolve().parents[2] / "models" / "audiences" / "standard.toml")
    assert [one.name for one in plan.watches][:2] == ["abandoned_cart", "back_in_stock"]
    assert {one.kind for one in plan.watches} == {one.kind for one in standard().watches} == set(TRIGGERS)
    assert plan.watches[0].window.after == 3600
    assert plan.watches[-1].window.until == 365 * DAY


def test_only_some() -> None:
    """By name, in the order asked for; an unknown one is said."""
    plan = standard()
    assert [one.name for one in plan.only(("welcome", "win_back")).watches] == ["welcome", "win_back"]
    assert plan.only(()) == plan
    with pytest.raises(PolicyError, match="no trigger 'x'"):
        plan.only(("x",))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "no trigger is named"),
        ({"cart": {}}, r"\[cart\] is = 'cart' is no trigger"),
        ({"welcome": {"untl_days": 3}}, r"\[welcome\] unknown key 'untl_days'"),
        ({"welcome": {"after_days": 3, "until_days": 2}}, "before it begins"),
        ({"welcome": {"after_days": -3}}, "after_days must be a number"),
        ({"welcome": {"k": 0}}, "k must be"),
        ({"welcome": {"show": "all"}}, "show = 'all'"),
        ({"welcome": {"channels": "email"}}, "channels must be a list"),
        ({"welcome": {"who": {"orders": 1}}}, r"unknown key 'welcome\.who\.orders'"),
        ({"welcome": {"who": {"min_orders": "1"}}}, r"'welcome\.who\.min_orders' must be a number"),
        ({"welcome": {"who": {"regions": 3}}}, r"'welcome\.who\.regions' must be a text"),
        ({"welcome": 3}, "'welcome' must be a table"),
    ],
)
def test_faults_are_named(tmp_path: Path, table: dict[str, object], said: str) -> None:
    """By trigger and key; a file by its name."""
    with pytest.raises((ValueError, TypeError), match=said):
        parse_plan(table)
    (tmp_path / "plan.toml").write_text("[cart]\n")
    with pytest.raises(PolicyError, match=r"plan\.toml: \[cart\]"):
        read_plan(tmp_path / "plan.toml")
