"""The files of TLS: a certificate, its key, and, for mutual TLS, who signs those of clients."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vitrina.server.options import Options


@dataclass(frozen=True)
class Certificates:
    """PEM files. `client_ca`: only clients with a certificate that one of these signed may connect."""

    cert: Path
    key: Path
    client_ca: Path | None = None

    @classmethod
    def of(cls, options: Options) -> Certificates | None:
        """Those that a server was given, if any."""
        if not options.tls_cert or not options.tls_key:
            return None
        return cls(options.tls_cert, options.tls_key, options.tls_client_ca)

    @property
    def files(self) -> dict[str, Path]:
        """Those that there are, by their names here."""
        named = {"cert": self.cert, "key": self.key, "client_ca": self.client_ca}
        return {name: file for name, file in named.items() if file}

    def moments(self) -> tuple[int, ...]:
        """When each file last changed, in nanoseconds."""
        return tuple(one.stat().st_mtime_ns for one in self.files.values())
