"""One list arranged: pins, quotas, tiers and diversity, over random lists and against plain Python."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.kernels.arrange import arrange


def arranged_all(cases, *, most=(), least=(), weights=(), diversity=0.0, limit):
    """`arrange` for a batch of lists of m places, each a table of its columns."""

    def column(name, dtype, empty):
        return np.array([empty if one.get(name) is None else one[name] for one in cases], dtype)

    m = len(cases[0]["scores"])
    picks, stay = arrange(
        column("scores", np.float32, None),
        column("tiers", np.int8, [0] * m),
        column("pins", np.int32, [0] * m),
        column("codes", np.int32, [list(range(m))]),  # products are all different unless told
        np.array([1, *most], np.int32),
        column("members", np.bool_, np.zeros((0, m))),
        np.array(least, np.int32),
        column("traits", np.int32, np.zeros((0, m))),
        np.array(weights, np.float32),
        column("vectors", np.float32, np.zeros((m, 0))),
        diversity,
        column("alternate", np.int32, []),
        limit,
    )
    return [[one for one in own if one >= 0] for own in picks.tolist()], stay.tolist()


BATCHED = ("scores", "tiers", "pins", "codes", "members", "traits", "vectors", "alternate")


def arranged(scores, limit, **case):
    """`arranged_all` for one list."""
    case["scores"] = scores
    columns = {name: case.pop(name) for name in BATCHED if name in case}
    picks, stay = arranged_all([columns], limit=limit, **case)
    return picks[0], stay[0]


@st.composite
def cases(draw):
    """A list of up to 8 places with variants, tiers, pins, a cap, a minimum and traits."""
    m = draw(st.integers(1, 8))

    def column(values):
        return draw(st.lists(values, min_size=m, max_size=m))

    tiers = sorted(column(st.integers(0, 2)))
    pads = draw(st.integers(0, 2))
    return {
        "scores": sorted(column(st.integers(1, 9)), reverse=True),
        "tiers": [*tiers[: m - pads], *[-1] * min(pads, m)],
        "pins": column(st.sampled_from([0, 0, 0, 1, 2, 5])),
        "codes": [column(st.integers(0, 9)), column(st.integers(-1, 2))],
        "most": [draw(st.integers(1, 3))],
        "members": [column(st.booleans())],
        "least": [draw(st.integers(0, 3))],
        "traits": [column(st.integers(-1, 2))],
        "weights": [1.0],
        "diversity": draw(st.sampled_from([0.0, 0.3, 0.9])),
        "limit": draw(st.integers(1, 9)),
    }


@settings(deadline=None)
@given(cases())
def test_nothing_twice_no_pad_no_quota_broken_and_pins_stand(case):
    """One variant a product; what is not pinned keeps to the cap; pins of a full list stand."""
    picks, _ = arranged(**case)
    product, brand = case["codes"]
    assert len({product[one] for one in picks}) == len(picks) <= case["limit"]
    assert all(case["tiers"][one] >= 0 for one in picks)
    firsts = {}
    for place, position in enumerate(case["pins"]):
        if 0 < position <= case["limit"] and case["tiers"][place] >= 0:
            firsts.setdefault(position, []).append(place)
    pinned, taken = {}, set()
    for position, places in sorted(firsts.items()):
        fresh = [one for one in places if product[one] not in taken]
        if fresh:
            pinned[position] = fresh[0]
            taken.add(product[fresh[0]])
    for position, place in pinned.items():
        assert picks.index(place) + 1 == position or len(picks) < case["limit"]
    counts = [brand[one] for one in picks if brand[one] >= 0]
    for code in {brand[one] for one in picks if one not in pinned.values()} - {-1}:
        assert counts.count(code) <= case["most"][0]


@settings(deadline=None)
@given(cases())
def test_a_list_is_as_long_as_its_caps_let_it_be_and_its_tiers_come_in_order(case):
    """Nothing that fits is left out of a short list; without pins, minimums and diversity order is kept."""
    case |= {"pins": None, "least": [0], "diversity": 0.0}
    picks, _ = arranged(**case)
    product, brand = case["codes"]
    expected = []
    for place in range(len(product)):
        alike = sum(brand[one] == brand[place] >= 0 for one in expected)
        if case["tiers"][place] >= 0 and product[place] not in {product[one] for one in expected}:
            expected += [place] if alike < case["most"][0] else []
    assert picks == expected[: case["limit"]]


@settings(deadline=None)
@given(cases(), st.integers(1, 7))
def test_alone_or_in_a_batch(case, turned):
    """A list arranged behind another of the batch is as it is alone."""
    columns = {name: case.pop(name) for name in BATCHED if name in case}
    m = len(columns["scores"])
    other = {name: np.roll(one, turned, axis=-1) for name, one in columns.items() if name != "tiers"}
    other["tiers"] = [0] * m
    picks, stay = arranged_all([other, columns], **case)
    assert (picks[1], stay[1]) == arranged(**columns, **case)


def test_a_minimum_takes_the_last_places_only_as_far_as_it_must():
    """At least two of the members: the best is where it was, the other comes in for the last shown."""
    members = [[False, True, False, False, True, True]]
    picks, stay = arranged([6, 5, 4, 3, 2, 1], 4, members=members, least=[2])
    assert picks == [0, 1, 2, 4]
    assert stay == [False, True, False, True]


def test_a_pin_behind_the_end_of_a_short_list_comes_last():
    """A list of three with a pin at nine ends with it; without room it is not shown."""
    assert arranged([3, 2, 1], 10, pins=[9, 0, 0])[0] == [1, 2, 0]
    assert arranged([3, 2, 1], 2, pins=[9, 0, 0])[0] == [0, 1]


def test_diversity_is_maximal_marginal_relevance():
    """Against the formula in plain Python, with traits and vectors, for every strength."""
    random = np.random.default_rng(3)
    m, limit = 30, 12
    scores = np.sort(random.random(m).astype(np.float32))[::-1] + np.float32(0.5)
    traits, weights = random.integers(-1, 4, (2, m)), [0.3, 0.2]
    vectors = random.normal(size=(m, 5)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) * 2**0.5
    like = (vectors @ vectors.T).astype(np.float64)
    for trait, weight in zip(traits, weights, strict=True):
        like += weight * ((trait[:, None] == trait) & (trait >= 0))
    for diversity in (0.0, 0.2, 0.5, 1.0):
        expected = []
        while len(expected) < limit:
            rest = [one for one in range(m) if one not in expected]
            worth = {
                one: (1 - diversity) * scores[one] / scores.max()
                - diversity * max([0.0, *(like[one, other] for other in expected)])
                for one in rest
            }
            expected.append(max(rest, key=lambda one: (round(worth[one], 6), -one)))
        picks, _ = arranged(
            scores, limit, traits=traits, weights=weights, vectors=vectors, diversity=diversity
        )
        assert picks == expected


def test_kinds_alternate_around_a_pin():
    """Categories are interleaved, each in its order, and the pin stands where it was put."""
    picks, _ = arranged([6, 5, 4, 3, 2, 1], 6, alternate=[0, 0, 0, 1, 1, 2], pins=[0, 0, 0, 0, 0, 1])
    assert picks == [5, 0, 3, 1, 4, 2]
