"""Addresses of pictures: only ours open, only for a while, and nothing can be read from them."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.edge.slots import Expired, Opened, Seal, Sender, key_of
from vitrina.errors import LetterError
from vitrina.request import ListedItem, Product, Reason

SEAL = Seal(b"sixteen bytes or more")
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)


@settings(deadline=None)
@given(NAMES, NAMES, NAMES, st.integers(0, 2**64 - 1), st.integers(1, 2**32 - 1))
def test_round_trip(user: str, placement: str, region: str, serial: int, expires: int) -> None:
    """What was sealed opens to the same; the same letter always has the same address."""
    opened = Opened(user, (placement, "b"), 6, serial, expires, region)
    token = SEAL.token(opened)
    assert SEAL.open(token, expires - 1) == opened
    assert SEAL.token(opened) == token
    assert SEAL.token(Opened(user, (placement, "b"), 6, serial ^ 1, expires, region)) != token
    with pytest.raises(Expired):
        SEAL.open(token, expires)


@settings(deadline=None)
@given(st.data())
def test_any_change_is_refused(data: st.DataObject) -> None:
    """One bit anywhere, a cut, another key."""
    token = SEAL.token(Opened("ann", ("email_digest",), 6, 7, 2**31))
    sealed = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    changed = base64.urlsafe_b64encode(bytes(sealed)).rstrip(b"=").decode()
    for wrong in (changed, token[:-1], token + "A", ""):
        with pytest.raises(LetterError):
            SEAL.open(wrong, 0)
    with pytest.raises(LetterError):
        Seal(b"another key of some length").open(token, 0)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_refused_in_words(text: str) -> None:
    """Whatever stands in an address, the answer is a LetterError."""
    with pytest.raises(LetterError):
        SEAL.open(text, 0)


def test_it_does_not_tell_for_whom() -> None:
    """Neither the id nor anything of its bytes stands in the address."""
    token = SEAL.token(Opened("customer-4711", ("email_digest",), 6, 1, 2**31))
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert b"4711" not in raw
    assert b"email" not in raw


def test_keys_are_read_or_refused(tmp_path: Path) -> None:
    """Without the line end; one that is too short or not there is named."""
    (tmp_path / "key").write_text("0123456789abcdef\n")
    (tmp_path / "short").write_text("abc\n")
    assert key_of(tmp_path / "key") == b"0123456789abcdef"
    with pytest.raises(LetterError, match="short holds 3 bytes"):
        key_of(tmp_path / "short")
    with pytest.raises(LetterError, match="cannot read the key"):
        key_of(tmp_path / "none")


def test_a_mailing_has_an_address_for_each_slot() -> None:
    """All of a letter's slots open to the same letter; the alt text is the title, which may have changed since."""
    sender = Sender(SEAL, "https://edge.example/", ("digest", "discover"), 6, "news 1", 5000)
    item = ListedItem("i1", 1.0, (), Reason("x"), Product("i1", "Tea"))
    cards = [sender.card("ann", slot, item) for slot in (0, 7)]
    assert [one.image for one in cards] == [f"{one.link}.png" for one in cards]
    assert cards[0].title == "Tea"
    assert cards[0].slot
    tokens = {one.link.split("/")[-2] for one in cards}
    assert len(tokens) == 1
    opened = SEAL.open(tokens.pop(), 4999)
    assert (opened.user_id, opened.placement(0), opened.placement(7), opened.placement(12)) == (
        "ann",
        "digest",
        "discover",
        "",
    )
    assert sender.card("bob", 0, item).link != cards[0].link
