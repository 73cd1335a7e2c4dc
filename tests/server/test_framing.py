"""gRPC's framing: messages, deadlines and statuses as the specification has them."""

from __future__ import annotations

import base64
import gzip
import zlib

import pytest
from google.rpc import code_pb2, status_pb2
from hypothesis import given
from hypothesis import strategies as st

from vitrina.errors import UnknownPlacement
from vitrina.server.failures import Failure, failure
from vitrina.server.framing import framed, message, seconds, status

MOST = 1000


def compressed(data):
    """A message that says it is compressed."""
    return b"\1" + framed(data)[1:]


@given(st.binary(max_size=MOST))
def test_what_is_framed_is_read(data):
    """Plain, by gzip and by deflate."""
    assert message(framed(data), b"identity", MOST) == data
    assert message(compressed(gzip.compress(data)), b"gzip", 2 * MOST) == data
    assert message(compressed(zlib.compress(data)), b"deflate", 2 * MOST) == data


@given(st.binary(max_size=40), st.sampled_from([b"identity", b"gzip", b"br", b""]))
def test_any_bytes_are_a_message_or_a_failure(body, encoding):
    """Nothing raises."""
    assert isinstance(message(body, encoding, MOST), bytes | Failure)


def test_a_bomb_is_refused_unexploded():
    """What would grow beyond the limit is too large, however small it came."""
    found = message(compressed(gzip.compress(bytes(100 * MOST))), b"gzip", MOST)
    assert found.code == code_pb2.RESOURCE_EXHAUSTED
    assert message(framed(bytes(MOST + 1)), b"identity", MOST).code == code_pb2.RESOURCE_EXHAUSTED
    assert message(compressed(b"x"), b"br", MOST).code == code_pb2.UNIMPLEMENTED


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (b"2S", 2.0),
        (b"150m", 0.15),
        (b"3M", 180.0),
        (b"1H", 3600.0),
        (b"7u", 7e-06),
        (b"9n", 9e-09),
        (None, None),
        (b"", None),
        (b"S", None),
        (b"-1S", None),
        (b"1x", None),
        (b"123456789S", None),
    ],
)
def test_deadlines(said, meant):
    """Units as specified, at most eight digits; anything else is none."""
    assert seconds(said) == (meant if meant is None else pytest.approx(meant))


def test_a_status_carries_its_details():
    """The code, the words made safe for a header, and the details as they were."""
    failed = failure(UnknownPlacement("unknown placement 'käse' 50%\n"))
    told = dict(status(failed))
    assert told[b"grpc-status"] == b"5"
    assert told[b"grpc-message"] == b"unknown placement 'k%C3%A4se' 50%25%0A"
    details = base64.b64decode(told[b"grpc-status-details-bin"] + b"==")
    assert status_pb2.Status.FromString(details) == failed.status
