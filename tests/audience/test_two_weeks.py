"""Two weeks of a made-up shop with every channel on, judged by a checker that reads nothing but the log.

Each day the shop trains again on all that happened, addresses whom its plan finds, people open letters, click and
buy. The log says what was sent, shown, clicked and bought, and when.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shops import make_shop
from vitrina.audience.entries import Known, entries
from vitrina.audience.facts import facts
from vitrina.audience.plan import parse_plan
from vitrina.contact.decide import Contact
from vitrina.contact.policy import Policy, parse_policy
from vitrina.dataset import DAY
from vitrina.edge.app import Edge
from vitrina.edge.pins import Pins
from vitrina.edge.slots import Seal, Sender
from vitrina.engine import Engine
from vitrina.fit import fit
from vitrina.happening import Happening
from vitrina.letters.style import Style
from vitrina.live import Live
from vitrina.placements import parse_placements
from vitrina.recipe import parse_recipe
from vitrina.request import Product, Request, Response

HOUR, START, DAYS = 3600, 100, 14
ITEMS = [f"i{number:02d}" for number in range(60)]
RULE = {
    "sources": [{"strategy": "item_knn"}, {"strategy": "popular", "weight": 0.2, "seeds": "none"}],
    "rebuy": "never",
}
PLACEMENTS = parse_placements({"version": "t", "letter": RULE, "ads": RULE})
RECIPE = parse_recipe({"strategies": {"item_knn": {}, "popular": {}}}, "two weeks")
POLICY = parse_policy(
    {
        "cool_down_days": 2, "repeat_days": 10,
        "channels": {
            "email": {"caps": [{"times": 1, "days": 1}, {"times": 3, "days": 7}], "quiet": ["21:00", "08:00"]},
            "push": {"caps": [{"times": 1, "days": 2}], "quiet": ["22:00", "09:00"]},
            "retargeting": {"paid": True, "caps": [{"times": 4, "days": 7}]},
        },
    }
)  # fmt: skip
PLAN = parse_plan(
    {
        "abandoned_cart": {"placement": "letter", "k": 3},
        "abandoned_view": {"placement": "letter", "k": 3},
        "post_purchase": {"placement": "letter", "k": 3},
        "win_back": {"placement": "ads", "after_days": 4, "until_days": 90, "k": 3},
    }
)
Event = tuple[str, str, int, str]


class Window:
    """What the edge asks: an engine, with products, as a client gives them."""

    def __init__(self, engine: Engine, now: int) -> None:
        self.engine, self.now = engine, now

    def recommend(self, request: Request, *, product_fields: tuple[str, ...] = ()) -> Response:
        answer = self.engine.recommend([request], Live(self.now))[0]
        (block,) = answer.blocks
        items = tuple(one._replace(product=Product(one.item_id, one.item_id)) for one in block.items)
        return replace(answer, blocks=(replace(block, items=items),))

    def record(self, events: Sequence[Happening]) -> None:
        """Nothing is kept of it here: the shop's journal has it."""


class Shop:
    """Forty people over two weeks. `log`: everything that happened, as a shop's own journal has it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = np.random.default_rng(seed)
        self.folder, self.people = folder, [f"u{number:02d}" for number in range(40)]
        self.events: list[Event] = [
            self._did(one, int(self.chance.integers(60, START))) for one in self.people * 4
        ]
        self.contacts: dict[str, list[Contact]] = {}
        self.log: list[dict[str, Any]] = [
            {"what": "bought", "who": who, "item": item, "at": at}
            for who, item, at, kind in self.events
            if kind == "purchase"
        ]
        self.seal, self.pins = Seal(b"sixteen bytes or more"), Pins(folder, 1 << 22)

    def _did(self, who: str, day: int) -> Event:
        kind = str(self.chance.choice(["purchase", "view", "cart"], p=[0.4, 0.35, 0.25]))
        return who, str(self.chance.choice(ITEMS)), day * DAY + int(self.chance.integers(8, 20)) * HOUR, kind

    def live(self, day: int) -> None:
        """A day: people come, the shop trains and addresses, letters are opened and followed."""
        for who in self.people:
            if self.chance.random() < 0.35:
                self.events.append(event := self._did(who, day))
                if event[3] == "purchase":
                    self.log.append({"what": "bought", "who": who, "item": event[1], "at": event[2]})
        for hour in (9, 20):
            now = day * DAY + hour * HOUR
            self._address(self._engine(now), now)

    def _engine(self, now: int) -> Engine:
        past = sorted((one for one in self.events if one[2] <= now), key=lambda one: one[2])
        made = make_shop([(who, item, at // DAY, kind) for who, item, at, kind in past], items=ITEMS)
        times = np.array([at for _, _, at, _ in past], np.int64)
        return Engine.of(fit(replace(made, events=replace(made.events, time=times)), RECIPE, PLACEMENTS))

    def _address(self, engine: Engine, now: int) -> None:
        known = replace(Known.nothing(), contacts=self.contacts)
        sender = Sender(self.seal, "https://edge.example", ("letter",), 3, f"m{now}", now + 30 * DAY)
        for batch, _ in entries(engine, PLAN, POLICY, facts(engine, now), known, now):
            for one in batch:
                contact = Contact(one.channel, one.send_at, one.item_ids)
                self.contacts.setdefault(one.user_id, []).append(contact)
                self.log.append(
                    {
                        "what": "sent",
                        "who": one.user_id,
                        "channel": one.channel,
                        "at": one.send_at,
                        "decided": now,
                        "items": list(one.item_ids),
                        "about": list(one.about_item_ids),
                        "trigger": one.trigger,
                    }
                )
                if one.channel == "email" and self.chance.random() < 0.6:
                    self._open(engine, sender, one.user_id, one.send_at + HOUR)

    def _open(self, engine: Engine, sender: Sender, who: str, at: int) -> None:
        """A letter is looked at, then one of its slots is followed a day later, when lists have changed."""
        token = sender._token(who)
        edge = Edge(
            Window(engine, at),
            self.seal,
            self.pins,
            Style(link="https://s.example/{item_id}"),
            clock=lambda: at,
        )
        shown = {slot: edge.product(token, slot) for slot in range(3)}
        later = Edge(
            Window(self._engine(at + DAY), at + DAY),
            self.seal,
            self.pins,
            edge.style,
            clock=lambda: at + DAY,
            greet="",
        )
        for slot, product in shown.items():
            if product:
                self.log.append(
                    {
                        "what": "shown",
                        "who": who,
                        "at": at,
                        "token": token,
                        "slot": slot,
                        "item": product.item_id,
                    }
                )
                self.log.append(
                    {
                        "what": "led",
                        "who": who,
                        "at": at + DAY,
                        "token": token,
                        "slot": slot,
                        "to": later.link(token, slot),
                    }
                )
        self.contacts[who][-1] = replace(self.contacts[who][-1], opened=at)


@pytest.mark.parametrize("seed", [1, 2])
def test_two_weeks(tmp_path: Path, seed: int) -> None:
    """Nobody above a cap, no bought product offered, nothing chased across channels, links as shown."""
    shop = Shop(tmp_path / "pins", seed)
    for day in range(START, START + DAYS):
        shop.live(day)
    journal = [json.loads(json.dumps(one)) for one in shop.log]
    sent = [one for one in journal if one["what"] == "sent"]
    assert {one["channel"] for one in sent} == {"email", "push", "retargeting"}
    assert len(sent) > 100
    assert sum(one["what"] == "led" for one in journal) > 50
    judge(journal, POLICY)


def judge(journal: list[dict[str, Any]], policy: Policy) -> None:
    """The checker: it knows the policy's numbers and the journal, and no code of the shop's."""
    bought = [(one["who"], one["item"], one["at"]) for one in journal if one["what"] == "bought"]
    sent = [one for one in journal if one["what"] == "sent"]
    for channel in policy.channels:
        mine = [one for one in sent if one["channel"] == channel.name]
        for who in {one["who"] for one in mine}:
            times = [one["at"] for one in mine if one["who"] == who]
            for cap in channel.caps:
                assert all(
                    sum(at <= other < at + cap.days * DAY for other in times) <= cap.times for at in times
                )
        assert not any(channel.silent(one["at"] % DAY // 60) for one in mine)
    for one in sent:
        own = [(item, at) for who, item, at in bought if who == one["who"] and at <= one["decided"]]
        wanted = set(one["about"]) if one["trigger"].startswith("abandoned") else set()
        assert not {item for item, _ in own} & set(one["items"]) - wanted
        if one["trigger"] != "post_purchase":
            assert all(one["decided"] - at >= policy.cool_down_days * DAY for _, at in own)
        for other in sent:
            earlier = other["who"] == one["who"] and other["decided"] < one["decided"]
            if (
                earlier
                and other["channel"] != one["channel"]
                and one["decided"] - other["at"] < policy.repeat_days * DAY
            ):
                assert not set(other["items"]) & set(one["items"])
    shown = {(one["token"], one["slot"]): one for one in journal if one["what"] == "shown"}
    for one in (one for one in journal if one["what"] == "led"):
        assert one["to"] == f"https://s.example/{shown[one['token'], one['slot']]['item']}"
    for one in shown.values():
        assert not any(
            who == one["who"] and item == one["item"] and at <= one["at"] - DAY for who, item, at in bought
        )
