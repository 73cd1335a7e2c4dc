"""Placements applied to a server that is being asked: every worker follows, and nobody notices."""

from __future__ import annotations

import threading

import pytest
from servers import free_port, publish, served, wait_for
from typer.testing import CliRunner

from vitrina.cli import app
from vitrina.client import Client
from vitrina.errors import PlacementsError
from vitrina.model_client import ModelClient
from vitrina.request import Block, Request

LIMITS = (3, 5, 7)


def tables(limit):
    """Placements over the bundle's: home has so many."""
    return {"version": "june", "extends": "bundled", "home": {"limit": limit}}


@pytest.mark.timeout(120)
def test_applying_fails_no_request_and_a_broken_file_changes_nothing(tmp_path):
    """Two workers under load: each list has a length that was in force, all workers tell the version."""
    publish(tmp_path / "registry")
    lengths, failed, stop = [], [], threading.Event()
    with (
        served(tmp_path / "registry", workers=2, admin_port=free_port()) as (_, ready),
        ModelClient(ready["admin"]) as models,
        Client(ready["address"]) as shop,
    ):

        def ask():
            while not stop.is_set():
                try:
                    lengths.append(len(shop.recommend(Request((Block("home"),))).blocks[0].items))
                except Exception as error:
                    failed.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        wait_for(lambda: len(models.list().workers) == 2)
        for limit in LIMITS:
            version = models.apply_placements(tables(limit))
            assert version.startswith("june@")
            wait_for(lambda said=version: {one.placements for one in models.list().workers} == {said})
        with pytest.raises(PlacementsError, match=r"\[home\] unknown key 'limt'; did you mean 'limit'"):
            models.apply_placements({"extends": "bundled", "home": {"limt": 3}})
        found = models.placements()
        assert (found.version, found.source) == (version, "applied")
        assert found.tables["home"]["limit"] == LIMITS[-1]
        assert "limit" not in found.bundled["home"]
        file = tmp_path / "p.toml"
        file.write_text('version = "july"\nextends = "bundled"\n[home]\nlimit = 9\n')
        said = CliRunner().invoke(app, ["placements", "diff", str(file), "--server", ready["admin"]])
        assert "[home] limit: 7 -> 9" in said.output
        said = CliRunner().invoke(app, ["placements", "apply", str(file), "--server", ready["admin"]])
        assert said.output.startswith("applied: july@")
        assert models.apply_placements(None) == "p-1"
        wait_for(lambda: {one.placements for one in models.list().workers} == {"p-1"})
        stop.set()
        asking.join()
    assert failed == []
    assert {3, 5, 7, 9} <= set(lengths) <= {3, 5, 7, 9, 17}


def test_a_server_that_follows_a_file_says_so(tmp_path):
    """Where --placements was given, that file is the place to change; its name is told."""
    publish(tmp_path / "registry")
    file = tmp_path / "own.toml"
    file.write_text('version = "own"\nextends = "bundled"\n[home]\nlimit = 2\n')
    with (
        served(tmp_path / "registry", workers=1, admin_port=free_port(), placements=str(file)) as (_, ready),
        ModelClient(ready["admin"]) as models,
    ):
        assert (models.placements().version, models.placements().source) == ("own", str(file))
        with pytest.raises(PlacementsError, match=r"follows the file .*own\.toml"):
            models.apply_placements(tables(3))
