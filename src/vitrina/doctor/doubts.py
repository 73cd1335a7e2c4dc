"""What in the data looks wrong, and what to do about it. Doubts, not errors: the shop knows better."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vitrina.dataset import DAY, PURCHASE, Dataset
from vitrina.doctor.facts import Facts
from vitrina.doctor.learning import FEW_EVENTS, FEW_LEARNERS
from vitrina.doctor.verdicts import many
from vitrina.ids import Ids
from vitrina.kernels.distinct import distinct, distinct_pairs
from vitrina.readers import MAX_REJECTED, Report
from vitrina.readers.checks import replaced
from vitrina.readers.kinds import OF_SALES
from vitrina.sequence import in_order, sorted_visits
from vitrina.splits import bare, ordered

LOST = 0.001
MANY_USERS = 20
CROWD_SHARE = 0.05
CROWD_TIMES_MEDIAN = 50
BOT_ITEMS = 50
BOT_TIMES_P99 = 3
BOT_SHARE = 0.01
BOT_DAY = 1_000
SHORT_DAYS = 28
STRANGE_ITEMS = 0.05
EVERYWHERE = 0.4
RETURNED = 0.3


def doubts(dataset: Dataset, facts: Facts, report: Report) -> tuple[str, ...]:
    """One sentence for each thing that looks wrong."""
    found = (
        _read,
        _rejected,
        _too_few,
        _types,
        _crowds,
        _robots,
        _calendar,
        _shuffled,
        _strangers,
        _not_products,
    )
    return tuple(said for doubt in found for said in doubt(dataset, facts, report))


def _read(dataset: Dataset, facts: Facts, report: Report) -> Iterator[str]:
    """What the readers doubt themselves."""
    yield from report.doubts


def _rejected(dataset: Dataset, facts: Facts, report: Report) -> Iterator[str]:
    """Rows that were turned away: something may be missing from every list."""
    for one in report.tables:
        lost = sum(some.rows for some in one.rejected if some.reason != replaced(one.table))
        share = lost / max(one.rows, 1)
        if share > LOST:
            yield (
                f"{share:.1%} of the rows of {one.table}.* were rejected, for the reasons above: what they "
                f"tell is missing, and above {MAX_REJECTED:.0%} nothing is trained"
            )


def _too_few(dataset: Dataset, facts: Facts, report: Report) -> Iterator[str]:
    """Floors under which Amazon Personalize refuses to train; lists are then mostly chance."""
    if facts.events and facts.events < FEW_EVENTS:
        few = many(facts.events, "event is", "events are")
        yield f"{few} few: under {FEW_EVENTS:,} lists are mostly chance; send a longer period"
    if facts.events and facts.learners < FEW_LEARNERS:
        only = many(facts.learners, "customer or visit", "customers or visits")
        who = f"only {only}" if facts.learners else "no customer and no visit"
        yield f"{who} touched two items: under {FEW_LEARNERS} there is little to learn from"


def _types(dataset: Dataset, facts: Facts, report: Report) -> Iterator[str]:
    """Events that may not be what they are taken for."""
    bought, back = facts.types.get("purchase", 0), facts.types.get("return", 0)
    came = {name for name in OF_SALES if report.has("events", name)}
    if facts.events and not bought:
        yield f"there is no purchase among the events, only {', '.join(facts.types)}"
    if back > RETURNED * bought:
        returns = f"{many(back, 'return', 'returns')} on {many(bought, 'purchase', 'purchases')}"
        yield f"{returns}: is the sign of quantity what it seems?"
    if facts.events and report.has("events", "session_id") and not came:
        yield (
            "events have sessions, and neither event_type nor order_id, quantity or price: if they are "
            "clicks, say so in a column event_type, 'view' in every row; now each is taken as a purchase"
        )


def _crowds(dataset: Dataset, facts: Facts, report: Report) -> Iterator[str]:
    """One id that stands for everybody who did not sign in."""
    counts = np.bincount(dataset.events.user[dataset.events.user >= 0], minlength=len(dataset.users))
    active = counts[counts > 0]
    if len(active) < MANY_USERS:
        return
    for row in np.argsort(-counts, kind="stable")[:3]:
        share = counts[row] / facts.events
        if share >= CROWD_SHARE and counts[row] >= CROWD_TIMES_MEDIAN * np.median(active):
            yield (
                f"user {_name(dataset.users, row)} has {share:.0%} of all events: if that is one id for "
                "all anonymous visitors, leave their user_id empty and give a session_id"
            )


def _robots(dataset: Dataset, facts: Facts, report: Report) -> Iterator[str]:
    """Visitors who look at more than people do."""
    events = dataset.events
    seen = events.visit >= 0
    visits, _ = distinct_pairs(events.visit[seen], events.item[seen])
    sizes = np.bincount(visits)
    sizes = sizes[sizes > 0]
    limit = max(BOT_ITEMS, BOT_TIMES_P99 * float(np.quantile(sizes, 0.99))) if len(sizes) else 0
    robots = sizes[sizes >= limit]
    if robots.sum() > BOT_SHARE * len(visits) and len(sizes) >= MANY_USERS:
        yield (
            f"{many(len(robots), 'visit holds', 'visits hold')} {limit:.0f} different items or more, "
            f"the largest {sizes.max():,}: robots, resellers or tests? Leave them out of the export"
        )
    actors = dataset.actors.astype(np.int64)
    if dataset.timed and len(events):
        known = actors >= 0
        days, busy = np.unique(actors[known] * 100_000 + events.time[known] // DAY, return_counts=True)
        if hasty := len(distinct(days[busy > BOT_DAY] // 100_000)):
            yield (
                f"{many(hasty, 'customer or visit has', 'customers or visits have')} over {BOT_DAY:,} "
                "events in one day: robots? Leave them out of the export"
            )


def _calendar(dataset: Dataset, facts: Facts, report: Report) -> Iterator[str]:
    """Too short a time, or times without a clock."""
    if not dataset.timed or not facts.events:
        return
    if facts.days < 1:
        yield "all events are of one day: there is no earlier and later to learn from; send weeks or a year"
    elif facts.days < SHORT_DAYS:
        yield f"the events span {facts.days:.0f} days: trends, seasons and repeat purchases need months"
    midnight = float((dataset.events.time % DAY == 0).mean())
    if midnight > 0.99 and facts.days >= 1:
        yield "timestamps are days without a time: within a day, the order of the rows is the order of events"


def _shuffled(dataset: Dataset, facts: Facts, report: Report) -> Iterator[str]:
    """Rows without times that stand in no order either, or may."""
    if dataset.held_out != "time":
        return
    if bare(dataset):
        order = ", though they seem to stand in the order of time" if in_order(dataset, unsure=False) else ""
        yield (
            f"rows tell who took what and nothing else{order}: lists are chosen and judged by a tenth of "
            "each customer's, left out by lot; where what comes next is wanted, send timestamps, or a "
            "position that counts each one's rows"
        )
    elif sorted_visits(dataset):
        yield (
            "the rows of visits are sorted by item: what follows what would be learned of the sorting; send "
            "them in the order in which things were done, or call the column order_id where they are baskets"
        )
    elif not dataset.timed and facts.events and not ordered(dataset):
        yield (
            "there is no timestamp, and rows do not seem to stand in the order in which things happened: "
            "what follows what cannot be learned, and an evaluation holds out a tenth of the orders by lot"
        )


def _strangers(dataset: Dataset, facts: Facts, report: Report) -> Iterator[str]:
    """Events and catalogue that do not speak of the same ids."""
    if facts.events and report.uncatalogued_events / facts.events > STRANGE_ITEMS:
        yield (
            f"{report.uncatalogued_items:,} items with {report.uncatalogued_events / facts.events:.0%} of "
            "the events are not in items.*: do both files use the same item_id?"
        )


def _not_products(dataset: Dataset, facts: Facts, report: Report) -> Iterator[str]:
    """An item in nearly every order is a bag or a delivery, and would lead every list."""
    events = dataset.events
    bought = (events.type == PURCHASE) & (events.visit >= 0)
    _, items = distinct_pairs(events.visit[bought], events.item[bought])
    if facts.orders < MANY_USERS or not len(items):
        return
    counts = np.bincount(items)
    row = int(counts.argmax())
    if counts[row] / facts.orders > EVERYWHERE:
        title = dataset.catalog.title[row]
        yield (
            f"item {_name(dataset.items, row)}{f' ({title})' if title else ''} is in "
            f"{counts[row] / facts.orders:.0%} of the orders: if it is a bag, a delivery or a gift card, "
            "leave it out of the export, or deny it in the placements"
        )


def _name(ids: Ids, row: int) -> str:
    return repr(ids.names(np.array([row], np.int32))[0])
