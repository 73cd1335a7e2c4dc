"""Genuine bundles, and copies of them to be harmed."""

from __future__ import annotations

import shutil

import pytest
from forged import publish, train


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The directory of a genuine bundle of every strategy; copy it before touching it."""
    return publish(tmp_path_factory.mktemp("genuine"), train())


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    """The same of bestsellers and neighbours alone: few files."""
    return publish(tmp_path_factory.mktemp("plain"), train({"popular": {}, "item_knn": {}}))


@pytest.fixture
def stored(plain, tmp_path):
    """A copy of the bundle of few files, to be harmed."""
    return shutil.copytree(plain, tmp_path / "registry" / plain.name)
