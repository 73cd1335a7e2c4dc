"""Cutting a shop's past in two: what is learned from, and what came after.

With times the cut is one moment for everybody, as it is on the day a bundle is published, unless a recipe
says otherwise or a published split was made otherwise (`Dataset.held_out`). Without
them each customer's last order is held out; what others did later is then learned from, so such
figures flatter, and the split's rule says so. Where rows do not even stand in an order of time
(see `sequence`), a tenth of each customer's orders is drawn by lot, as interaction sets are published.
So it is where rows say nothing but who took what, whatever their order: such sets are asked for what was left
out, and lists chosen to foretell the next row are no good at that, nor those chosen by lot at the other.
Orders, sessions, times or a count of each one's rows say that what comes next is wanted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vitrina.dataset import DAY, INDIFFERENT, Dataset, Events
from vitrina.errors import DataError
from vitrina.ids import Rows
from vitrina.kernels.distinct import among, distinct
from vitrina.sequence import in_order

SHARE = 5
"""At most one fifth of the time span, and of anonymous visits without times, is held out."""
LOTS = 10
"""Each customer's orders that stand in no order of time are dealt into so many lots, and one is held out:
what is left is nearly as dense as what will be trained on."""
_SEED = 7


@dataclass(frozen=True)
class Split:
    """One shop, the same ids and catalogue on both sides of the cut; of a published split `test` may know
    more of both, all of it behind what `train` has.

    `now`: the moment at which `train` is all that is known. `rule`: how the cut was chosen.
    `wanted`: the event types that a list should foretell. `lot`: which lot is held out, -1 where it is the
    last days or orders. `caution`: why figures on it may flatter, '' where nothing speaks for that.
    `published`: whether both sides came as they are, and nothing was cut.
    """

    train: Dataset
    test: Dataset
    now: int
    rule: str
    wanted: tuple[str, ...]
    lot: int = -1
    caution: str = ""
    published: bool = False

    @property
    def in_time(self) -> bool:
        """Whether all that is held out is later than all that is learned from."""
        timed = self.train.timed and self.test.timed
        return timed and int(self.test.events.time.min(initial=self.now)) >= self.now

    @property
    def of_one_moment(self) -> bool:
        """Whether there are times, and all are one: what is held out could as well have been learned from."""
        return self.train.timed and not self.in_time and self.train.held_out == "time"


def split(
    dataset: Dataset, test_days: int, at: int | None = None, *, lot: int = 0, tenth: bool = False
) -> Split:
    """Cut so that the last `test_days`, or a fifth of the time span if that is shorter, are held out.

    `at`: the moment taken for today, in seconds; later events are not looked at. `lot`: which is held out
    where orders are dealt into lots. `tenth`: whether of customers without times, whose last order is a
    single event, the last tenth is, one at least: to choose by, one of many says little. Raises DataError
    where one side would be empty.
    """
    known = up_to(dataset, at)
    if not len(known.events):
        raise DataError("there is no event to evaluate on; give an events file")
    first, end = int(known.events.time[0]), known.end + 1 if at is None else at
    found = (
        _at_moment(known, first, end, test_days)
        if known.timed and known.end > first and known.held_out == "time"
        else _last_out(known, lot, tenth=tenth)
    )
    for side, events in (("learn from", found.train.events), ("evaluate on", found.test.events)):
        if not len(events):
            raise DataError(
                f"nothing is left to {side} ({found.rule}); more history, or other test_days, is needed"
            )
    return found


def bare(dataset: Dataset) -> bool:
    """Whether all that customers' events tell is who took what: no times, no count, no visits, one type."""
    one = len(distinct(dataset.events.type)) == 1
    return not (dataset.timed or dataset.counted) and one and _single(dataset)


def ordered(dataset: Dataset) -> bool:
    """Whether each customer's events stand in an order of time, as far as is told or can be told."""
    return dataset.counted or (not bare(dataset) and in_order(dataset))


def _single(dataset: Dataset) -> bool:
    """Whether there are customers, and no event of theirs is of a visit."""
    known = dataset.events.user >= 0
    return bool(known.any() and (dataset.events.visit[known] < 0).all())


def up_to(dataset: Dataset, at: int | None) -> Dataset:
    """What had happened by a moment, in seconds; all where there is none. Raises DataError if nothing had."""
    known = dataset if at is None else dataset.before(at)
    if at is not None and len(dataset.events) and not len(known.events):
        then, begin = (str(np.datetime64(one, "s")) for one in (at, int(dataset.events.time[0])))
        raise DataError(f"nothing had happened by {then}, the data begin at {begin}; give a later --at")
    return known


def another(dataset: Dataset, cut: Split, test_days: int) -> Split:
    """One more cut of a dataset, to choose by, beside one there is: the window before, or the next lot.

    Raises DataError.
    """
    if cut.lot < 0:
        return split(cut.train, test_days, tenth=True)
    return split(dataset, test_days, lot=cut.lot + 1, tenth=True)


def wanted_types(dataset: Dataset) -> tuple[str, ...]:
    """What a list should foretell: purchases; in a shop that has none, whatever was looked at or taken."""
    happened = {dataset.types[one] for one in distinct(dataset.events.type)}
    liked = [name for name in dataset.types if name in happened.difference(INDIFFERENT)]
    return ("purchase",) if "purchase" in happened else tuple(liked)


def of_types(dataset: Dataset, names: tuple[str, ...]) -> NDArray[np.bool_]:
    """bool per event: whether its type is one of these."""
    chosen: NDArray[np.bool_] = dataset.type_weights(dict.fromkeys(names, 1.0)) > 0
    return chosen[dataset.events.type]


def _at_moment(dataset: Dataset, first: int, end: int, test_days: int) -> Split:
    fifth = (end - first) // SHARE
    whole = fifth - fifth % DAY if fifth >= DAY else fifth
    window = min(test_days * DAY, whole)
    moment = end - window
    many = f"{window / DAY:g} days are" if window >= DAY else f"{window / 3600:.1f} hours are"
    last = "day is" if window == DAY else many
    why = "" if window == test_days * DAY else f": a fifth of the time span, {test_days} days being more"
    rule = f"the last {last} held out{why}"
    return Split(dataset.before(moment), dataset.since(moment), moment, rule, wanted_types(dataset))


def _last_out(dataset: Dataset, lot: int, *, tenth: bool) -> Split:
    events, pairs, single = dataset.events, bare(dataset), _single(dataset)
    in_rows = ordered(dataset) if dataset.held_out == "time" else dataset.held_out == "last"
    many = LOTS if tenth else len(events) + 1
    held = (_last_order(dataset, many) if in_rows else _by_lot(dataset, lot)) | _last_visits(dataset, lot)
    last = (
        "the last tenth of each customer's events" if tenth and single else "the last order of each customer"
    )
    rows = pairs or (dataset.dayed and dataset.timed)
    orders = last if in_rows else f"a tenth of each customer's {'events' if rows else 'orders'}, by lot,"
    whose = [orders] * bool(len(dataset.users))
    whose += ["the last fifth of anonymous visits"] * bool((events.user < 0).any())
    no_order = "who took what is all that is told" if pairs else "rows stand in no order of time"
    why = "what others did later is learned from" if in_rows else no_order
    untold = "as all times are one," if dataset.timed else "without times"
    rule = f"{untold} {' and '.join(whose)} is held out; {why}"
    if dataset.held_out != "time":
        later = "others did later" if in_rows else "was done later"
        rule = f"{' and '.join(whose)} is held out, whatever the times; what {later} is learned from"
    train, test = (replace(dataset, events=events.take(side)) for side in (~held, held))
    return Split(train, test, dataset.end + 1, rule, wanted_types(dataset), -1 if in_rows else lot)


def _last_order(dataset: Dataset, many: int) -> NDArray[np.bool_]:
    """Each customer's last visit with something wanted, and all after it. Where that is a single event of no
    visit, the last one of each so `many` of such events, one at least.

    Customers of whom nothing would be left are kept whole. Strangers (-1) fall into a last slot.
    """
    events, places = dataset.events, np.arange(len(dataset.events))
    n_slots = len(dataset.users) + 1
    known = events.user >= 0
    chosen = np.flatnonzero(known & of_types(dataset, wanted_types(dataset)))
    last = _last_places(events, chosen, n_slots, many)
    of_last = known & (events.visit >= 0) & (events.visit == events.visit[last[events.user]])
    start = last.copy()
    np.minimum.at(start, events.user[of_last], places[of_last])
    first = _first_places(events.user, places, n_slots)
    held: NDArray[np.bool_] = known & ((last >= 0) & (first < start))[events.user]
    return held & (places >= start[events.user])


def _last_places(events: Events, chosen: NDArray[np.int64], n_slots: int, many: int) -> NDArray[np.int64]:
    """int64 per user slot: the place of the last of the `chosen` events, -1 without any; where that is of no
    visit, of the first of those to be held out."""
    last = np.full(n_slots, -1, np.int64)
    np.maximum.at(last, events.user[chosen], chosen)
    alone = chosen[(events.visit[chosen] < 0) & (events.visit[last[events.user[chosen]]] < 0)]
    order = np.argsort(events.user[alone], kind="stable")
    sizes = np.bincount(events.user[alone], minlength=n_slots)
    first = np.cumsum(sizes) - np.maximum(sizes // many, 1)
    some = sizes > 0
    last[some] = alone[order][first[some]]
    return last


def _by_lot(dataset: Dataset, lot: int) -> NDArray[np.bool_]:
    """One lot of each customer's visits with something wanted (without visits that were told: events): one at
    least, while others are left."""
    events = dataset.events
    chosen = np.flatnonzero((events.user >= 0) & of_types(dataset, wanted_types(dataset)))
    n_visits = int(events.visit.max(initial=-1)) + 1
    whole = (events.visit >= 0) & (not dataset.dayed)
    unit = np.where(whole, events.visit, n_visits + np.arange(len(events)))
    units, first = np.unique(unit[chosen], return_index=True)
    user = events.user[chosen][first].astype(np.int64)
    order = np.lexsort((np.random.default_rng(_SEED).random(len(units)), user))
    sizes = np.bincount(user, minlength=len(dataset.users))
    place = np.arange(len(order)) - (np.cumsum(sizes) - sizes)[user[order]]
    many = np.maximum(sizes // LOTS, 1)[user[order]]
    drawn = (place // many == lot) & (sizes[user[order]] > many)
    held: NDArray[np.bool_] = (events.user >= 0) & among(unit, np.sort(units[order[drawn]]))
    return held


def _last_visits(dataset: Dataset, lot: int) -> NDArray[np.bool_]:
    """All events of the last fifth of anonymous visits, in the order in which they began; for the next lot
    of the fifth before, and so on, until there is none."""
    events = dataset.events
    anonymous = (events.user < 0) & (events.visit >= 0)
    n_slots = int(events.visit.max(initial=-1)) + 2
    first = _first_places(events.visit[anonymous], np.flatnonzero(anonymous), n_slots)
    begun = np.flatnonzero(first < len(events))
    late = np.zeros(n_slots, np.bool_)
    fifth = len(begun) // SHARE
    low, high = (max(len(begun) - lots * fifth, 0) for lots in (lot + 1, lot))
    late[begun[np.argsort(first[begun])][low:high]] = True
    return anonymous & late[events.visit]


def _first_places(keys: Rows, places: NDArray[np.int64], n_slots: int) -> NDArray[np.int64]:
    first = np.full(n_slots, np.iinfo(np.int64).max)
    np.minimum.at(first, keys, places)
    return first
