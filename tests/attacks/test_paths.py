"""Ways out of the bundle, and files that are not files."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from forged import forge_text, manifest, refused

from vitrina import bundle
from vitrina.errors import BundleCorrupt, RegistryError
from vitrina.registry import Registry

PART = "history/rows"
OUTSIDE = "outside.npy"
PATHS = [
    "../outside.npy",
    "history/../../outside.npy",
    "./../outside.npy",
    "/etc/passwd",
    "//etc/passwd",
    "/dev/zero",
    "/proc/self/mem",
    "history/rows.npy\0",
    "\0",
    "",
    ".",
    "..",
    "history",
    "history/rows.npy/x",
    "..\\outside.npy",
    "history\\rows.npy",
    "C:\\outside.npy",
    "%2e%2e/outside.npy",
    "history%2Frows.npy",
    "history/rows.npy\u202e",
    "ｈistory/rows.npy",
    "history∕rows.npy",
    "\ud800",
    "x" * 5000,
    "history/" * 3000 + "rows.npy",
    "~/outside.npy",
    "$HOME/outside.npy",
    "file:" + "///etc/passwd",
    7,
    None,
    ["history/rows.npy"],
]


@pytest.mark.parametrize("file", PATHS, ids=lambda one: ascii(one)[:30])
def test_a_part_whose_file_lies_elsewhere(stored, file):
    """Up, absolute, with NUL, backslash, percent, look-alike letters, over-long: refused."""
    shutil.copyfile(stored / "history" / "rows.npy", stored.parent / OUTSIDE)
    found = manifest(stored)
    found["parts"][PART]["file"] = file
    path = forge_text(stored, json.dumps(found))
    refused(path, BundleCorrupt, bundle.read)
    refused(path, BundleCorrupt)


def surprises(target):
    """What may stand where a file should: (name, how it is put there)."""
    return {
        "link": lambda file: file.symlink_to(target),
        "dangling link": lambda file: file.symlink_to("nowhere"),
        "link to itself": lambda file: file.symlink_to(file.name),
        "fifo": os.mkfifo,
        "directory": lambda file: file.mkdir(),
        "device": lambda file: file.symlink_to("/dev/zero"),
    }


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", surprises(""))
@pytest.mark.parametrize("name", ["history/rows.npy", bundle.MANIFEST, bundle.SEAL])
def test_files_that_are_not_files(stored, name, kind):
    """Links (even to the same bytes), pipes that would wait for ever, folders, devices: refused at once."""
    file = stored / name
    kept = stored.parent / OUTSIDE
    shutil.move(file, kept)
    surprises(kept)[kind](file)
    assert "plain file" in refused(stored, BundleCorrupt, bundle.read)
    refused(stored, BundleCorrupt)


def test_a_link_to_another_file_of_the_bundle(stored):
    """It leads nowhere outside and holds the same bytes: a link is none of a bundle's files."""
    file = stored / "history" / "rows.npy"
    shutil.move(file, stored / "aside.npy")
    file.symlink_to(stored / "aside.npy")
    assert "plain file" in refused(stored, BundleCorrupt, bundle.read)


def test_a_folder_of_parts_that_is_a_link_out(stored):
    """A linked folder leads out as surely as a linked file."""
    shutil.move(stored / "history", stored.parent / "history")
    (stored / "history").symlink_to(stored.parent / "history")
    refused(stored, BundleCorrupt, bundle.read)


@pytest.mark.parametrize(
    "version", ["..", ".", "/", "../registry", "CURRENT", "\0", "20260102T030405Z-0123456789ab"]
)
def test_a_current_that_is_no_version(stored, version):
    """CURRENT is data: what it names is looked up by a closed form, and the sentence says what is there."""
    registry = Registry(stored.parent)
    (registry.folder / "CURRENT").write_text(version + "\n")
    with pytest.raises(RegistryError, match=r"is not a bundle version|has no bundle"):
        registry.open()
