"""The key that tombstones are made under: a file of 32 bytes beside the store, made once, and copied with it.

Without it nobody can tell who asked to be forgotten, so a lost one is never quietly replaced.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from vitrina.durable import sync_folder
from vitrina.errors import StoreLost

KEY_FILE = "tombstones.key"
_BYTES = 32


def secret(folder: Path) -> bytes:
    """The key of the store in a folder. Raises StoreLost where it is missing or is none."""
    path = folder / KEY_FILE
    try:
        held = path.read_bytes()
    except OSError as reason:
        raise _lost(path, reason.strerror or str(reason)) from None
    if len(held) != _BYTES:
        raise _lost(path, f"it has {len(held)} bytes of {_BYTES}")
    return held


def made_secret(folder: Path) -> bytes:
    """The key of a store that holds no tombstones yet, made unless it is there; by one process at a time.

    Whole or not there at all, and on disk when this returns. Raises StoreLost where it cannot be written.
    """
    try:
        return secret(folder)
    except StoreLost:
        key = secrets.token_bytes(_BYTES)
        _write(folder, key)
        return key


def copy_secret(folder: Path, to: Path) -> None:
    """Put the key of the store in a folder beside a copy of it, where it has one. Raises StoreLost."""
    if (folder / KEY_FILE).exists():
        _write(to, secret(folder))


def _write(folder: Path, key: bytes) -> None:
    draft, path = folder / f".{KEY_FILE}-{os.getpid()}", folder / KEY_FILE
    try:
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(key)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
        sync_folder(folder)
    except OSError as reason:
        raise _lost(path, reason.strerror or str(reason)) from None


def _lost(path: Path, reason: str) -> StoreLost:
    return StoreLost(
        f"the key {path}, by which the store knows who asked to be forgotten, is lost: {reason}; "
        "put the file of that name from a backup there"
    )
