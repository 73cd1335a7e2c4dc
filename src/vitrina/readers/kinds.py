"""Event types: the shop's words, and what they mean here."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from vitrina.dataset import PURCHASE, TYPES, lone_words
from vitrina.errors import DataError
from vitrina.readers.columns import plain, snake
from vitrina.readers.report import Doubt
from vitrina.readers.scan import Db, answer
from vitrina.readers.tables import ending

MOST = 16
"""Types of a shop's own; more, and the column holds something else."""

_WORDS = {
    "purchase": "purchase buy bought order ordered transaction sale sold checkout purchased conversion",
    "view": "view click pageview page_view detail detail_view product_view item_view view_item viewed pv",
    "cart": "cart add_to_cart basket add_to_basket added_to_cart cart_add",
    "remove": "remove remove_from_cart removed_from_cart cart_remove remove_from_basket",
    "return": "return refund cancel returned refunded cancelled canceled cancellation chargeback",
}
_MEANING = {plain(word): kind for kind, words in _WORDS.items() for word in words.split()}

_OF_FILES = re.compile(
    r"events?[\W_]+(?P<word>purchase|buy|order|transaction|sale|(?:page[\W_]?)?view|click|"
    r"(?:add[\W_]to[\W_])?cart)s?[\W_\d]*"
)
"""Names of files, without their endings, that tell what is in them: a word and no other, maybe a date.
Returns are not told so: events-no-returns.csv and orders with their returns have names too."""
OF_SALES = ("event_type", "order_id", "quantity", "price")
"""Columns of events that clicks have not."""


def meaning(
    said: str, told: Mapping[str, str] = MappingProxyType({}), weighed: Collection[str] | None = ()
) -> str:
    """The event type a shop's word stands for, in one or in many; a word that is not known stays a type of
    its own. `told`: what the recipe says of words; `weighed`: types of the shop's own that it weighs;
    None where that is not known, and words in many keep their names."""
    word = plain(said)
    one_of = word if weighed is None or snake(said) in weighed else word.removesuffix("s")
    return (
        told.get(said)
        or {_spoken(one): kind for one, kind in told.items() if _spoken(one)}.get(_spoken(said))
        or _MEANING.get(word)
        or _MEANING.get(one_of)
        or _own(said)
    )


@dataclass(frozen=True)
class Kinds:
    """All event types of a shop, the known ones first; its words that stand for one, told so by its recipe or
    see `lone_words`, as they were written and as a type of its own would be called; notes for the report."""

    types: tuple[str, ...] = TYPES
    words: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def define_kinds(db: Db, weighed: Collection[str] | None, told: Mapping[str, str]) -> Kinds:
    """Make the table `kinds` (said, kind) from raw events.

    `weighed`: types of the shop's own that its recipe weighs; None keeps them all by their names. `told`:
    word -> type, as the recipe has it. Raises DataError where the column does not hold event types.
    """
    said = [
        one
        for (one,) in db.execute(
            "SELECT DISTINCT event_type FROM raw_events WHERE event_type IS NOT NULL ORDER BY 1 LIMIT 1001"
        ).fetchall()
    ]
    meant = {one: meaning(one, told, weighed) for one in said}
    own = sorted(set(meant.values()) - set(TYPES))
    _refuse_if_many(own, len(said) > 1000)
    bare, typed = answer(db, "SELECT count(*) - count(event_type), count(event_type) FROM raw_events")
    happened = [*meant.values()] + [TYPES[PURCHASE]] * bool(bare)
    lone = {} if weighed is None else lone_words(happened, weighed)
    kinds = {one: lone.get(kind, kind) for one, kind in meant.items()}
    db.execute("CREATE TABLE kinds (said VARCHAR, kind VARCHAR)")
    if said:
        db.executemany("INSERT INTO kinds VALUES (?, ?)", list(kinds.items()))
    left = [one for one in own if one not in lone]
    many = as_told({one: kind for one, kind in meant.items() if kind != meaning(one, told, None)})
    words = many | as_told(told) | lone | {one: kind for one, kind in kinds.items() if meant[one] in lone}
    notes = [f"{bare:,} rows have no event_type and were taken as purchases"] if bare and typed else []
    read = {one: kind for one, kind in kinds.items() if kind not in {one, *left} and meant[one] not in lone}
    return Kinds((*TYPES, *left), words, (*_told(read, left, lone, weighed), *notes))


def by_files(files: Sequence[str], columns: Sequence[Collection[str]]) -> tuple[list[str], list[str]]:
    """The event type that each file of events without a column of them is called by, such as
    `events-clicks.csv`, else the empty text; and notes. `columns`: of the contract, by file."""
    kinds, notes = [], list[str]()
    for file, came in zip(files, columns, strict=True):
        kind, said = ("", []) if "event_type" in came else _by_name(file, came)
        kinds.append(kind)
        notes += said
    told = [bool(kind or set(OF_SALES) & set(came)) for kind, came in zip(kinds, columns, strict=True)]
    bare = [file for file, sure in zip(files, told, strict=True) if not sure]
    if bare and any(told):
        notes.append(
            Doubt(
                f"{', '.join(bare[:4])} {'have' if len(bare) > 1 else 'has'} neither event_type nor "
                f"order_id, quantity or price, and {files[told.index(True)]} has: if there are clicks in it, "
                "call it events-clicks.csv, or say 'view' in a column event_type; now each row is a purchase"
            )
        )
    return kinds, notes


def _by_name(file: str, came: Collection[str]) -> tuple[str, list[str]]:
    """The event type that the name of a file says, overruled by the columns that `came`, and what to say of
    it: a file of sales may hold a view of a database, or carts that were paid."""
    kind, sales = _called(file), [one for one in OF_SALES if one in came]
    said = f"{file} has no event_type: each of its rows is a {kind}, as its name says"
    if not kind:
        return "", []
    if kind == TYPES[PURCHASE]:
        return kind, [said]
    if not sales:
        return kind, [Doubt(f"{said}; where that is wrong, say 'purchase' in a column event_type")]
    overruled = (
        f"{file} has {sales[0]}, as sales have: each of its rows is a purchase, though its name says {kind}"
    )
    return "", [Doubt(f"{overruled}; where that is wrong, say '{kind}' in a column event_type")]


def _called(file: str) -> str:
    """What the word after 'events' in the name of a file means; the empty text where it means nothing."""
    path = Path(file)
    found = _OF_FILES.fullmatch(path.name.lower().removesuffix(ending(path)))
    return meaning(found["word"]) if found else ""


def as_told(told: Mapping[str, str]) -> dict[str, str]:
    """The recipe's words for events, as they are written and as a type of its own would be called."""
    return {name: kind for word, kind in told.items() for name in (word, _own(word))}


def _own(word: str) -> str:
    """How a type of the shop's own is called; without letters as it is written, for -1 is not 1."""
    return snake(word) if _spoken(word) else word


def _spoken(word: str) -> str:
    """A word without case and signs; the empty text where it has no letter."""
    return plain(word) if re.search(r"[^\W\d_]", word) else ""


def _refuse_if_many(own: Sequence[str], more: bool) -> None:
    if len(own) > MOST:
        raise DataError(
            f"event_type has {len(own):,}{' or more' if more else ''} unknown values, such as "
            f"{own[0]!r} and {own[1]!r}; at most {MOST} types of your own are read: leave the column out, or "
            "name the right one in the recipe, under [columns.events]"
        )


def _told(
    read: Mapping[str, str], own: Collection[str], lone: Collection[str], weighed: Collection[str] | None
) -> Iterator[str]:
    """What to say of a shop's words; of those that the recipe weighs there is nothing to say."""
    if read:
        yield f"event types: {', '.join(f'{one!r} as {kind}' for one, kind in read.items())}"
    if lone:
        sentence = stand_for_purchases(lone)
        yield Doubt(sentence) if len(lone) > 1 else sentence
    if weighed is not None and (idle := [one for one in own if one not in weighed]):
        yield (
            f"event types of your own: {', '.join(idle)}; they weigh nothing until the recipe gives them a "
            "weight, or says under [columns.event_types] which they are"
        )


def stand_for_purchases(words: Collection[str]) -> str:
    """The sentence on words that were taken as purchases, see `lone_words`."""
    many = f"{', '.join(map(repr, words))} {'are' if len(words) > 1 else 'is'} taken as a purchase"
    return (
        f"no event is a purchase, a view or a cart, so {many}, in events to come too; where that is wrong, "
        f'say so in the recipe, under [columns.event_types]: "{min(words)}" = "view"'
    )
