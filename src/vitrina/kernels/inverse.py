"""From an inverse to the weights of a linear model whose diagonal is zero."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_BLOCK = 64
"""Rows and columns of a block: both places of a pair stay near."""


@njit(cache=True, nogil=True)
def speak_for_one_another(inverse: Any) -> None:
    """Weights in place of an inverse P, float32[n, n], whose upper triangle is there: -P[i, j] / P[j, j], and
    zero on the diagonal (Steck 2019, eq. 8)."""
    n = len(inverse)
    own = np.diag(inverse).copy()
    for low in range(0, n, _BLOCK):
        for left in range(low, n, _BLOCK):
            for one in range(low, min(low + _BLOCK, n)):
                for other in range(max(one + 1, left), min(left + _BLOCK, n)):
                    both = inverse[one, other]
                    inverse[one, other] = -both / own[other]
                    inverse[other, one] = -both / own[one]
    for one in range(n):
        inverse[one, one] = 0.0
