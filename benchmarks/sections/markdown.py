"""Tables, and what a result was measured with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def table(heads: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """A Markdown table, first column to the left."""
    heads = list(heads)
    lines = [f"| {' | '.join(heads)} |", f"| --- |{' ---: |' * (len(heads) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


_MACHINE = ("cpu", "cores", "memory_gb", "load", "python", "vitrina")


def machine(of: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {of[name]}" for name in of if name not in _MACHINE)
    return (
        f"{of['cpu']}, {of['cores']} cores, {of['memory_gb']} GB, load {of['load']}; "
        f"Python {of['python']}, {versions}."
    )
