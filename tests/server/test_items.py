"""Catalogue updates on the wire: bounded one by one, kept once, in every answer of every worker."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import numpy as np
import pytest
from servers import NOW, publish, served

from vitrina.client import Client
from vitrina.errors import InvalidRequest, StoreError
from vitrina.request import Block, Request
from vitrina.server.items import Updater
from vitrina.state.lmdb_store import LmdbStore
from vitrina.updates import ItemUpdate
from vitrina.v1 import catalog_service_pb2 as v1


def request(*told, **more):
    """The bytes of a request."""
    return v1.UpdateItemsRequest(items=told, **more).SerializeToString()


def read(**told):
    """One update as it was understood, or why it was not."""
    return Updater(None).read(request({"item_id": "i", **told}), NOW).found[0]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"item_id": ""}, "item_id is empty"),
        ({}, "says nothing"),
        ({"title": "x" * 4097}, "title must be a text"),
        ({"price": -1.0}, "price is -1.0"),
        ({"margin": float("inf")}, "margin must be a number"),
        ({"time": NOW + 301, "price": 1.0}, "at most 5 minutes ahead"),
        ({"time": -5, "price": 1.0}, "time is -5"),
        ({"attributes": {f"a{n}": "x" for n in range(201)}}, "attributes holds 201"),
        ({"attributes": {"": "x"}}, "names nothing"),
        ({"tags": {"words": ["x"] * 1001}}, "at most 1,000 words"),
        ({"image_vector": [0.0] * 4097}, "image_vector holds 4,097"),
        ({"image_vector": [float("nan")]}, "a number that is none"),
    ],
)
def test_what_cannot_be_taken_says_why(told, said):
    """Each field's bounds, in a sentence."""
    assert said in read(**told)


def test_what_is_absent_stays_and_what_is_zero_goes():
    """Presence decides: a price of 0 is taken away, tags may be emptied, nothing else is said."""
    assert dict(read(price=0.0).fields) == {"price": None}
    assert dict(read(tags={}).fields) == {"tags": ()}
    assert dict(read(available_until_time=0).fields) == {"available_until": None}
    assert dict(read(in_stock=False, stock={"n": True}).fields) == {"in_stock": False, "stock/n": True}
    assert read(price=1.0).time == read(price=1.0, time=NOW + 9).time == NOW
    vector = read(image_vector=[1.0, 2.0]).fields["image_vector"]
    assert np.frombuffer(__import__("base64").b64decode(vector), "<f4").tolist() == [1.0, 2.0]


def test_outcomes_stand_in_the_order_of_the_request(tmp_path):
    """Rejected beside applied; validate_only keeps nothing; no store is an error."""
    store = LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 20)
    updater, tally = Updater(store), Counter()

    def sent(*told, **more):
        one = updater.read(request(*told, **more), NOW)
        results = v1.UpdateItemsResponse.FromString(
            one.answer(asyncio.run(updater.update(one, 5.0)), tally)
        ).results
        return [v1.ItemOutcome.Name(each.outcome)[13:].lower() for each in results]

    good, bad = {"item_id": "a", "price": 1.0, "time": NOW - 5}, {"item_id": "a"}
    assert sent(good, validate_only=True) == ["applied"]
    assert sent(good, bad, {**good, "time": NOW - 9}) == ["applied", "rejected", "superseded"]
    assert tally == {"applied": 2, "rejected": 1, "superseded": 1}
    store.close()
    with pytest.raises(StoreError, match="--store"):
        asyncio.run(Updater(None).update(updater.read(request(good), NOW), 5.0))
    for n in (0, 1001):
        with pytest.raises(InvalidRequest, match="items holds"):
            updater.read(request(*[good] * n), NOW)


def test_every_worker_obeys_within_a_second(tmp_path):
    """Sold out over the wire, a product leaves the lists of both workers; so it stays after a restart."""
    publish(tmp_path / "registry")
    told = {"store": str(tmp_path / "store"), "workers": 2}
    asked = Request((Block("home", 17),))

    def lists(address, n=24):
        found = []
        for _ in range(n):  # a channel of its own each, so that both workers are met
            with Client(address) as one:
                found.append([item.item_id for item in one.recommend(asked).blocks[0].items])
        return found

    with served(tmp_path / "registry", **told) as (_, ready), Client(ready["address"]) as shop:
        assert all("i3" in one for one in lists(ready["address"], 4))
        outcomes = shop.update_items(
            [ItemUpdate("i3", 0, {"in_stock": False}), ItemUpdate("x", 0, {"price": 2.0})]
        )
        assert [one.outcome for one in outcomes] == ["applied", "applied"]
        time.sleep(1.0)
        assert all("i3" not in one and len(one) == 16 for one in lists(ready["address"]))
        with pytest.raises(InvalidRequest, match="above 0"):
            shop.update_items([ItemUpdate("i3", 0, {"price": -2.0})])
    with served(tmp_path / "registry", **told) as (_, ready):
        assert all("i3" not in one for one in lists(ready["address"], 4))
