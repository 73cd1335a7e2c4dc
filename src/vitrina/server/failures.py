"""Failures: what a caller is told of an error, by one table. Knows no transport."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

from vitrina.errors import (
    BundleError,
    InvalidRequest,
    InvalidToken,
    Malformed,
    NotReady,
    Overloaded,
    RegistryError,
    TimedOut,
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
    NotReady: (code_pb2.UNAVAILABLE, reasons.ERROR_REASON_NOT_READY),
    Overloaded: (code_pb2.RESOURCE_EXHAUSTED, reasons.ERROR_REASON_OVERLOADED),
    TimedOut: (code_pb2.DEADLINE_EXCEEDED, reasons.ERROR_REASON_TIME_UP),
    RegistryError: (code_pb2.NOT_FOUND, reasons.ERROR_REASON_NO_SUCH_BUNDLE),
    BundleError: (code_pb2.FAILED_PRECONDITION, reasons.ERROR_REASON_BUNDLE_REFUSED),
}
"""The one table from exceptions to what a caller sees; anything else is INTERNAL."""


@dataclass(frozen=True)
class Failure:
    """What a caller is told. `code`: a google.rpc.Code; `id`: what the log calls it, if it is ours."""

    code: int
    message: str
    reason: str
    id: str = ""

    @property
    def name(self) -> str:
        """The code's name, such as NOT_FOUND."""
        return str(code_pb2.Code.Name(self.code))

    @property
    def status(self) -> Any:
        """The failure as a google.rpc.Status message with its ErrorInfo."""
        detail = any_pb2.Any()
        detail.Pack(error_details_pb2.ErrorInfo(reason=self.reason, domain=DOMAIN))
        return status_pb2.Status(code=self.code, message=self.message, details=[detail])


def failure(error: Exception) -> Failure:
    """What a caller is told of an error: by the table, or an id and nothing else."""
    for kind in type(error).__mro__:
        if kind in FAILURES and isinstance(error, VitrinaError):
            code, reason = FAILURES[kind]
            return Failure(code, str(error)[:MAX_MESSAGE], _reason(reason))
    fault = secrets.token_hex(6)
    message = f"internal error {fault}; the server's log says more"
    return Failure(code_pb2.INTERNAL, message, _reason(reasons.ERROR_REASON_INTERNAL), fault)


def _reason(number: int) -> str:
    return str(reasons.ErrorReason.Name(number)).removeprefix("ERROR_REASON_")
