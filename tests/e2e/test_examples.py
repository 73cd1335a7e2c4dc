"""Every example runs against the demo's bundle, as its first lines say."""

from __future__ import annotations

import csv
import http.client
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import pytest

from vitrina.edge.slots import Opened, Seal

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
VITRINA = str(Path(sys.executable).with_name("vitrina"))
pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def server(demo) -> Iterator[str]:
    """The demo's bundle, served; its address."""
    command = [VITRINA, "serve", "--registry", demo.registry, "--port", "0", "--as-of", "last", "--open"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        ready = json.loads(process.stdout.readline())
        assert ready["event"] == "ready"
        yield ready["address"]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        process.stdout.close()


def run(*words: object) -> str:
    """What a command of the examples' folder printed."""
    found = subprocess.run(
        [str(one) for one in words], cwd=EXAMPLES, capture_output=True, text=True, timeout=300
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


def test_every_example_is_run_here():
    """An example that is added is added here too, and to their page."""
    named = {one.name for one in EXAMPLES.iterdir() if one.suffix == ".py" or one.is_dir()} - {"__pycache__"}
    assert named == {"site.py", "letters.py", "retargeting.py", "node"}
    page = (EXAMPLES / "README.md").read_text()
    assert all(f"]({one}" in page for one in named)


def test_the_site(server):
    """A known household's page holds both lists, a stranger's too; a server that is away leaves an empty page."""
    for user in ("1000", "nobody"):
        page = run(sys.executable, "site.py", "--server", server, "--print", user)
        assert page.count("<li>") == 12
        HTMLParser().feed(page)
    away = run(sys.executable, "site.py", "--server", "127.0.0.1:1", "--print", "1000")
    assert "the page goes out without lists" in away
    assert "<li>" not in away


@pytest.fixture
def edge(server, tmp_path) -> Iterator[tuple[str, Seal]]:
    """A running edge before the server, and the key that seals letters."""
    (tmp_path / "key").write_text("sixteen bytes or more")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [VITRINA, "edge", "--key-file", tmp_path / "key", "--pins", tmp_path / "pins"]
    command += [
        "--server",
        server,
        "--port",
        str(port),
        "--style",
        ROOT / "models" / "letters" / "standard.toml",
    ]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        address = f"127.0.0.1:{port}"
        until(lambda: get(address, "/healthz")[0] == 200)
        yield address, Seal(b"sixteen bytes or more")
    finally:
        process.terminate()
        process.wait(timeout=60)


def get(address: str, path: str) -> tuple[int, str]:
    """The status of a GET's answer, and where it leads."""
    with closing(http.client.HTTPConnection(address)) as asked:
        asked.request("GET", path)
        answer = asked.getresponse()
        answer.read()
        return answer.status, answer.getheader("Location", "")


def until(holds: Callable[[], bool]) -> None:
    """Wait until something that may fail at first holds."""
    for _ in range(600):
        with suppress(OSError):
            if holds():
                return
        time.sleep(0.1)
    raise AssertionError("it never held")


def test_who_follows_a_letter_is_greeted_with_it(server, edge):
    """The products of its slots stand first on the page, once a link was followed; else the page is as ever."""
    address, seal = edge
    token = seal.token(Opened("1000", ("discover",), 3, 1, int(time.time()) + 3600))
    page = partial(run, sys.executable, "site.py", "--server", server, "--print", "1000")
    page = partial(page, "--edge", f"http://{address}")
    for slot in range(3):
        assert get(address, f"/e/{token}/{slot}.png")[0] == 200
    assert "From your letter" not in page("--letter", token)
    assert f"letter={token}" in get(address, f"/e/{token}/0")[1]
    greeted = page("--letter", token)
    assert greeted.index("From your letter") < greeted.index("For you")
    assert greeted.count("<li>") == 15
    assert "From your letter" not in page("--letter", "of-nobody")


def test_the_letters(server, tmp_path):
    """One for each customer, with its twin."""
    said = run(sys.executable, "letters.py", "--server", server, "--out", tmp_path, "1", "1000", "nobody")
    assert said.splitlines()[-1] == "3 letters"
    assert len(list(tmp_path.glob("*.html"))) == len(list(tmp_path.glob("*.txt"))) == 3
    assert (tmp_path / "0001.html").read_text().count('class="cell"') >= 6


def test_the_retargeting_export(demo, tmp_path):
    """People who stayed away, with products they never bought."""
    out = tmp_path / "ads.csv"
    run(sys.executable, "retargeting.py", "--registry", demo.registry, "--out", out)
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert all(row["channel"] == "retargeting" and row["item_ids"] for row in rows)
    assert not any(set(row["item_ids"].split(";")) & set(row["about_item_ids"].split(";")) for row in rows)


def test_the_node_front_end(server, tmp_path):
    """Over gRPC from JavaScript: both lists, five products each; an absent server is one line and exit code 1."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed: apt-get install npm")
    shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns("node_modules"))
    (tmp_path / "proto").symlink_to(ROOT / "proto")
    node = tmp_path / "examples" / "node"
    subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=node, check=True, timeout=300)
    found = subprocess.run(["node", "shop.mjs", server, "1000"], cwd=node, capture_output=True, text=True)
    lines = [line.split("\t") for line in found.stdout.splitlines()]
    assert [one[0] for one in lines] == ["home"] * 5 + ["discover"] * 5, found.stderr
    assert all(title and float(price) > 0 for _, _, title, price, _ in lines)
    away = subprocess.run(["node", "shop.mjs", "127.0.0.1:1"], cwd=node, capture_output=True, text=True)
    assert (away.returncode, away.stdout) == (1, "")
    assert away.stderr.startswith("no lists: ")
