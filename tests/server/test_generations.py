"""The server's own copies of bundles: checked, shared, few, and gone with the run."""

from __future__ import annotations

import os
import shutil
import threading
import time

import numpy as np
import pytest
from servers import publish

from vitrina.errors import BundleCorrupt, BundleError, RegistryError
from vitrina.registry import Registry
from vitrina.server.generations import KEPT, Generations, run_folder


@pytest.fixture
def registry(tmp_path):
    """A registry with one bundle."""
    publish(tmp_path / "registry")
    return Registry(tmp_path / "registry")


@pytest.fixture
def generations(tmp_path):
    """An empty folder for copies."""
    (tmp_path / "run").mkdir()
    return Generations(tmp_path / "run")


def test_a_copy_is_the_bundle_and_outlives_it(registry, generations):
    """What was taken answers as before, though the registry's files are truncated and then removed."""
    source = registry.path()
    taken = generations.take(source)
    kept = {name: np.array(part) for name, part in taken.parts.items() if not isinstance(part, bytes)}
    for file in source.rglob("*.npy"):
        file.chmod(0o644)
        os.truncate(file, 10)
    shutil.rmtree(source)
    for name, values in kept.items():
        np.testing.assert_array_equal(taken.parts[name], values)
    assert generations.take(source).manifest.version == source.name


def test_what_has_changed_is_refused_and_leaves_nothing(registry, generations):
    """A flipped byte is found while copying; no copy, whole or half, stays."""
    part = registry.path() / "catalog" / "price.npy"
    data = bytearray(part.read_bytes())
    data[-1] ^= 1
    part.chmod(0o644)
    part.write_bytes(data)
    with pytest.raises(BundleCorrupt, match="catalog/price"):
        generations.take(registry.path())
    assert generations.versions() == []
    assert [one.name for one in generations.folder.iterdir()] == [".lock"]


def test_workers_that_take_at_once_share_one_copy(registry, generations):
    """Eight threads take the same bundle: one copy is made, and all of them have it."""
    taken = []
    threads = [
        threading.Thread(target=lambda: taken.append(generations.take(registry.path()))) for _ in range(8)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert {one.path for one in taken} == {generations.folder / registry.current()}
    assert generations.versions() == [registry.current()]


def test_only_the_latest_copies_stay(registry, generations):
    """Of many bundles the last two taken stay; what is mapped can still be read after its copy went."""
    first = generations.take(registry.path())
    for n_items in range(5, 9):
        publish(registry.folder, n_items)
        generations.take(registry.path())
    assert len(generations.versions()) == KEPT
    assert generations.versions()[0] == registry.current()
    assert not first.path.exists()
    assert len(first.parts["ids/items"]) > 0


def test_no_room_is_said_with_the_next_step(registry, generations, monkeypatch):
    """A disk that is full while copying: BundleError names the folder and --run-dir; no half copy stays."""

    def full(source, target):
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(BundleError, match="--run-dir"):
        generations.take(registry.path())
    assert [one.name for one in generations.folder.iterdir()] == [".lock"]


def test_a_bundle_under_anothers_name_is_refused(registry, generations):
    """The folder's name is what everybody asks for, so it must be what is inside."""
    other = registry.folder / "20200101T000000Z-0123456789ab"
    shutil.copytree(registry.path(), other)
    with pytest.raises(BundleCorrupt, match="name its folder so"):
        generations.take(other)
    with pytest.raises(RegistryError, match="name the folder so"):
        registry.activate(other.name)


def test_a_run_folder_is_made_where_there_is_none(tmp_path):
    """With the folders above it."""
    with run_folder(tmp_path / "var" / "run") as living:
        assert living.parent == tmp_path / "var" / "run"


def test_a_run_folder_goes_with_the_run_and_with_the_next_one(tmp_path):
    """Left by a server that was killed, it is removed by the next; that of a living one stays."""
    with run_folder(tmp_path) as living:
        dead = tmp_path / "vitrina-serve-dead"
        dead.mkdir()
        (dead / ".alive").touch()
        for one in (dead, living):
            os.utime(one, (time.time() - 3600,) * 2)
        with run_folder(tmp_path) as other:
            assert living.is_dir()
            assert other.is_dir()
            assert not dead.exists()
        assert not other.exists()
    assert not living.exists()


def test_no_place_for_a_run_is_said(tmp_path):
    """A file where the parent should be: BundleError names --run-dir."""
    (tmp_path / "file").write_text("")
    with pytest.raises(BundleError, match="--run-dir"), run_folder(tmp_path / "file" / "run"):
        pass


def test_what_another_server_sweeps_away_meanwhile_is_no_matter(tmp_path):
    """A folder that is gone between being listed and being looked at stops nobody's start."""
    (tmp_path / "vitrina-serve-gone").symlink_to(tmp_path / "nowhere")
    with run_folder(tmp_path) as folder:
        assert folder.is_dir()
