"""Photos to pictures through a pool of sandboxed processes.

The parent never looks inside a photo: bytes go out, pixels or a reason come back. A process that
dies or hangs costs its photo and is replaced.
"""

from __future__ import annotations

import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import IO, TypeVar

import numpy as np
from numpy.typing import NDArray

SCRIPT = Path(__file__).with_name("sandbox.py")
SIZE = 224

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


@dataclass(frozen=True)
class Limits:
    """What a photo may cost. `bytes`: of the file. `memory`: address space of a process.

    `seconds`: of processor time; `patience`: of the clock, for a process that does nothing.
    """

    bytes: int = 24 << 20
    pixels: int = 50_000_000
    memory: int = 1 << 30
    seconds: float = 1.5
    patience: float = 30.0


LIMITS = Limits()


@dataclass(frozen=True)
class Picture:
    """A decoded photo. `pixels`: uint8[size, size, 3] RGB on white; `box`: what the photo fills."""

    pixels: NDArray[np.uint8]
    box: tuple[int, int, int, int]

    @property
    def content(self) -> NDArray[np.uint8]:
        """The photo without the white that makes it square: uint8[h, w, 3]."""
        left, top, right, bottom = self.box
        return self.pixels[top:bottom, left:right]


@dataclass(frozen=True)
class Refusal:
    """Why a photo was not decoded."""

    reason: str


@dataclass
class Sandbox:
    """One decoding process, started when it is first needed and again after it died."""

    size: int = SIZE
    limits: Limits = LIMITS
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def decode(self, photo: bytes) -> Picture | Refusal:
        """The picture in these bytes, or why there is none."""
        if len(photo) > self.limits.bytes:
            return Refusal(f"{len(photo)} bytes are more than the {self.limits.bytes} allowed")
        process = self.process = self.process or self._started()
        watch = threading.Timer(self.limits.patience, process.kill)
        watch.start()
        try:
            return self._asked(process, photo)
        except (OSError, EOFError):
            return Refusal(self._obituary(process))
        finally:
            watch.cancel()

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self._reap(self.process)

    def _started(self) -> subprocess.Popen[bytes]:
        limits = (self.size, self.limits.memory, self.limits.pixels, self.limits.seconds)
        return subprocess.Popen(  # noqa: S603 - our own script, no shell, no outside words
            [sys.executable, "-I", str(SCRIPT), *map(str, limits)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
        )

    def _asked(self, process: subprocess.Popen[bytes], photo: bytes) -> Picture | Refusal:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(struct.pack("<Q", len(photo)) + photo)
        process.stdin.flush()
        if _exactly(process.stdout, 1) == b"\0":
            length = struct.unpack("<H", _exactly(process.stdout, 2))[0]
            return Refusal(_exactly(process.stdout, length).decode("utf-8", "replace"))
        box = struct.unpack("<4H", _exactly(process.stdout, 8))
        pixels = np.frombuffer(_exactly(process.stdout, self.size * self.size * 3), np.uint8)
        return Picture(pixels.reshape(self.size, self.size, 3), (box[0], box[1], box[2], box[3]))

    def _obituary(self, process: subprocess.Popen[bytes]) -> str:
        process.kill()
        self._reap(process)
        if process.returncode in (-signal.SIGPROF, -signal.SIGXCPU):
            return f"decoding took more than {self.limits.seconds} s of processor time"
        if process.returncode == -signal.SIGKILL:
            return f"decoding did not end within {self.limits.patience} s, or the system ended it"
        return f"the decoder died of it (exit code {process.returncode})"

    def _reap(self, process: subprocess.Popen[bytes]) -> None:
        self.process = None
        process.wait()
        for pipe in (process.stdin, process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:  # unsent bytes of a photo that killed its reader
                pass


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return data


class Pool:
    """Several sandboxes, each lent to one thread at a time; a context manager."""

    def __init__(self, workers: int, *, size: int = SIZE, limits: Limits = LIMITS) -> None:
        self._sandboxes = [Sandbox(size, limits) for _ in range(workers)]
        self._free: SimpleQueue[Sandbox] = SimpleQueue()
        for one in self._sandboxes:
            self._free.put(one)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="decode")

    def map(self, work: Callable[[Sandbox, Asked], Answered], asked: Sequence[Asked]) -> Iterator[Answered]:
        """`work(sandbox, one)` for each, begun at once, answered in order."""

        def lent(one: Asked) -> Answered:
            sandbox = self._free.get()
            try:
                return work(sandbox, one)
            finally:
                self._free.put(sandbox)

        return self._threads.map(lent, asked)

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(cancel_futures=True)
        for one in self._sandboxes:
            one.close()
