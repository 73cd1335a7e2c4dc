"""Audiences over gRPC: everybody once, from any cursor on, under the server's plan and policy."""

from __future__ import annotations

import grpc
import pytest
from servers import NOW, looping, start

from shops import make_shop, make_window
from vitrina.audience.plan import parse_plan
from vitrina.contact.policy import parse_policy
from vitrina.dataset import DAY
from vitrina.errors import ServerError
from vitrina.server.audiences import Audiences
from vitrina.server.options import Options
from vitrina.v1 import audience_service_pb2 as v1
from vitrina.v1 import types_pb2

PATH = "/vitrina.v1.AudienceService/Export"
TODAY = NOW // DAY
PLAN = parse_plan(
    {
        "abandoned_cart": {"placement": "p", "until_days": 9},
        "lost": {"is": "win_back", "placement": "p", "after_days": 30},
    }
)
POLICY = parse_policy({"channels": {"push": {}}})


@pytest.fixture(scope="module")
def engine():
    """Sixty people with a cart of yesterday; one who stays away."""
    events = [(f"u{number:02d}", "i0", TODAY - 1, "cart") for number in range(60)]
    events += [("zed", "i3", TODAY - 45), ("zed", "i4", TODAY - 40)]
    placements = {"p": {"sources": [{"strategy": "all"}], "fallback": []}}
    return make_window(
        make_shop(events, items=[f"i{one}" for one in range(6)]), {"all": range(6)}, placements
    )


@pytest.fixture(scope="module")
def channel(engine):
    """A channel to a front that exports them."""
    with looping() as loop:
        front, address = start(loop, engine, log_calls=False)
        front.calls.audiences = Audiences(lambda: engine, PLAN, POLICY)
        with grpc.insecure_channel(address) as found:
            yield found
        loop.do(front.drain())


def exported(channel, **fields):
    """All responses to an ExportRequest."""
    stream = channel.unary_stream(
        PATH,
        request_serializer=v1.ExportRequest.SerializeToString,
        response_deserializer=v1.ExportResponse.FromString,
    )
    return list(stream(v1.ExportRequest(**fields), timeout=20))


def test_everybody_once_with_all_that_is_to_be_known(channel):
    """Who, why, since when, until when, with what, where and when; in the order of customers."""
    entries = [one for answer in exported(channel) for one in answer.entries]
    assert [one.user_id for one in entries] == [*(f"u{number:02d}" for number in range(60)), "zed"]
    first = entries[0]
    assert (first.trigger, list(first.about_item_ids)) == ("abandoned_cart", ["i0"])
    assert first.since_time == (TODAY - 1) * DAY
    assert first.until_time == (TODAY + 8) * DAY
    assert first.item_ids[0] == "i0"
    assert first.channel == types_pb2.CHANNEL_PUSH
    assert first.send_time >= NOW
    assert first.reason
    assert entries[-1].trigger == "lost"
    assert len({one.trigger_id for one in entries}) == 61


def test_a_broken_stream_goes_on_from_its_cursor(channel, monkeypatch):
    """Behind the last response that was handled; nobody is left out and ids stay."""
    monkeypatch.setattr("vitrina.audience.entries.BATCH", 10)
    whole = exported(channel)
    assert len(whole) == 7
    for cut in (0, 3, 6):
        assert exported(channel, cursor=whole[cut].cursor) == whole[cut + 1 :]


def test_only_some_triggers(channel):
    """By the names of the server's plan."""
    assert [one.user_id for answer in exported(channel, triggers=["lost"]) for one in answer.entries] == [
        "zed"
    ]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"cursor": "AAAA"}, "the cursor is of another bundle"),
        ({"triggers": ["x"]}, "no trigger 'x' in the plan; it has: abandoned_cart, lost"),
        ({"triggers": ["x"] * 101}, "at most 100"),
    ],
)
def test_bad_requests_are_said(channel, fields, said):
    """INVALID_ARGUMENT, naming what is wrong."""
    with pytest.raises(grpc.RpcError) as refused:
        exported(channel, **fields)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert said in refused.value.details()


def test_files_of_a_server(engine, tmp_path):
    """Its plan and policy are read when it starts, or it does not start."""
    (tmp_path / "plan.toml").write_text("[welcome]\nplacement = 'p'\n")
    (tmp_path / "contact.toml").write_text("[channels.fax]\n")
    made = Audiences.of(lambda: engine, Options(tmp_path, audiences=tmp_path / "plan.toml"))
    assert [one.name for one in made.plan.watches] == ["welcome"]
    with pytest.raises(ServerError, match=r"unknown channel 'channels\.fax'"):
        Audiences.of(lambda: engine, Options(tmp_path, contact=tmp_path / "contact.toml"))
