"""Data in: a folder of a shop's files to a dataset, and a report of how they were read.

    names     tables       which files hold which table
              beside       what is said of the others
    bytes     heads, lines, scan    the first line; which lines are records; a file as a relation
              tickets      a file of a basket a line as one
              miners       what is no basket in such a file
    columns   columns      which of the shop's columns is which of ours
    values    values, kinds, rows    what a text means
    judgement checks, amounts, rejects    which rows are good, and why the others are not
              odd_ids       what looks like several ids, or like half of one
              repeats       rows that came more than once
              overlooked    columns that nobody took, and may be what is missing
    arrays    counted      a count in place of times
              described    a catalogue of what events say of items, where none came
              assemble, catalogue    rows to columns

DuckDB does the work, on two threads and within a bound of memory.
"""

# ruff: noqa: S608 - names in queries are ours; what a shop wrote goes through `scan.literal`.
from __future__ import annotations

import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import duckdb
import pyarrow as pa

from vitrina.catalog import Attribute, Catalog
from vitrina.dataset import Dataset
from vitrina.errors import DataError
from vitrina.readers import values
from vitrina.readers.assemble import code_ids, no_events, order_events, read_events, read_texts
from vitrina.readers.beside import beside
from vitrina.readers.catalogue import read_catalog, read_people
from vitrina.readers.checks import check_events, check_items, check_users
from vitrina.readers.columns import WORDS, check_aliases, plain
from vitrina.readers.counted import as_clicks, put_in_order
from vitrina.readers.described import describe, report, told
from vitrina.readers.kinds import Kinds, as_told, define_kinds
from vitrina.readers.odd_ids import several_in_one, shortened
from vitrina.readers.overlooked import undated
from vitrina.readers.rejects import set_aside, stop_if_many
from vitrina.readers.repeats import in_two_files, replaced_often
from vitrina.readers.report import Doubt, Rejected, Report, TableReport
from vitrina.readers.rows import Say, Staged, stage
from vitrina.readers.scan import Db, answer, hushed, named
from vitrina.readers.tables import TABLES, find, find_events, has

__all__ = ["Reading", "Rejected", "Report", "TableReport", "has", "read"]

THREADS = 2
MEMORY = "2GB"
_STARS = ("rating", "ratings", "stars", "score", "overall", "ratingvalue", "reviewscore", "starrating")
_ROOM = "free disk space in the temporary folder may help"


@dataclass(frozen=True)
class Reading:
    """A shop as it was read, and how. `texts`: columns of its events that a dataset does not have."""

    dataset: Dataset
    report: Report
    texts: pa.Table | None = None


MAX_REJECTED = 0.05
"""Share of a table's rows that may be turned away: above it nothing is made of the rest."""
Aliases = Mapping[str, Mapping[str, str]]
Notes = dict[str, list[str]]
_NO_ALIASES: Aliases = MappingProxyType({})


def _silently(_: str) -> None:
    """Says nothing."""


def read(
    folder: Path,
    *,
    aliases: Aliases = _NO_ALIASES,
    rejects: Path | None = None,
    max_rejected: float = MAX_REJECTED,
    say: Say = _silently,
    only: Sequence[str] = TABLES,
    weighed: Collection[str] | None = (),
    keep: Sequence[str] = (),
) -> Reading:
    """Read a data folder: events.*, items.*, users.* as Parquet, CSV or JSON lines; or baskets.*

    Where `only` events are wanted, a file does. `aliases`: table -> contract column -> the shop's column,
    and "event_types" -> the shop's word -> event type.
    `rejects`: a folder for rows that cannot be used. `only`: the tables to look at; `keep`: columns of events
    to have as texts too. `weighed`: event types that the recipe weighs, see `kinds`. Raises DataError where
    files or columns do not fit, or more than the share `max_rejected` of a table's rows cannot be used.
    """
    check_aliases(aliases)
    found = find_events(folder) if tuple(only) == ("events",) else find(folder)
    if rejects and rejects.resolve() == folder.resolve():
        raise DataError(f"rejects in {rejects} would overwrite the data themselves; name another folder")
    with _database() as (db, scratch), named(str(folder), _ROOM):
        staged = {
            table: stage(
                db, table, _shown(folder, files), aliases.get(table, {}), scratch, say, found.baskets
            )
            for table, files in found.files.items()
            if table in only
        }
        if not any(one.rows for table, one in staged.items() if table != "users"):
            raise DataError(f"the files of {folder} hold no rows; export events or items with at least one")
        kinds, notes = _judge(db, staged, weighed, aliases.get(WORDS, {}), keep, say)
        rejected = {table: set_aside(db, one, rejects) for table, one in staged.items()}
        for table, one in staged.items():
            say(f"{table}: {one.rows:,} rows, {sum(reason.rows for reason in rejected[table]):,} rejected")
            stop_if_many(one, rejected[table], max_rejected, rejects)
            notes[table] += replaced_often(db, one, rejected[table])
        if "events" in staged:
            staged["events"] = as_clicks(db, staged["events"], notes["events"])
        counted = "events" in staged and put_in_order(db, staged["events"], notes["events"])
        made = _order(db, staged, notes, keep, only)
        dataset, unknown = _assemble(db, staged, kinds, notes)
        dataset = replace(dataset, counted=counted)
        texts = read_texts(db, keep) if keep and "events" in staged else None
        tables = tuple(
            report(one, len(dataset.items), notes[table])
            if made and table == "items"
            else _told(one, notes[table], rejected[table])
            for table, one in staged.items()
        )
    read = Report(tables, beside(folder, found, staged), rejects, *unknown)
    for doubt in read.doubts:
        say(doubt)
    return Reading(dataset, read, texts)


def _shown(folder: Path, files: Sequence[Path]) -> list[tuple[Path, str]]:
    return [(path, path.name if path == folder else str(path.relative_to(folder))) for path in files]


def _judge(
    db: Db,
    staged: Mapping[str, Staged],
    weighed: Collection[str] | None,
    told: Mapping[str, str],
    keep: Sequence[str],
    say: Say,
) -> tuple[Kinds, Notes]:
    """Check every table; returns the event types and what there is to say of each table."""
    notes: Notes = {table: list(one.notes) for table, one in staged.items()}
    kinds = Kinds(words=as_told(told))
    if "events" in staged:
        kinds = define_kinds(db, weighed, told)
        for note in kinds.notes:
            if not isinstance(note, Doubt):
                say(note)
        notes["events"] += kinds.notes
        now = int(time.time())
        notes["events"] += several_in_one(db) + shortened(db, staged["events"])
        notes["events"] += in_two_files(db, staged["events"])
        notes["events"] += undated(db, staged["events"], now)
        notes["events"] += check_events(db, staged["events"], now, keep)
        notes["events"] += _assumed(staged["events"])
    if "items" in staged:
        notes["items"] += shortened(db, staged["items"]) + check_items(db, staged["items"])
    if "users" in staged:
        notes["users"] += check_users(db)
    return kinds, notes


def _assumed(events: Staged) -> list[str]:
    """What stands in for columns that did not come."""
    notes = []
    if not events.has("event_type"):
        notes.append("no event_type: every row is taken as a purchase")
    if events.has("channel"):
        notes.append("channel: known to the contract, used by nothing yet")
    if stars := [name for name in events.unused if plain(name) in _STARS]:
        notes.append(
            f"{stars[0]!r} is not used: a row counts alike whatever stars it gives; leave out rows of "
            "what was disliked"
        )
    if events.has("region"):
        notes.append("region: recorded by 'vitrina events import'; lists ask users.* where somebody is")
    return notes


def _order(db: Db, staged: dict[str, Staged], notes: Notes, keep: Sequence[str], only: Sequence[str]) -> bool:
    """Put events in order; whether items were made of what they say, which are then among `staged`."""
    if "events" not in staged:
        return False
    events = staged["events"]
    of_items = told(events) if "items" in only else []
    if of_items and "items" in staged:
        notes["events"].append(f"{', '.join(of_items)}: items.* says what items are, and it is used alone")
        of_items = []
    notes["events"] += order_events(db, events, (*keep, *of_items))
    items, said = describe(db, events, of_items)
    notes["events"] += said
    if items is not None:
        staged["items"], notes["items"] = items, []
    return items is not None


def _assemble(
    db: Db, staged: Mapping[str, Staged], kinds: Kinds, notes: Notes
) -> tuple[Dataset, tuple[int, int]]:
    """The dataset, and how many items and events items.* does not know; says more into `notes`."""
    unknown = _uncatalogued(db) if staged.keys() >= {"events", "items"} else (0, 0)
    items = code_ids(db, "item_ids", _sources(staged, "item_id", "items"))
    users = code_ids(db, "user_ids", _sources(staged, "user_id", "users"))
    catalog, people = Catalog.bare(len(items)), dict[str, Attribute]()
    if "items" in staged:
        catalog, told = read_catalog(db, staged["items"])
        notes["items"] += told
    if "users" in staged:
        people, told = read_people(db, staged["users"])
        notes["users"] += told
    came = staged.get("events")
    timed = came is None or came.has("timestamp")
    events = read_events(db, kinds.types, timed=timed) if came else no_events()
    sessions = came is not None and came.has("session_id") and not came.has("order_id")
    known = Dataset(users, items, events, catalog, kinds.types, people, timed)
    dayed = came is not None and not (came.has("session_id") or came.has("order_id"))
    return replace(known, sessions=sessions, dayed=dayed, words=kinds.words), unknown


def _sources(staged: Mapping[str, Staged], column: str, table: str) -> list[str]:
    """Queries that give the ids of one kind: those of events, and those of their own table."""
    tables = {"events": "happened", table: f"(SELECT * FROM {table} WHERE reason IS NULL)"}
    return [f"SELECT {column} AS id FROM {source}" for name, source in tables.items() if name in staged]


def _uncatalogued(db: Db) -> tuple[int, int]:
    items, events = answer(
        db,
        "SELECT count(DISTINCT item_id), count(*) FROM happened "
        "WHERE item_id NOT IN (SELECT item_id FROM items WHERE reason IS NULL)",
    )
    return items, events


def _told(staged: Staged, notes: Sequence[str], rejected: tuple[Rejected, ...]) -> TableReport:
    return TableReport(
        table=staged.table,
        files=tuple(one.file for one in staged.scans),
        rows=staged.rows,
        kept=staged.rows - sum(one.rows for one in rejected),
        rejected=rejected,
        columns=staged.columns,
        attributes=staged.attributes,
        unused=staged.unused,
        notes=tuple(notes),
    )


@contextmanager
def _database() -> Iterator[tuple[Db, Path]]:
    """An in-memory database that spills to a scratch folder, and that folder."""
    with tempfile.TemporaryDirectory(prefix="vitrina-") as scratch:
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": THREADS,
            "memory_limit": MEMORY,
            "temp_directory": str(Path(scratch) / "spill"),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        (Path(scratch) / "copies").mkdir()
        with duckdb.connect(":memory:", config=config) as db:
            values.define(hushed(db))
            yield db, Path(scratch) / "copies"
