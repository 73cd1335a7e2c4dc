"""Finished lists as bytes of the wire: the `items` of ListedBlocks (`proto/vitrina/v1/types.proto`).

A message is written from its end to its start, so that its length is known when it is due; a field is one
line, and fields stand in the file from the last to the first. What protobuf leaves out, zeros and empty
texts of single fields, is left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

_ROWS = types.Array(types.int32, 1, "C", readonly=True)
_LISTS = types.Array(types.int32, 2, "C", readonly=True)
_ENDS = types.Array(types.int64, 1, "C", readonly=True)
_REALS = types.Array(types.float32, 1, "C", readonly=True)
_FIGURES = types.Array(types.float64, 2, "C", readonly=True)
_IDS = types.Array(types.uint8, 2, "C", readonly=True)
_BYTES = types.Array(types.uint8, 1, "C", readonly=True)
_RAGGED = types.Tuple((_ENDS, _BYTES))

_TEXT, _DOUBLE = np.uint8(2), np.uint8(1)
"""Wire types: anything with a length; eight bytes."""
_HEAD = 6
"""Bytes of a tag and a length at most."""


@njit(cache=True, nogil=True)
def _tag(out: Any, at: Any, field: Any, wire_type: Any) -> Any:
    out[at - 1] = np.uint8(field << 3) | wire_type
    return at - 1


@njit(cache=True, nogil=True)
def _opened(out: Any, at: Any, field: Any, end: Any) -> Any:
    """Put length and tag before what was written of a field from `at` to `end`."""
    length, digits = np.uint64(end - at), 1
    while length >> np.uint64(7 * digits):
        digits += 1
    at -= digits
    for digit in range(digits):
        more = 0x80 if digit < digits - 1 else 0
        out[at + digit] = np.uint8((length >> np.uint64(7 * digit)) & np.uint64(0x7F)) | np.uint8(more)
    return _tag(out, at, field, _TEXT)


@njit(cache=True, nogil=True)
def _text(out: Any, at: Any, field: Any, letters: Any) -> Any:
    end, at = at, at - len(letters)
    for place in range(len(letters)):
        out[at + place] = letters[place]
    return _opened(out, at, field, end)


@njit(cache=True, nogil=True)
def _id(out: Any, at: Any, field: Any, letters: Any) -> Any:
    """An id: letters up to the first NUL."""
    length = 0
    while length < len(letters) and letters[length]:
        length += 1
    return _text(out, at, field, letters[:length])


@njit(cache=True, nogil=True)
def _double(out: Any, at: Any, field: Any, number: Any, eight: Any) -> Any:
    eight[0] = number
    if not eight.view(np.int64)[0]:
        return at
    out[at - 8 : at] = eight.view(np.uint8)
    return _tag(out, at - 8, field, _DOUBLE)


@njit(cache=True, nogil=True)
def _rule(out: Any, at: Any, ids: Any, antecedents: Any, figures: Any, eight: Any) -> Any:
    """Fields of a Rule; nothing where there is none."""
    end = at
    if not figures.any():
        return at
    at = _double(out, at, 4, figures[2], eight)
    at = _double(out, at, 3, figures[1], eight)
    at = _double(out, at, 2, figures[0], eight)
    for seed in antecedents[::-1]:
        at = _id(out, at, 1, ids[seed]) if seed >= 0 else at
    return _opened(out, at, 3, end)


@njit(cache=True, nogil=True)
def _reason(out: Any, at: Any, ids: Any, name: Any, seeds: Any, figures: Any, said: Any, eight: Any) -> Any:
    """Fields of a Reason."""
    end = at
    at = _text(out, at, 4, said) if len(said) else at
    at = _rule(out, at, ids, seeds, figures, eight)
    for seed in seeds[::-1]:
        at = _id(out, at, 2, ids[seed]) if seed >= 0 else at
    at = _text(out, at, 1, name) if len(name) else at
    return _opened(out, at, 4, end)


@njit(cache=True, nogil=True)
def _room(width: Any, names: Any, seeds: Any, sources: Any) -> Any:
    """Bytes of one item without its product, at most."""
    longest = 0
    for name in range(len(names[0]) - 1):
        longest = max(longest, names[0][name + 1] - names[0][name])
    texts = (1 + 2 * seeds) * (width + _HEAD) + (1 + sources) * (longest + _HEAD)
    return texts + 4 * (1 + 8) + 5 * _HEAD


@njit(
    (
        *(_ENDS, _IDS, _RAGGED),
        *(_ROWS, _REALS, _LISTS, _ROWS, _LISTS, _FIGURES),
        *(_RAGGED, types.boolean, _RAGGED),
    ),
    cache=True,
    nogil=True,
)
def listed_items(
    ends: Any,
    ids: Any,
    names: Any,
    rows: Any,
    scores: Any,
    sources: Any,
    leads: Any,
    seeds: Any,
    figures: Any,
    said: Any,
    shown: Any,
    products: Any,
) -> Any:
    """Each of n lists as the field `items` of a ListedBlock: int64[n + 1] and uint8, ragged.

    List i is items ends[i]..ends[i + 1] of the columns, which are as in `listing.Lists`. `ids`:
    uint8[n_items, width], padded with NUL; `names`: of sources, ragged (int64[k + 1], uint8). `said`: a
    sentence for each item from ends[0] on, ragged; `products`, where they are `shown`: a message for each.
    """
    room = _room(ids.shape[1], names, seeds.shape[1], sources.shape[1]) + _HEAD
    n, low = len(ends) - 1, ends[0]
    out = np.empty((ends[n] - low) * room + len(said[1]) + len(products[1]), np.uint8)
    at, eight = len(out), np.zeros(1, np.float64)
    starts, one = np.empty(n + 1, np.int64), n
    for item in range(ends[n] - 1, low - 1, -1):
        while ends[one] > item:
            starts[one] = at
            one -= 1
        end, lead = at, leads[item]
        if shown:
            at = _text(out, at, 5, products[1][products[0][item - low] : products[0][item - low + 1]])
        name = names[1][names[0][lead] : names[0][lead + 1]]
        sentence = said[1][said[0][item - low] : said[0][item - low + 1]]
        at = _reason(out, at, ids, name, seeds[item], figures[item], sentence, eight)
        for source in sources[item][::-1]:
            at = _text(out, at, 3, names[1][names[0][source] : names[0][source + 1]]) if source >= 0 else at
        at = _double(out, at, 2, np.float64(scores[item]), eight)
        at = _id(out, at, 1, ids[rows[item]])
        at = _opened(out, at, 2, end)
    starts[: one + 1] = at
    return starts - at, out[at:]


@njit((_ENDS, _IDS, _ROWS), cache=True, nogil=True)
def names(ends: Any, ids: Any, rows: Any) -> Any:
    """The ids of the rows of each of n lists, a NUL behind each: int64[n + 1] and uint8, ragged."""
    out, starts, at = np.empty(len(rows) * (ids.shape[1] + 1), np.uint8), np.zeros(len(ends), np.int64), 0
    for one in range(len(ends) - 1):
        for place in range(ends[one], ends[one + 1]):
            for letter in ids[rows[place]]:
                if not letter:
                    break
                out[at] = letter
                at += 1
            out[at] = 0
            at += 1
        starts[one + 1] = at
    return starts, out[:at]
