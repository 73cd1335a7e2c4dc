"""The transport: who has come is taken in before the next turn, and nothing that goes wrong ends it."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import contextmanager

import grpc
import pytest
from servers import wait_for

from vitrina.server.transport import Transport

METHOD = "/shop/Echo"


def echo(call):
    """Answer a call with what it says."""
    call.attend(lambda left: None)
    call.receive(call.answer)


@contextmanager
def transporting(step, take):
    """The address of a transport."""
    one = Transport(step)
    port = one.listen("127.0.0.1:0", None, (), take)
    one.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        one.stop(1.0)


def test_all_who_have_come_are_taken_in_before_the_next_step():
    """However many came while a step lasted: none of them waits for a second one."""
    began, go_on, taken, steps = threading.Event(), threading.Event(), [], []

    def step():
        if steps or taken:
            steps.append(len(taken))
        if taken and not began.is_set():
            began.set()
            assert go_on.wait(20)

    def take(call):
        taken.append(call.path)
        echo(call)

    with transporting(step, take) as address, grpc.insecure_channel(address) as channel:
        first = channel.unary_unary(METHOD).future(b"first", timeout=20)
        assert began.wait(10)
        calls = [channel.unary_unary(METHOD).future(b"%d" % number, timeout=20) for number in range(90)]
        probe = channel.unary_unary(METHOD).future(b"last", timeout=20)
        threading.Event().wait(1)  # until they have come: nobody can be asked while the thread stands
        go_on.set()
        assert [one.result() for one in calls] == [b"%d" % number for number in range(90)]
        assert (first.result(), probe.result()) == (b"first", b"last")
        wait_for(lambda: len(steps) > 1)  # there is none while more comes
    assert len(taken) == 92
    assert 92 in steps[1:3]


def test_a_fault_in_one_call_ends_no_other(capfd):
    """What goes wrong with a call is in the log, and the next one is answered."""

    def take(call):
        if call.path != METHOD:
            raise RuntimeError("nobody knows this")
        echo(call)

    def step():
        raise ValueError("nothing is ever due")

    with transporting(step, take) as address, grpc.insecure_channel(address) as channel:
        lost = channel.unary_unary("/shop/Other").future(b"", timeout=20)
        assert channel.unary_unary(METHOD)(b"x", timeout=10) == b"x"
        assert lost.code() is grpc.StatusCode.CANCELLED
    said = capfd.readouterr().err
    assert "nobody knows this" in said
    assert "nothing is ever due" in said


def test_a_stop_waits_for_calls_and_then_ends_them():
    """Who is inside when the grace is over is cancelled, and is told of as one who left."""
    inside, left = [], []

    def take(call):
        call.attend(left.append)
        call.receive(inside.append)

    one = Transport(lambda: None)
    port = one.listen("127.0.0.1:0", None, (), take)
    one.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        held = channel.unary_unary(METHOD).future(b"x", timeout=20)
        wait_for(lambda: inside == [b"x"])
        one.stop(0.05)
        with pytest.raises(grpc.RpcError):
            held.result(10)
    assert left == [True]


LATE = """
import sys, threading, grpc
from vitrina.server.transport import Transport

held, came = [], threading.Event()

def take(call):
    held.append(call)
    call.attend(lambda left: None)
    call.receive(lambda message: came.set())

one = Transport(lambda: None)
port = one.listen("127.0.0.1:0", None, (), take)
one.start()
with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
    lost = channel.unary_stream("/shop/Many")(b"x", timeout=20)
    assert came.wait(10)
    one.stop(0.05)
    late = {"send": lambda call: call.send(b"late", print), "receive": lambda call: call.receive(print)}
    late |= {"answer": lambda call: call.answer(b"late"), "end": lambda call: call.end(None)}
    late[sys.argv[1]](held[0])
    print("lives on")
"""


@pytest.mark.parametrize("how", ["send", "receive", "answer", "end"])
def test_who_answers_after_the_end_is_not_heard_and_harms_nobody(how):
    """A stream that is answered from another thread may be late: gRPC aborts the process for it, unasked."""
    done = subprocess.run([sys.executable, "-c", LATE, how], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "lives on\n"), done.stderr
