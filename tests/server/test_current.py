"""The current engine: newer bundles are taken up, bad ones refused, and the old one keeps answering."""

from __future__ import annotations

import json

import pytest
from servers import NOW, PLACEMENTS, publish

from vitrina.errors import BundleCorrupt, NotReady, PlacementsError, RegistryError
from vitrina.live import Live
from vitrina.registry import Registry
from vitrina.request import Block, Request
from vitrina.server.current import Current
from vitrina.server.generations import Generations
from vitrina.server.metrics import Tallies
from vitrina.server.models import Models, apply
from vitrina.v1 import model_service_pb2 as v1

TOML = 'version = "{}"\n[home]\nsources = [{{ strategy = "popular" }}]\nlimit = {}\n'


@pytest.fixture
def registry(tmp_path):
    """A registry with one bundle."""
    publish(tmp_path / "registry")
    return Registry(tmp_path / "registry")


def generations(registry):
    """A folder for the copies, made when it is first asked for."""
    folder = registry.folder.parent / "run"
    folder.mkdir(exist_ok=True)
    return Generations(folder)


def opened(registry, placements=None):
    """What a worker has after its start."""
    one = Current(registry, generations(registry), placements, lambda: NOW, Tallies())
    one.open()
    return one


def swaps(current):
    """(taken, refused) so far."""
    counters = current.tallies.counters
    return tuple(counters.get(("vitrina_bundle_swaps", one), 0) for one in ("taken", "refused"))


def break_one_byte(registry, version):
    """Flip a byte of some part's values."""
    part = registry.path(version) / "catalog" / "price.npy"
    data = bytearray(part.read_bytes())
    data[-1] ^= 1
    part.chmod(0o644)
    part.write_bytes(data)


def test_before_the_first_bundle_there_is_no_answer(tmp_path):
    """An empty registry cannot be opened, and asking is NOT_READY."""
    current = Current(Registry(tmp_path), Generations(tmp_path), None, lambda: NOW, Tallies())
    with pytest.raises(RegistryError):
        current.open()
    with pytest.raises(NotReady):
        current()


def test_a_newer_bundle_is_taken_up(registry, capfd):
    """What became current answers after the next look; the former engine still works for who holds it."""
    current = opened(registry)
    before = current()
    version = publish(registry.folder, n_items=11)
    current.refresh()
    assert current().version == version != before.version
    assert before.recommend([Request((Block("home"),))], Live(NOW))[0].bundle_version == before.version
    assert swaps(current) == (2, 0)
    assert json.loads(capfd.readouterr().err)["event"] == "bundle taken"
    current.refresh()
    assert swaps(current) == (2, 0)


def test_a_bad_bundle_is_refused_with_a_reason_once(registry, capfd):
    """A changed byte is found before anything is served; the log says so once, not every second."""
    current = opened(registry)
    good = current().version
    bad = publish(registry.folder, n_items=11)
    break_one_byte(registry, bad)
    for _ in range(5):
        current.refresh()
    assert current().version == good
    assert swaps(current) == (1, 1)
    [line] = capfd.readouterr().err.splitlines()
    said = json.loads(line)
    assert (said["event"], said["bundle"], said["kept"]) == ("bundle refused", bad, good)
    assert "has changed since it was written" in said["reason"]
    registry.activate(good)
    current.refresh()
    assert swaps(current) == (1, 1)


def test_a_first_bundle_that_is_bad_is_an_error(registry):
    """A worker does not start on a broken bundle."""
    break_one_byte(registry, registry.current())
    with pytest.raises(BundleCorrupt):
        opened(registry)


def test_a_lost_registry_is_survived(registry, tmp_path, capfd):
    """Without its registry a server goes on with what it has, and complains once."""
    current = opened(registry)
    registry.folder.rename(tmp_path / "elsewhere")
    for _ in range(3):
        current.refresh()
    assert current().recommend([Request((Block("home"),))], Live(NOW))[0].blocks[0].items
    assert len(capfd.readouterr().err.splitlines()) == 1
    (tmp_path / "elsewhere").rename(registry.folder)
    current.refresh()
    assert len(capfd.readouterr().err.splitlines()) == 0


def test_placements_change_without_training(registry, tmp_path, capfd):
    """A new placements file is taken up; a broken one is refused and the old one stays."""
    file = tmp_path / "placements.toml"
    file.write_text(TOML.format("a", 3))
    current = opened(registry, file)
    assert current().placements.version == "a"
    file.write_text(TOML.format("b", 5))
    current.refresh()
    assert current().placements.version == "b"
    assert len(current().recommend([Request((Block("home"),))], Live(NOW))[0].blocks[0].items) == 5
    file.write_text("[home]\nlimit = 'many'\n")
    current.refresh()
    assert current().placements.version == "b"
    file.unlink()
    current.refresh()
    assert current().placements.version == "b"
    assert [json.loads(line)["event"] for line in capfd.readouterr().err.splitlines()] == [
        "bundle taken",
        "bundle refused",
        "bundle refused",
    ]
    with pytest.raises(PlacementsError):
        opened(registry, file)


def test_ages_are_told(registry):
    """Bundle and last event have an age by the server's clock."""
    current = opened(registry)
    current.age()
    engine = current()
    assert current.tallies.gauges["vitrina_bundle_age_seconds"] == NOW - engine.created
    assert current.tallies.gauges["vitrina_last_event_age_seconds"] == NOW - engine.last_event
    current.clock = lambda: engine.last_event - 60  # a row is dated ahead
    current.age()
    assert current.tallies.gauges["vitrina_last_event_age_seconds"] == 0
    assert set(engine.placements.names) == set(PLACEMENTS) - {"version"}


def test_placements_that_are_mended_leave_no_mark_on_their_bundle(registry):
    """A bundle whose applied placements were broken is served all the while, and afterwards nothing is refused."""
    current = opened(registry)
    version = current().version
    registry.placements.write_text("{")
    current.refresh()
    broken = {1: {"pid": 1, **current.state()}}
    assert broken[1]["refused"] == version
    for mend in (lambda: registry.apply_placements(""), lambda: apply(registry, json.dumps(PLACEMENTS))):
        registry.placements.write_text("{")
        current.refresh()
        mend()
        current.refresh()
        assert (current.state()["refused"], current.state()["reason"]) == ("", "")
    for states in (broken, {1: {"pid": 1, **current.state()}}):
        listed = v1.ListModelsResponse.FromString(Models(registry).list_models(b"", states))
        assert [(one.state, one.reason) for one in listed.models] == [(v1.MODEL_STATE_SERVING, "")]


def test_what_nobody_foresaw_is_refused_like_anything_else(registry, monkeypatch, capfd):
    """A fault while a bundle is opened is told in the worker's state, and in the log once, not at every look."""
    current = opened(registry)
    good, bad = current().version, publish(registry.folder, n_items=11)

    def broken(engine, now):
        raise ValueError("shapes differ")

    monkeypatch.setattr("vitrina.server.current.warm", broken)
    capfd.readouterr()
    for _ in range(4):
        current.refresh()
    assert (current().version, current.state()["refused"]) == (good, bad)
    assert current.state()["reason"] == "ValueError: shapes differ"
    events = [json.loads(line)["event"] for line in capfd.readouterr().err.splitlines()]
    assert events == ["bundle refused", "bundle refused"]


def test_a_current_that_is_no_text_is_survived(registry, capfd):
    """Bytes in CURRENT: the old bundle answers, and the log says so once."""
    current = opened(registry)
    (registry.folder / "CURRENT").write_bytes(b"\xff\xfe")
    for _ in range(3):
        current.refresh()
    assert current().version
    [line] = capfd.readouterr().err.splitlines()
    assert "is not a bundle version" in json.loads(line)["reason"]
