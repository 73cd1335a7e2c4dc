"""Answers as bytes of the wire, written from arrays; no message object is made for an item.

Messages that are joined are merged (protobuf's own rule), so the fields that are few are written by the
protobuf library, and those that are many by `kernels/messages.py`, one behind the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrina.kernels.messages import listed_items
from vitrina.listing import Listing, Lists
from vitrina.request import ListedBlock, ListedItem, Product, Response
from vitrina.v1 import recommendation_service_pb2 as v1
from vitrina.v1 import types_pb2

BLOCKS, ANSWER = 1, 3
"""Numbers of RecommendResponse.blocks and of BatchRecommendResponse.answer."""

WIRE = "wire"
"""The name of what is written of all items of some lists at once."""
Encoded = Callable[[str], bytes]
Ragged = tuple[NDArray[np.int64], NDArray[np.uint8]]
_NOTHING: Ragged = (np.zeros(1, np.int64), np.zeros(0, np.uint8))


def answer(response: Response, token: str, products: Encoded | None) -> bytes:
    """A RecommendResponse. `products`: the Product message of an item id; None where none was asked for."""
    few = v1.RecommendResponse(
        attribution_token=token,
        bundle_version=response.bundle_version,
        unknown_item_ids=response.unknown_item_ids,
        known_user=response.known_user,
        contextual=response.contextual,
    )
    if response.degraded:
        few.degraded.extend(response.degraded)
    blocks = [field(BLOCKS, block(one, products)) for one in response.blocks]
    return b"".join([*blocks, few.SerializeToString()])


def block(one: ListedBlock, products: Encoded | None) -> bytes:
    """A ListedBlock."""
    head = _head(one.placement, one.fallback_level, one.relaxed, one.dropped, one.missing)
    return head + items(one.items, products) + (_trace(one.trace) if one.trace else b"")


def items(listed: Sequence[ListedItem], products: Encoded | None = None) -> bytes:
    """The items of a list, as that field of a ListedBlock."""
    some = Listing.of(listed)
    if products:
        shown = _ragged([products(item_id) for item_id in some.item_ids])
        return _written(some.lists, some.lists.ends[some.place : some.place + 2], some.said, shown)[1]
    made = some.lists.written
    if WIRE not in made:
        made[WIRE] = _written(some.lists, some.lists.ends, some.lists.said, None)
    starts, found = made[WIRE]
    one: bytes = found[starts[some.place] : starts[some.place + 1]]
    return one


def _written(
    one: Lists, ends: NDArray[np.int64], sentences: Sequence[str], products: Ragged | None
) -> tuple[list[int], bytes]:
    """Several of some lists, as the field of the items of each, ragged."""
    columns = (one.rows, one.scores, one.sources, one.leads, one.seeds, one.figures)
    said = _ragged([sentence.encode() for sentence in sentences]) if sentences else _unsaid(len(one.rows))
    shown = _NOTHING if products is None else products
    starts, found = listed_items(
        ends, one.ids.letters, _names(one.names), *columns, said, products is not None, shown
    )
    return starts.tolist(), found.tobytes()


def product(found: Product | None, fields: Sequence[str]) -> bytes:
    """The wanted fields of a product; none where the catalogue does not have it."""
    said: dict[str, Any] = {} if found is None else {name: getattr(found, name) for name in fields}
    return bytes(types_pb2.Product(**said).SerializeToString())


def field(number: int, message: bytes) -> bytes:
    """A message as the field of another one; `number` is below 16."""
    length, head = len(message), bytearray([number << 3 | 2])
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + message


@lru_cache(maxsize=1024)
def _head(
    placement: str, level: int, relaxed: tuple[str, ...], dropped: bool, missing: tuple[str, ...]
) -> bytes:
    """What a block says beside its items; few differ."""
    message = types_pb2.ListedBlock(
        placement=placement, fallback_level=level, relaxed=relaxed, dropped=dropped, missing=missing
    )
    return bytes(message.SerializeToString())


def _trace(trace: tuple[tuple[str, tuple[str, ...]], ...]) -> bytes:
    stages: list[Any] = [{"stage": stage, "item_ids": ids} for stage, ids in trace]
    return bytes(types_pb2.ListedBlock(trace=stages).SerializeToString())


@lru_cache(maxsize=1024)
def _unsaid(n: int) -> Ragged:
    """No sentence for any of n items."""
    return np.zeros(n + 1, np.int64), np.zeros(0, np.uint8)


@lru_cache(maxsize=256)
def _names(names: tuple[str, ...]) -> Ragged:
    """Names of sources, ragged; few sets of them differ."""
    return _ragged([one.encode() for one in names])


def _ragged(texts: Sequence[bytes]) -> Ragged:
    ends = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(one) for one in texts], out=ends[1:])
    return ends, np.frombuffer(b"".join(texts), np.uint8)
