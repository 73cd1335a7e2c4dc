"""A planted tree is found, noise has none, and substitutes come from the nearest leaf."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shops import make_shop
from vitrina.catalog import PATH, Attribute, Catalog
from vitrina.errors import DataError
from vitrina.strategies.decision_tree import Strategy
from vitrina.strategy import Allow, Query, Seeds
from vitrina.trees import Forest, Tree, known, relax_order

N, DAYS = 48, 9


def catalogue(n=N):
    """Items whose brand, size and colour go through all combinations; one category, prices all alike."""
    at = np.arange(n)
    return replace(
        Catalog.bare(n),
        category=Attribute.of([f"Food{PATH}Tea"] * n),
        price=np.full(n, 2.0, np.float32),
        attributes={
            "brand": Attribute.of([f"b{one}" for one in at % 4]),
            "size": Attribute.of([f"s{one}" for one in at // 4 % 3]),
            "colour": Attribute.of([f"c{one}" for one in at // 12 % 2]),
        },
    )


def shop(brand=0.7, size=0.6, shoppers=400, seed=0):
    """Shoppers who hold to the brand, and some of these to the size; nobody to the colour."""
    return made(list(steps(brand, size, shoppers, seed)))


def made(happened):
    """The shop of these purchases."""
    return replace(make_shop(happened, items=[f"{row:04d}" for row in range(N)]), catalog=catalogue())


def steps(brand, size, shoppers, seed, first=0):
    """What each buys from the day `first` on."""
    random, every = np.random.default_rng(seed), np.arange(N)
    for shopper in range(shoppers):
        now = int(random.integers(N))
        for day in range(DAYS):
            yield f"u{shopper:04d}", f"{now:04d}", first + day
            alike = every != now
            if random.random() < brand:
                alike &= every % 4 == now % 4
                if random.random() < size:
                    alike &= every // 4 % 3 == now // 4 % 3
            now = int(random.choice(every[alike]))


@pytest.fixture(scope="module")
def fitted():
    return Strategy().fit(shop())


def asked(source, row, k=N, n=N):
    seeds = Seeds(np.array([0, 1]), np.array([row], np.int32), np.ones(1, np.uint8), np.zeros(1, np.int64))
    nobody = np.array([-1], np.int32)
    return source.top(Query(0, nobody, nobody, seeds), k, Allow.all(n, 1)).of(0)


def test_the_planted_order_is_found(fitted):
    """Brand, then size within it; the holds are those put in; what nobody holds to relaxes first."""
    tree = Tree.of(Forest.of_parts(fitted), "Food > Tea")
    assert tree.root.split == "brand"
    assert {one.split for one in tree.root.children if one.split} == {"size"}
    assert tree.root.hold == pytest.approx(0.7, abs=0.04)
    assert tree.holds["size"] == pytest.approx(0.42, abs=0.04)
    assert tree.relax_order()[-2:] == ["size", "brand"]
    assert relax_order(Forest.of_parts(fitted), "Food>Tea") == tree.relax_order()
    assert {child.value for child in tree.root.children} == {"b0", "b1", "b2", "b3"}
    assert sum(child.share for child in tree.root.children) == pytest.approx(1, abs=0.001)


def test_branches_that_say_little_are_asked_together():
    """Of 640 switches a brand's own 112 are too few to be split alone; together they show the size, in
    every brand that was switched in."""
    forest = Strategy(min_switches=200).grown(shop(shoppers=80))
    tree = Tree.of(forest, "Food > Tea")
    assert max(child.switches for child in tree.root.children) < 200
    assert [child.split for child in tree.root.children] == ["size"] * 4
    assert tree.root.children[0].hold == tree.root.children[3].hold == pytest.approx(0.6, abs=0.12)


def test_a_branch_that_is_sure_goes_its_own_way():
    """Who holds to brand b0 holds to the colour next, who holds to another to the size."""
    random, every, happened = np.random.default_rng(5), np.arange(N), []
    for shopper in range(400):
        now = int(random.integers(N))
        for day in range(DAYS):
            happened.append((f"u{shopper:04d}", f"{now:04d}", day))
            next_to = every // 12 % 2 if now % 4 == 0 else every // 4 % 3
            alike = every != now
            if random.random() < 0.7:
                alike &= every % 4 == now % 4
                if random.random() < 0.6:
                    alike &= next_to == next_to[now]
            now = int(random.choice(every[alike]))
    tree = Tree.of(Strategy().grown(made(happened)), "Food > Tea")
    assert {child.value: child.split for child in tree.root.children} == {
        "b0": "colour", "b1": "size", "b2": "size", "b3": "size",
    }  # fmt: skip


def test_less_than_chance_is_not_held_to_at_all():
    """Where fewer stay than by chance, as noise has it, people read 0 %."""
    forest = Strategy().grown(shop(0.0))
    holds = Tree.of(forest, "Food > Tea").holds
    assert forest.root_holds.min() < 0
    assert len(holds) == 3
    assert min(holds.values()) == 0


def test_old_switches_fade():
    """Shoppers held to the brand a year ago and to nothing since: a half-life of a month forgets it."""
    both = made([*steps(0.7, 0.0, 200, 0), *steps(0.0, 0.0, 200, 1, first=365)])
    holds = [
        Tree.of(Strategy(half_life_days=one).grown(both), "Food > Tea").holds["brand"] for one in (0, 30)
    ]
    assert holds[0] == pytest.approx(0.35, abs=0.06)
    assert holds[1] == pytest.approx(0.0, abs=0.05)


def test_noise_has_no_tree():
    """Where all switch at random, no attribute splits, and any item stands in."""
    found = [Tree.of(Strategy().grown(shop(0.0, seed=seed)), "Food > Tea").root.split for seed in range(5)]
    assert found.count("") >= 4


def test_few_switches_have_no_tree():
    """Below min_switches nothing is split, however clear."""
    forest = Strategy(min_switches=100_000).grown(shop(shoppers=50))
    assert (forest.splits == -1).all()


def test_substitutes_share_brand_and_size_first(fitted):
    """The three others of the leaf, then the brand's, then the rest; never itself."""
    rows = asked(Strategy().open(fitted), 5)
    assert len(rows) == N - 1
    assert 5 not in rows
    assert all(row % 4 == 1 and row // 4 % 3 == 1 for row in rows[:3])
    assert all(row % 4 == 1 for row in rows[:11])
    sales = fitted["sales"][rows]
    assert (np.diff(sales[:3]) <= 0).all()


def test_an_added_item_hangs_where_its_values_lead(fitted):
    """Like item 5 in brand and size; of an unknown brand: at the root; of an unknown category: nowhere."""
    old = catalogue()

    def longer(name, last):
        one = old.attributes[name]
        return Attribute.of([*(one.text(row) for row in range(N)), *last])

    more = replace(
        catalogue(N + 3),
        category=Attribute.of([f"Food{PATH}Tea"] * (N + 2) + [f"Food{PATH}Soap"]),
        attributes={"brand": longer("brand", ["b1", "b9", "b1"]), "size": longer("size", ["s1", "s1", "s1"])},
    )
    grown = Strategy().open(fitted).extended(more, None)
    assert set(asked(grown, N, 4, N + 3).tolist()) == {
        row for row in range(N) if row % 4 == 1 and row // 4 % 3 == 1
    }
    assert N in asked(grown, 5, 4, N + 3)
    assert len(asked(grown, N + 1, N + 3, N + 3)) == N + 1
    assert len(asked(grown, N + 2, N + 3, N + 3)) == 0
    with pytest.raises(DataError, match="give these first"):
        Strategy().open(fitted).extended(catalogue(N - 1), None)


def test_an_unknown_category_says_what_there_is(fitted):
    """The error names categories below the path asked for."""
    forest = Forest.of_parts(fitted)
    assert known(forest) == ["Food > Tea"]
    assert known(forest, "Foo") == known(forest, " > ") == []
    with pytest.raises(DataError, match="Food > Tea"):
        Tree.of(forest, "Food")


@pytest.mark.parametrize("wrong", [{"price_bands": 1}, {"shuffles": 3}, {"level": 0}])
def test_wrong_settings_are_refused(wrong):
    """By name."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Strategy(**wrong)
