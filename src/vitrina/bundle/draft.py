"""A bundle in the making: parts are stored as they are learned, and from then on mapped, not held.

A draft lies beside its place, in a folder that no registry looks at, and is renamed into it; whatever is not
published goes with the draft, or, where its training was killed, with the next one.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from vitrina.bundle.files import mapped, stored, through
from vitrina.bundle.manifest import MANIFEST, SEAL, Manifest, PartRecord, content_hash, sealed, stamp
from vitrina.durable import sync_folder
from vitrina.errors import BundleError
from vitrina.parts import Part, Parts
from vitrina.scratch import HELD, hold, sweep

_PREFIX = ".draft-"


class Draft:
    """A folder under `parent` in which parts are kept until they are published, or the context ends.

    All methods raise BundleError where the disk refuses.
    """

    def __init__(self, parent: Path) -> None:
        self._parent = parent
        self._kept: dict[str, tuple[PartRecord, Part]] = {}
        with self._refusing():
            parent.mkdir(parents=True, exist_ok=True)
            sweep(parent, _PREFIX)
            self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
            self._held = hold(self._folder)

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *reason: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._held.close()

    def keep(self, name: str, part: Part) -> Part:
        """Store a part; the same mapped from the disk, so that the given one may go."""
        with self._refusing():
            record = stored(self._folder, name, part)
            self._kept[name] = record, mapped(self._folder, name, record)
        return self._kept[name][1]

    def publish(self, manifest: Manifest, parts: Parts) -> Path:
        """Put these parts in their place, named by their content, storing those not kept yet; the place.

        Nothing half-written is ever visible. Where the same lies there already, it stays.
        """
        records = {name: self._record(name, part) for name, part in sorted(parts.items())}
        version = stamp(manifest.created, content_hash(records, manifest.recipe))
        home, whole = self._parent / version, replace(manifest, version=version, parts=records)
        with self._refusing():
            for name in self._kept.keys() - records.keys():
                (self._folder / self._kept[name][0].file).unlink()
            for file, data in zip((MANIFEST, SEAL), sealed(whole), strict=True):
                through(self._folder / file, iter([memoryview(data)]))
            (self._folder / HELD).unlink()
            sync_folder(self._folder)
            if not home.exists():
                self._folder.rename(home)
                sync_folder(self._parent)
        return home

    def _record(self, name: str, part: Part) -> PartRecord:
        if name not in self._kept or self._kept[name][1] is not part:
            self.keep(name, part)
        return self._kept[name][0]

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except OSError as reason:
            raise BundleError(
                f"cannot write a bundle under {self._parent}: {reason}; free space or rights, then again"
            ) from reason
