from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ItemOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ITEM_OUTCOME_UNSPECIFIED: _ClassVar[ItemOutcome]
    ITEM_OUTCOME_APPLIED: _ClassVar[ItemOutcome]
    ITEM_OUTCOME_SUPERSEDED: _ClassVar[ItemOutcome]
    ITEM_OUTCOME_REJECTED: _ClassVar[ItemOutcome]
ITEM_OUTCOME_UNSPECIFIED: ItemOutcome
ITEM_OUTCOME_APPLIED: ItemOutcome
ITEM_OUTCOME_SUPERSEDED: ItemOutcome
ITEM_OUTCOME_REJECTED: ItemOutcome

class ListItemUpdatesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListItemUpdatesResponse(_message.Message):
    __slots__ = ("items", "next_page_token")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[ItemUpdate]
    next_page_token: str
    def __init__(self, items: _Optional[_Iterable[_Union[ItemUpdate, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateItemsRequest(_message.Message):
    __slots__ = ("items", "validate_only")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[ItemUpdate]
    validate_only: bool
    def __init__(self, items: _Optional[_Iterable[_Union[ItemUpdate, _Mapping]]] = ..., validate_only: bool = ...) -> None: ...

class UpdateItemsResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[ItemResult]
    def __init__(self, results: _Optional[_Iterable[_Union[ItemResult, _Mapping]]] = ...) -> None: ...

class ItemUpdate(_message.Message):
    __slots__ = ("item_id", "time", "title", "category", "product_id", "price", "old_price", "margin", "in_stock", "stock", "image", "url", "attributes", "tags", "available_from_time", "available_until_time", "removed", "image_vector", "regions")
    class StockEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: bool
        def __init__(self, key: _Optional[str] = ..., value: bool = ...) -> None: ...
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    OLD_PRICE_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    IN_STOCK_FIELD_NUMBER: _ClassVar[int]
    STOCK_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FROM_TIME_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    IMAGE_VECTOR_FIELD_NUMBER: _ClassVar[int]
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    time: int
    title: str
    category: str
    product_id: str
    price: float
    old_price: float
    margin: float
    in_stock: bool
    stock: _containers.ScalarMap[str, bool]
    image: str
    url: str
    attributes: _containers.ScalarMap[str, str]
    tags: Words
    available_from_time: int
    available_until_time: int
    removed: bool
    image_vector: _containers.RepeatedScalarFieldContainer[float]
    regions: Words
    def __init__(self, item_id: _Optional[str] = ..., time: _Optional[int] = ..., title: _Optional[str] = ..., category: _Optional[str] = ..., product_id: _Optional[str] = ..., price: _Optional[float] = ..., old_price: _Optional[float] = ..., margin: _Optional[float] = ..., in_stock: bool = ..., stock: _Optional[_Mapping[str, bool]] = ..., image: _Optional[str] = ..., url: _Optional[str] = ..., attributes: _Optional[_Mapping[str, str]] = ..., tags: _Optional[_Union[Words, _Mapping]] = ..., available_from_time: _Optional[int] = ..., available_until_time: _Optional[int] = ..., removed: bool = ..., image_vector: _Optional[_Iterable[float]] = ..., regions: _Optional[_Union[Words, _Mapping]] = ...) -> None: ...

class Words(_message.Message):
    __slots__ = ("words",)
    WORDS_FIELD_NUMBER: _ClassVar[int]
    words: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, words: _Optional[_Iterable[str]] = ...) -> None: ...

class ItemResult(_message.Message):
    __slots__ = ("outcome", "reason")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    outcome: ItemOutcome
    reason: str
    def __init__(self, outcome: _Optional[_Union[ItemOutcome, str]] = ..., reason: _Optional[str] = ...) -> None: ...
