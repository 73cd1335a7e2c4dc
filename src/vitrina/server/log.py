"""The log: one line of JSON on standard error for each thing worth saying. Never an id of a user."""

from __future__ import annotations

import json
import sys
import time
import traceback


def say(event: str, **said: object) -> None:
    """Write one line. Whatever the values hold, it stays one line: JSON escapes the rest."""
    line = {"time": round(time.time(), 3), "event": event, **said}
    sys.stderr.write(json.dumps(line, default=str, separators=(",", ":")) + "\n")
    sys.stderr.flush()


def say_fault(event: str, error: BaseException, **said: object) -> None:
    """Write one line about an error that nobody raised on purpose, with where it came from."""
    say(event, **said, error=repr(error)[:1000], trace=traceback.format_exception(error))
