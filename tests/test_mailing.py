"""Letters for many: everybody once, in order, nobody's letter empty, files that a mail program can show."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from shops import make_shop, make_window
from vitrina import mailing
from vitrina.dataset import DAY
from vitrina.errors import UnknownPlacement
from vitrina.letters import Card
from vitrina.letters.style import Style

ITEMS = [f"i{number}" for number in range(6)]
NOW = 100 * DAY
PLAN = mailing.Plan("News", (("p", "For you"), ("q", "And these")), k=2)


@pytest.fixture
def engine():
    """Six items in order to everybody; what was bought does not return; bob bought everything."""
    rule = {"sources": [{"strategy": "all"}], "rebuy": "never", "fallback": []}
    events = [("ann", "i0", 1), *(("bob", one, 2) for one in ITEMS)]
    return make_window(make_shop(events, items=ITEMS), {"all": range(6)}, {"p": rule, "q": rule})


def written(engine, users, out, plan=PLAN, **more):
    """What was posted, and the index as it was written."""
    posted = mailing.write(engine, users, plan, Style(), out, NOW, lambda _line: None, **more)
    return posted, [json.loads(line) for line in (out / mailing.INDEX).read_text().splitlines()]


def test_everybody_gets_a_letter_of_their_own(engine, tmp_path):
    """In the order of the file, no product twice in a letter, nothing that was bought; twins side by side."""
    posted, index = written(engine, ["zoe", "ann"], tmp_path)
    assert (posted.letters, posted.empty) == (2, 0)
    assert [one["user_id"] for one in index] == ["zoe", "ann"]
    assert [one["item_ids"] for one in index] == [["i0", "i1", "i2", "i3"], ["i1", "i2", "i3", "i4"]]
    for one in index:
        html, text = (tmp_path / one["html"]).read_text(), (tmp_path / one["text"]).read_text()
        for item_id in one["item_ids"]:
            assert f">{item_id}<" in html
            assert f"* {item_id}" in text


def test_who_has_nothing_to_read_gets_no_letter(engine, tmp_path):
    """And is counted; the others keep the numbers of their lines."""
    posted, index = written(engine, ["bob", "ann"], tmp_path)
    assert (posted.letters, posted.empty) == (1, 1)
    assert index[0]["html"] == "000002.html"
    assert not (tmp_path / "000001.html").exists()


def test_ids_name_no_files(engine, tmp_path):
    """A customer's id never becomes a path."""
    _, index = written(engine, ["../../etc/passwd", "a" * 256], tmp_path / "out")
    assert sorted(one.name for one in (tmp_path / "out").iterdir()) == [
        "000001.html", "000001.txt", "000002.html", "000002.txt", mailing.INDEX,
    ]  # fmt: skip
    assert index[0]["user_id"] == "../../etc/passwd"


def test_pictures_of_the_moment(engine, tmp_path):
    """`draw` is asked for each slot of a letter, k of each placement; its cards stand in the letter."""
    asked = []

    def draw(user, slot, item):
        asked.append((user, slot, item.item_id))
        return Card("now", image=f"https://edge.example/e/t/{slot}.png", slot=True)

    written(engine, ["zoe"], tmp_path, draw=draw)
    assert asked == [("zoe", 0, "i0"), ("zoe", 1, "i1"), ("zoe", 2, "i2"), ("zoe", 3, "i3")]
    html = (tmp_path / "000001.html").read_text()
    assert 'src="https://edge.example/e/t/3.png"' in html
    assert ">i0<" not in html


def test_an_unknown_placement_is_said_before_anything_is_written(engine, tmp_path):
    """By its name, with those there are."""
    with pytest.raises(UnknownPlacement, match="known: p, q"):
        written(engine, ["ann"], tmp_path / "out", mailing.Plan("s", (("letter", "x"),)))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("width", [390, 800])
def test_a_browser_shows_it_without_scrolling_sideways(engine, tmp_path, width):
    """In Chromium at a phone's and a desk's width the page is no wider than the screen."""
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("chromium is not installed: apt-get install chromium")
    written(engine, ["zoe"], tmp_path)
    page = (tmp_path / "000001.html").read_text()
    # Headless windows are at least 500 wide, so the letter stands in a frame of the wanted width.
    (tmp_path / "frame.html").write_text(
        f"<iframe src='000001.html' width='{width}' height='900' style='border:0' "
        'onload="const d=this.contentDocument;document.title=[d.documentElement.scrollWidth,'
        "[...d.querySelectorAll('.cell')].filter((c,i,a)=>c.getBoundingClientRect().top=="
        "a[0].getBoundingClientRect().top).length]"
        ".join(' ')\"></iframe>"
    )
    found = subprocess.run(
        [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--allow-file-access-from-files", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom",
            (tmp_path / "frame.html").as_uri(),
        ],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    said = found.stdout.split("<title>")[1].split("</title>")[0].split()
    assert page.count('class="cell"') == 4
    assert int(said[0]) <= width
    assert int(said[1]) == 2  # two of the first block's cards stand side by side at either width
