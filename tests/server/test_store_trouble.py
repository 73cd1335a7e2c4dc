"""The store full, stopped, killed, deleted, under load: lists go on, each says what it does without, and
events are acknowledged again when the trouble is over, without a restart."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress

import pytest
from servers import children, publish, served, wait_for

from vitrina.client import Client
from vitrina.errors import StoreError, StoreFull, TimedOut, VitrinaError
from vitrina.happening import Happening
from vitrina.request import Block, Request
from vitrina.state.events import unpacked
from vitrina.state.lmdb_store import LmdbStore
from vitrina.state.tables import LOG

HOLDER = """
import sys, time
from pathlib import Path
from vitrina.state.lmdb_store import LmdbStore
def work(to):
    print("inside", flush=True)
    time.sleep(600)
LmdbStore(Path(sys.argv[1])).write(work).result()
"""
"""A process that stays inside its write: no other process of the host can write."""


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """A shop of bestsellers."""
    folder = tmp_path_factory.mktemp("registry")
    publish(folder)
    return folder


class Readers:
    """Visitors who ask for lists without pause; `answers` counts what they got: ok, degraded, or an error."""

    def __init__(self, address):
        self.answers, self.ending = Counter(), threading.Event()
        self.threads = [
            threading.Thread(target=self._ask, args=(address, one), daemon=True) for one in range(4)
        ]
        for one in self.threads:
            one.start()

    def end(self):
        """Stop; what they got."""
        self.ending.set()
        for one in self.threads:
            one.join(30)
        return self.answers

    def _ask(self, address, number):
        request = Request((Block("home", limit=3),), visitor_id=f"reader {number}")
        while not self.ending.is_set():
            # A connection each time: it reaches every worker, those that are new too.
            with Client(address, timeout_s=10.0) as shop, suppress(VitrinaError):
                outcome = "failed"
                try:
                    response = shop.recommend(request)
                    assert response.blocks[0].items
                    outcome = ",".join(response.degraded) or "ok"
                finally:
                    self.answers[outcome] += 1
            self.ending.wait(0.02)  # so that a worker can start on two cores


@contextmanager
def reading(address):
    """Readers at work while the block lasts; none of them may fail."""
    readers = Readers(address)
    try:
        yield readers.answers
    finally:
        answers = readers.end()
    assert answers["failed"] == 0, answers
    assert answers["ok"] > 20


def record(shop, event_id, **more):
    """The outcome of one event."""
    return shop.record([Happening("i1", visitor_id="v", event_id=event_id)], **more)[0].outcome


def test_a_writer_that_is_stopped_and_then_killed(registry, tmp_path):
    """Lists go on, from a worker too that starts meanwhile, which says that it does without; events wait, and
    time out; once the writer is dead they are taken."""
    store = tmp_path / "store"
    with (
        served(registry, store=str(store), workers=2) as (server, told),
        Client(told["address"], timeout_s=20.0) as shop,
    ):
        assert record(shop, "before") == "accepted"
        with reading(told["address"]) as answers:
            command = [sys.executable, "-c", HOLDER, str(store)]
            holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            try:
                assert holder.stdout.readline() == "inside\n"
                holder.send_signal(signal.SIGSTOP)
                with pytest.raises(TimedOut, match=r"(?i)deadline"):
                    record(shop, "meanwhile", timeout_s=0.5)
                os.kill(children(server.pid)[0], signal.SIGKILL)
                wait_for(lambda: answers["store"] > 5, 30.0)
            finally:
                holder.kill()
                holder.communicate()
            assert record(shop, "meanwhile", timeout_s=10.0) in ("accepted", "duplicate")
            # Every worker is back at the store.
            wait_for(lambda: _steady(answers))


def _steady(answers):
    """Whether half a second of lists did without nothing."""
    before = answers["store"]
    time.sleep(0.5)
    return answers["store"] == before


def test_a_store_that_is_deleted_and_put_back_under_load(registry, tmp_path):
    """No list fails; those of the time without it say so; no event is acknowledged into nothing."""
    store, away = tmp_path / "store", tmp_path / "away"
    with (
        served(registry, store=str(store), workers=2) as (_, told),
        Client(told["address"], timeout_s=20.0) as shop,
        reading(told["address"]) as answers,
    ):
        assert record(shop, "before") == "accepted"
        wait_for(lambda: answers["ok"] > 20)
        store.rename(away)
        wait_for(lambda: answers["store"] > 20)
        with pytest.raises(StoreError, match="is lost"):
            record(shop, "meanwhile")
        away.rename(store)
        assert record(shop, "meanwhile") == "accepted"
        wait_for(lambda: _steady(answers))
    assert logged(store) == ["before", "meanwhile"]


@contextmanager
def small_disk(folder, megabytes):
    """A disk of a few megabytes; skips where this user may not mount one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if done.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here, which takes root: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk(registry, tmp_path):
    """Events are refused with RESOURCE_EXHAUSTED and the reason, lists go on undegraded; when there is space
    again events are taken, without a restart, and every acknowledged one is there once."""
    disk = tmp_path / "disk"
    with small_disk(disk, 6):
        ballast = disk / "ballast"
        ballast.write_bytes(b"x" * (3 << 20))
        told_ids = []
        with (
            served(registry, store=str(disk / "store")) as (_, told),
            Client(told["address"], timeout_s=20.0) as shop,
        ):
            with reading(told["address"]) as answers:
                with pytest.raises(
                    StoreFull, match=r"no space for the store .*nothing need be restarted"
                ) as full:
                    _fill(shop, told_ids)
                assert full.value.retry_s == 5.0
                assert told_ids
                assert shop.recommend(Request((Block("home"),), visitor_id=told_ids[0])).degraded == ()
                ballast.unlink()
                assert {record(shop, f"after {number}") for number in range(20)} == {"accepted"}
            assert answers["store"] == 0
        found = logged(disk / "store")
        assert len(set(found)) == len(found)
        assert set(told_ids) | {f"after {number}" for number in range(20)} <= set(found)


def _fill(shop, told_ids):
    """Record until it fails; the ids of what was acknowledged go into `told_ids`."""
    for number in range(1_000):
        batch = [f"{number}:{one}" for one in range(100)]
        shop.record([Happening("i1", visitor_id=one, event_id=one) for one in batch])
        told_ids += batch


def logged(folder):
    """The ids of all events of a store, in order."""
    store = LmdbStore(folder)
    with store.read() as reads:
        found = [unpacked(value).event.id for _, value in reads.feed(LOG, 0, 1_000_000)]
    store.close()
    return found
