"""The service: request bytes to answer bytes, and the table of failures."""

from __future__ import annotations

import subprocess
import sys

import pytest
from google.rpc import code_pb2, error_details_pb2
from hypothesis import given
from hypothesis import strategies as st
from servers import KEY, NOW, Shelf, service

from vitrina.errors import (
    InvalidRequest,
    InvalidToken,
    Malformed,
    NotReady,
    TooFast,
    UnknownPlacement,
    VitrinaError,
)
from vitrina.server.failures import FAILURES, failure
from vitrina.server.limits import Visitors
from vitrina.server.service import BATCH, Note, Service
from vitrina.server.token import Signer
from vitrina.v1 import error_reason_pb2
from vitrina.v1 import recommendation_service_pb2 as v1

HOME = {"placement": "home"}


def ask(engine=None, note=None, **fields):
    """Send a request to a service over an engine; give the answer's message."""
    message = v1.RecommendRequest(**{"blocks": [HOME], **fields})
    return v1.RecommendResponse.FromString(service(engine).recommend(message.SerializeToString(), NOW, note))


def batch(engine=None, **fields):
    """The same for a batch: a list of messages for each engine call."""
    message = v1.BatchRecommendRequest(**{"blocks": [HOME], **fields})
    parts = service(engine).batch_recommend(message.SerializeToString(), NOW)
    return [[v1.BatchRecommendResponse.FromString(one) for one in part] for part in parts]


def test_everything_the_engine_says_is_on_the_wire():
    """Items, sources, reasons with rules, relaxed rules, traces, unknown ids, versions."""
    answer = ask(user_id="ann", context_item_ids=["i1", "x9"])
    block = answer.blocks[0]
    assert [one.item_id for one in block.items] == ["i0", "i1", "i2"]
    assert list(block.items[0].sources) == ["knn", "popular"]
    assert list(block.items[0].reason.seed_item_ids) == ["a", "b"]
    assert not block.items[0].reason.HasField("rule")
    rule = block.items[1].reason.rule
    assert (list(rule.antecedent_ids), rule.support, rule.confidence, rule.lift) == (
        ["a", "b"],
        0.25,
        0.5,
        2.0,
    )
    assert list(block.relaxed) == ["not_viewed"]
    assert [(one.stage, list(one.item_ids)) for one in block.trace] == [("retrieve", ["i0", "i1", "i2"])]
    assert list(answer.unknown_item_ids) == ["x9"]
    assert answer.known_user
    assert answer.bundle_version == Shelf().version


def test_the_engine_gets_what_was_asked():
    """User, channel, region, context, events, page and time reach the engine as they were sent."""
    engine = Shelf()
    ask(
        engine,
        user_id="u",
        visitor_id="v",
        channel="CHANNEL_EMAIL",
        region="north",
        context_item_ids=["c"],
        events=[{"item_id": "e", "type": "cart", "time": 5}],
        page_item_ids=["p"],
        explain=True,
        omit_reasons=True,
    )
    [([request], live)] = engine.asked
    assert (request.user_id, request.visitor_id, request.channel, request.region) == (
        "u",
        "v",
        "email",
        "north",
    )
    assert (request.context_item_ids, request.page_item_ids) == (("c",), ("p",))
    assert (request.events[0].item_id, request.events[0].type, request.events[0].time) == ("e", "cart", 5)
    assert (request.explain, request.reasons, live.now) == (True, False, NOW)


def test_products_come_when_asked_for_and_only_then():
    """A renderer gets the fields it asked for, and an answer without any carries none."""
    assert not ask().blocks[0].items[0].HasField("product")
    product = (
        ask(product_fields=["PRODUCT_FIELD_TITLE", "PRODUCT_FIELD_ATTRIBUTES"]).blocks[0].items[0].product
    )
    assert (product.title, product.price, dict(product.attributes)) == ("Title of i0", 0.0, {"brand": "acme"})


def test_scrolling_never_repeats():
    """Each answer continues all before it: the items of the chain are pairwise different."""
    token, seen = "", []
    for _ in range(5):
        answer = ask(continue_token=token)
        token = answer.attribution_token
        seen += [one.item_id for one in answer.blocks[0].items]
    assert seen == [f"i{number}" for number in range(15)]
    covered = Signer(KEY).read(token).covered
    assert sorted(covered) == sorted(seen)


def test_the_token_says_what_was_shown():
    """Placement and its version, bundle, sources, positions and time are signed."""
    token = Signer(KEY).read(ask(blocks=[HOME, {"placement": "cart", "limit": 2}]).attribution_token)
    assert (token.placements_version, token.bundle_version, token.time) == (
        "placements-7",
        Shelf().version,
        NOW,
    )
    assert [(one.placement, one.position) for one in token.items] == [
        ("home", 0),
        ("home", 1),
        ("home", 2),
        ("cart", 0),
        ("cart", 1),
    ]


def test_validate_only_checks_and_says_nothing_more():
    """No lists and no token, but unknown ids and errors as if it were asked in earnest."""
    answer = ask(validate_only=True, context_item_ids=["x1"], user_id="ann")
    assert (len(answer.blocks), answer.attribution_token) == (0, "")
    assert (list(answer.unknown_item_ids), answer.known_user) == (["x1"], True)
    with pytest.raises(UnknownPlacement):
        ask(Shelf(fault=UnknownPlacement("no")), validate_only=True)
    with pytest.raises(InvalidToken):
        ask(validate_only=True, continue_token="made-up")


def test_batches_answer_in_order_and_in_large_calls():
    """Everybody is answered, named and in order, with few calls of the engine."""
    engine = Shelf()
    parts = batch(engine, users=[{"user_id": f"u{number}", "visitor_id": "v"} for number in range(BATCH + 1)])
    answers = [one for part in parts for one in part]
    assert [one.user_id for one in answers] == [f"u{number}" for number in range(BATCH + 1)]
    assert {one.visitor_id for one in answers} == {"v"}
    assert [len(requests) for requests, _ in engine.asked] == [BATCH, 1]
    assert all(len(one.answer.blocks[0].items) == 3 and one.answer.attribution_token for one in answers)


def test_a_batch_is_checked_before_its_first_answer():
    """The last asker's mistake is found before anybody is answered."""
    engine = Shelf()
    users = [{"user_id": "u"}] * 500 + [{"user_id": "u" * 257}]
    with pytest.raises(InvalidRequest, match=r"users\[500\].user_id"):
        batch(engine, users=users)
    assert engine.asked == []


def test_batch_bounds():
    """10,000 askers at most, one at least."""
    assert sum(map(len, batch(users=[{}] * 10_000))) == 10_000
    with pytest.raises(InvalidRequest, match="users holds 10,001 entries; at most 10,000"):
        batch(users=[{}] * 10_001)
    with pytest.raises(InvalidRequest, match="users is empty"):
        batch(users=[])


def test_batch_validate_only():
    """A campaign can be checked without lists."""
    [[one]] = batch(users=[{"user_id": "ann", "context_item_ids": ["x1"]}], validate_only=True)
    assert (one.user_id, len(one.answer.blocks), list(one.answer.unknown_item_ids)) == ("ann", 0, ["x1"])


@given(st.binary(max_size=400))
def test_any_bytes_are_answered_or_refused(data):
    """Raw bytes never raise anything but what the table of failures names."""
    for call in (service().recommend, lambda *asked: list(service().batch_recommend(*asked))):
        told = None
        try:
            call(data, NOW)
        except VitrinaError as error:
            told = failure(error)
        assert told is None or (told.code == code_pb2.INVALID_ARGUMENT and "Error" not in told.message)


@pytest.mark.parametrize("data", [b"{}", b"\xff" * 20, b"\x0a\x05ab", b"\x0a\x02\xff\xfe"])
def test_malformed(data):
    """JSON, noise, truncated and badly encoded messages are malformed, and said so."""
    with pytest.raises(Malformed, match="not a RecommendRequest message"):
        service().recommend(data, NOW)


def test_no_engine_is_not_ready():
    """Before there is a bundle, every call says so."""

    def nothing():
        raise NotReady("no bundle is open yet")

    with pytest.raises(NotReady):
        Service(nothing, Signer(KEY)).recommend(b"", NOW)


def test_every_failure_has_a_reason_and_a_worked_example():
    """The table covers the enum, and each value's comment shows the answer."""
    used = {reason for _, reason in FAILURES.values()} | {error_reason_pb2.ERROR_REASON_INTERNAL}
    assert used == set(error_reason_pb2.ErrorReason.values()) - {0}


def test_a_fault_tells_an_id_and_nothing_else():
    """What was not raised on purpose is INTERNAL: no class, no text, no path; an id for the log."""
    failed = failure(KeyError("secret of /work"))
    assert failed.code == code_pb2.INTERNAL
    assert failed.id in failed.message
    assert "secret" not in failed.message
    assert "KeyError" not in failed.message
    info = error_details_pb2.ErrorInfo()
    assert failed.status.details[0].Unpack(info)
    assert (info.reason, info.domain) == ("INTERNAL", "vitrina")


def test_notes_tell_logs_and_metrics_what_happened():
    """Lists, empty lists, fallbacks, known and unknown ids, and times apart."""
    note = Note()
    ask(Shelf(items=(), slow_s=0.01), note, blocks=[HOME, HOME], context_item_ids=["x1", "i1"])
    tally = note.shown["home"]
    assert (tally.lists, tally.items, tally.empty, tally.fallback) == (2, 0, 2, 2)
    assert (note.users, note.known_ids, note.unknown_ids) == (1, 1, 1)
    assert note.asked == ("home", "home")
    assert note.engine_s >= 0.01
    assert 0 < note.service_s < note.engine_s


def test_the_service_knows_no_transport():
    """Importing it, wire and tokens imports no grpc: any front can carry it."""
    code = "import sys, vitrina.server.service; sys.exit('grpc' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "who", [{"visitor_id": "v"}, {"user_id": "ann"}, {"visitor_id": "v", "user_id": "ann"}]
)
def test_who_asks_too_often_is_refused_by_whatever_id(who):
    """A customer without a cookie has a pace too; nobody in particular has none, and others their own."""
    visitors = Visitors(rate=1.0, burst=1.0)
    one = Service(Shelf, Signer(KEY), pace=lambda name: visitors.check(name, 0.0))

    def asked(**ids):
        return one.recommend(v1.RecommendRequest(blocks=[HOME], **ids).SerializeToString(), NOW)

    assert asked(**who)
    with pytest.raises(TooFast):
        asked(**who)
    assert asked(user_id="bob")
    assert asked()
    assert asked()
