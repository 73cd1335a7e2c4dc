"""One part on disk: an array in numpy's own file, or bytes as they are; written, mapped, hashed."""

from __future__ import annotations

import hashlib
import io
import math
import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.lib import format as npy

from vitrina.bundle.manifest import PartRecord, confined
from vitrina.parts import Part

_CHUNK = 1 << 20
_MAGIC = b"\x93NUMPY\x01\x00"
_START = struct.Struct("<8sH")
_DTYPE = re.compile(r"[<|][biufS][0-9]{1,5}")


def stored(folder: Path, name: str, part: Part) -> PartRecord:
    """Write a part below a folder, through to the disk. Raises OSError."""
    stem = "/".join(quote(step, safe="") for step in name.split("/"))
    if isinstance(part, bytes):
        file, dtype, shape = f"{stem}.bin", "", ()
    else:
        part = np.ascontiguousarray(part)
        file, dtype, shape = f"{stem}.npy", part.dtype.str, part.shape
    size, digest = through(folder / file, _pieces(part))
    return PartRecord(file, size, digest, dtype, shape)


def through(target: Path, pieces: Iterator[memoryview]) -> tuple[int, str]:
    """Write a file through to the disk; its size, and its sha256 on the way. Raises OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with target.open("wb") as stream:
        for one in pieces:
            stream.write(one)
            digest.update(one)
        stream.flush()
        os.fsync(stream.fileno())
        return stream.tell(), digest.hexdigest()


def _pieces(part: Part) -> Iterator[memoryview]:
    """A part's file, a chunk at a time."""
    if isinstance(part, bytes):
        whole = memoryview(part)
    else:
        head = io.BytesIO()
        npy.write_array_header_1_0(head, npy.header_data_from_array_1_0(part))
        yield head.getbuffer()
        whole = part.reshape(-1).view(np.uint8).data if part.size else memoryview(b"")
    for first in range(0, len(whole), _CHUNK):
        yield whole[first : first + _CHUNK]


def mapped(path: Path, name: str, record: PartRecord) -> Part:
    """A part as its record says, read-only. Raises ValueError, OSError and BundleError where it is not so."""
    file = confined(path, record.file)
    if file.stat().st_size != record.size:
        raise ValueError(f"part {name} has {file.stat().st_size} bytes, not {record.size}")
    if not record.dtype:
        return file.read_bytes()
    dtype, shape, offset = _dtype(name, record), record.shape, _header_size(name, file, record)
    if offset + dtype.itemsize * math.prod(shape) != record.size:
        raise ValueError(f"part {name} does not fill its file")
    if 0 in shape:
        return np.empty(shape, dtype)
    # A plain ndarray over the map: numba compiles for it once, and indexing it costs less.
    return np.asarray(np.memmap(file, dtype, "r", offset, shape))


def _dtype(name: str, record: PartRecord) -> np.dtype[Any]:
    if not _DTYPE.fullmatch(record.dtype):
        raise ValueError(f"part {name} is {record.dtype!r}, which no part is")
    return np.dtype(record.dtype)


def _header_size(name: str, file: Path, record: PartRecord) -> int:
    """Where the values begin; a header that does not say what the manifest says is refused, unparsed."""
    due = f"{{'descr': {record.dtype!r}, 'fortran_order': False, 'shape': {record.shape!r}, }}"
    with file.open("rb") as stream:
        start = stream.read(_START.size)
        magic, size = _START.unpack(start.ljust(_START.size, b"\0"))
        told = stream.read(size).rstrip(b" \n")
    if magic != _MAGIC or told != due.encode():
        raise ValueError(f"part {name} has the header {(start[:8] + told)[:200]!r}, not {due}")
    return _START.size + int(size)


def digest_of(file: Path) -> str:
    """The sha256 of a file, in hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
