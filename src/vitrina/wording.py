"""Reasons as sentences in the shopper's language: "Because you bought Milk 1 l".

Messages are gettext's. English is what the code says; `locales/<language>/LC_MESSAGES/vitrina.po` has the
others, and beside it the compiled .mo (`make messages`). A shop's own folder of the same shape stands
before ours, message by message, English included. Nothing is read after `Wording.open`.
"""

from __future__ import annotations

import gettext
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from vitrina.errors import WordingError

LOCALES = Path(__file__).with_name("locales")
DOMAIN = "vitrina"
LONGEST = 80
"""Letters of a product's title in a sentence."""
WEEK, MONTH = 7.0, 30.44
"""Days."""

ABOUT = {
    "bought": (
        "Because you bought {title}",
        "Because you bought {title} and {other}",
        "Based on what you bought",
    ),
    "viewed": (
        "Because you looked at {title}",
        "Because you looked at {title} and {other}",
        "Based on what you looked at",
    ),
    "cart": (
        "Because {title} is in your cart",
        "Because {title} and {other} are in your cart",
        "Goes with your cart",
    ),
    "seen": (
        "Others who looked at {title} chose this",
        "Others who looked at {title} and {other} chose this",
        "Others chose this too",
    ),
    "goes": ("Goes with {title}", "Goes with {title} and {other}", "Goes with your choice"),
    "alike": ("Similar to {title}", "Similar to {title} and {other}", "Similar to your choice"),
    "looks": ("Looks like {title}", "Looks like {title} and {other}", "Looks like your choice"),
    "next": ("Often follows {title}", "Often follows {title} and {other}", "A usual next step"),
    "rule": (
        "{share} of those who took {title} also took this",
        "{share} of those who took {title} and {other} also took this",
        "Often taken together",
    ),
}
"""Kinds of grounds that speak of products: the sentence about one, about two, about none that is named."""
EVERY = {
    "due": (
        ("Due again: you buy it about every day", "Due again: you buy it about every {count} days"),
        ("Due again: you buy it about every week", "Due again: you buy it about every {count} weeks"),
        ("Due again: you buy it about every month", "Due again: you buy it about every {count} months"),
    ),
    "habit": (
        ("You buy it about every day", "You buy it about every {count} days"),
        ("You buy it about every week", "You buy it about every {count} weeks"),
        ("You buy it about every month", "You buy it about every {count} months"),
    ),
    "lasts": (
        ("Due again: it lasts about a day", "Due again: it lasts about {count} days"),
        ("Due again: it lasts about a week", "Due again: it lasts about {count} weeks"),
        ("Due again: it lasts about a month", "Due again: it lasts about {count} months"),
    ),
}
"""Kinds that speak of a rhythm: in days, weeks, months; of one, and of several."""
WHERE = {
    "popular": ("Popular with our customers", "Popular in {region}"),
    "popular_week": ("Popular this week", "Popular in {region} this week"),
    "popular_month": ("Popular this month", "Popular in {region} this month"),
    "rising": ("Rising fast", "Rising fast in {region}"),
}
"""Kinds that speak of everybody: everywhere, and in a region."""
PLAIN = {
    "again": "You have bought it before",
    "looked": "You looked at it",
    "waiting": "It is in your cart",
    "people": "Customers like you choose this",
    "new": "New in our shop",
    "picked": "Picked by our team",
    "chosen": "Chosen for you",
}
"""Kinds that need no word more."""
SHARE = "{number} %"
KINDS = frozenset({*ABOUT, *EVERY, *WHERE, *PLAIN})
_HOLE = re.compile(r"\{([a-z]+)\}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*")


@dataclass(frozen=True)
class Ground:
    """Why a product is listed, in the terms that a sentence is made of.

    `kind`: of KINDS. `titles`: of the products that it follows from, those that count most first. `share`:
    of those who took them, between 0 and 1. `days`: between two purchases. `region`: its name, or empty.
    """

    kind: str = "chosen"
    titles: tuple[str, ...] = ()
    share: float = 0.0
    days: float = 0.0
    region: str = ""


@dataclass(frozen=True)
class Wording:
    """Sentences of some languages. `chains`: for each language its catalogues, first asked first."""

    languages: Mapping[str, tuple[gettext.GNUTranslations, ...]] = field(default_factory=dict)

    @classmethod
    def open(cls, own: Path | None = None) -> Wording:
        """Our catalogues, and before them those of a shop's folder. Raises WordingError naming the file."""
        if own is not None and not own.is_dir():
            raise WordingError(f"{own} is not a folder of <language>/LC_MESSAGES/{DOMAIN}.mo")
        found: dict[str, tuple[gettext.GNUTranslations, ...]] = {}
        for folder in (own, LOCALES) if own else (LOCALES,):
            files = sorted(folder.glob(f"*/LC_MESSAGES/{DOMAIN}.mo"))
            if not files:
                raise WordingError(
                    f"{folder} holds no <language>/LC_MESSAGES/{DOMAIN}.mo; compile the .po files"
                )
            for file in files:
                language = _plain(file.parts[-3])
                found[language] = (*found.get(language, ()), _read(file))
        return cls(found)

    def sentence(self, locale: str, ground: Ground) -> str:
        """The sentence in a locale such as "pl-PL": in it, in its language, or in English."""
        if ground.kind in EVERY:
            return self._rhythm(locale, ground)
        message, values = _message(ground)
        percent = {"number": str(max(round(100 * ground.share), 1))}
        return _filled(
            self._said(locale, message), {**values, "share": _filled(self._said(locale, SHARE), percent)}
        )

    def _rhythm(self, locale: str, ground: Ground) -> str:
        days = max(ground.days, 1.0)
        unit = 0 if days < 1.5 * WEEK else 1 if days < 2 * MONTH else 2
        count = max(round(days / (1.0, WEEK, MONTH)[unit]), 1)
        one, several = EVERY[ground.kind][unit]
        if count == 1:
            return self._said(locale, one)
        return _filled(self._counted(locale, several, count), {"count": str(count)})

    def _said(self, locale: str, message: str) -> str:
        for catalogue in self._chain(locale):
            if (said := catalogue.gettext(message)) != message:
                return said
        return message

    def _counted(self, locale: str, message: str, count: int) -> str:
        """The form of a message for a count. Its singular is itself: some languages' holds for 21 too."""
        for catalogue in self._chain(locale):
            if (said := catalogue.ngettext(message, message, count)) != message:
                return said
        return message

    def _chain(self, locale: str) -> tuple[gettext.GNUTranslations, ...]:
        """The catalogues of a locale, then those of its language without region or script, then English."""
        if not _LANGUAGE.fullmatch(locale):
            return self.languages.get("en", ())
        steps, chain = _plain(locale).split("_"), list[gettext.GNUTranslations]()
        for end in range(len(steps), 0, -1):
            chain += self.languages.get("_".join(steps[:end]), ())
            if steps[:end] == ["en"]:
                return tuple(chain)
        # A language that nobody has is answered in English whole, never in two languages.
        return tuple(chain) if chain else self.languages.get("en", ())


@lru_cache(maxsize=1)
def ours() -> Wording:
    """Our own catalogues, read once."""
    return Wording.open()


def _message(ground: Ground) -> tuple[str, dict[str, str]]:
    """The English message of a ground without a rhythm, and what fills it."""
    if ground.kind in ABOUT:
        titles = [short for one in ground.titles[:2] if (short := _short(one))]
        message = ABOUT[ground.kind][(2, 0, 1)[len(titles)]]
        return message, dict(zip(("title", "other"), titles, strict=False))
    if ground.kind in WHERE:
        region = _short(ground.region)
        return WHERE[ground.kind][bool(region)], {"region": region}
    return PLAIN[ground.kind], {}


def _filled(message: str, values: Mapping[str, str]) -> str:
    """The message with its holes filled; what fills them is never looked into."""
    return _HOLE.sub(lambda hole: values.get(hole[1], ""), message)


def _short(title: str) -> str:
    """A title on one line, cut where it is long."""
    line = " ".join("".join(one if one.isprintable() else " " for one in title).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"


def _plain(locale: str) -> str:
    """A locale as folders are called: pl-PL and pl_PL are one."""
    return locale.replace("-", "_").lower()


def _read(file: Path) -> gettext.GNUTranslations:
    try:
        with file.open("rb") as stream:
            return gettext.GNUTranslations(stream)
    except (OSError, ValueError, LookupError, struct.error) as reason:
        raise WordingError(f"{file} is no catalogue of messages: {reason}; compile its .po again") from reason
