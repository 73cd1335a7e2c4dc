"""Lists at request time out of lists learned before: weigh, add up, pick the best.

An asker's seeds each have a learned list; the lists, each times its seed's weight, are added up in a
scratch as wide as the catalogue, which stays with its thread and is left as clean as it was found.
A request costs what its lists are long, never what the catalogue is.

Signatures are explicit and take read-only arrays: memory-mapped parts and fresh arrays run the same
machine code, and nothing compiles once this module is imported.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import get_num_threads, njit, types
from numpy.typing import NDArray

from vitrina.kernels.latest import latest
from vitrina.kernels.select import NOTHING, descending, key_of, row_of, to_front

ROWS = types.Array(types.int32, 1, "C", readonly=True)
ENDS = types.Array(types.int64, 1, "C", readonly=True)
SCORES = types.Array(types.float32, 1, "C", readonly=True)
MASK = types.Array(types.boolean, 1, "C", readonly=True)
TYPES = types.Array(types.uint8, 1, "C", readonly=True)
SUMS = types.Array(types.float32, 1, "C")
LISTS = (ENDS, ROWS, SCORES)
SEEDS = (ENDS, ROWS, TYPES, ENDS, types.float64, SCORES, types.int64, types.float64)
ALLOW = (MASK, ENDS, ROWS)

CHUNK = 256
"""Askers a thread takes at a time; up to so many are answered on the caller's thread."""

SIEVE = np.uint32(8192)
"""Slots of a filter that stays in the nearest cache: most rows of a list are of no interest to `grounds`."""

LINE = 16
"""Numbers of 4 bytes in a cache line."""

Ragged = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]


class Scratch:
    """An array of float32 zeros for each thread; kernels that write to it clear it again."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._local = threading.local()

    @property
    def sums(self) -> NDArray[np.float32]:
        """This thread's array."""
        sums: NDArray[np.float32] | None = getattr(self._local, "sums", None)
        if sums is None:
            sums = self._local.sums = np.zeros(self._length, np.float32)
        return sums


def in_chunks(n: int, answer: Callable[[int, int], Ragged]) -> Ragged:
    """answer(low, high) for askers 0..n, in chunks over all threads if they are many, joined."""
    if n <= CHUNK:
        return answer(0, n)
    with ThreadPoolExecutor(get_num_threads()) as pool:
        lows = range(0, n, CHUNK)
        chunks = list(pool.map(answer, lows, [min(low + CHUNK, n) for low in lows]))
    lengths = np.concatenate([np.diff(indptr) for indptr, _, _ in chunks])
    indptr = np.concatenate(([0], np.cumsum(lengths)))
    return indptr, np.concatenate([one[1] for one in chunks]), np.concatenate([one[2] for one in chunks])


@njit(cache=True, nogil=True)
def reach(lists: Any, indptr: Any) -> Any:
    """How many rows some lists hold together, repeats counted."""
    total = 0
    for one in lists:
        total += indptr[one + 1] - indptr[one]
    return total


@njit(cache=True, nogil=True)
def fetch(lists: Any, indptr: Any, rows: Any, scores: Any) -> Any:
    """Touch every cache line of some lists, so that they come from memory side by side, not one by one."""
    seen, felt = np.int64(0), np.float32(0)
    for one in lists:
        for place in range(np.uint64(indptr[one]), np.uint64(indptr[one + 1]), np.uint64(LINE)):
            seen += rows[place]
            felt += scores[place]
    return seen + np.int64(felt > 0)


@njit(cache=True, nogil=True)
def pour(lists: Any, weights: Any, indptr: Any, rows: Any, scores: Any, sums: Any, touched: Any) -> Any:
    """Add each list times its weight to `sums`; the rows so reached go into `touched`, how many is returned.

    A row whose sum comes back to 0 on the way, as negative scores allow, may be there twice.
    """
    found = np.uint64(0)
    for at in range(len(lists)):
        weight = weights[at]
        for place in range(np.uint64(indptr[lists[at]]), np.uint64(indptr[lists[at] + 1])):
            row = np.uint32(rows[place])
            before = sums[row]
            touched[found] = row
            found += np.uint64(before == 0)
            sums[row] = before + weight * scores[place]
    return np.int64(found)


@njit(cache=True, nogil=True)
def pick(sums: Any, touched: Any, mask: Any, k: Any, out_rows: Any, out_scores: Any) -> Any:
    """The k best allowed of the touched rows, best first; how many there are. Clears the sums."""
    bits, out_bits = sums.view(np.int32), out_scores.view(np.int32)
    keys = np.empty(max(256, min(4 * k, len(touched) + 1)), np.int64)
    held, floor = 0, NOTHING
    for row in touched:
        key = key_of(bits[row], row)
        sums[row] = 0
        if key > floor and mask[row]:
            keys[held] = key
            held += 1
            if held == len(keys):
                floor = to_front(keys, k)
                held = k
    if held > k:
        to_front(keys[:held], k)
    best = min(held, k)
    ranked = np.empty(best, np.int64)
    descending(keys[:best], ranked)
    for at in range(best):
        out_rows[at] = row_of(ranked[at])
        out_bits[at] = ranked[at] >> 32
    return best


@njit((types.int64, types.int64, *SEEDS, *LISTS, *ALLOW, types.int64, SUMS), cache=True, nogil=True)
def gather(
    low: Any,
    high: Any,
    seed_ends: Any,
    seed_rows: Any,
    kinds: Any,
    times: Any,
    half_life: Any,
    worth: Any,
    most: Any,
    power: Any,
    indptr: Any,
    rows: Any,
    scores: Any,
    mask: Any,
    skip_ends: Any,
    skips: Any,
    k: Any,
    sums: Any,
) -> Any:
    """The k best allowed rows of askers low..high, by the lists of their latest seeds: Ragged.

    Seeds are weighed as `latest` does; lists are (indptr, rows, scores), one for each row. A row's
    score is the sum over seeds of weight times score. Ties go to the lower row.
    """
    k = max(0, min(k, len(sums)))
    seeds, weights = np.empty(most + 1, np.int32), np.empty(most + 1, np.float32)
    ends = np.zeros(high - low + 1, np.int64)
    out_rows, out_scores = np.empty((high - low) * k, np.int32), np.empty((high - low) * k, np.float32)
    for asker in range(low, high):
        own = slice(seed_ends[asker], seed_ends[asker + 1])
        found = latest(
            seed_rows[own], kinds[own], times[own], half_life, worth, most, power, sums, seeds, weights
        )
        # What `fetch` gives is never negative; a compiler that knew so would leave its work out.
        wide = fetch(seeds[:found], indptr, rows, scores) < 0
        touched = np.empty(reach(seeds[:found], indptr) + 1 + wide, np.int32)
        reached = pour(seeds[:found], weights, indptr, rows, scores, sums, touched)
        for row in skips[skip_ends[asker] : skip_ends[asker + 1]]:
            sums[row] = 0
        at = ends[asker - low]
        ends[asker - low + 1] = at + pick(sums, touched[:reached], mask, k, out_rows[at:], out_scores[at:])
    return ends, out_rows[: ends[-1]].copy(), out_scores[: ends[-1]].copy()


@njit(cache=True, nogil=True)
def _longest(lists: Any, indptr: Any) -> Any:
    most = np.int64(0)
    for one in lists:
        most = max(most, indptr[one + 1] - indptr[one])
    return most


@njit(cache=True, nogil=True)
def _sifted(low: Any, high: Any, rows: Any, near: Any, places: Any) -> Any:
    """The places of rows that may be wanted into `places`, and how many; no branch hangs on a row."""
    found = np.uint64(0)
    for place in range(np.uint64(low), np.uint64(high)):
        places[found] = place
        found += np.uint64(near[np.uint32(rows[place]) % SIEVE])
    return np.int64(found)


@njit(cache=True, nogil=True)
def _trace(
    seeds: Any, weights: Any, indptr: Any, rows: Any, scores: Any,
    wanted: Any, reasons: Any, given: Any, sums: Any, near: Any,
) -> None:  # fmt: skip
    """The two seeds that gave each wanted row most, and how much, into `reasons` and `given`."""
    for at in range(len(wanted)):
        sums[wanted[at]] = at + 1
        near[wanted[at] % SIEVE] = True
    wide = fetch(seeds, indptr, rows, scores) < 0  # never: see `gather`
    places = np.empty(_longest(seeds, indptr) + 1 + wide, np.uint64)
    for seed in range(len(seeds)):
        for at in range(_sifted(indptr[seeds[seed]], indptr[seeds[seed] + 1], rows, near, places)):
            which = np.int64(sums[rows[places[at]]]) - 1
            score = weights[seed] * scores[places[at]]
            if which >= 0 and score > given[which, 0]:
                reasons[which, 1], given[which, 1] = reasons[which, 0], given[which, 0]
                reasons[which, 0], given[which, 0] = seeds[seed], score
            elif which >= 0 and score > given[which, 1]:
                reasons[which, 1], given[which, 1] = seeds[seed], score
    for row in wanted:
        sums[row] = 0
        near[row % SIEVE] = False


@njit((*SEEDS, *LISTS, ENDS, ROWS, SUMS), cache=True, nogil=True)
def grounds(
    seed_ends: Any,
    seed_rows: Any,
    kinds: Any,
    times: Any,
    half_life: Any,
    worth: Any,
    most: Any,
    power: Any,
    indptr: Any,
    rows: Any,
    scores: Any,
    ends: Any,
    wanted: Any,
    sums: Any,
) -> Any:
    """For each wanted row the two seeds that gave it most, the greater first: int32[n, 2], -1 for none.

    Asker i wants to know of `wanted[ends[i]:ends[i + 1]]`. Other arguments as in `gather`.
    """
    seeds, weights = np.empty(most + 1, np.int32), np.empty(most + 1, np.float32)
    reasons, given = np.full((len(wanted), 2), -1, np.int32), np.zeros((len(wanted), 2), np.float32)
    near = np.zeros(SIEVE, np.bool_)
    for asker in range(len(ends) - 1):
        own, low, high = slice(seed_ends[asker], seed_ends[asker + 1]), ends[asker], ends[asker + 1]
        if low < high:
            found = latest(
                seed_rows[own], kinds[own], times[own], half_life, worth, most, power, sums, seeds, weights
            )
            asked = (wanted[low:high], reasons[low:high], given[low:high])
            _trace(seeds[:found], weights, indptr, rows, scores, *asked, sums, near)
    return reasons
