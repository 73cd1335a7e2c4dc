"""A load generator for gRPC that costs a fraction of a server: HTTP/2 by hand, many payloads, two loops.

A grpcio client spends as much on a call as its server does, so on two cores it would measure itself.
This one writes the frames of unary calls on plain sockets, spins on a core of its own, and reads of an
answer only what it must: its bytes, and whether its trailers say `grpc-status: 0`.

    closed   a fixed number of calls in flight; latency counts from sending
    open     calls fall due at times given beforehand, whatever the server does; latency counts from
             when a call was due, so that waiting for a free stream is not left out
"""

from __future__ import annotations

import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from select import EPOLLIN, epoll

import numpy as np
from numpy.typing import NDArray

METHOD = "/vitrina.v1.RecommendationService/Recommend"
PATIENCE_S = 5.0
"""How long answers are waited for after the last call was sent."""
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _AWAY = 0, 1, 3, 4, 6, 7
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1
_LARGE = (1 << 31) - 1
_WINDOW = 65_535
_MAX_STREAMS = 3
"""The setting by which a server says how many calls a connection may have in flight."""
_STATUS = (b"\x0bgrpc-status", b"\x88\x9a\xca\xc8\xb2\x124\xda\x8f")
"""The name of the trailer as grpcio writes it, and in Huffman's code, as Envoy does."""
_OK = tuple(name + b"\x010" for name in _STATUS)
_SETTINGS_WE_WANT = struct.pack(">HIHI", 1, 0, 4, _LARGE)
"""No header table, so that trailers are literal; a window that no answer fills."""
Times = NDArray[np.float64]


@dataclass
class Run:
    """What came of one run: latencies in seconds of what was answered, sizes, what failed and how often."""

    seconds: float = 0.0
    sent: int = 0
    took: list[float] = field(default_factory=list)
    bytes: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    deadline_s: float = 0.0

    @property
    def rate(self) -> float:
        """Calls answered well in a second."""
        return len(self.took) / self.seconds

    def figures(self) -> dict[str, float | int | dict[str, int]]:
        """Rate, quantiles in milliseconds, mean bytes, and failures by kind."""
        shares = (("p50_ms", 50.0), ("p90_ms", 90.0), ("p99_ms", 99.0), ("p999_ms", 99.9))
        took = np.array(self.took) * 1e3 if self.took else np.array([np.nan])
        return {
            "sent": self.sent,
            "answered": len(self.took),
            "rate": round(self.rate, 1),
            **{name: round(float(np.percentile(took, share)), 3) for name, share in shares},
            "max_ms": round(float(took.max()), 3),
            "mean_bytes": round(self.bytes / max(len(self.took), 1)),
            "failed": dict(self.failed),
        }


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """One HTTP/2 frame."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _text(value: str) -> bytes:
    return bytes([len(value)]) + value.encode()


class Connection:
    """One HTTP/2 connection that asks one method. Headers are told once, then named by their number."""

    def __init__(self, port: int, method: str = METHOD, deadline_s: float = 0.0) -> None:
        self.most = _LARGE
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opening = frame(_SETTINGS, 0, 0, _SETTINGS_WE_WANT) + frame(
            8, 0, 0, struct.pack(">I", _LARGE - _WINDOW)
        )
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + opening)
        self.socket.setblocking(False)
        self.pending, self.read = bytearray(), bytearray()
        self.streams = count(1, 2)
        self.due: dict[int, float] = {}
        self.sizes: dict[int, int] = {}
        told = b"\x44" + _text(method) + b"\x41" + _text("127.0.0.1")
        told += b"\x5f" + _text("application/grpc") + b"\x40" + _text("te") + _text("trailers")
        self.deadline_s = deadline_s
        self.headers = b"\x83\x86" + told
        self.named = b"\x83\x86" + bytes(0x80 | one for one in (65, 64, 63, 62))

    def ask(self, message: bytes, due: float) -> None:
        """Queue one call; `flush` sends it."""
        stream = next(self.streams)
        self.due[stream] = due
        headers = self.headers
        if self.deadline_s:
            left_ms = max(1, round((due + self.deadline_s - time.perf_counter()) * 1e3))
            headers += b"\x00" + _text("grpc-timeout") + _text(f"{left_ms}m")
        self.pending += frame(_HEADERS, _END_HEADERS, stream, headers)
        self.pending += frame(_DATA, _END_STREAM, stream, struct.pack(">BI", 0, len(message)) + message)
        self.headers = self.named

    def flush(self) -> None:
        """Send what the socket takes."""
        while self.pending:
            try:
                del self.pending[: self.socket.send(self.pending)]
            except BlockingIOError:
                return

    def receive(self, run: Run) -> None:
        """Take in what has come; answers go into `run`. Raises ConnectionError where the server hangs up."""
        chunk = self.socket.recv(1 << 18)
        if not chunk:
            raise ConnectionError("the server closed a connection")
        self.read += chunk
        now, at = time.perf_counter(), 0
        while len(self.read) - at >= 9:
            size = int.from_bytes(self.read[at : at + 3], "big")
            if len(self.read) - at - 9 < size:
                break
            kind, flags, stream = struct.unpack_from(">BBI", self.read, at + 3)
            self._take(kind, flags, stream, bytes(self.read[at + 9 : at + 9 + size]), now, run)
            at += 9 + size
        del self.read[:at]

    def _take(self, kind: int, flags: int, stream: int, payload: bytes, now: float, run: Run) -> None:
        if kind == _DATA:
            self.sizes[stream] = self.sizes.get(stream, 0) + len(payload)
        elif kind == _SETTINGS and not flags & _ACK:
            for at in range(0, len(payload), 6):
                name, value = struct.unpack_from(">HI", payload, at)
                self.most = value if name == _MAX_STREAMS else self.most
            self.pending += frame(_SETTINGS, _ACK, 0, b"")
        elif kind == _PING and not flags & _ACK:
            self.pending += frame(_PING, _ACK, 0, payload)
        elif kind == _AWAY:
            raise ConnectionError(f"the server sent GOAWAY: {payload[8:].decode(errors='replace')}")
        if stream in self.due and ((kind == _HEADERS and flags & _END_STREAM) or kind == _RESET):
            self._finish(stream, _outcome(kind, payload), now, run)

    def _finish(self, stream: int, outcome: str, now: float, run: Run) -> None:
        due, size = self.due.pop(stream), self.sizes.pop(stream, 0)
        if outcome:
            run.failed[outcome] += 1
        elif run.deadline_s and now - due > run.deadline_s:
            run.failed["late"] += 1
        else:
            run.took.append(now - due)
            run.bytes += size - 5  # of the answer's own bytes, less the prefix of its length


def _outcome(kind: int, trailers: bytes) -> str:
    """Empty for a good answer, else what it was."""
    if kind == _RESET:
        return "reset"
    if any(one in trailers for one in _OK):
        return ""
    for name in _STATUS:
        if status := trailers.partition(name)[2]:
            return f"status {status[1 : 1 + status[0]].decode()}"
    return "no status"


def closed(
    port: int,
    messages: Sequence[bytes],
    seconds: float,
    *,
    connections: int = 8,
    streams: int = 4,
    method: str = METHOD,
    spin: bool = True,
) -> Run:
    """Keep `connections` times `streams` calls in flight, message after message, round and round.

    After `seconds` nothing more is sent; the time until the last answer counts, and so do those answers.
    `spin`: never sleep, on a core of its own; else sleep where there is nothing to read.
    """
    run, lines = Run(), [Connection(port, method) for _ in range(connections)]
    with _Poll(lines) as poll:
        started = time.perf_counter()
        while (now := time.perf_counter()) < started + seconds + PATIENCE_S:
            asking = now < started + seconds
            for one in lines:
                while asking and len(one.due) < streams:
                    one.ask(messages[run.sent % len(messages)], now)
                    run.sent += 1
                one.flush()
            if not asking and not any(one.due for one in lines):
                break
            poll.receive(run, 0.0 if spin else 0.002)
        run.seconds = time.perf_counter() - started
        run.failed["no answer"] += sum(len(one.due) for one in lines)
    run.failed += Counter()  # drops what counts nothing
    return run


def opened(
    port: int,
    messages: Sequence[bytes],
    due: Times,
    *,
    connections: int = 8,
    streams: int = 90,
    deadline_s: float = 0.0,
) -> Run:
    """Send message n when `due[n]` seconds have passed, wherever a stream is free; wait for the last.

    With a deadline, which the server is told, a call that found no stream in that time is not sent, and an
    answer that comes after it counts as late.
    """
    run, waiting = Run(deadline_s=deadline_s), deque[tuple[float, bytes]]()
    lines = [Connection(port, deadline_s=deadline_s) for _ in range(connections)]
    with _Poll(lines) as poll:
        started = time.perf_counter()
        end = started + float(due[-1])
        while True:
            now = time.perf_counter()
            while run.sent < len(due) and started + due[run.sent] <= now:
                waiting.append((started + float(due[run.sent]), messages[run.sent]))
                run.sent += 1
            while deadline_s and waiting and waiting[0][0] + deadline_s < now:
                waiting.popleft()
                run.failed["no stream in time"] += 1
            _spread(waiting, lines, streams)
            poll.receive(run)
            answered = not waiting and not any(one.due for one in lines)
            if (run.sent == len(due) and answered) or now > end + PATIENCE_S:
                break
        run.seconds = max(time.perf_counter(), end) - started
        run.failed["no answer"] += len(waiting) + sum(len(one.due) for one in lines)
    run.failed += Counter()  # drops what counts nothing
    return run


def _spread(waiting: deque[tuple[float, bytes]], lines: Sequence[Connection], streams: int) -> None:
    """Put what is due on the connections that have least in flight."""
    while waiting:
        free = min(lines, key=lambda one: len(one.due))
        if len(free.due) >= min(streams, free.most):
            break
        due, message = waiting.popleft()
        free.ask(message, due)
    for one in lines:
        one.flush()


class _Poll:
    """Reads whatever connection has something; closes them all at the end."""

    def __init__(self, lines: Sequence[Connection]) -> None:
        self.lines = {one.socket.fileno(): one for one in lines}
        self.epoll = epoll()
        for number in self.lines:
            self.epoll.register(number, EPOLLIN)

    def receive(self, run: Run, wait_s: float = 0.0) -> None:
        """Take in what is there now, or comes within so many seconds; by default it never sleeps."""
        for number, _ in self.epoll.poll(wait_s):
            self.lines[number].receive(run)

    def __enter__(self) -> _Poll:
        return self

    def __exit__(self, *_: object) -> None:
        self.epoll.close()
        for one in self.lines.values():
            one.socket.close()


def poisson(rate: float, seconds: float, seed: int) -> Times:
    """When calls fall due: float64 seconds from the start, of a Poisson process."""
    rng = np.random.default_rng(seed)
    gaps = rng.exponential(1 / rate, int(rate * seconds * 1.2) + 50)
    due = np.cumsum(gaps)
    return due[due < seconds]


def zipf(n: int, draws: int, seed: int) -> NDArray[np.intp]:
    """Whom calls are for: the r-th most frequent of `n`, in a seeded order, with weight 1/r."""
    rng = np.random.default_rng(seed)
    weights = 1 / np.arange(1, n + 1)
    return rng.permutation(n)[rng.choice(n, draws, p=weights / weights.sum())]
