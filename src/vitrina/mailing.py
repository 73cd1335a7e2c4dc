"""A letter for each of many customers, through the same engine that serves: files on disk, and an index.

Everybody is asked for the same blocks; who gets nothing in any of them gets no letter, and is counted.
Resumable like a campaign: a letter whose files are there is not made again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitrina.engine import Engine
from vitrina.letters import Card, Letter, Rendered, Shelf, card, render
from vitrina.letters.style import Style
from vitrina.request import Block, ListedItem, Request, Response
from vitrina.since import Remember, forgetful

Say = Callable[[str], None]
Draw = Callable[[str, int, ListedItem], Card]
"""A customer's id, a slot (k of each placement, one after the other), the item: another card for it."""
BATCH = 256
INDEX = "letters.jsonl"


@dataclass(frozen=True)
class Plan:
    """What every letter holds: a heading for each placement, in order, and how many products of each."""

    subject: str
    shelves: tuple[tuple[str, str], ...]
    k: int = 6
    greeting: str = ""


@dataclass(frozen=True)
class Posted:
    """What became of a mailing: letters on disk, and customers for whom there was nothing to say."""

    letters: int
    empty: int


def write(
    engine: Engine,
    users: Sequence[str],
    plan: Plan,
    style: Style,
    out: Path,
    now: int,
    say: Say,
    templates: Path | None = None,
    draw: Draw | None = None,
    remember: Remember = forgetful,
) -> Posted:
    """Write `out`/000001.html and .txt for each user in order, and `out`/letters.jsonl that names them.

    `draw` makes cards whose picture is drawn when the letter is opened; `remember`: what people did since
    training, by default nothing. Raises LetterError, RequestError and StoreError.
    """
    for placement, _ in plan.shelves:
        engine.placements.named(placement)
    out.mkdir(parents=True, exist_ok=True)
    letters = empty = 0
    draft = (out / INDEX).with_suffix(".draft")
    with draft.open("w", encoding="utf-8") as index:
        for number, (user, response) in enumerate(_answers(engine, users, plan, now, remember), start=1):
            letter = _letter(engine, response, plan, style, user, draw)
            if any(shelf.cards for shelf in letter.shelves):
                index.write(json.dumps(_put(out, number, user, response, render(letter, style, templates))))
                index.write("\n")
                letters += 1
            else:
                empty += 1
            if number % BATCH == 0 or number == len(users):
                say(f"{number:,} of {len(users):,} letters")
    draft.replace(out / INDEX)
    return Posted(letters, empty)


def _answers(
    engine: Engine, users: Sequence[str], plan: Plan, now: int, remember: Remember
) -> Iterator[tuple[str, Response]]:
    blocks = tuple(Block(placement, limit=plan.k) for placement, _ in plan.shelves)
    for start in range(0, len(users), BATCH):
        some = users[start : start + BATCH]
        requests = [Request(blocks, user_id=one, channel="email", reasons=False) for one in some]
        yield from zip(
            some, engine.recommend(requests, remember([one.identity for one in requests], now)), strict=True
        )


def _letter(
    engine: Engine, response: Response, plan: Plan, style: Style, user: str, draw: Draw | None
) -> Letter:
    shelves = []
    for number, ((_, heading), block) in enumerate(zip(plan.shelves, response.blocks, strict=True)):
        whole = [one._replace(product=engine.product(one.item_id)) for one in block.items]
        first = number * plan.k
        cards = [
            draw(user, first + place, one) if draw else card(one, style) for place, one in enumerate(whole)
        ]
        shelves.append(Shelf(heading, tuple(cards)))
    return Letter(plan.subject, plan.greeting, tuple(shelves))


def _put(out: Path, number: int, user: str, response: Response, made: Rendered) -> dict[str, Any]:
    """Write one letter's files; what the index says of it."""
    name = f"{number:06d}"
    for suffix, text in ((".html", made.html), (".txt", made.text)):
        draft = out / f"{name}{suffix}.draft"
        draft.write_text(text, encoding="utf-8")
        draft.replace(out / f"{name}{suffix}")
    items = [item.item_id for block in response.blocks for item in block.items]
    return {"user_id": user, "html": f"{name}.html", "text": f"{name}.txt", "item_ids": items}
