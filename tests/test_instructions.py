"""A request takes no more instructions than it did: callgrind counts them, a committed file bounds them."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "benchmarks" / "instructions.py"


@pytest.fixture
def instructions(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script, which stands beside the other benchmarks."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("instructions")


def told(count: int, numpy: str = "2") -> dict[str, Any]:
    """A result of one piece of work."""
    versions = {"python": "3", "numpy": numpy, "numba": "0", "protobuf": "6"}
    return {"machine": versions, "instructions": {"request": count}}


def test_more_than_the_budget_is_refused(instructions: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Up to five in a hundred more is let pass, beyond it is not, and the piece of work is named."""
    assert instructions.judged(told(1049), told(1000)) == 0
    assert instructions.judged(told(1051), told(1000)) == 1
    assert "request takes over 5% more than its budget" in capsys.readouterr().out
    assert instructions.judged({**told(10), "instructions": {"new": 10}}, told(1000)) == 1


def test_a_budget_is_of_its_own_versions(instructions: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Under another numpy nothing is judged, and it is said why."""
    assert instructions.judged(told(5000, numpy="3"), told(1000)) == 0
    assert "numpy 3 for 2" in capsys.readouterr().out


def test_requests_and_kernels_are_within_their_budget(instructions: Any) -> None:
    """Whole requests and the kernels under them, counted now."""
    reason = instructions.callgrind.missing()
    if reason:
        pytest.skip(reason)
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert "request, home_weighed" in done.stdout
