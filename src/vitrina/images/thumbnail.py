"""Photos as a few tiles of colour: those that are one photo, saved or scaled anew, hardly differ.

A network sees that a copy is blurred or blocked, and calls it another photo; the mean of a tile does not. How
far two thumbnails differ is measured by how much there is to see: by the distance from white of the paler
one, or else all small things on white would be one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vitrina.kernels.nearest import closer
from vitrina.kernels.neighbours import Lists

SIDE = 16
DIMS = SIDE * SIDE * 3

Thumbnails = NDArray[np.uint8]


def thumbnail(pixels: NDArray[np.uint8]) -> Thumbnails:
    """uint8[s, s, 3] -> uint8[DIMS]: the mean colour of each of SIDE x SIDE tiles, by rows."""
    starts = np.arange(SIDE) * len(pixels) // SIDE
    counts = np.maximum(1, np.diff(starts, append=len(pixels)))
    sums = np.add.reduceat(np.add.reduceat(pixels, starts, 0, np.uint32), starts, 1, np.uint32)
    return np.asarray(sums // (counts[:, None, None] * counts[:, None]), np.uint8).ravel()


def copies(thumbnails: Thumbnails, lists: Lists, most: float) -> NDArray[np.bool_]:
    """For each neighbour in `lists`, whether it is the same photo as the one that it is a neighbour of.

    `thumbnails`: uint8[n, DIMS]; `most`: the difference, as a share of the paler one's distance from white.
    """
    depth = ((255 - thumbnails.astype(np.int64)) ** 2).sum(axis=1)
    found: NDArray[np.bool_] = closer(thumbnails, depth * most**2, lists[0], lists[1])
    return found
