"""A visitor whom nobody knows clicks, and the list changes: events recorded, each list asked for anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from secrets import token_hex
from time import perf_counter

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vitrina.client import Client
from vitrina.happening import Happening
from vitrina.request import Block, ListedItem, Request, Response

LIMIT = 8


def show(shop: Client, clicks: Sequence[str], title: Callable[[str], str], console: Console) -> None:
    """Let a new visitor click some products, one after the other: a column of the list before and after each.

    What was not in the column before stands out. Raises VitrinaError.
    """
    visitor = f"visitor-{token_hex(4)}"
    request = Request((Block("session_next", limit=LIMIT),), visitor_id=visitor)
    answers, spent_ms = [_asked(shop, request)], []
    for item_id in clicks:
        started = perf_counter()
        shop.record([Happening(item_id, "click", visitor_id=visitor)])
        answers.append(_asked(shop, request))
        spent_ms.append((perf_counter() - started) * 1000)
    spent = f"click on disk and next list: {max(spent_ms):.1f} ms at most"
    console.rule(f"Live: an unknown visitor clicks {len(clicks)} products  ({spent})")
    console.print(_table(answers, ["before", *(f"after {title(one)}" for one in clicks)]))


def _asked(shop: Client, request: Request) -> Response:
    return shop.recommend(request, product_fields=("title",))


def _table(answers: Sequence[Response], headings: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("", justify="right")
    for heading in headings:
        table.add_column(Text(heading), max_width=32)
    lists = [answer.blocks[0].items for answer in answers]
    columns = [_column(items, before) for items, before in zip(lists, (lists[0], *lists), strict=False)]
    for place, row in enumerate(zip_longest(*columns, fillvalue=Text()), start=1):
        table.add_row(str(place), *row)
    return table


def _title(item: ListedItem) -> str:
    return item.product.title if item.product else item.item_id


def _column(items: Sequence[ListedItem], before: Sequence[ListedItem]) -> list[Text]:
    """Titles; of products that were not in the list before with a plus, and standing out."""
    known = {one.item_id for one in before}
    return [
        Text(_title(one)) if one.item_id in known else Text(f"+ {_title(one)}", "bold green") for one in items
    ]
