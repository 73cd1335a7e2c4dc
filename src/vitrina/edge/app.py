"""HTTP in front of the gRPC server, for what a letter asks when it is opened.

    GET /e/<token>/<slot>.png   what is in stock and not yet bought at this moment, as a picture
    GET /e/<token>/<slot>       302 to exactly the product that was shown there
    GET /e/<token>              for the site: the letter's products as JSON, for a while after the first click
    GET /healthz                200 while the server answers

The first of either pins token and slot to a product (`pins.py`). An address that is not ours is 404, a letter
that is too old 410, and while the server is away a slot that is pinned leads where it led; any other is 503.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import quote, urlsplit, urlunsplit

from vitrina.edge.picture import Fonts, Photos, draw
from vitrina.edge.pins import Pins
from vitrina.edge.slots import Expired, Opened, Seal
from vitrina.errors import InvalidRequest, LetterError, VitrinaError
from vitrina.happening import Happening
from vitrina.letters import GAP, Card, card
from vitrina.letters.style import Style
from vitrina.request import Block, ListedItem, Product, Reason, Request, Response

FIELDS = ("title", "price", "old_price", "image", "url")
READ = "open.email"
"""What an opening is recorded as, and a click too: both tell at which hour somebody reads."""
CACHED = 2048
"""Pictures kept drawn."""
PROBE = Request(())
"""Asks for nothing: a server that is there refuses it as a request without blocks."""
_SLOT = re.compile(r"(\d{1,2})(\.png)?")
_HEADERS = {
    "Cache-Control": "private, max-age=60",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


class Shop(Protocol):
    """What the edge needs of a client; `vitrina.client.Client` has it."""

    def recommend(self, request: Request, *, product_fields: tuple[str, ...] = ()) -> Response:
        """One page. Raises VitrinaError."""

    def record(self, events: Sequence[Happening]) -> object:
        """What somebody did. Raises VitrinaError."""


@dataclass
class Edge:
    """What answers an opened letter. `clock`: seconds since 1970 UTC.

    What was opened and followed is recorded as `open.email` and `click`, each slot once, where the server
    keeps events. `greet`: the query parameter in which a link carries the letter's token to the site, empty
    for none; `sticky_s`: how long after the first click the site greets with the letter's products.
    """

    shop: Shop
    seal: Seal
    pins: Pins
    style: Style = field(default_factory=Style)
    photos: Photos = field(default_factory=Photos)
    fonts: Fonts = field(default_factory=Fonts)
    clock: Callable[[], int] = lambda: int(time.time())
    greet: str = "letter"
    sticky_s: int = 72 * 3600

    def __post_init__(self) -> None:
        self._drawn = lru_cache(maxsize=CACHED)(self._draw)

    def product(self, token: str, slot: int) -> Product | None:
        """The product of a slot, pinned now where it was not; None where the shop has nothing for it.

        Raises Expired, LetterError and what the client raises.
        """
        opened = self.seal.open(token, self.clock())
        held = self.pins.held(token)
        if slot in held:
            return held[slot]
        if not (placement := opened.placement(slot)):
            raise LetterError(f"the letter has no slot {slot}")
        others = tuple(one.item_id for one in held.values())
        items = self._asked(opened, Block(placement, limit=slot + 4, exclude_item_ids=others))
        # Pictures of one letter are asked for at once: each slot starts at a place of its own of the list.
        start = min(max(0, slot - len(others)), max(0, len(items) - 1))
        order = [one.product or Product(one.item_id) for one in (*items[start:], *items[:start])]
        pinned = self.pins.pin(token, slot, order, opened.expires)
        if pinned:
            self._record(token, slot, READ, opened.user_id, pinned.item_id)
        return pinned

    def picture(self, token: str, slot: int) -> bytes | None:
        """The PNG of a slot; None where the shop has nothing for it. Raises as `product` does."""
        product = self.product(token, slot)
        return self._drawn(self._card(product), product.item_id, product.image) if product else None

    def link(self, token: str, slot: int) -> str:
        """The address of a slot's product; empty where there is none. Raises as `product` does."""
        product = self.product(token, slot)
        if product is None:
            return ""
        self._follow(token, slot, product.item_id)
        return _carrying(self._card(product).link, self.greet, token)

    def greeting(self, token: str) -> tuple[str, ...]:
        """What the site greets with who followed a letter's link: its products, in the letter's order.

        Nobody is greeted before the first click, or `sticky_s` seconds after it. Raises LetterError.
        """
        now = self.clock()
        self.seal.open(token, now)
        clicked = self.pins.followed(token)
        if not clicked or now >= clicked + self.sticky_s:
            raise Expired("the letter was not followed of late; greet as always")
        return tuple(one.item_id for _, one in sorted(self.pins.held(token).items()))

    def _follow(self, token: str, slot: int, item_id: str) -> None:
        """Note a click; a reader is led on even where there is no room to note it."""
        now = self.clock()
        with suppress(LetterError):
            self.pins.follow(token, now)
        reader = self.seal.open(token, now).user_id
        self._record(token, slot, "click", reader, item_id)
        self._record(token, slot, READ, reader, item_id, clicked=True)

    def _record(
        self, token: str, slot: int, kind: str, user_id: str, item_id: str, *, clicked: bool = False
    ) -> None:
        """Tell the server what a reader did, once however often; its woes are none of the reader's."""
        said = hashlib.blake2b(f"{token} {slot} {kind} {clicked}".encode(), digest_size=16).hexdigest()
        with suppress(VitrinaError):
            self.shop.record([Happening(item_id, kind, user_id, time=self.clock(), event_id=said)])

    def _card(self, product: Product) -> Card:
        return card(ListedItem(product.item_id, 0.0, (), Reason(""), product), self.style)

    def _asked(self, opened: Opened, block: Block) -> tuple[ListedItem, ...]:
        request = Request((block,), opened.user_id, channel="email", region=opened.region, reasons=False)
        return tuple(self.shop.recommend(request, product_fields=FIELDS).blocks[0].items)

    def _draw(self, shown: Card, item_id: str, image: str) -> bytes:
        room = self.style.width // self.style.columns - GAP
        return draw(shown, self.photos.of(item_id, image), self.style, self.fonts, room)


def routes(edge: Edge) -> Any:
    """The ASGI application over an edge."""
    from starlette.applications import Starlette
    from starlette.requests import Request as Asked
    from starlette.responses import JSONResponse, RedirectResponse, Response
    from starlette.routing import Route

    def slot(asked: Asked) -> Response:
        token, matched = asked.path_params["token"], _SLOT.fullmatch(asked.path_params["slot"])
        if not matched:
            return Response("no such slot", 404, _HEADERS)
        try:
            if matched[2]:
                data = edge.picture(token, int(matched[1]))
                return Response(data, 200, _HEADERS, "image/png") if data else Response(None, 404, _HEADERS)
            link = edge.link(token, int(matched[1])) or edge.style.home
            return RedirectResponse(link, 302, _HEADERS) if link else Response(None, 404, _HEADERS)
        except VitrinaError as reason:
            return Response(str(reason), _status(reason), _HEADERS, "text/plain")

    def greeting(asked: Asked) -> Response:
        try:
            return JSONResponse({"item_ids": edge.greeting(asked.path_params["token"])}, 200, _HEADERS)
        except VitrinaError as reason:
            return Response(str(reason), _status(reason), _HEADERS, "text/plain")

    def healthz(asked: Asked) -> Response:
        try:
            edge.shop.recommend(PROBE)
        except InvalidRequest:
            return Response("ok")
        except VitrinaError as reason:
            return Response(str(reason), 503)
        return Response("ok")

    ways = {"/e/{token}/{slot}": slot, "/e/{token}": greeting, "/healthz": healthz}
    return Starlette(routes=[Route(way, answer) for way, answer in ways.items()])


def _carrying(link: str, name: str, token: str) -> str:
    """A link with one more query parameter."""
    if not (link and name):
        return link
    parts = urlsplit(link)
    query = "&".join(filter(None, (parts.query, f"{quote(name, safe='')}={token}")))
    return urlunsplit(parts._replace(query=query))


def _status(reason: VitrinaError) -> int:
    if isinstance(reason, Expired):
        return 410
    return 404 if isinstance(reason, LetterError) else 503
