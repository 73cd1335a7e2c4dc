"""Probes notice a bundle that is answered otherwise than in training."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shops import make_shop, make_window
from vitrina import __version__, probes
from vitrina.errors import BundleCorrupt

PLACEMENTS = {"home": {"sources": [{"strategy": "all"}]}, "cart": {"sources": [{"strategy": "all"}]}}
SHOP = make_shop([("ann", "i0", 1), ("bob", "i1", 2)], items=[f"i{number}" for number in range(20)])


def engine_of(rows, told, version=__version__):
    """An engine whose bundle was trained by a version and remembers answers."""
    engine = make_window(SHOP, {"all": rows}, PLACEMENTS)
    engine.manifest = replace(engine.manifest, probes=told, vitrina=version)
    return engine


@pytest.fixture
def told():
    """What the trainer wrote down of a source that lists rows 0 to 19 in order."""
    return probes.make(make_window(SHOP, {"all": range(20)}, PLACEMENTS), 8, 7)


def test_the_same_bundle_answers_alike(told):
    """Every placement is probed, and all probes hold."""
    assert {one["request"]["blocks"][0]["placement"] for one in told} == {"home", "cart"}
    assert probes.replay(engine_of(range(20), told)) == 8


def test_another_answer_is_named(told):
    """Probe, placement, place and both items."""
    with pytest.raises(BundleCorrupt, match=r"probe 0 \(\w+\) is answered '\w+' at place \d+, in training"):
        probes.replay(engine_of(range(19, -1, -1), told))


def test_an_upgrade_may_rank_otherwise_but_not_lose_lists(told):
    """Of another version's bundle only shorter lists are refused."""
    assert probes.replay(engine_of(range(19, -1, -1), told, "0.0.1")) == 8
    with pytest.raises(BundleCorrupt, match="in training 10"):
        probes.replay(engine_of(range(3), told, "0.0.1"))
