"""Files of a basket a line, as tills and sets for rule miners have them: `baskets.csv`, `baskets.txt`.

    citrus fruit,semi-finished bread,margarine

Each line is an order of nobody known, each of its fields an item. Where the first line names an item column
it is a table as any other, under another name.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vitrina.errors import DataError
from vitrina.readers.columns import CONTRACT, plain
from vitrina.readers.lines import Shape, Survey, survey
from vitrina.readers.lines import plain as opened
from vitrina.readers.scan import BOM, Db, Scan, mended, names_of, of_parquet
from vitrina.readers.tables import ending, is_baskets

SIGNS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
"""What may stand between the items of a line, and its name; spaces where nothing else does."""
LOOKED_AT = 1000
"""Lines that tell which it is."""
_BATCH = 50_000
_SCHEMA = pa.schema({"order_id": pa.string(), "item_id": pa.string()})


def are(path: Path) -> bool:
    """Whether a file is called baskets, and its first line names no column of items.

    Raises DataError where it cannot be read."""
    if not is_baskets(path) or ending(path).startswith((".parquet", ".jsonl", ".ndjson")):
        return False
    with opened(path) as stream:
        first = stream.readline(1 << 16).removeprefix(BOM)
    known = {"itemid", *(plain(one) for tier in CONTRACT["events"]["item_id"] for one in tier.split())}
    try:
        names, _ = names_of(first, path.name)
    except DataError:
        return True
    return not any(plain(name) in known for name in names)


def scan(db: Db, path: Path, file: str, scratch: Path) -> tuple[Scan, str]:
    """The file as a table of orders and items, and what is to be said of it.

    Raises DataError where it holds no basket."""
    with opened(path) as stream:
        start = len(BOM) if stream.read(len(BOM)) == BOM else 0
    found = survey(path, Shape(-1, 1, start, 1))
    found.cuts[:0] = [(0, start)] if start else []
    text = mended(path, found, scratch)
    sign = _sign(text)
    copy = scratch / f"tickets-{len(list(scratch.iterdir()))}.parquet"
    sizes = _lengthen(text, sign, found, copy)
    if not sizes.sum():
        raise DataError(f"{file} holds no basket; each line is one, its items split at commas")
    lines = np.repeat([found.line(record) for record in range(len(sizes))], sizes)
    long = of_parquet(db, copy, file)
    told = replace(long, path=path, malformed=tuple(found.malformed), line=lambda row: int(lines[row]))
    return told, f"{file}: each line is an order, its items split at {SIGNS[sign]}; whose it is nobody knows"


def _sign(text: Path) -> str:
    """What stands between the items: the sign that most lines have."""
    with opened(text) as stream:
        some = [line.decode("utf-8") for line in islice(stream, LOOKED_AT)]
    held = {sign: sum(sign in line for line in some) for sign in ",;\t|"}
    best = max(held, key=lambda sign: held[sign])
    return best if held[best] else " "


def _lengthen(text: Path, sign: str, found: Survey, copy: Path) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Write an item a row; returns how many each record has: int64[records]."""
    sizes: list[int] = []
    with opened(text) as stream, pq.ParquetWriter(copy, _SCHEMA) as out:
        records = (_items(line.decode("utf-8"), sign) for line in stream)
        while batch := list(islice(records, _BATCH)):
            lines = [str(found.line(len(sizes) + at)) for at in range(len(batch))]
            orders = [line for line, one in zip(lines, batch, strict=True) for _ in one]
            items = [item for one in batch for item in one]
            out.write_table(pa.table({"order_id": orders, "item_id": items}, _SCHEMA))
            sizes += [len(one) for one in batch]
    return np.array(sizes, np.int64)


def _items(line: str, sign: str) -> list[str]:
    """The items of a line; what is empty is none."""
    if sign == " ":
        return line.split()
    line = line.rstrip("\r\n")
    fields = next(csv.reader([line], delimiter=sign), []) if '"' in line else line.split(sign)
    return [one.strip() for one in fields if one.strip()]
