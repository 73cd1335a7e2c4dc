from vitrina.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ExportRequest(_message.Message):
    __slots__ = ("triggers", "cursor")
    TRIGGERS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    triggers: _containers.RepeatedScalarFieldContainer[str]
    cursor: str
    def __init__(self, triggers: _Optional[_Iterable[str]] = ..., cursor: _Optional[str] = ...) -> None: ...

class ExportResponse(_message.Message):
    __slots__ = ("entries", "cursor")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[AudienceEntry]
    cursor: str
    def __init__(self, entries: _Optional[_Iterable[_Union[AudienceEntry, _Mapping]]] = ..., cursor: _Optional[str] = ...) -> None: ...

class AudienceEntry(_message.Message):
    __slots__ = ("trigger_id", "trigger", "user_id", "since_time", "until_time", "about_item_ids", "item_ids", "channel", "send_time", "hour_opens", "reason")
    TRIGGER_ID_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SINCE_TIME_FIELD_NUMBER: _ClassVar[int]
    UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    ABOUT_ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    SEND_TIME_FIELD_NUMBER: _ClassVar[int]
    HOUR_OPENS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    trigger_id: str
    trigger: str
    user_id: str
    since_time: int
    until_time: int
    about_item_ids: _containers.RepeatedScalarFieldContainer[str]
    item_ids: _containers.RepeatedScalarFieldContainer[str]
    channel: _types_pb2.Channel
    send_time: int
    hour_opens: int
    reason: str
    def __init__(self, trigger_id: _Optional[str] = ..., trigger: _Optional[str] = ..., user_id: _Optional[str] = ..., since_time: _Optional[int] = ..., until_time: _Optional[int] = ..., about_item_ids: _Optional[_Iterable[str]] = ..., item_ids: _Optional[_Iterable[str]] = ..., channel: _Optional[_Union[_types_pb2.Channel, str]] = ..., send_time: _Optional[int] = ..., hour_opens: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...
