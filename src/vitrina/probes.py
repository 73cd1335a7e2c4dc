"""Probes: a few requests whose answers the trainer wrote down, replayed before a bundle is trusted.

They warm the mapped pages and the compiled kernels, and show that this machine reads the bundle as
the trainer's did.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from vitrina import __version__
from vitrina.bundle import as_corrupt
from vitrina.engine import Engine
from vitrina.errors import BundleCorrupt
from vitrina.live import Live
from vitrina.placements import parse_placements
from vitrina.request import Block, Request, SessionEvent


def make(engine: Engine, count: int, seed: int) -> list[dict[str, Any]]:
    """`count` requests of customers, products and strangers with the item ids they are answered."""
    rng = np.random.default_rng(seed)
    placements = engine.placements.names
    requests = [_request(engine, placements[place % len(placements)], rng) for place in range(count)]
    answers = engine.recommend(requests, Live(now=engine.moment))
    return [
        {"request": asdict(request), "items": [one.item_id for one in answer.blocks[0].items]}
        for request, answer in zip(requests, answers, strict=True)
    ]


def replay(engine: Engine) -> int:
    """Ask every probe of the engine's bundle again, and say how many there were.

    A bundle that another version of Vitrina trained may be answered otherwise, as ranking improves;
    of it only lists that come back empty are refused. Raises BundleCorrupt naming the first probe.
    """
    with as_corrupt(engine.version):
        own = engine.with_placements(parse_placements(engine.manifest.placements, "the bundle's placements"))
        for number, probe in enumerate(engine.manifest.probes):
            _replay(own, number, probe)
    return len(engine.manifest.probes)


def _replay(engine: Engine, number: int, probe: dict[str, Any]) -> None:
    request, told = _read(probe["request"]), list(probe["items"])
    answer = engine.recommend([request], Live(now=engine.moment))[0]
    got = [one.item_id for one in answer.blocks[0].items]
    same = engine.manifest.vitrina == __version__
    if got != told if same else len(got) < len(told):
        raise BundleCorrupt(
            f"bundle {engine.version}: probe {number} ({request.blocks[0].placement}) is answered "
            f"{_difference(got, told)}; train again with this version of Vitrina"
        )


def _difference(got: list[str], told: list[str]) -> str:
    """Where two lists part."""
    for place, (one, other) in enumerate(zip(got, told, strict=False), start=1):
        if one != other:
            return f"{one!r} at place {place}, in training {other!r}"
    return f"{len(got)} items, in training {len(told)}"


def _request(engine: Engine, placement: str, rng: np.random.Generator) -> Request:
    rows = rng.integers(0, engine.n_items, 3).astype(np.int32)
    items = engine.items.names(rows)
    users = engine.askers.users
    user = users.names(rng.integers(0, len(users), 1).astype(np.int32))[0] if len(users) else ""
    return Request(
        blocks=(Block(placement, limit=10),),
        user_id=user if rng.random() < 0.7 else "",
        context_item_ids=tuple(items[:1]),
        events=tuple(SessionEvent(one) for one in items[1:]),
        channel=engine.placements.named(placement).channel,
    )


def _read(table: dict[str, Any]) -> Request:
    block = table["blocks"][0]
    return Request(
        blocks=(Block(block["placement"], block["limit"]),),
        user_id=table["user_id"],
        context_item_ids=tuple(table["context_item_ids"]),
        events=tuple(SessionEvent(**one) for one in table["events"]),
        channel=table.get("channel", "site"),
    )
