"""What every test may ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("same", derandomize=True)
settings.register_profile("search", derandomize=False)
settings.load_profile("same")  # a landing must not hang on luck; `make soak` searches on


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What hangs on the demo comes first: it takes longest, and other processes go through the rest meanwhile."""
    items.sort(key=lambda item: item.path.parent.name != "e2e")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep a file's tests in one process, and all that hang on the demo in one: fixtures are made once."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        """A folder's tests with the demo are one lot, and else a file's."""

        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "e2e" if file.startswith("tests/e2e/") else file

    return ByFile(config, log)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data sets beside the checkout; tests that need it are skipped without."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data sets at {folder}")
    return folder
