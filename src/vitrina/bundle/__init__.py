"""A bundle: one immutable directory of plain arrays with a manifest that accounts for every byte.

Knows named parts; what they must hold to be safe to answer from is in `sound`, one on disk in `files`, a
bundle in the making in `draft`. Format 1:

    manifest.json             names every other file; sealed by manifest.sha256 (see `manifest`)
    <part>.npy | <part>.bin   one file a part; 'catalog/price' lies in catalog/price.npy

A directory is written beside its place and renamed into it; it is never written in place, because
others have it mapped. Nothing in it is code: no pickles, no import paths.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vitrina.bundle.draft import Draft
from vitrina.bundle.files import digest_of, mapped
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
    stamp,
)
from vitrina.bundle.sound import check
from vitrina.parts import Part, Parts

__all__ = [
    "FORMAT",
    "MANIFEST",
    "MAX_MANIFEST_BYTES",
    "SEAL",
    "VERSION",
    "Bundle",
    "Draft",
    "Manifest",
    "PartRecord",
    "as_corrupt",
    "content_hash",
    "read",
    "stamp",
    "verify",
    "write",
]


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
    with Draft(parent) as draft:
        return read(draft.publish(bundle.manifest, bundle.parts))


def read(path: Path) -> Bundle:
    """Open a bundle: every part is checked against the manifest, then mapped read-only.

    Sizes, dtypes and shapes are checked here; `verify` also reads every byte. Raises BundleCorrupt
    and BundleTooNew.
    """
    manifest = load(path)
    with as_corrupt(path.name):
        parts = {name: mapped(path, name, record) for name, record in manifest.parts.items()}
    return Bundle(manifest, parts, path)


def verify(path: Path) -> Bundle:
    """Open a bundle after checking every byte in it by its hash, and every offset and row by its bounds.

    Raises as `read` does.
    """
    opened = read(path)
    manifest = opened.manifest
    with as_corrupt(path.name):
        for name, record in manifest.parts.items():
            if digest_of(confined(path, record.file)) != record.sha256:
                raise ValueError(f"part {name} has changed since it was written")
        expected = stamp(manifest.created, content_hash(manifest.parts, manifest.recipe))
        if manifest.version != expected:
            raise ValueError(f"its manifest says {manifest.version}, its content is {expected}")
        check(opened.parts, manifest)
    return opened
