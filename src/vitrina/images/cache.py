"""Files made once and kept in the user's cache directory, named by what they were made from."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def folder() -> Path:
    """`$XDG_CACHE_HOME/vitrina`, or `~/.cache/vitrina`."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "vitrina"


def cached(name: str, make: Callable[[], bytes]) -> Path:
    """The file of that name; made and renamed into place where it is missing."""
    path = folder() / name
    if not path.exists():
        replace(path, make())
    return path


def replace(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old bytes or the new, never half of either."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
