"""An e-mail renderer: blocks for many customers in one stream, in the shop's style, twins beside them.

python examples/letters.py --server 127.0.0.1:50051 --out letters 1 1000 2000
"""

from __future__ import annotations

import argparse
from pathlib import Path

from vitrina.client import Client
from vitrina.letters import Letter, Shelf, card, render
from vitrina.letters.style import read_style
from vitrina.request import Block, Request

STYLE = Path(__file__).resolve().parents[1] / "models" / "letters" / "standard.toml"
SHELVES = (("email_digest", "Picked for you"), ("discover", "New to you"))


def write(shop: Client, users: list[str], out: Path) -> int:
    """Letters of those for whom there is something to say; how many they are."""
    style = read_style(STYLE)
    page = Request(tuple(Block(name, limit=6) for name, _ in SHELVES), channel="email")
    fields = ("title", "price", "old_price", "image", "url")
    out.mkdir(parents=True, exist_ok=True)
    written = 0
    for asker, answer in shop.batch_recommend(
        page, [Request((), user_id=one) for one in users], product_fields=fields
    ):
        shelves = tuple(
            Shelf(heading, tuple(card(item, style) for item in block.items))
            for (_, heading), block in zip(SHELVES, answer.blocks, strict=True)
        )
        if any(one.cards for one in shelves):
            made = render(Letter("Picked for you", "Hello!", shelves), style)
            written += 1
            (out / f"{written:04d}.html").write_text(made.html, encoding="utf-8")
            (out / f"{written:04d}.txt").write_text(made.text, encoding="utf-8")
            print(f"{out / f'{written:04d}.html'}: {asker.user_id}")
    return written


if __name__ == "__main__":
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("--server", default="127.0.0.1:50051")
    said.add_argument("--out", type=Path, default=Path("letters"))
    said.add_argument("users", nargs="+")
    told = said.parse_args()
    with Client(told.server) as engine:
        print(f"{write(engine, told.users, told.out)} letters")
