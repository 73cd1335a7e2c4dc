"""Memory: said beforehand, refused with the sums where it is too much, never exceeded."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shops import make_shop
from vitrina.budget import foreseen, plan
from vitrina.errors import OverBudget, RecipeError
from vitrina.needs import Extent
from vitrina.recipe import Recipe, parse_recipe
from vitrina.registry import Registry
from vitrina.train import train


def recipe(memory: str | None = None, **strategies: dict[str, Any]) -> Recipe:
    """A recipe with a limit."""
    limits = {} if memory is None else {"limits": {"memory": memory}}
    return parse_recipe({"strategies": strategies or {"item_knn": {}}, **limits}, "")


@pytest.mark.parametrize(
    ("text", "size"), [("12 GB", 12 * 10**9), ("1.5GiB", 3 << 29), ("800 MB", 800 * 10**6), ("7 B", 7)]
)
def test_sizes_are_read(text: str, size: int) -> None:
    """A number and a unit, with or without a space."""
    assert recipe(text).limits.bytes == size
    assert recipe().limits.bytes == 0


@pytest.mark.parametrize("wrong", ["12", "GB", "-1 GB", "0 GB", "12 gb", "1e3 MB", 12, True])
def test_what_is_no_size_is_refused(wrong: Any) -> None:
    """The key, what was given, and what would do."""
    with pytest.raises(RecipeError, match=r'\[limits\] memory = .* such as "12 GB"'):
        recipe(wrong)
    with pytest.raises(RecipeError, match="unknown key 'disk' in limits; known: memory"):
        parse_recipe({"strategies": {"popular": {}}, "limits": {"disk": "1 GB"}}, "")


def test_stages_stand_on_what_was_there() -> None:
    """What a stage learned is on the disk when the next begins, so that each starts with the same."""
    stages = plan(Extent(1000, 500, 10_000), recipe(item_knn={}, user_knn={}, popular={}), 7)
    assert [one.name for one in stages] == ["shop", "item_knn", "user_knn", "popular"]
    for one in stages:
        assert one.held == 7
        assert one.peak == 7 + one.need.working > one.need.kept > 0


def test_trees_are_a_stage_of_their_own() -> None:
    """What they learn from is foreseen: of all ranked placements, of no more lists than events could ask."""
    ranked = {"strategies": {"popular": {}}, "ranker": {"placements": ["home", "cart"], "windows": 2}}
    made = parse_recipe(ranked, "")
    *_, few = plan(Extent(100, 50, 1000), made, 0)
    *_, many = plan(Extent(100, 50, 1_000_000), made, 0)
    *_, one = plan(Extent(100, 50, 1_000_000), replace(made, ranker=replace(made.ranker, windows=1)), 0)
    assert few.name == many.name == "ranker"
    assert few.need.working < one.need.working < many.need.working
    assert "50 candidates x 10,000 lists x 2 placements" in many.need.why
    shop = make_shop([("u1", "a", 1)] * 5000)
    limited = replace(made, limits=recipe("100 MB").limits)
    with pytest.raises(OverBudget, match=r"ranker takes .* rank fewer placements or windows, or give fewer"):
        foreseen(shop, limited, lambda line: None)


def test_trees_take_no_more_than_was_foreseen(tmp_path: Path) -> None:
    """Measured: a training with them, its highest stage."""
    code = f"""
import sys, threading, time
sys.path.insert(0, "tests")
from pathlib import Path
import lightgbm
from shops import make_shop
from vitrina.budget import _status, foreseen, plan, holding
from vitrina.needs import Extent
from vitrina.recipe import parse_recipe
from vitrina.registry import Registry
from vitrina.train import train
happened = [(f"u{{user}}", f"i{{user * 7 % 40 + day % 9}}", day) for user in range(800) for day in range(0, 90, 3)]
table = {{"strategies": {{"popular": {{}}, "buy_again": {{}}}}, "ranker": {{"placements": ["home"]}}}}
table["placements"] = {{"version": "1", "home": {{"sources": [{{"strategy": "buy_again"}}], "rebuy": "always"}}}}
table["evaluation"] = {{"test_days": 14}}
shop, recipe = make_shop(happened), parse_recipe(table, "")
highest = max(one.peak for one in plan(Extent.of(shop), recipe, holding(shop)))
seen, done = [], threading.Event()
def look():
    while not done.wait(0.005):
        seen.append(_status()["RssAnon"])
watcher = threading.Thread(target=look)
watcher.start()
train(shop, recipe, Registry(Path({str(tmp_path)!r})), print, judge=False)
done.set()
watcher.join()
print("highest", highest, "seen", max(seen))
"""
    pytest.importorskip("lightgbm")
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=Path(__file__).parents[1],
    )
    assert "home is ranked by" in done.stdout, done.stderr
    highest, seen = (int(one) for one in done.stdout.split()[-3::2])
    assert seen <= highest


def test_it_is_said_and_refused_before_anything_is_fitted() -> None:
    """With room every stage is said with its sum; without, the dearest one is named with its own."""
    shop = make_shop([("u1", "a", 1), ("u1", "b", 1), ("u2", "a", 2)])
    said: list[str] = []
    foreseen(shop, recipe("100 GB", item_knn={"neighbours": 50}, popular={}), said.append)
    assert [line.split()[0] for line in said] == ["shop", "item_knn", "popular"]
    assert f"8 B x 50 x {len(shop.items):,} products" in said[1]
    with pytest.raises(OverBudget, match=r"(?s)may need .* memory is 1 MB: .* takes .* B x .* raise memory"):
        foreseen(shop, recipe("1 MB"), said.append)
    once: list[str] = []
    foreseen(shop, recipe(), once.append)
    assert len(once) == 1
    assert "of memory at most" in once[0]


def test_a_training_over_its_budget_publishes_nothing(tmp_path: Path) -> None:
    """It is refused at the start: nothing is fitted, and the registry stays as it was."""
    shop = make_shop([("u1", "a", 1), ("u2", "a", 2)])
    said: list[str] = []
    made = replace(recipe("1 MB"), placements={"home": {"sources": [{"strategy": "item_knn"}]}})
    with pytest.raises(OverBudget):
        train(shop, made, Registry(tmp_path), said.append)
    assert not any("fitted" in line for line in said)
    assert not Registry(tmp_path).versions()


def test_no_more_is_held_than_allowed() -> None:
    """An allocation beyond the limit is an error that says so; afterwards there is no limit any more."""
    code = """
import numpy as np
from vitrina.budget import _status, within
from vitrina.errors import OverBudget
limit = _status()["RssAnon"] + (64 << 20)
kept = []
try:
    with within(limit):
        for _ in range(100):
            kept.append(np.ones(1 << 20))
except OverBudget as reason:
    assert "training reached the [limits] memory of" in str(reason), reason
    assert 5 <= len(kept) <= 8, len(kept)
    assert _status()["RssAnon"] <= limit
    kept.append(np.ones(1 << 24))
    print("held")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout == "held\n", done.stderr
