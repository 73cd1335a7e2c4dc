"""Vectors of photos on disk: `embeddings.npy`, the ids of its rows, and colours where known.

The one place that knows this format; `embed` writes it, `train` reads it, and a shop may bring
its own: float[n, d] beside `embeddings_ids.csv` (its column item_id, or the first), `.txt` (an id
a line) or `.npy` (fixed-width bytes or text).
"""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import Dataset
from vitrina.errors import DataError
from vitrina.images.cache import sha256
from vitrina.images.thumbnail import Thumbnails

EMBEDDINGS, IDS, COLOURS, THUMBNAILS = "embeddings.npy", "embeddings_ids", "colours.npy", "thumbnails.npy"
INDEX, FORMAT = "embeddings_index.json", 2
"""What `embed` remembers of the vectors beside it, and the version of how it writes that."""
MAX_DIMS = 8192
FLOAT = np.dtype(np.float32)

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Vectors:
    """`ids`: item ids; `vectors`: float32[n, d], a row each; `colours`: float32[n, c] histograms.

    `thumbnails`: uint8[n, t], as `images.thumbnail` makes them. `encoder`: the network that made the vectors,
    '' where that is not known.
    """

    ids: Sequence[str]
    vectors: Floats
    colours: Floats | None = None
    thumbnails: Thumbnails | None = None
    encoder: str = ""


def read(folder: Path) -> Vectors | None:
    """The vectors in a folder; None where it has no embeddings.npy.

    Raises DataError where the files contradict each other or are not arrays of numbers.
    """
    if not (folder / EMBEDDINGS).exists():
        return None
    vectors = _array(folder / EMBEDDINGS)
    ids = _ids(folder)
    if len(ids) != len(vectors):
        raise DataError(f"{folder / EMBEDDINGS} has {len(vectors)} rows, but there are {len(ids)} ids")
    colours = _beside(folder / COLOURS, len(vectors))
    tiles = _beside(folder / THUMBNAILS, len(vectors), np.dtype(np.uint8))
    return Vectors(ids, vectors, colours, tiles, _encoder(folder))


def made(folder: Path) -> list[str]:
    """The hashes of the arrays in a folder, by which an index knows the vectors it is of. Raises OSError."""
    return [sha256(folder / name) for name in (EMBEDDINGS, COLOURS, THUMBNAILS)]


def _encoder(folder: Path) -> str:
    """The network that an index names; '' without one, or where it is of other vectors than these."""
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        return str(index["encoder"]) if index["made"] == made(folder) else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def attach(dataset: Dataset, folder: Path, say: Callable[[str], None] = lambda _: None) -> Dataset:
    """The dataset with the vectors of this folder; unchanged where there are none."""
    found = read(folder)
    if found is None:
        return dataset
    rows = dataset.items.rows(found.ids)
    finite = np.isfinite(found.vectors).all(axis=1)
    known = (rows >= 0) & finite
    say(
        f"Photo vectors for {len(np.unique(rows[known]))} of {len(dataset.items)} items; "
        f"{(rows < 0).sum()} of unknown items and {(~finite).sum()} that are not numbers left out"
    )
    vectors = _by_row(len(dataset.items), rows[known], found.vectors[known])
    dataset = replace(dataset, vectors=vectors, encoder=found.encoder)
    if found.thumbnails is not None:
        tiles = _by_row(len(dataset.items), rows[known], found.thumbnails[known])
        dataset = replace(dataset, thumbnails=tiles)
    if found.colours is None:
        return dataset
    colours = _by_row(len(dataset.items), rows[known], np.nan_to_num(found.colours[known]))
    return replace(dataset, colours=colours)


def write(folder: Path, found: Vectors) -> None:
    """Write the files, each renamed into place."""
    folder.mkdir(parents=True, exist_ok=True)
    save(folder / EMBEDDINGS, found.vectors)
    if found.colours is not None:
        save(folder / COLOURS, found.colours)
    if found.thumbnails is not None:
        save(folder / THUMBNAILS, found.thumbnails)
    write_csv(folder / f"{IDS}.csv", [["item_id"], *([one] for one in found.ids)])


def save(path: Path, array: NDArray[Any]) -> None:
    """An array as .npy, renamed into place."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        np.save(file, array, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)


def write_csv(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Rows as CSV, renamed into place."""
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=f".{path.name}.", delete=False, newline="", encoding="utf-8"
    ) as file:
        csv.writer(file).writerows(rows)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)


def _by_row(n_items: int, rows: NDArray[np.int32], values: NDArray[Any]) -> NDArray[Any]:
    table = np.zeros((n_items, values.shape[1]), values.dtype)
    table[rows[::-1]] = values[::-1]  # of two vectors for one item the first stays
    return table


def _beside(path: Path, rows: int, dtype: np.dtype[Any] = FLOAT) -> NDArray[Any] | None:
    """What else is known of the photos, a row each; None where it is not there."""
    if not path.exists():
        return None
    found = _array(path, dtype)
    if len(found) != rows:
        raise DataError(f"{path} has {len(found)} rows, {EMBEDDINGS} {rows}: embed again")
    return found


def _array(path: Path, dtype: np.dtype[Any] = FLOAT) -> NDArray[Any]:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f"{path} is not an array that numpy can map: {error}") from None
    if array.ndim != 2 or array.dtype.kind != dtype.kind or not 0 < array.shape[1] <= MAX_DIMS:
        kind = "float" if dtype == FLOAT else str(dtype)
        raise DataError(
            f"{path} must be {kind}[items, dimensions up to {MAX_DIMS}], not {array.dtype}{list(array.shape)}"
        )
    return np.asarray(array, dtype)


def _ids(folder: Path) -> list[str]:
    if (path := folder / f"{IDS}.csv").exists():
        return _ids_of_csv(path)
    if (path := folder / f"{IDS}.txt").exists():
        return _text(path).splitlines()
    if (path := folder / f"{IDS}.npy").exists():
        return _ids_of_array(path)
    raise DataError(f"{folder / EMBEDDINGS} needs the ids of its rows beside it: {IDS}.csv, .txt or .npy")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        raise DataError(f"{path} cannot be read as UTF-8: {error}; save it so") from None


def _ids_of_csv(path: Path) -> list[str]:
    rows = [row for row in csv.reader(io.StringIO(_text(path), newline="")) if row]
    column = rows[0].index("item_id") if rows and "item_id" in rows[0] else 0
    for number, row in enumerate(rows[1:], start=2):
        if len(row) <= column:
            raise DataError(f"{path}, row {number}: no id in column {column + 1}; give every vector its item")
    return [row[column] for row in rows[1:]]


def _ids_of_array(path: Path) -> list[str]:
    try:
        ids = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f"{path} is not an array of ids: {error}; store fixed-width bytes") from None
    if ids.ndim != 1 or ids.dtype.kind not in "SUiu":
        raise DataError(f"{path} must be a flat array of bytes, text or whole numbers, not {ids.dtype}")
    return [one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in ids.tolist()]
