"""What rule miners write into their files of baskets, and is no basket: remarks, and forms of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from vitrina.errors import DataError
from vitrina.readers.heads import is_hint
from vitrina.readers.lines import MAX_TEXT

_REMARKS, _SHOWN = ("#", "%", "@"), 2
_FORM = re.compile(r"@(CONVERTED_FROM_TEXT|ITEM=|(relation|attribute)[ \t]|data[ \t]*$)", re.IGNORECASE)
"""What SPMF and Weka write above baskets."""
_NOTE = re.compile(r"[#%][ \t]")
_SEQUENCE = re.compile(r"-?\d+( -?\d+)* -2")
_UTILITIES = re.compile(r"\d+( \d+)*:[\d.]+:[\d. -]+")
_NUMBER = re.compile(r"[0-9]{1,18}")
_MOST, _LEAST = 0.9, 20
"""Share of lines that make a form, and lines that tell that their first fields are no items."""


def is_remark(line: str) -> bool:
    """Whether a line begins as remarks do, or says what stands between fields."""
    return line.startswith(_REMARKS) or is_hint(line.strip().encode())


@dataclass
class Remarks:
    """The lines of a file of baskets that are none, told one by one from its first.

    `sign`: what stands between items; `begun`: whether a basket came, below which what begins with # may be
    a basket of hashtags. `left_out`: how many were told, `unsure` of them by how they begin; `shown`: two."""

    sign: str
    begun: bool = False
    left_out: int = 0
    unsure: int = 0
    shown: list[str] = field(default_factory=list)

    def holds(self, line: str) -> bool:
        """Whether the next line is a remark."""
        surely = bool(_FORM.match(line)) or (not self.begun and is_hint(line.strip().encode()))
        if not surely and not self._seems(line):
            self.begun = self.begun or bool(line.strip())
            return False
        self.left_out += 1
        self.unsure += not surely
        self.shown += [line[:MAX_TEXT]] if len(self.shown) < _SHOWN else []
        return True

    def _seems(self, line: str) -> bool:
        """Whether a line begins as a remark: a line that parts items is a basket, except that blanks are in
        every remark."""
        if _NOTE.match(line):
            return self.sign == " " or self.sign not in line
        return not self.begun and line.startswith(_REMARKS) and self.sign not in line


def bare(lines: Sequence[str]) -> list[str]:
    """The lines that begin as no remark does; all, where every one begins so, of hashtags."""
    return [line for line in lines if not is_remark(line)] or list(lines)


def refuse(lines: Sequence[str], file: str, sign: str) -> None:
    """Raise DataError where lines, their items split at `sign`, are no plain baskets, and say how to make
    some of them."""
    full = [line.strip() for line in lines if line.strip()]
    if _are(_SEQUENCE, full):
        raise DataError(
            f"{file} holds sequences as SPMF has them: -1 ends what was done at once, -2 who did it; write a "
            "row for each item as events.csv, with user_id, order_id, item_id and a position that counts the "
            "customer's orders"
        )
    if _are(_UTILITIES, full):
        raise DataError(
            f"{file} holds what items are worth as SPMF has it, items:sum:each; write the items alone, as "
            f"'cut -d: -f1 {file}' does"
        )
    if numbers := _rising(full, sign):
        raise DataError(
            f"the first fields of {file} rise from line to line, {', '.join(numbers[:3])} and on: "
            "they name customers or orders, and no items; write a row for each item as events.csv, with "
            "user_id,item_id or order_id,item_id, or leave the first fields out"
        )


def _rising(lines: Sequence[str], sign: str) -> list[str]:
    """The first fields of lines, where nearly all are numbers that rise, and by one, or are no items of
    others; else none."""
    rows = [[one.strip() for one in line.split(None if sign == " " else sign)] for line in lines]
    firsts = [row[0] for row in rows if len(row) > 1 and _NUMBER.fullmatch(row[0])]
    if len(firsts) < max(_LEAST, _MOST * len(rows)):
        return []
    steps = {int(after) - int(before) for before, after in pairwise(firsts)}
    own = steps == {1} or {one for row in rows for one in row[1:]}.isdisjoint(firsts)
    return firsts if min(steps) > 0 and own else []


def _are(form: re.Pattern[str], lines: Sequence[str]) -> bool:
    return bool(lines) and sum(bool(form.fullmatch(one)) for one in lines) >= _MOST * len(lines)
