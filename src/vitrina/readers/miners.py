"""What rule miners write into their files of baskets, and is no basket: remarks, and forms of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import dropwhile, pairwise

from vitrina.errors import DataError

_REMARKS = ("#", "%", "@")
_SIGN = re.compile(r"sep=.", re.IGNORECASE)
"""The first line of a file, by which a spreadsheet says what stands between its fields."""
_SEQUENCE = re.compile(r"-?\d+( -?\d+)* -2")
_UTILITIES = re.compile(r"\d+( \d+)*:[\d.]+:[\d. -]+")
_NUMBERED = re.compile(r"(\d+)[ \t,;|]+\S")
_MOST, _LEAST = 0.9, 20
"""Share of lines that make a form, and lines that tell that their first fields are no items."""


def is_remark(line: str) -> bool:
    """Whether a line begins as remarks do, or says what stands between fields."""
    return line.startswith(_REMARKS) or bool(_SIGN.fullmatch(line.strip()))


def remarks(lines: Sequence[str]) -> tuple[str, ...]:
    """What begins the lines of a file that are remarks; nothing where most of its lines begin so,
    of hashtags. Those above the first basket do not count, they may be a list of the items."""
    rest = list(dropwhile(is_remark, lines))
    signs = (lines[0][:4],) if lines and _SIGN.fullmatch(lines[0].strip()) else ()
    return signs + (_REMARKS if 2 * sum(map(is_remark, rest)) < len(rest) else ())


def refuse(lines: Sequence[str], file: str) -> None:
    """Raise DataError where lines are no plain baskets, and say how to make some of them."""
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
    numbers = [int(found[1]) for found in map(_NUMBERED.match, full) if found]
    if len(numbers) >= max(_LEAST, len(full) / 2) and all(a < b for a, b in pairwise(numbers)):
        raise DataError(
            f"the first fields of {file} rise from line to line, {', '.join(map(str, numbers[:3]))} and on: "
            "they name customers or orders, and no items; write a row for each item as events.csv, with "
            "user_id,item_id or order_id,item_id, or leave the first fields out"
        )


def _are(form: re.Pattern[str], lines: Sequence[str]) -> bool:
    return bool(lines) and sum(bool(form.fullmatch(one)) for one in lines) >= _MOST * len(lines)
