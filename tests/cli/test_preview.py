"""The verb preview: it says where to look, answers there, and says in a sentence why it cannot."""

from __future__ import annotations

import re
import socket
import subprocess
import sys

import pytest
from servers import publish
from websites import get

pytest.importorskip("starlette")


def preview(registry, port):
    """A running preview."""
    command = [sys.executable, "-m", "vitrina", "preview", "--registry", str(registry), "--port", str(port)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.timeout(120)
def test_it_stands_where_it_says_and_only_for_this_machine(tmp_path):
    """The bundle's lists answer on the loopback address that was printed; a taken port is an error in words."""
    version = publish(tmp_path)
    process = preview(tmp_path, 0)
    try:
        said = re.fullmatch(r"look at http://127\.0\.0\.1:(\d+)/\n", process.stdout.readline())
        answer, body = get(int(said[1]), "/")
        assert answer.status == 200
        assert f".png?{version}" in body.decode()  # pictures that a browser keeps are this bundle's
        other = preview(tmp_path, int(said[1]))
        _, error = other.communicate(timeout=60)
        assert other.returncode == 7
        assert "cannot listen on 127.0.0.1" in error
        assert "Traceback" not in error
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.2", int(said[1])), timeout=5).close()
    finally:
        process.terminate()
        process.communicate(timeout=30)
