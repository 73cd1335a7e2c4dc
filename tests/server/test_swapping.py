"""Bundles swapped, rolled back, damaged and removed while a shop asks: nobody notices.

VITRINA_SWAP_S=600 VITRINA_SWAPS=result.json pytest tests/server/test_swapping.py -k under_load     as `make soak`
"""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
import time
from pathlib import Path

import pytest
from servers import PLACEMENTS, children, free_port, served, wait_for

from shops import make_shop
from vitrina import probes
from vitrina.client import Client
from vitrina.engine import Engine
from vitrina.errors import BundleCorrupt, RegistryError, Unreachable
from vitrina.fit import fit, with_metrics
from vitrina.model_client import ModelClient
from vitrina.placements import parse_placements
from vitrina.recipe import parse_recipe
from vitrina.registry import Registry
from vitrina.request import Block, Request

SECONDS = float(os.environ.get("VITRINA_SWAP_S", "30"))
SPARE_MB = 15.0
"""What a worker may keep beyond its memory before the swaps: less than two of the bundles."""
STRATEGIES = {"popular": {}, "item_knn": {}}


def publish(folder, letter, n_items=4000):
    """A bundle whose products all begin with a letter: no list can hide where it comes from."""
    bought = [
        (f"u{user}", f"{letter}{(user * day * 7) % n_items}", day)
        for user in range(400)
        for day in range(1, 21)
    ]
    items = [f"{letter}{number}" for number in range(n_items)]
    fitted = fit(
        make_shop(bought, items=items),
        parse_recipe({"strategies": STRATEGIES}, letter),
        parse_placements(PLACEMENTS | {"home": {"sources": [{"strategy": one} for one in STRATEGIES]}}),
    )
    asked = probes.make(Engine.of(fitted), 4, 7)
    return Registry(folder).publish(with_metrics(fitted, {}, asked)).manifest.version


class Shoppers:
    """Threads that ask without pause. `answers`: (version, first letters of its items); `seconds`: of each."""

    def __init__(self, address, n=4):
        self.address, self.failed, self.answers, self.seconds = address, [], [], []
        self.going = True
        self.threads = [threading.Thread(target=self.ask, args=(number,)) for number in range(n)]

    def ask(self, number):
        """Ask for a page of two lists, again and again."""
        with Client(self.address) as shop:
            turn = number
            while self.going:
                turn += 1
                page = Request((Block("home", limit=10), Block("cart", limit=5)), user_id=f"u{turn % 400}")
                asked = time.perf_counter()
                try:
                    answer = shop.recommend(page)
                except Exception as error:
                    self.failed.append(error)
                    continue
                self.seconds.append(time.perf_counter() - asked)
                letters = {item.item_id[0] for block in answer.blocks for item in block.items}
                self.answers.append((answer.bundle_version, "".join(sorted(letters))))

    def __enter__(self):
        for one in self.threads:
            one.start()
        return self

    def __exit__(self, *_):
        self.going = False
        for one in self.threads:
            one.join()


def private_mb(pids):
    """Memory that belongs to these processes alone."""
    text = "".join(Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids)
    return sum(int(one) for one in re.findall(r"Private_\w+:\s+(\d+) kB", text)) / 1024


@pytest.mark.timeout(240 + 2 * SECONDS)
def test_swaps_under_load_fail_nothing_mix_nothing_keep_nothing(tmp_path):
    """Half a minute of requests, a swap or a roll back every half second: each answer is of one bundle,
    the one it names; none fails; and the workers' memory is where it was."""
    letters = {publish(tmp_path, letter): letter for letter in "AB"}
    first, second = letters
    port = free_port()
    with served(tmp_path, workers=2, admin_port=port) as (process, ready):
        pids = children(process.pid)
        with ModelClient(ready["admin"]) as models, Shoppers(ready["address"]) as shoppers:
            _swap(models, first, second, 5.0)
            before, warm = private_mb(pids), len(shoppers.seconds)
            time.sleep(5.0)
            rested = len(shoppers.seconds)
            swaps = _swap(models, first, second, SECONDS)
            wait_for(lambda: {one.version for one in models.list().workers} == {models.list().current})
        time.sleep(0.5)
        after = private_mb(pids)
        assert children(process.pid) == pids
    assert shoppers.failed == []
    assert {version for version, _ in shoppers.answers} == set(letters)
    assert all(found == letters[version] for version, found in shoppers.answers)
    changes = sum(a != b for (a, _), (b, _) in zip(shoppers.answers, shoppers.answers[1:], strict=False))
    assert changes >= swaps
    assert after < before + SPARE_MB * len(pids)
    result = {
        "seconds": SECONDS,
        "swaps": swaps,
        "workers": len(pids),
        "answers": len(shoppers.answers),
        "failed": len(shoppers.failed),
        "mixed": sum(found != letters[version] for version, found in shoppers.answers),
        "private_mb": {"before": round(before, 1), "after": round(after, 1)},
        "p99_ms": {
            "without_swaps": _p99_ms(shoppers.seconds[warm:rested]),
            "with_swaps": _p99_ms(shoppers.seconds[rested:]),
        },
    }
    print(json.dumps(result))
    if where := os.environ.get("VITRINA_SWAPS"):
        Path(where).write_text(json.dumps(result, indent=1) + "\n")


def _p99_ms(seconds):
    return round(1000 * sorted(seconds)[int(0.99 * len(seconds))], 1)


def _swap(models, first, second, seconds):
    """Activate and roll back in turn for some seconds, every half of one; how many turns there were."""
    start, turns = time.monotonic(), 0
    while time.monotonic() < start + seconds:
        if turns % 2:
            models.roll_back()
        else:
            models.activate(first)
            models.activate(second)
        turns += 1
        time.sleep(max(0.0, start + 0.5 * turns - time.monotonic()))
    return turns


def test_damage_to_the_live_bundle_reaches_nobody(tmp_path):
    """The bundle that answers is overwritten, truncated and removed, and a worker killed: all go on."""
    version = publish(tmp_path, "A", n_items=500)
    with (
        served(tmp_path, workers=2, admin_port=free_port()) as (process, ready),
        Shoppers(ready["address"]) as shoppers,
    ):
        files = [one for one in (tmp_path / version).rglob("*") if one.is_file()]
        for damage in (_overwrite, _truncate):
            for file in files:
                file.chmod(0o644)
                damage(file)
            _keep_asking(shoppers)
        shutil.rmtree(tmp_path / version)
        _keep_asking(shoppers)
        old = children(process.pid)
        os.kill(old[0], 9)
        wait_for(lambda: len(children(process.pid)) == 2 and children(process.pid) != old)
        with ModelClient(ready["admin"]) as models:
            wait_for(lambda: len(models.list().workers) == 2)
        _keep_asking(shoppers)
    assert [one for one in shoppers.failed if not isinstance(one, Unreachable)] == []
    assert len(shoppers.failed) <= 4  # a killed worker's own calls, where their retries met it again
    assert set(shoppers.answers) == {(version, "A")}


def _overwrite(file):
    with file.open("r+b") as stream:
        stream.write(b"\xff" * file.stat().st_size)


def _truncate(file):
    os.truncate(file, 0)


def _keep_asking(shoppers):
    wanted = len(shoppers.answers) + 50
    wait_for(lambda: len(shoppers.answers) > wanted)


def test_a_failed_bundle_is_marked_while_the_old_one_serves(tmp_path):
    """The newest bundle is damaged after it was activated: workers stay, the service says why."""
    old = publish(tmp_path, "A", n_items=500)
    with (
        served(tmp_path, workers=2, admin_port=free_port()) as (_, ready),
        ModelClient(ready["admin"]) as models,
        Client(ready["address"]) as shop,
    ):
        wait_for(lambda: models.list().models[0].state == "serving")
        new = publish(tmp_path / "aside", "B", n_items=500)
        shutil.copytree(tmp_path / "aside" / new, tmp_path / new)
        part = tmp_path / new / "catalog" / "price.npy"
        part.chmod(0o644)
        part.write_bytes(part.read_bytes()[:-1] + b"\x55")
        with pytest.raises(BundleCorrupt.__base__, match="catalog/price"):
            models.activate(new)
        assert models.list().current == old
        (tmp_path / "CURRENT").write_text(new + "\n")  # somebody's script knows no better
        wait_for(lambda: {one.refused for one in models.list().workers} == {new})
        found = {one.version: one for one in models.list().models}
        assert found[new].state == "failed"
        assert "catalog/price" in found[new].reason
        assert {one.version for one in models.list().workers} == {old}
        assert shop.recommend(Request((Block("home"),))).bundle_version == old
        with pytest.raises(RegistryError):
            models.activate("20200101T000000Z-000000000000")
        models.activate(old)
        assert models.list().current == old
