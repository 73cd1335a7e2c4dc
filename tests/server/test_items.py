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
from vitrina.item_messages import fields
from vitrina.request import Block, Request
from vitrina.server.items import Updater, listed
from vitrina.state.items import every
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


def test_what_was_said_is_listed_page_by_page(tmp_path):
    """All that counts of each item, in the order of ids, whatever the pages; large items make pages short."""
    store = LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 24)
    vector = np.linspace(0, 1, 4096, dtype="<f4")
    told = [
        {"item_id": "b", "time": NOW - n, "attributes": {f"{n} {m}": "x" for m in range(150)}} for n in (1, 2)
    ]
    told += [{"item_id": f"é{n}", "time": NOW - n, "price": 0.0, "image_vector": vector} for n in range(40)]
    told += [{"item_id": "a", "tags": {"words": ["x"]}, "stock": {"n": False}, "available_from_time": 7}]
    told += [{"item_id": "a", "time": NOW - 9, "title": "old", "attributes": {"brand": ""}}]
    updater = Updater(store)
    asyncio.run(updater.update(updater.read(request(*told), NOW), 5.0))
    found, token, pages = [], "", 0
    while pages == 0 or token:
        asked = v1.ListItemUpdatesRequest(page_size=39, page_token=token)
        page = v1.ListItemUpdatesResponse.FromString(listed(store, asked.SerializeToString()))
        found, token, pages = [*found, *page.items], page.next_page_token, pages + 1
    assert pages == 2
    assert [one.item_id for one in found] == ["a", "b", *sorted(f"é{n}" for n in range(40))]
    assert (found[0].title, found[0].time, found[0].stock["n"], found[0].tags.words) == (
        "old",
        NOW,
        False,
        ["x"],
    )
    assert fields(found[0])["available_from"] == 7
    assert len(found[1].attributes) == 300
    assert np.array_equal(found[2].image_vector, vector)
    assert fields(found[2])["price"] is None
    with store.read() as reads:
        assert {one.item_id: fields(one) for one in found} == every(reads)
    store.close()


def test_a_page_that_cannot_be_given_says_why(tmp_path):
    """Its size is bounded, and there must be a store."""
    with pytest.raises(InvalidRequest, match="page_size is 1,001; give 0 to 1,000"):
        listed(None, v1.ListItemUpdatesRequest(page_size=1001).SerializeToString())
    with pytest.raises(StoreError, match="--store DIR"):
        listed(None, b"")
