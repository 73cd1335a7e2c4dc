from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PersonId(_message.Message):
    __slots__ = ("user_id", "visitor_id", "other")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    VISITOR_ID_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    visitor_id: str
    other: str
    def __init__(self, user_id: _Optional[str] = ..., visitor_id: _Optional[str] = ..., other: _Optional[str] = ...) -> None: ...

class MergeUsersRequest(_message.Message):
    __slots__ = ("ids",)
    IDS_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedCompositeFieldContainer[PersonId]
    def __init__(self, ids: _Optional[_Iterable[_Union[PersonId, _Mapping]]] = ...) -> None: ...

class MergeUsersResponse(_message.Message):
    __slots__ = ("ids",)
    IDS_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedCompositeFieldContainer[PersonId]
    def __init__(self, ids: _Optional[_Iterable[_Union[PersonId, _Mapping]]] = ...) -> None: ...

class ForgetUserRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: PersonId
    def __init__(self, id: _Optional[_Union[PersonId, _Mapping]] = ...) -> None: ...

class ForgetUserResponse(_message.Message):
    __slots__ = ("forgotten_ids", "erased_events")
    FORGOTTEN_IDS_FIELD_NUMBER: _ClassVar[int]
    ERASED_EVENTS_FIELD_NUMBER: _ClassVar[int]
    forgotten_ids: int
    erased_events: int
    def __init__(self, forgotten_ids: _Optional[int] = ..., erased_events: _Optional[int] = ...) -> None: ...
