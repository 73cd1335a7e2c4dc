"""`vitrina models`: a registry in whatever state it is can be looked at, and each verb says what to do next."""

from __future__ import annotations

import json

import numpy as np
import pytest
from servers import free_port
from typer.testing import CliRunner

from vitrina.bundle import Bundle, Manifest
from vitrina.cli import app
from vitrina.errors import RegistryError, Unreachable
from vitrina.registry import Registry


@pytest.fixture
def registry(tmp_path):
    """A registry of three bundles, the newest current."""
    made = Registry(tmp_path / "registry")
    for number in range(3):
        told = Manifest("", 1_700_000_000 + number, "test", "r", {}, {}, {}, [])
        made.publish(Bundle(told, {"a/rows": np.array([number], np.int32)}))
    return made


def told(*arguments, fails=None):
    """What a verb says; it must succeed, or raise `fails`."""
    if fails:
        with pytest.raises(fails) as caught:
            CliRunner().invoke(app, ["models", *map(str, arguments)], catch_exceptions=False)
        return str(caught.value)
    done = CliRunner().invoke(app, ["models", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_registry_is_listed_shown_turned_and_pruned(registry):
    """Each verb says what there is afterwards; the current bundle is marked."""
    one, two, three = registry.versions()
    where = ("--registry", registry.folder)
    assert told("list", *where) == f"  {one}\n  {two}\n* {three}\n"
    assert json.loads(told("list", *where, "--json")) == {"current": three, "versions": [one, two, three]}
    assert json.loads(told("show", *where))["version"] == three
    assert json.loads(told("show", one, *where))["parts"] == 1
    assert told("rollback", *where) == f"current: {two}\n"
    assert told("activate", one, *where) == f"current: {one}\n"
    assert told("prune", *where, "--keep", 1) == f"removed {two}\n2 bundles are left\n"


def test_a_registry_without_a_current_bundle_is_listed(registry):
    """CURRENT was lost: every bundle is listed none the less, and what to do is said."""
    (registry.folder / "CURRENT").unlink()
    newest = registry.versions()[-1]
    said = told("list", "--registry", registry.folder)
    assert all(f"  {one}\n" in said for one in registry.versions())
    assert f"'vitrina models activate {newest} --registry {registry.folder}'" in said
    assert "has no current bundle" in told("rollback", "--registry", registry.folder, fails=RegistryError)
    told("activate", newest, "--registry", registry.folder)
    assert registry.current() == newest


@pytest.mark.parametrize("verb", ["list", "prune"])
def test_a_folder_without_bundles_says_how_to_make_one(tmp_path, verb):
    """A slip of the path is seen at once."""
    assert "no bundles in" in told(verb, "--registry", tmp_path / "slip")


def test_a_server_that_is_not_there_is_named():
    """Its address, and what to see to."""
    where = f"127.0.0.1:{free_port()}"
    said = told("list", "--server", where, fails=Unreachable)
    assert said.startswith("no server answers there: ")
    assert where in said
    assert said.endswith("give its host:port")
