"""Pictures of products: every title fits, odd photos are left out, the same words give the same bytes."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vitrina.edge.picture import LINES, Fonts, draw, wrapped
from vitrina.errors import LetterError
from vitrina.letters import Card
from vitrina.letters.style import Style

STYLE, FONTS = Style(), Fonts()


def photo(mode: str = "RGB", kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new(mode, (40, 90), (200, 30, 30, 128) if mode == "RGBA" else (200, 30, 30)).save(out, kind)
    return out.getvalue()


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=120), st.integers(60, 400))
def test_titles_fit(title: str, width: int) -> None:
    """Promise: at most two lines, none wider than the picture, all words in order."""
    font = FONTS.load(14, bold=True)
    lines = wrapped(title, font, width)
    assert 1 <= len(lines) <= LINES
    assert all(font.getlength(one) <= width or len(one) <= 1 for one in lines)
    whole = "".join(title.split())
    said = "".join("".join(lines).split())
    assert whole.startswith(said.rstrip("…")) or "…" in said


@pytest.mark.parametrize("data", [None, b"", b"no picture", photo()[:60], photo(kind="GIF"), photo("RGBA")])
def test_any_photo_gives_a_picture(data: bytes | None) -> None:
    """One that is missing, broken or of another kind is left out; its product is shown all the same."""
    card = Card("Żółty płaszcz", price="12,50 €", old_price="20,00 €")
    made = draw(card, data, STYLE, FONTS, 184)
    image = Image.open(io.BytesIO(made))
    assert image.size[0] == 368
    assert made == draw(card, data, STYLE, FONTS, 184)


def test_a_photo_is_in_it() -> None:
    """In the middle of its white square."""
    image = Image.open(io.BytesIO(draw(Card("Tea"), photo(), STYLE, FONTS, 184)))
    assert image.getpixel((184, 184)) == (200, 30, 30)
    assert image.getpixel((2, 2)) == (255, 255, 255)


def test_a_font_that_is_not_there_is_named() -> None:
    """The shop's own by its file."""
    with pytest.raises(LetterError, match=r"cannot read the font /none\.ttf"):
        Fonts("/none.ttf", "/none.ttf").load(12, bold=True)
