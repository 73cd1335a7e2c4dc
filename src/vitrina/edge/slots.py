"""Addresses of a letter's open-time pictures: sealed, expiring, and nobody can read from them for whom.

    format u8 | expires u32, seconds since 1970 UTC | serial u64 | slots of each placement u8
    user, region, placements in the order of the letter, NUL-joined UTF-8

encrypted and authenticated by AES-SIV (RFC 5297), in base64url without padding. It needs no nonce: the same
letter always has the same address, and another letter (another `serial`) another.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from vitrina.errors import LetterError
from vitrina.letters import Card
from vitrina.request import ListedItem

FORMAT = 1
MAX_TOKEN = 2048
"""Characters; longer ones are not looked at."""
MIN_KEY = 16
_HEAD = struct.Struct("<BIQB")


class Expired(LetterError):
    """The letter is older than its pictures are kept."""


@dataclass(frozen=True)
class Opened:
    """Whose letter it is. `placements`: each has `k` slots, one after the other. `serial` tells two letters
    to one customer apart; `expires`: seconds since 1970 UTC."""

    user_id: str
    placements: tuple[str, ...]
    k: int
    serial: int
    expires: int
    region: str = ""

    def placement(self, slot: int) -> str:
        """The placement that a slot is of; empty where the letter has no such slot."""
        return self.placements[slot // self.k] if slot < self.k * len(self.placements) else ""


@dataclass(frozen=True)
class Seal:
    """Makes and opens tokens with a shop's secret key, of 16 bytes or more."""

    key: bytes

    def token(self, opened: Opened) -> str:
        """The token of a letter; the same for the same letter."""
        names = "\0".join((opened.user_id, opened.region, *opened.placements)).encode()
        plain = _HEAD.pack(FORMAT, opened.expires, opened.serial, opened.k) + names
        return base64.urlsafe_b64encode(self._cipher.encrypt(plain, None)).rstrip(b"=").decode()

    def open(self, token: str, now: int) -> Opened:
        """The letter of a token. Raises Expired, and LetterError for what this key did not seal."""
        from cryptography.exceptions import InvalidTag

        try:
            if len(token) > MAX_TOKEN:
                raise ValueError("too long")
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            plain = self._cipher.decrypt(sealed, None)
        except (binascii.Error, ValueError, InvalidTag):
            raise LetterError("this address is not of a letter that was sent from here") from None
        _, expires, serial, k = _HEAD.unpack_from(plain)
        user_id, region, *placements = plain[_HEAD.size :].decode().split("\0")
        if expires <= now:
            raise Expired("the letter is too old; its pictures are kept no longer")
        return Opened(user_id, tuple(placements), k, serial, expires, region)

    @cached_property
    def _cipher(self) -> Any:
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESSIV
        except ImportError:
            raise LetterError(
                "open-time pictures need the package cryptography; install vitrina[edge]"
            ) from None
        return AESSIV(hashlib.blake2b(self.key, digest_size=64, person=b"vitrina slots").digest())


@dataclass(frozen=True)
class Sender:
    """Puts a mailing's slots into its letters. `edge`: the address of `vitrina edge`; `mailing`: what tells
    this mailing from others; `expires`: seconds since 1970 UTC."""

    seal: Seal
    edge: str
    placements: tuple[str, ...]
    k: int
    mailing: str
    expires: int

    def card(self, user_id: str, slot: int, item: ListedItem) -> Card:
        """The card of a slot of one customer's letter; its words are for who sees no pictures."""
        token = self._token(user_id)
        place = f"{self.edge.rstrip('/')}/e/{token}/{slot}"
        title = item.product.title if item.product else ""
        return Card(title or item.item_id, place, f"{place}.png", slot=True)

    def _token(self, user_id: str) -> str:
        said = hashlib.blake2b(f"{self.mailing}\0{user_id}".encode(), digest_size=8).digest()
        serial = int.from_bytes(said, "little")
        return self.seal.token(Opened(user_id, self.placements, self.k, serial, self.expires))


def key_of(file: Path) -> bytes:
    """A key file's content without its line end. Raises LetterError where it is too short to be one."""
    try:
        key = file.read_bytes().strip()
    except OSError as reason:
        raise LetterError(f"cannot read the key {file}: {reason}") from reason
    if len(key) < MIN_KEY:
        raise LetterError(f"{file} holds {len(key)} bytes; a key has {MIN_KEY} or more: openssl rand -hex 32")
    return key
