"""A bundle: one immutable directory of plain arrays with a manifest that accounts for every byte.

Knows named parts; what they must hold to be safe to answer from is in `sound`. Format 1:

    manifest.json             names every other file; sealed by manifest.sha256 (see `manifest`)
    <part>.npy | <part>.bin   one file a part; 'catalog/price' lies in catalog/price.npy

A directory is written beside its place and renamed into it; it is never written in place, because
others have it mapped. Nothing in it is code: no pickles, no import paths.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import shutil
import struct
import tempfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.lib import format as npy

from vitrina.bundle.manifest import (
    FORMAT,
    MANIFEST,
    MAX_MANIFEST_BYTES,
    SEAL,
    VERSION,
    Manifest,
    PartRecord,
    as_corrupt,
    confined,
    content_hash,
    load,
    sealed,
    stamp,
)
from vitrina.bundle.sound import check
from vitrina.errors import BundleError
from vitrina.parts import Part, Parts

__all__ = [
    "FORMAT",
    "MANIFEST",
    "MAX_MANIFEST_BYTES",
    "SEAL",
    "VERSION",
    "Bundle",
    "Manifest",
    "PartRecord",
    "as_corrupt",
    "content_hash",
    "read",
    "stamp",
    "verify",
    "write",
]

_CHUNK = 1 << 20
_MAGIC = b"\x93NUMPY\x01\x00"
_START = struct.Struct("<8sH")
_DTYPE = re.compile(r"[<|][biufS][0-9]{1,5}")


@dataclass(frozen=True)
class Bundle:
    """A manifest and its parts, mapped from disk or just fitted and still in memory."""

    manifest: Manifest
    parts: Parts
    path: Path | None = None

    def under(self, prefix: str) -> dict[str, Part]:
        """The parts below `prefix`, without it: under('catalog') has 'price'."""
        stem = prefix + "/"
        return {name[len(stem) :]: part for name, part in self.parts.items() if name.startswith(stem)}


def write(bundle: Bundle, parent: Path) -> Bundle:
    """Store a fitted bundle under `parent`, named by its content; return it as opened from there.

    Raises BundleError where the disk refuses; nothing half-written is ever visible.
    """
    parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=parent))
    try:
        records = {name: _write_part(draft, name, part) for name, part in sorted(bundle.parts.items())}
        version = stamp(bundle.manifest.created, content_hash(records, bundle.manifest.recipe))
        manifest = Manifest(**{**_shallow(bundle.manifest), "version": version, "parts": records})
        for name, data in zip((MANIFEST, SEAL), sealed(manifest), strict=True):
            _write_file(draft / name, data)
        _sync(draft)
        home = parent / version
        if not home.exists():
            draft.rename(home)
            _sync(parent)
    except OSError as reason:
        raise BundleError(
            f"cannot write a bundle under {parent}: {reason}; free space or rights, then again"
        ) from reason
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return read(home)


def read(path: Path) -> Bundle:
    """Open a bundle: every part is checked against the manifest, then mapped read-only.

    Sizes, dtypes and shapes are checked here; `verify` also reads every byte. Raises BundleCorrupt
    and BundleTooNew.
    """
    manifest = load(path)
    with as_corrupt(path.name):
        parts = {name: _map(path, name, record) for name, record in manifest.parts.items()}
    return Bundle(manifest, parts, path)


def verify(path: Path) -> Bundle:
    """Open a bundle after checking every byte in it by its hash, and every offset and row by its bounds.

    Raises as `read` does.
    """
    opened = read(path)
    manifest = opened.manifest
    with as_corrupt(path.name):
        for name, record in manifest.parts.items():
            if _digest(confined(path, record.file)) != record.sha256:
                raise ValueError(f"part {name} has changed since it was written")
        expected = stamp(manifest.created, content_hash(manifest.parts, manifest.recipe))
        if manifest.version != expected:
            raise ValueError(f"its manifest says {manifest.version}, its content is {expected}")
        check(opened.parts, manifest)
    return opened


def _map(path: Path, name: str, record: PartRecord) -> Part:
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


def _write_part(draft: Path, name: str, part: Part) -> PartRecord:
    stem = "/".join(quote(step, safe="") for step in name.split("/"))
    if isinstance(part, bytes):
        file, dtype, shape = f"{stem}.bin", "", ()
        payload = part
    else:
        array = np.ascontiguousarray(part)
        file, dtype, shape = f"{stem}.npy", array.dtype.str, array.shape
    target = draft / file
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as stream:
        if isinstance(part, bytes):
            stream.write(payload)
        else:
            npy.write_array(stream, array, version=(1, 0), allow_pickle=False)
        stream.flush()
        os.fsync(stream.fileno())
    return PartRecord(file, target.stat().st_size, _digest(target), dtype, shape)


def _write_file(target: Path, data: bytes) -> None:
    with target.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _shallow(manifest: Manifest) -> dict[str, Any]:
    return {one.name: getattr(manifest, one.name) for one in fields(manifest)}
