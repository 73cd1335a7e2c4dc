"""When a feed was made, by its own word: what was said of a product later than that stays."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_YML = re.compile(r"<yml_catalog\b[^>]*?\bdate\s*=\s*[\"']([^\"'<]{1,64})[\"']")
_RSS = re.compile(r"<(?:lastBuildDate|pubDate)\s*>\s*([^<]{1,64}?)\s*<")
_ATOM = re.compile(r"<updated\s*>\s*([^<]{1,64}?)\s*<")
_PRODUCT = re.compile(r"<(?:item|entry|offers)\b")


def dated(start: bytes) -> int | None:
    """Seconds since 1970 UTC, from the first bytes of a feed; None where they do not say.

    A time without a zone, as YML has them, is of the zone that this machine is set to.
    """
    text = start.replace(b"\0", b"").decode("utf-8", "replace")
    head = text[: found.start()] if (found := _PRODUCT.search(text)) else text
    if told := _YML.search(head) or _ATOM.search(head):
        return _iso(told[1])
    return _mail(told[1]) if (told := _RSS.search(head)) else None


def _iso(text: str) -> int | None:
    try:
        return int(datetime.fromisoformat(text.strip()).timestamp())
    except (ValueError, OverflowError):
        return None


def _mail(text: str) -> int | None:
    """A time as mail has it (RFC 5322); without a zone it is UTC, as there."""
    try:
        found = parsedate_to_datetime(text)
        return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError, TypeError):
        return None
