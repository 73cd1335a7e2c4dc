"""Numbers that point nowhere. Compiled code checks no bounds: one wild row may end the process."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from forged import forge_part, refused, shop, train

from vitrina import bundle, strategies
from vitrina.bundle.sound import check
from vitrina.dataset import Catalog
from vitrina.errors import BundleCorrupt

WILD = (2**31 - 1, -(2**31), 10**6, -2)
"""What no row, code or offset of a small shop is."""


def test_honest_bundles_are_sound(trained):
    """Whatever Vitrina itself trains passes: a full shop, one without people, one where nothing happened."""
    assert bundle.verify(trained)
    whole = shop()
    nobody = replace(whole.events, user=np.full(len(whole.events), -1, np.int32))
    silent = whole.events.take(slice(0, 0))
    for dataset in (
        replace(whole, events=nobody, people={}),
        replace(whole, events=silent, catalog=Catalog.bare(len(whole.items)), vectors=None, people={}),
    ):
        made = train(dataset=dataset)
        check(made.parts, made.manifest)


@pytest.mark.parametrize("words", [["listen"], {"listen": 3}, "listen", None])
def test_words_that_are_none_are_refused(trained, words):
    """A shop's own words for types are texts by texts; a bundle from before there were any is sound."""
    made = bundle.read(trained)
    told = made.manifest.dataset
    with pytest.raises(ValueError, match=r"dataset\.words"):
        check(made.parts, replace(made.manifest, dataset={**told, "words": words}))
    without = {name: one for name, one in told.items() if name != "words"}
    check(made.parts, replace(made.manifest, dataset=without))


def poisoned(part, place, value):
    """A copy of a part with one wild number."""
    wild = np.array(part)
    limits = np.iinfo(wild.dtype)
    wild.reshape(-1)[place] = value if limits.min <= value <= limits.max else limits.max
    return wild


@pytest.mark.parametrize(
    "name",
    [
        "history/indptr",
        "history/rows",
        "history/types",
        "catalog/product",
        "catalog/category/codes",
        "catalog/title/offsets",
        "catalog/attributes/brand/codes",
        "people/region/codes",
        "popular/order",
        "popular/rank",
        "popular/region_indptr",
        "popular/region_rows",
        "item_knn/indptr",
        "item_knn/indices",
    ],
)
@pytest.mark.parametrize("value", WILD)
def test_wild_rows_are_refused(stored, name, value):
    """First, middle or last: all hashes forged, still refused, and the sentence names the part."""
    part = bundle.read(stored).parts[name]
    for place in (0, part.size // 2, part.size - 1):
        path = forge_part(stored, name, poisoned(part, place, value))
        assert name in refused(path, BundleCorrupt)
        stored = forge_part(path, name, np.array(part))
    assert bundle.verify(stored)


@pytest.mark.parametrize("name", ["history/indptr", "item_knn/indptr", "popular/region_indptr"])
def test_offsets_that_fall_or_stop_early(stored, name):
    """Each offset is in range, and together they are none."""
    part = np.array(bundle.read(stored).parts[name])
    for wrong in (part[::-1].copy(), np.minimum(part, part[-1] - 1), part[:-1], np.zeros_like(part)):
        path = forge_part(stored, name, wrong)
        assert name in refused(path, BundleCorrupt)
        stored = forge_part(path, name, part)


def test_lists_of_another_shop(stored):
    """Neighbour lists that are sound among themselves, of a catalogue with one item more."""
    for name in ("indptr", "indices", "scores"):
        larger = train({"item_knn": {}, "popular": {}}, shop(n_items=13)).parts[f"item_knn/{name}"]
        stored = forge_part(stored, f"item_knn/{name}", larger)
    assert "item_knn/indptr" in refused(stored, BundleCorrupt)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["item_knn/scores", "popular/scores", "item_knn/half_life"])
def test_scores_that_are_not_finite(stored, name, value):
    """One NaN or infinity among the scores: no order could be right."""
    part = np.array(bundle.read(stored).parts[name])
    part[len(part) // 2] = value
    assert "not finite" in refused(forge_part(stored, name, part), BundleCorrupt)


def test_infinities_that_cancel_out(stored):
    """A sum of both infinities is no number either."""
    part = np.array(bundle.read(stored).parts["item_knn/scores"])
    part[:2] = np.inf, -np.inf
    assert "not finite" in refused(forge_part(stored, "item_knn/scores", part), BundleCorrupt)


IDS = {
    "twice": ([b"x", b"x"], "says an id twice"),
    "falling": ([b"y", b"x"], "is not sorted"),
    "over-long": ([b"x" * 257], "is not ids"),
    "not UTF-8": ([b"\xff\xfe"], "codec"),
    "half a letter": ([b"\xc3"], "codec"),
    "a surrogate": ([b"\xed\xa0\x80"], "codec"),
}


@pytest.mark.parametrize(("ids", "why"), IDS.values(), ids=IDS.keys())
@pytest.mark.parametrize("name", ["ids/items", "ids/users", "catalog/attributes/brand/values"])
def test_ids_that_are_none(stored, name, ids, why):
    """Ids are looked up by bisection and printed: unsorted, doubled, over-long, unreadable ones are refused."""
    part = np.array(bundle.read(stored).parts[name]).tolist()
    changed = np.array([*part[: -len(ids)], *ids])
    assert why in refused(forge_part(stored, name, changed), BundleCorrupt)


SURVIVE = """
import json, shutil, sys, time
from pathlib import Path
import numpy as np
import forged
from vitrina import bundle, probes
from vitrina.engine import Engine
from vitrina.errors import VitrinaError
from vitrina.live import Live
from vitrina.request import Block, Request, SessionEvent
path, prefixes = Path(sys.argv[1]), json.loads(sys.argv[2])
whole = bundle.read(path)
random = np.random.default_rng(3)
said = {}

def ask(engine):
    for name in engine.placements.names:
        for user in ("u1", "u5", "stranger"):
            request = Request((Block(name),), user_id=user, context_item_ids=("i03", "i07"),
                              events=(SessionEvent("i01"), SessionEvent("i05", "cart")))
            response = engine.recommend([request] * 2, Live(engine.last_event))[0]
            assert all(np.isfinite(one.score) for one in response.blocks[0].items), name

for name, part in whole.parts.items():
    if isinstance(part, bytes) or part.dtype.kind not in "iu" or not part.size:
        continue
    if name.split("/")[0] not in prefixes:
        continue
    for value in (2**31 - 1, -2):
        wild = np.array(part)
        limits = np.iinfo(wild.dtype)
        wild.reshape(-1)[random.integers(wild.size)] = min(max(value, limits.min), limits.max)
        print(name, value, file=sys.stderr, flush=True)
        parts = {**whole.parts, name: wild}
        try:
            with bundle.as_corrupt(path.name):
                bundle.check(parts, whole.manifest)
            ask(Engine.of(bundle.Bundle(whole.manifest, parts)))
            said.setdefault("answered", []).append(name)
        except VitrinaError as reason:
            said.setdefault("refused", []).append(name)
print(json.dumps(said))
"""


def test_no_wild_number_in_any_part_ends_the_process(trained):
    """Every integer part of the shop and of every strategy there is: refused by `sound`, or harmless.

    A strategy that is new is here from its first day. What it crashes on, `sound.STRATEGIES` must bound.
    """
    prefixes = ["ids", "catalog", "history", "people", *strategies.names()]
    found = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", SURVIVE, str(trained), json.dumps(prefixes)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": "tests", "PATH": "/usr/bin:/bin"},
        timeout=120,
    )
    assert found.returncode == 0, found.stderr[-3000:]
    said = json.loads(found.stdout)
    assert len(said["refused"]) > 15
    assert not {"item_knn/indices", "popular/order", "history/rows"} & set(said.get("answered", []))
