"""What a bundle says of a shop beside its catalogue: customers, event types, how its shoppers choose."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from vitrina.bundle import Bundle
from vitrina.catalog import Attribute
from vitrina.trees import Forest, known, relax_order


def _unknown(path: str) -> Sequence[str]:
    return ()


@dataclass(frozen=True)
class Shop:
    """What rules know beside the catalogue: event `types`, attributes of `people` by user row, whether event
    times are times (`timed`; where not, all that was bought counts as bought just now), and the order in
    which a category's shoppers give up attributes, the first to give up first, empty where it is unknown.
    `words`: the shop's own that stand for one of its types."""

    types: tuple[str, ...]
    people: Mapping[str, Attribute]
    timed: bool
    relaxing: Callable[[str], Sequence[str]] = _unknown
    words: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_bundle(cls, opened: Bundle) -> Shop:
        """What an opened or just fitted bundle says."""
        types, facts = tuple(opened.manifest.types), opened.manifest.dataset
        timed, words = bool(facts["timed"]), dict(facts.get("words", {}))
        return cls(types, _people(opened), timed, _relaxing(opened), words)


def _people(opened: Bundle) -> dict[str, Attribute]:
    """What the bundle knows of customers, by name."""
    parts = opened.under("people")
    names = sorted({name.rsplit("/", 1)[0] for name in parts})
    return {one: Attribute.of_columns(parts, one) for one in names}  # type: ignore[arg-type]


def _relaxing(opened: Bundle) -> Callable[[str], Sequence[str]]:
    """The order in which a category's shoppers give up attributes, by the bundle's decision trees."""
    trees = [name for name, one in opened.manifest.strategies.items() if one["is"] == "decision_tree"]
    if not trees:
        return _unknown
    forest = Forest.of_parts(opened.under(trees[0]))

    paths = frozenset(known(forest))

    def order(path: str) -> Sequence[str]:
        steps = path.split(" > ")
        stems = (" > ".join(steps[:n]) for n in range(len(steps), 0, -1))
        nearest = next((one for one in stems if one in paths), "")
        return tuple(relax_order(forest, nearest)) if nearest else ()

    return lru_cache(maxsize=1024)(order)
