"""XML as a stream of elements of interest, without what XML can be attacked with.

No entity is declared or expanded but the five of XML itself, nothing outside the file is ever read, and
depth, texts and attributes are bounded: memory stays flat, whatever a file says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from vitrina.errors import DataError

CHUNK = 64 << 10
MAX_DEPTH = 32
MAX_TEXT = 64 << 10
"""Characters of one element of interest: a product's whole description is shorter."""
MAX_PARTS = 4000
"""Elements and attributes inside one."""
_SEPARATOR = "\x1f"

Read = Callable[[int], bytes]


@dataclass
class Element:
    """An element of interest, at its line. `parts`: what is inside, in order, names without a prefix."""

    name: str
    line: int
    attributes: dict[str, str]
    text: str = ""
    parts: list[Element] = field(default_factory=list)

    def all(self, name: str) -> list[Element]:
        """The parts of a name."""
        return [one for one in self.parts if one.name == name]

    def said(self, name: str) -> str:
        """The text of the first part of a name; empty where there is none."""
        return next((one.text.strip() for one in self.parts if one.name == name), "")


def elements(start: bytes, read: Read, wanted: Collection[str], name: str) -> Iterator[Element]:
    """The elements called one of `wanted`, each when it ends; inside one, none is looked for.

    `start` is what was read already. Raises DataError where the file is no XML, or more than a feed needs.
    """
    walk = _Walk(frozenset(wanted), name)
    chunk = start
    try:
        while chunk:
            walk.parser.Parse(chunk, False)
            yield from walk.take()
            chunk = read(CHUNK)
        walk.parser.Parse(b"", True)
        yield from walk.take()
    except expat.ExpatError as reason:
        what = expat.errors.messages[reason.code]
        raise DataError(
            f"{name} line {reason.lineno:,}: {what}; the feed ends or breaks there, have it made anew"
        ) from None
    except (LookupError, ValueError) as reason:
        raise DataError(f"{name}: {reason}; write the feed in UTF-8") from None


class _Walk:
    """What expat tells, as elements."""

    def __init__(self, wanted: frozenset[str], name: str) -> None:
        self._wanted, self._name = wanted, name
        self._depth, self._size, self._count = 0, 0, 0
        self._open: list[Element] = []
        self._done: list[Element] = []
        self.parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._said
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.EntityDeclHandler = self._entity
        self.parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)

    def take(self) -> list[Element]:
        done, self._done = self._done, []
        return done

    def _refuse(self, what: str) -> None:
        raise DataError(f"{self._name} line {self.parser.CurrentLineNumber:,}: {what}")

    def _doctype(self, name: str, system: str | None, public: str | None, has_internal: int) -> None:
        # Old YML names shops.dtd, which is not read. Declarations in the file itself are an attack.
        if has_internal:
            self._refuse("it declares a document type of its own, which feeds have no use for; refused")

    def _entity(self, *_: object) -> None:
        self._refuse("it declares an entity, which feeds have no use for; refused")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._refuse(f"elements stand in one another more than {MAX_DEPTH} deep; refused")
        plain = tag.rpartition(_SEPARATOR)[2]
        if not self._open and plain not in self._wanted:
            return
        element = Element(plain, self.parser.CurrentLineNumber, attributes)
        self._grow(sum(map(len, attributes.values())), 1 + len(attributes))
        if self._open:
            self._open[-1].parts.append(element)
        self._open.append(element)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if not self._open:
            return
        closed = self._open.pop()
        if not self._open:
            self._done.append(closed)
            self._size, self._count = 0, 0

    def _said(self, text: str) -> None:
        if self._open:
            self._grow(len(text), 0)
            self._open[-1].text += text

    def _grow(self, size: int, count: int) -> None:
        self._size, self._count = self._size + size, self._count + count
        if self._size > MAX_TEXT or self._count > MAX_PARTS:
            self._refuse(f"one product has more than {MAX_TEXT:,} characters or {MAX_PARTS:,} parts; refused")
