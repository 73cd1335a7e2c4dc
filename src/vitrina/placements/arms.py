"""Arms: the same placement in several ways, each asker always seeing the same one.

[home.experiment]
name = "diversity-1"
[home.experiment.arms.varied]
share = 0.5                # of all askers; who falls to no arm sees the placement as it is written
diversity = "high"         # and any other key of a placement
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from vitrina.chance import stream, unit
from vitrina.placements import values

if TYPE_CHECKING:
    from vitrina.placements.placement import Placement

AS_WRITTEN = "as_written"
"""The arm of those who fall to no other."""


@dataclass(frozen=True)
class Arm:
    """One way of a placement. `share`: of all askers, 0 to 1; `placement`: None for as it is written."""

    name: str
    share: float
    placement: Placement | None = None


@dataclass(frozen=True)
class Experiment:
    """The arms of a placement; their shares add up to 1."""

    name: str
    arms: tuple[Arm, ...]

    def arm(self, placement: str, asker: str) -> Arm | None:
        """The arm of an asker, the same on every day and worker; None for one who has no id.

        It follows from the names of placement and experiment and the asker's id alone, so that another
        experiment deals askers anew.
        """
        if not asker:
            return None
        place = unit(next(stream("arm", placement, self.name, asker)))
        for one in self.arms:
            place -= one.share
            if place < 0:
                return one
        return self.arms[-1]


class Planned(NamedTuple):
    """An arm as it is written: what it overrides is not yet checked."""

    name: str
    share: float
    overrides: Mapping[str, Any]


class Plan(NamedTuple):
    """An experiment as it is written."""

    name: str
    arms: tuple[Planned, ...]

    @property
    def rest(self) -> float:
        """The share of askers that no arm takes."""
        return 1 - sum(one.share for one in self.arms)


def plan(value: Any, key: str) -> Plan:
    """From a table of name and arms. Raises ValueError naming the key."""
    given = values.table(value, key, ("name", "arms"))
    name = values.text(given.get("name", ""), f"{key}.name")
    if not name:
        raise ValueError(f"{key} needs a name: it is what deals askers to arms")
    arms = given.get("arms")
    if not isinstance(arms, Mapping) or not arms:
        raise ValueError(f"{key} needs arms: a table of shares and what each overrides")
    found = Plan(name, tuple(_planned(one, inner, f"{key}.arms.{one}") for one, inner in arms.items()))
    if found.rest < -1e-9:
        raise ValueError(f"{key}: shares of arms add up to {1 - found.rest:g}, above 1")
    return found


def _planned(name: str, value: Any, key: str) -> Planned:
    if name == AS_WRITTEN:
        raise ValueError(f"{key} is the name of what no arm takes; name it otherwise")
    if not isinstance(value, Mapping) or "share" not in value:
        raise ValueError(f"{key} needs a share, such as 0.5")
    share = values.number(value["share"], f"{key}.share", 0, 1)
    overrides = {word: one for word, one in value.items() if word != "share"}
    if "experiment" in overrides:
        raise ValueError(f"{key} cannot hold an experiment of its own")
    return Planned(name, share, overrides)
