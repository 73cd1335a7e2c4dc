"""Kill -9, anywhere, again and again: what was acknowledged is in the store, whole and once.

    VITRINA_KILLS=220 VITRINA_TRIALS=result.json pytest tests/server/test_kills.py -s     as `make soak` does

Clients record events all the time and send again what was not acknowledged. Meanwhile workers are killed, the
whole server with its supervisor is, compactions are, and who forgets somebody is; and processes die by
themselves at every named failpoint. Who was forgotten stays so: after a compaction no byte of them is there.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from contextlib import suppress
from pathlib import Path

import pytest
from servers import SERVE, children, free_port, publish

from vitrina.audit import search
from vitrina.client import Client
from vitrina.errors import VitrinaError
from vitrina.happening import Happening
from vitrina.state.events import unpacked
from vitrina.state.failpoints import NAMES, VARIABLE, parse
from vitrina.state.lmdb_store import LmdbStore
from vitrina.state.people import Tombstones
from vitrina.state.profiles import KEPT, records
from vitrina.state.recording import visitor_key
from vitrina.state.tables import LOG, PROFILES, SEEN

ROUNDS = int(os.environ.get("VITRINA_KILLS", "25"))
SEED = int(os.environ.get("VITRINA_SEED", time.time_ns() % 1_000_000))
CLIENTS, WORKERS = 4, 2
DYING = "apply.after=0.0005 commit.before=0.0005 commit.after=0.0005 retain.before=0.02"
COMPACTING = "compact.copied=0.3 compact.switched=0.3"
FORGETTING = "erase.before=0.5"
COMPACT = "import sys; from pathlib import Path; from vitrina.state.lmdb_store import LmdbStore; LmdbStore(Path(sys.argv[1])).compact()"


FORGET = """
import sys, time
from pathlib import Path
from vitrina.state.erasing import forget
from vitrina.state.lmdb_store import LmdbStore
from vitrina.state.people import Tombstones
folder = Path(sys.argv[1])
store = LmdbStore(folder)
forget(store, Tombstones(folder), [b"v" + sys.argv[2].encode()], int(time.time()))
store.close()
"""


class Server:
    """A server that is started again when all of it was killed."""

    def __init__(self, folder, port):
        self.told = {"registry": str(folder / "registry"), "store": str(folder / "store"), "port": port}
        self.told |= {"workers": WORKERS, "grace_s": 1.0, "log_calls": False}
        self.store, self.log, self.process = folder / "store", folder / "server.log", None

    def start(self):
        """Start it and wait until it serves."""
        command = [sys.executable, "-c", SERVE, json.dumps(self.told)]
        with self.log.open("w") as log:
            told = {"stdout": subprocess.PIPE, "stderr": log, "env": {**os.environ, VARIABLE: DYING}}
            self.process = subprocess.Popen(command, **told)
        assert self.process.stdout.readline(), f"the server did not come up again: {self.log.read_text()}"

    def workers(self):
        """Process ids of the workers."""
        return children(self.process.pid)

    def kill_all(self):
        """Kill the workers and the supervisor, which must not start one meanwhile."""
        self.process.send_signal(signal.SIGSTOP)
        for pid in [*self.workers(), self.process.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.communicate()

    def stop(self):
        """End it as an operator would."""
        self.process.terminate()
        self.process.communicate(timeout=30)

    def compact(self, random):
        """Compact the store, in a process that dies on the way with an even chance."""
        dying = {**os.environ, VARIABLE: COMPACTING}
        process = subprocess.Popen(
            [sys.executable, "-c", COMPACT, str(self.store)], env=dying, stderr=subprocess.DEVNULL
        )
        with suppress(subprocess.TimeoutExpired):
            process.wait(random.choice([0.2, 0.4, 20.0]))
        process.kill()
        process.wait()

    def forget(self, visitor):
        """Forget a visitor, in a process that dies between its two steps with an even chance; told again until
        one comes to its end."""
        command = [sys.executable, "-c", FORGET, str(self.store), visitor]
        for _ in range(30):
            if not subprocess.run(command, env={**os.environ, VARIABLE: FORGETTING}).returncode:
                return
        raise AssertionError(f"{visitor} was not forgotten in 30 times")


class Crowd:
    """Clients that record without pause; `acknowledged`: events by visitor, in order; `sent`: all ids."""

    def __init__(self, port):
        self.address, self.ending = f"127.0.0.1:{port}", threading.Event()
        self.acknowledged, self.sent, self.outcomes = defaultdict(list), set(), Counter()
        self.threads = [
            threading.Thread(target=self._record, args=(one,), daemon=True) for one in range(CLIENTS)
        ]
        for one in self.threads:
            one.start()

    def end(self):
        """Stop, once what was sent is acknowledged."""
        self.ending.set()
        for one in self.threads:
            one.join(60)
            assert not one.is_alive()

    def _record(self, client):
        rng = random.Random(client)
        number = 0
        with Client(self.address, timeout_s=3.0) as shop:
            while not self.ending.is_set():
                events = []
                for _ in range(rng.randint(1, 5)):
                    visitor = f"visitor-{client}-{rng.randrange(200):04}"
                    number += 1
                    events.append(Happening(f"i{number}", visitor_id=visitor, event_id=f"{client}:{number}"))
                self.sent.update(one.event_id for one in events)
                told = self._until_told(shop, events)
                self.outcomes.update(one.outcome for one in told)
                for one in events:
                    self.acknowledged[one.visitor_id].append(one.event_id)

    def _until_told(self, shop, events):
        while True:
            try:
                return shop.record(events)
            except VitrinaError as reason:
                self.outcomes[type(reason).__name__] += 1
                time.sleep(0.02)


def harm(server, random, crowd, forgotten):
    """Kill something; what it was. Who was forgotten meanwhile joins `forgotten`."""
    workers = server.workers()
    if random.random() < 0.2 or not workers:
        server.kill_all()
        server.start()
        return "server"
    if random.random() < 0.15:
        server.compact(random)
        return "compaction"
    if random.random() < 0.15:
        forgotten.add(someone(server, random, crowd))
        return "forgetting"
    with suppress(ProcessLookupError):
        os.kill(random.choice(workers), signal.SIGKILL)
    return "worker"


def someone(server, random, crowd):
    """Forget one of those who have events on the disk; who it was."""
    while not (known := list(crowd.acknowledged)):
        time.sleep(0.02)
    visitor = random.choice(known)
    server.forget(visitor)
    return visitor


def look(store):
    """Every logged event's id by its sequence number; and that ids, profiles and log agree."""
    with store.read() as reads:
        entries = {number: unpacked(value) for number, value in reads.feed(LOG, 0, 10_000_000)}
        logged = {number: one.event for number, one in entries.items()}
        by_id = {one.id: number for number, one in logged.items()}
        assert len(by_id) == len(logged), "an event is in the log twice"
        seen = {key.decode(): int.from_bytes(value) for key, value in reads.scan(SEEN)}
        assert seen == by_id
        of_visitor = defaultdict(list)
        for number, one in entries.items():
            if not one.quarantined:  # visitors who did more than people do, which some may in a long loop
                of_visitor[one.event.visitor_id].append(number)
        for visitor, numbers in of_visitor.items():
            profile = records(reads.get(PROFILES, visitor_key(visitor)))
            assert profile["sequence"].tolist() == numbers[-KEPT:]
    return logged


def kill_loop(folder, rounds, seed):
    """Rounds of harm; what came of them."""
    rng, port = random.Random(seed), free_port()
    publish(folder / "registry")
    server = Server(folder, port)
    server.start()
    crowd, harmed, started = Crowd(port), Counter(), time.monotonic()
    forgotten = set()
    try:
        forgotten.add(someone(server, rng, crowd))
        for _ in range(rounds):
            time.sleep(rng.random() * 0.4)
            harmed[harm(server, rng, crowd, forgotten)] += 1
            end = time.monotonic() + 2
            while len(server.workers()) < WORKERS and time.monotonic() < end:
                time.sleep(0.02)
    finally:
        crowd.end()
        server.stop()
    store = LmdbStore(folder / "store")
    logged = look(store)
    store.compact()
    tombstones = Tombstones(store.folder)
    with store.read() as reads:
        tombstones.look(reads)
        back = [one for one in sorted(forgotten) if not tombstones.holds([visitor_key(one)])]
    store.close()
    assert not back, f"{back} were forgotten and are not any more; seed {seed}"
    found = [str(one.file) for who in sorted(forgotten) for one in search([store.folder], who)]
    assert not found, f"of who was forgotten there are bytes in {found[:3]}; seed {seed}"
    order = {one.id: number for number, one in logged.items()}
    kept = [ids for who, ids in crowd.acknowledged.items() if who not in forgotten]
    lost = [one for ids in kept for one in ids if one not in order]
    told = sum(map(len, crowd.acknowledged.values()))
    assert not lost, f"{len(lost)} acknowledged events are lost, {lost[:3]} among them; seed {seed}"
    assert order.keys() <= crowd.sent
    return {
        "seed": seed,
        "rounds": rounds,
        "killed": dict(harmed),
        "forgotten": len(forgotten),
        "acknowledged": told,
        "logged": len(logged),
        "lost": len(lost),
        "outcomes": dict(crowd.outcomes),
        "seconds": round(time.monotonic() - started, 1),
    }


def test_every_failpoint_is_armed():
    """A place where a process may die is of no use if none dies there."""
    assert {*parse(f"{DYING} {COMPACTING} {FORGETTING}")} == {*NAMES}


@pytest.mark.timeout(3600)
def test_every_acknowledged_event_is_there_once(tmp_path):
    """After any kills: none lost, none twice, none that nobody sent; profiles, ids and log agree."""
    print(f"VITRINA_SEED={SEED} VITRINA_KILLS={ROUNDS}")
    result = kill_loop(tmp_path, ROUNDS, SEED)
    print(json.dumps(result))
    assert result["outcomes"]["accepted"] > ROUNDS
    if where := os.environ.get("VITRINA_TRIALS"):
        Path(where).write_text(json.dumps(result, indent=1) + "\n")
