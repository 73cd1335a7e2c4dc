"""Audiences as files: exactly once, whole or not at all. Tables for people, lists for advertising systems.

Cells of a CSV that a spreadsheet would run as formulae get an apostrophe before them (OWASP, CSV injection).
Identifiers for advertising systems are normalised and hashed here: Google's Customer Match takes SHA-256 of a
lower-case e-mail and of a phone in E.164; Yandex Audience MD5 of both, the phone as digits; VK's lists MD5 of
one kind, one a line.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from vitrina.audience.entry import Entry
from vitrina.errors import DataError

COLUMNS = tuple(one.name for one in fields(Entry))
_RUN = ("=", "+", "-", "@", "\t", "\r")
_PHONE = re.compile(r"\d{8,15}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_RUN) else cell


def write_csv(entries: Iterable[Entry], out: Path) -> int:
    """A table with a line an entry; ids of products joined by ';'. Returns the lines written."""
    with draft(out) as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        number = 0
        for number, one in enumerate(entries, start=1):  # noqa: B007 - how many there were is returned
            writer.writerow([safe(_text(getattr(one, name))) for name in COLUMNS])
    return number


def write_parquet(entries: Iterable[Entry], out: Path) -> int:
    """The same with types: ids of products as lists, times as int64 seconds. Returns the rows written."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"since": pa.int64(), "until": pa.int64(), "send_at": pa.int64(), "hour_opens": pa.int64()}
    lists = ("about_item_ids", "item_ids")
    schema = pa.schema(
        [(n, pa.list_(pa.string()) if n in lists else kinds.get(n, pa.string())) for n in COLUMNS]
    )
    target, written = out.with_name(out.name + ".draft"), 0
    with pq.ParquetWriter(target, schema) as writer:
        for batch in _batches(entries, 10_000):
            columns = {name: [getattr(one, name) for one in batch] for name in COLUMNS}
            writer.write_table(pa.table(columns, schema))
            written += len(batch)
    target.replace(out)
    return written


def write_people(system: str, people: Iterable[Mapping[str, str]], out: Path) -> int:
    """A customer list with hashed identifiers, for a system of SYSTEMS; `people` have user_id, email, phone.

    Who has nothing that can be hashed is left out. Raises DataError for another system.
    """
    if system not in SYSTEMS:
        raise DataError(f"unknown advertising system {system!r}; known: {', '.join(SYSTEMS)}")
    head, line = SYSTEMS[system]
    with draft(out) as file:
        writer = csv.writer(file, lineterminator="\n")
        if head:
            writer.writerow(head)
        number = 0
        for person in people:
            cells = line(email(person.get("email", "")), phone(person.get("phone", "")))
            if any(cells):
                writer.writerow(cells)
                number += 1
    return number


def email(text: str) -> str:
    """An address as it is hashed: lower case, no blanks; empty where it is none."""
    plain = text.strip().lower()
    return plain if _EMAIL.fullmatch(plain) else ""


def phone(text: str) -> str:
    """A number as digits with its country code; empty where it is none."""
    digits = re.sub(r"\D", "", text)
    return digits if _PHONE.fullmatch(digits) else ""


@contextmanager
def draft(out: Path) -> Iterator[TextIOWrapper]:
    """A file that takes its name when it is whole."""
    target = out.with_name(out.name + ".draft")
    with target.open("w", encoding="utf-8", newline="") as file:
        yield file
    target.replace(out)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() if text else ""


Line = Callable[[str, str], tuple[str, ...]]
SYSTEMS: Mapping[str, tuple[tuple[str, ...], Line]] = {
    "google": (("Email", "Phone"), lambda mail, tel: (_sha256(mail), _sha256(tel and f"+{tel}"))),
    "yandex": (("email", "phone"), lambda mail, tel: (_md5(mail), _md5(tel))),
    "vk-email": ((), lambda mail, tel: (_md5(mail),)),
    "vk-phone": ((), lambda mail, tel: (_md5(tel),)),
}
"""The first line of each system's list, and its line of an e-mail and a phone."""


def _text(value: Any) -> str:
    return ";".join(value) if isinstance(value, tuple) else str(value)


def _batches(entries: Iterable[Entry], size: int) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    for one in entries:
        batch.append(one)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
