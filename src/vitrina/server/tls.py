"""TLS of the listening ports: a certificate, its key, and, for mutual TLS, who signs the clients'.

The files are looked at with every handshake, so a renewed certificate counts for the next connection;
those that are open stay as they are. A file that cannot be read keeps what there was.
"""

from __future__ import annotations

from typing import Any

import grpc

from vitrina.errors import ServerError
from vitrina.server.certificates import Certificates
from vitrina.server.log import say


def credentials(of: Certificates) -> Any:
    """Server credentials that follow the files. Raises ServerError where they cannot be read."""
    try:
        seen, first = of.moments(), _read(of)
    except OSError as reason:
        raise ServerError(f"cannot read the certificate: {reason}; see --tls-cert and --tls-key") from None

    def renewed() -> Any:
        nonlocal seen
        try:
            found = of.moments()
            if found == seen:
                return None
            read = _read(of)
            say("certificate read")
        except OSError as reason:
            say("certificate kept", reason=str(reason))
            return None
        seen = found
        return read

    return grpc.dynamic_ssl_server_credentials(
        first, renewed, require_client_authentication=bool(of.client_ca)
    )


def _read(files: Certificates) -> Any:
    """What gRPC calls a certificate configuration. Raises OSError."""
    ca = files.client_ca.read_bytes() if files.client_ca else None
    return grpc.ssl_server_certificate_configuration([(files.key.read_bytes(), files.cert.read_bytes())], ca)
