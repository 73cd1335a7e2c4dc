"""Headers of .npy files that say what is not so: compared with the manifest, and never parsed."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from forged import forge_file, manifest, refused
from numpy.lib import format as npy

from vitrina import bundle
from vitrina.errors import BundleCorrupt

PART = "history/rows"


def file_of(header, values=b"", magic=b"\x93NUMPY\x01\x00"):
    """The bytes of a .npy file with such a header."""
    text = header.encode() + b"\n"
    return magic + struct.pack("<H", len(text) & 0xFFFF) + text + values


def saved(array, version=(1, 0), pickles=False):
    """What numpy writes."""
    stream = io.BytesIO()
    npy.write_array(stream, array, version=version, allow_pickle=pickles)
    return stream.getvalue()


HEADERS = {
    "another shape": "{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }",
    "more than there is": "{'descr': '<i4', 'fortran_order': False, 'shape': (1000000000000,), }",
    "negative": "{'descr': '<i4', 'fortran_order': False, 'shape': (-1,), }",
    "overflowing": "{'descr': '<i4', 'fortran_order': False, 'shape': (4611686018427387904, 8), }",
    "wider": "{'descr': '<i8', 'fortran_order': False, 'shape': (4,), }",
    "big-endian": "{'descr': '>i4', 'fortran_order': False, 'shape': (4,), }",
    "objects": "{'descr': '|O', 'fortran_order': False, 'shape': (4,), }",
    "records": "{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (4,), }",
    "by column": "{'descr': '<i4', 'fortran_order': True, 'shape': (2, 2), }",
    "half a dict": "{'descr': '<i4', 'fortran",
    "no dict": "4",
    "code": "__import__('os').system('true')",
    "a tower of brackets": "(" * 20_000,
    "nothing": "",
    "not text": "\udcff".encode("utf-8", "surrogateescape").decode("latin-1"),
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_a_header_that_is_not_the_manifests(stored, header):
    """Shape, dtype, order or syntax: refused, though size and hash are forged to fit."""
    path = forge_file(stored, PART, file_of(header, b"\0" * 16))
    assert "has the header" in refused(path, BundleCorrupt, bundle.read)
    refused(path, BundleCorrupt)


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [
        ("<i4", [3]),
        ("<i4", [2**40]),
        ("<i4", [2**62, 8]),
        (">i4", [4]),
        ("|O", [4]),
        ("<i4,<i4", [2]),
        ("", [4]),
        ("<M8[s]", [2]),
        ("<c8", [2]),
        ("__import__", [1]),
        ("((", [1]),
        ("<i4", [4, 1.5]),
        ("<i4", [[4]]),
    ],
)
def test_header_and_manifest_lie_alike(stored, dtype, shape):
    """A forged record that agrees with a forged header still has to fill its file with plain numbers."""
    header = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {tuple(shape)!r}, }}"
    path = forge_file(stored, PART, file_of(header, b"\0" * 16), dtype=dtype, shape=shape)
    if dtype:  # without one it is bytes, which no history is: `verify` says so
        refused(path, BundleCorrupt, bundle.read)
    refused(path, BundleCorrupt)


@pytest.mark.parametrize("version", [(2, 0), (3, 0)])
def test_later_npy_versions(stored, version):
    """Vitrina writes version 1 and reads nothing else."""
    values = np.zeros(4, np.int32)
    path = forge_file(stored, PART, saved(values, version), dtype="<i4", shape=[4])
    refused(path, BundleCorrupt, bundle.read)


def test_a_header_of_four_gigabytes(stored):
    """Version 2 headers have a length of 32 bits: none is allocated."""
    data = b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + b"{" * 1000
    refused(forge_file(stored, PART, data), BundleCorrupt, bundle.read)


class Trap:
    """Whatever unpickles it fails the test."""

    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


@pytest.mark.parametrize("dtype", ["|O", "<i4", "|S8", ""])
def test_pickles_are_not_unpickled(stored, dtype):
    """An object array, whatever the manifest calls it, is refused or kept as the bytes it is."""
    trap = np.array([Trap()], dtype=object)
    path = forge_file(stored, "ids/items", saved(trap, pickles=True), dtype=dtype, shape=[1])
    refused(path, BundleCorrupt)


def test_archives_by_another_name(stored):
    """A zip of arrays under the name of one is no array."""
    stream = io.BytesIO()
    np.savez_compressed(stream, rows=np.zeros(1_000_000, np.int32))
    assert len(stream.getvalue()) < 10_000
    refused(forge_file(stored, PART, stream.getvalue()), BundleCorrupt, bundle.read)


def test_genuine_headers_are_what_numpy_writes(stored):
    """The comparison is with numpy's own text: any numpy opens our parts, and we open them unparsed."""
    for name, record in manifest(stored)["parts"].items():
        array = np.load(stored / record["file"], allow_pickle=False)
        np.testing.assert_array_equal(array, bundle.read(stored).parts[name])
