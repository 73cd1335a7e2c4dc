"""Failpoints: named places where a trial may kill this process, as a power cut would.

`VITRINA_FAILPOINTS="commit.before=0.01 compact.switched=1"` kills at those places with that chance. Without
the variable, which is read once, reaching one costs a lookup in an empty dictionary.
"""

from __future__ import annotations

import os
import random
import signal

VARIABLE = "VITRINA_FAILPOINTS"
NAMES = (
    "apply.after",
    "commit.before",
    "commit.after",
    "compact.copied",
    "compact.switched",
    "retain.before",
    "erase.before",
)


def parse(text: str) -> dict[str, float]:
    """The chance of each named place. Raises ValueError for names that are none."""
    chances = dict(one.split("=") for one in text.split())
    for name in chances:
        if name not in NAMES:
            raise ValueError(f"{VARIABLE} names {name!r}, which is no failpoint; known: {', '.join(NAMES)}")
    return {name: float(chance) for name, chance in chances.items()}


_CHANCES = parse(os.environ.get(VARIABLE, ""))


def reach(name: str) -> None:
    """Die here, if so told, without a word to anybody."""
    chance = _CHANCES.get(name, 0.0)
    if chance and random.random() < chance:  # noqa: S311
        os.kill(os.getpid(), signal.SIGKILL)
