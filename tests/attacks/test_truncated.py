"""Files that end early, or late: refused at opening, before anything is mapped."""

from __future__ import annotations

import numpy as np
from forged import refused

from vitrina import bundle
from vitrina.bundle import Bundle, Manifest


def files(path):
    """Every file of a bundle."""
    return sorted(one for one in path.rglob("*") if one.is_file())


def test_each_fiftieth_of_each_file(tmp_path):
    """`read`, which hashes no parts, refuses a file that was cut, wherever it was."""
    told = Manifest("", 1_700_000_000, "test", "r", {}, {}, {}, [], metrics={"ndcg": 0.5})
    parts = {"a/rows": np.arange(90, dtype=np.int32), "a/blob": b"opaque" * 20, "a/none": np.zeros((0, 2))}
    path = bundle.write(Bundle(told, parts), tmp_path).path
    for file in files(path):
        data = file.read_bytes()
        for size in sorted({len(data) * step // 50 for step in range(50)}):
            file.write_bytes(data[:size])
            refused(path, opening=bundle.read)
        file.write_bytes(data)
    assert bundle.verify(path)


def test_files_of_a_real_bundle_that_shrank_or_grew(stored):
    """Nothing left, half, all but the last byte, a byte more: of every file."""
    for file in files(stored):
        data = file.read_bytes()
        for changed in (b"", data[: len(data) // 2], data[:-1], data + b"\0"):
            if changed != data:
                file.write_bytes(changed)
                refused(stored, opening=bundle.read)
        file.write_bytes(data)
    assert bundle.verify(stored)
