"""The quality gate: worse is refused by how much, better and unknown pass, empty never does."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from shops import make_shop
from vitrina.bootstrap import paired
from vitrina.cli import app
from vitrina.dataset import DAY
from vitrina.engine import Engine
from vitrina.errors import WorseBundle
from vitrina.fit import fit
from vitrina.gate import MIN_EVENTS, gate
from vitrina.placements import parse_placements
from vitrina.recipe import Holdout, parse_recipe
from vitrina.registry import Registry
from vitrina.train import train

FIRST = 19_000  # days since 1970: spring 2022
USERS, DAYS, SPLIT = 60, FIRST + 40, FIRST + 30
HABIT = {"buy_again": {}}
FASHION = {"popular": {"by": "newness"}}


def bought():
    """Everybody buys two things of their own every day, and something at random."""
    random = np.random.default_rng(3)
    for day in range(FIRST + 1, DAYS + 1):
        for user in range(USERS):
            for item in (user, user + 1, int(random.integers(0, 300))):
                yield f"u{user}", f"i{item}", day


SHOP = make_shop(list(bought()))


def placements(strategy):
    """A home page of one source."""
    return parse_placements(
        {
            "version": "p",
            "home": {"sources": [{"strategy": strategy}], "fallback": [], "rebuy": "always"},
        }
    )


def recipe(strategies, **evaluation):
    """A recipe of these strategies, its placements beside it."""
    found = parse_recipe({"strategies": strategies}, "")
    return replace(found, evaluation=Holdout(probes=2, **evaluation))


def engine(strategies, until=SPLIT):
    """An engine that knows the shop's first days."""
    name = next(iter(strategies))
    return Engine.of(fit(SHOP.before(until * DAY), recipe(strategies), placements(name)))


def judged(new, current, until=SPLIT, allowed=0.02):
    """The verdict on a bundle that knows the days before `until`."""
    return gate(SHOP, new, until * DAY, current, allowed, 7)


def test_a_worse_bundle_is_refused_and_told_by_how_much():
    """What each customer buys daily against what nobody bought before: the gate is shut, with figures."""
    verdict = judged(engine(FASHION), engine(HABIT))
    assert not verdict.passed
    assert verdict.events == (DAYS - SPLIT + 1) * USERS * 3 > MIN_EVENTS
    assert verdict.new < 0.5 * verdict.current
    assert f"NDCG@10 {verdict.new:.4f} against {verdict.current:.4f}" in verdict.reason
    assert "2% may be lost" in verdict.reason


def test_a_better_or_equal_bundle_passes():
    """The other way round, and a bundle against itself; a recipe may allow any loss."""
    assert judged(engine(HABIT), engine(FASHION)).passed
    assert judged(engine(HABIT), engine(HABIT)).passed
    assert judged(engine(FASHION), engine(HABIT), allowed=1.0).passed


def test_a_difference_over_baskets_draws_customers(monkeypatch):
    """Ten baskets of a customer are one witness of which bundle is better."""
    drawn = []

    def told(one, other, clusters, **options):
        drawn.append(clusters)
        return paired(one, other, clusters, **options)

    monkeypatch.setattr("vitrina.gate.paired", told)
    table = {"sources": [{"strategy": "popular", "seeds": "context"}], "fallback": []}
    known = fit(SHOP.before(SPLIT * DAY), recipe(FASHION), parse_placements({"cart": table}))
    assert "cart: NDCG@10" in judged(Engine.of(known), Engine.of(known)).reason
    assert len(set(drawn[0].tolist())) == USERS < len(drawn[0])


def test_too_few_newer_events_are_not_comparable():
    """Of a current bundle that knows nearly all, too little is left: said, and passed when lists are full."""
    verdict = judged(engine(HABIT, DAYS), engine(HABIT, DAYS), until=DAYS)
    assert verdict.passed
    assert f"not comparable: {USERS * 3} events" in verdict.reason
    assert np.isnan(verdict.new)
    assert verdict.as_dict()["new"] is None


def test_empty_lists_are_refused_without_any_comparison():
    """A bundle that has nothing for anybody does not pass, though there is nothing to compare with."""
    verdict = judged(engine({"buy_again": {"min_count": 1000}}), None)
    assert not verdict.passed
    assert "would get an empty home list" in verdict.reason


def test_where_nothing_is_later_somebody_is_asked_all_the_same():
    """A bundle that knows all there is, and gives nothing: refused, though nobody did anything since."""
    verdict = judged(engine({"buy_again": {"min_count": 1000}}, DAYS + 1), None, until=DAYS + 1)
    assert (verdict.passed, verdict.events) == (False, 0)
    assert "100.0% of customers would get an empty home list" in verdict.reason
    assert judged(engine(HABIT, DAYS + 1), None, until=DAYS + 1).passed


def test_a_bundle_that_shows_the_same_to_everybody_does_not_pass_for_one_that_did_not():
    """Ten products for all where habits showed each their own: too few events to compare, but refused."""
    verdict = judged(engine({"popular": {}}, DAYS + 1), engine(HABIT, DAYS + 1), until=DAYS + 1)
    assert not verdict.passed
    assert verdict.shown == 10 < 0.1 * verdict.shown_before
    assert f"would show 10 products; they show {verdict.shown_before} now" in verdict.reason


def test_a_list_of_another_name_is_gated():
    """A shop that calls its home list otherwise is not let through for that."""
    strategies = HABIT, FASHION
    habit, fashion = (
        Engine.of(fit(SHOP.before(SPLIT * DAY), recipe(one), start_page(next(iter(one)))))
        for one in strategies
    )
    verdict = judged(fashion, habit)
    assert (verdict.passed, verdict.placement) == (False, "start_page")
    assert verdict.new < 0.5 * verdict.current
    assert judged(habit, fashion).passed


def start_page(strategy):
    """Placements of one list of another name, and one that is empty on purpose."""
    sources = [{"strategy": strategy}]
    return parse_placements(
        {
            "start_page": {"sources": sources, "fallback": [], "rebuy": "always"},
            "a_reminder": {"sources": [{"strategy": "none"}], "fallback": [], "short": "drop"},
        }
    )


@pytest.fixture
def registry(tmp_path):
    """A registry whose current bundle knows the first days and habits, and one made since of fashion."""
    shelf = Registry(tmp_path / "registry")
    for strategies in (FASHION, HABIT):
        name = next(iter(strategies))
        made = recipe(strategies)
        file = tmp_path / f"{name}.toml"
        file.write_text(
            f'version = "p"\n[home]\nsources = [{{strategy = "{name}"}}]\nfallback = []\nrebuy = "always"\n'
        )
        text = f'placements = "{file}"\n[strategies.{name}]\n' + (
            'by = "newness"\n' if name == "popular" else ""
        )
        made = replace(made, text=text, placements=file)
        train(SHOP.before(SPLIT * DAY), made, shelf, lambda line: None, judge=False)
    return shelf


def test_training_does_not_publish_what_is_worse(registry, tmp_path):
    """A training whose recipe is worse than the current bundle raises, and the current one stays."""
    made = recipe(FASHION, test_days=8)
    made = replace(made, text="x", placements=tmp_path / "popular.toml")
    current = registry.current()
    with pytest.raises(WorseBundle, match="--force"):
        train(SHOP, made, registry, lambda line: None)
    assert registry.current() == current
    train(SHOP, made, registry, lambda line: None, force=True)
    assert registry.current() != current


def test_a_retraining_is_not_refused_for_its_age(registry, tmp_path):
    """The recipe as it was, on more days: what is held out to judge it, the current bundle has learned from,
    and in this shop habits changed then. Compared is what both would know."""
    rows = [
        (f"u{user}", f"i{user + USERS * (day > FIRST + 14)}", day)
        for day in range(FIRST - 160, DAYS + 1)
        for user in range(USERS)
    ]
    shop, told = make_shop(rows), list[str]()
    made = replace(recipe(HABIT, test_days=28), text="x", placements=tmp_path / "buy_again.toml")
    shelf = Registry(tmp_path / "another")
    train(shop.before((FIRST + 20) * DAY), made, shelf, told.append, judge=False)
    train(shop, made, shelf, told.append)
    (verdict,) = [line for line in told if line.startswith("gate ")]
    assert "gate open: home: NDCG@10 1.0000 against 1.0000" in verdict
    assert "fitting on what the current bundle knew, to compare with it" in told


def test_stored_bundles_are_judged_on_newer_data(registry, tmp_path):
    """`models gate`: the stored bundle that is worse on the days since gets exit code 5, the better 0."""
    with (tmp_path / "events.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["user_id", "item_id", "timestamp"])
        rows.writerows((user, item, day * DAY) for user, item, day in bought())
    worse, better = registry.history()
    words = ["models", "gate", "--registry", str(registry.folder), "--data", str(tmp_path)]
    found = CliRunner().invoke(app, [*words, worse])
    assert found.exit_code == 5, found.output
    assert "gate shut: " in found.output
    found = CliRunner().invoke(app, [*words, better, "--against", worse, "--json"])
    assert found.exit_code == 0, found.output
    assert '"passed": true' in found.stdout
    found = CliRunner().invoke(app, [*words, better])
    assert "compared with no other bundle" in found.output


def test_a_difference_of_one_customer_has_no_interval():
    """A till whose every event is nobody else's: said so, and no number that is none."""
    till = make_shop([("till", f"i{item}", day) for day in range(FIRST, DAYS + 1) for item in range(120)])
    made = Engine.of(fit(till.before(SPLIT * DAY), recipe(HABIT), placements("buy_again")))
    verdict = gate(till, made, SPLIT * DAY, made, 0.02, 7)
    assert "of one customer" in verdict.reason
    assert "nan" not in verdict.reason
