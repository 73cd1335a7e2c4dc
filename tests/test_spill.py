"""What was added comes back, mapped and as its dtype has it, from files that have no names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vitrina.errors import DataError
from vitrina.spill import LONG, Spill, spilled


def test_columns_come_back_in_the_order_they_were_added(tmp_path: Path) -> None:
    """Cast to their dtypes, read-only, and whole after the spill itself is gone; no file is left."""
    spill = Spill({"row": np.int32, "gift": np.bool_, "price": np.float32}, tmp_path)
    for low in (0, 5):
        n = np.arange(low, low + 5)
        spill.add({"row": n, "gift": n % 2, "price": np.where(n % 3 == 0, np.nan, n)})
    assert len(spill) == 10
    found = spill.mapped()
    del spill
    assert found["row"].tolist() == list(range(10))
    assert found["gift"].tolist() == [bool(n % 2) for n in range(10)]
    np.testing.assert_array_equal(found["price"][:4], [np.nan, 1, 2, np.nan])
    assert [one.dtype for one in found.values()] == [np.int32, np.bool_, np.float32]
    assert not any(one.flags.writeable for one in found.values())
    assert not list(tmp_path.iterdir())


def test_nothing_is_an_empty_column(tmp_path: Path) -> None:
    """Of its own dtype."""
    (found,) = Spill({"row": np.int32}, tmp_path).mapped().values()
    assert (found.dtype, found.shape) == (np.int32, (0,))


def test_a_folder_that_is_not_there_is_said() -> None:
    """With what may be done about it."""
    with pytest.raises(DataError, match=r"nowhere.*TMPDIR"):
        Spill({"row": np.int32}, Path("/nowhere"))


def test_long_arrays_are_mapped_and_short_ones_stay(tmp_path: Path) -> None:
    """Whatever their shape; the same values either way."""
    short, long = np.arange(9.0), np.arange(LONG // 4, dtype=np.float32).reshape(-1, 2)
    assert spilled(short, tmp_path) is short
    found = spilled(long, tmp_path)
    np.testing.assert_array_equal(found, long)
    assert not found.flags.writeable
    assert not list(tmp_path.iterdir())
