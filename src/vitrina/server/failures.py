"""Failures: what a caller is told of an error, by one table. Knows no transport."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from google.protobuf import any_pb2, duration_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

from vitrina.errors import (
    BundleError,
    Forbidden,
    InvalidRequest,
    InvalidToken,
    Malformed,
    NotReady,
    Overloaded,
    PlacementsError,
    RegistryError,
    StoreError,
    StoreFull,
    TimedOut,
    TooFast,
    Unauthenticated,
    UnknownPlacement,
    VitrinaError,
)
from vitrina.v1 import error_reason_pb2 as reasons

DOMAIN = "vitrina"
MAX_MESSAGE = 1000
"""Characters of an error message: it travels in headers, which are bounded."""

FAILURES: dict[type[Exception], tuple[int, int]] = {
    Malformed: (code_pb2.INVALID_ARGUMENT, reasons.ERROR_REASON_MALFORMED_MESSAGE),
    InvalidToken: (code_pb2.INVALID_ARGUMENT, reasons.ERROR_REASON_INVALID_TOKEN),
    InvalidRequest: (code_pb2.INVALID_ARGUMENT, reasons.ERROR_REASON_INVALID_REQUEST),
    UnknownPlacement: (code_pb2.NOT_FOUND, reasons.ERROR_REASON_UNKNOWN_PLACEMENT),
    Unauthenticated: (code_pb2.UNAUTHENTICATED, reasons.ERROR_REASON_TOKEN_REFUSED),
    Forbidden: (code_pb2.PERMISSION_DENIED, reasons.ERROR_REASON_SCOPE_MISSING),
    TooFast: (code_pb2.RESOURCE_EXHAUSTED, reasons.ERROR_REASON_RATE_LIMITED),
    NotReady: (code_pb2.UNAVAILABLE, reasons.ERROR_REASON_NOT_READY),
    Overloaded: (code_pb2.RESOURCE_EXHAUSTED, reasons.ERROR_REASON_OVERLOADED),
    TimedOut: (code_pb2.DEADLINE_EXCEEDED, reasons.ERROR_REASON_TIME_UP),
    RegistryError: (code_pb2.NOT_FOUND, reasons.ERROR_REASON_NO_SUCH_BUNDLE),
    PlacementsError: (code_pb2.INVALID_ARGUMENT, reasons.ERROR_REASON_PLACEMENTS_REFUSED),
    BundleError: (code_pb2.FAILED_PRECONDITION, reasons.ERROR_REASON_BUNDLE_REFUSED),
    StoreFull: (code_pb2.RESOURCE_EXHAUSTED, reasons.ERROR_REASON_STORE_FULL),
    StoreError: (code_pb2.FAILED_PRECONDITION, reasons.ERROR_REASON_STORE_FAILED),
}
"""The one table from exceptions to what a caller sees; anything else is INTERNAL."""


@dataclass(frozen=True)
class Failure:
    """What a caller is told. `code`: a google.rpc.Code; `reason`: one of ours, or ''; `id`: what the log
    calls it, if it is ours; `retry_s`: seconds after which to ask again, 0 where that would not help."""

    code: int
    message: str
    reason: str
    id: str = ""
    retry_s: float = 0.0

    @property
    def name(self) -> str:
        """The code's name, such as NOT_FOUND."""
        return str(code_pb2.Code.Name(self.code))

    @property
    def status(self) -> Any:
        """The failure as a google.rpc.Status message with its ErrorInfo, and RetryInfo where that helps."""
        said: list[Any] = []
        if self.reason:
            said.append(error_details_pb2.ErrorInfo(reason=self.reason, domain=DOMAIN))
        if self.retry_s:
            pause = duration_pb2.Duration(nanos=int(self.retry_s % 1 * 1e9), seconds=int(self.retry_s))
            said.append(error_details_pb2.RetryInfo(retry_delay=pause))
        details = [any_pb2.Any() for _ in said]
        for detail, one in zip(details, said, strict=True):
            detail.Pack(one)
        return status_pb2.Status(code=self.code, message=self.message, details=details)


def failure(error: BaseException) -> Failure:
    """What a caller is told of an error: by the table, or an id and nothing else."""
    for kind in type(error).__mro__:
        if kind in FAILURES and isinstance(error, VitrinaError):
            code, reason = FAILURES[kind]
            retry_s = error.retry_s if isinstance(error, Overloaded | StoreFull) else 0.0
            return Failure(code, str(error)[:MAX_MESSAGE], _reason(reason), retry_s=retry_s)
    fault = secrets.token_hex(6)
    message = f"internal error {fault}; the server's log says more"
    return Failure(code_pb2.INTERNAL, message, _reason(reasons.ERROR_REASON_INTERNAL), fault)


def _reason(number: int) -> str:
    return str(reasons.ErrorReason.Name(number)).removeprefix("ERROR_REASON_")
