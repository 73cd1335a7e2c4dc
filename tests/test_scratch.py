"""Folders in use stay; those of the dead go."""

from __future__ import annotations

import os

import pytest

from vitrina.bundle.draft import Draft
from vitrina.scratch import HELD, hold, sweep


def aged(folder):
    """The folder, as if it had been made an hour ago."""
    os.utime(folder, (0, 0))
    return folder


@pytest.fixture
def folders(tmp_path):
    """One whose process was killed, one in use, one that has just been made, and one of another kind."""
    dead, used, young, other = (tmp_path / name for name in (".draft-1", ".draft-2", ".draft-3", "kept"))
    for one in (dead, used, young, other):
        one.mkdir()
        (one / "part").write_bytes(b"x")
        (one / HELD).touch()
    with hold(used):
        yield [aged(dead), aged(used), young, aged(other)]


def test_only_the_dead_are_swept(tmp_path, folders):
    """Whoever is in use, may be about to be, or is none of these stays."""
    sweep(tmp_path, ".draft-")
    assert [one.exists() for one in folders] == [False, True, True, True]


def test_a_draft_takes_those_of_killed_trainings_along(tmp_path, folders):
    """A training that was killed leaves no gigabytes for good; one that runs beside it keeps its own."""
    with Draft(tmp_path):
        assert [one.exists() for one in folders] == [False, True, True, True]
        assert len(list(tmp_path.glob(".draft-*"))) == 3
    assert len(list(tmp_path.glob(".draft-*"))) == 2
