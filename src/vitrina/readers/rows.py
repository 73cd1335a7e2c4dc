"""The rows of all files of a table, side by side as texts, before anything is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb

from vitrina.errors import DataError
from vitrina.readers import tickets, values
from vitrina.readers.columns import CONTRACT, Choice, choose
from vitrina.readers.encodings import as_utf8
from vitrina.readers.kinds import by_files
from vitrina.readers.scan import Db, Scan, answer, as_bytes, literal, named, scan
from vitrina.readers.tables import ending

Say = Callable[[str], None]
NESTED = ("STRUCT", "MAP", "UNION", "VARIANT")


@dataclass(frozen=True)
class Staged:
    """A table of a shop in DuckDB, as `raw_<table>`: file, row, the contract's columns, attributes.

    All are texts (see `values.text`), NULL where nothing is given. Attribute k of `attributes` is
    the column `x<k>`. `columns`: contract column -> the shop's column, for those that came.
    """

    table: str
    scans: tuple[Scan, ...]
    columns: Mapping[str, str]
    attributes: tuple[str, ...]
    unused: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def rows(self) -> int:
        """How many rows came, good or bad; blank lines are none."""
        return sum(one.records + len(one.malformed) for one in self.scans)

    def has(self, column: str) -> bool:
        """Whether any file has this column of the contract."""
        return column in self.columns

    def numbers(self, column: str) -> bool:
        """Whether this column of the contract came as numbers that may have decimals, not as texts."""
        name = self.columns.get(column)
        places = [(one, one.names.index(name)) for one in self.scans if name in one.names]
        return bool(places) and all(
            one.types[at].split("(")[0] in ("DOUBLE", "FLOAT", "DECIMAL") for one, at in places
        )


def stage(
    db: Db,
    table: str,
    files: Sequence[tuple[Path, str]],
    aliases: Mapping[str, str],
    scratch: Path,
    say: Say,
    baskets: bool,
) -> Staged:
    """Read the files of one table, of a basket a line where events are `baskets` and no tables.

    Raises DataError naming the file that cannot be read."""
    full = [(path, file) for path, file in files if len(files) == 1 or path.stat().st_size]
    scans, bare, told = [], list[Scan](), []
    for raw, file in full:
        say(f"reading {file} ({raw.stat().st_size / 1e6:,.1f} MB)")
        path, noted = as_utf8(raw, file, scratch)
        told += [noted] if noted else []
        if baskets and table == "events" and tickets.are(path, file, aliases):
            found, said = tickets.scan(db, path, file, scratch)
            bare.append(found)
            told.append(said)
        else:
            found = scan(db, path, file, scratch)
        scans.append(found)
    choices = [choose(table, one.file, one.names, {} if one in bare else aliases) for one in scans]
    _agree(table, scans, choices)
    attributes = tuple(sorted({name for one in choices for name in one.attributes}))
    came = [one.contract.keys() for one in choices]
    types, typed = (
        by_files([one.file for one in scans], came) if table == "events" else ([""] * len(scans), [])
    )
    scans, nested = _fill(db, table, scans, choices, types, attributes, scratch)
    both = list(zip(scans, choices, strict=True))
    empty = [f"{file} is empty" for path, file in files if (path, file) not in full]
    return Staged(
        table=table,
        scans=tuple(scans),
        columns=dict.fromkeys(["event_type"] if any(types) else [], "the name of its file")
        | {name: one.names[at] for one, choice in both for name, at in choice.contract.items()},
        attributes=attributes,
        unused=tuple(dict.fromkeys(name for choice in choices for name in choice.unused)),
        notes=(
            *dict.fromkeys(note for choice in choices for note in choice.notes),
            *told,
            *typed,
            *nested,
            *empty,
        ),
    )


def _fill(
    db: Db,
    table: str,
    scans: Sequence[Scan],
    choices: Sequence[Choice],
    types: Sequence[str],
    attributes: Sequence[str],
    scratch: Path,
) -> tuple[list[Scan], list[str]]:
    """Copy the rows of all files into `raw_<table>`; the scans that could be read, and notes.

    `types`: the event type of all rows of a file, where one is known."""
    fields = [*CONTRACT[table], *(f"x{place}" for place in range(len(attributes)))]
    columns = ", ".join(f"{one} VARCHAR" for one in fields)
    db.execute(f"CREATE TABLE raw_{table} (file INTEGER, row BIGINT, {columns})")
    nested: set[str] = set()
    readable = []
    for number, (one, choice, kind) in enumerate(zip(scans, choices, types, strict=True)):
        fill = partial(_fields, choice=choice, attributes=attributes, nested=nested)
        of_all = f", {literal(kind)} AS event_type" if kind else ""
        insert = f"INSERT INTO raw_{table} BY NAME SELECT {number} AS file{of_all}"
        readable.append(_insert(db, insert, one, fill, scratch))
    return readable, sorted(nested)


def _fields(one: Scan, choice: Choice, attributes: Sequence[str], nested: set[str]) -> dict[str, str]:
    """Column of the raw table -> SQL over the file's columns; attributes of many values are noted.

    Raises DataError where a row is of several items."""
    places = dict(choice.contract)
    if "item_id" in places and one.types[places["item_id"]].endswith("[]"):
        raise DataError(
            f"{one.file}: {one.names[places['item_id']]!r} holds several items a row; write a row for each"
        )
    for name, place in choice.attributes.items():
        if one.types[place].endswith("[]") or one.types[place].startswith(NESTED):
            nested.add(
                f"{one.names[place]!r} holds several values a row and was left out; an attribute has one"
            )
        else:
            places[f"x{attributes.index(name)}"] = place
    return {name: values.text(f"c{place}", one.types[place]) for name, place in places.items()}


def _insert(db: Db, insert: str, one: Scan, fill: Callable[[Scan], Mapping[str, str]], scratch: Path) -> Scan:
    """Copy the rows of a file; returns the scan that could be read, and holds it to its count."""
    with named(one.file):
        try:
            copied = _copy(db, insert, one, fill(one))
        except duckdb.InvalidInputException as error:
            if "not valid UTF8" not in str(error) or ending(one.path) != ".parquet":
                raise
            one = as_bytes(db, one, scratch)
            copied = _copy(db, insert, one, fill(one))
    if copied != one.records:
        raise DataError(
            f"{one.file} has {one.records:,} well-formed rows, but {copied:,} could be read; "
            "write it again as plain CSV (commas, double quotes, UTF-8) or as Parquet"
        )
    return one


def _copy(db: Db, insert: str, one: Scan, fields: Mapping[str, str]) -> int:
    columns = "".join(f", {sql} AS {name}" for name, sql in fields.items())
    return int(answer(db, f"{insert}, row{columns} FROM {one.relation}")[0])


def _agree(table: str, scans: Sequence[Scan], choices: Sequence[Choice]) -> None:
    """Refuse files of which only some have timestamps: half of the rows would have no place in time."""
    if table != "events":
        return
    timed = [one.file for one, choice in zip(scans, choices, strict=True) if "timestamp" in choice.contract]
    bare = [
        one.file for one, choice in zip(scans, choices, strict=True) if "timestamp" not in choice.contract
    ]
    if timed and bare:
        raise DataError(
            f"{timed[0]} has a timestamp, {bare[0]} has none; give every file of events one, or none"
        )
