"""A compact copy of an LMDB file, written anew: LMDB's own copies pages whole, and with them, in what is free
of a page, the bytes of records that were deleted.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import lmdb

DATA = "data.mdb"


def rewritten(env: Any, folder: Path) -> None:
    """Write what one moment of an environment holds, and no other byte of it, into an empty folder, on disk.

    Records go in by the order of their keys, so that nothing moves and pages are full.
    """
    size = int(env.info()["map_size"])
    with (
        env.begin() as reads,
        lmdb.open(str(folder), map_size=size, max_dbs=1024, lock=False, sync=False, metasync=False) as fresh,
    ):
        names = [bytes(name) for name, _ in reads.cursor()]
        for name in names:
            table = fresh.open_db(name)
            rows = reads.cursor(env.open_db(name, reads, create=False))
            with fresh.begin(write=True, db=table) as writes:
                writes.cursor().putmulti(iter(rows), append=True)
        fresh.sync(True)
    with (folder / DATA).open("rb") as stream:
        os.fsync(stream.fileno())
