"""The edge over HTTP: what is shown is what the shop offers now, and links lead to exactly what was shown."""

from __future__ import annotations

import http.client
import io
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from websites import get, standing

from vitrina.edge.app import Edge, routes
from vitrina.edge.picture import Photos
from vitrina.edge.pins import Pins
from vitrina.edge.slots import Opened, Seal
from vitrina.errors import InvalidRequest, Unreachable
from vitrina.happening import Happening
from vitrina.letters.style import Style
from vitrina.request import ListedBlock, ListedItem, Product, Reason, Request, Response

pytest.importorskip("uvicorn")
SEAL = Seal(b"sixteen bytes or more")
STYLE = Style(home="https://s.example/", link="https://s.example/p/{item_id}", price="{amount} zł")


@dataclass
class Shelves:
    """A shop that offers its items in order, less what a request excludes; `gone`: sold out or bought."""

    items: list[str] = field(default_factory=lambda: [f"i{number}" for number in range(9)])
    gone: set[str] = field(default_factory=set)
    away: bool = False
    asked: list[Request] = field(default_factory=list)
    did: list[Happening] = field(default_factory=list)

    def recommend(self, request: Request, *, product_fields: tuple[str, ...] = ()) -> Response:
        if self.away:
            raise Unreachable("no server answers at nowhere:1")
        if not request.blocks:
            raise InvalidRequest("blocks is empty; at least 1 is needed")
        self.asked.append(request)
        (block,) = request.blocks
        offered = [one for one in self.items if one not in self.gone | set(block.exclude_item_ids)]
        return Response((ListedBlock(block.placement, tuple(map(_listed, offered[: block.limit]))),))

    def record(self, events: Sequence[Happening]) -> None:
        if self.away:
            raise Unreachable("no server answers at nowhere:1")
        self.did += events


def _listed(item_id: str) -> ListedItem:
    product = Product(item_id, f"Żółty płaszcz {item_id}", price=12.5, old_price=20.0)
    return ListedItem(item_id, 1.0, ("popular",), Reason("popular"), product)


@dataclass
class Site:
    """A running edge."""

    shop: Shelves
    edge: Edge
    port: int

    def get(self, path: str) -> http.client.HTTPResponse:
        """One GET, its body read."""
        answer, answer.body = get(self.port, path)
        return answer

    def led(self, path: str) -> str | None:
        """Where a link leads, less the token that it carries to the site."""
        answer = self.get(path)
        assert answer.status == 302
        link, found, token = (answer.getheader("Location") or "").partition("?letter=")
        assert not found or token == path.split("/")[2]
        return link


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    shop = Shelves()
    (tmp_path / "photos").mkdir()
    edge = Edge(
        shop, SEAL, Pins(tmp_path / "pins", 1 << 20), STYLE, Photos(tmp_path / "photos"), clock=lambda: 1000
    )
    with standing(routes(edge)) as port:
        yield Site(shop, edge, port)
    edge.pins.close()


def token(expires: int = 5000, user: str = "ann") -> str:
    return SEAL.token(Opened(user, ("email_digest", "discover"), 6, 1, expires, "msk"))


def test_the_picture_is_one(site: Site) -> None:
    """A PNG of the style's width, twice as sharp, not kept by anybody for long; asked as the sealed customer."""
    from PIL import Image

    answer = site.get(f"/e/{token()}/0.png")
    assert (answer.status, answer.getheader("Content-Type")) == (200, "image/png")
    image = Image.open(io.BytesIO(answer.body))  # type: ignore[attr-defined]
    assert image.width == 2 * (STYLE.width // STYLE.columns - 16)
    assert answer.getheader("Referrer-Policy") == "no-referrer"
    (asked,) = site.shop.asked
    assert (asked.user_id, asked.region, asked.channel) == ("ann", "msk", "email")


def test_the_link_leads_to_what_was_shown(site: Site) -> None:
    """Even when it has sold out since, and when the server is away."""
    site.get(f"/e/{token()}/0.png")
    site.shop.gone.add("i0")
    assert site.led(f"/e/{token()}/0") == "https://s.example/p/i0"
    site.shop.away = True
    assert site.led(f"/e/{token()}/0") == "https://s.example/p/i0"
    assert site.get(f"/e/{token()}/0.png").status == 200


def test_the_moment_of_opening_counts(site: Site) -> None:
    """What was sold out or bought before that is never shown; a click without pictures pins as well."""
    site.shop.gone |= {"i0", "i1"}
    assert site.led(f"/e/{token()}/0") == "https://s.example/p/i2"
    site.shop.gone.clear()
    site.get(f"/e/{token()}/0.png")
    assert site.led(f"/e/{token()}/0") == "https://s.example/p/i2"


def test_the_site_greets_with_the_letters_products(site: Site) -> None:
    """Its products in its order, from the first click on and for as long as the policy says; else 410."""
    here = token(expires=900_000)
    for slot in (2, 0):
        site.get(f"/e/{here}/{slot}.png")
    assert site.get(f"/e/{here}").status == 410
    assert site.led(f"/e/{here}/2") == "https://s.example/p/i2"
    answer = site.get(f"/e/{here}")
    assert (answer.status, json.loads(answer.body)) == (200, {"item_ids": ["i0", "i2"]})
    site.edge.clock = lambda: 1000 + 72 * 3600 - 1
    site.led(f"/e/{here}/0")  # a later click does not begin anew
    assert site.get(f"/e/{here}").status == 200
    site.edge.clock = lambda: 1000 + 72 * 3600
    assert site.get(f"/e/{here}").status == 410
    assert site.get("/e/nobody").status == 404


def test_a_link_keeps_its_own_query(site: Site) -> None:
    """The token is one more parameter, before the fragment; none where the shop wants none."""
    site.edge.style = replace(STYLE, link="https://s.example/p?id={item_id}&x=1#top")
    here = token()
    asked = site.get(f"/e/{here}/0")
    assert asked.getheader("Location") == f"https://s.example/p?id=i0&x=1&letter={here}#top"
    site.edge.greet = ""
    assert site.get(f"/e/{here}/0").getheader("Location") == "https://s.example/p?id=i0&x=1#top"


def test_what_is_opened_and_followed_is_recorded(site: Site) -> None:
    """As this customer's, each under one id however often it happens; a server that is away stops no reader."""
    here = token()
    for _ in range(2):
        site.get(f"/e/{here}/0.png")
        site.led(f"/e/{here}/0")
    assert {(one.type, one.item_id, one.user_id, one.time) for one in site.shop.did} == {
        ("open.email", "i0", "ann", 1000),
        ("click", "i0", "ann", 1000),
    }
    assert len({one.event_id for one in site.shop.did}) == 3  # seen, followed, and read by following
    site.shop.away = True
    assert site.led(f"/e/{here}/0") == "https://s.example/p/i0"


def test_slots_of_a_letter_differ_even_at_once(site: Site) -> None:
    """Six pictures loaded side by side, as mail programs do; then their links."""
    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(lambda one: site.get(f"/e/{token()}/{one}.png").status, range(3, 9))) == {200}
    links = [site.led(f"/e/{token()}/{one}") for one in range(3, 9)]
    assert len(set(links)) == 6
    assert {one.blocks[0].placement for one in site.shop.asked} == {"email_digest", "discover"}


def test_a_slot_for_which_nothing_is_left(site: Site) -> None:
    """Its picture is none, its link leads home."""
    site.shop.items = ["i0"]
    site.get(f"/e/{token()}/0.png")
    assert site.get(f"/e/{token()}/1.png").status == 404
    assert site.led(f"/e/{token()}/1") == "https://s.example/"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/e/{token()}x/0.png", 404),
        ("/e/none/0", 404),
        (f"/e/{token()}/12.png", 404),
        (f"/e/{token()}/-1", 404),
        (f"/e/{token()}/0.jpg", 404),
        (f"/e/{token()}/0.png/x", 404),
        (f"/e/{token(1000)}/0.png", 410),
        (f"/e/{'A' * 5000}/0", 404),
        ("/", 404),
    ],
)
def test_other_addresses(site: Site, path: str, status: int) -> None:
    """What is not ours is not found, what is too old is gone; no server is asked for it."""
    answer = site.get(path)
    assert answer.status == status
    assert b"Traceback" not in answer.body  # type: ignore[attr-defined]
    assert site.shop.asked == []


def test_without_a_server_what_was_never_opened_waits(site: Site) -> None:
    """503 says: ask again; health says the same."""
    assert site.get("/healthz").status == 200
    site.shop.away = True
    assert site.get(f"/e/{token()}/0.png").status == 503
    assert site.get("/healthz").status == 503


def test_photos_stay_in_their_folder(tmp_path: Path) -> None:
    """Whatever a catalogue calls a photo, nothing outside is read."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "secret.jpg").write_bytes(b"no")
    (tmp_path / "photos" / "a.jpg").write_bytes(b"yes")
    (tmp_path / "photos" / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    photos = Photos(tmp_path / "photos")
    assert photos.of("a", "") == b"yes"
    for name in ("../secret.jpg", str(tmp_path / "secret.jpg"), "link.jpg", "x\0y", "a" * 5000):
        assert photos.of("none", name) is None
        assert photos.of(name, "") is None
