"""Decisions: within every cap, never in quiet hours, nothing said twice across channels; each with its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.contact.decide import DAY, HOUR, Contact, Offer, Person, decide
from vitrina.contact.policy import Policy, parse_policy

NOON = 1_764_072_000  # 2025-11-25 12:00 UTC
POLICY = parse_policy(
    {
        "cool_down_days": 3,
        "repeat_days": 14,
        "sticky_hours": 72,
        "channels": {
            "email": {"caps": [{"times": 1, "days": 1}, {"times": 3, "days": 7}], "quiet": ["21:00", "08:00"]},
            "push": {"caps": [{"times": 1, "days": 2}], "quiet": ["21:00", "09:00"]},
            "retargeting": {"paid": True, "caps": [{"times": 5, "days": 7}]},
        },
    }
)  # fmt: skip
OFFER = Offer(("a", "b"), NOON + 3 * DAY)


def sent(channel: str, days: float, items: tuple[str, ...] = (), opened: int = 0) -> Contact:
    return Contact(channel, NOON - int(days * DAY), items, opened)


def test_the_cheapest_free_channel_is_taken() -> None:
    """E-mail first; when its cap is full, the next, and what was passed over is said."""
    assert decide(POLICY, Person("u"), OFFER, NOON).channel == "email"
    found = decide(POLICY, Person("u", [sent("email", 0.5)]), OFFER, NOON)
    assert found.channel == "push"
    assert found.passed == {"email": "1 of 1 in 1 days"}


def test_consent_is_asked_of_each_channel() -> None:
    """None given is none; a shop that asks nobody has no consent to look at."""
    assert decide(POLICY, Person("u", consent=frozenset({"push"})), OFFER, NOON).channel == "push"
    found = decide(POLICY, Person("u", consent=frozenset()), OFFER, NOON)
    assert (found.channel, found.reason) == ("", "no channel is free")
    assert set(found.passed.values()) == {"no consent"}


def test_silence_after_a_purchase() -> None:
    """On every channel, to the second."""
    found = decide(POLICY, Person("u", bought_at=NOON - DAY), OFFER, NOON)
    assert (found.channel, found.reason) == ("", "bought 1.0 days ago; silence for 3 days")
    assert decide(POLICY, Person("u", bought_at=NOON - 3 * DAY + 1), OFFER, NOON).channel == ""
    assert decide(POLICY, Person("u", bought_at=NOON - 3 * DAY), OFFER, NOON).channel == "email"


def test_what_a_letter_said_is_not_chased_in_ads() -> None:
    """Its products leave; when all were read, the ad is not shown, and says why."""
    read = Person("u", [sent("email", 2, ("a",), opened=NOON - DAY)], consent=frozenset({"retargeting"}))
    assert decide(POLICY, read, OFFER, NOON).item_ids == ("b",)
    all_read = replace(read, contacts=[sent("email", 2, ("a", "b"), opened=NOON - DAY)])
    assert decide(POLICY, all_read, OFFER, NOON).passed["retargeting"] == "read in a letter"
    long_ago = replace(read, contacts=[sent("email", 15, ("a", "b"), opened=NOON - 14 * DAY)])
    assert decide(POLICY, long_ago, OFFER, NOON).item_ids == ("a", "b")


def test_quiet_hours_are_the_persons_own() -> None:
    """At 12:00 UTC it is 23:00 in Sydney: the letter waits for eight in the morning there."""
    found = decide(POLICY, Person("u", zone="Australia/Sydney"), OFFER, NOON)
    local = datetime.fromtimestamp(found.send_at, POLICY.clock("Australia/Sydney"))
    assert (found.channel, local.hour, local.minute) == ("email", 8, 0)
    assert "after quiet hours" in found.reason
    short = replace(OFFER, until=NOON + HOUR)
    passed = decide(POLICY, Person("u", zone="Australia/Sydney"), short, NOON).passed
    assert "after the offer ends" in passed["email"]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/St_Johns"])
def test_letters_come_when_they_are_read(zone: str) -> None:
    """At the hour of the person's own opens, on the hour by their own clock, half-hour zones too."""
    opens = np.zeros(24, np.int64)
    opens[19] = 12
    found = decide(POLICY, Person("u", opens=opens, zone=zone), OFFER, NOON)
    local = datetime.fromtimestamp(found.send_at, POLICY.clock(zone))
    assert (local.hour, local.minute, found.hour_opens) == (19, 0, 12)
    assert found.send_at >= NOON


EVENTS = st.lists(
    st.tuples(st.integers(0, 14 * 24 * 60), st.sampled_from(["offer", "offer", "offer", "buy", "open"]), st.sampled_from("abcdef")),
    max_size=60,
)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(EVENTS, st.sampled_from(["UTC", "Asia/Kolkata", "America/New_York"]), st.integers(0, 23))
def test_two_weeks_of_anything_keep_the_policy(
    events: list[tuple[int, str, str]], zone: str, hour: int
) -> None:
    """Promise: whatever is offered, bought and opened, a checker that reads only the log finds no cap
    broken, no quiet hour disturbed, no silence after a purchase, and nothing chased across channels."""
    opens = np.zeros(24, np.int64)
    opens[hour] = 3
    person, purchases, log = Person("u", opens=opens, zone=zone), [], []
    for minute, what, item in sorted(events):
        now = NOON + 60 * minute
        if what == "buy":
            purchases.append(now)
            person = replace(person, bought_at=now)
        elif what == "open":
            person = replace(person, contacts=[_opened(one, now) for one in person.contacts])
        else:
            made = decide(POLICY, person, Offer((item,), now + DAY), now)
            if made.channel:
                contact = Contact(made.channel, made.send_at, made.item_ids)
                person = replace(person, contacts=[*person.contacts, contact])
                log.append((now, contact))
            assert made.reason
    judge(POLICY, log, purchases, zone)


def _opened(one: Contact, now: int) -> Contact:
    return replace(one, opened=now) if one.channel == "email" and one.time <= now and not one.opened else one


def judge(policy: Policy, log: list[tuple[int, Contact]], purchases: list[int], zone: str) -> None:
    """Read the log and nothing else: times, channels, products."""
    for channel in policy.channels:
        times = [one.time for _, one in log if one.channel == channel.name]
        for cap in channel.caps:
            for start in times:
                assert sum(start <= one < start + cap.days * DAY for one in times) <= cap.times
        for at in times:
            local = datetime.fromtimestamp(at, policy.clock(zone))
            assert not channel.silent(60 * local.hour + local.minute)
    for decided, one in log:
        assert one.time >= decided
        assert not any(0 <= decided - bought < policy.cool_down_days * DAY for bought in purchases)
        for earlier_decided, other in log:
            near = earlier_decided < decided and decided - other.time < policy.repeat_days * DAY
            assert not (near and other.channel != one.channel and set(one.item_ids) & set(other.item_ids))
