"""Folders that go with the process that made them or, where it was killed, with the next to make any."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import time
from pathlib import Path
from typing import IO

HELD = ".alive"
"""The file in such a folder that its process keeps locked."""
_YOUNG_S = 60.0


def hold(folder: Path) -> IO[str]:
    """Say that a folder is in use, until what is returned is closed. Raises OSError."""
    stream = (folder / HELD).open("w")
    fcntl.flock(stream, fcntl.LOCK_EX)
    return stream


def sweep(parent: Path, prefix: str) -> None:
    """Remove the folders of a prefix that nobody holds."""
    for folder in parent.glob(prefix + "*"):
        with contextlib.suppress(OSError):  # another may sweep it first
            if time.time() - folder.stat().st_mtime < _YOUNG_S:
                continue  # it may not be held yet
            with (folder / HELD).open("r") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
