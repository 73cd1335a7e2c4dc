"""What differs between two placements files, in lines that a person reads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_UNSAID = ("about", "example", "version")
"""Keys of which it is said that they differ, not how; and what is said anyhow."""


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The lines of a difference between merged tables: '+ [p]', '- [p]', '[p] limit: 20 -> 12'.

    A list's entries are told apart by their strategy and seeds, or their name, where they have one.
    """
    lines = []
    for name in sorted({*old, *new} - {"version", "extends"}):
        if name not in old:
            lines.append(f"+ [{name}] {_about(new[name])}".rstrip())
        elif name not in new:
            lines.append(f"- [{name}]")
        else:
            lines += [f"[{name}] {one}" for one in _between(old[name], new[name], "")]
    return lines


def _between(old: Any, new: Any, path: str) -> Iterator[str]:
    """The differences of two values that stand at one path."""
    if old == new:
        return
    left, right = _keyed(old), _keyed(new)
    if left is None or right is None:
        last = path.rpartition(".")[2]
        yield f"{path}: changed" if last in _UNSAID else f"{path}: {_short(old)} -> {_short(new)}"
        return
    if isinstance(old, Sequence) and list(left) != list(right) and set(left) == set(right):
        yield f"{path}: in the order {', '.join(right)}"
    for key in [*left, *(one for one in right if one not in left)]:
        inner = f"{path}.{key}" if path else key
        if key not in right:
            yield f"{inner}: {_short(left[key])} is gone" if key not in _UNSAID else f"{inner}: is gone"
        elif key not in left:
            yield f"{inner}: {_short(right[key])} is new" if key not in _UNSAID else f"{inner}: is new"
        else:
            yield from _between(left[key], right[key], inner)


def _keyed(value: Any) -> dict[str, Any] | None:
    """A table, or a list whose entries have names of their own, as a table; None for other values."""
    if isinstance(value, Mapping):
        return dict(value)
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        return None
    names = [_name(one) for one in value]
    return dict(zip(names, value, strict=True)) if all(names) and len(set(names)) == len(names) else None


def _name(one: Any) -> str:
    if isinstance(one, Mapping):
        return " of ".join(str(one[key]) for key in ("strategy", "seeds", "name") if key in one)
    return ""


def _about(table: Any) -> str:
    return str(table.get("about", "")) if isinstance(table, Mapping) else ""


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
