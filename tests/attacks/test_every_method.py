"""Hostile bytes on every method of every service, found by their descriptors: a new one is tested too."""

from __future__ import annotations

import grpc
import numpy as np
import pytest
from every_method import CODES, METHODS, SERVICES, attended, send
from google.protobuf.descriptor import FieldDescriptor
from servers import NOW, service

from vitrina import filters
from vitrina.errors import InvalidRequest
from vitrina.server import audiences, events, explanations, items, wire
from vitrina.server.admin import MAX_BYTES
from vitrina.server.service import MAX_BATCH_BYTES, MAX_RECOMMEND_BYTES, Note
from vitrina.v1 import recommendation_service_pb2 as v1

LIMITS = {
    "/vitrina.v1.RecommendationService/Recommend": MAX_RECOMMEND_BYTES,
    "/vitrina.v1.RecommendationService/BatchRecommend": MAX_BATCH_BYTES,
    "/vitrina.v1.RecommendationService/Explain": explanations.MAX_BYTES,
    "/vitrina.v1.AudienceService/Export": audiences.MAX_BYTES,
    "/vitrina.v1.EventService/Record": events.MAX_BYTES,
    "/vitrina.v1.CatalogService/UpdateItems": items.MAX_BYTES,
    "/vitrina.v1.CatalogService/ListItemUpdates": items.MAX_BYTES,
    "/vitrina.v1.PrivacyService/MergeUsers": MAX_BYTES,
    "/vitrina.v1.PrivacyService/ForgetUser": MAX_BYTES,
    "/vitrina.v1.ModelService/ListModels": MAX_BYTES,
    "/vitrina.v1.ModelService/ActivateModel": MAX_BYTES,
    "/vitrina.v1.ModelService/RollBackModel": MAX_BYTES,
    "/vitrina.v1.ModelService/GetPlacements": MAX_BYTES,
    "/vitrina.v1.ModelService/ApplyPlacements": MAX_BYTES,
    "/grpc.health.v1.Health/Check": MAX_BATCH_BYTES,
    "/grpc.health.v1.Health/Watch": MAX_BATCH_BYTES,
}
"""Bytes of a message at most. A method that is not here fails its test: it needs a limit."""


@pytest.fixture(scope="module")
def channels(tmp_path_factory):
    """A channel to a server of each service, by its name."""
    with attended(tmp_path_factory.mktemp("registry")) as found:
        yield found


def padded(size):
    """A message of exactly `size` bytes, whatever its kind: one unknown field, which every parser skips."""
    for width in (1, 2, 3, 4):
        room = size - 2 - width
        length = bytes([room >> 7 * at & 127 | 128 * (at < width - 1) for at in range(width)])
        if room >> 7 * width == 0 and len(length) == width:
            return b"\xfa\x7f" + length + b"x" * room
    raise AssertionError(size)


MALFORMED = {
    "no field": b"\xff\xff\xff",
    "endless varint": b"\x08" + b"\xff" * 20,
    "longer than there is": b"\x0a\xff\xff\xff\x7fx",
    "negative length": b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    "field 0": b"\x02\x00",
    "unknown wire type": b"\x0f",
    "group without end": b"\x0b" * 1000,
    "end without group": b"\x0c",
}


@pytest.mark.parametrize("path", METHODS)
@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_bytes(channels, path, data):
    """What is no message is INVALID_ARGUMENT in a sentence, never UNKNOWN, never a class of ours."""
    code, said = send(channels, path, data)
    assert code is CODES.INVALID_ARGUMENT
    assert said.endswith("message")
    assert "Error" not in said


def mutants(random, count):
    """A valid request and random bytes, cut, doubled, overwritten."""
    whole = v1.RecommendRequest(
        blocks=[{"placement": "home", "limit": 3, "filter": {"brands": ["a"]}}],
        user_id="u",
        events=[{"item_id": "i1", "type": "view"}],
    ).SerializeToString()
    for _ in range(count):
        data = bytearray(whole if random.random() < 0.8 else random.bytes(int(random.integers(1, 60))))
        for _ in range(int(random.integers(1, 5))):
            data[int(random.integers(len(data)))] = int(random.integers(256))
        if random.random() < 0.3:
            data = data[: int(random.integers(1, len(data) + 1))] * 2
        yield bytes(data)


@pytest.mark.parametrize("path", METHODS)
def test_mutated_bytes(channels, path):
    """Answers, or codes of the table; nothing internal, nothing unknown, and health is well afterwards."""
    documented = {CODES.OK, CODES.INVALID_ARGUMENT, CODES.NOT_FOUND, CODES.FAILED_PRECONDITION}
    for data in mutants(np.random.default_rng(len(path)), 60):
        code, said = send(channels, path, data)
        assert code in documented, (data, said)
        assert "Error" not in said
        assert "Traceback" not in said
    assert send(channels, "/grpc.health.v1.Health/Check", b"")[0] is CODES.OK


@pytest.mark.parametrize("path", METHODS)
def test_messages_about_their_limit(channels, path):
    """A byte below and at the limit a message is read; a byte above it is refused by its size."""
    limit = LIMITS[path]
    for size in (limit - 1, limit):
        code, said = send(channels, path, padded(size))
        assert code in (CODES.OK, CODES.INVALID_ARGUMENT, CODES.NOT_FOUND)
        assert "at most" not in said or "empty" in said
    code, said = send(channels, path, padded(limit + 1))
    assert code in (CODES.RESOURCE_EXHAUSTED, CODES.INVALID_ARGUMENT)
    assert "larger than max" in said or f"at most {limit:,}" in said


@pytest.mark.parametrize("path", METHODS)
def test_gzip_bombs(channels, path):
    """Twenty megabytes that travel as twenty kilobytes: refused where the limit is passed, not unpacked."""
    code, said = send(channels, path, b"\0" * 20_000_000, compression=grpc.Compression.Gzip)
    assert code is CODES.RESOURCE_EXHAUSTED
    assert "larger than max" in said
    assert send(channels, "/grpc.health.v1.Health/Check", b"")[0] is CODES.OK


@pytest.mark.parametrize("path", METHODS)
def test_metadata(channels, path):
    """Eight kilobytes of headers pass, above sixteen none do; what is in them is never read."""
    data = b"" if "Recommendation" not in path else b"\xff"
    few = send(channels, path, data, metadata=(("x-padding", "x" * 7000), ("authorization", "Bearer ..")))
    assert few[0] in (CODES.OK, CODES.INVALID_ARGUMENT, CODES.NOT_FOUND)
    much = send(channels, path, data, metadata=(("x-padding", "x" * (17 << 10)),))
    assert much[0] is CODES.RESOURCE_EXHAUSTED
    assert send(channels, "/grpc.health.v1.Health/Check", b"")[0] is CODES.OK


@pytest.mark.parametrize("name", sorted({one.full_name for one in SERVICES}))
def test_methods_that_are_not_there(channels, name):
    """Other names, other spellings."""
    for method in ("Nothing", "recommend", "", "../Check", "Check/Check", "\u00e9"):
        # The client's own library refuses what is no ASCII; all else the server does.
        with pytest.raises((grpc.RpcError, UnicodeEncodeError)) as refused:
            channels[name].unary_unary(f"/{name}/{method}")(b"", timeout=5)
        if method.isascii():
            assert refused.value.code() in (CODES.UNIMPLEMENTED, CODES.INTERNAL)
            assert "Traceback" not in (refused.value.details() or "")


LONGEST = {
    "locale": 64,
    "continue_token": wire.MAX_TOKEN_BYTES,
    "type": wire.MAX_TYPE_BYTES,
    "name": filters.MAX_NAME_BYTES,
    "categories": filters.MAX_CATEGORY_BYTES,
}


def texts(descriptor, above=()):
    """The way to every string field of a message; a message within its like is no further away."""
    for one in descriptor.fields:
        if one.type == FieldDescriptor.TYPE_MESSAGE:
            if one.message_type is descriptor:
                continue
            yield from texts(one.message_type, (*above, one))
        elif one.type == FieldDescriptor.TYPE_STRING:
            yield (*above, one)


def filled(way, text):
    """The fields of a message that holds one text, at the end of a way."""
    first, *rest = way
    inner = filled(rest, text) if rest else text
    named = {"name": "x"} if first.name == "values" else {}
    return {**named, first.name: [inner] if first.is_repeated else inner}


@pytest.mark.parametrize("kind", [v1.RecommendRequest, v1.BatchRecommendRequest, v1.ExplainRequest])
def test_every_text_is_bounded(kind):
    """Each string field of a request, one that is added later too, has a limit: at it fine, above it refused."""
    ways = list(texts(kind.DESCRIPTOR))
    assert len(ways) > 5
    for way in ways:
        limit = LONGEST.get(way[-1].name, 256)
        for size in (limit, limit + 1):
            inner = way[1:] if way[0].name == "request" else way
            fields = {"blocks": [{"placement": "home"}], **filled(inner, "x" * size)}
            if inner[0].name == "blocks":
                fields["blocks"] = [{"placement": "home", **fields["blocks"][0]}]
            if kind is v1.BatchRecommendRequest:
                fields = {"users": [{"user_id": "u"}], **fields}
            if kind is v1.ExplainRequest:
                fields = {"item_ids": fields.pop("item_ids", ()), "request": fields}
            said = refusal(kind(**fields).SerializeToString(), kind)
            assert (f"at most {limit:,}" in said) == (size > limit), (way[-1].full_name, size, said)


def refusal(data, kind):
    """What a service over a shelf says against a request; nothing where it answers."""
    one = service()
    try:
        if kind is v1.RecommendRequest:
            one.recommend(data, NOW)
        elif kind is v1.ExplainRequest:
            explanations.explained(one, data, NOW, Note())
        else:
            list(one.batch_recommend(data, NOW))
    except InvalidRequest as reason:  # any other error is none of a service's, and fails the test
        return str(reason)
    return ""


def test_a_request_for_everything_at_once(channels):
    """Twenty blocks of a thousand candidates do not fit into a message: refused by size, in a sentence."""
    blocks = [{"placement": "home", "candidate_item_ids": [f"item {n:06d}" for n in range(1000)]}] * 20
    data = v1.RecommendRequest(blocks=blocks).SerializeToString()
    code, said = send(channels, "/vitrina.v1.RecommendationService/Recommend", data)
    assert code is CODES.INVALID_ARGUMENT
    assert f"at most {MAX_RECOMMEND_BYTES:,}" in said


def test_every_service_that_is_defined_is_tested():
    """Descriptors and limits name the same methods."""
    assert {one.full_name for one in SERVICES} >= {
        "vitrina.v1.RecommendationService",
        "vitrina.v1.ModelService",
    }
    assert METHODS.keys() == LIMITS.keys()
