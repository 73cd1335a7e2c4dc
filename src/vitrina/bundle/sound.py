"""What parts must hold before compiled code may follow them, which checks no bounds.

Offsets never fall and end where their lists end; rows and codes stand for something; ids are sorted,
distinct and readable; scores are finite. The shop's own parts are known by name, a strategy's by the
strategy. One pass over the arrays, in `verify` alone: beside hashing them it costs little.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vitrina.bundle.manifest import Manifest
from vitrina.ids import MAX_ID_BYTES, UNKNOWN
from vitrina.parts import Part, Parts

Sizes = Mapping[str, int]
"""How many of each thing: of the shop's (#items), of a part's entries, or of the lists that offsets cut."""


@dataclass(frozen=True)
class Ends:
    """Offsets: a list for each of `of` ("a+b": of both), that cut all of the parts `into`."""

    of: str
    into: tuple[str, ...]

    def check(self, name: str, part: Any, sizes: Sizes) -> None:
        """Raises ValueError."""
        _expect(part.dtype == np.int64 and part.ndim == 1, name, "is not int64 offsets")
        _expect(
            len(part) == sum(sizes[one] for one in self.of.split("+")) + 1,
            name,
            f"does not cut a list for each of {self.of}",
        )
        _expect(part[0] == 0 and not (part[1:] < part[:-1]).any(), name, "holds offsets that fall")
        for one in self.into:
            _expect(part[-1] == sizes[one], name, f"does not end where {one} ends")


@dataclass(frozen=True)
class Rows:
    """Numbers of `below`, from `least` on; as many as `of` has entries, where it is given."""

    below: str
    of: str = ""
    least: int = 0
    dtype: type = np.int32

    def check(self, name: str, part: Any, sizes: Sizes) -> None:
        """Raises ValueError."""
        _expect(part.dtype == self.dtype, name, f"is {part.dtype}")
        _expect(not self.of or len(part) == sizes[self.of], name, f"has no entry for each of {self.of}")
        if part.size:
            low, high, most = int(part.min()), int(part.max()), sizes[self.below]
            _expect(self.least <= low and high < most, name, f"holds {low} to {high}, of {most} {self.below}")


@dataclass(frozen=True)
class Each:
    """One entry for each of `of`; or none at all, where it may be `empty`, or missing from old bundles."""

    of: str
    empty: bool = False

    def check(self, name: str, part: Any, sizes: Sizes) -> None:
        """Raises ValueError."""
        none = self.empty and len(part) == 0
        _expect(none or len(part) == sizes[self.of], name, f"has no entry for each of {self.of}")


@dataclass(frozen=True)
class Sorted:
    """Ids as bytes: ascending, distinct, UTF-8, of at most MAX_ID_BYTES."""

    def check(self, name: str, part: Any, sizes: Sizes) -> None:
        """Raises ValueError."""
        _expect(part.dtype.kind == "S" and part.dtype.itemsize <= MAX_ID_BYTES, name, "is not ids")
        _expect(not (part[1:] <= part[:-1]).any(), name, "is not sorted, or says an id twice")
        for first in range(0, len(part), _CHUNK):
            b"\n".join(part[first : first + _CHUNK].tolist()).decode()


@dataclass(frozen=True)
class Steps:
    """Where a walk goes on from each entry of `of`: to an entry of `nodes`, or as ~i to entry i of `leaves`.

    Where `of` are the nodes themselves the next one stands after it, so that every walk ends.
    """

    of: str
    nodes: str
    leaves: str

    def check(self, name: str, part: Any, sizes: Sizes) -> None:
        """Raises ValueError."""
        _expect(part.dtype == np.int32 and part.ndim == 1, name, f"is {part.dtype}")
        _expect(len(part) == sizes[self.of], name, f"has no entry for each of {self.of}")
        low, high = int(part.min(initial=0)), int(part.max(initial=-1))
        _expect(-sizes[self.leaves] <= low and high < sizes[self.nodes], name, f"leads to {low} and {high}")
        inner = part >= 0
        ahead = (part[inner] > np.flatnonzero(inner)).all()
        _expect(ahead or self.of != self.nodes, name, "leads back")


Rules = Mapping[str, Ends | Rows | Each | Sorted | Steps]
_CHUNK = 1 << 16
_FOREVER = 1 << 60
"""Seconds: beyond any time, and half-lives may still be subtracted from it."""

SHOP: Rules = {
    "ids/items": Sorted(),
    "ids/users": Sorted(),
    "history/indptr": Ends("#users", tuple(f"history/{one}" for one in ("rows", "types", "times", "visits"))),
    "history/rows": Rows("#items"),
    "history/types": Rows("#types", dtype=np.uint8),
    "history/aside": Each("history/rows", empty=True),
    "catalog/product": Rows("#items", "#items"),
    "catalog/title/offsets": Ends("#items", ("catalog/title/blob",)),
    "catalog/image/offsets": Ends("#items", ("catalog/image/blob",)),
}
RANKER: Rules = {
    "roots": Steps("roots", "feature", "value"),
    "feature": Rows("names"),
    "threshold": Each("feature"),
    "nan_left": Each("feature"),
    "left": Steps("feature", "feature", "value"),
    "right": Steps("feature", "feature", "value"),
}
LABELS: Rules = {"indptr": Ends("#items", ("words",)), "words": Rows("values"), "values": Sorted()}
COLUMNS = ("price", "old_price", "margin", "in_stock", "available_from", "available_until", "due_days")
UNKNOWABLE = ("catalog/", "ranker/items")
"""Where NaN says that something is not known."""
SEEDS: Rules = {"seed_power": Each("#one", empty=True)}
NEIGHBOURS: Rules = {**SEEDS, "indptr": Ends("#items", ("indices", "scores")), "indices": Rows("#items")}
HABITS: Rules = {one: Each("#items", empty=True) for one in ("usual", "regular", "share")}
STRATEGIES: Mapping[str, Rules] = {
    "item_knn": NEIGHBOURS,
    "rp3beta": NEIGHBOURS,
    "ease": NEIGHBOURS,
    "graph_filter": NEIGHBOURS,
    "als": {"factors": Each("#items"), "learned": Each("#one"), "half_life": Each("#one")},
    "popular": {
        "order": Rows("#items", "#items"),
        "rank": Rows("#items", "#items"),
        "scores": Each("#items"),
        "region_indptr": Ends("#regions", ("region_rows", "region_scores")),
        "region_rows": Rows("#items"),
    },
    "buy_again": {"weights": Each("#items"), **HABITS},
    "look_again": {
        **dict.fromkeys(("acts", "factors"), Each("#types")),
        **{"weights": Each("#items"), "timed": Each("#one")},
    },
    "next_basket": {
        "alike/indptr": Ends("taken/indptr", ("alike/rows", "alike/scores")),
        "alike/rows": Rows("taken/indptr"),
        "takers/indptr": Ends("#items", ("takers/rows", "takers/scores")),
        "takers/rows": Rows("taken/indptr"),
        "taken/indptr": Ends("#users", ("taken/rows", "taken/scores")),
        "taken/rows": Rows("#items"),
        "weights": Each("#items"),
        **HABITS,
    },
    "bought_together": {
        "starts": Ends("#items", ("antecedent_counts", "companions")),
        "companions": Rows("#items", least=UNKNOWN),
        "indptr": Ends("antecedent_counts", ("indices", "counts", "scores")),
        "indices": Rows("#items"),
        "item_counts": Each("#items"),
        "baskets": Each("#one"),
    },
    "image_similar": {
        "indptr": Ends("shown_indptr", ("rows", "scores")),
        "rows": Rows("shown_indptr"),
        "look": Rows("shown_indptr", "#items", UNKNOWN),
        "shown_indptr": Ends("shown_indptr", ("shown",)),
        "shown": Rows("#items"),
    },
    "user_knn": {
        "alike/indptr": Ends("taken/indptr", ("alike/rows", "alike/scores")),
        "alike/rows": Rows("taken/indptr"),
        "takers/indptr": Ends("#items", ("takers/rows", "takers/scores")),
        "takers/rows": Rows("taken/indptr"),
        "taken/indptr": Ends("taken/indptr", ("taken/rows", "taken/scores")),
        "taken/rows": Rows("#items"),
        **{one: Each("#users", empty=True) for one in ("events", "digests", "lengths")},
        "mean": Each("#one", empty=True),
    },
    "content_similar": {
        **NEIGHBOURS,
        "vectors/indptr": Ends("#items", ("vectors/indices", "vectors/data")),
        "vectors/indices": Rows("features/keys"),
    },
    "transaction_similar": {
        **NEIGHBOURS,
        "affinity/indptr": Ends("features/keys", ("affinity/indices", "affinity/scores")),
        "affinity/indices": Rows("features/keys"),
        "values/indptr": Ends("#items", ("values/indices", "values/weights")),
        "values/indices": Rows("features/keys"),
    },
    "decision_tree": {
        **NEIGHBOURS,
        "categories": Sorted(),
        "roots": Rows("parents", "categories"),
        "parents": Rows("parents", least=UNKNOWN),
        "splits": Rows("attributes", "parents", UNKNOWN),
        **dict.fromkeys(("values", "holds", "switches"), Each("parents")),
        **dict.fromkeys(("root_holds", "edges"), Each("categories")),
        "leaf": Rows("parents", "#items", UNKNOWN),
        "sales": Each("#items"),
    },
    "markov": {
        "indptr": Ends("#items+pairs", ("indices", "scores")),
        "indices": Rows("#items"),
        "rest": Each("pairs"),
    },
    "session_knn": {
        "index_indptr": Ends("#items", ("index_visits",)),
        "index_visits": Rows("credit"),
        "indptr": Ends("credit", ("items", "ages")),
        "items": Rows("#items"),
        "favour": Each("#items"),
    },
}
"""What is bounded by what, in every strategy whose parts compiled code follows."""


def check(parts: Parts, manifest: Manifest) -> None:
    """Raises ValueError, or KeyError where a part is not there, naming the first unsound part."""
    sizes = _sizes(parts, manifest)
    if "ids/items" in parts:
        _check_facts(manifest.dataset)
    for name, part in parts.items():
        if not isinstance(part, bytes) and part.dtype.kind == "f" and not name.startswith(UNKNOWABLE):
            _expect(_finite(part), name, "holds what is not finite")
    for prefix, rules in _rules(parts, manifest):
        own = {name.removeprefix(prefix): size for name, size in sizes.items() if name.startswith(prefix)}
        for name, rule in rules.items():
            if isinstance(rule, Each) and rule.empty and prefix + name not in parts:
                continue
            rule.check(prefix + name, parts[prefix + name], {**sizes, **own})


def _check_facts(facts: Mapping[str, Any]) -> None:
    """What the engine takes from the manifest's word alone."""
    kinds: dict[str, tuple[type, ...]] = {
        "timed": (bool,),
        "last_event": (int,),
        "repeat_share": (int, float),
    }
    for name, kind in kinds.items():
        if type(facts[name]) not in kind or not abs(facts[name]) < _FOREVER:
            raise ValueError(f"manifest field dataset.{name} is {facts[name]!r}")
    if (logged := facts.get("logged")) is not None and (
        type(logged) is not int or not 0 <= logged < _FOREVER
    ):
        raise ValueError(f"manifest field dataset.logged is {logged!r}")
    words = facts.get("words", {})
    if type(words) is not dict or not all(isinstance(one, str) for one in words.values()):
        raise ValueError(f"manifest field dataset.words is {words!r}")


def _rules(parts: Parts, manifest: Manifest) -> Iterator[tuple[str, Rules]]:
    if "ids/items" in parts:
        yield "", SHOP
        yield "catalog/", {name: Each("#items") for name in COLUMNS}
    for name in parts:
        folder, _, last = name.rpartition("/")
        if last == "codes":
            owners = "#users" if folder.startswith("people/") else "#items"
            yield f"{folder}/", {"codes": Rows("values", owners, UNKNOWN), "values": Sorted()}
        if last == "words":
            yield f"{folder}/", LABELS
        if name == "catalog/url/offsets":
            yield f"{folder}/", {"offsets": Ends("#items", ("blob",))}
        if folder.startswith("ranker/") and last == "roots":
            yield f"{folder}/", RANKER
    for instance, one in manifest.strategies.items():
        yield f"{instance}/", STRATEGIES.get(one["is"], {})


def _sizes(parts: Parts, manifest: Manifest) -> dict[str, int]:
    sizes = {name: len(part) - name.endswith("indptr") for name, part in parts.items()}
    named = {"#items": "ids/items", "#users": "ids/users", "#regions": "people/region/values"}
    counted = {thing: sizes.get(name, 0) for thing, name in named.items()}
    return {**sizes, **counted, "#types": len(manifest.types), "#one": 1}


def _finite(part: Part) -> bool:
    with np.errstate(invalid="ignore"):
        return bool(np.isfinite(np.sum(part, dtype=np.float64)))


def _expect(holds: Any, name: str, otherwise: str) -> None:
    if not holds:
        raise ValueError(f"part {name} {otherwise.replace('#', '')}")
