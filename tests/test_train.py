"""Training tells what evaluating tells."""

from __future__ import annotations

from shops import make_shop
from vitrina.evaluate import TUNED
from vitrina.fit import fingerprint
from vitrina.recipe import parse_recipe
from vitrina.registry import Registry
from vitrina.train import train


def test_days_that_chose_a_recipe_are_told_of_in_training_too(tmp_path):
    """What `vitrina tune` chose by these days is flattered by them: it is said, shown, and kept in the bundle."""
    shop = make_shop([(f"u{user}", f"i{(user + day) % 9}", day) for day in range(40) for user in range(9)])
    tables = {"home": {"sources": [{"strategy": "popular", "seeds": "none"}], "rebuy": "always"}}
    written = {
        "strategies": {"popular": {}},
        "placements": tables,
        "evaluation": {"test_days": 7, "probes": 1},
    }
    said: list[str] = []
    trained = train(
        shop, parse_recipe(written, f"# Data {fingerprint(shop)}"), Registry(tmp_path), said.append
    )
    assert TUNED in said
    assert trained.evaluation.caution == TUNED
    assert trained.bundle.manifest.metrics["caution"] == TUNED
