"""Certificates renewed while Envoy runs: files that name them are replaced, and Envoy reads them again.

Envoy looks at those alone (its secret discovery by path), and takes one for new only if it says something
new: so each renewal has a folder of links of its own. What does not fit together it refuses, and keeps
what it had.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

from vitrina.errors import ServerError
from vitrina.server.certificates import Certificates
from vitrina.server.envoy_config import secrets
from vitrina.server.log import say

_LOOK_S = 0.25


@dataclass
class Renewal:
    """Follows certificate files for the Envoy of a folder."""

    files: Certificates
    folder: Path
    _seen: tuple[int, ...] = ()
    _kept: str = ""

    def begin(self) -> None:
        """Name the files for the first time. Raises ServerError where one cannot be read."""
        try:
            self._name()
        except OSError as reason:
            raise ServerError(
                f"cannot read the certificate: {reason}; see --tls-cert and --tls-key"
            ) from None

    async def follow(self) -> None:
        """Name them again when they change; what cannot be read keeps what there was."""
        while True:
            self._look()
            await asyncio.sleep(_LOOK_S)

    def _look(self) -> None:
        try:
            if self.files.moments() == self._seen:
                return
            self._name()
            say("certificate read")
            self._kept = ""
        except OSError as reason:
            if str(reason) != self._kept:
                say("certificate kept", reason=str(reason))
            self._kept = str(reason)

    def _name(self) -> None:
        moments = self.files.moments()
        for one in self.files.files.values():
            one.read_bytes()
        links = self.folder / f"tls-{len(list(self.folder.glob('tls-*')))}"
        links.mkdir(mode=0o700)
        for name, one in self.files.files.items():
            (links / name).symlink_to(one.resolve())
        for name, secret in secrets(links, mutual=self.files.client_ca is not None).items():
            draft = self.folder / "secret.draft"
            draft.write_text(json.dumps(secret))
            draft.replace(self.folder / f"{name}.json")
        self._seen = moments
