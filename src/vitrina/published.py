"""A published split: what is learned from came in one folder, what is asked about in another, or in a file.

Nothing is cut. What is learned from stays as it was read, so that nothing that is asked about reaches its
ids, its counts or its weights: ids that are there alone get rows behind all others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import DAY, PURCHASE, TYPES, Dataset, Events, as_known
from vitrina.errors import DataError
from vitrina.ids import UNKNOWN, GrownIds, Ids, Rows
from vitrina.kernels.distinct import among, distinct
from vitrina.readers import read
from vitrina.readers.rows import Say
from vitrina.readers.tables import find, find_events
from vitrina.recipe import Recipe
from vitrina.splicing import grown
from vitrina.splits import Split, wanted_types

LONG = 3
"""Items of a visit that two visitors hardly take in the same order by chance."""
MOSTLY = 0.5
"""Share of what is asked of known customers that tells how it was held out."""
MANY = 0.5
"""Share of such visits that both sides hold from which on it is no chance."""
_SEED = 7


def published(train: Dataset, data: Path, test: Path, recipe: Recipe, say: Say) -> Split:
    """The split of `train`, which was read from `data`, and of the events in `test`: a folder, or a file.

    All that is in `test` is asked at the moment after the last event of `train`. Raises DataError where it
    holds no event of an item that `train` knows, or nothing but what `train` holds too.
    """
    _apart(data, test)
    aliases = {table: names for table, names in recipe.columns.items() if table.startswith("event")}
    # Its words for types are told apart by what `train` takes them for, not by themselves.
    held = read(test, aliases=aliases, say=say, only=("events",), weighed=None)
    return given(train, held.dataset, str(test), typed=held.report.has("events", "event_type"))


def given(train: Dataset, held: Dataset, name: str, *, typed: bool = True) -> Split:
    """The split of two datasets that were read apart. `name`: of the second, in words; `typed`: whether its
    types of events were told, else they are what lists foretell in the first. Raises DataError."""
    if not len(train.events):
        raise DataError(f"there is no event to learn from beside {name}; give an events file in --data")
    if not len(held.events):
        raise DataError(f"{name} holds no event to ask about; give a folder or a file with events")
    test = _behind(train, held, typed=typed)
    strange = test.events.item >= len(train.items)
    if strange.all():
        raise DataError(
            f"none of the {len(distinct(test.events.item)):,} items of {name} is in --data, such as "
            f"{test.items.name(int(test.events.item[0]))!r}: nobody can find them; both must name items alike"
        )
    drawn = _drawn(train, test)
    caution = ". ".join(_cautions(train, test, name, drawn))
    train = train if drawn == train.held_out else replace(train, held_out=drawn)
    rule = f"{name} is asked whole, nothing is cut{_unknown(train, test)}"
    return Split(train, test, train.end + 1, rule, wanted_types(test), caution=caution, published=True)


def _apart(data: Path, test: Path) -> None:
    """Raise DataError where a file of `test` is among those that are learned from."""
    learned = {one.resolve() for one in find(data).files.get("events", ())}
    for one in find_events(test).files["events"]:
        if one.resolve() in learned:
            raise DataError(
                f"{one} is learned from too: every file of {data} whose name begins with 'events' is; "
                "keep what is asked in a folder of its own, or under another name"
            )


def _behind(train: Dataset, held: Dataset, *, typed: bool) -> Dataset:
    """What is asked, over the rows of `train`: what `train` does not know has rows behind its own."""
    users, user = _joined(train.users, held.users)
    items, item = _joined(train.items, held.items)
    events = held.events
    first_visit = int(train.events.visit.max(initial=UNKNOWN)) + 1
    visit = np.where(events.visit >= 0, events.visit + np.int32(first_visit), np.int32(UNKNOWN))
    types, kind = _kinds(train, held, typed=typed)
    time = events.time if held.timed else train.end + 1 + np.arange(len(events), dtype=np.int64)
    columns = replace(
        events,
        user=np.append(user, np.int32(UNKNOWN))[events.user],
        item=item[events.item],
        visit=visit.astype(np.int32),
        time=time,
        type=kind[events.type],
    )
    catalog = grown(train.catalog, len(items) - len(train.items))
    return replace(held, users=users, items=items, events=columns, catalog=catalog, types=types, words={})


def _joined(known: Ids, held: Ids) -> tuple[Ids, Rows]:
    """Ids with those of `held` that are new behind them; int32 per id of `held`: its row there."""
    names = held.names(np.arange(len(held), dtype=np.int32))
    rows = known.rows(names)
    fresh = np.flatnonzero(rows < 0)
    if not len(fresh):
        return known, rows
    rows[fresh] = np.arange(len(known), len(known) + len(fresh), dtype=np.int32)
    return GrownIds.after(known, [names[one] for one in fresh.tolist()]), rows


def _kinds(train: Dataset, held: Dataset, *, typed: bool) -> tuple[tuple[str, ...], NDArray[np.uint8]]:
    """Types of events as `train` calls them, behind those what is new; uint8: which each of `held` is."""
    usual = TYPES[PURCHASE] if typed else next(iter(wanted_types(train)), TYPES[PURCHASE])
    called = [
        usual if one == TYPES[PURCHASE] else as_known(one, train.types, train.words) for one in held.types
    ]
    types = tuple(dict.fromkeys((*train.types, *called)))
    return types, np.array([types.index(one) for one in called], np.uint8)


def _unknown(train: Dataset, test: Dataset) -> str:
    """How much of what is asked nothing was learned of."""
    events = test.events
    strange = events.item[events.item >= len(train.items)]
    cold = len(distinct(events.user[events.user >= len(train.users)]))
    words = ""
    if len(strange):
        share = f"{len(distinct(strange)):,} of its items ({len(strange):,} of its {len(events):,} events)"
        words += f"; {share} are not in --data: nobody can find them"
    if cold:
        words += f"; {cold:,} of its {len(distinct(events.user[events.user >= 0])):,} customers are not: cold"
    return words


def _drawn(train: Dataset, test: Dataset) -> str:
    """How what is asked seems to have been held out, one of `CUTS`: by lot where most of it is before the
    last that the same customers did; where it is later than that, and not than all, each one's last."""
    if not (train.timed and test.timed) or train.held_out != "time":
        return train.held_out
    last = np.full(max(len(train.users), len(test.users)) + 1, np.iinfo(np.int64).min)
    np.maximum.at(last, train.events.user, train.events.time)
    asked = test.events.take((test.events.user >= 0) & (test.events.user < len(train.users)))
    if not len(asked) or (asked.time > train.end).mean() > MOSTLY:
        return "time"
    before, after = (asked.time < last[asked.user]).sum(), (asked.time > last[asked.user]).sum()
    return "lot" if before > MOSTLY * (before + after) else "last"


def _cautions(train: Dataset, test: Dataset, name: str, drawn: str) -> Iterator[str]:
    """Why figures may flatter. `drawn`: as of `_drawn`.

    Raises DataError where all that is asked was learned from.
    """
    n = len(test.events)
    timed = train.timed and test.timed
    if timed:
        yield from _not_in_time(train, test, name, drawn)
    known, again = _told_apart(train, test, timed=timed)
    both = among(again, np.sort(known))
    # Without times somebody may have taken a thing again, unless nobody ever does.
    if both.any() and (timed or len(distinct(known)) == len(known)):
        if both.all() and len(both) == n:
            raise DataError(
                f"all that {name} holds is in --data too, so nothing would be foretold: take it out of --data"
            )
        yield f"{int(both.sum()):,} of {n:,} events of {name} are in --data too, and were learned from"
    if _lone_steps(test.events):
        yield (
            f"each visit of nobody in {name} is a single event, before which nothing is known, as ids of "
            "visits are not compared; where visits go on that began in --data, call them user_id in both"
        )
    same, told = _visits_again(train, test)
    if same > MANY * told:
        yield (
            f"{same:,} of the {told:,} visits of nobody in {name} that hold {LONG} items or more are in "
            "--data item by item, and were learned from: take them out of it"
        )


def _not_in_time(train: Dataset, test: Dataset, name: str, drawn: str) -> Iterator[str]:
    """That what is asked is no later than what is learned from, and how a recipe is chosen for it."""
    early = int((test.events.time <= train.end).sum())
    advice = f"; a recipe for it is tuned with [evaluation] split = {drawn!r}"
    if early:
        yield (
            f"{early:,} of {len(test.events):,} events of {name} are no later than the last that is learned "
            f"from ({np.datetime64(train.end, 's')}): the split is not in time, and what others did later is "
            f"learned from{advice if drawn != train.held_out else ''}"
        )


def _told_apart(train: Dataset, test: Dataset, *, timed: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """int64 per event on either side, equal for the same who, what, how and, with times, when. Of strangers
    who took the same on one day nobody knows whether they are the same: where no times are finer, only
    their visits are compared, `_visits_again`.
    """
    width, sides = len(test.items), []
    fine = timed and bool((test.events.time % DAY).any())
    for events in (train.events, test.events):
        known = events if fine else events.take(events.user >= 0)
        pairs = (known.user.astype(np.int64) + 1) * width + known.item
        sides.append((pairs * (1 << 8) + known.type, known.time - train.events.time[0]))
    if not timed or not all(len(moment) for _, moment in sides):
        return sides[0][0], sides[1][0]
    first = int(min(moment.min() for _, moment in sides))
    span = int(max(moment.max() for _, moment in sides)) - first + 1
    _, codes = np.unique(np.concatenate([pair for pair, _ in sides]), return_inverse=True)
    every = codes * span + np.concatenate([moment for _, moment in sides]) - first
    n = len(sides[0][1])
    return every[:n], every[n:]


def _lone_steps(events: Events) -> bool:
    """Whether nobody is known, and no two events are of one visit."""
    visits = events.visit[events.visit >= 0]
    return bool(len(visits)) and bool((events.user < 0).all()) and len(distinct(visits)) == len(visits)


def _visits_again(train: Dataset, test: Dataset) -> tuple[int, int]:
    """Of the visits of nobody in `test` that hold LONG items or more, how many are in `train` too, the same
    items in the same order; and how many there are."""
    learned, asked = (_signs(one.events, len(test.items)) for one in (train, test))
    return int(among(asked, np.sort(learned)).sum()), len(asked)


def _signs(events: Events, n_items: int) -> NDArray[np.uint64]:
    """uint64 for each visit of nobody of LONG items or more: a number drawn by its items in order."""
    mine = events.take((events.user < 0) & (events.visit >= 0))
    order = np.argsort(mine.visit, kind="stable")
    visits, starts, sizes = np.unique(mine.visit[order], return_index=True, return_counts=True)
    if not len(visits):
        return np.zeros(0, np.uint64)
    place = np.arange(len(order)) - np.repeat(starts, sizes)
    drawn = np.random.default_rng(_SEED).integers(
        1 << 63, size=(2, max(n_items, int(sizes.max()))), dtype=np.uint64
    )
    signs = drawn[0][mine.item[order]] * (drawn[1][place] | np.uint64(1))
    return np.add.reduceat(signs, starts)[sizes >= LONG]
