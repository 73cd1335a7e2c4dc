"""What a bundle says of itself, and the seal over what it says.

    manifest.json      strict JSON, at most 64 MiB; names every other file
    manifest.sha256    its hash, as sha256sum writes and checks it

Every format, of now or later, keeps these two files and the manifest's `format`, so that a bundle of
the future is refused as such and a damaged one as damaged. Hashes tell of accidents; against whoever
can write to a registry they are no defence.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from vitrina.errors import BundleCorrupt, BundleError, BundleTooNew

FORMAT = 1
MANIFEST = "manifest.json"
SEAL = "manifest.sha256"
MAX_MANIFEST_BYTES = 64 << 20
VERSION = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{12}")


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


def sealed(manifest: Manifest) -> tuple[bytes, bytes]:
    """A manifest's bytes, and those of the seal over them."""
    data = json.dumps(asdict(manifest), indent=1, sort_keys=True).encode()
    return data, seal(data)


def seal(data: bytes) -> bytes:
    """The content of SEAL for a manifest's bytes."""
    return f"{hashlib.sha256(data).hexdigest()}  {MANIFEST}\n".encode()


def load(path: Path) -> Manifest:
    """The manifest of the bundle at `path`. Raises BundleCorrupt and BundleTooNew."""
    with as_corrupt(path.name):
        file = confined(path, MANIFEST)
        if file.stat().st_size > MAX_MANIFEST_BYTES:
            raise BundleCorrupt(
                f"bundle {path.name}: {MANIFEST} has over {MAX_MANIFEST_BYTES} bytes; train it again"
            )
        data = file.read_bytes()
        _check_seal(path, data)
        found = json.loads(data, parse_constant=_refuse_constant)
        version = found["format"]
    if not isinstance(version, int) or version < 1:
        raise BundleCorrupt(f"bundle {path.name}: format {version!r} is not a format number; train it again")
    if version > FORMAT:
        raise BundleTooNew(
            f"bundle {path.name} has format {version}, this Vitrina reads up to {FORMAT}; upgrade it"
        )
    with as_corrupt(path.name):
        return _manifest(found)


def confined(path: Path, file: str) -> Path:
    """The file inside the bundle; a link, a way out of it, whatever is no plain file is refused."""
    found = path / file
    plain = found.is_file() and not found.is_symlink()
    if not plain or not found.resolve().is_relative_to(path.resolve()):
        raise BundleCorrupt(
            f"bundle {path.name}: {file!r} is not a plain file inside it; train or copy it again"
        )
    return found


@contextlib.contextmanager
def as_corrupt(name: str) -> Iterator[None]:
    """Whatever reading a hostile directory raises, say it as BundleCorrupt, naming the bundle.

    A want of memory is not the bundle's fault, and stays what it is.
    """
    try:
        yield
    except (BundleError, MemoryError):
        raise
    except Exception as reason:
        said = f"{reason} is missing" if isinstance(reason, KeyError) else reason
        raise BundleCorrupt(f"bundle {name}: {said}; train or copy it again") from reason


def _check_seal(path: Path, data: bytes) -> None:
    due = seal(data)
    file = confined(path, SEAL)
    if file.stat().st_size != len(due) or file.read_bytes() != due:
        raise BundleCorrupt(
            f"bundle {path.name}: {MANIFEST} is not the one that {SEAL} was made over; train or copy it again"
        )


def _manifest(found: dict[str, Any]) -> Manifest:
    found["parts"] = {name: _record(one) for name, one in found["parts"].items()}
    manifest = Manifest(**found)
    for kept in fields(Manifest):
        if type(getattr(manifest, kept.name)) is not _JSON[str(kept.type).split("[")[0]]:
            raise ValueError(f"manifest field {kept.name} is not a {kept.type}")
    if not all(isinstance(one, str) for one in manifest.types):
        raise ValueError("manifest field types is not a list[str]")
    return manifest


_JSON: dict[str, type] = {"str": str, "int": int, "dict": dict, "list": list}


def _record(found: dict[str, Any]) -> PartRecord:
    record = PartRecord(**{**found, "shape": tuple(found["shape"])})
    if not all(isinstance(side, int) and side >= 0 for side in record.shape):
        raise ValueError(f"shape {record.shape} is not a shape")
    return record


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")
