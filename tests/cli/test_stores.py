"""`vitrina store backup|compact`: what an operator does with a store, while servers go on."""

from __future__ import annotations

from contextlib import closing

import pytest
from typer.testing import CliRunner

from vitrina.cli import app
from vitrina.errors import StoreError
from vitrina.state.lmdb_store import LmdbStore
from vitrina.state.tables import META


@pytest.fixture
def folder(tmp_path):
    """A store that holds one entry, and the bytes of one that was deleted."""
    with closing(LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 20)) as made:
        made.write(lambda to: to.put(META, b"kept", b"kept-value")).result()
        made.write(lambda to: to.put(META, b"gone", b"gone-value" * 9)).result()
        made.write(lambda to: to.delete(META, b"gone")).result()
    return tmp_path / "store"


def held(folder, text):
    """Whether a file below a folder holds some bytes."""
    return any(text in one.read_bytes() for one in folder.rglob("*") if one.is_file())


def test_a_backup_opens_as_the_store(folder, tmp_path):
    """All of it, and no byte of what was deleted; a folder that exists is not written over."""
    words = ["store", "backup", str(tmp_path / "copy"), "--store", str(folder)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    with closing(LmdbStore(tmp_path / "copy")) as copy, copy.read() as reads:
        assert reads.get(META, b"kept") == b"kept-value"
    assert not held(tmp_path / "copy", b"gone-value")
    assert isinstance(CliRunner().invoke(app, words).exception, StoreError)


def test_compacting_leaves_no_byte_of_what_was_deleted(folder):
    """What is there stays."""
    assert held(folder, b"gone-value")
    done = CliRunner().invoke(app, ["store", "compact", "--store", str(folder)])
    assert done.exit_code == 0, done.output
    assert not held(folder, b"gone-value")
    with closing(LmdbStore(folder)) as store, store.read() as reads:
        assert reads.get(META, b"kept") == b"kept-value"


@pytest.mark.parametrize("verb", [["backup", "copy"], ["compact"]])
def test_a_store_that_is_not_there_is_an_error(tmp_path, verb):
    """And none is made."""
    found = CliRunner().invoke(app, ["store", *verb, "--store", str(tmp_path / "none")])
    assert isinstance(found.exception, StoreError)
    assert not (tmp_path / "none").exists()
