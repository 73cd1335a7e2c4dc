"""Attribution tokens: what was shown, where, why and how likely, signed by whoever showed it.

    format u8 | time i64 | n blocks u16 | n sources u16 | n earlier u16      little-endian
    items of each block u16 ... | source of each item u16 ... | propensity of each item f16 ...
    share of each block's arm f16 ...
    placements version, bundle version, placements, arms, sources, items, earlier    NUL-joined UTF-8
    16 bytes of keyed BLAKE2b over all of the above

in base64url without padding. An item's position is its place in its block. `earlier` holds the items
of the answers that this one continued, so a page that scrolls on never repeats itself.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass
from functools import cached_property

from vitrina.errors import InvalidToken
from vitrina.listing import Listing
from vitrina.request import ListedBlock, Response

FORMAT = 2
MAX_EARLIER = 1000
MAX_BYTES = 24 << 10
"""Older items are forgotten above this, so that a token fits into the request that continues it."""
_HEAD = struct.Struct("<BqHHH")
_MAC_BYTES = 16
_CERTAIN = struct.pack("<e", 1.0)


@dataclass(frozen=True)
class ShownItem:
    """One item as it was shown. `position`: in its block, from 0; `propensity`: its chance to be in it.

    `arm`: of the placement's experiment, empty where there was none; `arm_share`: the share of its askers.
    """

    item_id: str
    placement: str
    position: int
    source: str
    propensity: float
    arm: str = ""
    arm_share: float = 1.0


@dataclass(frozen=True)
class Token:
    """What an answer showed. `time`: seconds since 1970 UTC; `earlier`: items it had to leave out."""

    time: int
    bundle_version: str
    placements_version: str
    items: tuple[ShownItem, ...]
    earlier: tuple[str, ...]

    @property
    def covered(self) -> tuple[str, ...]:
        """Every item that must not be shown again, oldest first."""
        return (*self.earlier, *(one.item_id for one in self.items))


@dataclass(frozen=True)
class Signer:
    """Makes and reads tokens with one secret key, shared by all workers of a shop."""

    key: bytes

    def token(
        self, response: Response, placements_version: str, now: int, earlier: tuple[str, ...] = ()
    ) -> str:
        """The token of an answer that had to leave out `earlier`, oldest first."""
        listings = [Listing.of(block.items) for block in response.blocks]
        places, sources = _numbered(listings)
        names = [placements_version, response.bundle_version]
        names += [block.placement for block in response.blocks]
        names += [block.arm for block in response.blocks]
        names += places
        text = b"".join(["\0".join(names).encode(), b"\0", *(one.named for one in listings)])[:-1]
        kept = _fitting(earlier, MAX_BYTES - len(text) - 4 * (len(sources) + len(listings)))
        if kept:
            text = b"\0".join((text, *(one.encode() for one in kept)))
        head = _HEAD.pack(FORMAT, now, len(response.blocks), len(places), len(kept))
        numbers = struct.pack(f"<{len(listings)}H{len(sources)}H", *map(len, listings), *sources)
        shares = struct.pack(f"<{len(listings)}e", *(block.arm_share for block in response.blocks))
        body = b"".join((head, numbers, *map(_chances, response.blocks), shares, text))
        return _armored(body + self._mac(body))

    def read(self, text: str) -> Token:
        """Check and take apart a token. Raises InvalidToken for one that this key did not sign."""
        data = _bare(text)
        body, mac = data[:-_MAC_BYTES], data[-_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(body)):
            raise InvalidToken("continue_token was not signed by this server; ask without it")
        if body[0] != FORMAT:
            raise InvalidToken(f"continue_token has format {body[0]}, not {FORMAT}; ask without it")
        return _parsed(body)

    def _mac(self, body: bytes) -> bytes:
        return hashlib.blake2b(body, digest_size=_MAC_BYTES, key=self._secret).digest()

    @cached_property
    def _secret(self) -> bytes:
        return hashlib.sha256(self.key).digest()  # BLAKE2b takes keys of up to 64 bytes


def _numbered(listings: list[Listing]) -> tuple[dict[str, int], list[int]]:
    """The sources that lead some items, each with its number, and the number of every item's."""
    places: dict[str, int] = {}
    sources: list[int] = []
    for one in listings:
        led, names = one.led, one.lists.names
        number = {own: places.setdefault(names[own], len(places)) for own in dict.fromkeys(led)}
        sources += map(number.__getitem__, led)
    return places, sources


def _chances(block: ListedBlock) -> bytes:
    """The propensity of every item."""
    if block.propensities:
        return struct.pack(f"<{len(block.propensities)}e", *block.propensities)
    return _CERTAIN * len(block.items)


def _fitting(earlier: tuple[str, ...], room: int) -> tuple[str, ...]:
    """The newest of `earlier` that fit, still oldest first."""
    first = len(earlier)
    stop = max(0, first - MAX_EARLIER)
    while first > stop:
        room -= len(earlier[first - 1].encode()) + 1
        if room < 0:
            break
        first -= 1
    return earlier[first:]


def _armored(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bare(text: str) -> bytes:
    """The bytes of a token; one spelling only, so that no two texts are the same token."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        data = b""
    if len(data) < _HEAD.size + _MAC_BYTES or _armored(data) != text:
        raise InvalidToken("continue_token is not a token; give back an attribution_token as it came")
    return data


def _parsed(body: bytes) -> Token:
    """Take apart what the key has vouched for."""
    _, time, n_blocks, n_sources, n_earlier = _HEAD.unpack_from(body)
    counts = struct.unpack_from(f"<{n_blocks}H", body, _HEAD.size)
    n_items = sum(counts)
    columns = struct.Struct(f"<{n_items}H{n_items}e{n_blocks}e")
    start = _HEAD.size + 2 * n_blocks
    numbers = columns.unpack_from(body, start)
    names = iter(body[start + columns.size :].decode().split("\0"))
    placements_version, bundle_version = next(names), next(names)
    placements, arms = ([next(names) for _ in range(n_blocks)] for _ in range(2))
    sources = [next(names) for _ in range(n_sources)]
    blocks = zip(placements, arms, numbers[2 * n_items :], counts, strict=True)
    places = [(name, at, arm, share) for name, arm, share, n in blocks for at in range(n)]
    chances = zip(places, numbers[:n_items], numbers[n_items : 2 * n_items], strict=True)
    items = tuple(
        ShownItem(next(names), name, at, sources[source], propensity, arm, share)
        for (name, at, arm, share), source, propensity in chances
    )
    earlier = tuple(next(names) for _ in range(n_earlier))
    return Token(time, bundle_version, placements_version, items, earlier)
