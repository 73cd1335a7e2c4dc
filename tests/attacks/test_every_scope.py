"""Every method of every service against every scope and every kind of token, over real ports."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack

import grpc
import pytest
from every_method import METHODS, attended, send

from vitrina.calling import bearer
from vitrina.server.access import NAMES, OPEN, SCOPES, Access, Tokens

CODES = grpc.StatusCode


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """(channels, texts of tokens): a good and an expired token of each scope, and a wrong one."""
    folder = tmp_path_factory.mktemp("tokens")
    tokens, texts = Tokens(), {}
    for name in NAMES:
        texts[name, "right"], tokens = tokens.issued(name, [name])
        texts[name, "expired"], tokens = tokens.issued(name, [name], expires=int(time.time()) - 1)
        texts[name, "wrong"] = texts[name, "right"][:-2] + "__"
        texts[name, "none"] = ""
    tokens.write(folder / "tokens.json")
    access = Access(folder / "tokens.json", time.time, time.monotonic)
    access.open()
    with ExitStack() as stack:
        yield stack.enter_context(attended(folder / "registry", access)), texts


def test_every_method_has_a_scope():
    """A method that is defined but not in the table is shut to all, and this says so first."""
    assert set(METHODS) <= set(SCOPES)


@pytest.mark.parametrize("path", METHODS)
@pytest.mark.parametrize("kind", ["none", "wrong", "expired", "right"])
@pytest.mark.parametrize("scope", NAMES)
def test_matrix(shop, path, scope, kind):
    """Only the right token of the right scope gets past the door; health is open to all."""
    channels, texts = shop
    code, said = send(channels, path, b"\xff\xff\xff", metadata=bearer(texts[scope, kind]))
    if SCOPES[path] == OPEN or (kind == "right" and scope == SCOPES[path]):
        assert code is CODES.INVALID_ARGUMENT  # read, and found malformed
    elif kind == "right":
        assert code is CODES.PERMISSION_DENIED
        assert SCOPES[path] in said
    else:
        assert code is CODES.UNAUTHENTICATED
    assert not texts[scope, kind] or texts[scope, kind] not in said


def test_refused_before_the_message_is_read(shop):
    """Who has no token is told so at once, though the message never comes."""
    channels, _ = shop

    def never():
        time.sleep(3)
        yield from ()

    began = time.monotonic()
    call = channels["vitrina.v1.RecommendationService"].stream_unary(
        "/vitrina.v1.RecommendationService/Recommend"
    )
    with pytest.raises(grpc.RpcError) as refused:
        call(never(), timeout=10)
    assert refused.value.code() is CODES.UNAUTHENTICATED
    assert time.monotonic() - began < 2.5


def test_verbs(tmp_path):
    """new prints a token once, list never does, revoke takes it back; serve wants to know who may ask."""

    def vitrina(*words):
        return subprocess.run(
            [sys.executable, "-m", "vitrina", *map(str, words)], capture_output=True, text=True
        )

    file = tmp_path / "tokens.json"
    made = vitrina("tokens", "new", "site-prod", "--tokens", file, "--scope", "site", "--scope", "events")
    text = made.stdout.strip()
    assert Tokens.read(file).grant(text, int(time.time())).scopes == ("site", "events")
    listed = vitrina("tokens", "list", "--tokens", file)
    assert "site-prod" in listed.stdout
    assert (
        text.split("_", 2)[2]
        not in listed.stdout + vitrina("tokens", "list", "--tokens", file, "--json").stdout
    )
    assert vitrina("tokens", "revoke", text.split("_")[1], "--tokens", file).returncode == 0
    assert Tokens.read(file) == Tokens()
    refused = vitrina("serve", "--registry", tmp_path)
    assert refused.returncode == 2
    assert "--open" in refused.stderr
