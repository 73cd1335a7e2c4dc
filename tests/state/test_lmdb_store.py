"""The store on LMDB: several processes, growth, compaction under writers, files that go away."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vitrina.errors import StoreError, StoreLost
from vitrina.state.failpoints import VARIABLE
from vitrina.state.lmdb_store import LmdbStore
from vitrina.state.store import sequence_key
from vitrina.state.tables import LOG, SEEN

WRITER = """
import sys
from pathlib import Path
from vitrina.state.lmdb_store import LmdbStore
name, n, size = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
store = LmdbStore(Path(sys.argv[1]), map_bytes=1 << 20)
for number in range(n):
    value = f"{name}-{number}".encode().ljust(size)
    print(store.write(lambda to: to.append("log", value)).result(), name, number, flush=True)
store.close()
"""

COMPACT = """
import sys
from pathlib import Path
from vitrina.state.lmdb_store import LmdbStore
LmdbStore(Path(sys.argv[1])).compact()
"""


def writer(folder, name, n=60, size=10):
    """Another process that appends, and prints what was acknowledged."""
    command = [sys.executable, "-c", WRITER, str(folder), name, str(n), str(size)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def acknowledged(process):
    """What it printed: (sequence number, the value's text)."""
    out, err = process.communicate(timeout=60)
    assert not err, err
    return [(int(number), f"{name}-{at}") for number, name, at in map(str.split, out.splitlines())]


def logged(store):
    """The whole log as (sequence number, text)."""
    with store.read() as now:
        return [(number, value.decode().strip()) for number, value in now.feed(LOG, 0, 10**6)]


@pytest.fixture
def folder(tmp_path):
    """A folder with an empty store."""
    LmdbStore(tmp_path / "store", create=True).close()
    return tmp_path / "store"


def test_processes_share_it_while_it_grows_and_is_compacted(folder):
    """What two processes had acknowledged is there once, though the map grew and files were replaced."""
    store = LmdbStore(folder, map_bytes=1 << 20)
    others = [writer(folder, name, n=60, size=30_000) for name in "ab"]
    for number in range(12):
        store.write(lambda to, number=number: to.append(LOG, f"c-{number}".encode())).result()
        store.compact()
    found = sorted(pair for one in others for pair in acknowledged(one))
    assert len(found) == 120
    held = logged(store)
    assert [pair for pair in held if not pair[1].startswith("c")] == found
    assert sum(text.startswith("c") for _, text in held) == 12
    assert len([one for one in folder.iterdir() if one.is_dir()]) == 1
    store.close()


def test_a_process_that_only_reads_follows_growth_and_compaction(folder):
    """A reader whose map is too small, and whose file was replaced, sees the newest all the same."""
    store = LmdbStore(folder, map_bytes=1 << 20)
    assert logged(store) == []
    acknowledged(writer(folder, "big", n=2, size=3 << 20))
    assert len(logged(store)) == 2
    subprocess.run(
        [sys.executable, "-c", COMPACT, str(folder)],
        check=True,
    )
    acknowledged(writer(folder, "after", n=1))
    assert len(logged(store)) == 3
    store.close()


@pytest.mark.parametrize("place", ["compact.copied", "compact.switched"])
def test_a_compaction_that_was_killed_leaves_nothing_for_good(folder, place):
    """Not the old file, which may hold who was forgotten, nor a half-made one: the next compaction sees to it."""
    store = LmdbStore(folder, map_bytes=1 << 20)
    store.write(lambda to: to.append(LOG, b"zoe-private")).result()
    told = {**os.environ, VARIABLE: f"{place}=1"}
    assert (
        subprocess.run([sys.executable, "-c", COMPACT, str(folder)], env=told, check=False).returncode == -9
    )
    store.write(lambda to: to.delete(LOG, sequence_key(1))).result()
    store.compact()
    assert [one.name for one in folder.iterdir() if one.is_dir()] == [store._home.current().name]
    store.close()
    assert not any(b"zoe-private" in one.read_bytes() for one in folder.rglob("*") if one.is_file())


@pytest.mark.parametrize("do", ["make", "compact", "backup"])
def test_what_current_names_is_on_the_disk_before(tmp_path, monkeypatch, do):
    """After a power cut CURRENT never names a file or a folder whose name was lost."""
    folder, synced = tmp_path / "store", []
    if do != "make":
        store = LmdbStore(folder, create=True, map_bytes=1 << 20)
    fsync = os.fsync

    def noting(handle):
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", noting)
    if do == "make":
        store = LmdbStore(folder, create=True, map_bytes=1 << 20)
        named = folder / "000001"
        assert str(tmp_path) in synced
    elif do == "compact":
        store.compact()
        named = folder / "000002"
    else:
        store.backup(tmp_path / "backup")
        named = tmp_path / ".draft-backup" / "000001"
    store.close()
    pointer = next(at for at, one in enumerate(synced) if "/.CURRENT-" in one)
    assert {str(named), str(named.parent)} <= {*synced[:pointer]}


@pytest.mark.parametrize("what", ["file", "folder", "pointer"])
def test_nothing_is_acknowledged_into_files_that_are_gone(folder, what):
    """Once the file, the folder or CURRENT is removed, writes, reads' check and opening say so."""
    store = LmdbStore(folder)
    store.write(lambda to: to.append(LOG, b"x")).result()
    if what == "file":
        (folder / "000001" / "data.mdb").unlink()
    elif what == "pointer":
        (folder / "CURRENT").unlink()
    else:
        folder.rename(folder.with_name("elsewhere"))
    for attempt in (store.check, lambda: store.write(lambda to: to.append(LOG, b"y")).result()):
        with pytest.raises(StoreLost, match="restore a backup"):
            attempt()
    if what != "file":
        with pytest.raises(StoreLost), store.read():
            pass
    with pytest.raises(StoreLost):
        LmdbStore(folder)
    store.close()


def test_a_store_that_comes_back_is_taken_up_again(folder, tmp_path):
    """A backup that is put in place of the lost store serves with no restart."""
    store = LmdbStore(folder)
    store.write(lambda to: to.append(LOG, b"x")).result()
    store.backup(tmp_path / "backup")
    folder.rename(tmp_path / "lost")
    with pytest.raises(StoreLost):
        store.write(lambda to: to.append(LOG, b"y")).result()
    (tmp_path / "backup").rename(folder)
    assert store.write(lambda to: to.append(LOG, b"y")).result() == 2
    assert logged(store) == [(1, "x"), (2, "y")]
    store.close()


def test_a_file_cut_short_is_noticed(folder):
    """check finds a data file with fewer bytes than its pages need, before a read meets the hole."""
    store = LmdbStore(folder)
    store.write(lambda to: [to.put(SEEN, b"%d" % key, bytes(2000)) for key in range(100)]).result()
    store.check()
    os.truncate(folder / "000001" / "data.mdb", 100_000)
    with pytest.raises(StoreLost, match="100,000 bytes"):
        store.check()


def test_a_later_format_is_refused(folder):
    """The marker of another version is refused in a sentence, before LMDB sees a byte."""
    (folder / "FORMAT").write_text("vitrina store 2, lmdb 1.0\n")
    with pytest.raises(StoreError, match="vitrina store 2"):
        LmdbStore(folder)


def test_what_is_no_store_is_refused(tmp_path):
    """A missing folder, and a data file of noise."""
    with pytest.raises(StoreLost):
        LmdbStore(tmp_path / "nowhere")
    LmdbStore(tmp_path / "store", create=True).close()
    (tmp_path / "store" / "000001" / "data.mdb").write_bytes(bytes(range(256)) * 100)
    with pytest.raises(StoreLost, match="damaged"):
        LmdbStore(tmp_path / "store")


@pytest.mark.parametrize("ack", ["written", "memory"])
def test_weaker_acknowledgements_are_as_complete(folder, ack):
    """Whatever the level, what was acknowledged is there when the store is opened again."""
    store = LmdbStore(folder, ack=ack)
    futures = [store.write(lambda to: to.append(LOG, b"x")) for _ in range(50)]
    assert [one.result() for one in futures] == list(range(1, 51))
    store.tend()
    store.close()
    again = LmdbStore(folder)
    assert len(logged(again)) == 50
    again.close()
