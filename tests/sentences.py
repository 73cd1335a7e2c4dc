"""A shop's own words for reasons, compiled as its folder has them."""

from __future__ import annotations

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po


def catalogue(file: Path):
    """A .po as Babel reads it."""
    with file.open("rb") as stream:
        return read_po(stream, abort_invalid=True)


def own(folder: Path, language: str, text: str) -> Path:
    """A shop's folder of messages, with one language in it."""
    place = folder / language / "LC_MESSAGES"
    place.mkdir(parents=True)
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    (place / "vitrina.po").write_text(head + text)
    with (place / "vitrina.mo").open("wb") as out:
        write_mo(out, catalogue(place / "vitrina.po"))
    return folder
