"""What every front promises of its calls, on a real port: bytes, sizes, errors, deadlines, overload."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import grpc
import pytest
from fronts import fronting, refusal, stream, unary
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import NOW, publish, served

from vitrina.client import Client, healthcheck
from vitrina.engine import Engine
from vitrina.live import Live
from vitrina.registry import Registry
from vitrina.request import Block, Request
from vitrina.server.calls import BATCHES, NAME
from vitrina.server.health import HEALTH
from vitrina.v1 import recommendation_service_pb2 as v1

RECOMMEND, BATCH = f"/{NAME}/Recommend", f"/{NAME}/BatchRecommend"
CHECK, WATCH = f"/{HEALTH}/Check", f"/{HEALTH}/Watch"
HOME = v1.RecommendRequest(blocks=[{"placement": "home"}]).SerializeToString()
CODES = grpc.StatusCode


def asking(user):
    """A page for a user."""
    return v1.RecommendRequest(user_id=user, blocks=[{"placement": "home"}]).SerializeToString()


def test_answers(channel):
    """Both calls answer."""
    assert len(v1.RecommendResponse.FromString(unary(channel, RECOMMEND, HOME)).blocks[0].items) == 3
    request = v1.BatchRecommendRequest(users=[{"user_id": "u"}] * 300, blocks=[{"placement": "home"}])
    assert len(stream(channel, BATCH, request.SerializeToString())) == 300


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_on_every_method(channel, data):
    """Raw bytes get an answer or a documented code with a reason; never UNKNOWN, never a class name."""
    for call, method in ((unary, RECOMMEND), (stream, BATCH), (unary, CHECK)):
        try:
            call(channel, method, data)
        except grpc.RpcError as error:
            assert error.code() in (CODES.INVALID_ARGUMENT, CODES.NOT_FOUND)  # noqa: PT017 - some bytes are a request
            assert "Error" not in (error.details() or "")  # noqa: PT017 - some bytes are a request


@pytest.mark.parametrize(
    ("call", "method"), [(unary, RECOMMEND), (stream, BATCH), (unary, CHECK), (stream, WATCH)]
)
def test_malformed_bytes(channel, call, method):
    """What is no message at all is INVALID_ARGUMENT with a reason."""
    code, reason, message = refusal(call, channel, method, b"\xff\xff\xff")
    assert (code, reason) == (CODES.INVALID_ARGUMENT, "MALFORMED_MESSAGE")
    assert "Request message" in message


def test_answers_are_the_engines_own(front, tmp_path):
    """A trained bundle answers over the wire what its engine answers here: ids, scores, reasons."""
    publish(tmp_path)
    engine = Engine.open(Registry(tmp_path).path())
    asked = [
        Request((Block(placement, limit=limit),), user_id=user, context_item_ids=("i1", "nobody-knows"))
        for placement in ("home", "cart")
        for limit in (0, 1, 5)
        for user in ("u1", "u8", "stranger", "")
    ]
    expected = engine.recommend(asked, Live(NOW))
    with served(tmp_path, front=front, as_of=NOW) as (_, line), Client(line["address"]) as client:
        got = [client.recommend(one) for one in asked]
    assert [replace(one, attribution_token="") for one in got] == expected
    assert any(one.blocks[0].items for one in got)
    assert {one.known_user for one in got} == {True, False}


def test_message_sizes(channel):
    """64 KiB a page, 1 MiB a batch; what is larger is refused, what is at the limit is read."""
    # Unknown fields are skipped, so a message may be padded to any size: tag 1,000, length-delimited.
    room = 65_536 - len(HOME) - 5
    padded = HOME + b"\xc2\x3e" + bytes([room & 127 | 128, room >> 7 & 127 | 128, room >> 14]) + b"x" * room
    assert len(padded) == 65_536
    assert unary(channel, RECOMMEND, padded)
    code, reason, _ = refusal(unary, channel, RECOMMEND, padded + b"\x78\x01")
    assert (code, reason) == (CODES.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert refusal(stream, channel, BATCH, b"x" * (1 << 20) + b"x")[0] is CODES.RESOURCE_EXHAUSTED


def test_failures_carry_code_reason_and_words(channel):
    """The engine's refusals arrive as the table has them."""
    told = refusal(unary, channel, RECOMMEND, asking("lost"))
    assert told == (CODES.NOT_FOUND, "UNKNOWN_PLACEMENT", "unknown placement 'hom'; known: home")


def test_faults_leak_nothing(channel, server):
    """A fault of ours is INTERNAL with an id; the log has the cause under that id."""
    batch = v1.BatchRecommendRequest(users=[{"user_id": "broken"}], blocks=[{"placement": "home"}])
    code, reason, message = refusal(unary, channel, RECOMMEND, asking("broken"))
    assert refusal(stream, channel, BATCH, batch.SerializeToString())[:2] == (code, reason)
    assert (code, reason) == (CODES.INTERNAL, "INTERNAL")
    assert "secret" not in message
    assert message.split()[2].rstrip(";") in server.log()
    assert "the secret path" in server.log()


@contextmanager
def turn_held(front, folder, **options):
    """A server whose engine is busy with a first call, so that every other queues: (channel, server, go on)."""
    with fronting(front, folder, **options) as server, grpc.insecure_channel(server.address) as channel:
        inside = channel.unary_unary(RECOMMEND).future(asking("first"), timeout=120)
        while not (server.folder / "inside").exists():
            time.sleep(0.01)

        def go_on():
            (server.folder / "go").touch()
            assert inside.result(20)

        yield channel, server, go_on


def test_deadlines_are_kept_and_late_work_is_not_done(front, tmp_path):
    """Behind a turn that is taken a short deadline passes, and the engine is never asked for it."""
    with turn_held(front, tmp_path, wait_s=60.0) as (channel, server, leave):
        assert refusal(unary, channel, RECOMMEND, HOME, 0.2)[0] is CODES.DEADLINE_EXCEEDED
        time.sleep(0.5)  # a crowded machine delivers it late, and it is the server's clock that counts
        leave()
        assert unary(channel, RECOMMEND, HOME)
        assert server.asked() == [1]


def test_a_client_that_went_away_costs_nothing(front, tmp_path):
    """Cancelled calls in the queue are dropped before the engine."""
    with turn_held(front, tmp_path, wait_s=60.0) as (channel, server, leave):
        calls = [channel.unary_unary(RECOMMEND).future(HOME, timeout=60) for _ in range(10)]
        assert healthcheck(server.address, timeout_s=20) == 0
        time.sleep(0.5)
        for one in calls:
            one.cancel()
        assert healthcheck(server.address, timeout_s=20) == 0
        time.sleep(0.5)  # Envoy's Python is told of it when it asks, ten times a second
        leave()
        assert unary(channel, RECOMMEND, HOME)
        assert sum(server.asked()) <= 1 + 1  # one may have been cancelled on its way


def test_overload_sheds_and_recovers(front, tmp_path):
    """Above its limit a worker refuses at once with a reason, still answers health, then recovers."""
    with turn_held(front, tmp_path, in_flight=5, wait_s=60.0) as (channel, server, leave):
        calls = [channel.unary_unary(RECOMMEND).future(HOME, timeout=60) for _ in range(40)]
        refused = []
        while len(refused) < 36:
            refused = [one for one in calls if one.done()]
            time.sleep(0.01)
        assert {one.code() for one in refused} == {CODES.RESOURCE_EXHAUSTED}
        said = {one.details() for one in refused}
        at_the_door = "more requests are waiting than can be answered; ask again later"
        assert said <= {"5 requests are in flight already; ask again later", at_the_door}
        details = rpc_status.from_call(refused[-1]).details
        info, pause = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        assert details[0].Unpack(info)
        assert details[1].Unpack(pause)
        assert info.reason == "OVERLOADED"
        assert 0 < pause.retry_delay.ToSeconds() + pause.retry_delay.nanos / 1e9 < 5
        assert healthcheck(server.address, timeout_s=20) == 0
        assert server.asked() == []
        leave()
        assert [one.code() for one in calls].count(CODES.OK) == 4
        assert server.asked() == [4]  # what waited together
        assert unary(channel, RECOMMEND, HOME)


def test_clients_that_never_finish_asking_hold_up_nobody(server):
    """Calls whose message never comes keep no turn and no thread: others are answered meanwhile."""
    address = server.address
    with grpc.insecure_channel(address) as channel:
        never = threading.Event()

        def silence():
            never.wait(20)
            yield from ()

        stuck = [channel.stream_unary(RECOMMEND).future(silence(), timeout=20) for _ in range(40)]
        with grpc.insecure_channel(address, (("grpc.use_local_subchannel_pool", 1),)) as other:
            for _ in range(20):
                assert unary(other, RECOMMEND, HOME)
        assert not any(one.done() for one in stuck)
        for one in stuck:
            one.cancel()
        never.set()


def test_patience_is_bounded(front, tmp_path):
    """A call waits for its turn only so long, whatever its deadline."""
    with turn_held(front, tmp_path, wait_s=0.1) as (channel, _, leave):
        told = refusal(unary, channel, RECOMMEND, HOME, 60)
        assert told == (CODES.RESOURCE_EXHAUSTED, "OVERLOADED", "no turn came within 0.1 s; ask again later")
        leave()
        assert unary(channel, RECOMMEND, HOME)


def test_batches_are_few_and_pages_go_on(front, tmp_path):
    """More batches than admitted are refused; a page is answered while batches run."""
    request = v1.BatchRecommendRequest(users=[{}] * 1000, blocks=[{"placement": "home"}]).SerializeToString()
    with fronting(front, tmp_path, 0.05) as server, grpc.insecure_channel(server.address) as channel:
        running = [channel.unary_stream(BATCH)(request, timeout=30) for _ in range(BATCHES)]
        for one in running:
            next(one)
        assert refusal(stream, channel, BATCH, request)[:2] == (CODES.RESOURCE_EXHAUSTED, "OVERLOADED")
        started = time.monotonic()
        unary(channel, RECOMMEND, HOME)
        assert time.monotonic() - started < 1.0
        for one in running:
            one.cancel()


def test_compressed_messages(server):
    """What a client compresses is read."""
    with grpc.insecure_channel(server.address, compression=grpc.Compression.Gzip) as channel:
        items = [f"i{number}" for number in range(90)]
        request = v1.RecommendRequest(blocks=[{"placement": "home"}], context_item_ids=items)
        assert unary(channel, RECOMMEND, request.SerializeToString())
