"""Variants of products: all of some rows' products, and the one that is shown in another's place.

Variants are ragged by product: product p has `members[indptr[p]:indptr[p + 1]]`. Signatures are explicit, as
in `kernels/gather.py`: nothing compiles once this module is imported.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from vitrina.kernels.gather import ENDS, MASK, ROWS

_LISTS = types.Array(types.int32, 2, "C", readonly=True)


@njit((ENDS, ROWS, ROWS, ENDS, ROWS), cache=True, nogil=True)
def all_variants(ends: Any, rows: Any, product: Any, indptr: Any, members: Any) -> Any:
    """Every variant of the products of each asker's rows: int64[n + 1] ends, int32 rows.

    Asker i has `rows[ends[i]:ends[i + 1]]`; each product once, in the order of products.
    """
    products, size = np.empty(len(rows), np.int32), 0
    for at in range(len(rows)):
        products[at] = product[rows[at]]
        size += indptr[products[at] + 1] - indptr[products[at]]
    found, out = np.empty(size, np.int32), np.zeros(len(ends), np.int64)
    size = 0
    for asker in range(len(ends) - 1):
        own, last = products[ends[asker] : ends[asker + 1]], np.int32(-1)
        own.sort()
        for one in own:
            if one != last:
                for place in range(indptr[one], indptr[one + 1]):
                    found[size] = members[place]
                    size += 1
                last = one
        out[asker + 1] = size
    return out, found[:size].copy()


@njit(cache=True, nogil=True)
def _stand_in(row: Any, mask: Any, product: Any, indptr: Any, members: Any, color: Any) -> Any:
    found = row
    for place in range(indptr[product[row]], indptr[product[row] + 1]):
        other = members[place]
        if mask[other]:
            if color[other] == color[row]:
                return other
            if found == row:
                found = other
    return found


@njit((_LISTS, MASK, ROWS, ENDS, ROWS, ROWS), cache=True, nogil=True)
def stand_ins(rows: Any, mask: Any, product: Any, indptr: Any, members: Any, color: Any) -> Any:
    """int32 like `rows`: rows in the mask themselves, for others the first variant in it, one of the same
    colour before any other; the row itself where no variant is. Rows below 0 stay."""
    shown = rows.copy()
    for one in range(rows.shape[0]):
        for at in range(rows.shape[1]):
            row = rows[one, at]
            if row >= 0 and not mask[row]:
                shown[one, at] = _stand_in(row, mask, product, indptr, members, color)
    return shown
