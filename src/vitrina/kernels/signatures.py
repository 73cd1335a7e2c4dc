"""Array types of kernels that run at request time: contiguous and read-only, so that memory-mapped parts
and fresh arrays run the same machine code, compiled before a shopper waits for it."""

from __future__ import annotations

from typing import Any

from numba import types


def table(kind: Any, axes: int) -> Any:
    """A read-only array type of so many axes."""
    return types.Array(kind, axes, "C", readonly=True)


ROWS, ROWS_2, ROWS_3 = (table(types.int32, axes) for axes in (1, 2, 3))
SCORES, SCORES_2, SCORES_3 = (table(types.float32, axes) for axes in (1, 2, 3))
MASK, MASK_2, MASK_3 = (table(types.boolean, axes) for axes in (1, 2, 3))
ENDS = table(types.int64, 1)
LEVELS_2 = table(types.int8, 2)
