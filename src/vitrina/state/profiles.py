"""What somebody did lately, as the store keeps it: a head, and records of one length."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

RECORD = np.dtype([("sequence", "<u8"), ("time", "<i8"), ("item", "<u4"), ("type", "<u4")])
"""`sequence` in the log; `time`: seconds since 1970 UTC; `item`, `type`: numbers of NAMES."""
KEPT = 128
"""Records of one person, the newest."""
_HEAD = struct.Struct("<q")
_ONE = struct.Struct("<QqII")

Columns = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]]
"""Times, items, types and sequence numbers, as in RECORD."""

FAST, FAST_S = 100, 60
"""So many events within so many seconds are no person's, nor one person's."""
WIDE, WIDE_S = 100, 600
"""So many different items within so many seconds are none's either."""
QUARANTINE_S = 3600
"""How long whoever does that steers no list, from their last event on."""


def record(sequence: int, time: int, item: int, kind: int) -> bytes:
    """One record."""
    return _ONE.pack(sequence, time, item, kind)


def grown(value: bytes, records: list[bytes]) -> bytes:
    """A profile with more records at its end, and the oldest gone."""
    head, held = value[: _HEAD.size] or _HEAD.pack(0), value[_HEAD.size :]
    return head + (held + b"".join(records))[-KEPT * _ONE.size :]


def without(value: bytes, sequences: Sequence[int]) -> bytes:
    """A profile without the records of some sequence numbers; empty where none is left."""
    held = records(value)
    left = held[~np.isin(held["sequence"], sequences)]
    return value[: _HEAD.size] + left.tobytes() if len(left) else b""


def records(value: bytes) -> NDArray[Any]:
    """The records of a profile, oldest arrival first: RECORD[n], not copied."""
    return np.frombuffer(value, RECORD, offset=_HEAD.size)


def columns(values: Sequence[bytes]) -> Columns:
    """The records of one person's profiles, in order of time; one that stands in several comes once.

    Without numpy, which costs more to ask than so few numbers take: 12 us for 120 records.
    """
    if len(values) == 1:
        n = (len(values[0]) - _HEAD.size) // _ONE.size
        fields = _layout(n).unpack_from(values[0], _HEAD.size)
    else:
        # An impression has one sequence number for all that it showed, so it is whole records that differ.
        held = {one for value in values for one in _ONE.iter_unpack(value[_HEAD.size :])}
        fields = tuple(field for one in sorted(held) for field in one)
    numbers, times, items, kinds = fields[::4], fields[1::4], fields[2::4], fields[3::4]
    if sorted(times) == [*times]:
        return times, items, kinds, numbers
    order = sorted(range(len(times)), key=times.__getitem__)
    return (
        _in_order(times, order),
        _in_order(items, order),
        _in_order(kinds, order),
        _in_order(numbers, order),
    )


def _in_order(column: tuple[int, ...], order: list[int]) -> tuple[int, ...]:
    return tuple([column[at] for at in order])


@cache
def _layout(n: int) -> struct.Struct:
    """How n records lie; for n up to KEPT."""
    return struct.Struct("<" + "QqII" * n)


def newest(value: bytes) -> int:
    """The sequence number of a profile's latest record; 0 without any."""
    return int(_ONE.unpack_from(value, len(value) - _ONE.size)[0]) if len(value) > _HEAD.size else 0


def quarantined(value: bytes, now: int) -> bool:
    """Whether whom the profile is of steers no list at this second."""
    return bool(value) and bool(_HEAD.unpack_from(value)[0] > now)


def crowded(value: bytes) -> bool:
    """Whether a profile holds so much that it may be more than a person does."""
    return len(value) >= _HEAD.size + min(FAST, WIDE) * _ONE.size


def excessive(value: bytes, spared: Sequence[int]) -> bool:
    """Whether the latest of a profile is more than a person does; `spared` types do not count."""
    held = records(value)
    held = held[~np.isin(held["type"], spared)]
    if len(held) < min(FAST, WIDE):
        return False
    ago = held["time"].max() - held["time"]
    return bool((ago < FAST_S).sum() >= FAST or len(np.unique(held["item"][ago < WIDE_S])) >= WIDE)


def set_apart(value: bytes, now: int) -> bytes:
    """The profile in quarantine from this second on."""
    return _HEAD.pack(now + QUARANTINE_S) + value[_HEAD.size :]
