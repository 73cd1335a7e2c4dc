"""What was read, what was assumed, and what was turned away: the words of a reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path


class Doubt(str):
    """A note on something that looks wrong, and what to do: training says it, the doctor marks it."""

    __slots__ = ()


@dataclass(frozen=True)
class Rejected:
    """Rows turned away for one reason; `example`: where the first of them is, and what it says."""

    reason: str
    rows: int
    example: str


@dataclass(frozen=True)
class TableReport:
    """How one table was read.

    `rows` came, `kept` stayed; `columns`: contract column -> the shop's column; `attributes`: the
    other columns of items and users, by the names they got; `unused`: columns nothing was done
    with; `notes`: every choice made without being told, and every `Doubt`.
    """

    table: str
    files: tuple[str, ...]
    rows: int
    kept: int
    rejected: tuple[Rejected, ...]
    columns: Mapping[str, str]
    attributes: tuple[str, ...]
    unused: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def n_rejected(self) -> int:
        """How many rows were turned away, for any reason."""
        return sum(one.rows for one in self.rejected)

    def lines(self) -> Iterator[str]:
        """The report of this table for a person."""
        share = f"{self.n_rejected / self.rows:.2%}" if self.rows else "none"
        yield (
            f"{self.table}: {self.kept:,} of {self.rows:,} rows kept, {self.n_rejected:,} rejected ({share})"
        )
        yield f"  from {_some(self.files, 6)}"
        yield "  columns: " + ", ".join(
            name if name == column else f"{name} = {column}" for name, column in self.columns.items()
        )
        if self.attributes:
            yield f"  attributes: {_some(self.attributes, 12)}"
        if self.unused:
            yield f"  not used: {_some(self.unused, 12)}"
        yield from (f"  note: {note}" for note in self.notes if not isinstance(note, Doubt))
        for one in self.rejected:
            yield f"  rejected {one.rows:,}: {one.reason}; first {one.example}"


@dataclass(frozen=True)
class Report:
    """How a data folder was read. `rejects`: the folder with the rows turned away, if one was named.

    `uncatalogued_items`, `uncatalogued_events`: items of events that items.* does not know, and
    their events; both 0 where there is no items.*.
    """

    tables: tuple[TableReport, ...]
    notes: tuple[str, ...] = ()
    rejects: Path | None = None
    uncatalogued_items: int = 0
    uncatalogued_events: int = 0
    _by_name: Mapping[str, TableReport] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {one.table: one for one in self.tables})

    def table(self, name: str) -> TableReport | None:
        """The report of one table, None where the folder has no such table."""
        return self._by_name.get(name)

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """What looks wrong in how the files were read, of all tables."""
        notes = (*self.notes, *(note for table in self.tables for note in table.notes))
        return tuple(note for note in notes if isinstance(note, Doubt))

    def has(self, table: str, column: str) -> bool:
        """Whether a table came with a column of the contract."""
        found = self._by_name.get(table)
        return found is not None and column in found.columns

    def lines(self) -> list[str]:
        """The whole report for a person."""
        lines = [line for table in self.tables for line in table.lines()]
        lines += [f"note: {note}" for note in self.notes if not isinstance(note, Doubt)]
        if self.uncatalogued_items:
            lines.append(
                f"note: {self.uncatalogued_items:,} items with {self.uncatalogued_events:,} events "
                "are not in items.*; they count, and nothing is known of them"
            )
        if self.rejects and any(table.n_rejected for table in self.tables):
            lines.append(f"every rejected row, with its reason, is in {self.rejects}")
        return lines

    def as_dict(self) -> dict[str, object]:
        """The report as JSON would have it."""
        return {
            "tables": {one.table: asdict(one) for one in self.tables},
            "notes": list(self.notes),
            "rejects": str(self.rejects) if self.rejects else None,
            "uncatalogued_items": self.uncatalogued_items,
            "uncatalogued_events": self.uncatalogued_events,
        }


def _some(names: tuple[str, ...], most: int) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")
