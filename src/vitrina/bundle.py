"""A bundle: one immutable directory of plain arrays with a manifest that accounts for every byte.

Knows named parts, not what they mean. Format 1:

    manifest.json             strict JSON, at most 64 MiB; names every other file
    <part>.npy | <part>.bin   one file a part; 'catalog/price' lies in catalog/price.npy

A directory is written beside its place and renamed into it; it is never written in place, because
others have it mapped. Nothing in it is code: no pickles, no import paths.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.lib import format as npy

from vitrina.errors import BundleCorrupt, BundleError, BundleTooNew
from vitrina.parts import Part, Parts

FORMAT = 1
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 64 << 20
VERSION = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{12}")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class PartRecord:
    """What the manifest says of one part. `dtype` is empty for bytes."""

    file: str
    size: int
    sha256: str
    dtype: str = ""
    shape: tuple[int, ...] = ()


@dataclass(frozen=True)
class Manifest:
    """What a bundle is, apart from its parts. Times are seconds since 1970 UTC.

    `strategies`: instance name -> {"is": strategy name, "params": hyperparameters}.
    `placements`: the tables of the placements file it was trained with.
    `probes`: requests with their answers, replayed before a server trusts the bundle.
    """

    version: str
    created: int
    vitrina: str
    recipe: str
    placements: dict[str, Any]
    strategies: dict[str, dict[str, Any]]
    dataset: dict[str, Any]
    types: list[str]
    metrics: dict[str, Any] = field(default_factory=dict)
    probes: list[dict[str, Any]] = field(default_factory=list)
    parts: dict[str, PartRecord] = field(default_factory=dict)
    format: int = FORMAT


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


def content_hash(parts: Mapping[str, PartRecord], recipe: str) -> str:
    """sha256 hex over what the bundle answers from: parts and recipe, no dates, no timings."""
    digest = hashlib.sha256(recipe.encode())
    for name in sorted(parts):
        digest.update(f"\0{name}\0{parts[name].sha256}".encode())
    return digest.hexdigest()


def stamp(created: int, digest: str) -> str:
    """The version name of a bundle: when, and what."""
    moment = np.datetime_as_string(np.datetime64(created, "s"), unit="s")
    return f"{re.sub('[-:]', '', str(moment))}Z-{digest[:12]}"


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
        _write_file(draft / MANIFEST, json.dumps(asdict(manifest), indent=1, sort_keys=True).encode())
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
    manifest = _manifest(path)
    with _as_corrupt(path):
        parts = {name: _map(path, name, record) for name, record in manifest.parts.items()}
    return Bundle(manifest, parts, path)


def verify(path: Path) -> Bundle:
    """Open a bundle after checking the hash of every byte in it. Raises as `read` does."""
    manifest = _manifest(path)
    for name, record in manifest.parts.items():
        with _as_corrupt(path):
            actual = _digest(_confined(path, record.file))
        if actual != record.sha256:
            raise BundleCorrupt(
                f"bundle {path.name}: part {name} has changed since it was written; train or copy it again"
            )
    expected = stamp(manifest.created, content_hash(manifest.parts, manifest.recipe))
    if manifest.version != expected:
        raise BundleCorrupt(
            f"bundle {path.name}: its manifest says {manifest.version}, its content is {expected}"
        )
    return read(path)


def _manifest(path: Path) -> Manifest:
    file = path / MANIFEST
    with _as_corrupt(path):
        if file.stat().st_size > MAX_MANIFEST_BYTES:
            raise BundleCorrupt(f"bundle {path.name}: manifest over {MAX_MANIFEST_BYTES} bytes")
        found = json.loads(file.read_bytes(), parse_constant=_refuse_constant)
        version = found["format"]
    if not isinstance(version, int) or version < 1:
        raise BundleCorrupt(f"bundle {path.name}: format {version!r} is not a format number")
    if version > FORMAT:
        raise BundleTooNew(
            f"bundle {path.name} has format {version}, this Vitrina reads up to {FORMAT}; upgrade it"
        )
    with _as_corrupt(path):
        found["parts"] = {name: _record(one) for name, one in found["parts"].items()}
        manifest = Manifest(**found)
        for kept in fields(Manifest):
            if type(getattr(manifest, kept.name)) is not _JSON[str(kept.type).split("[")[0]]:
                raise BundleCorrupt(f"bundle {path.name}: manifest field {kept.name} is not a {kept.type}")
    return manifest


_JSON: dict[str, type] = {"str": str, "int": int, "dict": dict, "list": list}


def _record(found: dict[str, Any]) -> PartRecord:
    record = PartRecord(**{**found, "shape": tuple(found["shape"])})
    if not all(isinstance(side, int) and side >= 0 for side in record.shape):
        raise ValueError(f"shape {record.shape} is not a shape")
    return record


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def _map(path: Path, name: str, record: PartRecord) -> Part:
    file = _confined(path, record.file)
    if file.stat().st_size != record.size:
        raise BundleCorrupt(
            f"bundle {path.name}: part {name} has {file.stat().st_size} bytes, not {record.size}"
        )
    if not record.dtype:
        return file.read_bytes()
    with file.open("rb") as stream:
        shape, fortran, dtype = _header(stream)
        offset = stream.tell()
    if (shape, dtype.str, fortran) != (record.shape, record.dtype, False) or dtype.hasobject:
        raise BundleCorrupt(
            f"bundle {path.name}: part {name} is {dtype.str}{shape}, not {record.dtype}{record.shape}"
        )
    if offset + dtype.itemsize * int(np.prod(shape, dtype=object)) != record.size:
        raise BundleCorrupt(f"bundle {path.name}: part {name} does not fill its file")
    if 0 in shape:
        return np.empty(shape, dtype)
    # A plain ndarray over the map: numba compiles for it once, and indexing it costs less.
    return np.asarray(np.memmap(file, dtype, "r", offset, shape))


def _header(stream: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    major = npy.read_magic(stream)
    if major != (1, 0):
        raise ValueError(f"npy version {major} is not written by Vitrina")
    return npy.read_array_header_1_0(stream)


def _confined(path: Path, file: str) -> Path:
    """The file inside the bundle; a link, or a way out of it, is refused."""
    found = path / file
    inside = found.resolve().is_relative_to(path.resolve())
    if not inside or found.is_symlink() or not found.is_file():
        raise BundleCorrupt(f"bundle {path.name}: {file!r} is not a plain file inside it")
    return found


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


@contextlib.contextmanager
def _as_corrupt(path: Path) -> Iterator[None]:
    """Whatever reading a hostile directory raises, say it as BundleCorrupt, naming the bundle."""
    try:
        yield
    except BundleError:
        raise
    except (
        OSError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        RecursionError,
        OverflowError,
    ) as reason:
        raise BundleCorrupt(f"bundle {path.name}: {reason}; train or copy it again") from reason
