"""A server that is handed bad bundles answers from the good one, to everybody, all the time."""

from __future__ import annotations

import os
import shutil
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import grpc
import numpy as np
import pytest
from forged import CREATED, forge, forge_part, manifest, publish, shop, train
from servers import KEY, NOW, looping

from vitrina import bundle
from vitrina.registry import Registry
from vitrina.server.access import Access
from vitrina.server.calls import NAME, Calls
from vitrina.server.current import Current
from vitrina.server.front_grpc import Front
from vitrina.server.generations import Generations
from vitrina.server.metrics import Tallies
from vitrina.server.options import Options
from vitrina.server.service import Service
from vitrina.server.token import Signer
from vitrina.v1 import recommendation_service_pb2 as v1

HOME = v1.RecommendRequest(blocks=[{"placement": "home"}], user_id="u1").SerializeToString()


def flipped(path):
    """One bit of a part."""
    file = path / "item_knn" / "indices.npy"
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def cut(path):
    """Half of a part."""
    file = path / "item_knn" / "scores.npy"
    file.write_bytes(file.read_bytes()[:150])


def pipe(path):
    """A manifest that waits for a writer for ever."""
    (path / bundle.MANIFEST).unlink()
    os.mkfifo(path / bundle.MANIFEST)


def wild(path):
    """A row far outside, every hash forged."""
    part = np.array(bundle.read(path).parts["item_knn/indices"])
    part[0] = 2**31 - 1
    return forge_part(path, "item_knn/indices", part)


def endless(path):
    """A score that is infinite."""
    part = np.array(bundle.read(path).parts["item_knn/scores"])
    part[0] = np.inf
    return forge_part(path, "item_knn/scores", part)


def unknown(path):
    """A strategy that nobody has."""
    return forge(path, strategies={"os.system": {"is": "os.system", "params": {}}})


def nonsense(path):
    """Hyperparameters of another kind."""
    return forge(path, strategies={"popular": {"is": "popular", "params": {"by": ["sales"]}}})


def liar(path):
    """Probes that were never answered so."""
    probes = manifest(path)["probes"]
    return forge(path, probes=[{**one, "items": ["i00", "i00"]} for one in probes])


def tables(path):
    """Placements that are none."""
    return forge(path, placements={"home": {"sources": [{"strategy": "popular", "rebuy": {}}]}})


def factless(path):
    """No facts of the shop."""
    return forge(path, dataset={})


def gone(path):
    """Nothing at all."""
    shutil.rmtree(path)


HARMS = (flipped, cut, pipe, wild, endless, unknown, nonsense, liar, tables, factless, gone)


@contextmanager
def serving(current):
    """A front over what is current: its address."""
    with looping() as loop:

        async def make():
            options = Options(Path("unused"), log_calls=False)
            calls = Calls(Service(current, Signer(KEY)), lambda: NOW, options)
            made = Front(calls, Access(None, time.time, time.monotonic))
            return made, await made.start("127.0.0.1:0")

        made, port = loop.do(make())
        yield f"127.0.0.1:{port}"
        loop.do(made.drain())


@pytest.mark.timeout(120)
def test_every_bad_bundle_is_refused_and_the_old_one_answers(tmp_path, capfd):
    """Handed one after the other, under load: no call fails, and every answer names the good bundle."""
    made = train({"popular": {}, "item_knn": {}})
    folder = tmp_path / "registry"
    good = publish(folder, made).name
    another = publish(tmp_path / "other", train({"popular": {}, "item_knn": {}}, shop(n_items=11)))
    (tmp_path / "run").mkdir()
    registry = Registry(folder)
    current = Current(registry, Generations(tmp_path / "run"), None, lambda: NOW, Tallies())
    current.open()
    done, answers = threading.Event(), []
    with serving(current) as address, grpc.insecure_channel(address) as channel:
        call = channel.unary_unary(f"/{NAME}/Recommend", None, v1.RecommendResponse.FromString)

        def load():
            while not done.is_set():
                answers.append(call(HOME, timeout=20).bundle_version)

        def hand_over(number, harm):
            """Make a bundle current that nobody has seen yet, harmed; its directory."""
            path = forge(shutil.copytree(another, folder / another.name), created=CREATED + number)
            path = harm(path) or path
            (folder / "CURRENT").write_text(path.name + "\n")
            current.refresh()
            return path

        asking = threading.Thread(target=load)
        asking.start()
        try:
            for number, harm in enumerate(HARMS, start=1):
                before = len(answers)
                path = hand_over(number, harm)
                assert current().version == good, harm.__name__
                told = current.state()
                assert path.name in (told["refused"], *told["reason"].replace(";", " ").split()), (
                    harm.__name__
                )
                assert "; " in told["reason"], harm.__name__
                shutil.rmtree(path, ignore_errors=True)
                while len(answers) < before + 3 and asking.is_alive():
                    time.sleep(0.001)
            assert set(answers) == {good}
            path = hand_over(0, lambda path: None)
        finally:
            done.set()
            asking.join(20)
        assert call(HOME, timeout=20).bundle_version == path.name
    assert "Traceback" not in capfd.readouterr().err


def test_ids_of_any_length_in_requests(tmp_path):
    """Ids of 256 bytes and of a thousand, with NULs or look-alikes: unknown or refused, never a fault."""
    from vitrina.engine import Engine
    from vitrina.errors import InvalidRequest

    engine = Engine.of(bundle.read(publish(tmp_path, train({"popular": {}}))))
    service = Service(lambda: engine, Signer(KEY))
    for one in ("x" * 256, "é" * 128, "i00\0", "\0", "ｉ00", "i00 ", "\u202ei00", "😀" * 64):
        request = v1.RecommendRequest(blocks=[{"placement": "home"}], user_id=one, context_item_ids=[one])
        answer = v1.RecommendResponse.FromString(service.recommend(request.SerializeToString(), NOW))
        assert not answer.known_user
        assert list(answer.unknown_item_ids) == [one]
        assert answer.blocks[0].items
    for one in ("x" * 257, "é" * 129, "😀" * 65):
        request = v1.RecommendRequest(blocks=[{"placement": "home"}], context_item_ids=[one])
        with pytest.raises(InvalidRequest, match="at most 256"):
            service.recommend(request.SerializeToString(), NOW)
