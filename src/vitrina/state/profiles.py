"""What somebody did lately, as the store keeps it: a head, and records that numpy reads where they lie."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

RECORD = np.dtype([("sequence", "<u8"), ("time", "<i8"), ("item", "<u4"), ("type", "<u4")])
"""`sequence` in the log; `time`: seconds since 1970 UTC; `item`, `type`: numbers of NAMES."""
KEPT = 128
"""Records of one person, the newest."""
_HEAD = struct.Struct("<q")
_ONE = struct.Struct("<QqII")

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


def records(value: bytes) -> NDArray[Any]:
    """The records of a profile, oldest arrival first: RECORD[n], not copied."""
    return np.frombuffer(value, RECORD, offset=_HEAD.size)


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
