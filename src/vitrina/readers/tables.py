"""Which files of a folder hold which table.

Knows names only: `events.csv`, `events-2018.csv.gz`, a folder `events/` of part files; `baskets.txt` where
there are no events. What is in a file is `scan`, or `tickets`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from vitrina.errors import DataError

TABLES = ("events", "items", "users")
_TEXTS = (".csv", ".tsv", ".jsonl", ".ndjson")
ENDINGS = (".parquet", *_TEXTS, *(one + ".gz" for one in _TEXTS))
BASKETS = "baskets"
"""What events may be called where they are baskets; any text is one then."""
_PLAIN = (".txt", ".dat", ".txt.gz", ".dat.gz")


@dataclass(frozen=True)
class Found:
    """The files of each table that has any, in the order they are read; by name, files left aside, and where
    there are no events those that may be them, but are not called so."""

    files: dict[str, tuple[Path, ...]]
    aside: tuple[str, ...] = ()
    uncalled: tuple[str, ...] = ()


def find(folder: Path) -> Found:
    """The tables of a data folder.

    Raises DataError where there is no folder, neither events nor items, one table in two formats,
    or a table only in a format that is not read.
    """
    if not folder.is_dir():
        problem = "is a file, not a folder" if folder.exists() else "does not exist"
        raise DataError(f"the data folder {folder} {problem}; name the folder that holds events.* or items.*")
    files: dict[str, tuple[Path, ...]] = {}
    aside: list[str] = []
    for table in TABLES:
        readable, strange = _named(folder, table)
        if table == "events" and not readable and not strange:
            readable, strange = _named(folder, BASKETS)
        if strange and not readable:
            raise DataError(
                f"{strange[0].name} is not in a format that is read; "
                f"save it as {table}.csv, {table}.jsonl or {table}.parquet (CSV and JSON lines may be .gz)"
            )
        aside += [path.name for path in strange]
        if readable:
            _once(table, readable)
            files[table] = tuple(sorted(readable, key=_natural))
    if not files.keys() & {"events", "items"}:
        raise DataError(f"{folder} has neither events.* nor items.*; {_holds(folder)}")
    return Found(files, tuple(aside), () if "events" in files else _uncalled(folder))


def find_events(place: Path) -> Found:
    """The files of events alone: those of a data folder, or one file of any name.

    Raises DataError as `find` does, and where there are no events.
    """
    if place.is_file():
        if not _readable(place):
            raise DataError(f"{place} is no file of events; give one that ends in {', '.join(ENDINGS)}")
        return Found({"events": (place,)})
    found = find(place)
    if "events" not in found.files:
        raise DataError(f"{place} has no events.*; {_holds(place)}")
    return Found({"events": found.files["events"]}, found.aside)


def has(folder: Path, table: str) -> bool:
    """Whether a folder has files of a table, in a format that is read or not."""
    names = (table, BASKETS) if table == "events" else (table,)
    return folder.is_dir() and any(any(_named(folder, one)) for one in names)


def ending(path: Path) -> str:
    """The known ending of a file name, or the empty text."""
    return next((one for one in ENDINGS if path.name.lower().endswith(one)), "")


def is_baskets(path: Path) -> bool:
    """Whether a file is called baskets."""
    return _is_called(path.name.lower(), BASKETS)


def _is_called(name: str, table: str) -> bool:
    return re.match(rf"{table}([-_. ].*)?\.", name) is not None


def _readable(path: Path) -> bool:
    return bool(ending(path)) or (is_baskets(path) and path.name.lower().endswith(_PLAIN))


def _named(folder: Path, table: str) -> tuple[list[Path], list[Path]]:
    """Files of a table by name: those that can be read, and those in some other format."""
    readable: list[Path] = []
    strange: list[Path] = []
    for path in folder.iterdir():
        name = path.name.lower()
        if path.is_dir() and name in {table, *(table + one for one in ENDINGS)}:
            readable += [part for part in path.rglob("*") if part.is_file() and _is_part(part, path)]
        elif path.is_file() and _is_called(name, table):
            (readable if _readable(path) else strange).append(path)
    return readable, strange


def _uncalled(folder: Path) -> tuple[str, ...]:
    """Files that could be read, but have no table's name."""
    names = (path.name for path in folder.iterdir() if path.is_file() and ending(path))
    return tuple(sorted(one for one in names if not any(_is_called(one.lower(), table) for table in TABLES)))


def _is_part(part: Path, folder: Path) -> bool:
    """Whether a file of a table's folder holds rows; writers leave '_SUCCESS' and '.crc' beside."""
    inside = part.relative_to(folder).parts
    return _readable(part) and not any(step.startswith((".", "_")) for step in inside)


def _once(table: str, files: list[Path]) -> None:
    """Refuse one name in two formats: its rows would count twice."""
    seen: dict[Path, Path] = {}
    for path in sorted(files):
        stem = path.with_name(path.name.lower().removesuffix(ending(path)))
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
    return f"it holds {shown}: name the file of purchases and clicks events.*, the catalogue items.*"
