"""Publish, activate, roll back, prune."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from vitrina.bundle import Bundle, Manifest
from vitrina.errors import BundleCorrupt, Forgotten, RegistryError
from vitrina.registry import Registry


def fitted(number):
    """A bundle that differs from every other number's."""
    told = Manifest("", 1_700_000_000 + number, "test", "r", {}, {}, {}, [])
    return Bundle(told, {"a/rows": np.array([number], np.int32)})


@pytest.fixture
def registry(tmp_path):
    """A registry of three bundles."""
    made = Registry(tmp_path / "registry")
    for number in range(3):
        made.publish(fitted(number))
    return made


def number(registry):
    """Which of the three is current."""
    return int(registry.open().parts["a/rows"][0])


def test_publishing_makes_current(registry):
    """The last published bundle is the current one; the others stay."""
    assert (number(registry), len(registry.versions())) == (2, 3)


def test_rolling_back_walks_what_was_current(registry):
    """Each roll back is one step further; at the first there is nothing before it."""
    registry.activate(registry.versions()[0])
    steps = []
    for _ in range(2):
        registry.roll_back()
        steps.append(number(registry))
    assert steps == [2, 1]
    with pytest.raises(RegistryError, match="no bundle before"):
        registry.roll_back()


def test_rolling_back_from_what_was_copied_here(registry, tmp_path):
    """A bundle that came by a copy, CURRENT with it, is followed by what was current before it, then as ever."""
    elsewhere = Registry(tmp_path / "elsewhere")
    copied = elsewhere.publish(fitted(9)).manifest.version
    shutil.copytree(elsewhere.folder / copied, registry.folder / copied)
    shutil.copy(elsewhere.folder / "CURRENT", registry.folder / "CURRENT")
    assert number(registry) == 9
    steps = []
    for _ in range(3):
        registry.roll_back()
        steps.append(number(registry))
    assert steps == [2, 1, 0]


@pytest.mark.parametrize("asked", [1, 2])
@pytest.mark.parametrize("others", [0, 3])
def test_what_may_not_be_current_is_taken_back(tmp_path, asked, others):
    """Refused before or after it became current: nothing of it is left, and what was current is so again."""
    registry = Registry(tmp_path / "registry")
    before = [registry.publish(fitted(number)).manifest.version for number in range(others)]
    calls = []

    def check():
        calls.append(registry.versions())
        if len(calls) == asked:
            raise Forgotten("no more")

    with pytest.raises(Forgotten):
        registry.publish(fitted(9), check=check)
    assert [len(one) for one in calls] == [others + 1] * asked
    assert registry.versions() == registry.history() == before
    if before:
        assert registry.current() == before[-1]
    else:
        with pytest.raises(RegistryError, match="has no current bundle"):
            registry.current()


def test_a_damaged_bundle_does_not_become_current(registry):
    """Activation checks every byte first; the current one stays."""
    oldest = registry.versions()[0]
    (registry.folder / oldest / "a" / "rows.npy").write_bytes(b"damaged")
    with pytest.raises(BundleCorrupt):
        registry.activate(oldest)
    assert number(registry) == 2


def test_a_bundle_in_a_folder_of_another_name_does_not_become_current(registry):
    """Its folder was renamed: what it is called and what it is would differ in every log."""
    oldest, slip = registry.versions()[0], "20260102T030405Z-0123456789ab"
    (registry.folder / oldest).rename(registry.folder / slip)
    with pytest.raises(RegistryError, match=f"holds bundle {oldest}; name the folder so"):
        registry.activate(slip)
    assert number(registry) == 2


def test_pruning_keeps_the_newest_and_the_current(registry):
    """Never the current one, however old."""
    versions = registry.versions()
    registry.activate(versions[0])
    assert registry.prune(1) == [versions[1]]
    assert registry.versions() == [versions[0], versions[2]]


@pytest.mark.parametrize(
    "name", ["../etc", "/etc", "", "x" * 300, "20260102T030405Z-ffffffffffff", "CURRENT"]
)
def test_names_are_data(registry, name):
    """A version that is not one, or not here, is an error that says what is."""
    with pytest.raises(RegistryError):
        registry.activate(name) if name else Registry(registry.folder / "empty").current()


@pytest.mark.parametrize("name", ["CURRENT", "HISTORY"])
@pytest.mark.parametrize("kind", ["bytes", "folder"])
def test_a_registry_s_own_files_may_be_anything(registry, name, kind):
    """Bytes that are no text, or a folder in a file's place: an error that names it, or what is left of it."""
    known = registry.versions()
    file = registry.folder / name
    file.unlink()
    if kind == "folder":
        file.mkdir()
    else:
        file.write_bytes(b"\xff\xfe\0")
    if name == "CURRENT" or kind == "folder":
        with pytest.raises(RegistryError, match=r"CURRENT|HISTORY|is not a bundle version"):
            registry.roll_back()
    if kind == "folder":
        with pytest.raises(RegistryError, match=f"{name}: Is a directory"):
            registry.activate(known[0])
    else:
        registry.activate(known[0])
        assert (registry.current(), number(registry)) == (known[0], 0)


def test_fewer_than_no_bundles_cannot_be_kept(registry):
    """A negative number is a slip, and removes nothing."""
    with pytest.raises(RegistryError, match="-1 bundles cannot be kept"):
        registry.prune(-1)
    assert len(registry.versions()) == 3
