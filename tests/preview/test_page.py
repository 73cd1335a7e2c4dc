"""The preview in a browser: what is chosen is shown without loading anew, nothing that a shop wrote runs, it fits."""

from __future__ import annotations

import io
from dataclasses import replace

import chromium
import pytest
from websites import get, standing

from shops import make_shop, make_window
from vitrina.dataset import DAY
from vitrina.ids import Texts
from vitrina.preview.app import HEADERS, Preview, routes
from vitrina.preview.pictures import SIDE, Pictures

pytest.importorskip("starlette")
HOSTILE = '"><script>window.ran=1</script><img src=x onerror="window.ran=1">'
TITLES = [HOSTILE, "{{ 7 * 7 }}", "Milk 1 l", "x" * 300, "Молоко", "Tea"]
DONE = [("ann", "i0", 10), ("ann", HOSTILE, 90), ("<b>bob</b>", "i2", 5)]
PLACEMENTS = {
    "home": {
        "sources": [{"strategy": "all"}],
        "fallback": [],
        "limit": 5,
        "rebuy": "never",
        "about": HOSTILE,
    },
    "similar": {"sources": [{"strategy": "back"}], "fallback": [], "limit": 3, "needs": ["context"]},
}


@pytest.fixture(scope="module")
def preview():
    """The preview of a shop whose titles, ids and texts are attacks."""
    dataset = make_shop(DONE, items=[f"i{number}" for number in range(5)])
    catalog = replace(dataset.catalog, title=Texts.of(TITLES))
    engine = make_window(
        replace(dataset, catalog=catalog), {"all": range(6), "back": range(5, -1, -1)}, PLACEMENTS
    )
    return Preview(engine, Pictures(engine), 100 * DAY)


@pytest.fixture(scope="module")
def port(preview):
    """Where it stands."""
    with standing(routes(preview)) as found:
        yield found


@pytest.fixture(scope="module")
def page(port, tmp_path_factory):
    """A browser's tab before it; skipped where there is no Chromium."""
    with chromium.tab(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


def test_every_answer_is_guarded(port):
    """The policy is on pages, parts, pictures and refusals; another host's name is refused; nothing is written to."""
    for path in (
        "/",
        "/lists?placement=home",
        "/items?item=m",
        "/pictures/0.png",
        "/static/htmx.min.js",
        "/none",
    ):
        answer, _ = get(port, path)
        assert {name: answer.getheader(name) for name in HEADERS} == HEADERS, path
    assert "unsafe" not in HEADERS["Content-Security-Policy"]
    answer, _ = get(port, "/", Host="evil.example")
    assert answer.status == 400
    assert get(port, "/static/../app.py")[0].status == 404


def test_pictures_are_drawn_where_there_is_no_photo(port, preview, tmp_path):
    """A PNG for every product; a shop's photo made small; 404 for none."""
    from PIL import Image

    answer, body = get(port, "/pictures/2.png")
    assert (answer.getheader("content-type"), Image.open(io.BytesIO(body)).size) == (
        "image/png",
        (SIDE, SIDE),
    )
    assert get(port, "/pictures/99.png")[0].status == 404
    assert "<h2>home</h2>" in preview.page({"user": "ann"})
    Image.new("RGB", (900, 600), "red").save(tmp_path / "i2.jpg")
    photos = replace(preview.pictures.photos, folder=tmp_path)
    own = Image.open(io.BytesIO(Pictures(preview.engine, photos).of(preview.engine.items.row("i2"))))
    assert own.size == (SIDE, SIDE * 600 // 900)


def test_what_is_chosen_is_shown(page, port):
    """The first look is a list; another placement beside it comes without loading the page anew, and into its address."""
    page.go(f"http://127.0.0.1:{port}/")
    assert page.js("document.querySelectorAll('.shelf .tiles li h3').length") == 4
    assert page.js("document.querySelector('.past li small').textContent") == "purchase, 1970-04-01"
    page.js(
        "window.same = 1; const s = document.querySelector('[name=beside]'); s.value = 'similar';"
        "s.dispatchEvent(new Event('change', {bubbles: true}))"
    )
    page.until("document.querySelectorAll('.shelf').length === 2")
    assert page.js("document.querySelectorAll('.shelf')[1].querySelector('h2').textContent") == "similar"
    assert "needs of a request" in page.js(
        "document.querySelectorAll('.shelf')[1].querySelector('.note').textContent"
    )
    assert "beside=similar" in page.js("location.href")
    assert page.js("window.same") == 1
    assert "also at" in page.js("document.querySelector('.beside').textContent + document.body.textContent")
    page.until("[...document.images].filter(one => one.complete && one.naturalWidth).length > 2")
    page.go(page.js("location.href"))
    assert page.js("document.querySelectorAll('.shelf').length") == 2


def test_what_is_dropped_says_why(page, port):
    """Ann's purchase is not listed again; the page says at which stage and by which rule."""
    page.go(f"http://127.0.0.1:{port}/?placement=home&user=ann&locale=pl")
    said = page.js("[...document.querySelectorAll('.absent li')].map(one => one.textContent).join(' ')")
    assert "bought 90 days ago, and it does not come back (rebuy never)" in " ".join(said.split())
    assert page.js("document.querySelector('[name=locale]').value") == "pl"


def test_typing_offers_products_and_customers(page, port):
    """What is typed into a field comes back as choices."""
    page.go(f"http://127.0.0.1:{port}/")
    page.js(
        "const i = document.querySelector('[name=item]'); i.value = 'milk';"
        "i.dispatchEvent(new Event('input', {bubbles: true}))"
    )
    page.until("document.querySelector('#items option')?.value === 'i1'")
    assert page.js("document.querySelector('#items option').textContent") == "Milk 1 l"


def test_nothing_that_a_shop_wrote_runs(page, port):
    """Attacks in titles, ids, abouts and the address are words on the page; its policy had nothing to refuse."""
    page.spoken.clear()
    page.go(
        f"http://127.0.0.1:{port}/?placement=home&beside=%22%3E%3Cscript%3Ewindow.ran%3D1%3C/script%3E&user=ann&item=i0"
    )
    assert page.js("window.ran") is None
    assert page.js("document.querySelectorAll('script').length") == 1
    assert HOSTILE.replace(" ", "") in page.js("document.body.textContent").replace(" ", "")
    assert "{{ 7 * 7 }}" in page.js("document.body.textContent")
    assert page.spoken == []


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("beside", ["", "similar"])
def test_it_fits(page, port, width, beside):
    """On a desk and on a phone, one list or two, nothing sticks out at the side."""
    page.resize(width)
    page.go(f"http://127.0.0.1:{port}/?placement=home&beside={beside}&user=ann&item=i3")
    assert page.js("document.documentElement.scrollWidth") <= width
