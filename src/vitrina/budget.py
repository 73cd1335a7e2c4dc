"""What training will need of memory: said before it starts, refused where it is too much, never exceeded.

An estimate can be wrong, a limit of the operating system cannot: within a budget the process may not
hold more private memory than the recipe says, whatever asks for it.
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vitrina import strategies
from vitrina.dataset import Dataset
from vitrina.errors import OverBudget
from vitrina.needs import BASE, OWNER, Extent, Need, need_of
from vitrina.ranker import DEPTH, feature_names
from vitrina.ranking import MAX_ASKERS
from vitrina.recipe import Recipe

STATUS = Path("/proc/self/status")
SHOP, PAST = 36, 17
"""Bytes an event: at most while customers' pasts are told apart and grouped, and of these in the end."""
TREES = "ranker"
LIBRARIES = 200 << 20
"""Bytes of an interpreter and its libraries, where the system does not say what is held."""


@dataclass(frozen=True)
class Stage:
    """One stage of a fit: bytes `held` before it, and what it needs itself."""

    name: str
    held: int
    need: Need

    @property
    def peak(self) -> int:
        """Bytes at most at once."""
        return self.held + self.need.working


def foreseen(dataset: Dataset, recipe: Recipe, say: Callable[[str], None]) -> None:
    """Say what training will need at most, stage by stage where the recipe has a limit.

    Raises OverBudget, with the sums, where that is more than the limit.
    """
    limit = recipe.limits.bytes
    stages = plan(Extent.of(dataset), recipe, holding(dataset))
    highest = max(stages, key=lambda one: one.peak)
    if not limit:
        say(f"will need {_told(highest.peak)} of memory at most, for {highest.name}")
        return
    for one in stages:
        say(f"{one.name} will need {_told(one.peak)} at most: {_told(one.held)} held + {one.need.why}")
    if highest.peak > limit:
        own, before = _told(highest.need.working), _told(highest.held)
        raise OverBudget(
            f"training may need {_told(highest.peak)}, and [limits] memory is {recipe.limits.memory}: "
            f"{highest.name} takes {own} ({highest.need.why}) beside {before} held before it; raise memory, "
            f"{_cure(highest.name)}, or give fewer events"
        )


def _cure(stage: str) -> str:
    """What makes a stage smaller."""
    if stage == TREES:
        return "rank fewer placements or windows"
    return f"shorten the lists of {stage} or leave it out"


def plan(extent: Extent, recipe: Recipe, held: int) -> list[Stage]:
    """The stages of a training, `held` bytes being there before each: what is learned goes to disk."""
    owners = OWNER * (extent.items + extent.users)
    shop = Need(
        working=BASE + SHOP * extent.events + owners,
        kept=PAST * extent.events + owners,
        why=f"{SHOP} B x {extent.events:,} events + {OWNER} B x {extent.items + extent.users:,} owners",
    )
    needs = {
        name: need_of(strategies.make(one.strategy, one.params), extent)
        for name, one in recipe.strategies.items()
    }
    stages = {"shop": shop, **needs}
    if recipe.ranker.placements:
        stages[TREES] = _trees(extent, recipe, list(needs.values()))
    return [Stage(name, held, need) for name, need in stages.items()]


def _trees(extent: Extent, recipe: Recipe, needs: Sequence[Need]) -> Need:
    """Candidates of past lists, described: of each ranked placement those of all windows, of one twice while
    its trees grow; before, sources are fitted for a window, which stay in memory."""
    named, plan = len(recipe.ranker.placements), recipe.ranker
    width = 4 * len(feature_names([""] * len(needs))) + 1
    lists = min(plan.windows * MAX_ASKERS, extent.events)
    one = lists * DEPTH * width
    fitted = sum(each.kept for each in needs) + max((each.working for each in needs), default=0)
    why = f"{width} B x {DEPTH} candidates x {lists:,} lists x {named} placements + {fitted:,} B of sources"
    return Need(BASE + named * one + max(one + one // 4, fitted), 0, why)


def holding(dataset: Dataset) -> int:
    """Bytes of private memory that this process holds now, a dataset among it."""
    known = _status().get("RssAnon")
    if known is not None:
        return known
    return LIBRARIES + sum(int(one.nbytes) for one in vars(dataset.events).values())


@contextmanager
def within(limit: int) -> Iterator[None]:
    """Hold private memory to `limit` bytes; 0 is no limit. Raises OverBudget where that does not do.

    What is reserved before without being held, as by stacks of threads and allocators, does not count.
    """
    if not limit:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    status = _status()
    most = limit + max(0, status.get("VmData", 0) - status.get("RssAnon", 0))
    wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))
    try:
        yield
    except (MemoryError, RuntimeError) as reason:
        if not isinstance(reason, MemoryError) and "start new thread" not in str(reason):
            raise
        told = str(reason).rstrip(".") or "out of memory"
        raise OverBudget(
            f"training reached the [limits] memory of {_told(limit)} ({told}); raise memory, shorten lists, "
            "or give fewer events"
        ) from reason
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _status() -> dict[str, int]:
    """Bytes by the names of lines that the system says of this process; nothing where it says none."""
    lines = STATUS.read_text().splitlines() if STATUS.exists() else []
    told = (line.split() for line in lines if line.endswith(" kB"))
    return {name.rstrip(":"): int(size) << 10 for name, size, _ in told}


def _told(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 10**9 else f"{size / 1e6:.0f} MB"
