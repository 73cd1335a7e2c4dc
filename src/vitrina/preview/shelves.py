"""What the preview shows: lists with all that is known of each product on them, and what was dropped and why.

Pure but for the engine, which is asked twice a list: once for it, once for what became of its products and of
those that a person would miss.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from vitrina.engine import Engine
from vitrina.errors import RequestError
from vitrina.live import Live
from vitrina.preview.question import Question
from vitrina.request import Fate, ListedBlock, ListedItem, Product

DONE = 8
"""Products of the customer's past that are shown, newest first."""
MISSED = 4
"""Of them, how many it is told of why they are not in a list."""
RUNNERS_UP = 6
"""Products that left a stage and not the next, of which it is told why."""


@dataclass(frozen=True)
class Tile:
    """One product: what the catalogue says, what became of it, and, where it is listed, why. `row`: its
    number in the bundle, by which its picture is called; -1 for one that is unknown. `seeds`: titles of what
    it follows from. `beside`: its place in the other list, 0 where it is not there."""

    product: Product
    row: int
    fate: Fate
    listed: ListedItem | None = None
    seeds: tuple[str, ...] = ()
    beside: int = 0


@dataclass(frozen=True)
class Shelf:
    """One placement's list. `stages`: those that changed how many products there are, with what they left;
    `notes`: what else there is to say of the list; `refused`: why there is none."""

    placement: str
    about: str = ""
    tiles: tuple[Tile, ...] = ()
    absent: tuple[Tile, ...] = ()
    stages: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = ()
    refused: str = ""


@dataclass(frozen=True)
class Deed:
    """Something the customer did, and when (a day)."""

    product: Product
    row: int
    kind: str
    day: str


def shelves(engine: Engine, question: Question, now: int) -> tuple[Shelf, ...]:
    """The lists that are asked for, each with its neighbour's places."""
    found = [_shelf(engine, question, one, now) for one in question.placements]
    if len(found) < 2:
        return tuple(found)
    return tuple(_compared(*pair) for pair in (found, found[::-1]))


def deeds(engine: Engine, user: str, now: int, most: int = DONE) -> tuple[Deed, ...]:
    """What a customer did before `now`, newest first, each product once."""
    past, known = engine.askers.history, engine.askers.users.row(user) if user else -1
    span, found = past.span(known), dict[int, Deed]()
    for at in range(span.stop - 1, span.start - 1, -1):
        row = int(past.rows[at])
        if row not in found and past.times[at] <= now:
            kind = engine.askers.types[past.types[at]]
            found[row] = Deed(_product(engine, row), row, kind, day(int(past.times[at])))
        if len(found) == most:
            break
    return tuple(found.values())


def day(moment: int) -> str:
    """The day of a moment, in UTC."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d}"


def _shelf(engine: Engine, question: Question, placement: str, now: int) -> Shelf:
    try:
        known = engine.placements.named(placement)
        request, live = question.request(placement, known.channel), Live(now)
        answer, _ = engine.explain(request, (), live)
        block = answer.blocks[0]
        listed = [one.item_id for one in block.items]
        missed = [one for one in _missed(engine, question, block, now) if one not in listed]
        _, fates = engine.explain(request, [*listed, *missed], live)
    except RequestError as reason:
        return Shelf(placement, refused=str(reason))
    return Shelf(
        placement=placement,
        about=known.about,
        tiles=tuple(_tile(engine, *pair) for pair in zip(fates, block.items, strict=False)),
        absent=tuple(_tile(engine, one) for one in fates[len(listed) :] if not one.place),
        stages=tuple(_stages(block)),
        notes=tuple(_notes(engine, block, answer.contextual)),
    )


def _missed(engine: Engine, question: Question, block: ListedBlock, now: int) -> Iterable[str]:
    """Whom a person would look for: the page's product, what the customer took, and the runners-up."""
    found = [question.item] if question.item else []
    found += [one.product.item_id for one in deeds(engine, question.user, now, MISSED)]
    left = dict(block.trace)
    for stage in ("blend", "retrieve"):
        others = (one for one in left.get(stage, ()) if one not in found)
        found += [one for one in others if one not in {each.item_id for each in block.items}][:RUNNERS_UP]
    return dict.fromkeys(found)


def _stages(block: ListedBlock) -> Iterator[tuple[str, int]]:
    """The stages that changed how many products there are, with what they left."""
    before = 0
    for name, left in block.trace:
        if len(left) != before:
            yield name, len(left)
        before = len(left)


def _notes(engine: Engine, block: ListedBlock, contextual: bool) -> Iterator[str]:
    if block.missing:
        yield f"it needs of a request, and was not given: {', '.join(block.missing)}"
    if contextual:
        yield "this customer agreed to no personal lists on this channel: it follows from the page alone"
    if block.dropped:
        yield "it had fewer products than its minimum, and is left empty"
    if block.relaxed:
        yield f"soft rules given up to fill it: {', '.join(block.relaxed)}"
    if block.fallback_level:
        filler = engine.placements.named(block.placement).fallback[block.fallback_level - 1 :][:1]
        yield f"filled up by {filler[0] if filler else 'the candidates as given'}"
    if block.arm:
        yield f"arm of the experiment: {block.arm}, {block.arm_share:.0%} of askers"


def _tile(engine: Engine, fate: Fate, listed: ListedItem | None = None) -> Tile:
    row = engine.items.row(fate.item_id)
    product = _product(engine, row) if row >= 0 else Product(fate.item_id)
    seeds = [engine.product(one) for one in listed.reason.seed_item_ids] if listed else []
    return Tile(product, row, fate, listed, tuple(_title(one) for one in seeds if one))


def _product(engine: Engine, row: int) -> Product:
    item_id = engine.items.name(row)
    return engine.product(item_id) or Product(item_id)


def _title(product: Product) -> str:
    return product.title or product.item_id


def _compared(own: Shelf, other: Shelf) -> Shelf:
    """A shelf whose tiles know their places in another."""
    places = {one.fate.item_id: one.fate.place for one in other.tiles}
    return replace(own, tiles=_placed(own.tiles, places), absent=_placed(own.absent, places))


def _placed(tiles: Sequence[Tile], places: dict[str, int]) -> tuple[Tile, ...]:
    return tuple(replace(one, beside=places.get(one.fate.item_id, 0)) for one in tiles)
