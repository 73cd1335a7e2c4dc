"""Small files that unpack to very large ones. (Photos' bombs: tests/images/test_decode.py.)"""

from __future__ import annotations

import gzip
import subprocess
import sys
import zlib

import pytest

from vitrina.errors import DataError
from vitrina.readers import read

READ = """
import resource, sys
from pathlib import Path
from vitrina.errors import VitrinaError
from vitrina.readers import read
(Path(sys.argv[1]) / "none").mkdir()
try:
    read(Path(sys.argv[1]) / "none", say=print)  # what reading imports is not the bomb's
except VitrinaError:
    pass
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read(Path(sys.argv[1]), say=lambda line: None)
except VitrinaError as reason:
    print(type(reason).__name__, str(reason).replace(chr(10), " "))
else:
    print("read")
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((after - before) // 1024)
"""


def packed(size, head=b"user_id,item_id,timestamp\n", filling=b"a"):
    """A gzip file of a heading and `size` times the same bytes, packed piece by piece."""
    squeeze = zlib.compressobj(9, wbits=31)
    piece = filling * ((1 << 20) // len(filling))
    data = [squeeze.compress(head), *(squeeze.compress(piece) for _ in range(size >> 20)), squeeze.flush()]
    return b"".join(data)


@pytest.mark.timeout(90)
@pytest.mark.parametrize("filling", [b"a", b'"'], ids=["one line", "an open quote"])
def test_a_table_of_one_endless_line(tmp_path, filling):
    """A hundred and sixty megabytes from as many kilobytes: refused in a sentence, and never held whole."""
    file = tmp_path / "events.csv.gz"
    file.write_bytes(packed(160 << 20, filling=filling))
    assert file.stat().st_size < 300_000
    found = subprocess.run(
        [sys.executable, "-c", READ, str(tmp_path)], capture_output=True, text=True, timeout=80
    )
    assert found.returncode == 0, found.stderr
    said, megabytes = found.stdout.strip().split("\n")
    assert said.startswith("DataError ")
    assert "events.csv.gz" in said
    assert int(megabytes) < 120


@pytest.mark.parametrize("cut", [10, 40, -8, -4])
def test_archives_that_end_early(tmp_path, cut):
    """A cut or damaged archive is a DataError that names the file."""
    rows = b"".join(b"u%d,i%d,%d\n" % (n % 50, n % 7, 1_700_000_000 + n) for n in range(3000))
    (tmp_path / "events.csv.gz").write_bytes(gzip.compress(b"user_id,item_id,timestamp\n" + rows)[:cut])
    with pytest.raises(DataError, match=r"events\.csv\.gz"):
        read(tmp_path)
