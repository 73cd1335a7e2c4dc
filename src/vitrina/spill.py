"""What is too long for memory: written to the disk, and mapped from there.

The files have no names any more by the time they are read: nobody else sees them, and they go with
whatever still maps them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from vitrina.errors import DataError

LONG = 1 << 24
"""Bytes from which an array is better mapped than held."""


def spilled(array: NDArray[Any], folder: Path | None = None) -> NDArray[Any]:
    """The same array, read-only and mapped from the disk where it is long. Raises DataError."""
    if array.nbytes < LONG:
        return array
    spill = Spill({"": array.dtype}, folder)
    spill.add({"": array.reshape(-1)})
    return spill.mapped()[""].reshape(array.shape)


class Spill:
    """Columns of these dtypes, growing together in files of a `folder`, by default that for temporary ones.

    All raise DataError where the disk refuses.
    """

    def __init__(self, dtypes: Mapping[str, DTypeLike], folder: Path | None = None) -> None:
        self._dtypes = {name: np.dtype(one) for name, one in dtypes.items()}
        self._folder = folder or Path(tempfile.gettempdir())
        with self._refusing():
            self._files = {name: tempfile.TemporaryFile(dir=folder) for name in dtypes}  # noqa: SIM115 - they stay open until they are mapped
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def add(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Append as many values to each of the columns, as its dtype has them."""
        with self._refusing():
            for name, dtype in self._dtypes.items():
                self._files[name].write(np.ascontiguousarray(columns[name], dtype).view(np.uint8).data)
        self._length += len(columns[next(iter(self._dtypes))])

    def mapped(self) -> dict[str, NDArray[Any]]:
        """All that was added, read-only; nothing may be added any more."""
        with self._refusing():
            return {name: self._map(name) for name in self._dtypes}

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except OSError as reason:
            raise DataError(
                f"cannot write what is too long for memory to {self._folder}: {reason}; free space there, or "
                "name a folder on a disk with room, none that is memory itself, by TMPDIR"
            ) from None

    def _map(self, name: str) -> NDArray[Any]:
        with self._files[name] as file:
            file.flush()
            if not self._length:
                return np.zeros(0, self._dtypes[name])
            return np.asarray(np.memmap(file, self._dtypes[name], "r", shape=(self._length,)))
