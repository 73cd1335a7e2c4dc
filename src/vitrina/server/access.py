"""Who may ask what: tokens with scopes, by a file that is read again when it changes.

A client carries `authorization: Bearer vitrina_ID_SECRET`. The file has for each token its id, the client's
name, its scopes, when it expires, and the SHA-256 of the whole text, never the text itself: the secret has
256 random bits, so its plain hash tells nothing. A method that is not in SCOPES is refused to everybody.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from vitrina.errors import Forbidden, ServerError, TooFast, Unauthenticated, VitrinaError
from vitrina.server.limits import Bucket
from vitrina.server.log import say

FORMAT = 1
OPEN = "open"
"""What a method asks for that anybody may call."""
SCOPES: dict[str, str] = {
    "/vitrina.v1.RecommendationService/Recommend": "site",
    "/vitrina.v1.RecommendationService/BatchRecommend": "email",
    "/vitrina.v1.RecommendationService/Explain": "admin",
    "/vitrina.v1.EventService/Record": "events",
    "/vitrina.v1.CatalogService/UpdateItems": "catalog",
    "/vitrina.v1.CatalogService/ListItemUpdates": "catalog",
    "/vitrina.v1.AudienceService/Export": "retargeting",
    "/vitrina.v1.ModelService/ListModels": "admin",
    "/vitrina.v1.ModelService/ActivateModel": "admin",
    "/vitrina.v1.ModelService/RollBackModel": "admin",
    "/vitrina.v1.ModelService/GetPlacements": "admin",
    "/vitrina.v1.ModelService/ApplyPlacements": "admin",
    "/vitrina.v1.PrivacyService/MergeUsers": "admin",
    "/vitrina.v1.PrivacyService/ForgetUser": "admin",
    "/grpc.health.v1.Health/Check": OPEN,
    "/grpc.health.v1.Health/Watch": OPEN,
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": OPEN,
}
"""The one table from methods to the scope that they need."""
NAMES = ("site", "email", "retargeting", "events", "catalog", "admin")
_LOOK_S = 1.0
_PREFIX = "vitrina"
_NOBODY = "0" * 64


@dataclass(frozen=True)
class Grant:
    """What one token allows. `expires`: seconds since 1970 UTC, 0 for never; `rate`: calls a second of
    this client on this host, 0 for no limit, and `burst`: how many of them at once."""

    id: str
    client: str
    scopes: tuple[str, ...]
    sha256: str
    expires: int = 0
    rate: float = 0.0
    burst: float = 0.0


@dataclass(frozen=True)
class Tokens:
    """The grants of a file, by the ids of their tokens."""

    grants: Mapping[str, Grant] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> Tokens:
        """The tokens of a file. Raises ServerError where it cannot be read or says something unknown."""
        try:
            told = json.loads(file.read_bytes())
            if told["format"] != FORMAT:
                raise ValueError(f"format {told['format']!r} is not {FORMAT}")
            return cls({one.id: one for one in map(_grant, told["tokens"])})
        except OSError as reason:
            raise ServerError(f"cannot read the tokens {file}: {reason}") from None
        except (ValueError, TypeError, KeyError, AttributeError) as reason:
            raise ServerError(
                f"the tokens {file} are not a tokens file: {reason}; make one with 'vitrina tokens new'"
            ) from None

    def write(self, file: Path) -> None:
        """Replace a file in one step, readable by its owner only."""
        text = json.dumps(
            {"format": FORMAT, "tokens": [asdict(one) for one in self.grants.values()]}, indent=1
        )
        handle, draft = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
        with os.fdopen(handle, "w") as stream:
            stream.write(text + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        Path(draft).replace(file)

    def issued(
        self, client: str, scopes: Iterable[str], expires: int = 0, rate: float = 0.0, burst: float = 0.0
    ) -> tuple[str, Tokens]:
        """A new token's text, which nothing can tell again, and the tokens with its grant."""
        found = tuple(scopes)
        if unknown := set(found) - set(NAMES):
            raise ServerError(f"unknown scope {sorted(unknown)[0]!r}; known: {', '.join(NAMES)}")
        number = secrets.token_hex(4)
        text = f"{_PREFIX}_{number}_{secrets.token_urlsafe(32)}"
        grant = Grant(number, client, found, _sha256(text), expires, rate, burst or 2 * rate)
        return text, Tokens({**self.grants, number: grant})

    def revoked(self, number: str) -> Tokens:
        """The tokens without one. Raises ServerError where there is none of that id."""
        if number not in self.grants:
            raise ServerError(f"no token has the id {number!r}; see 'vitrina tokens list'")
        return Tokens({name: one for name, one in self.grants.items() if name != number})

    def grant(self, text: str, now: int) -> Grant:
        """What a token allows at `now`, seconds since 1970 UTC. Raises Unauthenticated.

        Its hash is compared in constant time; which part of a wrong one was right cannot be measured.
        """
        if not text:
            raise Unauthenticated("the call carries no token; send 'authorization: Bearer ...'")
        number = text.removeprefix(f"{_PREFIX}_").partition("_")[0]
        found = self.grants.get(number)
        if not hmac.compare_digest(_sha256(text), found.sha256 if found else _NOBODY) or not found:
            raise Unauthenticated(
                "the token is unknown here or was revoked; ask the shop's operator for another"
            )
        if found.expires and now >= found.expires:
            raise Unauthenticated(f"token {found.id} has expired; ask the shop's operator for another")
        return found


@dataclass(eq=False)
class Access:
    """Decides about calls by what their headers say. Without a file everybody may ask everything.

    `share`: this process's part of a host's rates. `clock`: seconds since 1970; `ticks`: seconds that
    never step back.
    """

    file: Path | None
    clock: Callable[[], float]
    ticks: Callable[[], float]
    share: float = 1.0
    tokens: Tokens = field(default_factory=Tokens)
    _seen: tuple[int, int] = (0, 0)
    _looked: float = float("-inf")
    _buckets: dict[str, tuple[Grant, Bucket]] = field(default_factory=dict)

    def open(self) -> None:
        """Read the file for the first time. Raises ServerError."""
        if self.file:
            self.tokens = Tokens.read(self.file)
            self._seen = _state(self.file)

    def refresh(self) -> None:
        """Read the file again if it has changed; what cannot be read is logged, and the former tokens stay.

        It is looked at once a second at most.
        """
        now = self.ticks()
        if not self.file or now < self._looked + _LOOK_S:
            return
        self._looked = now
        if (seen := _state(self.file)) == self._seen:
            return
        self._seen = seen
        try:
            self.tokens = Tokens.read(self.file)
            say("tokens read", tokens=len(self.tokens.grants))
        except VitrinaError as reason:
            say("tokens kept", reason=str(reason))

    def check(self, method: str, headers: Iterable[tuple[str, str | bytes]]) -> str:
        """The client's name, empty where nobody asks who it is.

        Raises Unauthenticated, Forbidden and TooFast.
        """
        scope = SCOPES.get(method)
        if self.file is None or scope == OPEN:
            return ""
        self.refresh()
        grant = self.tokens.grant(_bearer(headers), int(self.clock()))
        if scope is None or scope not in grant.scopes:
            raise Forbidden(
                f"token {grant.id} has no scope for this method; it needs {scope or 'one unknown'}"
            )
        if wait_s := self._bucket(grant).take(self.ticks()):
            raise TooFast(f"client {grant.client} asks more than {grant.rate:g} times a second; wait", wait_s)
        return grant.client

    def _bucket(self, grant: Grant) -> Bucket:
        known = self._buckets.get(grant.id)
        if known is None or known[0] != grant:
            known = grant, Bucket(grant.rate * self.share, grant.burst * self.share)
            self._buckets[grant.id] = known
        return known[1]


def _grant(told: dict[str, object]) -> Grant:
    grant = replace(Grant("", "", (), ""), **told)  # type: ignore[arg-type]  # looked at below
    if not (
        isinstance(grant.id, str) and isinstance(grant.sha256, str) and len(grant.sha256) == len(_NOBODY)
    ):
        raise ValueError(f"token {grant.id!r} has no id or no sha256")
    if unknown := set(grant.scopes) - set(NAMES):
        raise ValueError(f"token {grant.id} has the unknown scope {sorted(unknown)[0]!r}")
    if not all(isinstance(one, int | float) for one in (grant.expires, grant.rate, grant.burst)):
        raise ValueError(f"token {grant.id}: expires, rate and burst are numbers")
    return replace(grant, scopes=tuple(grant.scopes))


def _bearer(headers: Iterable[tuple[str, str | bytes]]) -> str:
    said = next((value for name, value in headers if name == "authorization"), "")
    kind, _, text = (said if isinstance(said, str) else "").partition(" ")
    return text.strip() if kind.lower() == "bearer" else ""


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _state(file: Path) -> tuple[int, int]:
    """What tells that a file was replaced: its moment and its inode."""
    try:
        found = file.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_ino
