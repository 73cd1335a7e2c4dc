"""The key of tombstones is whole or not there, goes with backups, and is never replaced while it is needed."""

from __future__ import annotations

import pytest

from vitrina.errors import StoreLost
from vitrina.live import Live
from vitrina.state.erasing import forget
from vitrina.state.events import Event
from vitrina.state.lately import DEGRADED, Lately
from vitrina.state.lmdb_store import LmdbStore
from vitrina.state.people import Tombstones
from vitrina.state.recording import recording
from vitrina.state.secret import KEY_FILE, made_secret, secret

NOW = 1_700_000_000


@pytest.fixture
def folder(tmp_path):
    """A store of which zoe asked to be forgotten."""
    store = LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 20)
    forget(store, Tombstones(tmp_path / "store"), [b"uzoe"], NOW)
    store.close()
    return tmp_path / "store"


def outcomes(store, folder):
    """What becomes of an event of zoe's, and of bob's."""
    events = [Event(name, "view", name, "", "a", NOW) for name in ("zoe", "bob")]
    return store.write(recording(events, NOW, Tombstones(folder))).result()


def test_a_backup_knows_who_was_forgotten(folder, tmp_path):
    """It records as the store did: nothing of zoe's, and what bob does."""
    store, away = LmdbStore(folder), tmp_path / "backup"
    store.backup(away)
    store.close()
    assert secret(away) == secret(folder)
    copy = LmdbStore(away)
    assert outcomes(copy, away) == ["forgotten", "accepted"]
    copy.close()


def test_a_backup_of_a_store_that_forgot_nobody_has_no_key(tmp_path):
    """There is none to copy."""
    store = LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 20)
    store.backup(tmp_path / "backup")
    store.close()
    assert not (tmp_path / "backup" / KEY_FILE).exists()


@pytest.mark.parametrize("held", [None, b"", b"short"])
def test_a_lost_key_is_told_of_and_not_replaced(folder, held):
    """Lists do without the store, events are refused in words, and who forgets makes no other key over it."""
    path = folder / KEY_FILE
    path.unlink()
    if held is not None:
        path.write_bytes(held)
    store = LmdbStore(folder)
    assert Lately(store, Tombstones(folder)).live([("bob", "")], NOW) == Live(NOW, degraded=DEGRADED)
    with pytest.raises(StoreLost, match=r"tombstones\.key.*from a backup"):
        outcomes(store, folder)
    with pytest.raises(StoreLost, match=r"tombstones\.key.*from a backup"):
        forget(store, Tombstones(folder), [b"ubob"], NOW)
    assert (path.read_bytes() if path.exists() else None) == held
    store.close()


def test_a_key_that_was_cut_short_when_it_was_made_is_made_again(tmp_path):
    """Nobody was forgotten under it: an empty file, as a kill leaves it, is no key that anybody could guess."""
    folder = tmp_path / "store"
    store = LmdbStore(folder, create=True, map_bytes=1 << 20)
    (folder / KEY_FILE).write_bytes(b"")
    forget(store, Tombstones(folder), [b"uzoe"], NOW)
    assert len(secret(folder)) == 32
    assert outcomes(store, folder) == ["forgotten", "accepted"]
    store.close()


def test_a_key_is_never_seen_half_written(tmp_path, monkeypatch):
    """Whoever dies before it is on the disk leaves no file of its name; who comes next makes it, for good."""

    def killed(handle):
        assert not (tmp_path / KEY_FILE).exists()
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        made_secret(tmp_path)
    monkeypatch.undo()
    assert not (tmp_path / KEY_FILE).exists()
    key = made_secret(tmp_path)
    assert made_secret(tmp_path) == secret(tmp_path) == key
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_written_is_told_of(tmp_path):
    """In words, with the path."""
    with pytest.raises(StoreLost, match="nowhere"):
        made_secret(tmp_path / "nowhere")


def test_a_store_put_in_the_place_of_another_is_read_by_its_own_key(folder, tmp_path):
    """What a process knew of the first does not hold for the second."""
    tombstones, other = Tombstones(folder), tmp_path / "other"
    second = LmdbStore(other, create=True, map_bytes=1 << 20)
    for key in (b"uyan", b"uxi"):
        forget(second, Tombstones(other), [key], NOW)
    second.close()
    store = LmdbStore(folder)
    with store.read() as reads:
        tombstones.look(reads)
    folder.rename(tmp_path / "away")
    other.rename(folder)
    with store.read() as reads:
        assert tombstones.look(reads)
    assert tombstones.holds([b"uyan"])
    assert not tombstones.holds([b"uzoe"])
    store.close()
