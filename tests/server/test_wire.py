"""Bounds of every field: what is at the limit is answered, one more is refused by name."""

from __future__ import annotations

import math

import pytest
from servers import NOW, service

from vitrina.errors import InvalidRequest
from vitrina.filters import Filter
from vitrina.request import SessionEvent
from vitrina.server import wire
from vitrina.v1 import recommendation_service_pb2 as v1

HOME = {"placement": "home"}


def ids(n):
    """n short ids."""
    return [f"i{number}" for number in range(n)]


def block(**fields):
    """Request fields with one block."""
    return {"blocks": [{**HOME, **fields}]}


BOUNDS = [
    ("blocks", 20, lambda n: {"blocks": [HOME] * n}),
    ("context_item_ids", 100, lambda n: {"context_item_ids": ids(n)}),
    ("events", 200, lambda n: {"events": [{"item_id": "i1"}] * n}),
    ("page_item_ids", 500, lambda n: {"page_item_ids": ids(n)}),
    ("product_fields", 16, lambda n: {"product_fields": ["PRODUCT_FIELD_TITLE"] * n}),
    ("exclude_item_ids", 1000, lambda n: block(exclude_item_ids=ids(n))),
    ("candidate_item_ids", 1000, lambda n: block(candidate_item_ids=ids(n))),
    ("categories", 100, lambda n: block(filter={"categories": ids(n)})),
    ("brands", 100, lambda n: block(filter={"brands": ids(n)})),
    ("user_id", 256, lambda n: {"user_id": "u" * n}),
    ("visitor_id", 256, lambda n: {"visitor_id": "u" * n}),
    ("region", 256, lambda n: {"region": "u" * n}),
    ("context_item_ids", 256, lambda n: {"context_item_ids": ["short", "u" * n]}),
    ("page_item_ids", 256, lambda n: {"page_item_ids": ["u" * n]}),
    ("item_id", 256, lambda n: {"events": [{"item_id": "u" * n}]}),
    ("type", 64, lambda n: {"events": [{"item_id": "i1", "type": "t" * n}]}),
    ("placement", 256, lambda n: {"blocks": [{"placement": "p" * n}]}),
    ("categories", 1024, lambda n: block(filter={"categories": ["c" * n]})),
    ("brands", 256, lambda n: block(filter={"brands": ["b" * n]})),
]


def ask(**fields):
    """Send a request to the service and give the answer's message."""
    message = v1.RecommendRequest(**{"blocks": [HOME], **fields})
    return v1.RecommendResponse.FromString(service().recommend(message.SerializeToString(), NOW))


@pytest.mark.parametrize(("name", "most", "fields"), BOUNDS)
def test_bounds(name, most, fields):
    """A field at its limit is admitted; one more is refused with its name and the limit."""
    ask(**fields(most))
    with pytest.raises(InvalidRequest, match=rf"{name}.*{most:,}"):
        ask(**fields(most + 1))


def test_bytes_count_not_characters():
    """A limit of 256 bytes holds 85 characters of three bytes, and not 86."""
    ask(user_id="€" * 85)
    with pytest.raises(InvalidRequest, match="user_id is 258 bytes; at most 256"):
        ask(user_id="€" * 86)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"blocks": []}, "blocks is empty"),
        ({"blocks": [{}]}, r"blocks\[0\].placement is empty"),
        ({"blocks": [HOME, {**HOME, "limit": -1}]}, r"blocks\[1\].limit is -1"),
        ({"channel": 77}, "channel 77 is unknown; known: CHANNEL_UNSPECIFIED, CHANNEL_SITE"),
        ({"product_fields": [0]}, "product field 0 is unknown; known: PRODUCT_FIELD_TITLE"),
        ({"product_fields": [77]}, "product field 77 is unknown"),
        ({"events": [{"item_id": "i1", "time": -5}]}, r"events\[0\].time is -5"),
        (block(filter={"price": {"min": math.nan}}), r"blocks\[0\].filter.price.min is nan"),
        (block(filter={"price": {"max": math.inf}}), r"filter.price.max is inf"),
        (block(filter={"price": {}}), "filter.price has no bound; known: min, max, above, below"),
        (block(filter={"price": {"min": 3.0, "max": 2.0}}), "filter.price admits nothing: 2.0 is below 3.0"),
        (block(filter={"all": [{}, {"none": [{"margin": {}}]}]}), r"filter.all\[1\].none\[0\].margin has no"),
        (block(filter={"attributes": [{"name": "color"}]}), r"filter.attributes\[0\].values is empty"),
        (block(filter={"numbers": [{"range": {"min": 1}}]}), r"filter.numbers\[0\] needs a name"),
        ({"consent": 7}, "consent 7 is unknown; known: CONSENT_UNSPECIFIED"),
    ],
)
def test_contradictions(fields, words):
    """What cannot be meant is refused, naming the field."""
    with pytest.raises(InvalidRequest, match=words):
        ask(**fields)


def test_defaults_are_those_of_the_dataclasses():
    """An empty message but for its block means what an empty Request means."""
    request = wire.request(v1.RecommendRequest(blocks=[HOME], events=[{"item_id": "i1"}]))
    assert request.channel == "site"
    assert request.reasons
    assert request.events == (SessionEvent("i1", "view", 0),)
    assert request.blocks[0].filter == Filter()


def test_message_size():
    """64 KiB is the most that one page may send."""
    room = wire.parse(v1.RecommendRequest, bytes(0), 10)
    assert not room.blocks
    data = v1.RecommendRequest(blocks=[HOME]).SerializeToString()
    padding = v1.RecommendRequest(continue_token="x" * 70_000).SerializeToString()
    with pytest.raises(InvalidRequest, match="at most 65,536"):
        service().recommend(data + padding, NOW)
