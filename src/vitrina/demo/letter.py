"""A household's letter: HTML for any mail program, its plain-text twin, and pictures beside them."""

from __future__ import annotations

from pathlib import Path

from vitrina.client import Client
from vitrina.demo.photos import SHOTS
from vitrina.images import packshots
from vitrina.images.cache import replace
from vitrina.letters import Letter, Shelf, card, render
from vitrina.letters.style import Style
from vitrina.request import Block, ListedItem, Request

SHELVES = (("email_digest", "Due again, and new"), ("discover", "You have not tried these"))
STYLE = Style(shop="Corner Grocer", photo=f"{SHOTS}/{{item_id}}.png", price="${amount}")


def write(shop: Client, household: str, folder: Path) -> Path:
    """Ask for a household's blocks and write `folder`/letter.html and letter.txt; products without a picture
    get a drawn one. Returns the HTML file."""
    page = Request(tuple(Block(name, limit=6) for name, _ in SHELVES), household, channel="email")
    answer = shop.recommend(page, product_fields=("title", "category", "price", "old_price", "attributes"))
    shelves = []
    for (_, heading), block in zip(SHELVES, answer.blocks, strict=True):
        for item in block.items:
            _pictured(item, folder / SHOTS)
        shelves.append(Shelf(heading, tuple(card(item, STYLE) for item in block.items)))
    made = render(
        Letter("Your week at the corner", "What you may be out of, and what is new.", tuple(shelves)), STYLE
    )
    file = folder / "letter.html"
    file.write_text(made.html, encoding="utf-8")
    file.with_suffix(".txt").write_text(made.text, encoding="utf-8")
    return file


def _pictured(item: ListedItem, shots: Path) -> None:
    """Draw a pack-shot unless there is one."""
    if item.product and not (shot := shots / f"{item.item_id}.png").is_file():
        brand = item.product.attributes.get("brand", "")
        replace(shot, packshots.draw(item.product.title, item.product.category, brand))
