"""Placements files: read, merged with what they extend, and every fault with its file and line."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vitrina.errors import PlacementsError
from vitrina.placements.placement import Placements
from vitrina.placements.tables import Fault, faults, parse_placements

BUNDLED = "bundled"
"""What a file extends that stands over the placements of whatever bundle is served."""
_STAMP = re.compile(r"@[0-9a-f]{8}$")
_HEADER = re.compile(r"^\s*\[\[?\s*([^\]#]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"""^\s*("[^"]+"|'[^']+'|[A-Za-z0-9_-]+)\s*[.=]""")


@dataclass(frozen=True)
class Read:
    """Merged tables and where each (placement, key) stands, as 'file:line'."""

    tables: Mapping[str, Any]
    places: Mapping[tuple[str, str], str] = field(default_factory=dict)
    file: str = ""

    def told(self, fault: Fault) -> str:
        """A fault in one line: where, which placement, why."""
        spots = ((fault.placement, fault.key), (fault.placement, ""), ("", fault.key))
        where = next((self.places[one] for one in spots if one in self.places), self.file)
        return f"{where}: {f'[{fault.placement}] ' if fault.placement else ''}{fault.reason}"


def read_placements(file: Path, bundled: Mapping[str, Any] | None = None) -> Placements:
    """Read a placements file and what it extends; `bundled`: the tables of the bundle that it may extend.

    Raises PlacementsError naming file, line and reason.
    """
    read = read_tables(file)
    tables = over(read.tables, bundled, str(file))
    wrong = faults(tables)
    if wrong:
        raise PlacementsError("\n".join(map(read.told, wrong)))
    return parse_placements(tables, str(file))


def over(tables: Mapping[str, Any], bundled: Mapping[str, Any] | None, origin: str) -> Mapping[str, Any]:
    """Tables as they stand over a bundle's, where they extend them. Raises PlacementsError without those."""
    if tables.get("extends") != BUNDLED:
        return tables
    if bundled is None:
        raise PlacementsError(f"{origin} extends the placements of a bundle, and there is none; name one")
    return merged(bundled, {name: one for name, one in tables.items() if name != "extends"})


def stamped(tables: Mapping[str, Any]) -> dict[str, Any]:
    """The tables with eight digits of their content in their version: two that differ have two versions."""
    named = _STAMP.sub("", str(tables.get("version", "unversioned")))
    told = json.dumps({**tables, "version": named}, sort_keys=True)
    return {**tables, "version": f"{named}@{hashlib.sha256(told.encode()).hexdigest()[:8]}"}


def read_tables(file: Path) -> Read:
    """The merged tables of a file (TOML, or JSON as `apply` writes it), not yet checked.

    Raises PlacementsError where it cannot be read at all.
    """
    return _read(file, ())


def _read(file: Path, seen: tuple[Path, ...]) -> Read:
    if file in seen:
        raise PlacementsError(f"{file} extends itself")
    try:
        text = file.read_text(encoding="utf-8")
        table = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except (OSError, UnicodeDecodeError, ValueError) as reason:
        raise PlacementsError(f"cannot read the placements {file}: {reason}") from reason
    if not isinstance(table, dict):
        raise PlacementsError(f"cannot read the placements {file}: they are not tables")
    places = _places(text, str(file))
    if table.get("extends", BUNDLED) == BUNDLED:
        return Read(table, places, str(file))
    extended = table.pop("extends")
    below = _read(file.parent / str(extended), (*seen, file))
    return Read(merged(below.tables, table), {**below.places, **places}, str(file))


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Tables with others over them: a placement that is named again keeps the keys it does not give."""
    both = dict(below)
    for name, one in above.items():
        inner = isinstance(one, dict) and isinstance(both.get(name), dict)
        both[name] = {**both[name], **one} if inner else one
    return both


def _places(text: str, file: str) -> dict[tuple[str, str], str]:
    """Where each (placement, key) of a TOML text stands: ('home', 'rebuy') -> 'file:12'."""
    places: dict[tuple[str, str], str] = {}
    within: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        header, key = _HEADER.match(line), _KEY.match(line)
        if header:
            within = [one.strip().strip("\"'") for one in header[1].split(".")]
            places.setdefault((within[0], within[1] if len(within) > 1 else ""), f"{file}:{number}")
        elif key and len(within) < 2:
            places.setdefault((within[0] if within else "", key[1].strip("\"'")), f"{file}:{number}")
    return places
