"""Letters: lists as HTML that mail programs show, and the same as plain text. Pure: words in, text out.

Tables and inlined styles, because mail programs know little else; one column on a phone, `Style.columns` on
a desk; colours of their own for dark screens; every field escaped, and links that lead nowhere but to web
addresses. A shop's own Jinja templates stand before ours, by the same names, in a sandbox.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from vitrina.errors import LetterError
from vitrina.letters.style import Style
from vitrina.request import ListedItem, Product

TEMPLATES = Path(__file__).with_name("templates")
GAP = 16
"""Pixels around a product on a desk."""


@dataclass(frozen=True)
class Card:
    """One product as a letter shows it; empty texts are left out. `image` is an address, as `link` is.

    `slot`: whether `image` is drawn when the letter is opened and says the title and price itself.
    """

    title: str
    link: str = ""
    image: str = ""
    price: str = ""
    old_price: str = ""
    reason: str = ""
    slot: bool = False


@dataclass(frozen=True)
class Shelf:
    """One list of a letter under its heading."""

    heading: str
    cards: tuple[Card, ...]


@dataclass(frozen=True)
class Letter:
    """What is said: the subject, a greeting, and shelves in order; an empty shelf is not shown."""

    subject: str
    greeting: str = ""
    shelves: tuple[Shelf, ...] = ()


@dataclass(frozen=True)
class Rendered:
    """A letter ready to be sent: `html`, its twin `text`, and `blocks`, the HTML of each shelf alone."""

    html: str
    text: str
    blocks: tuple[str, ...]


def render(letter: Letter, style: Style, templates: Path | None = None) -> Rendered:
    """The letter in a shop's style. `templates`: a folder whose letter.html, block.html and letter.txt
    stand before ours. Raises LetterError naming the template and its line."""
    shelves = tuple(one for one in letter.shelves if one.cards)
    known = {"letter": letter, "style": style, "gap": GAP, "room": style.width // style.columns - GAP}
    blocks = tuple(_filled("block.html", templates, shelf=one, **known) for one in shelves)
    return Rendered(
        html=_filled("letter.html", templates, shelves=shelves, **known),
        text=_filled("letter.txt", templates, shelves=shelves, **known),
        blocks=blocks,
    )


def card(item: ListedItem, style: Style, reason: str = "") -> Card:
    """A listed item as a card; its product's fields must have been asked for, or only its id is shown."""
    product = item.product or Product(item.item_id)
    fell = product.old_price > product.price > 0
    return Card(
        title=product.title or item.item_id,
        link=style.product_link(item.item_id, product.url),
        image=style.picture(item.item_id, product.image),
        price=style.money(product.price),
        old_price=style.money(product.old_price) if fell else "",
        reason=reason,
    )


def _filled(name: str, templates: Path | None, **known: Any) -> str:
    import jinja2

    try:
        return str(_environment(templates).get_template(name).render(**known))
    except jinja2.TemplateSyntaxError as reason:
        raise LetterError(f"template {reason.name} line {reason.lineno}: {reason.message}") from reason
    except jinja2.TemplateError as reason:
        raise LetterError(f"template {name}: {reason}; see the names in {TEMPLATES / name}") from reason


@lru_cache(maxsize=8)
def _environment(templates: Path | None) -> Any:
    """Jinja in its sandbox: a template may read what it is given, and nothing else."""
    try:
        import jinja2
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ImportError:
        raise LetterError("letters need the package jinja2; install vitrina[letters]") from None
    if templates is not None and not templates.is_dir():
        raise LetterError(f"{templates} is not a folder of templates")
    places = [jinja2.FileSystemLoader(one) for one in (templates, TEMPLATES) if one]
    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.ChoiceLoader(places),
        autoescape=lambda name: not (name or "").endswith(".txt"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["line"] = lambda text: " ".join(str(text).split())
    return environment
