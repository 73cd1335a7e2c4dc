"""Encrypted ports over real handshakes: who is answered, whom clients trust, certificates that are renewed."""

from __future__ import annotations

import os

import pytest
from certified import signed
from servers import looping, serving, start

from vitrina.calling import tls
from vitrina.client import Client
from vitrina.errors import ServerError, TimedOut, Unreachable
from vitrina.request import Block, Request
from vitrina.server.tls import Certificates, credentials

HOME = Request((Block("home", limit=5),), user_id="u1")


def copied(one, where):
    """The certificate and key of a signed one under other names, as a renewal writes them."""
    where.mkdir(exist_ok=True)
    files = where / "cert.pem", where / "key.pem"
    for source, target in zip((one.cert, one.key), files, strict=True):
        (where / "new").write_bytes(source.read_bytes())
        (where / "new").replace(target)
    return Certificates(*files)


def dated(files):
    """Give both files the same time, so that it cannot tell the old from the new."""
    for one in (files.cert, files.key):
        os.utime(one, (1, 1))


def asked(address, credentials=None):
    """What a new client gets: how many items."""
    with Client(address, credentials=credentials, timeout_s=5.0) as client:
        return len(client.recommend(HOME).blocks[0].items)


def refused(address, credentials=None):
    """A new client is not answered."""
    client = Client(address, credentials=credentials, timeout_s=1.0)
    with client, pytest.raises((Unreachable, TimedOut)):
        client.recommend(HOME)
    return True


def test_clients_trust_a_signer_and_speak_no_plain_text(tmp_path):
    """Who trusts the certificate's signer is answered; who trusts another, or does not encrypt, is not."""
    ours, other = signed(tmp_path, "ours"), signed(tmp_path, "other")
    with serving(tls_cert=ours.cert, tls_key=ours.key) as address:
        assert asked(address, tls(ours.ca)) == 5
        assert refused(address, tls(other.ca))
        assert refused(address)


def test_mutual(tmp_path):
    """With --tls-client-ca only clients whose certificate it signed are answered."""
    ours, clients, other = (signed(tmp_path, name) for name in ("ours", "clients", "other"))
    with serving(tls_cert=ours.cert, tls_key=ours.key, tls_client_ca=clients.ca) as address:
        assert asked(address, tls(ours.ca, clients.cert, clients.key)) == 5
        assert refused(address, tls(ours.ca, other.cert, other.key))
        assert refused(address, tls(ours.ca))


def test_a_renewed_certificate_counts_for_the_next_connection(tmp_path):
    """Connections that are open stay; new ones see the new certificate, and the old one no more."""
    old, new = signed(tmp_path, "old"), signed(tmp_path, "new")
    files = copied(old, tmp_path / "live")
    with looping() as loop:
        front, address = start(loop, tls_cert=files.cert, tls_key=files.key)
        with Client(address, credentials=tls(old.ca), timeout_s=5.0) as staying:
            staying.recommend(HOME)
            copied(new, tmp_path / "live")
            assert asked(address, tls(new.ca)) == 5
            assert refused(address, tls(old.ca))
            assert len(staying.recommend(HOME).blocks[0].items) == 5
        loop.do(front.drain())


def test_what_cannot_be_read_keeps_the_old_until_it_can(tmp_path, capfd):
    """A key that is unreadable for a while, even with the time of the one that comes, is read when it can be."""
    old, new = signed(tmp_path, "old"), signed(tmp_path, "new")
    files = copied(old, tmp_path / "live")
    with serving(tls_cert=files.cert, tls_key=files.key) as address:
        files.key.unlink()
        files.key.mkdir()
        dated(files)
        assert asked(address, tls(old.ca)) == 5
        assert "certificate kept" in capfd.readouterr().err
        files.key.rmdir()
        copied(new, tmp_path / "live")
        dated(files)
        assert asked(address, tls(new.ca)) == 5


def test_half_a_renewal_keeps_the_old(tmp_path):
    """A new certificate beside the old key is none; both count once both are there."""
    old, new = signed(tmp_path, "old"), signed(tmp_path, "new")
    files = copied(old, tmp_path / "live")
    with serving(tls_cert=files.cert, tls_key=files.key) as address:
        files.cert.write_bytes(new.cert.read_bytes())
        assert asked(address, tls(old.ca)) == 5
        files.key.write_bytes(new.key.read_bytes())
        assert asked(address, tls(new.ca)) == 5


def test_files_that_are_not_there(tmp_path):
    """Both sides say which file, and the server which options."""
    with pytest.raises(ServerError, match=r"none\.pem.*--tls-cert and --tls-key"):
        credentials(Certificates(tmp_path / "none.pem", tmp_path / "none.key"))
    with pytest.raises(ServerError, match=r"cannot read a certificate.*none\.pem"):
        tls(tmp_path / "none.pem")
