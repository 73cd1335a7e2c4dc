"""Files that are gone, or stand where others belong."""

from __future__ import annotations

import itertools
import json
import shutil
from dataclasses import replace

import pytest
from forged import manifest, refused

from vitrina import bundle, probes
from vitrina.bundle import as_corrupt
from vitrina.bundle.manifest import seal
from vitrina.bundle.sound import check
from vitrina.engine import Engine
from vitrina.errors import BundleCorrupt, VitrinaError

VERSION = "20260102T030405Z-0123456789ab"


def files(path):
    """Every file of a bundle, in order."""
    return sorted(one for one in path.rglob("*") if one.is_file())


def test_every_file_removed(stored):
    """Without any one of its files a bundle is refused, by `read` as well."""
    for file in files(stored):
        data = file.read_bytes()
        file.unlink()
        assert file.name in refused(stored, BundleCorrupt, bundle.read)
        file.write_bytes(data)
    assert bundle.verify(stored)


def test_neighbouring_files_swapped(stored):
    """Two files of one shape in each other's place differ in their hash."""
    for one, other in itertools.pairwise(files(stored)):
        before, after = one.read_bytes(), other.read_bytes()
        if before == after:
            continue
        one.write_bytes(after)
        other.write_bytes(before)
        refused(stored, BundleCorrupt)
        one.write_bytes(before)
        other.write_bytes(after)
    assert bundle.verify(stored)


def test_manifests_swapped(stored, trained):
    """A genuine manifest and seal of another bundle do not fit these parts."""
    for name in (bundle.MANIFEST, bundle.SEAL):
        shutil.copyfile(trained / name, stored / name)
    refused(stored, BundleCorrupt)


@pytest.mark.parametrize("told", [{"created": 1_800_000_000}, {"recipe": "another"}, {"version": VERSION}])
def test_a_version_that_is_not_the_contents(stored, told):
    """A sealed manifest of genuine parts under another moment, another recipe or another name is refused."""
    data = json.dumps({**manifest(stored), **told}).encode()
    (stored / bundle.MANIFEST).write_bytes(data)
    (stored / bundle.SEAL).write_bytes(seal(data))
    assert "its content is" in refused(stored, BundleCorrupt)


def test_every_part_left_out(trained):
    """A bundle that never had some part is refused by a sentence when it is opened, or answers without."""
    whole = bundle.read(trained)
    refusals = []
    for name in whole.parts:
        less = replace(whole, parts={one: part for one, part in whole.parts.items() if one != name})
        try:
            with as_corrupt(trained.name):
                check(less.parts, less.manifest)
            probes.replay(Engine.of(less))
        except VitrinaError as reason:
            refusals.append(str(reason))
    assert len(refusals) > len(whole.parts) / 2
    for said in refusals:
        assert trained.name in said
        assert "; " in said
