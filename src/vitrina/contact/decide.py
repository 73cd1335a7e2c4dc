"""One person, one offer: which channel, when, with which products; or why not. Pure: no clock, no store.

Channels are tried cheapest first; the first that nothing forbids is taken. Every channel that was passed over
is named with what forbade it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vitrina.contact.hours import HOURS, best_hour
from vitrina.contact.policy import Channel, Policy

DAY, HOUR = 86_400, 3_600
_NO_HOURS = np.zeros(HOURS, np.int64)


@dataclass(frozen=True)
class Contact:
    """Something that was sent or shown. `time`, `opened`: seconds since 1970 UTC, 0 for not opened."""

    channel: str
    time: int
    item_ids: tuple[str, ...] = ()
    opened: int = 0


@dataclass(frozen=True)
class Person:
    """What is known of somebody. `consent`: channels they allow, None where the shop asks nobody;
    `bought_at`: their last purchase, 0 for none; `opens`: int64[24] by local hour; `zone`: theirs."""

    user_id: str
    contacts: Sequence[Contact] = ()
    consent: frozenset[str] | None = None
    bought_at: int = 0
    opens: NDArray[np.int64] = field(default_factory=lambda: _NO_HOURS)
    zone: str = ""


@dataclass(frozen=True)
class Offer:
    """What there is to say, and until when it is worth saying: seconds since 1970 UTC."""

    item_ids: tuple[str, ...]
    until: int
    channels: tuple[str, ...] = ()
    """Only these; empty for any."""


@dataclass(frozen=True)
class Decision:
    """`channel` is empty where nothing is sent. `reason`: why this channel and moment, or why none;
    `passed`: each channel that was passed over, and why. `hour_opens`: own opens behind the hour.
    `barred`: products that must not be added to the offer's own, since other channels said them."""

    channel: str
    send_at: int
    item_ids: tuple[str, ...]
    reason: str
    passed: Mapping[str, str] = field(default_factory=dict)
    hour_opens: int = 0
    barred: frozenset[str] = frozenset()


def decide(
    policy: Policy, person: Person, offer: Offer, now: int, everybody: NDArray[np.int64] = _NO_HOURS
) -> Decision:
    """The channel and the moment of an offer. `everybody`: int64[24], opens of all people by local hour."""
    rest = person.bought_at + policy.cool_down_days * DAY - now
    if person.bought_at and rest > 0:
        ago = (now - person.bought_at) / DAY
        return Decision("", 0, (), f"bought {ago:.1f} days ago; silence for {policy.cool_down_days:g} days")
    passed: dict[str, str] = {}
    for channel in policy.channels:
        found = _tried(policy, channel, person, offer, now, everybody)
        if isinstance(found, Decision):
            return replace(found, passed=passed)
        passed[channel.name] = found
    return Decision("", 0, (), "no channel is free", passed)


def _tried(
    policy: Policy, channel: Channel, person: Person, offer: Offer, now: int, everybody: NDArray[np.int64]
) -> Decision | str:
    """What this channel would do, or what forbids it."""
    if offer.channels and channel.name not in offer.channels:
        return "the offer is not for it"
    if person.consent is not None and channel.name not in person.consent:
        return "no consent"
    items = _unsaid(policy, channel, person, offer, now)
    if isinstance(items, str):
        return items
    moment = _moment(policy, channel, person, now, everybody)
    if isinstance(moment, str):
        return moment
    send_at, own, why = moment
    if send_at >= offer.until:
        return f"its next moment, {_said(send_at)}, is after the offer ends"
    if full := _full(channel, person, send_at):
        return full
    barred = frozenset().union(*said_elsewhere(policy, channel, person, now))
    return Decision(channel.name, send_at, items, why, hour_opens=own, barred=barred)


def _full(channel: Channel, person: Person, at: int) -> str:
    """Which cap one more contact at a moment would break, in any stretch of time that holds it; or ''."""
    times = sorted(one.time for one in person.contacts if one.channel == channel.name)
    for cap in channel.caps:
        length = cap.days * DAY
        starts = [at, *(one for one in times if at - length < one <= at)]
        most = max(sum(start <= one < start + length for one in times) for start in starts)
        if most >= cap.times:
            return f"{most} of {cap.times} in {cap.days:g} days"
    return ""


def said_elsewhere(policy: Policy, channel: Channel, person: Person, now: int) -> tuple[set[str], set[str]]:
    """Products that a channel leaves alone: those offered on others within `repeat_days`, and, where showing
    costs, those of letters that were opened."""
    said: set[str] = set()
    read: set[str] = set()
    for one in person.contacts:
        recent = now - one.time < policy.repeat_days * DAY
        if recent and one.channel != channel.name:
            said.update(one.item_ids)
        if recent and channel.paid and one.opened:
            read.update(one.item_ids)
    return said, read


def _unsaid(
    policy: Policy, channel: Channel, person: Person, offer: Offer, now: int
) -> tuple[str, ...] | str:
    """The products of an offer that this channel may still say; or why it may say none."""
    said, read = said_elsewhere(policy, channel, person, now)
    left = tuple(one for one in offer.item_ids if one not in said | read)
    if left or not offer.item_ids:
        return left
    if set(offer.item_ids) <= read:
        return "read in a letter"
    return f"offered elsewhere within {policy.repeat_days:g} days"


def _moment(
    policy: Policy, channel: Channel, person: Person, now: int, everybody: NDArray[np.int64]
) -> tuple[int, int, str] | str:
    """When to send: their best hour within a day, never in quiet hours; own opens behind it; in words."""
    clock, barred = policy.clock(person.zone), quiet_hours(channel)
    if (person.opens.sum() or everybody.sum()) and not barred.all() and not channel.paid:
        best = best_hour(person.opens, everybody, barred)
        for later in range(HOURS + 2):
            local = datetime.fromtimestamp(now + later * HOUR, clock)
            if local.hour == best.hour:
                start = local.replace(minute=0, second=0, microsecond=0) if later else local
                return int(start.timestamp()), best.own, f"reads at {best.hour}:00, by {best.own} own opens"
    for minutes in range(0, 2 * 24 * 60, 5):
        at = now + 60 * minutes
        local = datetime.fromtimestamp(at, clock)
        if not channel.silent(60 * local.hour + local.minute):
            return at, 0, "at once" if not minutes else f"after quiet hours, at {local:%H:%M}"
    return "it is always quiet"


@lru_cache(maxsize=64)
def quiet_hours(channel: Channel) -> NDArray[np.bool_]:
    """bool[24]: hours that hold a quiet minute."""
    return np.array(
        [any(channel.silent(60 * hour + minute) for minute in range(60)) for hour in range(HOURS)]
    )


def _said(at: int) -> str:
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=at):%Y-%m-%d %H:%M} UTC"
