"""FEATURES.md claims nothing that no test shows."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "FEATURES.md").read_text()
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| feature")]
LINK = re.compile(r"\[yes\]\(([\w/]+\.py)#(test_\w+)\)")


def test_every_row_is_shown_by_a_test_or_says_no():
    """A row ends with one link or with 'no', and the linked function is in the linked file."""
    assert len(ROWS) > 30
    for row in ROWS:
        here = row.rstrip(" |").rsplit("|", 1)[1].strip()
        if here == "no":
            continue
        link = LINK.fullmatch(here)
        assert link, row
        tree = ast.parse((ROOT / link[1]).read_text())
        assert link[2] in {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}, row


def test_no_feature_is_told_twice():
    """Each row is of its own."""
    names = [row.split("|")[1].strip() for row in ROWS]
    assert len(set(names)) == len(names)
