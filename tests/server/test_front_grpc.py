"""The gRPC front on a real port: malformed bytes, deadlines, overload, health, errors, draining."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2
from grpc_status import rpc_status
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import NOW, Shelf, front, looping, publish, serving, start

from vitrina.client import Client, healthcheck
from vitrina.engine import Engine
from vitrina.errors import ServerError, UnknownPlacement
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


@pytest.fixture(scope="module")
def channel():
    """A plain channel, no retries, to a server over a shelf."""
    with serving() as address, grpc.insecure_channel(address) as one:
        yield one


def unary(channel, method, data, timeout=5.0):
    """Send bytes; give the answer's bytes."""
    return channel.unary_unary(method)(data, timeout=timeout)


def stream(channel, method, data, timeout=5.0):
    """Send bytes; give all answers' bytes."""
    return list(channel.unary_stream(method)(data, timeout=timeout))


def refusal(call, *asked):
    """(code, reason, message) of a call that must fail."""
    with pytest.raises(grpc.RpcError) as caught:
        call(*asked)
    status = rpc_status.from_call(caught.value)
    info = error_details_pb2.ErrorInfo()
    if status is not None and status.details:
        assert status.details[0].Unpack(info)
        assert info.domain == "vitrina"
    return caught.value.code(), info.reason, caught.value.details()


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
            assert error.code() in (CODES.INVALID_ARGUMENT, CODES.NOT_FOUND)  # noqa: PT017
            assert "Error" not in (error.details() or "")  # noqa: PT017


@pytest.mark.parametrize(
    ("call", "method"), [(unary, RECOMMEND), (stream, BATCH), (unary, CHECK), (stream, WATCH)]
)
def test_malformed_bytes(channel, call, method):
    """What is no message at all is INVALID_ARGUMENT with a reason."""
    code, reason, message = refusal(call, channel, method, b"\xff\xff\xff")
    assert (code, reason) == (CODES.INVALID_ARGUMENT, "MALFORMED_MESSAGE")
    assert "Request message" in message


def test_answers_are_the_engines_own(tmp_path):
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
    with serving(engine) as address, Client(address) as client:
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


def test_failures_carry_code_reason_and_words():
    """The engine's refusals arrive as the table has them."""
    engine = Shelf(fault=UnknownPlacement("unknown placement 'hom'; known: home"))
    with serving(engine) as address, grpc.insecure_channel(address) as channel:
        told = refusal(unary, channel, RECOMMEND, HOME)
    assert told == (CODES.NOT_FOUND, "UNKNOWN_PLACEMENT", "unknown placement 'hom'; known: home")


def test_faults_leak_nothing(capfd):
    """A fault of ours is INTERNAL with an id; the log has the cause under that id."""
    batch = v1.BatchRecommendRequest(users=[{}], blocks=[{"placement": "home"}])
    engine = Shelf(fault=RuntimeError("the secret path"))
    with serving(engine) as address, grpc.insecure_channel(address) as channel:
        code, reason, message = refusal(unary, channel, RECOMMEND, HOME)
        assert refusal(stream, channel, BATCH, batch.SerializeToString())[:2] == (code, reason)
    assert (code, reason) == (CODES.INTERNAL, "INTERNAL")
    assert "secret" not in message
    log = capfd.readouterr().err
    assert message.split()[2].rstrip(";") in log
    assert "the secret path" in log


@contextmanager
def turn_held(engine, **options):
    """A server whose engine is busy with a first call, so that every other queues; (channel, address, go on)."""
    door, answer = threading.Event(), engine.recommend

    def recommend(requests, live):
        if requests[0].user_id == "first":
            assert door.wait(60)
            return [engine.answer(one) for one in requests]
        return answer(requests, live)

    engine.recommend = recommend
    with looping() as loop:
        made, address = start(loop, engine, **options)
        with grpc.insecure_channel(address) as channel:
            first = v1.RecommendRequest(user_id="first", blocks=[{"placement": "home"}])
            inside = channel.unary_unary(RECOMMEND).future(first.SerializeToString(), timeout=120)
            while not made.calls.in_flight():
                time.sleep(0.01)
            time.sleep(0.05)  # into the engine, so that nothing is answered together with it

            def go_on():
                door.set()
                assert inside.result(20)

            yield channel, address, go_on
        loop.do(made.drain())


def test_deadlines_are_kept_and_late_work_is_not_done():
    """Behind a turn that is taken a short deadline passes, and the engine is never asked for it."""
    engine = Shelf()
    with turn_held(engine, wait_s=60.0) as (channel, _, leave):
        assert refusal(unary, channel, RECOMMEND, HOME, 0.2)[0] is CODES.DEADLINE_EXCEEDED
        leave()
        assert unary(channel, RECOMMEND, HOME)
    assert len(engine.asked) == 1


def test_a_client_that_went_away_costs_nothing():
    """Cancelled calls in the queue are dropped before the engine."""
    engine = Shelf()
    with turn_held(engine, wait_s=60.0) as (channel, address, leave):
        calls = [channel.unary_unary(RECOMMEND).future(HOME, timeout=60) for _ in range(10)]
        assert healthcheck(address, timeout_s=20) == 0
        for one in calls:
            one.cancel()
        assert healthcheck(address, timeout_s=20) == 0
        leave()
        assert unary(channel, RECOMMEND, HOME)
    assert len(engine.asked) <= 1 + 1  # one may have been cancelled on its way


def test_overload_sheds_and_recovers():
    """Above its limit a worker refuses at once with a reason, still answers health, then recovers."""
    engine = Shelf()
    with turn_held(engine, in_flight=5, wait_s=60.0) as (channel, address, leave):
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
        assert healthcheck(address, timeout_s=20) == 0
        assert engine.asked == []
        leave()
        assert [one.code() for one in calls].count(CODES.OK) == 4
        assert [len(requests) for requests, _ in engine.asked] == [4]  # what waited together
        assert unary(channel, RECOMMEND, HOME)


def test_clients_that_never_finish_asking_hold_up_nobody():
    """Calls whose message never comes keep no turn and no thread: others are answered meanwhile."""
    with serving() as address, grpc.insecure_channel(address) as channel:
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


def test_patience_is_bounded():
    """A call waits for its turn only so long, whatever its deadline."""
    with turn_held(Shelf(), wait_s=0.1) as (channel, _, leave):
        told = refusal(unary, channel, RECOMMEND, HOME, 60)
        assert told == (CODES.RESOURCE_EXHAUSTED, "OVERLOADED", "no turn came within 0.1 s; ask again later")
        leave()
        assert unary(channel, RECOMMEND, HOME)


def test_batches_are_few_and_pages_go_on():
    """More batches than admitted are refused; a page is answered while batches run."""
    engine = Shelf(slow_s=0.05)
    request = v1.BatchRecommendRequest(users=[{}] * 1000, blocks=[{"placement": "home"}]).SerializeToString()
    with serving(engine) as address, grpc.insecure_channel(address) as channel:
        running = [channel.unary_stream(BATCH)(request, timeout=30) for _ in range(BATCHES)]
        for one in running:
            next(one)
        assert refusal(stream, channel, BATCH, request)[:2] == (CODES.RESOURCE_EXHAUSTED, "OVERLOADED")
        started = time.monotonic()
        unary(channel, RECOMMEND, HOME)
        assert time.monotonic() - started < 1.0
        for one in running:
            one.cancel()


def test_health_and_reflection(channel):
    """Health is standard, by name and overall; reflection is not there unless it was asked for."""
    for name in ("", NAME):
        data = health_pb2.HealthCheckRequest(service=name).SerializeToString()
        assert health_pb2.HealthCheckResponse.FromString(unary(channel, CHECK, data)).status == 1
    assert refusal(unary, channel, CHECK, b"\x0a\x01x")[0] is CODES.NOT_FOUND
    watched = channel.unary_stream(WATCH)(b"", timeout=5)
    assert health_pb2.HealthCheckResponse.FromString(next(watched)).status == 1
    watched.cancel()
    method = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
    assert refusal(unary, channel, method, b"")[0] is CODES.UNIMPLEMENTED
    assert refusal(unary, channel, f"/{NAME}/Similar", b"")[0] is CODES.UNIMPLEMENTED


def test_reflection_needs_its_package(monkeypatch):
    """Asked for without its package, the server says what to install rather than start."""
    monkeypatch.setitem(sys.modules, "grpc_reflection", None)

    async def make():
        front(reflection=True)

    with looping() as loop, pytest.raises(ServerError, match="grpcio-reflection"):
        loop.do(make())


def test_drain_says_not_serving_and_finishes():
    """A draining server tells its watchers, and finishes the call that is inside."""
    with looping() as loop:
        made, address = start(loop, Shelf(slow_s=0.3))
        with grpc.insecure_channel(address) as channel:
            watched = channel.unary_stream(WATCH)(
                health_pb2.HealthCheckRequest(service=NAME).SerializeToString()
            )
            assert next(watched) == b"\x08\x01"
            inside = channel.unary_unary(RECOMMEND).future(HOME, timeout=5)
            time.sleep(0.1)
            loop.do(made.drain())
            assert inside.code() is CODES.OK
            assert next(watched) == b"\x08\x02"
        assert healthcheck(address, 0.2) == 7


def test_restarts_under_load_fail_no_call():
    """Servers on one port are replaced one after the other; a client of ours sees no failure."""
    request = Request((Block("home"),))
    with looping() as loop:
        made, address = start(loop)
        port = int(address.rpartition(":")[2])
        done, failed = threading.Event(), []
        counts = [0, 0, 0]

        def load(number):
            with Client(address) as client:
                while not done.is_set():
                    try:
                        assert len(client.recommend(request).blocks[0].items) == 3
                        counts[number] += 1
                    except Exception as error:
                        failed.append(error)

        threads = [threading.Thread(target=load, args=(number,)) for number in range(len(counts))]
        for one in threads:
            one.start()
        for _ in range(5):
            time.sleep(0.2)
            new, _ = start(loop, None, port)
            loop.do(made.drain())
            made = new
        done.set()
        for one in threads:
            one.join()
        loop.do(made.drain())
    assert failed == []
    assert min(counts) > 20
