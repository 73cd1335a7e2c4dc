"""A compact copy of an LMDB file, written anew: LMDB's own copies pages whole, and with them, in what is free
of a page, the bytes of records that were deleted. This takes longer, and whoever writes waits for it.
"""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import Any

import lmdb

from vitrina.state.tables import TABLES

DATA = "data.mdb"
_TOGETHER = 20_000
"""Records of one transaction: what it has not written yet lies in memory."""


def rewritten(env: Any, folder: Path) -> None:
    """Write what one moment of an environment holds, and no other byte of it, into an empty folder, on disk.

    Records go in by the order of their keys, so that nothing moves and pages are full.
    """
    size = int(env.info()["map_size"])
    fresh = lmdb.open(
        str(folder), map_size=size, max_dbs=len(TABLES) + 16, lock=False, sync=False, metasync=False
    )
    with env.begin() as reads, fresh:
        for name in [bytes(one) for one, _ in reads.cursor()]:
            table, rows = fresh.open_db(name), iter(reads.cursor(env.open_db(name, reads, create=False)))
            while some := list(islice(rows, _TOGETHER)):
                with fresh.begin(write=True, db=table) as writes:
                    writes.cursor().putmulti(some, append=True)
        fresh.sync(True)
    with (folder / DATA).open("rb") as stream:
        os.fsync(stream.fileno())
