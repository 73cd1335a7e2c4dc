"""Similar photos: exact, one item a look, never more than is allowed, and the reason is the seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import get_num_threads, set_num_threads

from shops import make_shop, reasons
from vitrina.dataset import REMOVE, VIEW, Attribute
from vitrina.errors import DataError
from vitrina.ids import UNKNOWN
from vitrina.images.metric import Metric
from vitrina.strategies import image_similar
from vitrina.strategies.image_similar import Strategy
from vitrina.strategy import Allow, Query, Seeds

N, D, C = 60, 10, 7


def shop_of(vectors, colours=None, products=None, **attributes):
    """A shop whose items are 000, 001, ... with these vectors."""
    n = len(vectors)
    shop = make_shop([], items=[f"{row:03d}" for row in range(n)])
    catalog = replace(shop.catalog, attributes={name: Attribute.of(one) for name, one in attributes.items()})
    if products is not None:
        catalog = replace(catalog, product=np.array(products, np.int32))
    colours = None if colours is None else np.asarray(colours, np.float32)
    return replace(shop, catalog=catalog, vectors=np.asarray(vectors, np.float32), colours=colours)


def random_shop(seed=0, n=N):
    """Vectors and colours of noise."""
    random = np.random.default_rng(seed)
    colours = random.uniform(size=(n, C))
    return shop_of(random.normal(size=(n, D)), colours / np.linalg.norm(colours, axis=1, keepdims=True))


def asked(*lists, types=None):
    """Strangers with these seeds, oldest first."""
    rows = [row for one in lists for row in one]
    ends = np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(np.int64)
    kinds = np.array(types if types is not None else [VIEW] * len(rows), np.uint8)
    nobody = np.full(len(lists), UNKNOWN, np.int32)
    seeds = Seeds(ends, np.array(rows, np.int32), kinds, np.zeros(len(rows), np.int64))
    return Query(0, nobody, nobody, seeds)


def opened(shop, **settings_of):
    """A source fitted on a shop."""
    made = Strategy(**settings_of)
    return made.open(made.fit(shop))


def listed(source, query, k=10, allow=None):
    """Each asker's list of (row, score)."""
    found = source.top(query, k, allow or Allow.all(len(source.parts["look"]), len(query)))
    cuts = [slice(int(found.indptr[at]), int(found.indptr[at + 1])) for at in range(len(query))]
    return [list(zip(found.rows[cut].tolist(), found.scores[cut].tolist(), strict=True)) for cut in cuts]


def rows_of(source, query, k=10, allow=None):
    """Each asker's list of rows."""
    return [[row for row, _ in one] for one in listed(source, query, k, allow)]


def test_neighbours_are_the_nearest_of_all():
    """The list of one seed is what sorting all products by the metric gives, scores included."""
    shop = random_shop()
    made = Strategy(whiten=0.0, colour_weight=0.3)
    source = made.open(made.fit(shop))

    def cosine(x):
        centred = x - x.mean(axis=0)
        centred = centred / np.linalg.norm(centred, axis=1, keepdims=True)
        return centred @ centred.T

    likeness = 0.7 * cosine(shop.vectors) + 0.3 * cosine(shop.colours)
    np.fill_diagonal(likeness, -1)
    for seed in range(N):
        order = [row for row in np.argsort(-likeness[seed]) if likeness[seed, row] > 0][:10]
        found = listed(source, asked([seed]))[0]
        assert [row for row, _ in found] == order
        np.testing.assert_allclose([score for _, score in found], likeness[seed, order], atol=1e-5)


def test_colour_decides_as_much_as_it_weighs():
    """Two shapes in two colours: with little colour the shape wins, with much the colour does."""
    random = np.random.default_rng(0)
    shapes, colours = np.repeat(np.eye(2), 20, axis=0), np.tile(np.eye(2), (20, 1))
    vectors = np.concatenate([shapes * 4, random.normal(size=(40, 8)) * 0.3], axis=1)
    noisy = np.abs(np.concatenate([colours * 4, random.normal(size=(40, 3)) * 0.3], axis=1))
    shop = shop_of(vectors, noisy / np.linalg.norm(noisy, axis=1, keepdims=True))

    def same(weight):
        found = rows_of(opened(shop, colour_weight=weight), asked(*([row] for row in range(40))), 5)
        pairs = [(row, other) for row, one in enumerate(found) for other in one]
        shape = np.mean([row // 20 == other // 20 for row, other in pairs])
        return shape, np.mean([row % 2 == other % 2 for row, other in pairs])

    (shape, by_shape), (other, colour) = same(0.02), same(0.95)
    assert shape > 0.95 > by_shape
    assert colour > 0.95 > other


def test_a_photo_of_the_same_thing_is_not_similar_to_it():
    """Shared and all but equal photos are one look: not listed for one another, and once for others."""
    random = np.random.default_rng(3)
    vectors = random.normal(size=(30, D))
    vectors[10] = vectors[3]
    vectors[20] = vectors[3] * 1.0001
    vectors[21] = vectors[4]
    source = opened(shop_of(vectors))
    assert len({int(source.parts["look"][row]) for row in (3, 10, 20)}) == 1
    assert source.parts["look"][4] == source.parts["look"][21]
    for row in (3, 10, 20):
        assert not {3, 10, 20} & set(rows_of(source, asked([row]), 30)[0])
    for one in rows_of(source, asked(*([row] for row in range(30))), 30):
        assert len({3, 10, 20} & set(one)) <= 1
        assert len({4, 21} & set(one)) <= 1


def test_a_photo_saved_anew_is_the_same_look():
    """The network calls a blurred copy another photo, its thumbnail does not; of two things it says nothing."""
    shop = random_shop()
    vectors = shop.vectors.copy()
    vectors[1] = vectors[0] + np.random.default_rng(3).normal(size=D).astype(np.float32)
    tiles = np.random.default_rng(4).integers(0, 256, (N, 768), np.uint8)
    tiles[1] = np.clip(tiles[0].astype(int) + 2, 0, 255)
    shop = replace(shop, vectors=vectors)
    assert len(set(opened(shop).parts["look"].tolist())) == N
    told = replace(shop, thumbnails=tiles)
    look = opened(told).parts["look"].tolist()
    assert look[0] == look[1]
    assert len(set(look)) == N - 1
    assert len(set(opened(told, copies=0.0).parts["look"].tolist())) == N


def test_a_look_is_shown_by_whichever_item_may_be():
    """If the first item of a look is not allowed, another that has the same photo stands for it."""
    vectors = np.random.default_rng(5).normal(size=(12, D))
    vectors[1] = vectors[0] + 0.3 * vectors[1]
    vectors[7] = vectors[1]
    source = opened(shop_of(vectors))
    assert 1 in rows_of(source, asked([0]))[0]
    mask = np.ones(12, np.bool_)
    mask[1] = False
    found = rows_of(source, asked([0]), 10, Allow(mask, np.zeros(2, np.int64), np.zeros(0, np.int32)))[0]
    assert 7 in found
    assert 1 not in found
    barred = Allow(np.ones(12, np.bool_), np.array([0, 2]), np.array([1, 7], np.int32))
    assert not {1, 7} & set(rows_of(source, asked([0]), 10, barred)[0])


def test_variants_of_the_seed_s_product_are_not_similar_to_it():
    """However they look: they are the same product."""
    vectors = np.random.default_rng(6).normal(size=(20, D))
    vectors[1] = vectors[0] + 0.5 * vectors[1]
    assert 1 in rows_of(opened(shop_of(vectors)), asked([0]))[0]
    products = [0, 0, *range(2, 20)]
    assert 1 not in rows_of(opened(shop_of(vectors, products=products)), asked([0]))[0]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, N - 1), max_size=6), min_size=1, max_size=4),
    st.integers(0, 70),
    st.data(),
)
def test_lists_keep_their_promises(seeds, k, data):
    """At most k, allowed, without repeats or the seeds, best first; a batch answers as its askers alone."""
    source = opened(random_shop(seed=len(seeds)))
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=N, max_size=N)))
    barred = [data.draw(st.lists(st.integers(0, N - 1), max_size=5)) for _ in seeds]
    ends = np.concatenate([[0], np.cumsum([len(one) for one in barred])]).astype(np.int64)
    allow = Allow(mask, ends, np.array([row for one in barred for row in one], np.int32))
    query = asked(*seeds)
    found = listed(source, query, k, allow)
    for at, (own, one) in enumerate(zip(seeds, found, strict=True)):
        rows, scores = [row for row, _ in one], [score for _, score in one]
        assert len(rows) <= k
        assert len(set(rows)) == len(rows)
        assert mask[rows].all()
        assert not set(rows) & {*barred[at], *own}
        assert scores == sorted(scores, reverse=True)
        alone = Allow(mask, np.array([0, len(barred[at])]), np.array(barred[at], np.int32))
        assert listed(source, query.one(at), k, alone) == [one]


def test_the_latest_seed_weighs_most():
    """Of two seeds with one neighbour each, the later one's comes first; removed seeds do not count."""
    base = np.eye(D)[:4]
    vectors = np.concatenate([base, base + 0.4 * np.eye(D)[4:8], -base, np.eye(D)[8:] * 3])
    source = opened(shop_of(vectors), recency=0.5)
    assert rows_of(source, asked([0, 1]), 1) == [[5]]
    assert rows_of(source, asked([1, 0]), 1) == [[4]]
    removed = asked([1, 0], types=[VIEW, REMOVE])
    assert rows_of(source, removed, 1) == [[5]]


def test_the_reason_is_the_seed_that_counted_most():
    """Which is one of the asker's, and a neighbour of what is explained; nothing for strangers' rows."""
    vectors = np.concatenate([np.eye(D)[:4], np.eye(D)[:4] + 0.4 * np.eye(D)[4:8], -np.eye(D)[:4]])
    source = opened(shop_of(vectors), recency=0.9)
    query = asked([0, 1, 2])
    told = reasons(source, query, np.array([4, 5, 6, 2], np.int32))
    assert [one.seeds for one in told] == [(0,), (1,), (2,), ()]


@pytest.mark.parametrize("vectors", [None, np.zeros((N, D), np.float32)])
def test_a_shop_without_photos_gets_nothing(vectors):
    """No vectors, or none that is not zero: it fits, and answers with nothing."""
    shop = replace(random_shop(), vectors=vectors, colours=None)
    source = opened(shop)
    assert rows_of(source, asked([3], [])) == [[], []]
    assert reasons(source, asked([3]), np.array([2], np.int32))[0].seeds == ()
    indptr, rows, _ = source.nearest(np.ones((2, D), np.float32), None, 5)
    assert indptr.tolist() == [0, 0, 0]
    assert len(rows) == 0


def test_items_without_a_photo_are_never_listed():
    """Nor have they anything similar."""
    shop = random_shop()
    shop.vectors[[4, 9]] = 0.0
    source = opened(shop)
    found = rows_of(source, asked(*([row] for row in range(N))), N)
    assert not any({4, 9} & set(one) for one in found)
    assert found[4] == found[9] == []


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_handful_of_photos_is_no_trouble(n):
    """Nothing is found, or what there is."""
    for one in rows_of(opened(random_shop(n=n)), asked(*([row] for row in range(n)))):
        assert set(one) <= set(range(n))


def test_fitting_is_deterministic_for_any_number_of_threads():
    """The same parts, bit for bit."""
    shop, before = random_shop(n=300), get_num_threads()
    first = Strategy().fit(shop)
    try:
        set_num_threads(1)
        second = Strategy().fit(shop)
    finally:
        set_num_threads(before)
    assert set(first) == set(second)
    for name, part in first.items():
        assert np.asarray(part).tobytes() == np.asarray(second[name]).tobytes(), name


def test_parts_may_be_read_only():
    """As those mapped from a bundle are."""
    made = Strategy()
    parts = {name: np.array(part) for name, part in made.fit(random_shop()).items()}
    for part in parts.values():
        part.flags.writeable = False
    source = made.open(parts)
    assert len(rows_of(source, asked([0]))[0]) == 10
    source.nearest(np.ones((1, D), np.float32), np.ones((1, C), np.float32), 3)


def test_a_photo_from_outside_finds_its_own_item():
    """The vector of a catalogue photo is nearest to that item; without colours too."""
    shop = random_shop()
    source = opened(shop)
    for colours in (shop.colours, None):
        indptr, rows, scores = source.nearest(shop.vectors, colours, 5)
        assert np.diff(indptr).max() == 5
        assert rows[indptr[:-1]].tolist() == list(range(N))
        assert (np.diff(scores.reshape(-1, 5), axis=1) <= 0).all() if len(scores) == 5 * N else True
    np.testing.assert_allclose(source.nearest(shop.vectors, shop.colours, 1)[2], 1.0, atol=2e-3)


def test_a_photo_from_outside_is_compared_with_some_at_a_time(monkeypatch):
    """In pieces of any size the same looks in the same order, but for scores that differ in their last bit."""
    shop = random_shop()
    source = opened(shop)
    whole = source.nearest(shop.vectors, shop.colours, 9)
    for size in (1, 7, N - 1):
        monkeypatch.setattr(image_similar, "AT_ONCE", size)
        found = source.nearest(shop.vectors, shop.colours, 9)
        np.testing.assert_array_equal(found[0], whole[0])
        np.testing.assert_allclose(found[2], whole[2], rtol=1e-5)
        assert (found[1] == whole[1]).mean() > 0.99


def test_what_attributes_teach_is_found_in_unseen_products():
    """A shop whose kinds differ along a faint axis: neighbours are of one kind once it is taught so."""
    random = np.random.default_rng(1)
    kinds = np.arange(400) % 2
    vectors = random.normal(size=(400, 20)) * np.linspace(5, 1, 20)
    vectors[:, 19] += 3.0 * kinds
    shop = shop_of(vectors, kind=["left" if one else "right" for one in kinds])

    def same(**settings_of):
        found = rows_of(opened(shop, **settings_of), asked(*([row] for row in range(400))), 5)
        return np.mean([kinds[row] == kinds[other] for row, one in enumerate(found) for other in one])

    assert same(whiten=0.0) < 0.7
    assert same(whiten=0.0, projection=("kind",), projection_weight=0.9) > 0.85


@pytest.mark.parametrize(
    "wrong", [{"colour_weight": 1.1}, {"whiten": -0.1}, {"recency": 2.0}, {"neighbours": 0}, {"max_seeds": 0}]
)
def test_hyperparameters_out_of_bounds_are_said(wrong):
    """With the name of the one that is wrong."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Strategy(**wrong)


@pytest.mark.parametrize("edge", [0.0, 1.0])
def test_the_ends_of_every_scale_work(edge):
    """All look, all colour, all taught: lists come out."""
    shop = random_shop()
    shop = shop_of(shop.vectors, shop.colours, kind=[str(row % 7) for row in range(N)])
    for name in ("colour_weight", "projection_weight", "whiten", "recency"):
        source = opened(shop, projection=("kind",), **{name: edge})
        assert len(rows_of(source, asked([3, 4]))[0]) == 10


def test_what_is_taught_makes_no_doubles():
    """Where the only thing learned is one of two kinds, all of a kind are alike, and none the same."""
    shop = random_shop()
    shop = shop_of(shop.vectors, kind=["left" if row % 2 else "right" for row in range(N)])
    source = opened(shop, projection=("kind",), projection_weight=1.0)
    assert len(source.parts["shown_indptr"]) - 1 == N


def test_what_cannot_be_learned_from_is_said():
    """An attribute that no item has, and vectors that are not one row an item."""
    with pytest.raises(DataError, match="'fabric': the items have category"):
        Strategy(projection=("fabric",)).fit(random_shop())
    with pytest.raises(DataError, match="3 photo vectors for 60 items"):
        Strategy().fit(replace(random_shop(), vectors=np.ones((3, D), np.float32)))


def test_very_many_photos_go_through_an_inverted_file():
    """Nearly the exact neighbours, and the share of them that was found is stored and true."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(40, D))
    vectors = centres[random.integers(0, 40, 2000)] + 0.4 * random.normal(size=(2000, D))
    shop = shop_of(vectors)
    exact, near = opened(shop), opened(shop, exact_up_to=100)
    assert exact.parts["recall"][0] == 1.0
    query = asked(*([row] for row in range(0, 2000, 10)))
    pairs = zip(rows_of(exact, query, 20), rows_of(near, query, 20), strict=True)
    recall = np.mean([len(set(one) & set(other)) / max(1, len(one)) for one, other in pairs])
    assert near.parts["recall"][0] >= 0.97
    assert recall > 0.95


def cut(shop, n):
    """The shop of the first n items."""
    names = [f"{row:03d}" for row in range(n)]
    catalog = make_shop([], items=names).catalog
    catalog = replace(catalog, product=shop.catalog.product[:n])
    colours = None if shop.colours is None else shop.colours[:n]
    return replace(make_shop([], items=names), catalog=catalog, vectors=shop.vectors[:n], colours=colours)


@pytest.mark.parametrize("with_colours", [True, False])
def test_added_photos_are_listed_as_the_learned_metric_says(with_colours):
    """Trained on 60, given 80: every list, old or new, is what sorting all by the metric of the 60 gives."""
    shop = random_shop(4, 80)
    shop = shop if with_colours else replace(shop, colours=None)
    made = Strategy(neighbours=12)
    trained = made.open(made.fit(cut(shop, 60)))
    grown = trained.extended(shop.catalog, shop.vectors, shop.colours)
    mapped = Metric.of_parts(trained.parts)(shop.vectors, shop.colours)
    likeness = mapped @ mapped.T
    np.fill_diagonal(likeness, -1)
    for seed in range(80):
        found = listed(grown, asked([seed]), 12)[0]
        best = np.sort(likeness[seed])[::-1][:12]
        np.testing.assert_allclose([score for _, score in found], best[best > 0], atol=2e-3)
        np.testing.assert_allclose(
            [score for _, score in found], likeness[seed, [row for row, _ in found]], atol=2e-3
        )
    assert any(row >= 60 for row, _ in listed(grown, asked([0]), 12)[0] + listed(grown, asked([1]), 12)[0])


def test_an_added_photo_of_an_old_thing_joins_its_look():
    """It stands for the old item where that may not be shown, and is not similar to it; two copies added
    are one look; an item added without a photo has no list."""
    shop = random_shop(5, 40)
    shop.vectors[30], shop.colours[30] = shop.vectors[3], shop.colours[3]
    shop.vectors[32], shop.colours[32] = shop.vectors[31], shop.colours[31]
    shop.vectors[33] = 0
    made = Strategy()
    grown = made.open(made.fit(cut(shop, 30))).extended(shop.catalog, shop.vectors, shop.colours)
    look = grown.parts["look"]
    assert look[30] == look[3]
    assert look[31] == look[32] >= 30
    assert look[33] == UNKNOWN
    assert 30 not in rows_of(grown, asked([3]), 50)[0]
    assert rows_of(grown, asked([33]), 50) == [[]]
    seed = next(row for row in range(30) if 3 in rows_of(grown, asked([row]), 50)[0])
    mask = np.ones(40, np.bool_)
    mask[3] = False
    allow = Allow(mask, np.zeros(2, np.int64), np.zeros(0, np.int32))
    assert 30 in rows_of(grown, asked([seed]), 50, allow)[0]


def test_photos_added_in_two_steps_are_photos_added_in_one():
    """The same looks, and the same lists within the half precision that looks are kept in."""
    shop, made = random_shop(6, 70), Strategy(neighbours=8)
    trained = made.open(made.fit(cut(shop, 50)))
    once = trained.extended(shop.catalog, shop.vectors, shop.colours)
    half = cut(shop, 60)
    twice = trained.extended(half.catalog, half.vectors, half.colours)
    twice = twice.extended(shop.catalog, shop.vectors, shop.colours)
    np.testing.assert_array_equal(once.parts["look"], twice.parts["look"])
    np.testing.assert_allclose(once.parts["scores"], twice.parts["scores"], atol=2e-3)


def test_variants_and_what_was_taught_hold_for_added_photos():
    """An added size is not similar to its product; what attributes taught makes no added photo a double."""
    n = 60
    kind = np.arange(n) % 2
    random = np.random.default_rng(0)
    vectors = np.stack([kind, 1 - kind], axis=1) * 9 + random.normal(size=(n, 2)) * 0.1
    vectors = np.concatenate([vectors, random.normal(size=(n, 6))], axis=1)
    whole = shop_of(vectors, products=[*range(n - 1), 0], kind=[f"k{one}" for one in kind])
    first = replace(
        shop_of(vectors[:40], products=range(40), kind=[f"k{one}" for one in kind[:40]]), colours=None
    )
    made = Strategy(projection=("kind",), projection_weight=0.95)
    grown = made.open(made.fit(first)).extended(whole.catalog, whole.vectors)
    assert len(set(grown.parts["look"].tolist())) == n
    assert n - 1 not in rows_of(grown, asked([0]), 60)[0]
    assert 0 not in rows_of(grown, asked([n - 1]), 60)[0]


def test_what_cannot_be_added_is_said():
    """A catalogue too short, vectors of another length or of another network; and no vectors is no error."""
    shop, made = random_shop(7, 30), Strategy()
    trained = made.open(made.fit(cut(shop, 20)))
    with pytest.raises(DataError, match="10 items, 20 were trained"):
        trained.extended(cut(shop, 10).catalog, shop.vectors[:10])
    with pytest.raises(DataError, match="29 photo vectors for 30 items"):
        trained.extended(shop.catalog, shop.vectors[:29])
    with pytest.raises(DataError, match="another network"):
        trained.extended(shop.catalog, np.ones((30, D + 1), np.float32))
    blind = trained.extended(shop.catalog, None)
    assert rows_of(blind, asked([1], [25]), 5)[1] == []
    assert rows_of(blind, asked([1]), 5)[0] == rows_of(trained, asked([1]), 5)[0]
    bare = made.open(made.fit(replace(cut(shop, 20), vectors=None, colours=None)))
    assert rows_of(bare.extended(shop.catalog, shop.vectors), asked([25]), 5) == [[]]
