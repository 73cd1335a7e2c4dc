"""A recipe: which strategies to fit, on which columns, judged how. TOML in, frozen words out.

    about = "why this kind of shop differs"
    placements = "../placements/grocery.toml"    # beside the recipe file; or tables, [placements.home]
    [columns.events]
    item_id = "sku"                              # contract column = the shop's column
    [columns.event_types]
    tap = "view"                                 # the shop's word = purchase, view, cart, remove or return
    [strategies.trending]
    is = "popular"                               # the strategy; by default the table's own name
    by = "velocity"                              # its hyperparameters; defaults live in the strategy
    [evaluation]
    test_days = 28
    [ranker]
    placements = ["home"]                        # lists that learned trees put in order; none by default
    [profile]
    one_offs = true                              # whether lone trips far from a customer's taste do not count
    [limits]
    memory = "12 GB"                             # training says what it will need, and never takes more

Unknown keys are errors that name the known ones.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from vitrina.dataset import CUTS, TYPES
from vitrina.errors import RecipeError

TAKEN = ("catalog", "history", "ids", "people", "ranker")
"""Where a bundle keeps what is no strategy's: parts of one named so would overwrite those."""

JUDGED, STORED = ("blend", "popular_last_7_days", "random"), "bundle "
"""What an evaluation names the placement itself and what it must beat, and how a stored bundle's name begins:
a strategy named so would be judged as that, or stand in its place."""


@dataclass(frozen=True)
class Plan:
    """One strategy to fit: its name, and the hyperparameters that differ from its defaults."""

    strategy: str
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Holdout:
    """How a fit is judged.

    `test_days`: length of the last window, which is held out. `max_users`: askers evaluated, a
    seeded sample beyond. `probes`: requests stored in the bundle with their answers. `weigh`:
    whether the weights of the placements' sources are searched first, on the window before the
    last one. `gate`: share of NDCG@10 that a new bundle may lose against the current one and
    still be published. `seed`: of every sample drawn. `split`: what is held out, one of `dataset.CUTS`:
    the last days; or where lists are to be good at something else than the days to come, each customer's
    last order, or a tenth by lot, as interaction sets are published. A gate needs the last days.
    """

    test_days: int = 28
    max_users: int = 5000
    probes: int = 12
    weigh: bool = False
    gate: float = 0.02
    seed: int = 7
    split: str = CUTS[0]


OBJECTIVES = ("lambdarank", "binary")
"""What trees may be grown for."""


@dataclass(frozen=True)
class RankerPlan:
    """What is ranked by learned trees, and how they are learned; nothing by default.

    `placements`: their names. `windows`: of `test_days`, one before another, to learn from, all before
    the days to be judged by. `objective`: "lambdarank" learns the order within a list, "binary" the chance
    that a candidate is taken. `trees`, `leaves` of each, `rate` of learning, `least` candidates a leaf.
    """

    placements: tuple[str, ...] = ()
    windows: int = 5
    objective: str = "lambdarank"
    trees: int = 150
    leaves: int = 15
    rate: float = 0.05
    least: int = 50


@dataclass(frozen=True)
class Profile:
    """What of customers' events speaks of them. Gifts never do; `one_offs`: whether lone trips to
    categories of people unlike them do not either (`profiles.set_aside`)."""

    one_offs: bool = True


@dataclass(frozen=True)
class Limits:
    """What training may take. `memory`: of private memory, such as "12 GB"; empty for all there is."""

    memory: str = ""

    @property
    def bytes(self) -> int:
        """The memory in bytes; 0 for all there is."""
        said = _SIZE.fullmatch(self.memory)
        return int(float(said[1]) * UNITS[said[2]]) if said else 0


UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "MiB": 1 << 20, "GiB": 1 << 30}
_SIZE = re.compile(rf"([0-9]+(?:[.][0-9]+)?) ?({'|'.join(UNITS)})")


@dataclass(frozen=True)
class Recipe:
    """What to fit. `text` is the file as it was read; `placements` the path of a placements file, or
    the placements' own tables."""

    about: str
    text: str
    placements: Path | Mapping[str, Any] | None
    strategies: Mapping[str, Plan]
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    evaluation: Holdout = Holdout()
    ranker: RankerPlan = RankerPlan()
    profile: Profile = Profile()
    limits: Limits = Limits()

    @property
    def weighed(self) -> frozenset[str]:
        """The event types that strategies of it give a weight to."""
        weights = (plan.params.get("event_weights") for plan in self.strategies.values())
        return frozenset(name for one in weights if isinstance(one, dict) for name in one)


def read_recipe(file: Path, *, fits: bool = True) -> Recipe:
    """Read a recipe file. Raises RecipeError naming the key, and what is known."""
    try:
        text = file.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as reason:
        raise RecipeError(f"cannot read the recipe {file}: {reason}") from reason
    recipe = parse_recipe(table, text, fits=fits)
    if not isinstance(recipe.placements, Path):
        return recipe
    return Recipe(**{**vars(recipe), "placements": (file.parent / recipe.placements).resolve()})


def parse_recipe(table: dict[str, Any], text: str, *, fits: bool = True) -> Recipe:
    """Check a recipe's tables. `fits`: whether it must fit something, or may say names of columns alone.

    Raises RecipeError.
    """
    _known("recipe", table, {one.name for one in fields(Recipe)} - {"text"})
    strategies = {name: _plan(name, one) for name, one in _tables(table, "strategies").items()}
    if fits and not strategies:
        raise RecipeError("the recipe fits nothing: add a table such as [strategies.item_knn]")
    columns = _tables(table, "columns")
    _known("columns", columns, {"events", "event_types", "items", "users"})
    for name, named in columns.items():
        _texts(f"columns.{name}", named, TYPES if name == "event_types" else ())
    return Recipe(
        about=str(table.get("about", "")),
        text=text,
        placements=_where(table.get("placements")),
        strategies=strategies,
        columns=columns,
        evaluation=_holdout(table.get("evaluation", {})),
        ranker=_ranker(table.get("ranker", {})),
        profile=_profile(_tables(table, "profile")),
        limits=_limits(_tables(table, "limits")),
    )


def _where(placements: Any) -> Path | Mapping[str, Any] | None:
    if placements is None or isinstance(placements, dict):
        return placements
    if not isinstance(placements, str):
        raise RecipeError(f"placements = {placements!r} must be a path, or tables such as [placements.home]")
    return Path(placements)


def _plan(name: str, table: Any) -> Plan:
    if not isinstance(table, dict):
        raise RecipeError(f"[strategies] {name} must be a table: [strategies.{name}]")
    if name in TAKEN or "/" in name:
        raise RecipeError(f"[strategies.{name}] is where a bundle keeps other things; name it otherwise")
    if name in JUDGED or name.startswith(STORED):
        raise RecipeError(f"[strategies.{name}] is named as what it is judged against; name it otherwise")
    params = {key: value for key, value in table.items() if key != "is"}
    return Plan(str(table.get("is", name)), params)


def _holdout(table: dict[str, Any]) -> Holdout:
    kinds = {one.name: type(one.default) for one in fields(Holdout)}
    _known("evaluation", table, set(kinds))
    value: Any
    if table.get("split", CUTS[0]) not in CUTS:
        raise RecipeError(f"[evaluation] split = {table['split']!r} must be one of {', '.join(CUTS)}")
    for key, value in table.items():
        if key == "split":
            continue
        number = isinstance(value, (kinds[key], int)) and isinstance(value, bool) == (kinds[key] is bool)
        least = 1 if key == "max_users" else 0
        if not number or float(value) < least:
            kind = f"{kinds[key].__name__} of {least} or more"
            raise RecipeError(f"[evaluation] {key} = {value!r} must be a {kind}")
    return Holdout(**table)


def _ranker(table: Any) -> RankerPlan:
    if not isinstance(table, dict):
        raise RecipeError('ranker must be a table: [ranker] with placements = ["home"]')
    _known("ranker", table, {one.name for one in fields(RankerPlan)})
    names = table.get("placements", [])
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise RecipeError(f'[ranker] placements = {names!r} must be names, such as ["home"]')
    objective = table.get("objective", RankerPlan.objective)
    if objective not in OBJECTIVES:
        raise RecipeError(f"[ranker] objective = {objective!r} must be {' or '.join(map(repr, OBJECTIVES))}")
    numbers = {key: value for key, value in table.items() if key not in ("placements", "objective")}
    for key, value in numbers.items():
        whole = (int, float) if key == "rate" else int
        if not isinstance(value, whole) or isinstance(value, bool) or not value > 0:
            raise RecipeError(f"[ranker] {key} = {value!r} must be a number above 0")
    if not 2 <= table.get("leaves", 2) <= 32:
        raise RecipeError(f"[ranker] leaves = {table['leaves']} must be from 2 to 32")
    return RankerPlan(**{**table, "placements": tuple(names)})


def _profile(table: dict[str, Any]) -> Profile:
    _known("profile", table, {"one_offs"})
    if not isinstance(table.get("one_offs", True), bool):
        raise RecipeError(f"[profile] one_offs = {table['one_offs']!r} must be true or false")
    return Profile(**table)


def _limits(table: dict[str, Any]) -> Limits:
    _known("limits", table, {"memory"})
    memory = table.get("memory", "")
    if memory != "" and not (isinstance(memory, str) and _SIZE.fullmatch(memory) and Limits(memory).bytes):
        raise RecipeError(
            f'[limits] memory = {memory!r} must be a size such as "12 GB"; units: {", ".join(UNITS)}'
        )
    return Limits(memory)


def _tables(table: dict[str, Any], key: str) -> dict[str, Any]:
    found = table.get(key, {})
    if not isinstance(found, dict):
        raise RecipeError(f"'{key}' must be a table: [{key}.name]")
    return found


def _texts(where: str, table: Any, of: Sequence[str]) -> None:
    if not isinstance(table, dict):
        raise RecipeError(f"'{where}' must be a table: [{where}]")
    for key, value in table.items():
        if not isinstance(value, str) or (of and value not in of):
            kind = f"one of {', '.join(of)}" if of else "the name of a column"
            raise RecipeError(f"[{where}] {key} = {value!r} must be {kind}")


def _known(where: str, table: Mapping[str, Any], keys: set[str]) -> None:
    for key in table:
        if key not in keys:
            raise RecipeError(f"unknown key '{key}' in {where}; known: {', '.join(sorted(keys))}")
