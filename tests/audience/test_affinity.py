"""Who would buy these: those whose like have, best first; not who has it already."""

from __future__ import annotations

import pytest

from shops import make_shop, make_window
from vitrina.audience.affinity import likely
from vitrina.dataset import DAY
from vitrina.errors import InvalidRequest
from vitrina.strategies.user_knn import Strategy

EVENTS = [
    *(("ann", one, 1) for one in ("tea", "milk", "pie")), *(("bob", one, 1) for one in ("tea", "milk", "jam")),
    *(("cid", one, 1) for one in ("tea", "jam")), ("dee", "nail", 1), ("eve", "tea", 1),
]  # fmt: skip


@pytest.fixture
def engine():
    """Grocers' customers and one of a hardware store."""
    dataset = make_shop(EVENTS)
    strategy = Strategy()
    return make_window(dataset, {"user_knn": strategy.open(strategy.fit(dataset))}, {"p": {}})


def test_customers_alike_come_first(engine):
    """Of jam: who shares most with its buyers; nobody who has it, nobody who shares nothing."""
    found = likely(engine, ["jam"], 10, 10 * DAY)
    assert {name for name, _ in found} == {"ann", "eve"}
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    assert {name for name, _ in likely(engine, ["jam"], 10, 10 * DAY, bought=True)} >= {"ann", "eve", "bob"}
    assert len(likely(engine, ["jam"], 1, 10 * DAY)) == 1


def test_several_products_add_up(engine):
    """A customer's score is the sum over the products that were named."""
    one, other = dict(likely(engine, ["jam"], 9, 10 * DAY)), dict(likely(engine, ["pie"], 9, 10 * DAY))
    both = dict(likely(engine, ["jam", "pie"], 9, 10 * DAY))
    assert both["eve"] == pytest.approx(one["eve"] + other["eve"])


@pytest.mark.parametrize(
    ("items", "source", "said"), [(["x"], "user_knn", "unknown items: x"), (["jam"], "y", "no source 'y'")]
)
def test_what_is_not_there_is_named(engine, items, source, said):
    """The items, or the source with those there are."""
    with pytest.raises(InvalidRequest, match=said):
        likely(engine, items, 5, 10 * DAY, source)
