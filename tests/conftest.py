"""What every test may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.hookimpl(tryfirst=True)  # before the names of groups are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file's tests in one process, and all that hang on the demo in one: fixtures are made once."""
    for item in items:
        folder = item.path.parent.name
        item.add_marker(pytest.mark.xdist_group("e2e" if folder == "e2e" else str(item.path)))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data sets beside the checkout; tests that need it are skipped without."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data sets at {folder}")
    return folder
