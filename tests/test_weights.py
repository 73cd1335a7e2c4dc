"""Searching weights: a planted optimum is found, a useless source is left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shops import make_shop
from vitrina.ids import Rows
from vitrina.kernels.weighing import gained
from vitrina.metrics import Truth
from vitrina.placements import parse_placements
from vitrina.recipe import parse_recipe
from vitrina.strategy import Candidates
from vitrina.weights import LEVELS, Found, Table, search, simpler, weigh


class Judge:
    """One asker whose NDCG is a function of weights and a way to blend, or many, whose are its values."""

    def __init__(self, score):
        self.ndcg = lambda weights, way: np.atleast_1d(np.asarray(score(weights, way), np.float64))

    def along(self, weights, way, source):
        """As the table does, level by level."""
        tried = [(*weights[:source], level, *weights[source + 1 :]) for level in LEVELS]
        return np.stack([self.ndcg(one, way) for one in tried])


@settings(max_examples=30, deadline=None)
@given(
    best=st.lists(st.sampled_from(LEVELS), min_size=2, max_size=4).filter(any),
    way=st.sampled_from(["rank", "score"]),
)
def test_a_planted_optimum_is_found(best, way):
    """On a bowl with its bottom at `best`, coordinate ascent ends there, by the right way to blend."""

    def score(weights, by):
        return (
            1 - sum((one - other) ** 2 for one, other in zip(weights, best, strict=True)) / 1000 - (by != way)
        )

    found = search(Judge(score), len(best))
    assert (found.weights, found.blend) == (tuple(best), way)


def test_a_source_that_only_harms_is_dropped():
    """Its weight becomes 0."""
    found = search(Judge(lambda weights, by: weights[0] > 0 and 1 - weights[1]), 2)
    assert found.weights[1] == 0


def test_the_result_is_never_worse_than_any_source_alone():
    """Every source alone is among the starts."""
    alone = {(1.0, 0.0, 0.0): 0.3, (0.0, 1.0, 0.0): 0.9, (0.0, 0.0, 1.0): 0.5}
    assert search(Judge(lambda weights, by: alone.get(tuple(weights), 0.0)), 3).ndcg == 0.9


def test_a_source_that_hardly_helps_is_left_out():
    """Its gain is within what chance moves; one that helps surely stays, and one source always does."""
    random = np.random.default_rng(5)
    base, luck, sure = random.random(400), random.normal(0, 0.1, 400), random.random(400) * 0.01

    def values(weights, way):
        assert way == "score"
        return (
            base * (weights[0] > 0)
            + (luck - luck.mean() + 0.002) * (weights[1] > 0)
            + sure * (weights[2] > 0)
        )

    found = simpler(Judge(values), Found((1.0, 0.4, 0.1), "score", 0.0), np.arange(400))
    assert found.weights == (1.0, 0.0, 0.1)
    assert found.ndcg == pytest.approx((base + sure).mean())
    nothing = simpler(
        Judge(lambda weights, way: np.full(9, 0.5)), Found((1.0, 2.0), "rank", 0.5), np.arange(9)
    )
    assert nothing.weights == (0.0, 2.0)


def test_askers_who_took_nothing_do_not_count():
    """NaN is no loss and no gain."""

    def values(weights, way):
        return np.where(np.arange(50) % 2, np.nan, 0.5 + 0.3 * (weights[1] > 0))

    assert simpler(Judge(values), Found((1.0, 1.0), "rank", 0.8), np.arange(50)).weights == (0.0, 1.0)


def test_steps_of_one_visit_are_one_witness():
    """What helps in some visits and harms in as many does not stay for their many steps."""
    random = np.random.default_rng(2)
    visit = np.repeat(np.arange(12), 50)
    luck = random.normal(0, 0.1, 12)
    luck += 0.005 - luck.mean()

    def values(weights, way):
        return 0.5 + luck[visit] * (weights[1] > 0)

    whole = Found((1.0, 0.5), "score", 0.505)
    assert simpler(Judge(values), whole, visit).weights == (1.0, 0.0)
    assert simpler(Judge(values), whole, np.arange(600)).weights == (0.0, 0.5)


def test_small_losses_add_up():
    """Sources that each hardly help are not all left out: together they help."""
    random = np.random.default_rng(5)
    helps = random.normal(0.004, 0.1, (6, 400))
    helps += 0.004 - helps.mean(1, keepdims=True)

    def values(weights, way):
        return 0.5 + (helps * (np.array(weights[1:]) > 0)[:, None]).sum(0)

    found = simpler(Judge(values), Found((1.0,) * 7, "score", 0.0), np.arange(400))
    assert 1 < sum(one > 0 for one in found.weights) < 7
    lost = values((1.0,) * 7, "score") - values(found.weights, "score")
    assert lost.mean() <= 0.5 * lost.std() / 20


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), way=st.sampled_from(["rank", "score"]))
def test_levels_are_weights(seed, way):
    """What a table says of one source at every level is what it says of those weights, and a plain sort too."""
    random, lists = np.random.default_rng(seed), []
    n, n_items = 5, 25
    product = random.integers(0, 18, n_items).astype(np.int32)
    for _ in range(3):
        sizes = random.integers(0, 9, n)
        rows = [random.choice(n_items, size, replace=False).astype(np.int32) for size in sizes]
        scores = [-np.sort(-random.random(size)).astype(np.float32) for size in sizes]
        indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        lists.append(Candidates(indptr, np.concatenate(rows), np.concatenate(scores)))
    taken = [np.unique(random.integers(0, 18, 3)) for _ in range(n)]
    indptr = np.concatenate([[0], np.cumsum([len(one) for one in taken])]).astype(np.int64)
    rows: Rows = np.concatenate(taken).astype(np.int32)
    truth = Truth(indptr, rows, np.ones(len(rows)), np.zeros(len(rows), np.bool_))
    table = Table.of(lists, truth, product)
    weights = tuple(random.choice(LEVELS, 3).tolist())
    for source in range(3):
        judged = table.along(weights, way, source)
        for level, values in zip(LEVELS, judged, strict=True):
            tried = (*weights[:source], level, *weights[source + 1 :])
            np.testing.assert_allclose(values, table.ndcg(tried, way), atol=1e-6)
            np.testing.assert_allclose(values, [_plain(lists, product, truth, tried, way, one) for one in range(n)], atol=1e-6)  # fmt: skip


def _plain(lists, product, truth, weights, way, asker):
    """NDCG@10 of one asker, by dictionaries and a sort."""
    sums: dict[int, float] = {}
    for one, weight in zip(lists, weights, strict=True):
        low, high = one.indptr[asker], one.indptr[asker + 1]
        for place in range(low, high):
            gain = 1 / (60 + place - low + 1) if way == "rank" else one.scores[place] / one.scores[low]
            if weight > 0:
                row = int(one.rows[place])
                sums[row] = sums.get(row, 0.0) + weight * gain
    order = dict.fromkeys(
        int(product[row]) for row in sorted(sums, key=lambda row: (-np.float32(sums[row]), row))
    )
    wanted = set(truth.rows[truth.indptr[asker] : truth.indptr[asker + 1]].tolist())
    gain = sum(1 / np.log2(place + 2) for place, one in enumerate(order) if one in wanted and place < 10)
    return gain / sum(1 / np.log2(place + 2) for place in range(len(wanted)))


def test_kernels_take_what_nobody_asked():
    """No lists and no askers are no trouble."""
    nothing = np.zeros((0, 1), np.float32)
    sums = gained(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int64), nothing, np.ones(1, np.float32), 0, np.ones(2, np.float32), np.zeros(1, np.int64), np.zeros(0, np.int64), np.ones(10))  # fmt: skip
    assert sums.shape == (2, 0)


SHOP = {
    "strategies": {"item_knn": {}, "popular": {}},
    "placements": {"version": "1", "home": {"sources": [
        {"strategy": "item_knn", "seeds": "history"}, {"strategy": "popular", "seeds": "none"},
    ]}},
}  # fmt: skip


def by_lot(users=240, many=8):
    """Customers who took so many of thirty products each, at no time and in no order."""
    random = np.random.default_rng(5)
    happened = [(f"u{user}", f"i{(user * 3 + one) % 30}", 0) for user in range(users)
                for one in random.permutation(12)[:many]]  # fmt: skip
    return replace(make_shop(happened, visits=False), timed=False)


def weighed_by(dataset, monkeypatch):
    """How many askers weights were searched for."""
    asked = []
    made = Table.of
    monkeypatch.setattr(Table, "of", lambda lists, truth, product: asked.append(len(truth)) or made(lists, truth, product))  # fmt: skip
    recipe = parse_recipe(SHOP, "a recipe")
    found = weigh(dataset, recipe, parse_placements(SHOP["placements"]))
    assert found.version == "1+weighed"
    return asked


def test_where_few_ask_on_a_lot_weights_are_searched_on_more_lots(monkeypatch):
    """One lot is like another; where rows are in order the days before would be of another shop."""
    shop = by_lot()
    monkeypatch.setattr("vitrina.splits.in_order", lambda dataset: False)
    assert weighed_by(shop, monkeypatch) == [6 * 240]
    monkeypatch.setattr("vitrina.weights.MAX_ASKERS", 500)
    assert weighed_by(shop, monkeypatch) == [500]
    monkeypatch.setattr("vitrina.weights.QUICK", 100)
    assert weighed_by(shop, monkeypatch) == [240]
    monkeypatch.setattr("vitrina.splits.in_order", lambda dataset: True)
    assert weighed_by(shop, monkeypatch) == [240]


def test_there_are_no_more_lots_than_orders(monkeypatch):
    """Of three orders each one is held out in turn; then nobody is left to ask, and that stops nothing."""
    monkeypatch.setattr("vitrina.splits.in_order", lambda dataset: False)
    assert weighed_by(by_lot(many=3), monkeypatch) == [3 * 240]


def test_what_stands_only_where_nothing_is_asked_is_not_fitted(monkeypatch):
    """The tree of substitutes takes as long as all others together, and no list of substitutes is weighed."""
    monkeypatch.setattr("vitrina.splits.in_order", lambda dataset: False)
    aside = {"beside": {"question": "none", "sources": [{"strategy": "ease", "seeds": "context"}]}}
    recipe = parse_recipe({**SHOP, "strategies": {**SHOP["strategies"], "ease": {}}}, "a recipe")
    said = []
    weigh(by_lot(), recipe, parse_placements({**SHOP["placements"], **aside}), said.append)
    fitted = {line.split()[1] for line in said if line.startswith("fitted")}
    assert fitted == {"item_knn", "popular"}


@pytest.mark.parametrize(("days", "known"), [(20, False), (60, True)])
def test_the_steps_of_a_few_visits_tell_nothing(days, known):
    """Each step asks, but four visits of twenty steps are four people's taste, and twelve are twelve's."""
    random = np.random.default_rng(3)
    views = [("", f"i{item}", day, "view") for day in range(days) for item in random.integers(30, size=20)]
    recipe = parse_recipe({**SHOP, "evaluation": {"test_days": 28}}, "a recipe")
    sources = [{"strategy": "item_knn", "seeds": "session"}, {"strategy": "popular", "seeds": "none"}]
    said = []
    weigh(make_shop(views), recipe, parse_placements({"session_next": {"sources": sources}}), said.append)
    assert any(line.startswith("session_next:") for line in said) is known
