"""Calling a server: a channel that rides out restarts, and a failed call as the error that it means."""

from __future__ import annotations

import json
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
_CHANNEL_OPTIONS = (
    ("grpc.service_config", json.dumps({"methodConfig": [{"name": [{}], "retryPolicy": _RETRY}]})),
    ("grpc.enable_retries", 1),
    # The server permits a ping every 10 s.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.max_receive_message_length", 16 << 20),
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
}
_CODES: dict[grpc.StatusCode, type[VitrinaError]] = {
    grpc.StatusCode.UNAVAILABLE: errors.Unreachable,
    grpc.StatusCode.CANCELLED: errors.Unreachable,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.TimedOut,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.Overloaded,
}


def connect(target: str, credentials: grpc.ChannelCredentials | None = None) -> grpc.Channel:
    """A channel to host:port, or to any name that gRPC resolves; not encrypted without `credentials`."""
    if credentials:
        return grpc.secure_channel(target, credentials, _CHANNEL_OPTIONS)
    return grpc.insecure_channel(target, _CHANNEL_OPTIONS)


def passing(error: Any) -> bool:
    """Whether the same call may succeed in a moment."""
    return error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


def give_up(error: Any) -> NoReturn:
    """Raise the error of the server's reason; of the code, where the network answered instead."""
    kind = _REASONS.get(_reason(error)) or _CODES.get(error.code(), ServerError)
    raise kind(error.details() or error.code().name) from None


def _reason(error: Any) -> str:
    """The ErrorInfo's reason; empty where there is none of ours."""
    found = dict(error.trailing_metadata() or ())
    info = error_details_pb2.ErrorInfo()
    try:
        details = status_pb2.Status.FromString(found.get("grpc-status-details-bin", b"")).details
        return next((info.reason for one in details if one.Unpack(info) and info.domain == "vitrina"), "")
    except DecodeError:
        return ""
