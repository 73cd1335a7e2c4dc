"""Pins: what was shown first stays, no product stands twice in a letter, and nothing of it outlives the letter."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.edge.pins import Pins
from vitrina.errors import LetterError
from vitrina.request import Product


def products(*ids: str) -> list[Product]:
    return [Product(one, f"title of {one}", price=2.5) for one in ids]


@settings(deadline=None, max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 5), st.permutations("abcdefgh")), max_size=12))
def test_first_shown_stays_and_none_twice(
    tmp_path_factory: pytest.TempPathFactory, asked: list[tuple[int, list[str]]]
) -> None:
    """Promise: whatever later lists say, a slot keeps its product, and slots of a letter differ."""
    pins = Pins(tmp_path_factory.mktemp("pins"), 1 << 20)
    first: dict[int, str] = {}
    for slot, order in asked:
        found = pins.pin("t", slot, products(*order), 100)
        assert found is not None
        assert first.setdefault(slot, found.item_id) == found.item_id
        assert found.title == f"title of {found.item_id}"
    assert {slot: one.item_id for slot, one in pins.held("t").items()} == first
    assert len(set(first.values())) == len(first)
    pins.close()


def test_pictures_asked_for_at_once_differ(tmp_path: Path) -> None:
    """Thirty slots over eight threads, all with the same list; another letter is another's business."""
    pins = Pins(tmp_path, 1 << 20)
    many = products(*(f"i{one}" for one in range(30)))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda slot: pins.pin("t", slot, many, 100), range(30)))
    assert len({one.item_id for one in found if one}) == 30
    assert pins.pin("t", 31, many, 100) is None
    other = pins.pin("u", 0, many, 100)
    assert other is not None
    assert other.item_id == "i0"


def test_it_survives_its_process(tmp_path: Path) -> None:
    """A pin that was given is there after kill -9."""
    code = (
        "import os, sys; from pathlib import Path; from vitrina.edge.pins import Pins; "
        "from vitrina.request import Product; "
        "Pins(Path(sys.argv[1]), 1 << 20).pin('t', 3, [Product('i1')], 100); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path]).returncode == -9
    assert Pins(tmp_path, 1 << 20).held("t") == {3: Product("i1")}


def test_old_letters_are_swept_away(tmp_path: Path) -> None:
    """And no others."""
    pins = Pins(tmp_path, 1 << 20)
    for number in range(50):
        pins.pin(f"t{number}", 0, products("a"), number)
    assert pins.sweep(20) == 21
    assert pins.sweep(20) == 0
    assert pins.held("t20") == {}
    assert pins.held("t21") != {}


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    """What was pinned stays readable."""
    pins = Pins(tmp_path, 1 << 16)

    def fill() -> None:
        for number in range(10_000):
            pins.pin(f"t{number}", 0, [Product("a", "x" * 200)], 100)

    with pytest.raises(LetterError, match="no room for another pin"):
        fill()
    assert pins.held("t0")[0].item_id == "a"


def test_no_customer_is_named_on_disk(tmp_path: Path) -> None:
    """Neither token nor anything sealed in it."""
    pins = Pins(tmp_path, 1 << 20)
    pins.pin("token-of-ann", 0, products("i1"), 100)
    pins.close()
    assert b"token-of-ann" not in (tmp_path / "data.mdb").read_bytes()
