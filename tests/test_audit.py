"""An audit finds every form of an id wherever it is, and nothing where there is nothing."""

from __future__ import annotations

import gzip
import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import free_port, publish, served
from typer.testing import CliRunner

from vitrina import audit
from vitrina.audit import search
from vitrina.cli import app
from vitrina.client import Client
from vitrina.errors import DataError
from vitrina.happening import Happening
from vitrina.privacy_client import PrivacyClient
from vitrina.request import Block, Request

WHO = "zoe-private-4711"
DIGEST = hashlib.sha256(WHO.encode())
FORMS = {
    "id": WHO.encode(),
    "sha256": DIGEST.hexdigest().encode(),
    "md5": hashlib.md5(WHO.encode()).hexdigest().upper().encode(),
    "sha1": hashlib.sha1(WHO.encode()).digest(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["a/b/plain.bin", "log.gz"])
def test_every_form_is_found_anywhere(tmp_path, form, name):
    """As text and as bytes, in folders and in what is packed."""
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    data = b"x" * 99 + FORMS[form] + b"y"
    file.write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    assert [(one.file, one.form) for one in search([tmp_path], WHO)] == [(file, form)]
    assert list(search([tmp_path], WHO + "2")) == []


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 200), st.integers(1, 40))
def test_nothing_hides_between_chunks(tmp_path_factory, before, chunk):
    """Wherever the file is cut into pieces."""
    file = tmp_path_factory.mktemp("audit") / "f"
    file.write_bytes(b"." * before + WHO.encode() + b"." * 50)
    old, audit.CHUNK = audit.CHUNK, chunk
    try:
        assert [one.form for one in search([file], WHO)] == ["id"]
    finally:
        audit.CHUNK = old


def test_what_cannot_be_read_is_no_proof(tmp_path):
    """A broken archive counts as found."""
    (tmp_path / "b.gz").write_bytes(gzip.compress(b"abc")[:-4])
    assert [one.form[:17] for one in search([tmp_path], WHO)] == ["could not be read"]


@pytest.mark.parametrize("name", ["events.parquet", "backup.ZST", "old.zip", "logs.tgz"])
def test_what_is_packed_is_no_proof(tmp_path, name):
    """Bytes cannot be searched through it, so it counts as not read."""
    (tmp_path / name).write_bytes(b"no byte of anybody")
    found = [(one.file.name, one.form[:17]) for one in search([tmp_path], WHO)]
    assert found == [(name, "could not be read")]


@pytest.mark.parametrize("flag", ["--store", "--registry", "--also"])
def test_a_place_that_is_not_there_is_no_proof(tmp_path, flag):
    """A mistyped name is an error, not an absence; whatever lies in the other places."""
    (tmp_path / "store").mkdir()
    places = {"--store": tmp_path / "store", flag: tmp_path / "mistyped"}
    words = [str(word) for pair in places.items() for word in pair]
    found = CliRunner().invoke(app, ["audit", "forget", WHO, *words])
    assert isinstance(found.exception, DataError), found.output
    assert "mistyped is not there" in str(found.exception)
    assert "no byte" not in found.output


def test_forgotten_and_absent_from_store_and_run_folder(tmp_path):
    """Events recorded, persons joined and forgotten over the operators' port; then the audit, told to compact."""
    publish(tmp_path / "registry")
    admin, store = free_port(), tmp_path / "store"
    told = {"store": str(store), "admin_port": admin, "log_calls": True}
    verb = ["audit", "forget", WHO, "--store", str(store), "--registry", str(tmp_path / "registry"), "--json"]
    with served(tmp_path / "registry", **told) as (process, ready):
        with Client(ready["address"]) as shop:
            shop.record([Happening("i1", user_id=WHO), Happening("i2", visitor_id="phone")])
            shop.recommend(Request((Block("home"),), user_id=WHO))
        with PrivacyClient(f"127.0.0.1:{admin}") as people:
            assert people.merge([f"user:{WHO}", "card:1", "visitor:phone"]) == [
                f"user:{WHO}", "visitor:phone", "card:1",
            ]  # fmt: skip
            there = CliRunner().invoke(app, verb)
            assert there.exit_code == 9
            assert {one["form"] for one in json.loads(there.stdout)["found"]} == {"id"}
        said = CliRunner().invoke(app, ["people", "forget", "card:1", "--server", f"127.0.0.1:{admin}"])
        assert json.loads(said.stdout) == {"forgotten_ids": 3, "erased_events": 2}
        with Client(ready["address"]) as shop:
            shop.recommend(Request((Block("home"),), user_id=WHO))
        gone = CliRunner().invoke(app, [*verb, "--compact"])
        assert gone.exit_code == 0, gone.output
        with Client(ready["address"]) as shop:
            assert shop.record([Happening("i1", user_id="bob")])[0].outcome == "accepted"
        process.terminate()
        assert WHO not in process.communicate(timeout=30)[1]
