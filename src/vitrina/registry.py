"""Many bundles in one folder, one of them current.

    <registry>/CURRENT        the current version, one line, replaced by rename
    <registry>/HISTORY        every version that became current, oldest first: what roll back walks
    <registry>/placements.json   placements that were applied over the bundles' own, where any were
    <registry>/<version>/     a bundle

Publishing never touches a bundle that somebody may have open.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vitrina.bundle import MANIFEST, VERSION, Bundle, Draft, read, verify, write
from vitrina.errors import RegistryError, VitrinaError


@dataclass(frozen=True)
class Registry:
    """A folder of bundles. All methods raise RegistryError with the next step."""

    folder: Path

    def versions(self) -> list[str]:
        """Every bundle here, oldest first."""
        if not self.folder.is_dir():
            return []
        with self._told(self.folder, "read"):
            found = [one.name for one in self.folder.iterdir() if (one / MANIFEST).is_file()]
        return sorted(name for name in found if VERSION.fullmatch(name))

    def current(self) -> str:
        """The version that servers should answer from."""
        file = self.folder / "CURRENT"
        if not file.exists():
            known, where = self.versions(), f"--registry {self.folder}"
            step = f"models activate {known[-1]} {where}" if known else f"train {where} ..."
            raise RegistryError(f"{self.folder} has no current bundle; run 'vitrina {step}'")
        return self._known(self._text(file).strip())

    def path(self, version: str = "") -> Path:
        """Where a version lies; the current one by default."""
        return self.folder / (self._known(version) if version else self.current())

    def open(self, version: str = "") -> Bundle:
        """Open a version; the current one by default."""
        return read(self.path(version))

    def publish(
        self, bundle: Bundle, draft: Draft | None = None, check: Callable[[], None] = lambda: None
    ) -> Bundle:
        """Write a fitted bundle, check every byte of it, and make it current.

        `draft`: one in this folder, where parts of it may be kept already. `check` may raise what keeps the
        bundle from being current; it is asked right before and right after it became so, and what it raises
        leaves nothing of the bundle, unless the same one was here already.
        """
        known = self.versions()
        stored = read(draft.publish(bundle.manifest, bundle.parts)) if draft else write(bundle, self.folder)
        version = stored.manifest.version
        try:
            check()
            self.activate(version)
            check()
        except VitrinaError:
            if version not in known:
                self._withdraw(version)
            raise
        return stored

    def activate(self, version: str) -> None:
        """Make a version current, once every byte of it is what its manifest says."""
        self._verified(version)
        history = [one for one in self.history() if one != version]
        self._replace("HISTORY", "".join(f"{one}\n" for one in [*history, version]))
        self._replace("CURRENT", version + "\n")

    def history(self) -> list[str]:
        """Versions in the order in which they last became current; those pruned are left out."""
        file = self.folder / "HISTORY"
        known = set(self.versions())
        return [one for one in self._text(file).split() if one in known] if file.exists() else []

    def roll_back(self) -> str:
        """Make the version before the current one current again, and return its name.

        What became current by a copied CURRENT is in no history: all that is there was before it.
        """
        history = self.history()
        place = history.index(self.current()) if self.current() in history else len(history)
        if place < 1:
            raise RegistryError(
                f"{self.folder} has no bundle before {self.current()}; see 'vitrina models list'"
            )
        earlier = history[place - 1]
        self._verified(earlier)
        self._replace("HISTORY", "".join(f"{one}\n" for one in history[:place]))
        self._replace("CURRENT", earlier + "\n")
        return earlier

    @property
    def placements(self) -> Path:
        """Where applied placements lie; servers that were given no file of their own follow it."""
        return self.folder / "placements.json"

    @property
    def applied(self) -> Path | None:
        """The placements that were applied; None where the bundles' own are in force."""
        return self.placements if self.placements.exists() else None

    def apply_placements(self, text: str) -> None:
        """Put placements over the bundles' own, at once or not at all; with no text take them away."""
        if text:
            self._replace(self.placements.name, text)
        else:
            with self._told(self.placements, "remove"):
                self.placements.unlink(missing_ok=True)

    def prune(self, keep: int) -> list[str]:
        """Remove all but the newest `keep` bundles and the current one; return what went."""
        if keep < 0:
            raise RegistryError(f"{keep} bundles cannot be kept; say 0 or more")
        doomed = [one for one in self.versions()[: -keep or None] if one != self.current()]
        for version in doomed:
            self._remove(version)
        return doomed

    def _withdraw(self, version: str) -> None:
        """Remove a version; where it is current, the one before it becomes so, or none is."""
        if (self.folder / "CURRENT").exists() and self.current() == version:
            if self.history()[:1] == [version]:
                with self._told(self.folder / "CURRENT", "remove"):
                    (self.folder / "CURRENT").unlink()
            else:
                self.roll_back()
        self._remove(version)

    def _remove(self, version: str) -> None:
        with self._told(self.folder / version, "remove"):
            shutil.rmtree(self.folder / version)

    def _verified(self, version: str) -> None:
        found = verify(self.path(version)).manifest.version
        if found != version:
            raise RegistryError(f"{self.folder / version} holds bundle {found}; name the folder so")

    def _known(self, version: str) -> str:
        if not VERSION.fullmatch(version):
            raise RegistryError(f"{version!r} is not a bundle version such as 20260102T030405Z-0123456789ab")
        if not (self.folder / version / MANIFEST).is_file():
            raise RegistryError(
                f"{self.folder} has no bundle {version}; it has: {', '.join(self.versions()) or 'none'}"
            )
        return version

    def _replace(self, name: str, text: str) -> None:
        with self._told(self.folder / name, "write"):
            handle, draft = tempfile.mkstemp(prefix=f".{name}-", dir=self.folder)
            with os.fdopen(handle, "w") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            Path(draft).replace(self.folder / name)

    def _text(self, file: Path) -> str:
        """A file's text; bytes that are none are seen as such, and are no version."""
        with self._told(file, "read"):
            return file.read_text(encoding="utf-8", errors="replace")

    @staticmethod
    @contextmanager
    def _told(what: Path, verb: str) -> Iterator[None]:
        try:
            yield
        except OSError as reason:
            raise RegistryError(
                f"cannot {verb} {what}: {reason.strerror or reason}; see that it is this registry's and that "
                "this user may change it"
            ) from None
