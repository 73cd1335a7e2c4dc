"""What a value of a placements file must be: each reads one, or raises ValueError naming its key."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any


def suggestion(word: str, known: Sequence[str]) -> str:
    """'; did you mean ...' or '; known: ...', to end a sentence about an unknown word."""
    near = get_close_matches(str(word), known, 1)
    return (
        f"; did you mean '{near[0]}'? known: {', '.join(known)}" if near else f"; known: {', '.join(known)}"
    )


def text(value: Any, key: str) -> str:
    """A text."""
    if not isinstance(value, str):
        raise ValueError(f"{key} must be a text, not {value!r}")
    return value


def flag(value: Any, key: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError(f"{key} must be true or false, not {value!r}")
    return value


def count(value: Any, key: str) -> int:
    """A whole number, 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{key} must be a whole number, 0 or more, not {value!r}")
    return value


def number(value: Any, key: str, low: float, high: float) -> float:
    """A finite number from `low` to `high`, both inside."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        bounds = f"of {low:g} or more" if math.isinf(high) else f"from {low:g} to {high:g}"
        raise ValueError(f"{key} must be a number {bounds}, not {value!r}")
    return float(value)


def texts(value: Any, key: str) -> tuple[str, ...]:
    """A list of texts."""
    return tuple(text(one, f"{key}[{at}]") for at, one in enumerate(entries(value, key)))


def entries(value: Any, key: str) -> Sequence[Any]:
    """A list."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ValueError(f"{key} must be a list, not {value!r}")
    return value


def table(value: Any, key: str, known: Sequence[str]) -> Mapping[str, Any]:
    """A table with keys of its own; of those only that are known."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{key} must be a table of {', '.join(known)}, not {value!r}")
    for word in value:
        if word not in known:
            raise ValueError(f"{key} has an unknown key '{word}'{suggestion(word, known)}")
    return value


def one_of(known: Sequence[str], value: Any, key: str) -> str:
    """One of the known words."""
    if value not in known:
        raise ValueError(f"unknown {key} '{value}'{suggestion(value, known)}")
    return str(value)


def some_of(known: Sequence[str], value: Any, key: str) -> tuple[str, ...]:
    """Some of the known words."""
    return tuple(one_of(known, one, key) for one in texts(value, key))


def moment(value: Any, key: str) -> int:
    """Seconds since 1970 UTC of '2026-03-01' or '2026-03-01T09:30:00+02:00'; without a zone it is UTC."""
    try:
        told = datetime.fromisoformat(text(value, key))
    except ValueError as reason:
        raise ValueError(f'{key} must be a date such as "2026-03-01", in quotes, not {value!r}') from reason
    return int((told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp())
