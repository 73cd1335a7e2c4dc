"""Lists for a whole file of customers or contexts, through the same engine the server uses.

The file is answered slice by slice, over all cores where there is much of it (`crew.py`), and never held
whole. Resumable: each finished slice is a file of its own in `<out>.slices`, so a run that was killed, or one
of whose processes was, goes on where it stopped; slices are joined in order and removed at the end.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vitrina.crowd import Crowd, Customers
from vitrina.engine import Engine
from vitrina.errors import DataError
from vitrina.readers.scan import hushed
from vitrina.request import Block, Request
from vitrina.since import Remember, forgetful
from vitrina.tabled import Part, tabled

Say = Callable[[str], None]
SLICE = 4096
"""Lines answered between two files."""
CHANNEL = "email"
"""What lists of customers are for."""
_BATCH = 256

Line = tuple[str, tuple[str, ...]]
"""An id that lists are filed under, and the items they are about."""
Work = Callable[[Iterator[tuple[Path, list[Line]]]], Iterator[int]]
"""Answers slices into their files, in any order; how many lines each had."""


@dataclass(frozen=True)
class Survey:
    """Who is asked for what. `key`: 'user_id', or 'query_id' for contexts; one list of `k` per placement."""

    file: Path
    key: str
    placements: tuple[str, ...]
    k: int

    def lines(self) -> Iterator[Line]:
        """Each line of the file, in order; of contexts, each query with its items. Raises DataError."""
        if self.key == "user_id":
            yield from ((user, ()) for (user,) in _rows(self.file, ("user_id",)))
        else:
            yield from ((query, tuple(dict.fromkeys(items))) for query, items in _contexts(self.file))

    def count(self) -> int:
        """How many lines there are. Raises DataError."""
        counted = "count(*)" if self.key == "user_id" else "count(DISTINCT query_id)"
        columns = ("user_id",) if self.key == "user_id" else ("query_id", "item_id")
        query = f"SELECT {counted} FROM ({_select(self.file, columns)})"  # noqa: S608 - names are ours
        return int(next(_fetched(self.file, query, columns))[0])

    def lasts(self) -> bool:
        """Whether there is enough to do that further processes are worth their start."""
        return self.count() > 4 * SLICE

    @property
    def page(self) -> Request:
        """What everybody is asked for: a list per placement."""
        blocks = tuple(Block(one, limit=self.k) for one in self.placements)
        return Request(blocks, channel=CHANNEL if self.key == "user_id" else "site", reasons=False)

    def request(self, line: Line) -> Request:
        """What the engine is asked for a line."""
        who, items = line
        if self.key == "user_id":
            return replace(self.page, user_id=who)
        return replace(self.page, context_item_ids=items)


def for_users(file: Path, placements: Sequence[str], k: int) -> Survey:
    """Lists for each line of a file with a column user_id. Raises DataError."""
    _columns(file, ("user_id",))
    return Survey(file, "user_id", tuple(placements), k)


def for_contexts(file: Path, placements: Sequence[str], k: int) -> Survey:
    """Lists for each query_id of a file with columns query_id, item_id. Raises DataError."""
    _columns(file, ("query_id", "item_id"))
    return Survey(file, "query_id", tuple(placements), k)


def user_ids(file: Path) -> list[str]:
    """The user_id of each line of a file, in order. Raises DataError."""
    return [user for (user,) in _rows(file, ("user_id",))]


def run(
    engine: Engine,
    survey: Survey,
    out: Path,
    now: int,
    say: Say,
    work: Work | None = None,
    remember: Remember = forgetful,
) -> int:
    """Write the lists of everybody asked to `out` (.parquet or .csv) and return the rows written.

    Columns: the survey's key, placement where there are several, item_id, rank (from 1), score, source.
    `work` answers slices elsewhere (`crew.py`); by default they are answered here. `remember`: what people
    did since training, by default nothing. Raises DataError, and StoreError.
    """
    if out.suffix not in (".parquet", ".csv"):
        raise DataError(f"--out {out} must end in .parquet or .csv")
    slices = out.with_name(out.name + ".slices")
    _resume(slices, _fingerprint(engine, survey, now))
    total, begun, done = survey.count(), monotonic(), 0
    kept = sum(1 for _ in slices.glob("*.parquet")) * SLICE
    answer = work or (
        lambda todo: (answered(engine, survey, file, lines, now, remember) for file, lines in todo)
    )
    for lines in answer(_todo(survey, slices)):
        done += lines
        say(progress(min(kept + done, total), total, done, monotonic() - begun))
    if not kept and not done:
        raise DataError(f"nobody was asked: {survey.file} has no rows")
    written = _join(slices, out)
    shutil.rmtree(slices)
    return written


def answered(
    engine: Engine, survey: Survey, file: Path, lines: Sequence[Line], now: int, remember: Remember
) -> int:
    """Write the lists of some lines to a file, whole or not at all; how many lines there were."""
    target = file.with_suffix(".draft")
    pq.write_table(_table(engine, survey, lines, now, remember), target)
    target.rename(file)
    return len(lines)


def progress(reached: int, total: int, done: int, spent_s: float) -> str:
    """How far a run is, how fast it goes and when it will end."""
    rate = done / spent_s if spent_s > 0 else 0.0
    left = (total - reached) / rate if rate else 0.0
    text = f"{reached:,} of {total:,} lists, {rate:,.0f} a second"
    return text if reached >= total else f"{text}, {int(left // 60)} min {int(left % 60):02d} s to go"


def _todo(survey: Survey, slices: Path) -> Iterator[tuple[Path, list[Line]]]:
    """The slices that are not there yet."""
    lines, number = survey.lines(), 0
    while some := list(islice(lines, SLICE)):
        file = slices / f"{number:06d}.parquet"
        if not file.exists():
            yield file, some
        number += 1


def _table(engine: Engine, survey: Survey, lines: Sequence[Line], now: int, remember: Remember) -> pa.Table:
    starts = range(0, len(lines), _BATCH)
    batches = [range(start, min(start + _BATCH, len(lines))) for start in starts]
    parts = [part for one in batches for part in _parts(engine, survey, lines, one, now, remember)]
    return tabled(parts, [key for key, _ in lines], survey.key, survey.placements)


def _parts(
    engine: Engine, survey: Survey, lines: Sequence[Line], places: range, now: int, remember: Remember
) -> Iterator[Part]:
    """The lists of the lines at some places: those of whom more is known than the bundle holds apart."""
    people = survey.key == "user_id"
    live = remember([(lines[one][0] if people else "", "") for one in places], now)
    known = {*live.did, *live.shown, *live.whose}
    plain = [one for one in places if people and (lines[one][0], "") not in known]
    more = [one for one in places if not people or (lines[one][0], "") in known]
    if plain:
        customers = Customers(engine.askers, [lines[one][0] for one in plain], CHANNEL)
        yield from _answers(engine, survey.page, customers, plain, now)
    if more:
        askers = engine.askers_of([survey.request(lines[one]) for one in more], live)
        yield from _answers(engine, survey.page, Crowd(askers), more, now)


def _answers(engine: Engine, page: Request, crowd: Crowd, places: Sequence[int], now: int) -> Iterator[Part]:
    at = np.array(places, np.int32)
    for block, members, lists in engine.lists(page, crowd, now):
        yield Part(at[np.asarray(members)], block, lists)


def _columns(file: Path, columns: tuple[str, ...]) -> None:
    """Raises DataError where a file lacks a column, or is none."""
    next(_rows(file, columns), None)


def _select(file: Path, columns: tuple[str, ...]) -> str:
    """SQL for the columns of a file as texts, its path being the parameter; `n` is the row's number."""
    if not file.is_file():
        raise DataError(f"{file} is not a file")
    wanted = ", ".join(f'CAST("{one}" AS VARCHAR) AS "{one}"' for one in columns)
    reader = (
        "read_parquet(?)" if file.suffix == ".parquet" else "read_csv(?, header = true, all_varchar = true)"
    )
    present = " AND ".join(f'"{one}" IS NOT NULL AND "{one}" <> \'\'' for one in columns)
    return f"SELECT * FROM (SELECT {wanted} FROM {reader}) WHERE {present}"  # noqa: S608 - names are ours


def _rows(file: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield from _fetched(file, _select(file, columns), columns)


def _contexts(file: Path) -> Iterator[tuple[str, list[str]]]:
    """Each query_id with its items in the order of the file, wherever they stand."""
    numbered = f"SELECT *, row_number() OVER () AS n FROM ({_select(file, ('query_id', 'item_id'))})"  # noqa: S608
    query = f"SELECT query_id, list(item_id ORDER BY n) FROM ({numbered}) GROUP BY query_id ORDER BY min(n)"  # noqa: S608
    yield from _fetched(file, query, ("query_id", "item_id"))


def _fetched(file: Path, query: str, columns: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    try:
        with hushed(duckdb.connect()) as db:
            found = db.execute(query, [str(file)])
            while batch := found.fetchmany(10 * SLICE):
                yield from batch
    except duckdb.Error as reason:
        raise DataError(
            f"{file} must be .csv or .parquet with columns {', '.join(columns)}: {reason}"
        ) from reason


def _resume(slices: Path, fingerprint: str) -> None:
    """Keep the slices of the same run; those of another are worth nothing."""
    mark = slices / "RUN"
    if not mark.is_file() or mark.read_text() != fingerprint:
        shutil.rmtree(slices, ignore_errors=True)
        slices.mkdir(parents=True)
        mark.write_text(fingerprint)


def _fingerprint(engine: Engine, survey: Survey, now: int) -> str:
    said = f"{engine.version} {engine.placements} {survey.key} {survey.placements} {survey.k} {now} {SLICE}"
    digest = hashlib.sha256(said.encode())
    with survey.file.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _join(slices: Path, out: Path) -> int:
    """All slices in order as one file, which takes its name when it is whole."""
    target = "FORMAT parquet" if out.suffix == ".parquet" else "FORMAT csv, HEADER"
    draft = out.with_name(out.name + ".draft")
    pattern, file = str(slices / "*.parquet").replace("'", "''"), str(draft).replace("'", "''")
    with hushed(duckdb.connect()) as db:
        db.execute("SET preserve_insertion_order = true")
        query = f"COPY (SELECT * FROM read_parquet('{pattern}')) TO '{file}' ({target})"  # noqa: S608 - our own paths
        written = int(db.execute(query).fetchall()[0][0])
    draft.rename(out)
    return written
