"""The cut: one moment where there are times, last orders where there are none, never the future."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.dataset import CART, DAY, PURCHASE, REMOVE, VIEW, Catalog, Dataset, Events
from vitrina.errors import DataError
from vitrina.ids import Ids
from vitrina.splits import of_types, split, wanted_types

N_ITEMS = 9


def shop(rows: list[tuple[int, int, int, int, int]], timed: bool = True) -> Dataset:
    """rows: (time, user, visit, item, type), in order of time."""
    time, user, visit, item, kind = np.array(rows, np.int64).reshape(-1, 5).T
    events = Events(
        user.astype(np.int32),
        item.astype(np.int32),
        visit.astype(np.int32),
        time if timed else np.arange(len(rows), dtype=np.int64),
        kind.astype(np.uint8),
        np.ones(len(rows), np.float32),
        np.full(len(rows), np.nan, np.float32),
    )
    users = Ids.of(f"u{one}" for one in range(int(user.max(initial=-1)) + 1))
    items = Ids.of(f"i{one}" for one in range(N_ITEMS))
    return Dataset(users, items, events, Catalog.bare(N_ITEMS), timed=timed)


def daily(days: int, **kept) -> Dataset:
    return shop([(day * DAY, day % 3, -1, day % N_ITEMS, PURCHASE) for day in range(days)], **kept)


def bought(dataset: Dataset) -> list[tuple[int, int]]:
    return list(zip(dataset.events.user.tolist(), dataset.events.item.tolist(), strict=True))


def test_the_last_days_are_held_out():
    """Of 200 daily events and 28 days, 28 events are held out, all at or after `now`."""
    found = split(daily(200), 28)
    assert len(found.test.events) == 28
    assert found.train.end < found.now <= found.test.events.time[0]
    assert found.rule == "the last 28 days are held out"


def test_a_short_past_gives_a_fifth():
    """Ten days cannot spare 28: a fifth is held out, in whole days, and the rule says why."""
    found = split(daily(11), 28)
    assert len(found.test.events) == 2
    assert "a fifth of the time span" in found.rule


def test_hours_are_cut_in_hours():
    """A dataset of five hours is cut within the day."""
    found = split(shop([(hour * 3600, 0, -1, 0, PURCHASE) for hour in range(5)]), 28)
    assert len(found.test.events) == 1
    assert "hours" in found.rule


def test_at_is_today():
    """With `at`, nothing later is seen on either side, and the window ends there."""
    whole = daily(300)
    found = split(whole, 28, at=200 * DAY)
    assert found.now == 172 * DAY
    assert found.test.end < 200 * DAY
    assert len(found.train.events) + len(found.test.events) == 200


@settings(deadline=None)
@given(st.lists(st.integers(0, 400 * DAY), min_size=2, max_size=60, unique=True), st.integers(1, 60))
def test_a_cut_loses_nothing_and_never_learns_the_future(times, test_days):
    """Both sides together are the dataset, in order; the window is never over a fifth of the span."""
    whole = shop([(time, 0, -1, 0, PURCHASE) for time in sorted(times)])
    try:
        found = split(whole, test_days)
    except DataError:
        return
    both = np.concatenate([found.train.events.time, found.test.events.time])
    assert both.tolist() == sorted(times)
    assert found.train.end < found.now <= found.test.events.time[0]
    assert whole.end + 1 - found.now <= min(test_days * DAY, (whole.end + 1 - min(times)) / 5)


def test_without_times_the_last_order_is_held_out():
    """Two lines of the last order go together; a customer with one order is kept whole."""
    rows = [(0, 0, 0, 1, 0), (0, 0, 1, 2, 0), (0, 1, 2, 3, 0), (0, 0, 1, 4, 0), (0, 1, 2, 5, 0)]
    found = split(shop(rows, timed=False), 28)
    assert bought(found.test) == [(0, 2), (0, 4)]
    assert bought(found.train) == [(0, 1), (1, 3), (1, 5)]
    assert "last order of each customer" in found.rule


def test_of_who_took_what_alone_a_tenth_is_held_out_by_lot():
    """Bare pairs, as interaction sets are published: whatever order they stand in, what was left out is asked."""
    rows = [(0, user, -1, item % N_ITEMS, PURCHASE) for user in range(9) for item in range(1 + 5 * user)]
    held = [split(shop(rows, timed=False), 28, lot=lot, tenth=lot > 0) for lot in (0, 1)]
    for found in held:
        assert np.bincount(found.test.events.user).tolist() == [0, 1, 1, 1, 2, 2, 3, 3, 4]
        assert "a tenth of each customer's events, by lot, is held out; who took what is all" in found.rule
    places = [set(one.test.events.time.tolist()) for one in held]
    assert not places[0] & places[1]
    last = {max(at for at, row in enumerate(rows) if row[1] == user) for user in range(1, 9)}
    assert not last <= places[0]


def test_without_visits_the_last_event_is_held_out():
    """Views and purchases in order: the last purchase of each customer who did something before."""
    rows = [(0, 0, -1, 1, PURCHASE), (0, 1, -1, 2, VIEW), (0, 0, -1, 3, PURCHASE)]
    rows += [(0, 2, -1, 4, PURCHASE), (0, 2, -1, 4, PURCHASE)]
    found = split(shop(rows, timed=False), 28)
    assert bought(found.test) == [(0, 3), (2, 4)]


def test_of_many_single_events_the_last_tenth_is_held_out_to_choose_by():
    """One of thirty says little; who bought in orders is asked about the last one alone, however many lines."""
    rows = [(0, 0, -1, 0, VIEW)] + [(0, 0, -1, item, PURCHASE) for item in range(30)]
    rows += [(0, 1, -1, item, PURCHASE) for item in range(9)]
    found = split(shop(rows, timed=False), 28, tenth=True)
    assert bought(found.test) == [(0, 27), (0, 28), (0, 29), (1, 8)]
    assert "the last tenth of each customer's events" in found.rule
    assert bought(split(shop(rows, timed=False), 28).test) == [(0, 29), (1, 8)]
    rows += [(0, 2, -1, item, PURCHASE) for item in range(30)] + [(0, 2, 0, 30, PURCHASE)]
    found = split(shop(rows, timed=False), 28, tenth=True)
    assert bought(found.test) == [(0, 27), (0, 28), (0, 29), (1, 8), (2, 30)]
    assert "the last order of each customer" in found.rule


def test_views_after_the_last_purchase_are_not_learned():
    """What is held out is the last purchase and all that the customer did after it."""
    rows = [(0, 0, -1, 1, PURCHASE), (0, 0, -1, 2, VIEW), (0, 0, -1, 2, PURCHASE), (0, 0, -1, 3, VIEW)]
    found = split(shop(rows, timed=False), 28)
    assert bought(found.train) == [(0, 1), (0, 2)]
    assert bought(found.test) == [(0, 2), (0, 3)]


def test_anonymous_baskets_are_held_out_whole():
    """Baskets of nobody, without times: the last fifth of them, and no basket is torn."""
    rows = [(0, -1, visit, item, PURCHASE) for visit in range(10) for item in (1, 2)]
    found = split(shop(rows, timed=False), 28)
    assert sorted(set(found.test.events.visit.tolist())) == [8, 9]
    assert len(found.test.events) == 4


def test_times_that_tell_nothing_apart_are_known():
    """What is held out of one moment is no later than the rest; without times nobody says it is."""
    lives = [(0, user, -1, item, PURCHASE) for user in range(5) for item in range(4)]
    assert split(shop(lives), 28).of_one_moment
    assert not split(shop(lives, timed=False), 28).of_one_moment
    assert not split(daily(200), 28).of_one_moment


def test_no_anonymous_visit_is_asked_in_two_lots(monkeypatch):
    """What several windows ask is pooled: a visit that stood in two of them would count twice."""
    rows = [
        (0, user, -1, item, PURCHASE)
        for user in range(40)
        for item in np.random.default_rng(user).permutation(9)
    ]
    rows += [(0, -1, visit, item, PURCHASE) for visit in range(50) for item in (visit % 9, (visit + 1) % 9)]
    known = shop(rows, timed=False)
    monkeypatch.setattr("vitrina.splits.in_order", lambda dataset: False)
    seen = set()
    for lot in range(6):
        asked = split(known, 28, lot=lot).test.events
        visits = set(asked.visit[asked.user < 0].tolist())
        assert len(visits) == (10 if lot < 5 else 0)
        assert not visits & seen
        seen |= visits


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.just(0), st.integers(-1, 4), st.integers(-1, 5), st.integers(0, N_ITEMS - 1), st.integers(0, 3)
        ),
        max_size=40,
    )
)
def test_leave_last_out_keeps_a_past_for_everybody(rows):
    """Whoever is asked about has a past, and nothing of theirs that is learned came after the cut."""
    whole = shop(rows, timed=False)
    try:
        found = split(whole, 28)
    except DataError:
        return
    assert len(found.train.events) + len(found.test.events) == len(whole.events)
    for user in set(found.test.events.user.tolist()) - {-1}:
        past = found.train.events.time[found.train.events.user == user]
        held = found.test.events.time[found.test.events.user == user]
        assert len(past)
        assert past.max() < held.min()


def test_one_moment_for_all_is_no_time():
    """A timed dataset in which everything happened at once is cut like one without times, and says why."""
    rows = [(7, user, -1, item, PURCHASE) for user in range(3) for item in range(2)]
    assert split(shop(rows), 28).rule.startswith("as all times are one, ")
    assert split(shop(rows, timed=False), 28).rule.startswith("without times ")


def test_nothing_to_cut_is_a_sentence():
    """No events, or one, raise DataError naming what is missing."""
    with pytest.raises(DataError, match="no event"):
        split(shop([]), 28)
    with pytest.raises(DataError, match="evaluate on"):
        split(shop([(0, 0, -1, 0, PURCHASE)]), 28)
    told = "nothing had happened by 1969-12-31T00:00:00, the data begin at 19.*; give a later --at"
    with pytest.raises(DataError, match=told):
        split(daily(10), 28, at=-DAY)


def test_wanted_is_purchases_or_else_interest():
    """Purchases where a shop has any; otherwise all but what was taken out of a cart."""
    rows = [(0, 0, -1, 0, VIEW), (1, 0, -1, 0, CART), (2, 0, -1, 0, REMOVE), (3, 0, -1, 0, PURCHASE)]
    whole, views = shop(rows), shop(rows[:3])
    assert wanted_types(whole) == ("purchase",)
    assert of_types(whole, wanted_types(whole)).tolist() == [False, False, False, True]
    assert of_types(views, wanted_types(views)).tolist() == [True, True, False]
    assert split(shop([*rows, (9 * DAY, 0, -1, 0, VIEW)]), 1).wanted == ("purchase",)


def test_what_is_asked_for_is_held_out():
    """With times too: each one's last order, or a tenth of what each took by lot, whatever day it was."""
    rows = [
        (day * DAY, user, user * 20 + day, day % N_ITEMS, PURCHASE) for day in range(20) for user in range(5)
    ]
    times = {}
    for how in ("last", "lot"):
        cut = split(replace(shop(rows), dayed=True, held_out=how), 3)
        assert np.bincount(cut.test.events.user).tolist() == [2 if how == "lot" else 1] * 5
        assert len(cut.train.events) + len(cut.test.events) == len(rows)
        later = "what others did later" if how == "last" else "what was done later"
        assert cut.rule.endswith(f"whatever the times; {later} is learned from")
        times[how] = set((cut.test.events.time // DAY).tolist())
    assert times["last"] == {19}
    assert len(times["lot"]) > 4
    pairs = replace(
        shop([(0, 0, -1, item, PURCHASE) for item in range(N_ITEMS)], timed=False), held_out="last"
    )
    assert split(pairs, 3).test.events.item.tolist() == [N_ITEMS - 1]


def test_what_was_only_shown_is_not_wanted():
    """An export of everything that was logged holds impressions, and what was searched for."""
    shown = shop([(0, 0, -1, 0, VIEW), (1, 0, -1, 0, 5), (2, 0, -1, 0, 6)])
    shown = replace(shown, types=(*shown.types, "impression", "search"))
    assert wanted_types(shown) == ("view",)
