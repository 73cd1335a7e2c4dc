"""A site's back end: one call for all lists of a page, a page that never waits for them, a list that goes on.

    python examples/site.py --server 127.0.0.1:50051            # then open http://127.0.0.1:8000/?user=1000
    python examples/site.py --server 127.0.0.1:50051 --print 1000
    python examples/site.py --edge http://127.0.0.1:8080        # with vitrina edge: greet whom a letter sent

The shop's own page is made first; recommendations are a bonus with a deadline of their own, so a slow or
absent engine costs a shopper nothing but the lists. Who followed a letter's link finds its products first, as
far as they are still to be had.
"""

from __future__ import annotations

import argparse
import json
from html import escape
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlsplit
from urllib.request import urlopen

from vitrina.client import Client
from vitrina.errors import VitrinaError
from vitrina.request import Block, ListedBlock, Request, SessionEvent

PATIENCE_S = 0.15
HEADINGS = {
    "rerank": "From your letter",
    "home": "For you",
    "discover": "You have not tried these",
    "cart": "Goes with your cart",
}


def greeting(edge: str, letter: str) -> tuple[str, ...]:
    """The products of the letter whose link led here; none where it was long ago, or nobody can say."""
    if not (edge and letter):
        return ()
    try:
        with urlopen(f"{edge}/e/{quote(letter, safe='')}", timeout=PATIENCE_S) as answer:
            return tuple(json.load(answer)["item_ids"])
    except (OSError, HTTPException, ValueError):
        return ()


def lists(
    shop: Client,
    user: str,
    cart: tuple[str, ...] = (),
    clicks: tuple[str, ...] = (),
    letter: tuple[str, ...] = (),
) -> tuple[ListedBlock, ...]:
    """The page's blocks, no product twice; nothing where the engine does not answer in time."""
    wanted = [Block("home", limit=6), Block("discover", limit=6)]
    if cart:
        wanted.insert(0, Block("cart", limit=6))
    if letter:
        wanted.insert(0, Block("rerank", limit=6, candidate_item_ids=letter))
    events = tuple(SessionEvent(one) for one in clicks)
    page = Request(tuple(wanted), user_id=user, context_item_ids=cart, events=events)
    try:
        answer = shop.recommend(page, product_fields=("title", "price"), timeout_s=PATIENCE_S)
    except VitrinaError as reason:
        print(f"the page goes out without lists: {reason}")
        return ()
    # Log answer.attribution_token beside clicks and orders: it says what was shown, where and why.
    return answer.blocks


def html(blocks: tuple[ListedBlock, ...]) -> str:
    """The lists as a page; every text of the catalogue is escaped."""
    parts = ["<!doctype html><meta charset=utf-8><title>Shop</title>"]
    for block in blocks:
        parts.append(f"<h2>{escape(HEADINGS.get(block.placement, block.placement))}</h2><ol>")
        for item in block.items:
            title = item.product.title if item.product else item.item_id
            parts.append(f"<li>{escape(title)} <small>{escape(', '.join(item.sources))}</small></li>")
        parts.append("</ol>")
    return "\n".join(parts)


def serve(shop: Client, port: int, edge: str) -> None:
    """Answer pages until told to stop."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = parse_qs(urlsplit(self.path).query)
            letter = greeting(edge, asked.get("letter", [""])[0])
            found = lists(shop, asked.get("user", [""])[0], tuple(asked.get("cart", ())), letter=letter)
            body = html(found).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    ThreadingHTTPServer(("127.0.0.1", port), Page).serve_forever()


if __name__ == "__main__":
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("--server", default="127.0.0.1:50051")
    said.add_argument("--port", type=int, default=8000)
    said.add_argument("--edge", default="", help="address of vitrina edge, as this site reaches it")
    said.add_argument("--letter", default="", help="with --print: the token that a letter's link carried")
    said.add_argument("--print", metavar="USER", help="print one customer's page and end")
    told = said.parse_args()
    with Client(told.server) as engine:
        if told.print is None:
            serve(engine, told.port, told.edge)
        else:
            page = lists(engine, told.print, letter=greeting(told.edge, told.letter))
            print(html(page))
