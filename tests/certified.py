"""Certificates for tests: a signer of a name, and what it signed."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HERE = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])


@dataclass(frozen=True)
class Signed:
    """PEM files: a certificate for 127.0.0.1 and its key, and who signed it."""

    ca: object
    cert: object
    key: object


def certificate(subject, key, issuer, issuer_key, *, signer=False):
    """A certificate of an hour."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)])
    of = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)])
    now = datetime.datetime.now(datetime.UTC)
    hour = datetime.timedelta(hours=1)
    made = x509.CertificateBuilder().issuer_name(of).subject_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now - hour)
    made = made.not_valid_after(now + hour).add_extension(x509.BasicConstraints(signer, None), critical=True)
    return made.add_extension(HERE, critical=False).sign(issuer_key, hashes.SHA256())


def signed(folder, name):
    """A signer of a name, and a certificate that it signed."""
    folder = folder / name
    folder.mkdir()
    signer_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    one = Signed(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    pem = serialization.Encoding.PEM
    one.ca.write_bytes(certificate(name, signer_key, name, signer_key, signer=True).public_bytes(pem))
    one.cert.write_bytes(certificate("vitrina", key, name, signer_key).public_bytes(pem))
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    one.key.write_bytes(key.private_bytes(pem, *plain))
    return one
