"""Calling a server: a channel that rides out restarts, and a failed call as the error that it means."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Any, NoReturn

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from vitrina import errors
from vitrina.errors import ServerError, VitrinaError

ATTEMPTS = 5

_RETRY = {
    "maxAttempts": ATTEMPTS,
    "initialBackoff": "0.05s",
    "maxBackoff": "1s",
    "backoffMultiplier": 2,
    # A server that drains answers calls on their way with CANCELLED (grpc/grpc#41785). Every call may be
    # repeated without harm.
    "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
}
# A crowded server answers some calls with CANCELLED: once half the calls fail, none is repeated any more.
_THROTTLE = {"maxTokens": 20, "tokenRatio": 0.5}
_CONFIG = {"methodConfig": [{"name": [{}], "retryPolicy": _RETRY}], "retryThrottling": _THROTTLE}
_CHANNEL_OPTIONS = (
    ("grpc.service_config", json.dumps(_CONFIG)),
    ("grpc.enable_retries", 1),
    # The server permits a ping every 10 s.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.max_receive_message_length", 16 << 20),
    # Connections are what is spread over a server's workers: two clients of a process shall have two.
    ("grpc.use_local_subchannel_pool", 1),
)
_REASONS: dict[str, type[VitrinaError]] = {
    "MALFORMED_MESSAGE": errors.Malformed,
    "INVALID_REQUEST": errors.InvalidRequest,
    "INVALID_TOKEN": errors.InvalidToken,
    "UNKNOWN_PLACEMENT": errors.UnknownPlacement,
    "NOT_READY": errors.NotReady,
    "OVERLOADED": errors.Overloaded,
    "TIME_UP": errors.TimedOut,
    "INTERNAL": errors.ServerError,
    "NO_SUCH_BUNDLE": errors.RegistryError,
    "BUNDLE_REFUSED": errors.BundleError,
    "PLACEMENTS_REFUSED": errors.PlacementsError,
    "TOKEN_REFUSED": errors.Unauthenticated,
    "SCOPE_MISSING": errors.Forbidden,
    "RATE_LIMITED": errors.TooFast,
    "STORE_FULL": errors.StoreFull,
    "STORE_FAILED": errors.StoreError,
}
_CODES: dict[grpc.StatusCode, type[VitrinaError]] = {
    grpc.StatusCode.UNAVAILABLE: errors.Unreachable,
    grpc.StatusCode.CANCELLED: errors.Unreachable,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.TimedOut,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.Overloaded,
}
_NETWORK: dict[grpc.StatusCode, str] = {
    grpc.StatusCode.UNAVAILABLE: "no server answers there: {}; see that one runs, and give its host:port",
    grpc.StatusCode.UNIMPLEMENTED: "{}; operators' methods are served on --admin-port alone",
}
"""What is said where no answer of ours says what to do."""


def connect(target: str, credentials: grpc.ChannelCredentials | None = None) -> grpc.Channel:
    """A channel to host:port, or to any name that gRPC resolves; not encrypted without `credentials`."""
    if credentials:
        return grpc.secure_channel(target, credentials, _CHANNEL_OPTIONS)
    return grpc.insecure_channel(target, _CHANNEL_OPTIONS)


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """The headers that carry a token; none where there is none."""
    return (("authorization", f"Bearer {token}"),) if token else ()


def tls(ca: Path | None = None, cert: Path | None = None, key: Path | None = None) -> grpc.ChannelCredentials:
    """Credentials of an encrypted channel, from PEM files.

    `ca`: who signs servers, by default those whom gRPC trusts; `cert`, `key`: this client's own, where the
    server asks for them. Raises ServerError where a file cannot be read.
    """
    try:
        ca_bytes, key_bytes, cert_bytes = (one.read_bytes() if one else None for one in (ca, key, cert))
    except OSError as reason:
        raise ServerError(f"cannot read a certificate: {reason}") from None
    return grpc.ssl_channel_credentials(ca_bytes, key_bytes, cert_bytes)


def ask(call: Any, message: Any, timeout_s: float, headers: Sequence[tuple[str, str]] = ()) -> Any:
    """What a unary call answers within `timeout_s` seconds. Raises VitrinaError.

    gRPC repeats no call of whose answer it has seen the headers. One that loses its connection after them
    is made once more here, in what is left of its time.
    """
    until = monotonic() + timeout_s
    try:
        try:
            return call(message, timeout=timeout_s, metadata=headers)
        except grpc.RpcError as error:
            if not _cut_off(error) or monotonic() >= until:
                raise
        return call(message, timeout=until - monotonic(), metadata=headers)
    except grpc.RpcError as error:
        give_up(error)


def _cut_off(error: Any) -> bool:
    """Whether the network ended a call, not a server of ours."""
    return error.code() is grpc.StatusCode.UNAVAILABLE and not _details(error)[0]


def passing(error: Any) -> bool:
    """Whether the same call may succeed in a moment."""
    return error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


def give_up(error: Any) -> NoReturn:
    """Raise the error of the server's reason; of the code, where the network answered instead."""
    reason, retry_s = _details(error)
    kind = _REASONS.get(reason) or _CODES.get(error.code(), ServerError)
    words = error.details() or error.code().name
    failed = kind(words if reason else _NETWORK.get(error.code(), "{}").format(words))
    if isinstance(failed, errors.Overloaded) and retry_s:
        failed.retry_s = retry_s
    raise failed from None


def _details(error: Any) -> tuple[str, float]:
    """The ErrorInfo's reason, empty where there is none of ours, and the seconds to wait, if it says any."""
    found = dict(error.trailing_metadata() or ())
    info, pause, reason = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo(), ""
    try:
        for one in status_pb2.Status.FromString(found.get("grpc-status-details-bin", b"")).details:
            if one.Unpack(info) and info.domain == "vitrina":
                reason = info.reason
            one.Unpack(pause)
    except DecodeError:
        return "", 0.0
    return reason, pause.retry_delay.seconds + pause.retry_delay.nanos / 1e9
