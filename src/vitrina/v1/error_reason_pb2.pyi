from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class ErrorReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ERROR_REASON_UNSPECIFIED: _ClassVar[ErrorReason]
    ERROR_REASON_MALFORMED_MESSAGE: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_REQUEST: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_TOKEN: _ClassVar[ErrorReason]
    ERROR_REASON_UNKNOWN_PLACEMENT: _ClassVar[ErrorReason]
    ERROR_REASON_NOT_READY: _ClassVar[ErrorReason]
    ERROR_REASON_OVERLOADED: _ClassVar[ErrorReason]
    ERROR_REASON_TIME_UP: _ClassVar[ErrorReason]
    ERROR_REASON_INTERNAL: _ClassVar[ErrorReason]
    ERROR_REASON_NO_SUCH_BUNDLE: _ClassVar[ErrorReason]
    ERROR_REASON_BUNDLE_REFUSED: _ClassVar[ErrorReason]
    ERROR_REASON_TOKEN_REFUSED: _ClassVar[ErrorReason]
    ERROR_REASON_SCOPE_MISSING: _ClassVar[ErrorReason]
    ERROR_REASON_RATE_LIMITED: _ClassVar[ErrorReason]
    ERROR_REASON_PLACEMENTS_REFUSED: _ClassVar[ErrorReason]
    ERROR_REASON_STORE_FULL: _ClassVar[ErrorReason]
    ERROR_REASON_STORE_FAILED: _ClassVar[ErrorReason]
ERROR_REASON_UNSPECIFIED: ErrorReason
ERROR_REASON_MALFORMED_MESSAGE: ErrorReason
ERROR_REASON_INVALID_REQUEST: ErrorReason
ERROR_REASON_INVALID_TOKEN: ErrorReason
ERROR_REASON_UNKNOWN_PLACEMENT: ErrorReason
ERROR_REASON_NOT_READY: ErrorReason
ERROR_REASON_OVERLOADED: ErrorReason
ERROR_REASON_TIME_UP: ErrorReason
ERROR_REASON_INTERNAL: ErrorReason
ERROR_REASON_NO_SUCH_BUNDLE: ErrorReason
ERROR_REASON_BUNDLE_REFUSED: ErrorReason
ERROR_REASON_TOKEN_REFUSED: ErrorReason
ERROR_REASON_SCOPE_MISSING: ErrorReason
ERROR_REASON_RATE_LIMITED: ErrorReason
ERROR_REASON_PLACEMENTS_REFUSED: ErrorReason
ERROR_REASON_STORE_FULL: ErrorReason
ERROR_REASON_STORE_FAILED: ErrorReason
