"""The supervisor and its workers as processes: one port, restarts, swaps, metrics, stopping."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
from servers import children, free_port, publish, served, wait_for

from vitrina.client import Client, healthcheck
from vitrina.errors import RegistryError, ServerError
from vitrina.request import Block, Request
from vitrina.server.options import Options, Order
from vitrina.server.startup import token_key
from vitrina.server.workers import serve

HOME = Request((Block("home", limit=5),), user_id="u1")
ROLLS = int(os.environ.get("VITRINA_ROLLS", "2"))
"""How often workers are restarted in turn; the soak asks for more."""


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """A registry with a bundle."""
    folder = tmp_path_factory.mktemp("registry")
    publish(folder)
    return folder


def scraped(address):
    """Samples of a metrics page."""
    with urllib.request.urlopen(address, timeout=5) as page:
        lines = page.read().decode().splitlines()
    return {name: float(value) for name, _, value in (one.rpartition(" ") for one in lines if one[0] != "#")}


@contextmanager
def loaded(address):
    """Three clients that ask all the time: the bundles that answered, and what failed."""
    done, failed, versions = threading.Event(), [], []

    def load():
        with Client(address) as client:
            while not done.is_set():
                try:
                    versions.append(client.recommend(HOME).bundle_version)
                except Exception as error:
                    failed.append(error)

    threads = [threading.Thread(target=load) for _ in range(3)]
    for one in threads:
        one.start()
    try:
        yield versions, failed
    finally:
        done.set()
        for one in threads:
            one.join()


def test_two_workers_survive_a_kill_a_swap_and_a_stop(front, tmp_path):
    """Under load: one of two workers is killed and replaced, a bundle is swapped, and no call fails."""
    folder = tmp_path / "registry"
    version = publish(folder)
    with served(folder, workers=2, front=front, metrics_port=free_port(), as_of=1_000_000) as (
        process,
        ready,
    ):
        assert (ready["event"], ready["workers"], ready["bundle"]) == ("ready", 2, version)
        assert ready["address"] in ready["message"]
        before = children(process.pid)
        assert len(before) == 2
        with loaded(ready["address"]) as (versions, failed):
            wait_for(lambda: len(versions) > 50)
            os.kill(before[0], signal.SIGKILL)
            wait_for(lambda: len(children(process.pid)) == 2 and before[0] not in children(process.pid))
            newer = publish(folder, n_items=11)
            wait_for(lambda: newer in versions)
            time.sleep(1.2)
            mark = len(versions)
            wait_for(lambda: len(versions) > mark + 50)
        assert failed == []
        assert set(versions[mark:]) == {newer}
        time.sleep(1.2)
        found = scraped(ready["metrics"])
        answered = found['vitrina_requests_total{code="OK",method="Recommend"}']
        # What the killed worker counted in its last second is lost.
        assert 0.3 * len(versions) < answered <= len(versions) + 50
        assert found['vitrina_lists_total{placement="home"}'] == answered
        assert found["vitrina_bundle_age_seconds"] < 0  # answers are given as of 1970
        workers = children(process.pid)
        process.terminate()
        assert process.wait(timeout=15) == 0
        assert not any(Path(f"/proc/{one}").exists() for one in workers)
        assert healthcheck(ready["address"], 0.2) == 7


def test_rolling_restarts_fail_no_call(registry, front):
    """SIGHUP again and again under load: every worker is another one, and the shipped client notices nothing."""
    with (
        served(registry, workers=2, front=front) as (process, ready),
        loaded(ready["address"]) as (versions, failed),
    ):
        for _ in range(ROLLS):
            wait_for(lambda: len(children(process.pid)) == 2)
            before, mark = set(children(process.pid)), len(versions)
            process.send_signal(signal.SIGHUP)
            wait_for(lambda old=before: renewed(children(process.pid), old), 120.0)
            assert len(versions) > mark
        mark = len(versions)
        wait_for(lambda: len(versions) > mark + 50)
        assert failed == []


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="this system has no such turns")
def test_a_calm_worker_has_the_systems_turns(registry):
    """What is done for crowds (`turns`) is not done before there is one: others on the core would be waited for."""
    with served(registry) as (process, ready):
        with Client(ready["address"]) as client:
            client.recommend(HOME)
        [worker] = children(process.pid)
        threads = [int(one.name) for one in Path(f"/proc/{worker}/task").iterdir()]
        assert len(threads) > 2
        assert {os.sched_getscheduler(one) for one in threads} == {os.SCHED_OTHER}


def renewed(now, before):
    """Two workers run, and none of those before."""
    return len(now) == 2 and not before & set(now)


def test_workers_follow_their_supervisor_into_death(registry):
    """A supervisor that is killed leaves no worker behind."""
    with served(registry, workers=1) as (process, ready):
        assert healthcheck(ready["address"]) == 0
        [worker] = children(process.pid)
        process.kill()
        wait_for(lambda: not Path(f"/proc/{worker}").exists())


def test_a_server_that_cannot_start_says_why(registry, tmp_path):
    """No bundle, a taken port, a bad placements file, no workers: an error with a next step."""
    with pytest.raises(RegistryError, match="has no current bundle"):
        serve(Options(tmp_path))
    with pytest.raises(ServerError, match="--workers 1"):
        serve(Options(registry, workers=0))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ServerError, match="choose another --port"):
            serve(Options(registry, port=taken.getsockname()[1]))
        with pytest.raises(ServerError, match="choose another --metrics-port"):
            serve(Options(registry, port=0, metrics_port=taken.getsockname()[1]))
    with pytest.raises(ServerError, match=r"cannot listen on no\.such"):
        serve(Options(registry, host="no.such.host.invalid"))


def test_what_a_worker_cannot_open_is_the_servers_error(registry, tmp_path):
    """The first worker's reason reaches whoever started the server, as the same class."""
    from vitrina.errors import PlacementsError

    with pytest.raises(PlacementsError, match=r"cannot read the placements .*none\.toml"):
        serve(Options(registry, port=0, placements=tmp_path / "none.toml"))


def test_token_keys(tmp_path, monkeypatch, capfd):
    """From a file, from the environment, or made and said so; never a short one."""
    file = tmp_path / "key"
    file.write_text("a key of at least sixteen bytes\n")
    monkeypatch.setenv("VITRINA_TOKEN_KEY", "another key of sixteen bytes")
    assert token_key(file) == b"a key of at least sixteen bytes"
    assert token_key(None) == b"another key of sixteen bytes"
    monkeypatch.delenv("VITRINA_TOKEN_KEY")
    assert capfd.readouterr().err == ""
    assert len(token_key(None)) == 32
    assert json.loads(capfd.readouterr().err)["event"] == "token key made"
    file.write_text("short")
    with pytest.raises(ServerError, match="at least 16"):
        token_key(file)
    with pytest.raises(ServerError, match="cannot read"):
        token_key(tmp_path / "none")


def test_orders_travel_whole(tmp_path):
    """What the supervisor was told is what a worker is told."""
    order = Order(
        Options(tmp_path, placements=tmp_path / "p.toml", as_of=5, grace_s=1.5), 1234, b"\0\xff", tmp_path
    )
    assert Order.of_json(order.to_json()) == order
    assert "\n" not in order.to_json()
