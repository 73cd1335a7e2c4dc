"""Private copies of bundles: what the workers of a host map, so that nobody can pull it from under them.

A mapped file that somebody truncates kills whoever reads it next (SIGBUS), and one that is overwritten
changes answers. So a bundle is copied once a host into a folder of the server's own, every byte is checked
there, and every worker maps that. Their pages are shared.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vitrina import bundle
from vitrina.bundle import VERSION, Bundle
from vitrina.errors import BundleCorrupt, BundleError
from vitrina.scratch import hold, sweep

KEPT = 2
"""Copies that stay: the current one, and the one to roll back to. What is mapped lives on unnamed."""
_PREFIX = "vitrina-serve-"
_LOCK = ".lock"


@dataclass(frozen=True)
class Generations:
    """A folder of verified copies, shared by the workers of a host and by nobody else."""

    folder: Path

    def take(self, source: Path) -> Bundle:
        """A bundle opened from its copy here, which is made where there is none yet.

        Raises BundleCorrupt and BundleTooNew for what `source` holds, BundleError where it cannot be copied.
        """
        with self._alone():
            home = self.folder / source.name
            if not home.is_dir():
                self._copy(source, home)
            os.utime(home)
            opened = bundle.read(home)
            for version in self.versions()[KEPT:]:
                shutil.rmtree(self.folder / version)
        return opened

    def versions(self) -> list[str]:
        """The copies here, the one taken last first."""
        found = [one for one in self.folder.iterdir() if VERSION.fullmatch(one.name)]
        return [one.name for one in sorted(found, key=lambda one: one.stat().st_mtime_ns, reverse=True)]

    def _copy(self, source: Path, home: Path) -> None:
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=self.folder)) / source.name
        try:
            for file in _files(source):
                (draft / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source / file, draft / file)
            found = bundle.verify(draft).manifest.version
            if found != source.name:
                raise BundleCorrupt(f"bundle {source.name} is bundle {found}; name its folder so")
            draft.rename(home)
        except OSError as reason:
            raise BundleError(
                f"cannot copy bundle {source.name} to {self.folder}: {reason}; free space there, "
                "or serve with another --run-dir"
            ) from reason
        finally:
            shutil.rmtree(draft.parent, ignore_errors=True)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One worker copies, the others wait and find the copy made."""
        with (self.folder / _LOCK).open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield


def _files(source: Path) -> set[str]:
    """What belongs to a bundle, by its manifest; each file is checked to lie inside it."""
    parts = bundle.read(source).manifest.parts.values()
    return {record.file for record in parts} | {one.name for one in source.glob("manifest.*")}


@contextlib.contextmanager
def run_folder(parent: Path | None) -> Iterator[Path]:
    """A folder for one server's run below `parent`, made if need be, or the system's for temporary files.

    It goes with the run. What servers left that were killed goes first. Raises BundleError.
    """
    place = parent or Path(tempfile.gettempdir())
    try:
        place.mkdir(parents=True, exist_ok=True)
        sweep(place, _PREFIX)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    except OSError as reason:
        raise BundleError(f"no folder for the run under {place}: {reason}; give another --run-dir") from None
    try:
        with hold(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
