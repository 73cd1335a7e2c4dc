"""How a shop's letters look and where their links lead: TOML in, frozen words out.

    version = "letter-1"
    shop = "Corner Grocer"
    link = "https://shop.example/p/{item_id}"   # of products that name no address of their own
    images = "https://shop.example/photos/"     # put before photos that are paths
    photo = "https://shop.example/{item_id}.jpg"  # of products whose photo the catalogue does not name
    price = "{amount} €"
    [light]                                     # and [dark]; colours as #rrggbb
    accent = "#0a6e4f"

A key that is not given keeps its default; an unknown one is refused by name.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from vitrina.errors import LetterError

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_FONT = re.compile(r"[\w ,'\-]+")
_SCHEMES = ("http", "https")
_NARROW, _WIDE = 320, 800


@dataclass(frozen=True)
class Palette:
    """The colours of a letter, each as #rrggbb. `accent`: buttons and prices that fell."""

    paper: str = "#f4f4f1"
    card: str = "#ffffff"
    ink: str = "#1d1f23"
    muted: str = "#63676f"
    accent: str = "#0a6e4f"
    on_accent: str = "#ffffff"
    line: str = "#e2e2dd"


DARK = Palette("#16181b", "#212429", "#f1f1ee", "#a9adb5", "#5fd0a5", "#10221b", "#363a41")


@dataclass(frozen=True)
class Style:
    """A shop's letters. `width`: pixels of the column on a desk; `columns`: products side by side there.

    `price` holds {amount}, which `decimal` and `thousands` punctuate. `unsubscribe`: an address, or nothing.
    """

    version: str = "letter-1"
    shop: str = "Our shop"
    home: str = ""
    link: str = ""
    images: str = ""
    photo: str = ""
    unsubscribe: str = ""
    address: str = ""
    language: str = "en"
    font: str = "Helvetica Neue, Helvetica, Arial, sans-serif"
    price: str = "{amount}"
    decimal: str = "."
    thousands: str = ","
    width: int = 600
    columns: int = 3
    light: Palette = Palette()
    dark: Palette = DARK
    words: Mapping[str, str] = field(default_factory=dict)

    def word(self, name: str) -> str:
        """A word of the letter in the shop's language: view, was, unsubscribe."""
        return self.words.get(name, WORDS[name])

    def money(self, amount: float) -> str:
        """An amount as the shop writes it; empty for 0, which says 'unknown'."""
        if not amount > 0:
            return ""
        plain = f"{amount:,.2f}".replace(",", "\0").replace(".", self.decimal).replace("\0", self.thousands)
        return self.price.replace("{amount}", plain)

    def product_link(self, item_id: str, url: str = "") -> str:
        """The address of a product's page: its own where the catalogue has one, or the shop's pattern."""
        return address(url) or address(_named(self.link, item_id))

    def picture(self, item_id: str, image: str = "") -> str:
        """The address of a photo; a path is looked for below `images`, none by the pattern `photo`."""
        if not image:
            return address(_named(self.photo, item_id), plain=True)
        if "://" in image:
            return address(image)
        return address(urljoin(self.images, quote(image)), plain=not self.images)


WORDS = {
    "view": "View",
    "was": "was",
    "unsubscribe": "Unsubscribe",
}


def address(url: str, *, plain: bool = False) -> str:
    """A web address, or nothing for what is none: a catalogue may hold `javascript:` and worse.

    `plain`: a bare path will do, for letters that are looked at from disk.
    """
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    if parts.scheme in _SCHEMES and parts.netloc:
        return url.strip()
    return url.strip() if plain and not parts.scheme and not parts.netloc else ""


def _named(pattern: str, item_id: str) -> str:
    return pattern.replace("{item_id}", quote(item_id, safe=""))


def read_style(file: Path) -> Style:
    """Read a style file. Raises LetterError naming file and key."""
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as reason:
        raise LetterError(f"cannot read the style {file}: {reason}") from reason
    try:
        return parse_style(table)
    except (TypeError, ValueError) as reason:
        raise LetterError(f"{file}: {reason}") from reason


def parse_style(table: Mapping[str, Any]) -> Style:
    """A style of a TOML table. Raises ValueError and TypeError naming the key."""
    given = dict(_known(table, Style, ""))
    for name, base in (("light", Palette()), ("dark", DARK)):
        if name in given:
            given[name] = replace(base, **_known(given[name], Palette, f"{name}."))
    if "words" in given:
        given["words"] = {**WORDS, **_words(given["words"])}
    style = Style(**given)
    _check(style)
    return style


def _known(table: Any, kind: type, where: str) -> Mapping[str, Any]:
    if not isinstance(table, Mapping):
        raise TypeError(f"'{where.rstrip('.')}' must be a table")
    known = {one.name: one.type for one in fields(kind)}
    for key, value in table.items():
        if key not in known:
            raise ValueError(f"unknown key '{where}{key}'; known: {', '.join(sorted(known))}")
        wanted = int if known[key] == "int" else str if known[key] == "str" else Mapping
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise TypeError(f"'{where}{key}' must be {'a number' if wanted is int else 'a text'}")
    return table


def _words(given: Mapping[str, Any]) -> dict[str, str]:
    for key, value in given.items():
        if key not in WORDS or not isinstance(value, str):
            raise ValueError(f"unknown word '{key}'; known, each a text: {', '.join(sorted(WORDS))}")
    return dict(given)


def _check(style: Style) -> None:
    for name in ("light", "dark"):
        for one in fields(Palette):
            if not _COLOUR.fullmatch(getattr(getattr(style, name), one.name)):
                raise ValueError(f"'{name}.{one.name}' must be a colour such as #0a6e4f")
    if not _FONT.fullmatch(style.font):
        raise ValueError("'font' must be font names, with commas between them")
    if "{amount}" not in style.price:
        raise ValueError("'price' must hold {amount}, as in '{amount} €'")
    if not _NARROW <= style.width <= _WIDE:
        raise ValueError(f"'width' is {style.width}; from {_NARROW} to {_WIDE} pixels")
    if not 1 <= style.columns <= 4:
        raise ValueError(f"'columns' is {style.columns}; from 1 to 4")
    for name in ("home", "link", "images", "unsubscribe"):
        if (url := getattr(style, name)) and not address(url.replace("{item_id}", "x")):
            raise ValueError(f"'{name}' is {url!r}, which is no http or https address")
