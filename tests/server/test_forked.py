"""The fork server: workers that are the supervisor's own children, and a fork server that may die."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from servers import name, publish, started, wait_for

from vitrina.server.forked import Forks, able, adopt
from vitrina.server.keeper import Keeper, beginning
from vitrina.server.options import Options

pytestmark = pytest.mark.skipif(not able(), reason="this system has no pidfd")


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """A registry with a bundle."""
    folder = tmp_path_factory.mktemp("registry")
    publish(folder)
    return folder


@pytest.fixture
def forks(registry):
    """What makes workers over it; in a loop that has ended, so has the fork server."""
    yield Forks(registry, os.environ | {"OPENBLAS_NUM_THREADS": "1"}, 1 << 16)
    adopt(orphans=False)


def server_of():
    """The fork server among our processes."""
    [found] = [one for one in started(os.getpid()) if "forkserver" in line(one) and name(one) == "python"]
    return found


def line(pid):
    """How a process was started."""
    return Path(f"/proc/{pid}/cmdline").read_text()


def parent(pid):
    """Who is a process's parent."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_a_worker_is_our_child_and_is_seen_to_end(forks):
    """Told to end before it has its order, killed, or hung up on: each time its code is known."""

    async def run():
        for end, code in ((signal.SIGTERM, -15), (signal.SIGKILL, -9)):
            one = await forks.worker()
            assert parent(one.pid) == os.getpid()
            os.kill(one.pid, end)
            assert await one.wait() == one.returncode == code
            one.kill()  # it is over: nothing is told to whoever has the number now
        hung_up = await forks.worker()
        hung_up.stdin.close()
        assert await hung_up.wait() == 0
        await forks.renew()

    asyncio.run(run())


def test_what_forks_has_one_thread_and_no_grpc(forks):
    """Neither a thread nor grpc's state would survive a fork."""

    async def run():
        one = await forks.worker()
        server = server_of()
        assert len(list(Path(f"/proc/{server}/task").iterdir())) == 1
        maps = Path(f"/proc/{server}/maps").read_text()
        assert "cygrpc" not in maps
        assert "llvmlite" in maps, "then it read nothing ahead"
        one.kill()
        await one.wait()
        await forks.renew()

    asyncio.run(run())


def test_a_fork_server_that_dies_is_replaced(forks):
    """Its workers live on; the next one comes from another."""

    async def run():
        first = await forks.worker()
        old = server_of()
        os.kill(old, signal.SIGKILL)
        second = await forks.worker()
        assert server_of() != old
        assert (first.returncode, second.returncode) == (None, None)
        for one in (first, second):
            one.kill()
            await one.wait()
        await forks.renew()
        assert not [one for one in started(os.getpid()) if "forkserver" in line(one)]

    asyncio.run(run())


def test_a_fork_server_that_hangs_is_given_up(forks, monkeypatch, capsys):
    """After a while, of which the log tells, or when the end comes first; and the next worker comes from
    another."""

    async def run():
        first = await forks.worker()
        monkeypatch.setattr("vitrina.server.forked.PATIENCE_S", 1.0)
        monkeypatch.setattr("vitrina.server.forked._USUAL_S", 0.2)
        os.kill(server_of(), signal.SIGSTOP)
        with pytest.raises(TimeoutError):
            await forks.worker()
        assert capsys.readouterr().err.count("kernels are compiled once per installation") == 1
        monkeypatch.setattr("vitrina.server.forked.PATIENCE_S", 60.0)
        second = await forks.worker()
        os.kill(server_of(), signal.SIGSTOP)
        told = []
        keeper = Keeper(0, None, forks.worker, told.append, told.append)
        keeping = asyncio.create_task(keeper.keep())
        await asyncio.sleep(0.2)
        keeper.retire()
        await asyncio.wait_for(keeping, 10)
        for one in (first, second):
            one.kill()
            await one.wait()
        await asyncio.wait_for(forks.renew(), 10)

    asyncio.run(run())


def test_where_no_fork_server_can_be_workers_are_spawned(registry, monkeypatch):
    """Another system, or a sandbox without pidfd."""
    monkeypatch.setattr("vitrina.server.keeper.able", lambda: False)
    begin, renew = beginning(Options(registry))

    async def run():
        one = await begin()
        wait_for(lambda: name(one.pid) == "vitrina-worker")
        one.kill()
        assert await one.wait() == -9
        await renew()

    asyncio.run(run())
