"""Everything that clients do to a server, rightly and wrongly, without pause; and how it may end.

Each kind of traffic has a thread of its own and a set of endings that are in order: any other is written down
as unexpected, with its words. What the network cut off a client takes up again, as clients do; how often is
counted.
"""

from __future__ import annotations

import http.client
import json
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import grpc

from vitrina.calling import connect
from vitrina.client import Client, healthcheck
from vitrina.errors import Overloaded, StoreError, TimedOut, VitrinaError
from vitrina.happening import Happening
from vitrina.request import Block, Request
from vitrina.updates import ItemUpdate
from vitrina.v1 import recommendation_service_pb2 as v1

SERVICE = "/vitrina.v1.RecommendationService"
RECOMMEND, BATCH = f"{SERVICE}/Recommend", f"{SERVICE}/BatchRecommend"
RECORD = "/vitrina.v1.EventService/Record"
ITEMS, USERS, ASKERS = 2000, 500, 300
PAUSE_S = 0.004
"""Between two things that one thread does, on average."""
TRIES = 5
_WEB = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"}
_JSON = {"content-type": "application/json"}


@dataclass
class Line:
    """What one thread has: a client, a channel that repeats nothing by itself but what gRPC does, its chance."""

    address: str
    client: Client
    channel: grpc.Channel
    chance: random.Random
    counts: Counter[str]

    @property
    def user(self) -> str:
        """Somebody, known or not."""
        return f"u{self.chance.randrange(USERS * 2):03}"

    def message(self) -> bytes:
        """A page for somebody."""
        page = v1.RecommendRequest(user_id=self.user, blocks=[{"placement": "home", "limit": 20}])
        return bytes(page.SerializeToString())

    def raw(self, method: str, data: bytes, timeout_s: float, *, streams: bool = False) -> str:
        """How a call ends: the name of its code."""
        try:
            if streams:
                list(self.channel.unary_stream(method)(data, timeout=timeout_s))
            else:
                self.channel.unary_unary(method)(data, timeout=timeout_s)
        except grpc.RpcError as error:
            return str(error.code().name)
        return "OK"

    def http(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Status and body of a request over HTTP/1.1, made again where a connection is cut off."""
        host, _, port = self.address.rpartition(":")
        for left in range(TRIES)[::-1]:
            line = http.client.HTTPConnection(host, int(port), timeout=10)
            try:
                line.request("POST", path, body, headers)
                answer = line.getresponse()
                return answer.status, answer.read()
            except (OSError, http.client.HTTPException):
                if not left:
                    raise
                self.counts["cut off"] += 1
                time.sleep(0.05)
            finally:
                line.close()
        raise AssertionError


def pages(line: Line) -> str:
    """A page of two lists by the shipped client: all of one bundle, whose products begin with one letter."""
    page = Request((Block("home", limit=10), Block("cart", limit=5)), user_id=line.user)
    answer = line.client.recommend(page, timeout_s=10.0)
    letters = {item.item_id[0] for block in answer.blocks for item in block.items}
    if len(letters) != 1 or not all(block.items for block in answer.blocks):
        return f"products of {sorted(letters)} in one answer"
    return "OK, degraded" if answer.degraded else "OK"


def streams(line: Line) -> str:
    """A stream, read to its end: as many answers as askers."""
    askers = [Request((), user_id=line.user) for _ in range(ASKERS)]
    answers = list(line.client.batch_recommend(Request((Block("home", limit=10),)), askers, timeout_s=30.0))
    return "OK" if len(answers) == ASKERS else f"{len(answers)} answers for {ASKERS}"


def left(line: Line) -> str:
    """A stream that its client leaves in the middle."""
    batch = v1.BatchRecommendRequest(
        users=[{"user_id": line.user} for _ in range(ASKERS)], blocks=[{"placement": "home"}]
    )
    stream = line.channel.unary_stream(BATCH)(batch.SerializeToString(), timeout=30.0)
    try:
        for _ in range(line.chance.randrange(20)):
            next(stream)
    except grpc.RpcError as error:
        return str(error.code().name)
    stream.cancel()
    return str(stream.code().name)


def hurried(line: Line) -> str:
    """A page with a deadline that few meet."""
    return line.raw(RECOMMEND, line.message(), line.chance.uniform(0.0003, 0.02))


def cancelled(line: Line) -> str:
    """A page that its client no longer wants."""
    call = line.channel.unary_unary(RECOMMEND).future(line.message(), timeout=10.0)
    time.sleep(line.chance.uniform(0, 0.01))
    call.cancel()
    with suppress(grpc.FutureCancelledError, grpc.RpcError):
        call.result()
    return str(call.code().name)


def malformed(line: Line) -> str:
    """Bytes that are no message, methods that are none, and far too many bytes."""
    method = line.chance.choice((RECOMMEND, BATCH, RECORD, f"{SERVICE}/Similar"))
    data = line.chance.randbytes(line.chance.choice((3, 40, 400, 70_000, (1 << 20) + 1)))
    return line.raw(method, data, 10.0, streams=method == BATCH)


def noise(line: Line) -> str:
    """Bytes on the port that are not HTTP, or the beginning of a call and then nothing."""
    host, _, port = line.address.rpartition(":")
    begun = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9)[:3] + b"\x04" + bytes(5)
    with suppress(OSError), socket.create_connection((host, int(port)), 5) as plug:
        plug.settimeout(0.2)
        plug.sendall(begun if line.chance.random() < 0.5 else line.chance.randbytes(200))
        with suppress(TimeoutError):
            while plug.recv(4096):
                pass
    return "hung up"


def browsers(line: Line) -> str:
    """The same page as JSON and over gRPC-Web, as pages of browsers ask; and JSON that is none."""
    kind = line.chance.randrange(3)
    if kind == 0:
        asked = {"userId": line.user, "blocks": [{"placement": "home", "limit": 10}]}
        status, body = line.http(RECOMMEND, json.dumps(asked).encode(), _JSON)
        return f"JSON {status}" if json.loads(body)["blocks"][0]["items"] else "JSON without a list"
    if kind == 1:
        status, body = line.http(RECOMMEND, b'{"blocks": [', _JSON)
        return f"bad JSON {status}"
    message = line.message()
    status, body = line.http(RECOMMEND, struct.pack(">BI", 0, len(message)) + message, _WEB)
    said = body.rpartition(b"grpc-status:")[2].strip(b" ").partition(b"\r")[0]
    return f"web {status}, status {said.decode('latin-1')}"


def events(line: Line) -> str:
    """What visitors did, a few at a time."""
    happened = [
        Happening(f"{line.chance.choice('ab')}{line.chance.randrange(ITEMS):04}", visitor_id=line.user)
        for _ in range(line.chance.randint(1, 5))
    ]
    told = line.client.record(happened, timeout_s=1.0)
    return (
        "OK" if all(one.outcome == "accepted" for one in told) else f"{Counter(one.outcome for one in told)}"
    )


def prices(line: Line) -> str:
    """What a shop says anew of its products."""
    item = f"{line.chance.choice('ab')}{line.chance.randrange(ITEMS):04}"
    line.client.update_items([ItemUpdate(item, 0, {"price": line.chance.uniform(1, 99)})], timeout_s=1.0)
    return "OK"


def health(line: Line) -> str:
    """Health, by a new connection each time."""
    return {0: "SERVING", 7: "NOT_SERVING"}[healthcheck(line.address, 10.0)]


_LATE = {"DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"}
_WRITES = {"OK", "TimedOut", "StoreError"}
KINDS: dict[str, tuple[Callable[[Line], str], set[str]]] = {
    "pages": (pages, {"OK", "OK, degraded"}),
    "streams": (streams, {"OK", "Overloaded"}),
    "streams left": (left, {"OK", "CANCELLED", "RESOURCE_EXHAUSTED"}),
    "deadlines": (hurried, {"OK", *_LATE}),
    "cancellations": (cancelled, {"OK", "CANCELLED"}),
    "malformed": (malformed, {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "UNIMPLEMENTED", "RESOURCE_EXHAUSTED"}),
    "noise": (noise, {"hung up"}),
    "browsers": (browsers, {"JSON 200", "bad JSON 400", "web 200, status 0"}),
    "events": (events, _WRITES),
    "prices": (prices, _WRITES),
    "health": (health, {"SERVING", "NOT_SERVING"}),
}
"""What is done, and which endings are in order. Writes may fail while another process holds the store; who
asks a worker that drains is told so; a worker has a few streams at once, and counts one that was left until it
notices."""


@dataclass
class Traffic:
    """All kinds, or those but for some, until it is left. `endings`: how often each kind ended how;
    `unexpected`: what was not in order."""

    address: str
    without: tuple[str, ...] = ()
    endings: dict[str, Counter[str]] = field(default_factory=dict)
    unexpected: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Traffic:
        for number, name in enumerate(KINDS):
            if name not in self.without:
                self.endings[name] = Counter()
                self._threads.append(threading.Thread(target=self._go_on, args=(name, number), daemon=True))
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._over.set()
        for one in self._threads:
            one.join(60)
            if one.is_alive():
                self.unexpected.append("a client still waits for an answer")

    def _go_on(self, name: str, seed: int) -> None:
        do, fine = KINDS[name]
        counts, chance = self.endings[name], random.Random(seed)
        with Client(self.address) as client, connect(self.address) as channel:
            line = Line(self.address, client, channel, chance, counts)
            while not self._over.wait(chance.expovariate(1 / PAUSE_S)):
                ending = _ended(do, line)
                counts[ending] += 1
                if ending not in fine:
                    self.unexpected.append(f"{name}: {ending}")


def _ended(do: Callable[[Line], str], line: Line) -> str:
    """How it ended; of what failed, the kind of its failure, and its words where it is no usual one."""
    try:
        return do(line)
    except (Overloaded, TimedOut, StoreError) as usual:
        return type(usual).__name__
    except (VitrinaError, OSError, ValueError, grpc.RpcError, http.client.HTTPException) as fault:
        return f"{type(fault).__name__}: {str(fault)[:120]}"
