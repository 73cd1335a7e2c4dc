"""How verbs speak: what a shop wrote is printed as it wrote it."""

from __future__ import annotations

import pytest
from rich.table import Table

from vitrina.cli.words import errors, page

THEIRS = "Toys [/sale] > x", '[evaluation] split = "lot"', "[x]y", ":bell: and [bold]loud"


@pytest.mark.parametrize("console", [page(), errors], ids=["page", "errors"])
@pytest.mark.parametrize("text", THEIRS)
def test_a_shop_s_words_are_no_markup(console, text):
    """Square brackets and colons lose nothing and raise nothing: in a line, a title, a head and a cell."""
    table = Table(text, title=text)
    table.add_row(text)
    with console.capture() as written:
        console.print(text)
        console.print(table)
    assert written.get().count(text) == 4
