"""The operators' port: who waits for whom, and who may reach it from elsewhere."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from certified import signed
from servers import free_port, looping, publish
from typer.testing import CliRunner

from vitrina.calling import tls
from vitrina.cli import app
from vitrina.errors import ServerError
from vitrina.model_client import ModelClient
from vitrina.registry import Registry
from vitrina.server.admin import Desk
from vitrina.server.models import Models
from vitrina.server.options import Options
from vitrina.v1 import privacy_service_pb2 as v1

MERGE = "/vitrina.v1.PrivacyService/MergeUsers"
PLAIN = Options(registry=Path("registry"), admin_port=1)


class Stuck:
    """Joins ids once whoever holds the store lets go of it."""

    def __init__(self):
        self.asked, self.free = threading.Event(), threading.Event()

    def merge_users(self, data, states):
        """Wait, then answer."""
        self.asked.set()
        assert self.free.wait(30)
        return v1.MergeUsersResponse().SerializeToString()

    forget_user = merge_users


async def desk(registry, options, privacy=None):
    """A desk that listens, and where."""
    one = Desk(Models(Registry(registry)), privacy=privacy)
    where = one.listen(options)
    await one.server.start()
    return one, where


def test_nobody_waits_for_a_store_but_who_writes_it(tmp_path):
    """While somebody holds the store for ever, operators see the workers and turn bundles; those who write it
    wait as long as they said, and their work is done in the end."""
    version = publish(tmp_path)
    stuck = Stuck()
    with looping() as loop:
        one, where = loop.do(desk(tmp_path, replace(PLAIN, admin_port=free_port()), stuck))
        with grpc.insecure_channel(where) as channel, ModelClient(where) as models:
            waiting = [channel.unary_unary(MERGE).future(b"", timeout=3.0) for _ in range(40)]
            assert stuck.asked.wait(10)
            assert models.list().current == version
            assert models.activate(version) == version
            codes = Counter(call.exception().code() for call in waiting)
            assert codes[grpc.StatusCode.DEADLINE_EXCEEDED] == 8
            assert codes.total() == codes[grpc.StatusCode.RESOURCE_EXHAUSTED] + 8
            stuck.free.set()
            deadline = time.monotonic() + 10
            while one._waiting and time.monotonic() < deadline:
                time.sleep(0.02)
            assert channel.unary_unary(MERGE)(b"", timeout=10.0) == b""
        loop.do(one.server.stop(0))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "vitrina.internal"])
def test_beyond_this_machine_it_takes_tls(tmp_path, host):
    """What operators say, and the tokens that they show, do not travel unencrypted."""
    with looping() as loop, pytest.raises(ServerError, match=r"reached from elsewhere.*--tls-cert"):
        loop.do(desk(tmp_path, replace(PLAIN, admin_host=host)))


def test_operators_reach_it_over_tls(tmp_path, monkeypatch):
    """With the server's certificate on an address of others; the verbs take theirs from the environment."""
    publish(tmp_path / "registry")
    ours, others = signed(tmp_path, "ours"), signed(tmp_path, "others")
    options = replace(
        PLAIN, admin_host="0.0.0.0", admin_port=free_port(), tls_cert=ours.cert, tls_key=ours.key,
        tls_client_ca=ours.ca,
    )  # fmt: skip
    with looping() as loop:
        one, where = loop.do(desk(tmp_path / "registry", options))
        where = f"127.0.0.1:{where.rpartition(':')[2]}"
        with ModelClient(where, credentials=tls(ours.ca, ours.cert, ours.key)) as models:
            version = models.list().current
        command = ["models", "list", "--server", where, "--json"]
        for name, file in {"CA": ours.ca, "CERT": ours.cert, "KEY": ours.key}.items():
            monkeypatch.setenv(f"VITRINA_TLS_{name}", str(file))
        told = CliRunner().invoke(app, command)
        assert json.loads(told.stdout)["current"] == version
        monkeypatch.setenv("VITRINA_TLS_CA", str(tmp_path / "none.pem"))
        with pytest.raises(ServerError, match="cannot read a certificate"):
            CliRunner().invoke(app, command, catch_exceptions=False)
        monkeypatch.setenv("VITRINA_TLS_CA", str(others.ca))
        assert CliRunner().invoke(app, command).exit_code != 0
        loop.do(one.server.stop(0))
