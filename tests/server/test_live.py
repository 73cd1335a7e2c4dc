"""Events to lists, through a real server of two workers: acknowledged is honoured by the very next request."""

from __future__ import annotations

import shutil

import pytest
from servers import served

from shops import make_shop
from vitrina import probes
from vitrina.client import Client
from vitrina.engine import Engine
from vitrina.errors import StoreError
from vitrina.fit import fit, with_metrics
from vitrina.happening import Happening
from vitrina.placements import parse_placements
from vitrina.recipe import parse_recipe
from vitrina.registry import Registry
from vitrina.request import Block, Request, SessionEvent

PLACES = {
    "home": {
        "sources": [{"strategy": "item_knn", "seeds": "history"}],
        "fallback": ["popular"],
        "rebuy": "never",
    },
    "cart": {"sources": [{"strategy": "item_knn", "seeds": "carted"}]},
}
HOME = (Block("home", limit=3),)


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """A shop where tea goes with cups and nails with hammers, and bread is what most buy."""
    baskets = [("tea", "cup", "pot")] * 4 + [("nail", "hammer", "saw")] * 4 + [("bread", "milk", "egg")] * 9
    bought = [(f"u{day}", item, day) for day, basket in enumerate(baskets, 1) for item in basket]
    recipe = parse_recipe({"strategies": {"item_knn": {}, "popular": {}}}, "")
    fitted = fit(make_shop(bought), recipe, parse_placements(PLACES))
    folder = tmp_path_factory.mktemp("registry")
    Registry(folder).publish(with_metrics(fitted, {}, probes.make(Engine.of(fitted), 4, 7)))
    return folder


@pytest.fixture(scope="module")
def address(registry, tmp_path_factory):
    """Two workers on one store."""
    store = tmp_path_factory.mktemp("live") / "store"
    with served(registry, workers=2, store=str(store)) as (_, told):
        yield told["address"]


POPULAR = {"bread", "milk", "egg"}


def shown(address, visitor, placement="home", limit=3):
    """What a visitor is shown over a connection of its own: any worker may get it."""
    with Client(address, timeout_s=20.0) as client:
        response = client.recommend(Request((Block(placement, limit=limit),), visitor_id=visitor))
    assert response.degraded == ()
    return {one.item_id for one in response.blocks[0].items}


def test_two_clicks_of_a_stranger_make_the_next_list_personal_on_every_worker(address):
    """Bestsellers before; after two clicks, over connections to both workers, what goes with them."""
    with Client(address, timeout_s=20.0) as client:
        for number in range(10):
            visitor = f"stranger {number}"
            assert shown(address, visitor) == POPULAR
            outcomes = client.record(
                [Happening("tea", visitor_id=visitor), Happening("cup", "click", visitor_id=visitor)]
            )
            assert [one.outcome for one in outcomes] == ["accepted", "accepted"]
            assert "pot" in shown(address, visitor)


def test_what_a_request_tells_is_forgotten_with_it(address):
    """Events of a request steer its own list and no later one: what is to be kept is recorded."""
    told = (SessionEvent("tea"), SessionEvent("cup"))
    with Client(address) as client:
        answer = client.recommend(Request(HOME, visitor_id="passer-by", events=told))
    assert "pot" in {one.item_id for one in answer.blocks[0].items}
    assert shown(address, "passer-by") == POPULAR


def test_carts_steer_complements_and_what_is_bought_leaves(address):
    """What is in the cart asks for what goes with it, until it is bought or taken out; then it is gone."""
    with Client(address, timeout_s=20.0) as client:
        client.record([Happening("nail", "cart", visitor_id="v")])
        assert shown(address, "v", "cart", 2) == {"hammer", "saw"}
        client.record([Happening("nail", "remove", visitor_id="v")])
        assert shown(address, "v", "cart") == POPULAR
        client.record(
            [Happening("saw", "cart", visitor_id="v"), Happening("saw", "purchase", visitor_id="v")]
        )
        assert shown(address, "v", "cart") == POPULAR
        assert "saw" not in shown(address, "v")
        client.record([Happening("saw", "return", visitor_id="v")])
        client.record([Happening("nail", visitor_id="v")])
        assert "saw" in shown(address, "v")


def test_an_event_sent_again_counts_once_on_whichever_worker(address):
    """Under its id it is a duplicate everywhere."""
    event = Happening("tea", visitor_id="w", event_id="once")
    outcomes = []
    for _ in range(8):
        with Client(address, timeout_s=20.0) as client:
            outcomes += [one.outcome for one in client.record([event])]
    assert outcomes == ["accepted"] + ["duplicate"] * 7


def test_an_answer_is_joined_with_the_click_on_it(address):
    """The token of an answer is taken by every worker, and one that was changed by none."""
    with Client(address, timeout_s=20.0) as client:
        token = client.recommend(Request(HOME, visitor_id="t")).attribution_token
        for number in range(6):
            with Client(address, timeout_s=20.0) as other:
                good = Happening("bread", "click", visitor_id="t", attribution_token=token)
                bad = Happening("bread", "click", visitor_id="t", attribution_token=token[:-1] + "!")
                told = other.record([good, bad])
            assert [one.outcome for one in told] == ["accepted", "rejected"], number
            assert "attribution_token" in told[1].reason


def test_a_store_that_is_deleted_under_the_server_fails_writes_and_no_list(registry, tmp_path):
    """Lists say that they do without it; events are refused, never acknowledged into nothing; put back, it
    goes on without a restart."""
    store = tmp_path / "store"
    with served(registry, store=str(store)) as (_, told), Client(told["address"], timeout_s=20.0) as client:
        client.record([Happening("tea", visitor_id="v"), Happening("cup", visitor_id="v")])
        store.rename(tmp_path / "away")
        response = client.recommend(Request(HOME, visitor_id="v"))
        assert response.degraded == ("store",)
        assert {one.item_id for one in response.blocks[0].items} == POPULAR
        assert client.recommend(Request(HOME)).degraded == ()
        with pytest.raises(StoreError, match="is lost"):
            client.record([Happening("pot", visitor_id="v")])
        shutil.copytree(tmp_path / "away", store)
        assert [one.outcome for one in client.record([Happening("pot", visitor_id="v")])] == ["accepted"]
        assert shown(told["address"], "v") >= {"tea", "cup"} or "pot" in shown(told["address"], "v")


def test_without_a_store_events_are_refused_with_the_way_out(registry):
    """The option is named, and lists are as ever."""
    with served(registry) as (_, told), Client(told["address"], timeout_s=20.0) as client:
        with pytest.raises(StoreError, match="--store DIR"):
            client.record([Happening("tea", visitor_id="v")])
        assert client.recommend(Request(HOME, visitor_id="v")).degraded == ()
