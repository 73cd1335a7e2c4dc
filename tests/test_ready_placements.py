"""Every ready placement, asked as its example in models/placements/standard.toml says, over the wire."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import boutique
import pytest
from boutique import CHEAPER, KINDS, NEW, RESTOCKED, THINGS
from google.protobuf.json_format import ParseDict

from vitrina.placements import read_placements
from vitrina.server.service import Service
from vitrina.server.token import Signer
from vitrina.v1 import recommendation_service_pb2 as v1

READY = read_placements(boutique.MODELS / "placements" / "standard.toml")
OURS = {
    *(
        "home",
        "discover",
        "product_similar",
        "product_alternatives",
        "product_cheaper",
        "product_complements",
    ),
    *("complete_the_look", "cart", "category", "rerank", "search_no_results", "post_purchase", "buy_again"),
    *("recently_viewed", "trending", "new_arrivals", "price_drop", "back_in_stock", "email_digest"),
    *("abandoned_cart", "abandoned_view", "win_back", "retargeting", "session_next"),
}
BOUGHT = {"candle-1", "dress-2", "bag-3"}


@pytest.fixture(scope="module")
def service():
    """A service over the boutique."""
    engine = boutique.opened()
    return Service(lambda: engine, Signer(b"sixteen bytes or more"))


def asked(service: Service, request: object) -> v1.RecommendResponse:
    """The answer to a request as an example writes it."""
    message = ParseDict(request, v1.RecommendRequest())
    return v1.RecommendResponse.FromString(service.recommend(message.SerializeToString(), boutique.NOW))


def kinds(ids: list[str]) -> set[str]:
    """Which kinds of things a list holds."""
    return {THINGS[one].kind for one in ids}


CLOTHES, HOMEWARE = set(list(KINDS)[:3]), set(list(KINDS)[3:])
PROMISES: dict[str, Callable[[list[str]], bool]] = {
    "home": lambda ids: len(ids) == 8 and len(CLOTHES & kinds(ids)) >= 2,
    "discover": lambda ids: len(ids) == 8 and not BOUGHT & set(ids),
    "product_similar": lambda ids: len(ids) == 6 and "dress-3" not in ids and kinds(ids[:3]) <= CLOTHES,
    "product_alternatives": lambda ids: kinds(ids) == {"dress"} and "dress-3" not in ids,
    "product_cheaper": lambda ids: all(THINGS[one].price < THINGS["dress-8"].price for one in ids),
    "product_complements": lambda ids: kinds(ids) <= {"shoe", "bag"},
    "complete_the_look": lambda ids: "dress" not in kinds(ids) and kinds(ids) == {"shoe", "bag"},
    "cart": lambda ids: not {"dress-3", "bag-2"} & set(ids) and "shoe" in kinds(ids),
    "category": lambda ids: kinds(ids) == {"dress"} and max(THINGS[one].price for one in ids) <= 80,
    "rerank": lambda ids: set(ids) == {"lamp-7", "dress-5", "bag-1", "shoe-4"} and ids[-1] == "lamp-7",
    "search_no_results": lambda ids: len(ids) == 8 and THINGS[ids[0]].kind in HOMEWARE,
    "post_purchase": lambda ids: not (BOUGHT | {"dress-3"}) & set(ids) and bool(CLOTHES & kinds(ids)),
    "buy_again": lambda ids: ids[:1] == ["candle-1"] and set(ids) <= BOUGHT,
    "recently_viewed": lambda ids: ids == ["bag-2", "lamp-1"],
    "trending": lambda ids: len(ids) == 6,
    "new_arrivals": lambda ids: set(ids) == set(NEW),
    "price_drop": lambda ids: set(ids) == set(CHEAPER) and ids[0] == "lamp-2",
    "back_in_stock": lambda ids: ids == list(RESTOCKED),
    "email_digest": lambda ids: len(ids) == 12,
    "abandoned_cart": lambda ids: set(ids[:2]) == {"bag-2", "shoe-2"} and len(ids) == 4,
    "abandoned_view": lambda ids: {"lamp-4", "dress-4"} <= set(ids) and not BOUGHT & set(ids),
    "win_back": lambda ids: len(ids) == 6,
    "retargeting": lambda ids: (
        not {"lamp-4", "lamp-2", "shoe-2", *BOUGHT} & set(ids) and "lamp" in kinds(ids)
    ),
    "session_next": lambda ids: len(ids) == 6 and kinds(ids[:3]) <= HOMEWARE,
}
"""What each example's list must be in the boutique."""


def test_all_ready_placements_are_there():
    """Those of the page, each with a sentence about it and an example."""
    assert set(READY.names) == OURS == set(PROMISES)
    assert all(READY.named(one).about.endswith(".") for one in OURS)


@pytest.mark.parametrize("name", sorted(OURS))
def test_the_example_of_every_ready_placement_is_answered(service, name):
    """Its list is what the sentence about the placement says; nothing that it needs is missing."""
    example = READY.tables[name]["example"]
    assert [one["placement"] for one in example["blocks"]] == [name]
    [block] = asked(service, example).blocks
    ids = [one.item_id for one in block.items]
    assert ids
    assert len(set(ids)) == len(ids)
    assert not block.missing
    assert PROMISES[name](ids), (ids, [list(one.sources) for one in block.items], list(block.relaxed))


@pytest.mark.parametrize("name", sorted(one for one in OURS if READY.named(one).needs))
def test_what_a_placement_needs_and_was_not_given_is_told(service, name):
    """A request of nobody about nothing: the list says what is missing, and is no error."""
    [block] = asked(service, {"blocks": [{"placement": name}]}).blocks
    assert list(block.missing) == list(READY.named(name).needs)


@pytest.mark.parametrize(
    "file", sorted((boutique.MODELS / "placements").glob("*.toml")), ids=lambda one: one.stem
)
def test_every_shops_file_keeps_the_examples(file: Path):
    """Shops that override a placement keep its example: what it shows is still how it is asked for."""
    tables = read_placements(file).tables
    assert all("example" in tables[name] for name in OURS)
