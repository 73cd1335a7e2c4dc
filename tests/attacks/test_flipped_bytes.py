"""A flipped bit, wherever it falls: the bundle is refused, or what was flipped is no part of it."""

from __future__ import annotations

import json
import shutil

import numpy as np
from forged import refused

from vitrina import bundle
from vitrina.bundle import Bundle, Manifest, manifest


def flipped(data, place):
    """The bytes with one bit changed, another bit at each place."""
    return data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :]


def files(path):
    """Every file of a bundle."""
    return sorted(one for one in path.rglob("*") if one.is_file())


def test_every_byte_of_a_small_bundle(tmp_path):
    """Each byte of each file in turn: header, values, opaque part, manifest, seal."""
    told = Manifest("", 1_700_000_000, "test", "r", {}, {}, {}, [], metrics={"ndcg": 0.5})
    parts = {"a/rows": np.arange(9, dtype=np.int32), "a/blob": b"opaque", "a/none": np.zeros((0, 2))}
    path = bundle.write(Bundle(told, parts), tmp_path).path
    for file in files(path):
        data = file.read_bytes()
        for place in range(len(data)):
            file.write_bytes(flipped(data, place))
            refused(path)
        file.write_bytes(data)
    assert bundle.verify(path)


def test_every_byte_of_a_real_manifest(stored):
    """Free fields too: facts, types, placements, metrics and probes are under the seal."""
    file = stored / bundle.MANIFEST
    data = file.read_bytes()
    found = json.loads(data)
    assert all(found[name] for name in ("dataset", "types", "placements", "metrics", "probes"))
    for place in range(len(data)):
        assert manifest.seal(flipped(data, place)) != manifest.seal(data)
    for place in range(0, len(data), 40):
        file.write_bytes(flipped(data, place))
        refused(stored)
        refused(stored, opening=bundle.read)


def test_bytes_of_every_file_of_a_real_bundle(stored):
    """Each file of a trained bundle, at random places."""
    random = np.random.default_rng(5)
    for file in files(stored):
        data = file.read_bytes()
        file.write_bytes(flipped(data, int(random.integers(len(data)))))
        refused(stored)
        file.write_bytes(data)
    assert bundle.verify(stored)


def test_strangers_in_the_directory_are_never_read(stored):
    """What the manifest does not name is no part of the bundle: it changes nothing."""
    before = bundle.verify(stored)
    (stored / "surprise.npy").write_bytes(b"\x80\x04pickle")
    shutil.copytree(stored / "catalog", stored / "catalog2")
    after = bundle.verify(stored)
    assert after.parts.keys() == before.parts.keys()
    assert after.manifest == before.manifest
