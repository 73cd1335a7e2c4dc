"""gRPC's framing: a message in its bytes, a deadline and a status in its headers. Knows no transport.

Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

from __future__ import annotations

import base64
import zlib
from urllib.parse import quote

from google.rpc import code_pb2

from vitrina.errors import Malformed
from vitrina.server.failures import Failure, failure

_PREFIX = 5
_UNITS = {72: 3600.0, 77: 60.0, 83: 1.0, 109: 1e-3, 117: 1e-6, 110: 1e-9}
"""Seconds of H, M, S, m, u, n."""
_READABLE = " !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"
_ENCODINGS = (b"gzip", b"deflate")


def framed(data: bytes) -> bytes:
    """A message, not compressed, behind its length."""
    return b"\0" + len(data).to_bytes(4, "big") + data


def message(body: bytes, encoding: bytes, most: int) -> bytes | Failure:
    """The one message in a body, of at most `most` bytes, or what is wrong with it."""
    if len(body) < _PREFIX or body[0] > 1:
        return failure(Malformed("the request holds no length-prefixed message"))
    size = int.from_bytes(body[1:_PREFIX], "big")
    if size > most:
        return _too_large(most)
    if len(body) != _PREFIX + size:
        return failure(Malformed("the request is not one length-prefixed message"))
    return _inflated(body[_PREFIX:], encoding, most) if body[0] else body[_PREFIX:]


def seconds(timeout: bytes | None) -> float | None:
    """The seconds that `grpc-timeout` gives a call; None where it gives none, or says nothing sane."""
    if not timeout or not timeout[:-1].isdigit() or len(timeout) > 9 or timeout[-1] not in _UNITS:
        return None
    return int(timeout[:-1]) * _UNITS[timeout[-1]]


def status(failed: Failure) -> list[tuple[bytes, bytes]]:
    """The headers that tell of a failure, with its details."""
    details = base64.b64encode(failed.status.SerializeToString()).rstrip(b"=")
    return [
        (b"grpc-status", str(failed.code).encode()),
        (b"grpc-message", quote(failed.message, safe=_READABLE).encode()),
        (b"grpc-status-details-bin", details),
    ]


def _inflated(data: bytes, encoding: bytes, most: int) -> bytes | Failure:
    if encoding not in _ENCODINGS:
        return Failure(code_pb2.UNIMPLEMENTED, "messages may be compressed by gzip or deflate", "")
    try:
        found = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(data, most + 1)
    except zlib.error:
        return failure(Malformed("the request is not compressed as it says"))
    return _too_large(most) if len(found) > most else found


def _too_large(most: int) -> Failure:
    return Failure(code_pb2.RESOURCE_EXHAUSTED, f"the message is larger than {most} bytes", "")
