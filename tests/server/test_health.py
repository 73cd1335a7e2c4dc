"""Health: who watches hears every change, however slowly the first word reached them."""

from __future__ import annotations

import asyncio

from vitrina.server.health import Health


class Slow:
    """A client that takes the first word only when the server is ending already."""

    def __init__(self, health):
        self.health, self.heard = health, []

    async def write(self, message):
        """Take a message."""
        self.heard.append(message)
        self.health.ending()
        self.health.drained = True


def test_an_end_that_comes_while_the_first_word_is_on_its_way_is_told():
    """SERVING, then NOT_SERVING, and the watch is over."""
    health = Health()
    client = Slow(health)
    _, watch = health.methods().values()
    assert asyncio.run(watch.answer(b"", client)) is None
    assert client.heard == [b"\x08\x01", b"\x08\x02"]
