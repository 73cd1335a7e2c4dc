"""Lists for a whole file of customers or contexts, through the same engine the server uses.

Resumable: each finished slice is a file of its own in `<out>.slices`, so a run that was killed goes
on where it stopped; the slices are joined and removed at the end.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from vitrina.engine import Engine
from vitrina.errors import DataError
from vitrina.listing import Listing
from vitrina.live import Live
from vitrina.readers.scan import hushed
from vitrina.request import Block, Request, Response

Say = Callable[[str], None]
SLICE = 4096
_BATCH = 256


@dataclass(frozen=True)
class Asked:
    """One line of a campaign: the id that its list is filed under, and its request."""

    key: str
    request: Request


def for_users(file: Path, placement: str, k: int) -> list[Asked]:
    """A request per line of a file with a column user_id. Raises DataError."""
    block = (Block(placement, limit=k),)
    return [
        Asked(user, Request(block, user_id=user, channel="email", reasons=False)) for user in user_ids(file)
    ]


def user_ids(file: Path) -> list[str]:
    """The user_id of each line of a file, in order. Raises DataError."""
    return [row[0] for row in _rows(file, ("user_id",))]


def for_contexts(file: Path, placement: str, k: int) -> list[Asked]:
    """A request per query_id of a file with columns query_id, item_id (and user_id, if there)."""
    block = (Block(placement, limit=k),)
    contexts: dict[str, list[str]] = {}
    for query_id, item_id in _rows(file, ("query_id", "item_id")):
        contexts.setdefault(query_id, []).append(item_id)
    return [
        Asked(key, Request(block, context_item_ids=tuple(dict.fromkeys(items)), reasons=False))
        for key, items in contexts.items()
    ]


def run(engine: Engine, asked: Sequence[Asked], out: Path, key: str, now: int, say: Say) -> int:
    """Write the lists of everybody asked to `out` (.parquet or .csv) and return the rows written.

    Columns: `key`, item_id, rank (from 1), score, source. Raises DataError where `out` is neither.
    """
    if out.suffix not in (".parquet", ".csv"):
        raise DataError(f"--out {out} must end in .parquet or .csv")
    slices = out.with_name(out.name + ".slices")
    _resume(slices, _fingerprint(engine, asked, now))
    for number, start in enumerate(range(0, len(asked), SLICE)):
        done = slices / f"{number:06d}.parquet"
        if not done.exists():
            table = _table(engine, asked[start : start + SLICE], key, now)
            pq.write_table(table, done.with_suffix(".draft"))
            done.with_suffix(".draft").rename(done)
        say(f"{min(start + SLICE, len(asked)):,} of {len(asked):,} lists")
    written = _join(slices, out, key)
    shutil.rmtree(slices)
    return written


def _rows(file: Path, columns: tuple[str, ...]) -> list[tuple[str, ...]]:
    if not file.is_file():
        raise DataError(f"{file} is not a file")
    wanted = ", ".join(f'CAST("{one}" AS VARCHAR) AS "{one}"' for one in columns)
    reader = (
        "read_parquet(?)" if file.suffix == ".parquet" else "read_csv(?, header = true, all_varchar = true)"
    )
    try:
        found = hushed(duckdb.connect()).execute(f"SELECT {wanted} FROM {reader}", [str(file)]).fetchall()  # noqa: S608 - names are ours
    except duckdb.Error as reason:
        raise DataError(
            f"{file} must be .csv or .parquet with columns {', '.join(columns)}: {reason}"
        ) from reason
    return [row for row in found if all(row)]


def _resume(slices: Path, fingerprint: str) -> None:
    """Keep the slices of the same run; those of another are worth nothing."""
    mark = slices / "RUN"
    if not mark.is_file() or mark.read_text() != fingerprint:
        shutil.rmtree(slices, ignore_errors=True)
        slices.mkdir(parents=True)
        mark.write_text(fingerprint)


def _fingerprint(engine: Engine, asked: Sequence[Asked], now: int) -> str:
    digest = hashlib.sha256(f"{engine.version} {engine.placements} {now}".encode())
    for one in asked:
        digest.update(repr(one).encode())
    return digest.hexdigest()


def _table(engine: Engine, asked: Sequence[Asked], key: str, now: int) -> pa.Table:
    rows = [row for batch in _batches(asked) for row in _answered(engine, batch, now)]
    columns = list(zip(*rows, strict=True)) or [()] * 5
    return pa.table(
        {
            key: pa.array(columns[0], pa.string()),
            "item_id": pa.array(columns[1], pa.string()),
            "rank": pa.array(columns[2], pa.int32()),
            "score": pa.array(columns[3], pa.float32()),
            "source": pa.array(columns[4], pa.string()),
        }
    )


def _batches(asked: Sequence[Asked]) -> Iterator[Sequence[Asked]]:
    for start in range(0, len(asked), _BATCH):
        yield asked[start : start + _BATCH]


def _answered(engine: Engine, batch: Sequence[Asked], now: int) -> Iterator[tuple[str, str, int, float, str]]:
    responses: list[Response] = engine.recommend([one.request for one in batch], Live(now=now))
    for one, response in zip(batch, responses, strict=True):
        items = Listing.of(response.blocks[0].items)
        columns = zip(items.item_ids, items.scores, items.leads, strict=True)
        for rank, (item_id, score, source) in enumerate(columns, start=1):
            yield one.key, item_id, rank, score, source


def _join(slices: Path, out: Path, key: str) -> int:
    target = "FORMAT parquet" if out.suffix == ".parquet" else "FORMAT csv, HEADER"
    pattern, file = str(slices / "*.parquet"), str(out).replace("'", "''")
    if not list(slices.glob("*.parquet")):
        raise DataError("nobody was asked: the input file has no rows")
    source = hushed(duckdb.connect())
    source.execute("SET preserve_insertion_order = true")
    query = f"COPY (SELECT * FROM read_parquet('{pattern}')) TO '{file}' ({target})"  # noqa: S608 - our own paths
    return int(source.execute(query).fetchall()[0][0])
