"""The audience client: everybody once, in plain words, over a server that goes and comes back."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass, field

import pytest
from servers import NOW, looping, start

from shops import make_shop, make_window
from vitrina.audience.entries import Known, entries
from vitrina.audience.facts import facts
from vitrina.audience.plan import parse_plan
from vitrina.audience_client import AudienceClient
from vitrina.contact.policy import parse_policy
from vitrina.dataset import DAY
from vitrina.errors import InvalidRequest, Unreachable
from vitrina.server.audiences import Audiences
from vitrina.v1 import audience_service_pb2 as v1

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
    """Sixty people with a cart of yesterday."""
    events = [(f"u{number:02d}", "i0", TODAY - 1, "cart") for number in range(60)]
    placements = {"p": {"sources": [{"strategy": "all"}], "fallback": []}}
    return make_window(
        make_shop(events, items=[f"i{one}" for one in range(6)]), {"all": range(6)}, placements
    )


@pytest.fixture
def few(monkeypatch):
    """Ten people between two cursors."""
    monkeypatch.setattr("vitrina.audience.entries.BATCH", 10)


@dataclass
class Slow:
    """Exports at leisure, so that there is a middle to break off in. `asked`: the requests it got."""

    within: Audiences
    asked: list[v1.ExportRequest] = field(default_factory=list)

    def export(self, data, now):
        """A response every tenth of a second."""
        self.asked.append(v1.ExportRequest.FromString(data))
        for one in self.within.export(data, now):
            time.sleep(0.1)
            yield one


def begin(loop, engine, port=0):
    """A front that exports them, what it was asked, and its address."""
    front, address = start(loop, engine, port, grace_s=0.05)
    front.calls.audiences = Slow(Audiences(lambda: engine, PLAN, POLICY))
    return front, address


def test_entries_are_those_found(engine, few):
    """Each field as the finder gives it, in order, each batch with its cursor; on from any cursor."""
    stream = entries(engine, PLAN, POLICY, facts(engine, NOW), Known.nothing(), NOW)
    wanted = [one for found, _ in stream for one in found]
    assert len(wanted) == 60
    with looping() as loop:
        front, address = begin(loop, engine)
        with AudienceClient(address) as audience:
            told = list(audience.export())
            assert [one for found, _ in told for one in found] == wanted
            assert list(audience.export(cursor=told[2][1])) == told[3:]
            assert not [one for found, _ in audience.export(["lost"]) for one in found]
            with pytest.raises(InvalidRequest, match="no trigger 'x'"):
                list(audience.export(["x"]))
        loop.do(front.drain())


def test_a_broken_stream_goes_on_where_it_broke(engine, few):
    """The server is replaced in the middle: nobody twice, nobody left out."""
    with looping() as loop:
        front, address = begin(loop, engine)
        seen: list[str] = []
        with AudienceClient(address) as audience:
            for found, _ in audience.export():
                seen += [one.user_id for one in found]
                if len(seen) == 20:
                    new, _ = begin(loop, engine, int(address.rpartition(":")[2]))
                    loop.do(front.drain())
        loop.do(new.drain())
    assert seen == [f"u{number:02d}" for number in range(60)]
    assert [one.cursor != "" for one in new.calls.audiences.asked] == [True]


def test_nobody_there():
    """Unreachable, in a sentence."""
    with AudienceClient("127.0.0.1:1") as audience, pytest.raises(Unreachable):
        list(audience.export())


def test_the_client_needs_little():
    """Importing it imports no numpy, no engine, no server."""
    code = (
        "import sys, vitrina.audience_client\n"
        "heavy = {'numpy', 'numba', 'vitrina.engine', 'vitrina.server', 'vitrina.dataset'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
