from vitrina.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RecommendRequest(_message.Message):
    __slots__ = ("user_id", "visitor_id", "channel", "region", "context_item_ids", "events", "blocks", "page_item_ids", "continue_token", "explain", "validate_only", "product_fields", "omit_reasons", "consent", "locale")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    VISITOR_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    PAGE_ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    CONTINUE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_FIELDS_FIELD_NUMBER: _ClassVar[int]
    OMIT_REASONS_FIELD_NUMBER: _ClassVar[int]
    CONSENT_FIELD_NUMBER: _ClassVar[int]
    LOCALE_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    visitor_id: str
    channel: _types_pb2.Channel
    region: str
    context_item_ids: _containers.RepeatedScalarFieldContainer[str]
    events: _containers.RepeatedCompositeFieldContainer[_types_pb2.SessionEvent]
    blocks: _containers.RepeatedCompositeFieldContainer[_types_pb2.Block]
    page_item_ids: _containers.RepeatedScalarFieldContainer[str]
    continue_token: str
    explain: bool
    validate_only: bool
    product_fields: _containers.RepeatedScalarFieldContainer[_types_pb2.ProductField]
    omit_reasons: bool
    consent: _types_pb2.Consent
    locale: str
    def __init__(self, user_id: _Optional[str] = ..., visitor_id: _Optional[str] = ..., channel: _Optional[_Union[_types_pb2.Channel, str]] = ..., region: _Optional[str] = ..., context_item_ids: _Optional[_Iterable[str]] = ..., events: _Optional[_Iterable[_Union[_types_pb2.SessionEvent, _Mapping]]] = ..., blocks: _Optional[_Iterable[_Union[_types_pb2.Block, _Mapping]]] = ..., page_item_ids: _Optional[_Iterable[str]] = ..., continue_token: _Optional[str] = ..., explain: bool = ..., validate_only: bool = ..., product_fields: _Optional[_Iterable[_Union[_types_pb2.ProductField, str]]] = ..., omit_reasons: bool = ..., consent: _Optional[_Union[_types_pb2.Consent, str]] = ..., locale: _Optional[str] = ...) -> None: ...

class RecommendResponse(_message.Message):
    __slots__ = ("blocks", "attribution_token", "bundle_version", "unknown_item_ids", "known_user", "contextual", "degraded")
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTION_TOKEN_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_VERSION_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    KNOWN_USER_FIELD_NUMBER: _ClassVar[int]
    CONTEXTUAL_FIELD_NUMBER: _ClassVar[int]
    DEGRADED_FIELD_NUMBER: _ClassVar[int]
    blocks: _containers.RepeatedCompositeFieldContainer[_types_pb2.ListedBlock]
    attribution_token: str
    bundle_version: str
    unknown_item_ids: _containers.RepeatedScalarFieldContainer[str]
    known_user: bool
    contextual: bool
    degraded: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, blocks: _Optional[_Iterable[_Union[_types_pb2.ListedBlock, _Mapping]]] = ..., attribution_token: _Optional[str] = ..., bundle_version: _Optional[str] = ..., unknown_item_ids: _Optional[_Iterable[str]] = ..., known_user: bool = ..., contextual: bool = ..., degraded: _Optional[_Iterable[str]] = ...) -> None: ...

class BatchRecommendRequest(_message.Message):
    __slots__ = ("users", "channel", "blocks", "validate_only", "product_fields", "omit_reasons", "locale")
    USERS_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_FIELDS_FIELD_NUMBER: _ClassVar[int]
    OMIT_REASONS_FIELD_NUMBER: _ClassVar[int]
    LOCALE_FIELD_NUMBER: _ClassVar[int]
    users: _containers.RepeatedCompositeFieldContainer[BatchUser]
    channel: _types_pb2.Channel
    blocks: _containers.RepeatedCompositeFieldContainer[_types_pb2.Block]
    validate_only: bool
    product_fields: _containers.RepeatedScalarFieldContainer[_types_pb2.ProductField]
    omit_reasons: bool
    locale: str
    def __init__(self, users: _Optional[_Iterable[_Union[BatchUser, _Mapping]]] = ..., channel: _Optional[_Union[_types_pb2.Channel, str]] = ..., blocks: _Optional[_Iterable[_Union[_types_pb2.Block, _Mapping]]] = ..., validate_only: bool = ..., product_fields: _Optional[_Iterable[_Union[_types_pb2.ProductField, str]]] = ..., omit_reasons: bool = ..., locale: _Optional[str] = ...) -> None: ...

class BatchUser(_message.Message):
    __slots__ = ("user_id", "visitor_id", "region", "context_item_ids", "events", "consent")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    VISITOR_ID_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    CONSENT_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    visitor_id: str
    region: str
    context_item_ids: _containers.RepeatedScalarFieldContainer[str]
    events: _containers.RepeatedCompositeFieldContainer[_types_pb2.SessionEvent]
    consent: _types_pb2.Consent
    def __init__(self, user_id: _Optional[str] = ..., visitor_id: _Optional[str] = ..., region: _Optional[str] = ..., context_item_ids: _Optional[_Iterable[str]] = ..., events: _Optional[_Iterable[_Union[_types_pb2.SessionEvent, _Mapping]]] = ..., consent: _Optional[_Union[_types_pb2.Consent, str]] = ...) -> None: ...

class BatchRecommendResponse(_message.Message):
    __slots__ = ("user_id", "visitor_id", "answer")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    VISITOR_ID_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    visitor_id: str
    answer: RecommendResponse
    def __init__(self, user_id: _Optional[str] = ..., visitor_id: _Optional[str] = ..., answer: _Optional[_Union[RecommendResponse, _Mapping]] = ...) -> None: ...

class ExplainRequest(_message.Message):
    __slots__ = ("request", "item_ids")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    request: RecommendRequest
    item_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, request: _Optional[_Union[RecommendRequest, _Mapping]] = ..., item_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class ExplainResponse(_message.Message):
    __slots__ = ("answer", "fates")
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    FATES_FIELD_NUMBER: _ClassVar[int]
    answer: RecommendResponse
    fates: _containers.RepeatedCompositeFieldContainer[Fate]
    def __init__(self, answer: _Optional[_Union[RecommendResponse, _Mapping]] = ..., fates: _Optional[_Iterable[_Union[Fate, _Mapping]]] = ...) -> None: ...

class Fate(_message.Message):
    __slots__ = ("item_id", "place", "stage", "rules", "proposed", "blended")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    PROPOSED_FIELD_NUMBER: _ClassVar[int]
    BLENDED_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    place: int
    stage: str
    rules: _containers.RepeatedScalarFieldContainer[str]
    proposed: _containers.RepeatedCompositeFieldContainer[Proposal]
    blended: int
    def __init__(self, item_id: _Optional[str] = ..., place: _Optional[int] = ..., stage: _Optional[str] = ..., rules: _Optional[_Iterable[str]] = ..., proposed: _Optional[_Iterable[_Union[Proposal, _Mapping]]] = ..., blended: _Optional[int] = ...) -> None: ...

class Proposal(_message.Message):
    __slots__ = ("source", "place")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    source: str
    place: int
    def __init__(self, source: _Optional[str] = ..., place: _Optional[int] = ...) -> None: ...
