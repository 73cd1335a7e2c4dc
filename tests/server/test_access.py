"""Access: tokens made, kept as hashes, read again, expired, revoked; a method without a scope is shut."""

from __future__ import annotations

import json
import stat

import pytest

from vitrina.errors import Forbidden, ServerError, TooFast, Unauthenticated
from vitrina.server import access
from vitrina.server.access import NAMES, SCOPES, Access, Tokens

RECOMMEND = "/vitrina.v1.RecommendationService/Recommend"


class Clock:
    """Seconds that a test turns."""

    def __init__(self, now=1_000_000.0):
        self.now = now

    def __call__(self):
        return self.now


def told(text):
    """The headers of a call with a token."""
    return (("user-agent", "x"), ("authorization", f"Bearer {text}"))


@pytest.fixture
def clock():
    """A clock at a million seconds."""
    return Clock()


@pytest.fixture
def shop(tmp_path, clock):
    """A tokens file with a token of every scope, and what reads it."""
    tokens, texts = Tokens(), {}
    for name in NAMES:
        texts[name], tokens = tokens.issued(f"client-{name}", [name], expires=2_000_000)
    file = tmp_path / "tokens.json"
    tokens.write(file)
    one = Access(file, clock, clock)
    one.open()
    return one, texts


def test_a_file_holds_hashes_only(shop):
    """Neither a token nor its secret is in the file, and nobody but its owner reads it."""
    one, texts = shop
    written = one.file.read_text()
    for text in texts.values():
        assert text not in written
        assert text[-20:] not in written  # a secret may hold "_" itself
    assert stat.S_IMODE(one.file.stat().st_mode) == 0o600
    assert Tokens.read(one.file) == one.tokens


@pytest.mark.parametrize("method", SCOPES)
def test_methods_by_scopes(shop, method):
    """A method is open to its own scope, shut to every other; the open ones ask nobody."""
    one, texts = shop
    for name, text in texts.items():
        if SCOPES[method] in (name, access.OPEN):
            assert one.check(method, told(text)) == (
                "" if SCOPES[method] == access.OPEN else f"client-{name}"
            )
        else:
            with pytest.raises(Forbidden, match=SCOPES[method]):
                one.check(method, told(text))


def test_what_is_not_a_token(shop):
    """No header, another kind, a changed, cut, doubled or made-up token: refused, and no word of it repeated."""
    one, texts = shop
    good = texts["site"]
    wrong = [
        good[:-1],
        good + "x",
        good.swapcase(),
        "vitrina_",
        "",
        "x" * 500,
        good.replace(good[8:16], "0" * 8),
    ]
    for text in wrong:
        with pytest.raises(Unauthenticated) as refused:
            one.check(RECOMMEND, told(text))
        assert not text or text not in str(refused.value)
    for headers in (
        (),
        (("authorization", good),),
        (("authorization", f"Basic {good}"),),
        (("authorization", b"x"),),
    ):
        with pytest.raises(Unauthenticated, match="carries no token"):
            one.check(RECOMMEND, headers)
    assert one.check(RECOMMEND, (("authorization", f"bearer  {good} "),)) == "client-site"


def test_hashes_are_compared_in_constant_time(shop, monkeypatch):
    """Every token that is shown, known or not, goes through one comparison that does not stop early."""
    one, texts = shop
    compared = []
    whole = access.hmac.compare_digest
    monkeypatch.setattr(access.hmac, "compare_digest", lambda a, b: compared.append((a, b)) or whole(a, b))
    one.check(RECOMMEND, told(texts["site"]))
    for text in ("vitrina_00000000_x", texts["site"] + "x"):
        with pytest.raises(Unauthenticated):
            one.check(RECOMMEND, told(text))
    assert len(compared) == 3
    assert {len(a) for pair in compared for a in pair} == {64}


def test_tokens_expire(shop, clock):
    """A token holds until its moment and not in it."""
    one, texts = shop
    clock.now = 1_999_999.9
    one.check(RECOMMEND, told(texts["site"]))
    clock.now = 2_000_000.0
    with pytest.raises(Unauthenticated, match="has expired"):
        one.check(RECOMMEND, told(texts["site"]))


def test_the_file_is_read_again(shop, clock, capfd):
    """New tokens count and revoked ones stop within a second; a broken file changes nothing and is logged."""
    one, texts = shop
    number = texts["site"].split("_")[1]
    fresh, tokens = one.tokens.revoked(number).issued("new", ["site"])
    tokens.write(one.file)
    clock.now += 1.1
    assert one.check(RECOMMEND, told(fresh)) == "new"
    with pytest.raises(Unauthenticated, match="revoked"):
        one.check(RECOMMEND, told(texts["site"]))
    for broken in ("{", "[]", '{"format": 2, "tokens": []}', '{"format": 1, "tokens": [{"id": 1}]}'):
        one.file.write_text(broken)
        clock.now += 1.1
        assert one.check(RECOMMEND, told(fresh)) == "new"
        assert "tokens kept" in capfd.readouterr().err
    one.file.unlink()
    clock.now += 1.1
    assert one.check(RECOMMEND, told(fresh)) == "new"
    log = capfd.readouterr().err
    assert fresh not in log
    assert "cannot read" in log


def test_a_client_has_its_rate(tmp_path, clock):
    """A token's rate is a host's: each of two processes gives half; RetryInfo's seconds come with the refusal."""
    text, tokens = Tokens().issued("busy", ["site"], rate=10, burst=20)
    tokens.write(tmp_path / "t")
    one = Access(tmp_path / "t", clock, clock, share=0.5)
    one.open()
    for _ in range(10):
        one.check(RECOMMEND, told(text))
    with pytest.raises(TooFast, match="client busy asks more than 10") as refused:
        one.check(RECOMMEND, told(text))
    assert refused.value.retry_s == pytest.approx(0.2)
    clock.now += 0.21
    one.check(RECOMMEND, told(text))


def test_files_that_are_none(tmp_path):
    """Each says what is wrong with it and what to do."""
    good = {"id": "a", "client": "c", "scopes": ["site"], "sha256": "0" * 64}
    cases = [
        {**good, "scopes": ["root"]},
        {**good, "sha256": "0"},
        {**good, "who": 1},
        {**good, "rate": "x"},
        "x",
    ]
    for number, case in enumerate(cases):
        file = tmp_path / f"{number}"
        file.write_text(json.dumps({"format": 1, "tokens": [case]}))
        with pytest.raises(ServerError, match="vitrina tokens new"):
            Tokens.read(file)
    with pytest.raises(ServerError, match="cannot read"):
        Tokens.read(tmp_path / "none")
    with pytest.raises(ServerError, match="unknown scope 'root'; known: site"):
        Tokens().issued("x", ["root"])
    with pytest.raises(ServerError, match="tokens list"):
        Tokens().revoked("nobody")


def test_a_file_is_replaced_whole(shop):
    """Whoever reads while it is written sees the old or the new; no draft stays."""
    one, _ = shop
    inode = one.file.stat().st_ino
    one.tokens.write(one.file)
    assert one.file.stat().st_ino != inode
    assert list(one.file.parent.iterdir()) == [one.file]


def test_without_a_file_everybody_may_ask(clock):
    """The open server looks at no header."""
    assert Access(None, clock, clock).check("/anything", ()) == ""
