"""Messages of `vitrina.v1` to dataclasses, by hand. Every bound is checked here, before use.

Knows neither engine nor transport.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from google.protobuf.message import DecodeError, Message

from vitrina import filters
from vitrina.errors import InvalidRequest, Malformed
from vitrina.filters import EVERYTHING, Filter
from vitrina.ids import MAX_ID_BYTES
from vitrina.request import Block, Request, SessionEvent
from vitrina.v1 import types_pb2 as v1

MAX_BLOCKS = 20
MAX_CONTEXT = 100
MAX_EVENTS = 200
MAX_CANDIDATES = 1000
MAX_EXCLUDED = 1000
MAX_ON_PAGE = 500
MAX_USERS = 10_000
MAX_PRODUCT_FIELDS = 16
MAX_TYPE_BYTES = 64
MAX_LOCALE_BYTES = 64
MAX_TOKEN_BYTES = 48 << 10
SMALL_BLOCK = 256
"""Bytes of a block that is remembered as it was read."""

CHANNELS = {
    number: name.removeprefix("CHANNEL_").lower() if number else "site" for name, number in v1.Channel.items()
}
PRODUCT_FIELDS = {
    number: name.removeprefix("PRODUCT_FIELD_").lower() for name, number in v1.ProductField.items() if number
}
SHOWN_BY = {"stock": ("in_stock", "regions")}
"""Fields of Product by the name they are asked for, where that is another."""
CONSENTS: dict[int, str] = {
    v1.CONSENT_UNSPECIFIED: "",
    v1.CONSENT_GIVEN: "given",
    v1.CONSENT_REFUSED: "refused",
}


def parse(kind: type[Message], data: bytes, most: int) -> Any:
    """Read a message of at most `most` bytes. Raises Malformed and InvalidRequest."""
    if len(data) > most:
        raise InvalidRequest(f"the request is {len(data):,} bytes; at most {most:,}")
    try:
        return kind.FromString(data)
    except DecodeError:
        raise Malformed(f"the request is not a {kind.DESCRIPTOR.name} message") from None


def paced_as(visitor_id: str, user_id: str) -> str:
    """Whose pace a call has: a browser's, or a user's where no browser is named; empty for nobody's."""
    return f"v{visitor_id}" if visitor_id else f"u{user_id}" if user_id else ""


def request(message: Any) -> Request:
    """A RecommendRequest as the engine takes it, without its continue_token. Raises InvalidRequest."""
    short(message.continue_token, "continue_token", MAX_TOKEN_BYTES)
    return Request(
        blocks=blocks(message.blocks),
        user_id=short(message.user_id, "user_id"),
        visitor_id=short(message.visitor_id, "visitor_id"),
        channel=channel(message.channel),
        region=short(message.region, "region"),
        context_item_ids=ids(message.context_item_ids, "context_item_ids", MAX_CONTEXT),
        events=_events(message.events, ""),
        page_item_ids=ids(message.page_item_ids, "page_item_ids", MAX_ON_PAGE),
        consent=_consent(message.consent, "consent"),
        explain=message.explain,
        reasons=not message.omit_reasons,
        locale=short(message.locale, "locale", MAX_LOCALE_BYTES),
    )


def requests(message: Any) -> list[Request]:
    """A BatchRecommendRequest as one request for each of its users. Raises InvalidRequest."""
    _between(len(message.users), 1, MAX_USERS, "users")
    page = Request(
        blocks=blocks(message.blocks),
        channel=channel(message.channel),
        reasons=not message.omit_reasons,
        locale=short(message.locale, "locale", MAX_LOCALE_BYTES),
    )
    return [_asker(one, f"users[{at}].", page) for at, one in enumerate(message.users)]


def blocks(messages: Sequence[Any]) -> tuple[Block, ...]:
    """The lists that are wanted. Raises InvalidRequest."""
    _between(len(messages), 1, MAX_BLOCKS, "blocks")
    return tuple(
        [
            _usual(one.SerializeToString(), f"blocks[{at}].")
            if one.ByteSize() <= SMALL_BLOCK
            else _block(one, f"blocks[{at}].")
            for at, one in enumerate(messages)
        ]
    )


def channel(number: int) -> str:
    """The channel's name in lower case; 'site' where it is not said. Raises InvalidRequest."""
    if number not in CHANNELS:
        raise InvalidRequest(f"channel {number} is unknown; known: {', '.join(v1.Channel.keys())}")
    return CHANNELS[number]


def product_fields(numbers: Sequence[int]) -> tuple[str, ...]:
    """The names of the product fields asked for. Raises InvalidRequest."""
    _between(len(numbers), 0, MAX_PRODUCT_FIELDS, "product_fields")
    for number in numbers:
        if number not in PRODUCT_FIELDS:
            raise InvalidRequest(
                f"product field {number} is unknown; known: {', '.join(v1.ProductField.keys()[1:])}"
            )
    asked = [PRODUCT_FIELDS[number] for number in numbers]
    return tuple(name for one in asked for name in SHOWN_BY.get(one, (one,)))


def _asker(message: Any, where: str, page: Request) -> Request:
    return Request(
        blocks=page.blocks,
        user_id=short(message.user_id, where + "user_id"),
        visitor_id=short(message.visitor_id, where + "visitor_id"),
        channel=page.channel,
        region=short(message.region, where + "region"),
        context_item_ids=ids(message.context_item_ids, where + "context_item_ids", MAX_CONTEXT),
        events=_events(message.events, where),
        consent=_consent(message.consent, where + "consent"),
        reasons=page.reasons,
        locale=page.locale,
    )


@lru_cache(maxsize=1024)
def _usual(data: bytes, where: str) -> Block:
    """A block that is small: a shop asks for the same few again and again."""
    return _block(v1.Block.FromString(data), where)


def _block(message: Any, where: str) -> Block:
    if not message.placement:
        raise InvalidRequest(f"{where}placement is empty; name a placement of the placements file")
    if message.limit < 0:
        raise InvalidRequest(f"{where}limit is {message.limit}; at least 0, which means the default")
    return Block(
        placement=short(message.placement, where + "placement"),
        limit=message.limit,
        filter=_filter(message.filter, where + "filter") if message.HasField("filter") else EVERYTHING,
        exclude_item_ids=ids(message.exclude_item_ids, where + "exclude_item_ids", MAX_EXCLUDED),
        candidate_item_ids=ids(message.candidate_item_ids, where + "candidate_item_ids", MAX_CANDIDATES),
        priority=message.priority,
    )


def _filter(message: Any, where: str) -> Filter:
    try:
        return filters.parse(_table(message), where)
    except ValueError as reason:
        raise InvalidRequest(str(reason)) from None


def _table(message: Any) -> Mapping[str, Any]:
    """The fields of a message that are given, as plain tables and lists."""
    return {field.name: _value(value) for field, value in message.ListFields()}


def _value(value: Any) -> Any:
    if isinstance(value, Message):
        return _table(value)
    return value if isinstance(value, str | float | int) else [_value(one) for one in value]


def _consent(number: int, where: str) -> str:
    if number not in CONSENTS:
        raise InvalidRequest(f"{where} {number} is unknown; known: {', '.join(v1.Consent.keys())}")
    return CONSENTS[number]


def _events(messages: Sequence[Any], where: str) -> tuple[SessionEvent, ...]:
    if not messages:
        return ()
    _between(len(messages), 0, MAX_EVENTS, where + "events")
    return tuple(_event(one, f"{where}events[{at}].") for at, one in enumerate(messages))


def _event(message: Any, where: str) -> SessionEvent:
    if message.time < 0:
        raise InvalidRequest(f"{where}time is {message.time}; seconds since 1970, or 0 for now")
    return SessionEvent(
        item_id=short(message.item_id, where + "item_id"),
        type=short(message.type, where + "type", MAX_TYPE_BYTES) or "view",
        time=message.time,
    )


def ids(texts: Sequence[str], name: str, most: int, longest: int = MAX_ID_BYTES) -> tuple[str, ...]:
    """At most `most` ids, or other words of `longest` bytes at most. Raises InvalidRequest."""
    if not texts:
        return ()
    _between(len(texts), 0, most, name)
    found = tuple(texts)
    # One pass in C finds that there is nothing to find; only then is each looked at.
    if 4 * max(map(len, found)) > longest:
        for at, one in enumerate(found):
            short(one, f"{name}[{at}]", longest)
    return found


def short(text: str, name: str, longest: int = MAX_ID_BYTES) -> str:
    """A text of at most `longest` bytes. Raises InvalidRequest."""
    if 4 * len(text) > longest and len(text.encode()) > longest:
        raise InvalidRequest(f"{name} is {len(text.encode()):,} bytes; at most {longest:,}")
    return text


def _between(n: int, least: int, most: int, name: str) -> None:
    if n > most:
        raise InvalidRequest(f"{name} holds {n:,} entries; at most {most:,}")
    if n < least:
        raise InvalidRequest(f"{name} is empty; at least {least} is needed")
