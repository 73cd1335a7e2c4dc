"""Which files of a folder hold which table.

Knows names only: `events.csv`, `events-2018.csv.gz`, a folder `events/` of part files; `baskets.txt` where
there are no events. What is in a file is `scan`, or `tickets`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from vitrina.errors import DataError

TABLES = ("events", "items", "users")
_TEXTS = (".csv", ".tsv", ".jsonl", ".ndjson")
ENDINGS = (".parquet", *_TEXTS, *(one + ".gz" for one in _TEXTS))
BASKETS = "baskets"
"""What events may be called where they are baskets; any text is one then."""
_ELSEWHERE = "embeddings_ids"
"""What stands beside the tables and is no shop's: the rows of `embeddings.npy`."""
PLAIN = (".txt", ".dat", ".txt.gz", ".dat.gz")


@dataclass(frozen=True)
class Found:
    """The files of each table that has any, in the order they are read; by name, files left aside, in a
    format that is not read, and others that could be read, but have no table's name.

    `baskets`: whether events are called that; `second`: baskets that are not read, as there are events.
    """

    files: dict[str, tuple[Path, ...]]
    aside: tuple[str, ...] = ()
    uncalled: tuple[str, ...] = ()
    baskets: bool = False
    second: tuple[str, ...] = ()


def find(folder: Path) -> Found:
    """The tables of a data folder; where there are no events, baskets stand for them.

    Raises DataError where there is no folder, neither events nor items, one table in two formats,
    or a table only in a format that is not read.
    """
    if not folder.is_dir():
        problem = "is a file, not a folder" if folder.exists() else "does not exist"
        raise DataError(
            f"the data folder {folder} {problem}; name the folder that holds events.*, baskets.* or items.*"
        )
    files: dict[str, tuple[Path, ...]] = {}
    aside: list[str] = []
    for table in TABLES:
        readable, strange = _named(folder, table)
        if strange and not readable:
            raise DataError(
                f"{strange[0].name} is not in a format that is read; "
                f"save it as {table}.csv, {table}.jsonl or {table}.parquet (CSV and JSON lines may be .gz)"
            )
        aside += [path.name for path in strange]
        if readable:
            _once(table, readable)
            files[table] = tuple(sorted(readable, key=_natural))
    baskets, strange = _named(folder, BASKETS)
    aside += [path.name for path in strange]
    if "events" in files:
        second = tuple(sorted(path.name for path in baskets))
        return Found(files, tuple(aside), _uncalled(folder), second=second)
    if baskets:
        _once("events", baskets)
        files["events"] = tuple(sorted(baskets, key=_natural))
    if not files.keys() & {"events", "items"}:
        raise DataError(f"{folder} has neither events.* nor baskets.* nor items.*; {_holds(folder)}")
    return Found(files, tuple(aside), _uncalled(folder), bool(baskets))


def find_events(place: Path) -> Found:
    """The files of events alone: those of a data folder, or one file of any name.

    Raises DataError as `find` does, and where there are no events.
    """
    if place.is_file():
        baskets = _is_called(place.name.lower(), BASKETS)
        if not ending(place, baskets=baskets):
            more = "" if baskets else f"; with a basket a line, call it {BASKETS}.txt"
            raise DataError(f"{place} is no file of events; give one that ends in {', '.join(ENDINGS)}{more}")
        return Found({"events": (place,)}, baskets=baskets)
    found = find(place)
    if "events" not in found.files:
        raise DataError(f"{place} has neither events.* nor baskets.*; {_holds(place)}")
    return replace(found, files={"events": found.files["events"]})


def has(folder: Path, table: str) -> bool:
    """Whether a folder has files of a table, in a format that is read or not."""
    names = (table, BASKETS) if table == "events" else (table,)
    return folder.is_dir() and any(any(_named(folder, one)) for one in names)


def ending(path: Path, *, baskets: bool = False) -> str:
    """The known ending of a file name, or the empty text; baskets may be in any text."""
    known = (*ENDINGS, *PLAIN) if baskets else ENDINGS
    return next((one for one in known if path.name.lower().endswith(one)), "")


def _is_called(name: str, table: str) -> bool:
    return re.match(rf"{table}([-_. ].*)?\.", name) is not None


def _named(folder: Path, table: str) -> tuple[list[Path], list[Path]]:
    """Files of a table by name: those that can be read, and those in some other format."""
    readable: list[Path] = []
    strange: list[Path] = []
    baskets = table == BASKETS
    for path in folder.iterdir():
        name = path.name.lower()
        if path.is_dir() and (name == table or name == table + ending(path, baskets=baskets)):
            readable += [part for part in path.rglob("*") if part.is_file() and _is_part(part, path, baskets)]
        elif path.is_file() and _is_called(name, table):
            (readable if ending(path, baskets=baskets) else strange).append(path)
    return readable, strange


def _uncalled(folder: Path) -> tuple[str, ...]:
    """Files that could be read, but have no table's name."""
    names = (path.name for path in folder.iterdir() if path.is_file() and ending(path))
    return tuple(
        sorted(
            one
            for one in names
            if not any(_is_called(one.lower(), table) for table in (*TABLES, BASKETS, _ELSEWHERE))
        )
    )


def _is_part(part: Path, folder: Path, baskets: bool) -> bool:
    """Whether a file of a table's folder holds rows; writers leave '_SUCCESS' and '.crc' beside."""
    inside = part.relative_to(folder).parts
    return bool(ending(part, baskets=baskets)) and not any(step.startswith((".", "_")) for step in inside)


def _once(table: str, files: list[Path]) -> None:
    """Refuse one name in two formats: its rows would count twice."""
    seen: dict[Path, Path] = {}
    for path in sorted(files):
        stem = path.with_name(path.name.lower().removesuffix(ending(path, baskets=True)))
        if stem in seen:
            raise DataError(
                f"{seen[stem].name} and {path.name} look like the same rows of {table} "
                "in two formats; keep one of them"
            )
        seen[stem] = path


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sorts part-2 before part-10."""
    return [(int(one), "") if one.isdigit() else (0, one) for one in re.split(r"(\d+)", str(path))]


def _holds(folder: Path) -> str:
    names = sorted(path.name for path in folder.iterdir())
    if not names:
        return "it is empty"
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return (
        f"it holds {shown}: name the file of purchases and clicks events.*, one of a basket a line "
        "baskets.*, the catalogue items.*"
    )
