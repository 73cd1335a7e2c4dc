"""Letters: what is said stays text, whatever it says; twins say the same; a shop's templates stand in front."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.errors import LetterError
from vitrina.letters import Card, Letter, Shelf, card, render
from vitrina.letters.style import Palette, Style, address, parse_style, read_style
from vitrina.request import ListedItem, Product, Reason

STYLE = Style(
    shop="Corner", home="https://s.example/", link="https://s.example/p/{item_id}", price="{amount} €"
)
HOSTILE = st.text(max_size=30) | st.sampled_from(
    [
        '"><script>alert(1)</script>',
        "{{ style }}",
        "{% raw %}",
        "' onload='x",
        "--><b>",
        "]]>",
        "&lt;",
        "\0\n\r",
    ]
)
VOID = {"meta", "br", "img"}


class Reader(HTMLParser):
    """Tags, addresses and words of a page; complains of tags that are left open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def letter(*cards: Card, subject: str = "News") -> Letter:
    return Letter(subject, "Hello", (Shelf("For you", cards),))


@settings(max_examples=150, deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
def test_every_field_stays_text(subject: str, title: str, reason: str, heading: str) -> None:
    """Promise: no field adds a tag, an attribute or an address to the page; every tag is closed."""
    plain = render(Letter("s", "g", (Shelf("h", (Card("t", reason="r"),)),)), STYLE)
    said = Letter(subject, "g", (Shelf(heading, (Card(title, reason=reason or "r"),)),))
    made, usual = Reader(render(said, STYLE).html), Reader(plain.html)
    assert made.tags == usual.tags
    assert [name for name, _ in made.attributes] == [name for name, _ in usual.attributes]
    assert made.open == []


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil.example/x", "ftp://x/y", "http:", "a b://"]
)
def test_links_lead_to_web_addresses_only(url: str) -> None:
    """A catalogue's odd address becomes no link and no picture."""
    assert address(url) == ""
    item = ListedItem("a/b c", 1.0, ("popular",), Reason("popular"), Product("a/b c", "Tea", image=url))
    made = card(item, STYLE)
    assert made.link == "https://s.example/p/a%2Fb%20c"
    assert made.image in ("", "https://s.example/p/") or "://" not in made.image


def test_photos_are_found() -> None:
    """By their own address, below the shop's folder, or by the pattern where the catalogue names none."""
    style = Style(images="https://s.example/i/", photo="https://s.example/{item_id}.jpg")
    assert style.picture("7", "https://cdn.example/x.png") == "https://cdn.example/x.png"
    assert style.picture("7", "a b/7.png") == "https://s.example/i/a%20b/7.png"
    assert style.picture("7") == "https://s.example/7.jpg"


def test_old_prices_show_when_they_were_higher() -> None:
    """And amounts are written as the shop writes them; one that is unknown is left out."""
    style = Style(price="{amount} zł", decimal=",", thousands=" ")

    def shown(price: float, old: float) -> tuple[str, str]:
        product = Product("1", "Tea", price=price, old_price=old)
        made = card(ListedItem("1", 1.0, (), Reason("x"), product), style)
        return made.price, made.old_price

    assert shown(1234.5, 2000) == ("1 234,50 zł", "2 000,00 zł")
    assert shown(10, 9) == ("10,00 zł", "")
    assert shown(0, 9) == ("", "")


def test_the_twin_says_the_same() -> None:
    """Titles, prices, reasons and addresses of the HTML stand in the text, unescaped and a line each."""
    one = Card(
        "Tea & <milk>\nfine", "https://s.example/p/1", price="2.00 €", old_price="3.00 €", reason="due again"
    )
    made = render(letter(one), STYLE)
    assert "* Tea & <milk> fine - 2.00 € (was 3.00 €)" in made.text.splitlines()
    assert "  due again" in made.text.splitlines()
    assert "  https://s.example/p/1" in made.text.splitlines()
    words = " ".join(Reader(made.html).words)
    assert "Tea & <milk>" in words
    assert "due again" in words


def test_it_is_built_as_mail_programs_need_it() -> None:
    """Layout tables only, every picture with a text beside it, dark colours, no script, no outside style."""
    html = render(letter(Card("Tea", "https://s.example/p/1", "https://s.example/1.jpg")), STYLE).html
    made = Reader(html)
    assert made.tags.count("img") == 1
    assert ("alt", "Tea") in made.attributes
    assert [value for name, value in made.attributes if name == "role"] == ["presentation"] * made.tags.count(
        "table"
    )
    assert not {"script", "link", "iframe", "form"} & set(made.tags)
    assert "prefers-color-scheme: dark" in html
    assert ("lang", "en") in made.attributes


def test_blocks_are_pieces_of_the_letter() -> None:
    """A renderer of its own takes the lists alone; empty ones are left out."""
    made = render(
        Letter("s", "", (Shelf("one", (Card("a"),)), Shelf("none", ()), Shelf("two", (Card("b"),)))), STYLE
    )
    assert len(made.blocks) == 2
    assert all(block.strip() in made.html for block in made.blocks)
    assert "none" not in made.text


def test_a_shops_templates_stand_in_front(tmp_path: Path) -> None:
    """By the same names; what they do not give is ours."""
    (tmp_path / "card.html").write_text("<p>{{ card.title }}</p>")
    made = render(letter(Card("<Tea>")), STYLE, tmp_path)
    assert "<p>&lt;Tea&gt;</p>" in made.html
    assert "* <Tea>" in made.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{% if %}", "template card.html line 1"),
        ("{{ card.titel }}", "titel"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{% include 'none.html' %}", "none.html"),
    ],
)
def test_a_faulty_template_is_named(tmp_path: Path, text: str, said: str) -> None:
    """With its line, its unknown name, or what the sandbox keeps from it."""
    (tmp_path / "card.html").write_text(text)
    with pytest.raises(LetterError, match=said):
        render(letter(Card("Tea")), STYLE, tmp_path)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"colour": "x"}, "unknown key 'colour'"),
        ({"light": {"ink": "red"}}, "light.ink"),
        ({"light": {"inc": "#000000"}}, "light.inc"),
        ({"light": 3}, "'light' must be"),
        ({"columns": 9}, "columns"),
        ({"columns": "3"}, "'columns' must be a number"),
        ({"width": 10}, "width"),
        ({"price": "€"}, "{amount}"),
        ({"home": "javascript:x"}, "home"),
        ({"font": "x;}<"}, "font"),
        ({"words": {"buy": "Kup"}}, "unknown word 'buy'"),
    ],
)
def test_a_faulty_style_is_refused_by_key(tmp_path: Path, table: dict[str, object], said: str) -> None:
    """Nothing that a style says can break out of the page."""
    with pytest.raises((ValueError, TypeError), match=said.replace("{", r"\{").replace("}", r"\}")):
        parse_style(table)
    (tmp_path / "s.toml").write_text("colour = 'x'")
    with pytest.raises(LetterError, match=r"s\.toml: unknown key 'colour'"):
        read_style(tmp_path / "s.toml")


def test_the_shipped_style_is_one() -> None:
    """models/letters/standard.toml reads, and a shop's palette changes only what it names."""
    root = Path(__file__).resolve().parents[2]
    assert read_style(root / "models" / "letters" / "standard.toml").shop == "Corner Grocer"
    assert parse_style({"light": {"ink": "#000001"}}).light == Palette(ink="#000001")
