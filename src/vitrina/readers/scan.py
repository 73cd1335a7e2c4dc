"""One file as a relation DuckDB can read: its rows, its columns, its malformed lines.

Nothing is guessed by sampling: text files are surveyed line by line first (`lines`), and a file
with damage is read from a copy without it, so that what DuckDB reads is what was counted.
"""

# ruff: noqa: S608 - names in queries are ours; what a shop wrote goes through `scan.literal`.
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from vitrina.errors import DataError
from vitrina.readers.heads import BOM, MAX_COLUMNS, head_of, is_hint, names_of, second_of
from vitrina.readers.lines import (
    MAX_MALFORMED,
    MAX_RECORD,
    MAX_TEXT,
    Malformed,
    Shape,
    Survey,
    mend,
    plain,
    refuse_if_many,
    survey,
)
from vitrina.readers.tables import ending

Db = Any
"""An open DuckDB connection; the library has no types."""

_LINE, _NEVER, _UNQUOTED = "'line': 'VARCHAR'", "\1", "''"
"""How a file is read line by line: one column, split by a byte that the survey does not let pass."""
_NOT_JSON = "not a JSON object"


@dataclass(frozen=True)
class Scan:
    """A file ready to be read.

    `relation`: SQL with a column `row` (from 0) and columns `c0`, `c1`, ... named `names` by the
    shop, of DuckDB types `types`. `whole`: SQL of the raw row as text. `line`: row -> the place a
    person would look for it. `baskets`: how many lines the rows were, where each was a basket.
    """

    file: str
    path: Path
    relation: str
    names: tuple[str, ...]
    types: tuple[str, ...]
    whole: str
    records: int
    malformed: tuple[Malformed, ...]
    line: Callable[[int], int]
    baskets: int = 0


def scan(db: Db, path: Path, file: str, scratch: Path) -> Scan:
    """Look at one file; mended copies go to `scratch`.

    `file`: the name to use in messages. Raises DataError where it is not what its name says.
    """
    kind = ending(path)
    if kind == ".parquet":
        return of_parquet(db, path, file)
    if kind.startswith((".jsonl", ".ndjson")):
        return _json(db, path, file, scratch)
    return _csv(path, file, scratch)


def literal(text: str) -> str:
    """A text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def hushed(db: Db) -> Db:
    """The connection, without the progress bar that DuckDB draws into a command's own output."""
    db.execute("SET enable_progress_bar = false")
    return db


def answer(db: Db, query: str) -> tuple[Any, ...]:
    """The first row of a query, and an end to its result: DuckDB keeps a connection busy until then."""
    rows: list[tuple[Any, ...]] = db.execute(query).fetchall()
    return rows[0]


@contextmanager
def named(file: str, advice: str = "write the file again, or leave it out") -> Iterator[None]:
    """Say in one line what DuckDB or the system could not read, and what to do."""
    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        reason = str(error).strip().splitlines()[0][:300]
        raise DataError(f"{file} cannot be read: {reason}; {advice}") from error


def _place(path: Path) -> str:
    """A path as DuckDB takes it: its signs for 'any' stand for themselves."""
    return literal("".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path)))


def _csv(path: Path, file: str, scratch: Path) -> Scan:
    head = head_of(path, file)
    hint = len(head) if is_hint(head) else 0
    head = second_of(path) if hint else head
    if not head.strip(BOM + b" \t\r\n"):
        raise DataError(f"{file} is empty or begins with an empty line; its first line must name the columns")
    names, delimiter = names_of(head, file)
    found = survey(path, Shape(ord(delimiter), len(names), hint + len(head), 3 if hint else 2), file)
    found.cuts[:0] = [(0, hint)] if hint else []
    fields = [f"c{place}" for place in range(len(names))]
    columns = ", ".join(f"'{one}': 'VARCHAR'" for one in fields)
    rows = _read_csv(mended(path, found, scratch), columns, delimiter, "'\"'", header=True)
    return Scan(
        file=file,
        path=path,
        relation=f"(SELECT row_number() OVER () - 1 AS row, * FROM {rows})",
        names=names,
        types=("VARCHAR",) * len(names),
        whole=f"concat_ws({literal(delimiter)}, " + ", ".join(f"coalesce({one}, '')" for one in fields) + ")",
        records=found.records,
        malformed=tuple(found.malformed),
        line=found.line,
    )


def _json(db: Db, path: Path, file: str, scratch: Path) -> Scan:
    head = head_of(path, file)
    if head.removeprefix(BOM).lstrip().startswith(b"["):
        raise DataError(
            f"{file} holds no JSON object but an array; write one object a line, without brackets around, as "
            f"jq -c '.[]' {file} does"
        )
    bom = len(BOM) if head.startswith(BOM) else 0
    found = survey(path, Shape(-1, 1, bom, 1), file)
    found.cuts[:0] = [(0, bom)] if bom else []
    source = mended(path, found, scratch)
    base = (
        "(SELECT row_number() OVER () - 1 AS row, line, "
        "CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE false END AS ok "
        f"FROM {_read_csv(source, _LINE, _NEVER, _UNQUOTED, header=False)})"
    )
    with named(file):
        keys = _keys(db, base, file)
        shown = (
            f"SELECT row, left(line, {MAX_TEXT}) FROM {base} WHERE NOT ok ORDER BY row "
            f"LIMIT {MAX_MALFORMED + 1}"
        )
        broken = [Malformed(found.line(row), _NOT_JSON, text) for row, text in db.execute(shown).fetchall()]
    refuse_if_many(file, broken)
    return Scan(
        file=file,
        path=path,
        relation=_objects(base, keys),
        names=tuple(keys),
        types=("VARCHAR",) * len(keys),
        whole="line",
        records=found.records - len(broken),
        malformed=tuple(sorted([*found.malformed, *broken], key=lambda one: one.line)),
        line=found.line,
    )


def _objects(base: str, keys: Sequence[str]) -> str:
    """SQL that takes the values of each object apart; JSON pointers, for keys may hold any sign."""
    pointers = ", ".join(literal("/" + key.replace("~", "~0").replace("/", "~1")) for key in keys)
    fields = ", ".join(f"v[{place + 1}] AS c{place}" for place in range(len(keys)))
    values = f"CASE WHEN ok THEN json_extract_string(line, [{pointers}]) END AS v"
    return f"(SELECT row, line, {fields} FROM (SELECT row, line, {values} FROM {base} WHERE ok))"


def _keys(db: Db, base: str, file: str) -> list[str]:
    """Every key of a file of JSON objects, in order of appearance."""
    keys = db.execute(
        f"SELECT key FROM (SELECT row, unnest(json_keys(line)) AS key FROM {base} WHERE ok) "
        f"GROUP BY key ORDER BY min(row), key LIMIT {MAX_COLUMNS + 1}"
    ).fetchall()
    if not keys or len(keys) > MAX_COLUMNS:
        count = f"over {MAX_COLUMNS:,} different keys" if keys else "no JSON object"
        raise DataError(f'{file} holds {count}; write one flat object a line, such as {{"item_id": "a1"}}')
    return [key for (key,) in keys]


def _read_csv(source: Path, columns: str, delimiter: str, quote: str, *, header: bool) -> str:
    """SQL of the rows of a surveyed text file.

    `new_line` and `strict_mode` are so because only then DuckDB takes files that mix CR LF and LF,
    as spreadsheets write them. More than one thread then gives a file up where a thread's eight million
    bytes end with a line, and is no faster: rows are counted in their order.
    """
    return (
        f"read_csv({_place(source)}, columns={{{columns}}}, delim={literal(delimiter)}, quote={quote}, "
        f"escape={quote}, header={header}, auto_detect=false, strict_mode=false, new_line='\\r\\n', "
        f"parallel=false, max_line_size={2 * MAX_RECORD})"
    )


def of_parquet(db: Db, path: Path, file: str) -> Scan:
    """A Parquet file. Raises DataError as `scan` does."""
    with plain(path) as stream:
        if stream.read(4) != b"PAR1":
            raise DataError(
                f"{file} is not Parquet, whatever its name says; name it by what it is, or write it again"
            )
    source = f"read_parquet({_place(path)}, file_row_number=true, hive_partitioning=false)"
    with named(file):
        described = db.execute(f"DESCRIBE SELECT * EXCLUDE (file_row_number) FROM {source}").fetchall()
        records = answer(db, f"SELECT count(*) FROM {source}")[0]
    if len(described) > MAX_COLUMNS:
        raise DataError(f"{file} has {len(described):,} columns; at most {MAX_COLUMNS:,} are read")
    names = tuple(one[0] for one in described)
    fields = ", ".join(f"{_identifier(name)} AS c{place}" for place, name in enumerate(names))
    pairs = ", ".join(f"{literal(name)}, CAST(c{place} AS VARCHAR)" for place, name in enumerate(names))
    return Scan(
        file=file,
        path=path,
        relation=f"(SELECT file_row_number AS row, {fields} FROM {source})",
        names=names,
        types=tuple(one[1] for one in described),
        whole=f"CAST(json_object({pairs}) AS VARCHAR)",
        records=records,
        malformed=(),
        line=lambda row: row + 1,
    )


def as_bytes(db: Db, found: Scan, scratch: Path) -> Scan:
    """The same Parquet file with its texts as bare bytes, for one whose texts are not all UTF-8."""
    copy = scratch / f"bytes-{len(list(scratch.iterdir()))}.parquet"
    source = pq.ParquetFile(found.path)
    schema = pa.schema(
        [one.with_type(pa.binary()) if pa.types.is_string(one.type) else one for one in source.schema_arrow]
    )
    with pq.ParquetWriter(copy, schema) as out:
        for batch in source.iter_batches():
            columns = [
                one.view(pa.binary()) if pa.types.is_string(one.type) else one for one in batch.columns
            ]
            out.write_batch(pa.record_batch(columns, schema=schema))
    return replace(of_parquet(db, copy, found.file), path=found.path)


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def mended(path: Path, found: Survey, scratch: Path) -> Path:
    """A text file itself, or a copy without the lines that are no records."""
    if not found.cuts:
        return path
    copy = scratch / f"mended-{len(list(scratch.iterdir()))}.txt"
    mend(path, found.cuts, copy)
    return copy
