"""The demo, once: everything end to end hangs on it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VITRINA = str(Path(sys.executable).with_name("vitrina"))


@dataclass(frozen=True)
class Demo:
    """What the demo printed and left behind."""

    folder: Path
    output: str

    @property
    def registry(self) -> Path:
        """Its registry."""
        return self.folder / "registry"


@pytest.fixture(scope="session")
def demo() -> Demo:
    """`make demo` in the checkout, its data and bundle left in .demo for the README's commands."""
    folder = ROOT / ".demo"
    environment = {**os.environ, "COLUMNS": "160"}
    found = subprocess.run(
        [VITRINA, "demo"], cwd=ROOT, capture_output=True, text=True, env=environment, timeout=1200
    )
    assert found.returncode == 0, found.stdout[-3000:] + found.stderr[-3000:]
    return Demo(folder, found.stdout)


@pytest.fixture(scope="session")
def vitrina():
    """Run a verb of the command line in the checkout."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([VITRINA, *words], cwd=ROOT, capture_output=True, text=True)

    return run
