"""Neighbours of very many photos by an inverted file: nearly exact, and by how much is measured.

Jegou, Douze and Schmid, "Product Quantization for Nearest Neighbor Search" (2011), its coarse half,
by faiss; offline only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrina.kernels.nearest import nearest
from vitrina.kernels.neighbours import Lists

PROBES = (8, 16, 32, 64, 128, 256)
RECALL = 0.97
SAMPLE = 1_000
SPARE = 32
"""Found beyond what is asked for, since a photo's own owner is left out afterwards."""

Floats = NDArray[np.float32]
Codes = NDArray[np.int32]


def nearly_nearest(rows: Floats, k: int, owners: Codes) -> tuple[Lists, float]:
    """(the k nearest rows of each row, those of its own owner left out; recall).

    `rows`: float32[n, d] of length 1. As many cells are probed as it takes for RECALL of the exact
    neighbours of SAMPLE rows.
    """
    index = _index(rows)
    sample = np.linspace(0, len(rows) - 1, min(SAMPLE, len(rows))).astype(np.int64)
    exact = nearest(rows[sample], rows, k, asking=owners[sample], owners=owners)
    recall = 0.0
    for index.nprobe in PROBES:
        recall = _recall(exact, _searched(index, rows[sample], k, owners[sample], owners))
        if recall >= RECALL:
            break
    return _searched(index, rows, k, owners, owners), recall


def _index(rows: Floats) -> Any:
    import faiss

    faiss.omp_set_num_threads(1)  # k-means adds up in one order, for any number of cores
    cells = max(1, int(4 * np.sqrt(len(rows))))
    coarse = faiss.IndexFlatIP(rows.shape[1])
    index = faiss.IndexIVFFlat(coarse, rows.shape[1], cells, faiss.METRIC_INNER_PRODUCT)
    index.train(rows[:: max(1, len(rows) // (64 * cells))])
    index.add(rows)
    return index


def _searched(index: Any, queries: Floats, k: int, asking: Codes, owners: Codes) -> Lists:
    scores, rows = index.search(queries, k + SPARE)
    keep = (rows >= 0) & (scores > 0) & (owners[rows] != asking[:, None])
    keep &= np.cumsum(keep, axis=1) <= k
    indptr = np.zeros(len(queries) + 1, np.int64)
    np.cumsum(keep.sum(axis=1), out=indptr[1:])
    return indptr, rows[keep].astype(np.int32), scores[keep].astype(np.float32)


def _recall(exact: Lists, found: Lists) -> float:
    hits = 0
    for at in range(len(exact[0]) - 1):
        wanted, given = (one[1][one[0][at] : one[0][at + 1]] for one in (exact, found))
        hits += len(np.intersect1d(wanted, given))
    return hits / max(1, len(exact[1]))
