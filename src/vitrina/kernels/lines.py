"""Well-formed lines of CSV and JSON text, on bare bytes.

One state machine over the bytes of a block. It settles what no parser of tables says exactly when
a file is damaged: where each record begins and ends, and what is wrong with the one that is not one.
"""

from __future__ import annotations

from typing import Any

from numba import njit

GOOD, BLANK, FIELDS, QUOTE, OPEN, NUL, ENCODING, LONG, RETURN = range(9)

_START, _PLAIN, _QUOTED, _CLOSED, _SPACED = range(5)
_NEWLINE, _CARRIAGE, _SPACE, _MARK = 10, 13, 32, 34


@njit(cache=True)
def walk(block: Any, at: Any, delimiter: Any, columns: Any, limit: Any) -> Any:
    """(at, records, verdict, fields) of the run of good one-line records that begins at `at`.

    `block`: uint8, whole lines only. `delimiter`: a byte, or -1 where a line is one field without
    quotes. Stops at the first line that is not GOOD, or at the end of the block; `fields` is the
    field count of the line it stopped at.
    """
    records = 0
    while at < len(block):
        after, verdict, fields = measure(block, at, delimiter, columns, limit, False)
        if verdict != GOOD:
            return at, records, verdict, fields
        records += 1
        at = after
    return at, records, GOOD, columns


@njit(cache=True)
def measure(block: Any, at: Any, delimiter: Any, columns: Any, limit: Any, across: Any) -> Any:
    """(after, verdict, fields) of the one record at `at`; `across`: a quoted value may span lines."""
    start, state, fields, blank = at, _START, 1, True
    while at < len(block) and at - start <= limit:
        byte = block[at]
        if byte == _NEWLINE and not (across and state == _QUOTED):
            return at + 1, _verdict(state, fields, columns, blank), fields
        if byte == _CARRIAGE and state != _QUOTED and (at + 1 == len(block) or block[at + 1] != _NEWLINE):
            return at, RETURN, fields
        if byte == 0 or (delimiter < 0 and byte == 1):
            return at, NUL, fields
        if byte >= 0x80:
            width = _utf8_width(block, at)
            if width == 0:
                return at, ENCODING, fields
            at += width - 1
        if byte == delimiter and state != _QUOTED:
            fields, state, blank = fields + 1, _START, False
        elif byte != _CARRIAGE or state == _QUOTED:
            blank = blank and (byte == _SPACE or byte == 9)
            state = _step(state, byte) if delimiter >= 0 else _PLAIN
            if state < 0:
                return at, QUOTE, fields
        at += 1
    return at, (LONG if at - start > limit else OPEN), fields


@njit(cache=True)
def _step(state: Any, byte: Any) -> Any:
    """The state after one byte that is neither delimiter nor line end; -1 after a misplaced quote."""
    if state == _START:
        return _QUOTED if byte == _MARK else (_START if byte == _SPACE else _PLAIN)
    if state == _PLAIN:
        return _PLAIN
    if state == _QUOTED:
        return _CLOSED if byte == _MARK else _QUOTED
    if state == _CLOSED and byte == _MARK:
        return _QUOTED
    return _SPACED if byte == _SPACE else -1


@njit(cache=True)
def _verdict(state: Any, fields: Any, columns: Any, blank: Any) -> Any:
    if state == _QUOTED:
        return OPEN
    if blank:
        return BLANK
    return GOOD if fields == columns else FIELDS


@njit(cache=True)
def _utf8_width(block: Any, at: Any) -> Any:
    """The length of the well-formed UTF-8 sequence at `at` (Unicode 15, table 3-7), or 0."""
    lead, low, high, width = block[at], 0x80, 0xBF, 0
    if 0xC2 <= lead <= 0xDF:
        width = 2
    elif 0xE0 <= lead <= 0xEF:
        width, low, high = 3, 0xA0 if lead == 0xE0 else 0x80, 0x9F if lead == 0xED else 0xBF
    elif 0xF0 <= lead <= 0xF4:
        width, low, high = 4, 0x90 if lead == 0xF0 else 0x80, 0x8F if lead == 0xF4 else 0xBF
    if width == 0 or at + width > len(block) or not low <= block[at + 1] <= high:
        return 0
    for place in range(at + 2, at + width):
        if not 0x80 <= block[place] <= 0xBF:
            return 0
    return width
