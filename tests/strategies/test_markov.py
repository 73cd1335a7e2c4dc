"""What is taken next: counts by hand, exactly; visits, customers, moments, pairs."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shops import make_shop, reasons
from vitrina.dataset import DAY, VIEW, Catalog, Dataset, Events
from vitrina.ids import UNKNOWN, Ids
from vitrina.kernels import transitions
from vitrina.strategies.markov import Strategy
from vitrina.strategy import Allow, Query, Seeds

N = 8
PLAIN: dict[str, Any] = {"discount": 0.0, "fade": "reciprocal", "confidence": 0.0}
WORTH = {"purchase": 1.0, "view": 0.5}


def asked(*sessions: list[int]) -> Query:
    """Strangers who saw these rows in this order."""
    rows = np.array([row for one in sessions for row in one], np.int32)
    indptr = np.concatenate([[0], np.cumsum([len(one) for one in sessions])]).astype(np.int64)
    seeds = Seeds(indptr, rows, np.zeros(len(rows), np.uint8), np.zeros(len(rows), np.int64))
    nobody = np.full(len(sessions), UNKNOWN, np.int32)
    return Query(0, nobody, nobody, seeds)


def listed(strategy: Strategy, dataset: Dataset, session: list[int]) -> dict[str, float]:
    """All that the strategy lists, by id."""
    n_items = len(dataset.items)
    found = strategy.open(strategy.fit(dataset)).top(asked(session), n_items, Allow.all(n_items, 1))
    return dict(zip(dataset.items.names(found.rows), found.scores.tolist(), strict=True))


def lists_of(parts: Any) -> dict[int, dict[int, float]]:
    """Learned lists: by place, in order."""
    ends = parts["indptr"].tolist()
    pairs = list(zip(parts["indices"].tolist(), parts["scores"].tolist(), strict=True))
    return {at: dict(pairs[low:high]) for at, (low, high) in enumerate(pairwise(ends))}


def by_hand(dataset: Dataset, strategy: Strategy) -> tuple[dict, dict]:
    """(sums by item, sums by pair), unnormalised, in plain Python: {antecedent: {follower: sum}}.

    Of a pair also what its last events weigh, and how many they are.
    """
    ones: dict[int, Counter] = defaultdict(Counter)
    twos: dict[tuple[int, int], Counter] = defaultdict(Counter)
    longest = max(strategy.gap, strategy.visit_gap)
    fading = {
        "none": lambda gap: 1.0,
        "linear": lambda gap: (longest + 1 - gap) / longest,
        "exponential": lambda gap: 0.5 ** (gap - 1),
    }[strategy.fade]
    visits = visits_of(dataset)
    for lines in visits:
        count_within(lines, strategy, fading, ones, twos)
    for user in range(len(dataset.users)):
        own = [[line for line in lines if line[3] == user] for lines in visits]
        count_across([lines for lines in own if lines], strategy, fading, ones)
    return ones, twos


def visits_of(dataset: Dataset) -> list[list[tuple]]:
    """Lines (time, item, weight, user) of each visit, or of a customer's day, in order of their beginnings."""
    events, visits = dataset.events, defaultdict(list)
    for at in range(len(events)):
        user, visit, time = int(events.user[at]), int(events.visit[at]), int(events.time[at])
        lines = visits[("visit", visit) if visit >= 0 else ("day", user, time // DAY)]
        worth = WORTH.get(dataset.types[events.type[at]], 0.0)
        if worth and (visit >= 0 or user >= 0):
            lines.append((time, int(events.item[at]), worth, user))
    return list(visits.values())


def count_within(lines: list[tuple], strategy: Strategy, fading: Any, ones: Any, twos: Any) -> None:
    """Every two lines of a visit, and every line after two that stand alone."""
    times = sorted({line[0] for line in lines})
    for at, (time, item, own, _) in enumerate(lines):
        paired = at > 0 and _alone(lines, at) and _alone(lines, at - 1)
        pair = (lines[at - 1][1], item)
        if paired:
            twos[pair].update({"times": own, "count": 1})
        for other, (later, follower, worth, _) in enumerate(lines):
            gap = times.index(later) - times.index(time)
            if other != at and gap == 0 and follower != item:
                ones[item][follower] += strategy.visits * worth * strategy.together
            if 0 < gap <= strategy.gap:
                ones[item][follower] += strategy.visits * worth * fading(gap)
                if paired:
                    twos[pair][follower] += strategy.visits * worth * fading(gap)


def count_across(visits: list[list[tuple]], strategy: Strategy, fading: Any, ones: Any) -> None:
    """Every line of a customer's visit and every line of the next ones."""
    for first, before in enumerate(visits):
        for gap, after in enumerate(visits[first + 1 : first + 1 + strategy.visit_gap], 1):
            for (_, item, _, _), (_, follower, worth, _) in product(before, after):
                ones[item][follower] += strategy.customers * worth * fading(gap)


def _alone(lines: list[tuple], at: int) -> bool:
    return sum(line[0] == lines[at][0] for line in lines) == 1


happenings = st.lists(
    st.tuples(
        st.integers(-1, 2), st.integers(0, N - 1), st.integers(0, 30), st.integers(-1, 4), st.sampled_from([0, 0, 1, 2])
    ),
    min_size=1, max_size=40,
)  # fmt: skip


def random_shop(happened: list[tuple[int, int, int, int, int]]) -> Dataset:
    """(user, item, third of a day, visit, type): a visit is one user's."""
    happened = sorted(happened, key=lambda one: one[2])
    user, item, third, visit, kind = (np.array(one) for one in zip(*happened, strict=True))
    number = np.where(visit >= 0, visit * 4 + user + 1, UNKNOWN)
    n = len(user)
    events = Events(
        user.astype(np.int32), item.astype(np.int32), number.astype(np.int32), third.astype(np.int64) * DAY // 3,
        kind.astype(np.uint8), np.ones(n, np.float32), np.full(n, np.nan, np.float32),
    )  # fmt: skip
    names = [Ids.of(f"{one}" for one in range(count)) for count in (3, N)]
    return Dataset(*names, events, Catalog.bare(N))


@settings(deadline=None, max_examples=60)
@given(
    happenings, st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 0.5]), st.integers(1, 4), st.integers(1, 2),
    st.sampled_from(["none", "linear", "exponential"]), st.sampled_from([0.0, 0.25]),
)  # fmt: skip
def test_lists_are_counts_by_hand(happened, visits, customers, gap, visit_gap, fade, together) -> None:
    """Items and pairs: every weight here is a sum of binary fractions, or nearly."""
    strategy = Strategy(
        visits=visits, customers=customers, gap=gap, visit_gap=visit_gap, fade=fade, together=together,
        event_weights=WORTH, order=2, support=1, backoff=2.0, confidence=0.5, discount=0.0,
    )  # fmt: skip
    dataset = random_shop(happened)
    parts, (ones, twos) = strategy.fit(dataset), by_hand(dataset, strategy)
    learned = lists_of(parts)
    kinds = [WORTH.get(dataset.types[one], 0.0) for one in dataset.events.type]
    counts = np.bincount(dataset.events.item, kinds, N)
    for item in range(N):
        expected = {row: one / counts[item] ** 0.5 for row, one in ones[item].items() if one}
        assert learned[item] == pytest.approx(expected, rel=1e-6)
        assert list(learned[item].values()) == sorted(learned[item].values(), reverse=True)
    known = {pair: found for pair, found in twos.items() if found["count"]} if visits else {}
    assert parts["pairs"].tolist() == sorted(before * N + last for before, last in known)
    for at, pair in enumerate(parts["pairs"].tolist()):
        found = dict(known[pair // N, pair % N])
        times = found.pop("times") + 2.0
        del found["count"]
        expected = {row: one / times * counts[pair % N] ** 0.5 for row, one in found.items() if one}
        assert learned[N + at] == pytest.approx(expected, rel=1e-6)
        assert parts["rest"][at] == pytest.approx(2.0 / times)


@settings(deadline=None, max_examples=60)
@given(happenings, st.lists(st.integers(0, N - 1), max_size=9), st.integers(1, 4), st.integers(1, 2))
def test_an_answer_is_the_weighted_sum_of_lists(happened, session, seeds, order) -> None:
    """Of the latest seeds, fading; a known last pair leaves its last item the rest."""
    strategy = Strategy(seeds=seeds, seed_fade="quadratic", order=order, support=2, event_weights=WORTH)
    dataset = random_shop(happened)
    parts = strategy.fit(dataset)
    learned, expected = lists_of(parts), np.zeros(N)
    latest = list(dict.fromkeys(reversed(session)))[:seeds]
    weights = [1 / (at + 1) ** 2 for at in range(len(latest))]
    pairs = parts["pairs"].tolist()
    if len(session) > 1 and (pair := session[-2] * N + session[-1]) in pairs:
        at = pairs.index(pair)
        latest, weights = [N + at, *latest], [1.0, float(parts["rest"][at]), *weights[1:]]
    for seed, weight in zip(latest, weights, strict=True):
        for row, score in learned[seed].items():
            expected[row] += weight * score
    source = strategy.open(parts)
    found = source.top(asked(session, []), N, Allow.all(N, 2))
    assert found.indptr.tolist() == [0, len(found.rows), len(found.rows)]
    assert set(found.rows.tolist()) == set(np.flatnonzero(expected).tolist())
    np.testing.assert_allclose(found.scores, expected[found.rows], rtol=1e-5)


def test_one_order_has_no_order() -> None:
    """Lines of one order follow one another both ways; those of the next order follow, not the reverse."""
    dataset = make_shop([("u", "a", 1), ("u", "b", 1), ("u", "c", 5), ("u", "d", 9)])
    both = Strategy(**PLAIN, customers=1.0, visit_gap=1)
    assert listed(both, dataset, [0]) == {"b": 1.0, "c": 1.0}
    assert listed(both, dataset, [1]) == {"a": 1.0, "c": 1.0}
    assert listed(both, dataset, [2]) == {"d": 1.0}
    assert listed(replace(both, visits=0.0), dataset, [0]) == {"c": 1.0}
    assert listed(replace(both, together=0.0), dataset, [0]) == {"c": 1.0}
    assert listed(replace(both, visit_gap=2), dataset, [0]) == {"b": 1.0, "c": 1.0, "d": 0.5}


def visit_of(*rows: str, n: int = 1) -> Dataset:
    """n anonymous visits, each event at its own time."""
    n_events = n * len(rows)
    names = Ids.of(rows)
    nobody = np.full(n_events, UNKNOWN, np.int32)
    events = Events(
        nobody, np.tile(names.rows(rows), n), np.repeat(np.arange(n), len(rows)).astype(np.int32),
        np.arange(n_events, dtype=np.int64), np.full(n_events, VIEW, np.uint8), np.ones(n_events, np.float32),
        np.full(n_events, np.nan, np.float32),
    )  # fmt: skip
    return Dataset(Ids.of([]), names, events, Catalog.bare(len(names)))


def test_what_is_seen_again_follows_itself() -> None:
    """A second look at another time is a step; the same item twice at one time is none."""
    assert listed(Strategy(discount=0.0, gap=1), visit_of("a", "a"), [0]) == {"a": 0.5}
    dataset = make_shop([("u", "a", 1), ("u", "a", 1), ("u", "b", 1)])
    assert listed(Strategy(**PLAIN), dataset, [0]) == {"b": 2.0}


def test_rows_of_sessions_follow_each_other_also_where_times_are_days() -> None:
    """As where each has its time; of an order of that day nothing follows."""
    timed = visit_of("a", "b", "c", n=3)
    days = replace(timed.events, time=timed.events.time * 0)
    strategy = Strategy(**PLAIN, together=0.0, order=2, support=1)
    for session in ([0], [1], [0, 1]):
        whole = listed(strategy, timed, session)
        assert listed(strategy, replace(timed, events=days, sessions=True), session) == whole != {}
        assert listed(strategy, replace(timed, events=days), session) == {}


def test_the_last_two_know_more_than_the_last() -> None:
    """After a, b comes c; after d, b comes e; of a pair nobody saw the last item alone is asked."""
    rows = ("a", "b", "c", "d", "b", "e")
    dataset = visit_of(*rows, n=4)
    visit = np.repeat(np.arange(8), 3).astype(np.int32)
    dataset = replace(dataset, events=replace(dataset.events, visit=visit))
    a, b, c, d, e = range(5)
    first, second = Strategy(seeds=1), Strategy(seeds=1, order=2, support=2, backoff=1.0)
    assert listed(first, dataset, [a, b])["c"] == pytest.approx(listed(first, dataset, [a, b])["e"])
    for before, follower, other in ((a, "c", "e"), (d, "e", "c")):
        found = listed(second, dataset, [before, b])
        assert found[follower] > 3 * found[other] > 0
    assert listed(second, dataset, [c, b]) == listed(first, dataset, [c, b])
    assert listed(replace(second, support=5), dataset, [a, b]) == listed(first, dataset, [a, b])
    assert listed(second, dataset, [e]) == {}


def test_lift_is_no_respecter_of_fame() -> None:
    """`discount` 1 divides by the follower's share: what follows everything falls behind what follows this."""
    happened = [(f"u{n}", item, n) for n in range(8) for item in ("a" if n < 2 else "x", "famous")]
    dataset = make_shop([*happened, ("v", "a", 9), ("v", "rare", 9)])
    plain = listed(Strategy(), dataset, [0])
    lifted = listed(Strategy(discount=1.0), dataset, [0])
    assert plain["famous"] > plain["rare"]
    assert lifted["rare"] > lifted["famous"]


def test_late_events_count_more() -> None:
    """By the half-life, in the follower."""
    dataset = make_shop([("u", "a", 0), ("u", "b", 0), ("u", "a", 10), ("u", "c", 10)])
    found = listed(Strategy(**PLAIN, half_life_days=10.0), dataset, [0])
    assert found == {"c": pytest.approx(1.0), "b": pytest.approx(0.5)}


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists are counted a block at a time; the blocks' size is no part of the answer."""
    random = np.random.default_rng(3)
    dataset = make_shop(
        [
            (f"u{random.integers(9)}", f"i{random.integers(30)}", int(day))
            for day in np.sort(random.integers(0, 40, 600))
        ]
    )
    strategy = Strategy(neighbours=5, customers=0.5, order=2, support=1)
    whole = strategy.fit(dataset)
    monkeypatch.setattr(transitions, "BLOCK", 17)
    for name, part in strategy.fit(dataset).items():
        np.testing.assert_array_equal(part, whole[name])


def test_reasons_are_the_seeds_that_gave_most() -> None:
    """What a pair gave is its last item's; what nobody gave has no reason."""
    dataset = visit_of("a", "b", "c", n=3)
    strategy = Strategy(order=2, support=1, gap=2)
    source = strategy.open(strategy.fit(dataset))
    found = reasons(source, asked([0, 1]), np.array([2, 1, 0], np.int32))
    assert [one.seeds for one in found] == [(1, 0), (0,), ()]


@pytest.mark.shared
def test_sequential_rules_of_real_clicks(shared: Path) -> None:
    """With one seed, counts and 1/gap these are session-rec's sequential rules (Yoochoose, 70,278 clicks)."""
    import pyarrow.parquet as parquet

    table = parquet.read_table(shared / "yoochoose_clicks_100k" / "clicks.parquet")
    keep = np.array(table["split"].to_pylist()) == "train"
    session, item = (
        np.unique(table[name].to_numpy()[keep], return_inverse=True)[1] for name in ("SessionId", "ItemId")
    )
    order = np.lexsort((table["Time"].cast("int64").to_numpy()[keep], session))
    session, item = session[order].astype(np.int32), item[order].astype(np.int32)
    dataset = visit_of(*(f"{one:04d}" for one in range(item.max() + 1)))
    n = len(item)
    nobody = np.full(n, UNKNOWN, np.int32)
    events = Events(
        nobody,
        item,
        session,
        np.arange(n),
        np.full(n, VIEW, np.uint8),
        np.ones(n, np.float32),
        np.zeros(n, np.float32),
    )
    parts = Strategy(**PLAIN, gap=8, neighbours=item.max() + 1).fit(replace(dataset, events=events))
    rules: dict[int, Counter] = defaultdict(Counter)
    seen: list[int] = []
    for at, (visit, row) in enumerate(zip(session.tolist(), item.tolist(), strict=True)):
        seen = seen if at and session[at - 1] == visit else []
        for gap, before in enumerate(reversed(seen[-8:]), 1):
            rules[before][row] += 1 / gap
        seen.append(row)
    for row, found in lists_of(parts).items():
        assert found == pytest.approx(dict(rules[row]), rel=1e-6)


@pytest.mark.parametrize(
    "wrong", [{"fade": "slow"}, {"gap": 0}, {"order": 3}, {"customers": -1.0}, {"seeds": 0}]
)
def test_hyperparameters_are_judged(wrong) -> None:
    """Before anything is fitted."""
    with pytest.raises(ValueError, match=r"must|unknown"):
        Strategy(**wrong)
