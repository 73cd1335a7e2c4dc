"""A small real bundle of every strategy, and the tools of whoever forges one.

A forger here can do all that somebody with write access can: values, headers, manifest, and then the
hashes, the version and the seal over them, so that nothing but sense is left to check.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shops import make_shop
from vitrina import bundle, probes, strategies
from vitrina.bundle import files
from vitrina.bundle.manifest import PartRecord, content_hash, seal, stamp
from vitrina.dataset import Attribute, Dataset
from vitrina.engine import Engine
from vitrina.errors import BundleError
from vitrina.fit import fit, with_metrics
from vitrina.placements import parse_placements
from vitrina.recipe import parse_recipe
from vitrina.registry import Registry

CREATED = 1_790_000_000


def shop(n_items: int = 12, n_users: int = 8) -> Dataset:
    """A dozen items, regular customers in two regions, brands and vectors of photos; always the same."""
    bought = [
        (f"u{user}", f"i{(user * 5 + step * step) % n_items:02d}", 1 + step * 3 + user % 3, kind)
        for user in range(n_users)
        for step, kind in enumerate(("purchase", "view", "purchase", "cart", "purchase", "purchase"))
    ]
    made = make_shop([*bought, *(("", f"i{one % n_items:02d}", 9) for one in range(6))])
    n = len(made.items)
    vectors = np.array([[(row * column) % 7 - 3 for column in range(1, 9)] for row in range(n)], np.float32)
    brands = Attribute.of([f"brand {row % 3}" for row in range(n)])
    return replace(
        made,
        vectors=vectors,
        catalog=replace(made.catalog, attributes={"brand": brands}),
        people={"region": Attribute.of([("north", "south", "")[row % 3] for row in range(len(made.users))])},
    )


def every_strategy() -> dict[str, dict[str, Any]]:
    """A recipe's tables of all strategies there are, small."""
    small = {"bought_together": {"min_count": 1}}
    return {name: small.get(name, {}) for name in strategies.names()}


def every_placement(names: Mapping[str, Any]) -> dict[str, Any]:
    """Each source alone, from history and from the page, and all of them together."""
    alone = {
        f"{name}_{seeds}": {"sources": [{"strategy": name, "seeds": seeds}], "limit": 10, "rebuy": "always"}
        for name in names
        for seeds in ("history", "context")
    }
    mixed = {"sources": [{"strategy": name, "seeds": "history"} for name in names], "fallback": ["popular"]}
    return {"version": "forged", **alone, "home": mixed}


def train(tables: Mapping[str, Any] | None = None, dataset: Dataset | None = None) -> bundle.Bundle:
    """A fitted bundle of some strategies, all by default, with probes and metrics."""
    chosen = every_strategy() if tables is None else tables
    recipe = parse_recipe({"strategies": dict(chosen)}, "forged")
    made = fit(dataset or shop(), recipe, parse_placements(every_placement(chosen)))
    made = replace(made, manifest=replace(made.manifest, created=CREATED))
    return with_metrics(made, {"ndcg": 0.5}, probes.make(Engine.of(made), 4, 7))


def publish(folder: Path, made: bundle.Bundle) -> Path:
    """Store a bundle in the registry `folder` and make it current; its directory."""
    return Registry(folder).publish(made).path or folder


def manifest(path: Path) -> dict[str, Any]:
    """The manifest's tables."""
    return json.loads((path / bundle.MANIFEST).read_text())


def forge(path: Path, **changed: Any) -> Path:
    """Change fields of a manifest; version and seal follow. Gives the bundle's directory."""
    return forge_text(path, json.dumps({**manifest(path), **changed}))


def forge_text(path: Path, text: str | bytes) -> Path:
    """Replace a manifest; version and seal follow where it has any sense. Gives the directory."""
    data = text.encode() if isinstance(text, str) else text
    home = path
    try:
        found = json.loads(data)
        parts = {name: PartRecord(**one) for name, one in found["parts"].items()}
        version = stamp(found["created"], content_hash(parts, found["recipe"]))
        data = json.dumps({**found, "version": version}).encode()
        home = path.parent / version
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        pass
    (path / bundle.MANIFEST).write_bytes(data)
    (path / bundle.SEAL).write_bytes(seal(data))
    if home != path:
        shutil.rmtree(home, ignore_errors=True)
        path.rename(home)
    return home


def forge_part(path: Path, name: str, part: np.ndarray | bytes | None) -> Path:
    """Put another part in the place of one, or none; every hash follows. Gives the bundle's directory."""
    found = manifest(path)
    record = found["parts"].pop(name)
    (path / record["file"]).unlink()
    if part is not None:
        found["parts"][name] = asdict(files.stored(path, name, part))
    return forge_text(path, json.dumps(found))


def forge_file(path: Path, name: str, data: bytes, **told: Any) -> Path:
    """Put other bytes in a part's file, header and all; its record's size and hash follow."""
    found = manifest(path)
    record = found["parts"][name]
    file = path / record["file"]
    file.write_bytes(data)
    record |= {"size": len(data), "sha256": files.digest_of(file), **told}
    return forge_text(path, json.dumps(found))


def refused(
    path: Path, kind: type[Exception] = BundleError, opening: Callable[[Path], Any] = bundle.verify
) -> str:
    """The sentence with which a bundle is refused: it names the bundle, a reason and a next step."""
    with pytest.raises(kind) as caught:
        opening(path)
    said = str(caught.value)
    assert re.fullmatch(rf"bundle {re.escape(path.name)}(:| has) .+; .+", said, re.S), said
    return said
