"""One product as a picture: photo, title, price and the price before it, in the shop's colours and fonts.

Drawn at twice its size, as phones and laptops show it sharp. The same words give the same bytes.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from vitrina.errors import LetterError
from vitrina.letters import Card
from vitrina.letters.style import Style

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

SCALE = 2
PAD, TITLE, PRICE = 12, 14, 15
"""Pixels before scaling: margins, and the sizes of letters."""
LINES = 2
"""Lines that a title may take; what is longer ends in an ellipsis."""
PLAIN, BOLD = "DejaVuSans.ttf", "DejaVuSans-Bold.ttf"
MAX_PHOTO_BYTES = 8 << 20


@dataclass(frozen=True)
class Fonts:
    """Font files, .ttf or .otf; by default DejaVu, wherever the system keeps it."""

    plain: str = PLAIN
    bold: str = BOLD

    def load(self, size: int, *, bold: bool) -> FreeTypeFont:
        """A font of `size` pixels. Raises LetterError where a file named outright cannot be read."""
        return _font(self.bold if bold else self.plain, size * SCALE)


@lru_cache(maxsize=32)
def _font(name: str, size: int) -> FreeTypeFont:
    from PIL import ImageFont

    try:
        return ImageFont.truetype(name, size)
    except OSError as reason:
        if name not in (PLAIN, BOLD):
            raise LetterError(f"cannot read the font {name}: {reason}") from reason
        raise LetterError(
            f"the font {name} is not here; install fonts-dejavu-core, or name the shop's own with --font"
        ) from reason


def draw(card: Card, photo: bytes | None, style: Style, fonts: Fonts, room: int) -> bytes:
    """A PNG `room` pixels wide times SCALE, on the card colour. A photo that cannot be read is left out."""
    from PIL.Image import new
    from PIL.ImageDraw import Draw

    width = room * SCALE
    shot = (room - 2 * PAD) * SCALE
    title = fonts.load(TITLE, bold=True)
    lines = wrapped(card.title, title, width - 2 * PAD * SCALE)
    line = round(TITLE * 1.35 * SCALE)
    below = PAD * 3 * SCALE + shot
    height = below + line * LINES + round((PRICE * 1.6 + PAD) * SCALE)
    canvas = new("RGB", (width, height), style.light.card)
    pen = Draw(canvas)
    pen.rectangle((0, 0, width, 2 * PAD * SCALE + shot), fill="#ffffff")
    _place(canvas, pen, card, photo, shot, fonts)
    for number, text in enumerate(lines):
        pen.text((PAD * SCALE, below + number * line), text, style.light.ink, title)
    _prices(pen, card, style, fonts, below + line * LINES + 4 * SCALE)
    return _png(canvas)


def wrapped(text: str, font: FreeTypeFont, width: int) -> list[str]:
    """A text in at most LINES lines of `width` pixels, the last one cut with an ellipsis."""
    words, lines = " ".join(text.split()).split(" "), [""]
    for word in words:
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
        if len(lines) > LINES:
            break
    shown = lines[:LINES]
    if len(lines) > LINES:
        shown[-1] += "…"
    return [_cut(one, font, width) for one in shown]


def _cut(text: str, font: FreeTypeFont, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    kept = text.rstrip("…")
    while kept and font.getlength(kept + "…") > width:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def _place(canvas: Image, pen: ImageDraw, card: Card, photo: bytes | None, shot: int, fonts: Fonts) -> None:
    """The photo, whole, in the middle of its square; without one, the title's first letter."""
    from PIL import ImageOps

    image = opened(photo)
    if image is not None:
        fitted = ImageOps.contain(image, (shot, shot))
        corner = (PAD * SCALE + (shot - fitted.width) // 2, PAD * SCALE + (shot - fitted.height) // 2)
        canvas.paste(fitted, corner)
        return
    middle = PAD * SCALE + shot // 2
    pen.text((middle, middle), card.title[:1].upper(), "#63676f", fonts.load(48, bold=True), anchor="mm")


def opened(photo: bytes | None) -> Image | None:
    """A photo in RGB, what is transparent white; None where it is none, too large, or cannot be read."""
    from PIL import Image

    if not photo or len(photo) > MAX_PHOTO_BYTES:
        return None
    try:
        image = Image.open(io.BytesIO(photo), formats=("JPEG", "PNG", "WEBP"))
        image.draft("RGB", (1024, 1024))
        return image.convert("RGB") if image.mode != "RGBA" else _on_white(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None


def _on_white(image: Image) -> Image:
    from PIL.Image import new

    ground = new("RGB", image.size, "#ffffff")
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def _prices(pen: ImageDraw, card: Card, style: Style, fonts: Fonts, top: int) -> None:
    """The price, and the one before it struck through."""
    if not card.price:
        return
    font, left = fonts.load(PRICE, bold=True), PAD * SCALE
    pen.text((left, top), card.price, style.light.accent if card.old_price else style.light.ink, font)
    if card.old_price:
        start, old = left + font.getlength(card.price) + 8 * SCALE, fonts.load(PRICE - 2, bold=False)
        pen.text((start, top + 2 * SCALE), card.old_price, style.light.muted, old)
        end, middle = start + old.getlength(card.old_price), top + round(PRICE * 0.62 * SCALE)
        pen.line((start, middle, end, middle), style.light.muted, SCALE)


def _png(canvas: Image) -> bytes:
    out = io.BytesIO()
    canvas.save(out, "PNG", optimize=False)
    return out.getvalue()


@dataclass(frozen=True)
class Photos:
    """Photos of a folder by item id or by the catalogue's path; none outside it is ever read."""

    folder: Path | None = None

    def of(self, item_id: str, image: str) -> bytes | None:
        """The bytes of a product's photo, or None."""
        if self.folder is None:
            return None
        root = self.folder.resolve()
        for name in (image, *(f"{item_id}{suffix}" for suffix in (".jpg", ".png", ".webp"))):
            try:
                file = (root / name).resolve() if name and "\0" not in name else root
                if file.is_relative_to(root) and file.is_file() and file.stat().st_size <= MAX_PHOTO_BYTES:
                    return file.read_bytes()
            except OSError:
                continue
        return None
