from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ModelState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MODEL_STATE_UNSPECIFIED: _ClassVar[ModelState]
    MODEL_STATE_AVAILABLE: _ClassVar[ModelState]
    MODEL_STATE_LOADING: _ClassVar[ModelState]
    MODEL_STATE_SERVING: _ClassVar[ModelState]
    MODEL_STATE_FAILED: _ClassVar[ModelState]
MODEL_STATE_UNSPECIFIED: ModelState
MODEL_STATE_AVAILABLE: ModelState
MODEL_STATE_LOADING: ModelState
MODEL_STATE_SERVING: ModelState
MODEL_STATE_FAILED: ModelState

class ListModelsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ("current_version", "models", "workers")
    CURRENT_VERSION_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    current_version: str
    models: _containers.RepeatedCompositeFieldContainer[Model]
    workers: _containers.RepeatedCompositeFieldContainer[Worker]
    def __init__(self, current_version: _Optional[str] = ..., models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ..., workers: _Optional[_Iterable[_Union[Worker, _Mapping]]] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("version", "state", "reason", "created_time", "size_bytes")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CREATED_TIME_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    version: str
    state: ModelState
    reason: str
    created_time: int
    size_bytes: int
    def __init__(self, version: _Optional[str] = ..., state: _Optional[_Union[ModelState, str]] = ..., reason: _Optional[str] = ..., created_time: _Optional[int] = ..., size_bytes: _Optional[int] = ...) -> None: ...

class Worker(_message.Message):
    __slots__ = ("number", "pid", "version", "placements_version", "since_time", "refused_version", "refused_reason")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PLACEMENTS_VERSION_FIELD_NUMBER: _ClassVar[int]
    SINCE_TIME_FIELD_NUMBER: _ClassVar[int]
    REFUSED_VERSION_FIELD_NUMBER: _ClassVar[int]
    REFUSED_REASON_FIELD_NUMBER: _ClassVar[int]
    number: int
    pid: int
    version: str
    placements_version: str
    since_time: int
    refused_version: str
    refused_reason: str
    def __init__(self, number: _Optional[int] = ..., pid: _Optional[int] = ..., version: _Optional[str] = ..., placements_version: _Optional[str] = ..., since_time: _Optional[int] = ..., refused_version: _Optional[str] = ..., refused_reason: _Optional[str] = ...) -> None: ...

class ActivateModelRequest(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: str
    def __init__(self, version: _Optional[str] = ...) -> None: ...

class ActivateModelResponse(_message.Message):
    __slots__ = ("current_version",)
    CURRENT_VERSION_FIELD_NUMBER: _ClassVar[int]
    current_version: str
    def __init__(self, current_version: _Optional[str] = ...) -> None: ...

class RollBackModelRequest(_message.Message):
    __slots__ = ("from_version",)
    FROM_VERSION_FIELD_NUMBER: _ClassVar[int]
    from_version: str
    def __init__(self, from_version: _Optional[str] = ...) -> None: ...

class RollBackModelResponse(_message.Message):
    __slots__ = ("current_version",)
    CURRENT_VERSION_FIELD_NUMBER: _ClassVar[int]
    current_version: str
    def __init__(self, current_version: _Optional[str] = ...) -> None: ...

class GetPlacementsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetPlacementsResponse(_message.Message):
    __slots__ = ("placements_version", "source", "tables_json", "bundled_json")
    PLACEMENTS_VERSION_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TABLES_JSON_FIELD_NUMBER: _ClassVar[int]
    BUNDLED_JSON_FIELD_NUMBER: _ClassVar[int]
    placements_version: str
    source: str
    tables_json: str
    bundled_json: str
    def __init__(self, placements_version: _Optional[str] = ..., source: _Optional[str] = ..., tables_json: _Optional[str] = ..., bundled_json: _Optional[str] = ...) -> None: ...

class ApplyPlacementsRequest(_message.Message):
    __slots__ = ("tables_json",)
    TABLES_JSON_FIELD_NUMBER: _ClassVar[int]
    tables_json: str
    def __init__(self, tables_json: _Optional[str] = ...) -> None: ...

class ApplyPlacementsResponse(_message.Message):
    __slots__ = ("placements_version",)
    PLACEMENTS_VERSION_FIELD_NUMBER: _ClassVar[int]
    placements_version: str
    def __init__(self, placements_version: _Optional[str] = ...) -> None: ...
