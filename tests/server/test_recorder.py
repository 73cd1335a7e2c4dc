"""Recording in a worker: together where calls wait together, each with its own answer, never without bound."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future

import pytest
from servers import NOW

from vitrina.errors import Overloaded, StoreError, StoreFull, TimedOut
from vitrina.server import recorder
from vitrina.server.failures import failure
from vitrina.server.recorder import Recorder
from vitrina.state.events import Event, unpacked
from vitrina.state.lmdb_store import LmdbStore
from vitrina.state.opening import Opening
from vitrina.state.tables import LOG


class Slow:
    """A store whose writes wait until they are let go; `works`: those that came."""

    def __init__(self):
        self.works = []

    def write(self, work):
        """Keep it."""
        self.works.append((work, future := Future()))
        return future


def view(number):
    """An event."""
    return Event(str(number), "view", "", "v", "i1", NOW)


def test_calls_that_wait_together_are_one_write(tmp_path):
    """Of many calls each has the outcomes of its own events, in order; the first write goes alone."""
    store, writes = LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 20), []

    class Counting:
        def write(self, work):
            writes.append(work)
            return store.write(work)

    async def go():
        one = Recorder(Counting())
        calls = [one.record([view(number), view(number), view(7)], NOW, 30.0) for number in range(8)]
        return await asyncio.gather(*calls), one.waiting

    found, waiting = asyncio.run(go())
    assert found == [["accepted", "duplicate", "accepted"]] + [["accepted", "duplicate", "duplicate"]] * 6 + [
        ["duplicate"] * 3
    ]
    assert len(writes) == 2
    assert waiting == 0
    store.close()


def test_a_write_is_stamped_by_the_calls_in_it(tmp_path):
    """While calls never stop coming, time goes on: not the first one's for ever."""
    store = LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 20)

    async def go():
        one = Recorder(store)
        await asyncio.gather(*(one.record([view(n)], NOW + 100 * n, 30.0) for n in range(4)))

    asyncio.run(go())
    with store.read() as reads:
        received = [unpacked(value).received for _, value in reads.feed(LOG, 0, 9)]
    assert received == [NOW, NOW + 300, NOW + 300, NOW + 300]
    store.close()


def test_a_deadline_ends_the_wait_and_not_the_others():
    """Who has no time left is told so; the write goes on for the rest, and who left is not written."""

    async def go():
        slow = Slow()
        one = Recorder(slow)
        first = asyncio.ensure_future(one.record([view(1)], NOW, 30.0))
        hasty = asyncio.ensure_future(one.record([view(2)], NOW, 0.01))
        patient = asyncio.ensure_future(one.record([view(3)], NOW, 30.0))
        with pytest.raises(TimedOut, match="send them again"):
            await hasty
        slow.works[0][1].set_result(["accepted"])
        assert await first == ["accepted"]
        slow.works[1][1].set_result(["accepted"])
        assert await patient == ["accepted"]
        return one.waiting

    assert asyncio.run(go()) == 0


def test_what_waits_for_the_disk_is_bounded(monkeypatch):
    """Beyond it events are refused at once."""
    monkeypatch.setattr(recorder, "WAITING", 2)

    async def go():
        one = Recorder(Slow())
        call = asyncio.ensure_future(one.record([view(1), view(2)], NOW, 30.0))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="2 events wait"):
            await one.record([view(3)], NOW, 30.0)
        call.cancel()
        await asyncio.wait([call])
        return one.waiting

    assert asyncio.run(go()) == 0


@pytest.mark.parametrize("reason", [StoreFull("no space"), StoreError("broken")])
def test_a_failed_write_fails_those_it_was_for_and_the_next_is_tried(reason):
    """No acknowledgement into nothing, and no restart once there is space again."""

    async def go():
        slow = Slow()
        one = Recorder(slow)
        call = asyncio.ensure_future(one.record([view(1)], NOW, 30.0))
        await asyncio.sleep(0)
        slow.works[0][1].set_exception(reason)
        with pytest.raises(type(reason)):
            await call
        again = asyncio.ensure_future(one.record([view(1)], NOW, 30.0))
        await asyncio.sleep(0)
        slow.works[1][1].set_result(["accepted"])
        return await again

    assert asyncio.run(go()) == ["accepted"]


def test_without_a_store_it_says_how_to_get_one():
    """FAILED_PRECONDITION, with the option's name."""
    with pytest.raises(StoreError, match="--store DIR") as refused:
        asyncio.run(Recorder(None).record([view(1)], NOW, 1.0))
    assert failure(refused.value).name == "FAILED_PRECONDITION"


def test_a_store_that_is_not_open_yet_is_an_error_of_its_own(tmp_path):
    """It is tried again until it is there."""

    def opened():
        return LmdbStore(tmp_path / "store")

    opening = Opening(opened)
    with pytest.raises(StoreError, match="is lost"):
        asyncio.run(Recorder(opening).record([view(1)], NOW, 1.0))
    LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 20).close()

    async def go():
        one = Recorder(opening)
        for _ in range(100):
            try:
                return await one.record([view(1)], NOW, 5.0)
            except StoreError:
                await asyncio.sleep(0.1)
        raise AssertionError("it was never opened")

    assert asyncio.run(go()) == ["accepted"]
    opening.close()
