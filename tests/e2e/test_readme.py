"""Every block of the README runs, in order, in the checkout that the demo has just prepared."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = re.findall(
    r"^```(\S+)[ ]?(\S*)\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
)
SHELL = [text for language, kind, text in BLOCKS if language == "sh" and not kind]
pytestmark = pytest.mark.timeout(1500)


def test_the_readme_has_the_blocks_this_file_runs():
    """Shell blocks, one server, one Python block: nothing is left out."""
    assert [(language, kind) for language, kind, _ in BLOCKS if (language, kind) not in {("sh", "")}] == [
        ("sh", "serve"),
        ("python", ""),
    ]
    assert len(SHELL) >= 3


def test_shell_blocks_run(demo):
    """Each as it stands, with the virtual environment that runs the tests."""
    for text in SHELL:
        found = subprocess.run(["bash", "-ec", here(text)], cwd=ROOT, capture_output=True, text=True)
        assert found.returncode == 0, text + found.stderr[-2000:]


def test_the_server_and_the_python_block_run(demo):
    """The server starts as written, and the Python block prints two blocks of five products."""
    (serve,) = (text for language, kind, text in BLOCKS if (language, kind) == ("sh", "serve"))
    (asking,) = (text for language, _, text in BLOCKS if language == "python")
    port = free_port()
    process = subprocess.Popen(
        ["bash", "-ec", "exec " + here(serve).replace("50051", port)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert json.loads(process.stdout.readline())["event"] == "ready"
        found = subprocess.run(
            [sys.executable, "-c", asking.replace("50051", port)], capture_output=True, text=True
        )
        lines = found.stdout.splitlines()
        assert [line.split()[0] for line in lines] == ["home"] * 5 + ["discover"] * 5, found.stderr
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
        process.stdout.close()


def here(text):
    """The block with the commands of the environment that runs the tests, wherever that lies."""
    return text.replace(".venv/bin/", os.fspath(Path(sys.executable).parent) + "/")


def free_port():
    """A port nobody listens on: the README's own may be taken on a developer's machine."""
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])
