"""What every front promises around its calls: health, draining, tokens, TLS and its renewal."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack

import grpc
import pytest
from certified import signed
from fronts import fronting, refusal, unary
from grpc_health.v1 import health_pb2
from servers import free_port, wait_for

from vitrina.calling import tls
from vitrina.client import Client, healthcheck
from vitrina.errors import Forbidden, TimedOut, Unauthenticated, Unreachable
from vitrina.request import Block, Request
from vitrina.server.access import Tokens
from vitrina.server.calls import NAME
from vitrina.server.health import HEALTH
from vitrina.v1 import recommendation_service_pb2 as v1

RECOMMEND, CHECK, WATCH = f"/{NAME}/Recommend", f"/{HEALTH}/Check", f"/{HEALTH}/Watch"
HOME = v1.RecommendRequest(blocks=[{"placement": "home"}]).SerializeToString()
CODES = grpc.StatusCode


def test_health_and_reflection(channel):
    """Health is standard, by name and overall; reflection is not there unless it was asked for."""
    for name in ("", NAME):
        data = health_pb2.HealthCheckRequest(service=name).SerializeToString()
        assert health_pb2.HealthCheckResponse.FromString(unary(channel, CHECK, data)).status == 1
    assert refusal(unary, channel, CHECK, b"\x0a\x01x")[0] is CODES.NOT_FOUND
    watched = channel.unary_stream(WATCH)(b"", timeout=5)
    assert health_pb2.HealthCheckResponse.FromString(next(watched)).status == 1
    watched.cancel()
    method = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
    assert refusal(unary, channel, method, b"")[0] is CODES.UNIMPLEMENTED
    assert refusal(unary, channel, f"/{NAME}/Similar", b"")[0] is CODES.UNIMPLEMENTED


def test_drain_says_not_serving_and_finishes(front, tmp_path):
    """A draining server tells its watchers, and finishes the call that is inside."""
    held = v1.RecommendRequest(user_id="first", blocks=[{"placement": "home"}]).SerializeToString()
    with fronting(front, tmp_path) as server, grpc.insecure_channel(server.address) as channel:
        named = health_pb2.HealthCheckRequest(service=NAME).SerializeToString()
        watched = channel.unary_stream(WATCH)(named)
        assert next(watched) == b"\x08\x01"
        inside = channel.unary_unary(RECOMMEND).future(held, timeout=20)
        wait_for((tmp_path / "inside").exists)
        server.process.terminate()
        assert next(watched) == b"\x08\x02"
        (tmp_path / "go").touch()
        assert inside.code() is CODES.OK, inside.details()
        assert server.process.wait(20) == 0
        assert healthcheck(server.address, 0.2) == 7


def test_health_alone_on_a_port_of_its_own(front, tmp_path):
    """A health port answers health, and nothing else."""
    with fronting(front, tmp_path, health_port=free_port()) as server:
        assert healthcheck(server.health, timeout_s=5) == 0
        with grpc.insecure_channel(server.health) as channel:
            assert refusal(unary, channel, RECOMMEND, HOME)[0] is CODES.UNIMPLEMENTED
            watched = channel.unary_stream(WATCH)(b"", timeout=20)
            assert next(watched) == b"\x08\x01"
            server.process.terminate()
            assert next(watched) == b"\x08\x02"


def test_who_crowds_the_calls_does_not_crowd_health_alone(front, tmp_path):
    """Calls that say nothing fill a worker; its health port answers all the same."""
    with fronting(front, tmp_path, health_port=free_port(), in_flight=1) as server, ExitStack() as stack:
        silent, calls = threading.Event(), []
        stack.callback(silent.set)
        for _ in range(4):
            channel = stack.enter_context(
                grpc.insecure_channel(server.address, (("grpc.use_local_subchannel_pool", 1),))
            )
            for _ in range(20):
                calls.append(channel.stream_unary(RECOMMEND).future(iter(silent.wait, True), timeout=30))
        wait_for(lambda: any(one.done() for one in calls) or front == "envoy")
        assert healthcheck(server.health, timeout_s=5) == 0


def test_tokens(front, tmp_path):
    """Who has no token, or one without the scope, is refused before the message is read."""
    file = tmp_path / "tokens.json"
    site, tokens = Tokens().issued("shop", ("site",))
    mail, tokens = tokens.issued("mail", ("email",))
    tokens.write(file)
    request = Request((Block("home"),))
    with fronting(front, tmp_path / "run", tokens=file) as server:
        with Client(server.address, token=site) as client:
            assert client.recommend(request).blocks[0].items
        with Client(server.address, token=mail) as client, pytest.raises(Forbidden):
            client.recommend(request)
        with Client(server.address) as client, pytest.raises(Unauthenticated):
            client.recommend(request)
        assert healthcheck(server.address) == 0


def encrypted(address, credentials=None):
    """How many items a new client gets; none where it is not answered."""
    with Client(address, credentials=credentials, timeout_s=2.0) as client:
        try:
            return len(client.recommend(Request((Block("home", limit=5),))).blocks[0].items)
        except (Unreachable, TimedOut):
            return 0


def test_mutual_tls(front, tmp_path):
    """Who trusts the certificate and shows one that is trusted is answered; nobody else, and no plain text."""
    ours, clients, other = (signed(tmp_path, name) for name in ("ours", "clients", "other"))
    files = {"tls_cert": ours.cert, "tls_key": ours.key, "tls_client_ca": clients.ca}
    with fronting(front, tmp_path / "run", **files) as server:
        assert encrypted(server.address, tls(ours.ca, clients.cert, clients.key)) == 5
        assert not encrypted(server.address, tls(ours.ca, other.cert, other.key))
        assert not encrypted(server.address, tls(other.ca, clients.cert, clients.key))
        assert not encrypted(server.address)


def test_renewed_certificates_count_while_it_runs(front, tmp_path):
    """Half a renewal changes nothing; once both files are there, the new certificate is shown within seconds."""
    old, new = signed(tmp_path, "old"), signed(tmp_path, "new")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_bytes(old.cert.read_bytes())
    key.write_bytes(old.key.read_bytes())
    with fronting(front, tmp_path / "run", tls_cert=cert, tls_key=key) as server:
        assert encrypted(server.address, tls(old.ca)) == 5
        cert.write_bytes(new.cert.read_bytes())
        time.sleep(0.6)
        assert encrypted(server.address, tls(old.ca)) == 5
        key.write_bytes(new.key.read_bytes())
        time.sleep(1.0)
        assert encrypted(server.address, tls(new.ca)) == 5
        assert not encrypted(server.address, tls(old.ca))
