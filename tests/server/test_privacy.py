"""PrivacyService: one person under many ids, and persons forgotten, on every worker from the next request on."""

from __future__ import annotations

import grpc
import pytest
from boutique import NOW, opened
from servers import free_port, publish, served

from vitrina.client import Client
from vitrina.errors import InvalidRequest, Malformed, StoreError
from vitrina.happening import Happening
from vitrina.live import Live
from vitrina.request import Block, Request
from vitrina.server.privacy import Privacy
from vitrina.state.lmdb_store import LmdbStore
from vitrina.v1 import privacy_service_pb2 as v1

FORGET = "/vitrina.v1.PrivacyService/ForgetUser"


@pytest.fixture
def privacy(tmp_path):
    """The service over an empty store."""
    store = LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 20)
    yield Privacy(store, tmp_path / "store", lambda: NOW)
    store.close()


def merge(privacy, *ids):
    """The ids of the golden record."""
    data = v1.MergeUsersRequest(ids=ids).SerializeToString()
    answer = v1.MergeUsersResponse.FromString(privacy.merge_users(data, {}))
    return [(one.WhichOneof("id"), getattr(one, one.WhichOneof("id"))) for one in answer.ids]


def test_joined_ids_come_back_as_they_were_given(privacy):
    """All kinds, and those that were joined before."""
    assert merge(privacy, {"user_id": "u"}, {"other": "card:1"}) == [("user_id", "u"), ("other", "card:1")]
    assert merge(privacy, {"visitor_id": "é"}, {"other": "card:1"}) == [
        ("user_id", "u"), ("visitor_id", "é"), ("other", "card:1"),
    ]  # fmt: skip


def test_what_cannot_be_asked_says_why(privacy):
    """Too few, too many, nothing, no message, no store."""
    for ids in ([{"user_id": "u"}], [{"user_id": str(n)} for n in range(101)]):
        with pytest.raises(InvalidRequest, match="ids holds"):
            merge(privacy, *ids)
    with pytest.raises(InvalidRequest, match="neither"):
        merge(privacy, {}, {"user_id": "u"})
    with pytest.raises(InvalidRequest, match="257 bytes"):
        merge(privacy, {"user_id": "x" * 257}, {"user_id": "u"})
    with pytest.raises(Malformed):
        privacy.forget_user(b"\xff", {})
    with pytest.raises(StoreError, match="--store"):
        merge(Privacy(None, None, lambda: NOW), {"user_id": "a"}, {"user_id": "b"})


def test_an_engine_goes_by_all_histories_or_by_none():
    """Two customers who are one are listed to as if one had done both; the forgotten are strangers."""
    engine = opened()
    ask = Request((Block("home", 10),), user_id="anna", visitor_id="v")
    who = ask.identity

    def answer(live, request=ask):
        return engine.recommend([request], live)[0]

    both = engine.askers.of(engine._recently.told(ask, Live(NOW, whose={who: ("anna", "c0", "nobody")})), NOW)
    counts = [len(engine.askers.of(Request((), user_id=one), NOW).doings.rows) for one in ("anna", "c0")]
    assert len(both.doings.rows) == sum(counts)
    assert (both.doings.times[1:] >= both.doings.times[:-1]).all()
    visitor = Request((Block("home", 10),), visitor_id="v")
    merged = answer(Live(NOW, whose={("", "v"): ("anna", "v")}), visitor)
    assert merged.known_user
    assert merged.blocks[0].items == answer(Live(NOW)).blocks[0].items
    gone = answer(Live(NOW, whose={who: ()}))
    assert not gone.known_user
    assert gone.blocks[0].items == answer(Live(NOW), Request((Block("home", 10),))).blocks[0].items


def test_the_next_request_on_every_worker_forgets(tmp_path):
    """A customer of the bundle with events since: known, forgotten over the operators' port, then a stranger."""
    publish(tmp_path / "registry")
    admin = free_port()
    told = {"store": str(tmp_path / "store"), "workers": 2, "admin_port": admin}
    asked = Request((Block("home", 5),), user_id="u3")
    with served(tmp_path / "registry", **told) as (_, ready):
        with Client(ready["address"]) as shop:
            assert shop.recommend(asked).known_user
            assert shop.record([Happening("i1", user_id="u3")])[0].outcome == "accepted"
        with grpc.insecure_channel(f"127.0.0.1:{admin}") as channel:
            data = v1.ForgetUserRequest(id={"user_id": "u3"}).SerializeToString()
            said = v1.ForgetUserResponse.FromString(channel.unary_unary(FORGET)(data, timeout=10))
        assert (said.forgotten_ids, said.erased_events) == (1, 1)
        for _ in range(8):  # a channel of its own each, so that both workers are met
            with Client(ready["address"]) as shop:
                assert not shop.recommend(asked).known_user
                assert shop.record([Happening("i1", user_id="u3")])[0].outcome == "rejected"
                assert shop.recommend(Request((Block("home", 5),), user_id="u4")).known_user
