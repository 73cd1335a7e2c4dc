"""The log: a line for each thing, and no reason not to serve."""

from __future__ import annotations

import errno
import io
import json

import pytest

from vitrina.server.log import say, say_call, say_fault


class Full(io.StringIO):
    """A file on a disk without room."""

    def write(self, text: str) -> int:
        """Fail."""
        raise OSError(errno.ENOSPC, "no space left on device")


def closed():
    """A file that is none any more."""
    one = io.StringIO()
    one.close()
    return one


@pytest.mark.parametrize("stream", [Full, closed])
def test_what_cannot_be_written_stops_nothing(stream, monkeypatch):
    """A full disk, a pipe without a reader: who logs goes on."""
    monkeypatch.setattr("sys.stderr", stream())
    say("event", what="ever")
    say_call("Recommend", "OK", ("home",), "b", 1.0, 0.5, 1, 2, 0)
    say_fault("fault", ValueError("x"))


def test_each_thing_is_one_line_of_json(capsys):
    """Whatever the values hold."""
    say("event", what="two\nlines")
    say_call("Recommend", "OK", ('a "b"',), "b", 1.0, 0.5, 1, 2, 0)
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["event"], first["what"]) == ("event", "two\nlines")
    assert (second["placements"], second["items"]) == (['a "b"'], 2)
