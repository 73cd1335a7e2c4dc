"""Merchandising, variety, exploration and arms through the whole engine: promises that hold for any shop."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shops import make_shop, make_window
from vitrina.catalog import PATH, Attribute
from vitrina.dataset import DAY
from vitrina.engine import Engine
from vitrina.live import Live
from vitrina.request import Block, Impression, Request, Response
from vitrina.server.token import Signer

N = 40
ITEMS = [f"i{number:02d}" for number in range(N)]
BRANDS = ["Acme", "House", "Nova", ""]
NOW = Live(100 * DAY)


def engine(table: dict[str, Any], order: list[int] | None = None, **columns: Any) -> Engine:
    """Forty products proposed in one order to everybody; four brands, eight categories."""
    dataset = make_shop([("ann", "i39", 50)], items=ITEMS)
    catalog = replace(
        dataset.catalog,
        category=Attribute.of([PATH.join((f"d{row % 2}", f"c{row % 8}")) for row in range(N)]),
        attributes={"brand": Attribute.of([BRANDS[row * 7 % 4] for row in range(N)])},
        **columns,
    )
    placement = {"sources": [{"strategy": "all"}], "fallback": [], "limit": 10, **table}
    sources, placements = {"all": order or list(range(N))}, {"version": "p", "p": placement}
    return make_window(replace(dataset, catalog=catalog), sources, placements)


def asked(made: Engine, who: str = "", **more: Any) -> Response:
    return made.recommend([Request((Block("p"),), visitor_id=who, **more)], NOW)[0]


def ids(answer: Response) -> list[str]:
    return [one.item_id for one in answer.blocks[0].items]


def rows(answer: Response) -> list[int]:
    return [ITEMS.index(one) for one in ids(answer)]


def brand(row: int) -> str:
    return BRANDS[row * 7 % 4]


MERCHANDISING = st.fixed_dictionaries(
    {},
    optional={
        "pin": st.lists(st.tuples(st.integers(0, N - 1), st.integers(1, 8)), min_size=1, max_size=3, unique_by=(lambda p: p[0], lambda p: p[1])),
        "quotas": st.sampled_from([[{"per": "brand", "most": 2}], [{"per": "category", "most": 1}], [{"brands": ["House"], "least": 3}], [{"per": "brand", "most": 3}, {"brands": ["Nova"], "least": 2}]]),
        "boost": st.just([{"brands": ["Nova"], "by": 3.0}]),
        "bury": st.just([{"categories": ["d1"], "by": 0.1}]),
        "interleave": st.just("category"),
    },
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(
    MERCHANDISING,
    st.permutations(list(range(N))),
    st.sets(st.integers(0, N - 1), max_size=8),
    st.sampled_from([0.0, 0.3, 1.0]),
)
def test_quotas_hold_pins_stand_and_nothing_denied_leaves(
    said: dict[str, Any], order: list[int], gone: set[int], diversity: float
) -> None:
    """Promise: under any of it together; the same alone or in a batch."""
    pins = dict(said.pop("pin", ()))
    if pins:
        said["pin"] = [{"item_id": ITEMS[row], "position": at} for row, at in pins.items()]
    stock = np.array([row not in gone for row in range(N)])
    made = engine({"merchandising": said, "diversity": diversity}, order, in_stock=stock)
    alone = asked(made)
    found = rows(alone)
    assert not set(found) & gone
    assert len(set(found)) == len(found)
    standing = {row: at for row, at in pins.items() if row not in gone}
    quotas = said.get("quotas", [])
    for quota in quotas:
        if "most" in quota:
            kinds = Counter(
                brand(row) if quota["per"] == "brand" else row % 8 for row in found if row not in standing
            )
            kinds.pop("", None)
            assert max(kinds.values(), default=0) <= quota["most"]
    if not any("most" in one for one in quotas):
        assert len(found) == 10
        for row, at in standing.items():
            assert found[at - 1] == row
        least = [one for one in quotas if "least" in one]
        for quota in least:
            there = sum(brand(row) == quota["brands"][0] for row in range(N) if row not in gone)
            room = 10 - sum(brand(row) != quota["brands"][0] for row in standing)
            assert sum(brand(row) == quota["brands"][0] for row in found) >= min(quota["least"], there, room)
    batch = made.recommend(
        [Request((Block("p"),)), Request((Block("p"),), user_id="ann"), Request((Block("p"),))], NOW
    )
    assert ids(batch[0]) == ids(batch[2]) == ids(alone)


@settings(deadline=None, max_examples=30)
@given(st.permutations(list(range(N))), st.floats(0.05, 8))
def test_the_order_is_otherwise_kept(order: list[int], by: float) -> None:
    """What is lifted moves as a whole against the rest; among themselves neither part is reordered."""
    word = "boost" if by >= 1 else "bury"
    found = rows(
        asked(engine({"limit": 40, "merchandising": {word: [{"brands": ["House"], "by": by}]}}, order))
    )
    plain = rows(asked(engine({"limit": 40}, order)))
    for part in (lambda row: brand(row) == "House", lambda row: brand(row) != "House"):
        assert [row for row in found if part(row)] == [row for row in plain if part(row)]


def test_a_campaign_has_its_days() -> None:
    """From its first moment until before its last; the higher priority pins where two do."""
    spring = {
        "name": "spring",
        "from": "1970-04-01",
        "until": "1970-04-21",
        "priority": 5,
        "pin": [{"item_id": "i20", "position": 1}],
    }
    always = {"pin": [{"item_id": "i30", "position": 1}]}
    made = engine({"merchandising": always, "campaigns": [spring]})
    for day, first in ((89, "i30"), (90, "i20"), (109, "i20"), (110, "i30")):
        answer = made.recommend([Request((Block("p"),))], Live(day * DAY))[0]
        assert ids(answer)[0] == first


def test_included_products_join() -> None:
    """Though no source proposes them; never against a hard rule."""
    said = {"merchandising": {"include": [{"item_ids": ["i35", "i36"], "weight": 5.0}]}}
    stock = np.ones(N, np.bool_)
    stock[36] = False
    found = ids(asked(engine(said, list(range(20)), in_stock=stock)))
    assert "i35" in found
    assert "i36" not in found


def test_margins_lean() -> None:
    """Equal products stand by margin where the shop says so, and as before where it does not."""
    margin = np.arange(N, dtype=np.float32)
    plain = rows(asked(engine({}, margin=margin)))
    leaning = rows(
        asked(engine({"merchandising": {"weigh": [{"by": "margin", "strength": 0.9}]}}, margin=margin))
    )
    assert plain == list(range(10))
    assert np.mean(margin[leaning]) > np.mean(margin[plain])


def test_variety_costs_places_and_brings_kinds() -> None:
    """More diversity, more categories among the first ten of a list that is all of one kind."""
    order = [row for row in range(N) if row % 8 == 0] + [row for row in range(N) if row % 8]
    kinds = [
        len({row % 8 for row in rows(asked(engine({"diversity": level, "limit": 5}, order)))})
        for level in ("off", "medium", 1.0)
    ]
    assert kinds[0] == 1
    assert kinds == sorted(kinds)
    assert kinds[-1] >= 4


def test_what_was_shown_and_left_sinks() -> None:
    """For as long as the placement says; who took it up sees it as before."""
    made = engine({"rotation": {"rate": 0.9, "hours": 24}})
    shown = tuple(Impression("i00", NOW.now - hour * 3600) for hour in (1, 2, 3))
    assert ids(asked(made, "v"))[0] == "i00"
    assert ids(asked(made, "v", shown=shown))[0] != "i00"
    assert (
        ids(asked(made, "v", shown=tuple(one._replace(time=NOW.now - 25 * 3600) for one in shown)))[0]
        == "i00"
    )


def test_exploration_is_as_rare_as_it_says_and_tells_its_chances() -> None:
    """A share of places goes to new products; the stated chances are those that many visitors see."""
    born = np.full(N, np.iinfo(np.int64).min)
    born[30:36] = NOW.now - 5 * DAY
    made = engine({"exploration": {"share": 0.15, "days": 30}}, list(range(30)), available_from=born)
    seen, stated, places = Counter(), {}, 0
    many = made.recommend([Request((Block("p"),), visitor_id=f"v{number}") for number in range(3000)], NOW)
    for answer in many:
        block = answer.blocks[0]
        places += sum(row >= 30 for row in rows(answer))
        for item_id, chance in zip(ids(answer), block.propensities, strict=True):
            seen[item_id] += 1
            stated[item_id] = chance
    assert places / 3000 == pytest.approx(1.5, abs=0.06)
    for item_id, chance in stated.items():
        assert seen[item_id] / 3000 == pytest.approx(chance, abs=0.04)
    assert ids(asked(made, "v1")) == ids(many[1])
    assert ids(asked(made)) == ITEMS[:10]  # who has no id sees the list as it is


def test_arms_deal_askers_for_good_and_the_token_says_so() -> None:
    """By their share, the same on every day; each arm's list is its own; token: arm, share, chances."""
    arms = {"name": "short", "arms": {"five": {"share": 0.3, "limit": 5}}}
    made = engine({"experiment": arms})
    answers = made.recommend([Request((Block("p"),), visitor_id=f"v{number}") for number in range(4000)], NOW)
    share = sum(one.blocks[0].arm == "five" for one in answers) / 4000
    assert share == pytest.approx(0.3, abs=0.03)
    assert all(len(ids(one)) == (5 if one.blocks[0].arm == "five" else 10) for one in answers)
    later = made.recommend(
        [Request((Block("p"),), visitor_id=f"v{number}") for number in range(50)], Live(NOW.now + 9 * DAY)
    )
    assert [one.blocks[0].arm for one in later] == [one.blocks[0].arm for one in answers[:50]]
    signer = Signer(b"sixteen bytes or more")
    dealt = next(one for one in answers if one.blocks[0].arm == "five")
    told = signer.read(signer.token(dealt, "p", NOW.now)).items[0]
    assert (told.arm, told.arm_share) == ("five", pytest.approx(0.3, abs=1e-3))
    assert asked(made).blocks[0].arm == ""


def test_why_a_quota_left_it_out() -> None:
    """`explain` names the quota that was full."""
    made = engine({"merchandising": {"quotas": [{"per": "brand", "most": 2}]}})
    request = Request((Block("p"),))
    listed = rows(made.recommend([request], NOW)[0])
    out = next(row for row in range(max(listed)) if row not in listed and brand(row))
    _, fates = made.explain(request, [ITEMS[out]], NOW)
    assert fates[0].stage == "arrange"
    assert "quota: at most 2 per brand" in fates[0].rules
