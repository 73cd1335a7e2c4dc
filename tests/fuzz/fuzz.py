"""Coverage-guided fuzzing (atheris) of all that reads bytes from outside: `python tests/fuzz/fuzz.py`.

The first byte chooses the target: all calls of the service over a real engine, events to record, the token
reader, a manifest, a part's file. Whatever is given, only errors that Vitrina documents may come out. Further
arguments are libFuzzer's, such as `-max_total_time=15 -seed=1`; without a folder of its own it starts
from `corpus/` and keeps what it finds in a temporary one. Ends with 0 where nothing was found.
"""

from __future__ import annotations

import hashlib
import hmac
import sys
import tempfile
from collections.abc import Callable
from inspect import isfunction
from pathlib import Path

import atheris
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from forged import publish, train

from vitrina import bundle
from vitrina.bundle import manifest, sound
from vitrina.engine import Engine
from vitrina.errors import BundleError, InvalidRequest, InvalidToken, UnknownPlacement
from vitrina.kernels import messages

# Compiled kernels cannot be instrumented, so they are imported before, and bundles by their functions.
with atheris.instrument_imports(include=["vitrina.server"]):
    from vitrina.server.events import LATE_S, Reader
    from vitrina.server.explanations import explained
    from vitrina.server.service import Note, Service
    from vitrina.server.token import Signer

from vitrina.state.events import Event, encoded, entered, unpacked

assert messages.listed_items.signatures  # compiled here, uninstrumented
for module in (bundle, manifest, sound):
    for function in vars(module).values():
        if (
            isfunction(function)
            and function.__module__ == module.__name__
            and not hasattr(function, "__wrapped__")
        ):
            atheris.instrument_func(function)

CORPUS = Path(__file__).resolve().parent / "corpus"
KEY = b"sixteen bytes or more"
NOW = 1_790_000_000


class Targets:
    """What may be given bytes, over one small trained bundle in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.path = publish(folder, train({"popular": {}, "item_knn": {}}))
        self.manifest = (self.path / bundle.MANIFEST).read_bytes()
        told = manifest.Manifest("", NOW, "fuzz", "r", {}, {}, {}, [])
        parts = {"a/rows": np.arange(9, dtype=np.int32), "a/blob": b"opaque"}
        self.small = bundle.write(bundle.Bundle(told, parts), folder / "small").path or folder
        self.part = self.small / "a" / "rows.npy"
        self.values = self.part.read_bytes()
        engine = Engine.of(bundle.verify(self.path))
        self.signer = Signer(KEY)
        self.service = Service(lambda: engine, self.signer)
        self.all: tuple[Callable[[bytes], None], ...] = (
            self.recommend,
            self.batch,
            self.token,
            self.signed,
            self.read_manifest,
            self.read_part,
            self.events,
            self.explain,
        )

    def recommend(self, data: bytes) -> None:
        """A page."""
        _only(lambda: self.service.recommend(data, NOW), InvalidRequest, UnknownPlacement)

    def batch(self, data: bytes) -> None:
        """A campaign."""
        _only(lambda: list(self.service.batch_recommend(data, NOW)), InvalidRequest, UnknownPlacement)

    def explain(self, data: bytes) -> None:
        """What became of items on the way to a list."""
        _only(lambda: explained(self.service, data, NOW, Note()), InvalidRequest, UnknownPlacement)

    def events(self, data: bytes) -> None:
        """Events to record: what is taken comes back from the log as it was."""
        _only(lambda: [_logged(one) for one in Reader(self.signer).read(data, NOW).events], InvalidRequest)

    def token(self, data: bytes) -> None:
        """A token as a stranger would write it: none is ever taken."""
        try:
            self.signer.read(data.decode("latin-1"))
        except InvalidToken:
            return
        raise AssertionError("a forged token was taken")

    def signed(self, data: bytes) -> None:
        """The same bytes under every other key are nobody's; compared without a word on how far they fit."""
        mac = hmac.digest(hashlib.sha256(data).digest(), data, "sha256")[:16]
        self.token(data + mac)

    def read_manifest(self, data: bytes) -> None:
        """A manifest, sealed, overwritten from some place on or altogether."""
        text = _overwritten(self.manifest, data)
        (self.path / bundle.MANIFEST).write_bytes(text)
        (self.path / bundle.SEAL).write_bytes(manifest.seal(text))
        try:
            _only(lambda: Engine.of(bundle.verify(self.path)), BundleError)
        finally:
            (self.path / bundle.MANIFEST).write_bytes(self.manifest)
            (self.path / bundle.SEAL).write_bytes(manifest.seal(self.manifest))

    def read_part(self, data: bytes) -> None:
        """A part's file, overwritten from some place on: `verify` refuses whatever differs."""
        changed = _overwritten(self.values, data)
        self.part.write_bytes(changed)
        try:
            _only(lambda: bundle.read(self.small), BundleError)
            _only(lambda: _differs(self.small, changed == self.values), BundleError)
        finally:
            self.part.write_bytes(self.values)

    def one(self, data: bytes) -> None:
        """The entry point."""
        if data:
            self.all[data[0] % len(self.all)](data[1:])


def _only(call: Callable[[], object], *documented: type[Exception]) -> None:
    try:
        call()
    except documented as reason:
        if not str(reason):
            raise AssertionError("an error without a word") from reason


def _logged(event: Event) -> None:
    assert unpacked(entered(encoded(event), NOW, False)).event == event
    assert NOW - LATE_S <= event.time <= NOW


def _differs(path: Path, same: bool) -> None:
    bundle.verify(path)
    assert same, "a changed part was taken"


def _overwritten(whole: bytes, data: bytes) -> bytes:
    """Two bytes say where, the rest what: written over, inserted, or in place of all that follows."""
    if len(data) < 3:
        return data
    place, what = int.from_bytes(data[:2], "big") % (len(whole) + 1), data[3:]
    behind = (whole[place + len(what) :], whole[place:], b"")[data[2] % 3]
    return whole[:place] + what + behind


def main() -> None:
    """Fuzz until told to stop."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found"
        found.mkdir()
        targets = Targets(Path(folder) / "registry")
        options = [one for one in sys.argv[1:] if one.startswith("-")]
        folders = [one for one in sys.argv[1:] if not one.startswith("-")] or [str(found), str(CORPUS)]
        atheris.Setup(
            [sys.argv[0], f"-artifact_prefix={tempfile.gettempdir()}/", *options, *folders], targets.one
        )
        atheris.Fuzz()


if __name__ == "__main__":
    main()
