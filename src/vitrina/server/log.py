"""The log: one line of JSON on standard error for each thing worth saying. Never an id of a user."""

from __future__ import annotations

import contextlib
import json
import sys
import time
import traceback
from functools import lru_cache


def say(event: str, **said: object) -> None:
    """Write one line. Whatever the values hold, it stays one line: JSON escapes the rest."""
    line = {"time": round(time.time(), 3), "event": event, **said}
    _write(json.dumps(line, default=str, separators=(",", ":")) + "\n")


def say_call(
    method: str, code: str, placements: tuple[str, ...], bundle: str, ms: float, engine_ms: float, *n: int
) -> None:
    """Write the line of a finished call; `n`: users, items and lists from a fallback.

    Written without an encoder, which would cost a busy worker as much as a list.
    """
    users, items, fallback = n
    _write(
        f'{{"time":{time.time():.3f},"event":"call","method":"{method}","code":"{code}",'
        f'"placements":{_listed(placements)},"bundle":"{bundle}","ms":{ms:.3f},"engine_ms":{engine_ms:.3f},'
        f'"users":{users},"items":{items},"fallback":{fallback}}}\n'
    )


def _write(line: str) -> None:
    """Write, or leave it: a log that nobody reads, or a disk that is full, is no reason not to serve."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(line)
        sys.stderr.flush()


@lru_cache(maxsize=1024)
def _listed(names: tuple[str, ...]) -> str:
    return json.dumps(names, separators=(",", ":"))


def say_fault(event: str, error: BaseException, **said: object) -> None:
    """Write one line about an error that nobody raised on purpose, with where it came from."""
    say(event, **said, error=repr(error)[:1000], trace=traceback.format_exception(error))
