"""What a feed says of one product, in Vitrina's words; what feeds mean by a number, a moment, yes and no."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from vitrina.readers.values import NO, YES
from vitrina.updates import Fields

_GROUPED = re.compile(r"(?<=\d)[\s\u00a0\u202f'](?=\d{3})")
_AMOUNT = re.compile(r"[+-]?\d+(?:[.,]\d+)*")


@dataclass(frozen=True)
class Offer:
    """A product of a feed. `line`: where it starts; `fields`: as in `updates`."""

    line: int
    item_id: str
    fields: Fields


@dataclass(frozen=True)
class Reject:
    """A product that cannot be used, and the `text` that is wrong. `worthless`: its price is 0 or less."""

    line: int
    item_id: str
    reason: str
    text: str = ""
    worthless: bool = False


class Unfit(ValueError):
    """A field of an offer says nothing that can be used."""

    def __init__(self, reason: str, text: str = "", *, worthless: bool = False) -> None:
        super().__init__(reason)
        self.text, self.worthless = repr(text[:40]) if text else "", worthless

    def reject(self, line: int, item_id: str) -> Reject:
        """The product that says it."""
        return Reject(line, item_id, str(self), self.text, self.worthless)


def amount(text: str, name: str) -> float | None:
    """A sum of money above 0: '1 299,90', '1,299.90 USD', 'RUB 5'; None for an empty text. Raises Unfit."""
    if not text.strip():
        return None
    found = _AMOUNT.findall(_GROUPED.sub("", text))
    if len(found) != 1:
        raise Unfit(f"{name} is no number", text)
    value = _number(found[0])
    if value <= 0:
        raise Unfit(f"{name} is not above 0", text, worthless=name == "price")
    return value


def _number(text: str) -> float:
    """A number with points or commas: the last of them is the decimal sign, unless it groups thousands."""
    signs = [one for one in text if one in ".,"]
    if not signs:
        return float(text)
    last = signs[-1]
    tail = text.rpartition(last)[2]
    grouping = signs.count(last) > 1 or (last == "," and len(tail) == 3 and len(signs) == 1)
    if grouping:
        return float(text.replace(",", "").replace(".", ""))
    other = "," if last == "." else "."
    return float(text.replace(other, "").replace(last, "."))


def flag(text: str, name: str) -> bool:
    """Yes or no, in the words of feeds, or a count. Raises Unfit."""
    word = re.sub(r"[ _-]", "", text.strip().lower())
    if word in YES.split():
        return True
    if word in NO.split():
        return False
    try:
        return float(word) > 0
    except ValueError:
        raise Unfit(f"{name} is neither yes nor no", text) from None


def moment(text: str, name: str) -> int | None:
    """Seconds since 1970 UTC of an ISO time; None for an empty text. Raises Unfit."""
    if not text.strip():
        return None
    try:
        found = datetime.fromisoformat(re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", text.strip()))
    except ValueError:
        raise Unfit(f"{name} is no time such as 2026-11-30T18:00+01:00", text) from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


def given(fields: dict[str, str]) -> dict[str, str]:
    """The texts that say something, without blanks around them or control signs in them."""
    plain = {name: re.sub(r"[\x00-\x1f\x7f]+", " ", text).strip() for name, text in fields.items()}
    return {name: text for name, text in plain.items() if text}
