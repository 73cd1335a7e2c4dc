"""Files of a data folder that are no table of it, and whether one tells what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from vitrina.errors import DataError
from vitrina.readers.columns import CONTRACT, plain
from vitrina.readers.heads import head_of, names_of
from vitrina.readers.report import Doubt
from vitrina.readers.rows import Staged
from vitrina.readers.tables import Found, ending

_KEYS, _WANTED = ("order_id", "session_id"), ("user_id", "timestamp")
_SHOWN = 6


def beside(folder: Path, found: Found, staged: Mapping[str, Staged]) -> tuple[str, ...]:
    """What to say of the files that were not read; of those that could make events whole as a doubt."""
    said = [f"{name} is in no format that is read, and was left aside" for name in found.aside]
    said += [f"{name} was left aside: there are events.*" for name in found.second]
    names = ", ".join(found.uncalled[:_SHOWN]) + (" and more" if len(found.uncalled) > _SHOWN else "")
    if names and "events" in found.files:
        said.append(f"{names}: left aside, as no table is called so")
    elif names:
        said.append(
            f"there are no events.*, and {names} was not read: name what holds purchases and clicks events.*"
        )
    if "events" in staged and not found.baskets:
        said += [one for name in found.uncalled for one in _joined(folder / name, staged["events"])]
    return tuple(said)


def _joined(path: Path, events: Staged) -> Iterator[Doubt]:
    """Whether a file has, by the orders or sessions of events, what these lack."""
    names = _names(path)
    told = {one: _called(one, names) for one in (*_KEYS, *_WANTED)}
    key = next((one for one in _KEYS if told[one] and events.has(one)), "")
    lacking = [one for one in _WANTED if told[one] and not events.has(one)]
    if key and lacking:
        yield Doubt(
            f"events have no {' and no '.join(lacking)}, and {path.name}, which is left aside, tells "
            f"{' and '.join(told[one] for one in lacking)} by {told[key]}: join it, so that each row of "
            "events has them"
        )


def _called(column: str, names: tuple[str, ...]) -> str:
    """The first of these names that events take for a column of the contract."""
    known = {plain(one) for tier in (column, *CONTRACT["events"][column]) for one in tier.split()}
    return next((name for name in names if plain(name) in known), "")


def _names(path: Path) -> tuple[str, ...]:
    """The columns of a table; none where they cannot be told."""
    try:
        if ending(path) == ".parquet":
            return tuple(pq.read_schema(path).names)
        return names_of(head_of(path, path.name), path.name)[0]
    except (DataError, OSError, pa.ArrowException):
        return ()
