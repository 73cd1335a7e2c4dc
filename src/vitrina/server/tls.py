"""TLS of the listening ports: a certificate, its key, and, for mutual TLS, who signs the clients'.

The files are looked at with every handshake, so a renewed certificate counts for the next connection;
those that are open stay as they are. A file that cannot be read keeps what there was.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from vitrina.errors import ServerError
from vitrina.server.log import say


@dataclass(frozen=True)
class Certificates:
    """PEM files. `client_ca`: only clients with a certificate that one of these signed may connect."""

    cert: Path
    key: Path
    client_ca: Path | None = None

    def moments(self) -> tuple[int, ...]:
        """When each file last changed, in nanoseconds."""
        return tuple(one.stat().st_mtime_ns for one in (self.cert, self.key, self.client_ca) if one)

    def read(self) -> Any:
        """What gRPC calls a certificate configuration. Raises OSError."""
        ca = self.client_ca.read_bytes() if self.client_ca else None
        return grpc.ssl_server_certificate_configuration(
            [(self.key.read_bytes(), self.cert.read_bytes())], ca
        )


def credentials(of: Certificates) -> Any:
    """Server credentials that follow the files. Raises ServerError where they cannot be read."""
    try:
        seen, first = of.moments(), of.read()
    except OSError as reason:
        raise ServerError(f"cannot read the certificate: {reason}; see --tls-cert and --tls-key") from None

    def renewed() -> Any:
        nonlocal seen
        try:
            found = of.moments()
            if found == seen:
                return None
            read = of.read()
            say("certificate read")
        except OSError as reason:
            say("certificate kept", reason=str(reason))
            return None
        seen = found
        return read

    return grpc.dynamic_ssl_server_credentials(
        first, renewed, require_client_authentication=bool(of.client_ca)
    )
