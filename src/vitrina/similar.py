"""`vitrina similar`: what looks or goes like each item of a file, or like a photo from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrina.engine import Engine
from vitrina.errors import DataError, RecipeError
from vitrina.ids import UNKNOWN, Rows
from vitrina.images.embed import look
from vitrina.images.sheet import Row
from vitrina.readers.scan import hushed
from vitrina.strategies.image_similar import ImageSimilar
from vitrina.strategy import Allow, Query, Seeds, Source

Say = Callable[[str], None]
BATCH = 256


def by_items(engine: Engine, strategy: str, ids: Sequence[str], k: int) -> Iterator[Row]:
    """The k items most like each of these, by the strategy's own scores; nothing for unknown ids.

    No placement and no rule stands between: what is out of stock is listed too.
    """
    source = _source(engine, strategy)
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        rows = engine.items.rows(batch)
        known = rows >= 0
        indptr = np.concatenate([[0], np.cumsum(known)]).astype(np.int64)
        seen = rows[known]
        moment = np.full(len(seen), engine.last_event)
        seeds = Seeds(indptr, seen, np.ones(len(seen), np.uint8), moment)
        nobody = np.full(len(batch), UNKNOWN, np.int32)
        others = Allow(np.ones(engine.n_items, np.bool_), indptr, seen)
        found = source.top(Query(engine.last_event, nobody, nobody, seeds), k, others)
        for place, one in enumerate(batch):
            begin, end = found.indptr[place : place + 2].tolist()
            cut = slice(begin, end if known[place] else begin)
            yield _row(engine, one, found.rows[cut], found.scores[cut])


def tell_of_gaps(engine: Engine, rows: Sequence[Row], k: int, say: Say) -> None:
    """Say which items are unknown, and of how many there are fewer neighbours than were asked for."""
    known = engine.items.rows([one.query for one in rows]) >= 0
    if strange := [one.query for one, here in zip(rows, known, strict=True) if not here]:
        say(f"{len(strange):,} items are not in the bundle, such as {strange[0]!r}")
    if short := sum(len(one.found) < k for one, here in zip(rows, known, strict=True) if here):
        say(f"{short:,} items have fewer than {k} neighbours: the strategy kept no more, or none")


def by_photo(engine: Engine, strategy: str, photo: Path, k: int, *, encoder: Path | None = None) -> Row:
    """The k items whose photos look most like this one.

    `encoder`: the network that made the catalogue's vectors. Raises DataError where the photo
    cannot be used or another network made them.
    """
    source = _source(engine, strategy)
    if not isinstance(source, ImageSimilar):
        raise RecipeError(f"'{strategy}' knows no photos; name a strategy that is image_similar")
    seen = look(photo, encoder=encoder)
    if source.encoder not in ("", seen.encoder):
        raise DataError(
            f"{photo} was read by another network than the catalogue's photos; give --encoder the one that "
            "'vitrina embed' was given, or none if it was given none"
        )
    _, rows, scores = source.nearest(seen.vectors, seen.colours, k)
    found = _row(engine, photo.name, rows, scores)
    return Row(found.query, found.found, photo.read_bytes())


def read_ids(file: Path) -> list[str]:
    """The distinct ids in column item_id of a .csv or .parquet, in order. Raises DataError."""
    import duckdb

    if not file.is_file():
        raise DataError(f"{file} is not a file")
    reader = "read_parquet(?)" if file.suffix == ".parquet" else "read_csv(?, header=true, all_varchar=true)"
    query = f"SELECT CAST(item_id AS VARCHAR) FROM {reader}"  # noqa: S608 - one of two constants
    try:
        rows = hushed(duckdb.connect()).execute(query, [str(file)]).fetchall()
    except duckdb.Error as reason:
        why = str(reason).partition("\n")[0]
        raise DataError(f"{file} must be .csv or .parquet with a column item_id: {why}") from reason
    return list(dict.fromkeys(one for (one,) in rows if one))


def expect_endings(out: Path | None, sheet: Path | None) -> None:
    """Raises DataError, before any work, where a file to write has an ending of another kind of file."""
    if out is not None and out.suffix not in (".parquet", ".csv"):
        raise DataError(f"--out {out} must end in .parquet or .csv")
    if sheet is not None and sheet.suffix.lower() != ".png":
        raise DataError(f"--sheet {sheet} must end in .png: a contact sheet is a PNG")


def write(rows: Sequence[Row], out: Path) -> int:
    """Write query_id, item_id, rank (from 1), score as .parquet or .csv; how many lines.

    Raises DataError for another ending.
    """
    expect_endings(out, None)
    import pyarrow as pa
    from pyarrow import csv, parquet

    lines = [
        (row.query, item, rank, score)
        for row in rows
        for rank, (item, score) in enumerate(row.found, start=1)
    ]
    columns = list(zip(*lines, strict=True)) or [(), (), (), ()]
    types = {"query_id": pa.string(), "item_id": pa.string(), "rank": pa.int32(), "score": pa.float32()}
    table = pa.table(
        {name: pa.array(one, kind) for (name, kind), one in zip(types.items(), columns, strict=True)}
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(f".{out.name}.draft")
    (parquet.write_table if out.suffix == ".parquet" else csv.write_csv)(table, draft)
    draft.replace(out)
    return len(lines)


def _source(engine: Engine, strategy: str) -> Source:
    if strategy not in engine.sources:
        known = ", ".join(sorted(engine.sources))
        raise RecipeError(f"the bundle has no strategy '{strategy}'; it has {known}")
    return engine.sources[strategy]


def _row(engine: Engine, query: str, rows: Rows, scores: NDArray[np.float32]) -> Row:
    names = engine.items.names(rows)
    return Row(query, list(zip(names, scores.tolist(), strict=True)))
