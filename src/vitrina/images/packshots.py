"""Drawn pack-shots for products without photos: a shape by category, colours by category and brand.

The same words always draw the same picture. They are drawings, and whoever shows them says so.
"""

from __future__ import annotations

import colorsys
import hashlib
import io
import re
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

SIZE = 224
UNBRANDED = (72, 78, 90)
SCALE = 2
"""Drawn larger and scaled down: Pillow draws no smooth edges."""

Ink = tuple[int, int, int]
Box = tuple[float, float, float, float]

SHAPES = {
    "bottle": "wine beer liquor drink water juice oil soda shampoo syrup cleaner detergent sauce dressing",
    "can": "soup bean canned cat dog tuna vegetables shelf soft energy ale",
    "carton": "milk cream egg broth refrgratd dairy",
    "jar": "spice jam jelly butter honey pickle relish coffee salsa candle vitamin baby mayonnaise",
    "bag": "snack chip candy bread bun roll flour sugar frozen frzn salad diaper pet rice pretzel nut toilet",
    "tray": "meat beef pork chicken fish seafood deli sausage ham turkey lamb bacon lunchmeat",
    "round": "fruit apple vegetable produce orange berry potato tomato onion lettuce melon banana grape",
    "tub": "yogurt ice margarine cheese dip spread cottage sherbet",
    "tube": "oral tooth makeup deodorant shaving lotion hair hand face facial",
    "sheet": "card magazine book stationery newspaper paperback gift wrap envelope",
    "box": "cereal cracker cookie pizza tea mix pasta noodle cake bar medicine tissue soap analgesic",
}
PLAIN = ("bag", "bottle", "box", "can", "jar", "tube")
"""Packs that could hold anything, for words that say nothing."""


def draw(title: str, category: str = "", brand: str = "", size: int = SIZE) -> bytes:
    """A PNG of a pack on white, `size` pixels square; the same for the same words."""
    from PIL.Image import Resampling, new
    from PIL.ImageDraw import Draw

    steps = [step.strip() for step in re.split(r"[\x1f>]", category) if step.strip()] or [title]
    canvas = new("RGB", (SIZE * SCALE, SIZE * SCALE), "white")
    pen = Draw(canvas)
    body = _ink(_share("hue", steps[min(1, len(steps) - 1)]), 0.55, 0.80)
    trim = _ink(_share("trim", brand), 0.70, 0.45) if brand else UNBRANDED
    pen.ellipse(_box(48, 196, 176, 210), fill=(232, 232, 232))
    label = FORMS[shape(category, title)](pen, body, trim)
    _print(pen, label, title or steps[-1], trim)
    return _png(canvas.resize((size, size), Resampling.LANCZOS))


def shape(category: str, title: str = "") -> str:
    """The kind of pack that the words speak of; the category's last words count before its first."""
    steps = [step for step in re.split(r"[\x1f>]", category) if step.strip()]
    for words in (*reversed(steps), title):
        found = re.findall(r"[a-z]+", words.lower())
        for name, signs in SHAPES.items():
            if any(word.removesuffix("s") in signs.split() or word in signs.split() for word in found):
                return name
    return PLAIN[int(_share("shape", steps[-1] if steps else title) * len(PLAIN))]


def _share(salt: str, words: str) -> float:
    """A number in [0, 1) that hangs on the words alone."""
    return int.from_bytes(hashlib.sha256(f"{salt}:{words.lower()}".encode()).digest()[:4], "big") / 2**32


def _ink(hue: float, saturation: float, value: float) -> Ink:
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def _lighter(ink: Ink, share: float = 0.45) -> Ink:
    red, green, blue = (round(part + (255 - part) * share) for part in ink)
    return red, green, blue


def _box(left: float, top: float, right: float, bottom: float) -> Box:
    return left * SCALE, top * SCALE, right * SCALE, bottom * SCALE


def _png(canvas: Image) -> bytes:
    file = io.BytesIO()
    canvas.save(file, "PNG", optimize=True)
    return file.getvalue()


def _print(pen: ImageDraw, box: Box, text: str, ink: Ink) -> None:
    """The text on a white label, as large as fits in three lines."""
    from PIL import ImageFont

    left, top, right, bottom = box
    pen.rounded_rectangle(box, radius=6 * SCALE, fill="white", outline=ink, width=2 * SCALE)
    for points in range(15, 6, -1):
        font = ImageFont.load_default(points * SCALE)
        width = max(4, int((right - left) / (0.58 * points * SCALE)))
        lines = textwrap.wrap(text, width, break_long_words=points < 9, break_on_hyphens=False)[:3]
        height = len(lines) * points * SCALE * 1.2
        widest = max((font.getlength(line) for line in lines), default=0)
        if widest < right - left - 8 * SCALE and height < bottom - top - 4 * SCALE:
            break
    for number, line in enumerate(lines):
        y = (top + bottom - height) / 2 + (number + 0.5) * points * SCALE * 1.2
        pen.text(((left + right) / 2, y), line, fill=ink, font=font, anchor="mm")


def _bottle(pen: ImageDraw, body: Ink, trim: Ink) -> Box:
    pen.rounded_rectangle(_box(97, 14, 127, 34), 4 * SCALE, fill=trim)
    pen.rectangle(_box(101, 34, 123, 74), fill=body)
    pen.pieslice(_box(72, 56, 152, 136), 180, 360, fill=body)
    pen.rectangle(_box(72, 96, 152, 150), fill=body)
    pen.rounded_rectangle(_box(72, 96, 152, 204), 10 * SCALE, fill=body)
    pen.rectangle(_box(80, 100, 86, 196), fill=_lighter(body))
    return _box(72, 112, 152, 176)


def _can(pen: ImageDraw, body: Ink, trim: Ink) -> Box:
    pen.rectangle(_box(66, 50, 158, 190), fill=body)
    pen.ellipse(_box(66, 176, 158, 204), fill=body)
    pen.ellipse(_box(66, 36, 158, 64), fill=(205, 208, 212), outline=(150, 154, 160), width=2 * SCALE)
    pen.rectangle(_box(66, 66, 158, 74), fill=trim)
    pen.rectangle(_box(66, 176, 158, 184), fill=trim)
    return _box(66, 92, 158, 160)


def _carton(pen: ImageDraw, body: Ink, trim: Ink) -> Box:
    pen.polygon([x * SCALE for x in (66, 78, 84, 34, 140, 34, 158, 78)], fill=_lighter(body))
    pen.rectangle(_box(84, 22, 140, 36), fill=trim)
    pen.rectangle(_box(66, 78, 158, 204), fill=body)
    pen.ellipse(_box(100, 48, 124, 72), fill=trim)
    return _box(74, 108, 150, 176)


def _jar(pen: ImageDraw, body: Ink, trim: Ink) -> Box:
    pen.rounded_rectangle(_box(62, 40, 162, 68), 6 * SCALE, fill=trim)
    pen.rounded_rectangle(_box(56, 66, 168, 204), 20 * SCALE, fill=body)
    pen.rounded_rectangle(_box(64, 78, 72, 190), 4 * SCALE, fill=_lighter(body))
    return _box(62, 100, 162, 170)


def _bag(pen: ImageDraw, body: Ink, trim: Ink) -> Box:
    teeth = [(58 + 9 * step, 26 + 8 * (step % 2)) for step in range(13)]
    feet = [(58 + 9 * step, 198 + 8 * (step % 2)) for step in range(12, -1, -1)]
    pen.polygon([(x * SCALE, y * SCALE) for x, y in teeth + feet], fill=body)
    pen.rectangle(_box(58, 40, 166, 50), fill=trim)
    pen.rectangle(_box(58, 186, 166, 192), fill=_lighter(body))
    return _box(68, 80, 156, 156)


def _tray(pen: ImageDraw, body: Ink, trim: Ink) -> Box:
    pen.rounded_rectangle(
        _box(22, 80, 202, 200), 14 * SCALE, fill=(238, 238, 234), outline=trim, width=4 * SCALE
    )
    for left, top in ((36, 94), (92, 90), (146, 98)):
        pen.ellipse(_box(left, top, left + 46, top + 84), fill=body)
        pen.ellipse(_box(left + 12, top + 18, left + 26, top + 40), fill=_lighter(body))
    return _box(60, 136, 164, 192)


def _round(pen: ImageDraw, body: Ink, trim: Ink) -> Box:
    for left, top in ((24, 92), (112, 92), (68, 44)):
        pen.ellipse(_box(left, top, left + 88, top + 88), fill=body)
        pen.ellipse(_box(left + 16, top + 14, left + 36, top + 32), fill=_lighter(body, 0.6))
        pen.line(_box(left + 44, top + 6, left + 50, top - 10), fill=trim, width=5 * SCALE)
    return _box(52, 148, 172, 204)


def _tub(pen: ImageDraw, body: Ink, trim: Ink) -> Box:
    pen.polygon([x * SCALE for x in (42, 92, 182, 92, 164, 204, 60, 204)], fill=body)
    pen.rounded_rectangle(_box(34, 72, 190, 96), 8 * SCALE, fill=trim)
    return _box(66, 116, 158, 180)


def _tube(pen: ImageDraw, body: Ink, trim: Ink) -> Box:
    pen.polygon([x * SCALE for x in (74, 22, 150, 22, 140, 168, 84, 168)], fill=body)
    pen.rectangle(_box(72, 18, 152, 30), fill=_lighter(body))
    pen.rounded_rectangle(_box(90, 168, 134, 204), 5 * SCALE, fill=trim)
    return _box(78, 62, 146, 128)


def _sheet(pen: ImageDraw, body: Ink, trim: Ink) -> Box:
    pen.rectangle(_box(62, 34, 176, 204), fill=_lighter(trim))
    pen.rectangle(_box(50, 24, 164, 196), fill=body)
    pen.ellipse(_box(76, 38, 138, 100), fill=_lighter(body))
    return _box(58, 116, 156, 180)


def _carton_box(pen: ImageDraw, body: Ink, trim: Ink) -> Box:
    dark: Ink = (round(body[0] * 0.72), round(body[1] * 0.72), round(body[2] * 0.72))
    pen.polygon([x * SCALE for x in (158, 38, 184, 26, 184, 192, 158, 204)], fill=dark)
    pen.polygon([x * SCALE for x in (46, 38, 158, 38, 184, 26, 72, 26)], fill=_lighter(body))
    pen.rectangle(_box(46, 38, 158, 204), fill=body)
    pen.rectangle(_box(46, 52, 158, 70), fill=trim)
    return _box(54, 92, 150, 168)


FORMS: dict[str, Callable[[ImageDraw, Ink, Ink], Box]] = {
    "bottle": _bottle,
    "can": _can,
    "carton": _carton,
    "jar": _jar,
    "bag": _bag,
    "tray": _tray,
    "round": _round,
    "tub": _tub,
    "tube": _tube,
    "sheet": _sheet,
    "box": _carton_box,
}
