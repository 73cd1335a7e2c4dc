"""A short run of the fuzzer in every test run; `python tests/fuzz/fuzz.py` goes on for as long as one likes."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).resolve().parent / "fuzz.py"


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None,
    reason="atheris is not installed: it has no wheels for this system or this Python",
)
def test_fifteen_seconds_of_fuzzing_find_nothing():
    """Only documented errors come out of the service, tokens, manifests and parts, whatever goes in."""
    options = ["-max_total_time=15", "-seed=1", "-rss_limit_mb=2048", "-timeout=10"]
    found = subprocess.run([sys.executable, FUZZ, *options], capture_output=True, text=True, timeout=300)
    assert found.returncode == 0, found.stderr[-4000:]
    assert "DONE" in found.stderr
