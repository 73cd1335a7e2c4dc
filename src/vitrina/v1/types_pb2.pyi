from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Channel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHANNEL_UNSPECIFIED: _ClassVar[Channel]
    CHANNEL_SITE: _ClassVar[Channel]
    CHANNEL_APP: _ClassVar[Channel]
    CHANNEL_EMAIL: _ClassVar[Channel]
    CHANNEL_PUSH: _ClassVar[Channel]
    CHANNEL_RETARGETING: _ClassVar[Channel]

class ProductField(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRODUCT_FIELD_UNSPECIFIED: _ClassVar[ProductField]
    PRODUCT_FIELD_TITLE: _ClassVar[ProductField]
    PRODUCT_FIELD_CATEGORY: _ClassVar[ProductField]
    PRODUCT_FIELD_PRICE: _ClassVar[ProductField]
    PRODUCT_FIELD_OLD_PRICE: _ClassVar[ProductField]
    PRODUCT_FIELD_IMAGE: _ClassVar[ProductField]
    PRODUCT_FIELD_ATTRIBUTES: _ClassVar[ProductField]
    PRODUCT_FIELD_URL: _ClassVar[ProductField]
    PRODUCT_FIELD_STOCK: _ClassVar[ProductField]
    PRODUCT_FIELD_TAGS: _ClassVar[ProductField]

class Consent(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONSENT_UNSPECIFIED: _ClassVar[Consent]
    CONSENT_GIVEN: _ClassVar[Consent]
    CONSENT_REFUSED: _ClassVar[Consent]
CHANNEL_UNSPECIFIED: Channel
CHANNEL_SITE: Channel
CHANNEL_APP: Channel
CHANNEL_EMAIL: Channel
CHANNEL_PUSH: Channel
CHANNEL_RETARGETING: Channel
PRODUCT_FIELD_UNSPECIFIED: ProductField
PRODUCT_FIELD_TITLE: ProductField
PRODUCT_FIELD_CATEGORY: ProductField
PRODUCT_FIELD_PRICE: ProductField
PRODUCT_FIELD_OLD_PRICE: ProductField
PRODUCT_FIELD_IMAGE: ProductField
PRODUCT_FIELD_ATTRIBUTES: ProductField
PRODUCT_FIELD_URL: ProductField
PRODUCT_FIELD_STOCK: ProductField
PRODUCT_FIELD_TAGS: ProductField
CONSENT_UNSPECIFIED: Consent
CONSENT_GIVEN: Consent
CONSENT_REFUSED: Consent

class SessionEvent(_message.Message):
    __slots__ = ("item_id", "type", "time")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    type: str
    time: int
    def __init__(self, item_id: _Optional[str] = ..., type: _Optional[str] = ..., time: _Optional[int] = ...) -> None: ...

class Range(_message.Message):
    __slots__ = ("min", "max", "above", "below")
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    ABOVE_FIELD_NUMBER: _ClassVar[int]
    BELOW_FIELD_NUMBER: _ClassVar[int]
    min: float
    max: float
    above: float
    below: float
    def __init__(self, min: _Optional[float] = ..., max: _Optional[float] = ..., above: _Optional[float] = ..., below: _Optional[float] = ...) -> None: ...

class AttributeCondition(_message.Message):
    __slots__ = ("name", "values")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    name: str
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ...) -> None: ...

class NumberCondition(_message.Message):
    __slots__ = ("name", "range")
    NAME_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    name: str
    range: Range
    def __init__(self, name: _Optional[str] = ..., range: _Optional[_Union[Range, _Mapping]] = ...) -> None: ...

class DateCondition(_message.Message):
    __slots__ = ("name", "after", "before", "within_days", "older_days")
    NAME_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    WITHIN_DAYS_FIELD_NUMBER: _ClassVar[int]
    OLDER_DAYS_FIELD_NUMBER: _ClassVar[int]
    name: str
    after: float
    before: float
    within_days: float
    older_days: float
    def __init__(self, name: _Optional[str] = ..., after: _Optional[float] = ..., before: _Optional[float] = ..., within_days: _Optional[float] = ..., older_days: _Optional[float] = ...) -> None: ...

class Filter(_message.Message):
    __slots__ = ("categories", "brands", "all", "any", "none", "tags", "item_ids", "stocked_in", "price", "discount", "margin", "attributes", "numbers", "dates", "price_to_seed", "price_level", "same_as_seed", "unlike_seed", "same_as_customer", "unlike_customer", "untouched")
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    BRANDS_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    ANY_FIELD_NUMBER: _ClassVar[int]
    NONE_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    STOCKED_IN_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    DATES_FIELD_NUMBER: _ClassVar[int]
    PRICE_TO_SEED_FIELD_NUMBER: _ClassVar[int]
    PRICE_LEVEL_FIELD_NUMBER: _ClassVar[int]
    SAME_AS_SEED_FIELD_NUMBER: _ClassVar[int]
    UNLIKE_SEED_FIELD_NUMBER: _ClassVar[int]
    SAME_AS_CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    UNLIKE_CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    UNTOUCHED_FIELD_NUMBER: _ClassVar[int]
    categories: _containers.RepeatedScalarFieldContainer[str]
    brands: _containers.RepeatedScalarFieldContainer[str]
    all: _containers.RepeatedCompositeFieldContainer[Filter]
    any: _containers.RepeatedCompositeFieldContainer[Filter]
    none: _containers.RepeatedCompositeFieldContainer[Filter]
    tags: _containers.RepeatedScalarFieldContainer[str]
    item_ids: _containers.RepeatedScalarFieldContainer[str]
    stocked_in: _containers.RepeatedScalarFieldContainer[str]
    price: Range
    discount: Range
    margin: Range
    attributes: _containers.RepeatedCompositeFieldContainer[AttributeCondition]
    numbers: _containers.RepeatedCompositeFieldContainer[NumberCondition]
    dates: _containers.RepeatedCompositeFieldContainer[DateCondition]
    price_to_seed: Range
    price_level: Range
    same_as_seed: _containers.RepeatedScalarFieldContainer[str]
    unlike_seed: _containers.RepeatedScalarFieldContainer[str]
    same_as_customer: _containers.RepeatedScalarFieldContainer[str]
    unlike_customer: _containers.RepeatedScalarFieldContainer[str]
    untouched: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, categories: _Optional[_Iterable[str]] = ..., brands: _Optional[_Iterable[str]] = ..., all: _Optional[_Iterable[_Union[Filter, _Mapping]]] = ..., any: _Optional[_Iterable[_Union[Filter, _Mapping]]] = ..., none: _Optional[_Iterable[_Union[Filter, _Mapping]]] = ..., tags: _Optional[_Iterable[str]] = ..., item_ids: _Optional[_Iterable[str]] = ..., stocked_in: _Optional[_Iterable[str]] = ..., price: _Optional[_Union[Range, _Mapping]] = ..., discount: _Optional[_Union[Range, _Mapping]] = ..., margin: _Optional[_Union[Range, _Mapping]] = ..., attributes: _Optional[_Iterable[_Union[AttributeCondition, _Mapping]]] = ..., numbers: _Optional[_Iterable[_Union[NumberCondition, _Mapping]]] = ..., dates: _Optional[_Iterable[_Union[DateCondition, _Mapping]]] = ..., price_to_seed: _Optional[_Union[Range, _Mapping]] = ..., price_level: _Optional[_Union[Range, _Mapping]] = ..., same_as_seed: _Optional[_Iterable[str]] = ..., unlike_seed: _Optional[_Iterable[str]] = ..., same_as_customer: _Optional[_Iterable[str]] = ..., unlike_customer: _Optional[_Iterable[str]] = ..., untouched: _Optional[_Iterable[str]] = ...) -> None: ...

class Block(_message.Message):
    __slots__ = ("placement", "limit", "filter", "exclude_item_ids", "candidate_item_ids", "priority")
    PLACEMENT_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    placement: str
    limit: int
    filter: Filter
    exclude_item_ids: _containers.RepeatedScalarFieldContainer[str]
    candidate_item_ids: _containers.RepeatedScalarFieldContainer[str]
    priority: int
    def __init__(self, placement: _Optional[str] = ..., limit: _Optional[int] = ..., filter: _Optional[_Union[Filter, _Mapping]] = ..., exclude_item_ids: _Optional[_Iterable[str]] = ..., candidate_item_ids: _Optional[_Iterable[str]] = ..., priority: _Optional[int] = ...) -> None: ...

class Rule(_message.Message):
    __slots__ = ("antecedent_ids", "support", "confidence", "lift")
    ANTECEDENT_IDS_FIELD_NUMBER: _ClassVar[int]
    SUPPORT_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    LIFT_FIELD_NUMBER: _ClassVar[int]
    antecedent_ids: _containers.RepeatedScalarFieldContainer[str]
    support: float
    confidence: float
    lift: float
    def __init__(self, antecedent_ids: _Optional[_Iterable[str]] = ..., support: _Optional[float] = ..., confidence: _Optional[float] = ..., lift: _Optional[float] = ...) -> None: ...

class Reason(_message.Message):
    __slots__ = ("source", "seed_item_ids", "rule", "sentence")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SEED_ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    SENTENCE_FIELD_NUMBER: _ClassVar[int]
    source: str
    seed_item_ids: _containers.RepeatedScalarFieldContainer[str]
    rule: Rule
    sentence: str
    def __init__(self, source: _Optional[str] = ..., seed_item_ids: _Optional[_Iterable[str]] = ..., rule: _Optional[_Union[Rule, _Mapping]] = ..., sentence: _Optional[str] = ...) -> None: ...

class Product(_message.Message):
    __slots__ = ("title", "category", "price", "old_price", "image", "attributes", "url", "in_stock", "regions", "tags")
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TITLE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    OLD_PRICE_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    IN_STOCK_FIELD_NUMBER: _ClassVar[int]
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    title: str
    category: str
    price: float
    old_price: float
    image: str
    attributes: _containers.ScalarMap[str, str]
    url: str
    in_stock: bool
    regions: _containers.RepeatedScalarFieldContainer[str]
    tags: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, title: _Optional[str] = ..., category: _Optional[str] = ..., price: _Optional[float] = ..., old_price: _Optional[float] = ..., image: _Optional[str] = ..., attributes: _Optional[_Mapping[str, str]] = ..., url: _Optional[str] = ..., in_stock: bool = ..., regions: _Optional[_Iterable[str]] = ..., tags: _Optional[_Iterable[str]] = ...) -> None: ...

class ListedItem(_message.Message):
    __slots__ = ("item_id", "score", "sources", "reason", "product")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    score: float
    sources: _containers.RepeatedScalarFieldContainer[str]
    reason: Reason
    product: Product
    def __init__(self, item_id: _Optional[str] = ..., score: _Optional[float] = ..., sources: _Optional[_Iterable[str]] = ..., reason: _Optional[_Union[Reason, _Mapping]] = ..., product: _Optional[_Union[Product, _Mapping]] = ...) -> None: ...

class TraceStage(_message.Message):
    __slots__ = ("stage", "item_ids")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    stage: str
    item_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, stage: _Optional[str] = ..., item_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class ListedBlock(_message.Message):
    __slots__ = ("placement", "items", "fallback_level", "relaxed", "trace", "dropped", "missing")
    PLACEMENT_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_LEVEL_FIELD_NUMBER: _ClassVar[int]
    RELAXED_FIELD_NUMBER: _ClassVar[int]
    TRACE_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    placement: str
    items: _containers.RepeatedCompositeFieldContainer[ListedItem]
    fallback_level: int
    relaxed: _containers.RepeatedScalarFieldContainer[str]
    trace: _containers.RepeatedCompositeFieldContainer[TraceStage]
    dropped: bool
    missing: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, placement: _Optional[str] = ..., items: _Optional[_Iterable[_Union[ListedItem, _Mapping]]] = ..., fallback_level: _Optional[int] = ..., relaxed: _Optional[_Iterable[str]] = ..., trace: _Optional[_Iterable[_Union[TraceStage, _Mapping]]] = ..., dropped: bool = ..., missing: _Optional[_Iterable[str]] = ...) -> None: ...
