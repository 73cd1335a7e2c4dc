"""What the serve stage of the Dockerfile does, in a clean environment: no trainer library, and lists come."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.timeout(1500)
ASK = """
import sys
from vitrina.client import Client, healthcheck
from vitrina.request import Block, Request
assert healthcheck(sys.argv[1]) == 0
with Client(sys.argv[1]) as shop:
    answer = shop.recommend(Request((Block("home", limit=5),), user_id="1000"), product_fields=("title",))
    print(*(item.product.title for item in answer.blocks[0].items), sep="\\n")
"""


@pytest.fixture(scope="module")
def serve_only(tmp_path_factory):
    """A virtual environment with requirements/serve.txt and the wheel, and nothing else."""
    place = tmp_path_factory.mktemp("serve")
    subprocess.run([sys.executable, "-m", "venv", place / "venv"], check=True)
    python = place / "venv" / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "--require-hashes", "--only-binary", ":all:", "-r", ROOT / "requirements" / "serve.txt"],
        check=True,
    )
    wheel = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        place,
        ROOT,
    ]
    subprocess.run(wheel, check=True)
    subprocess.run([*pip, "--no-deps", *place.glob("vitrina-*.whl")], check=True)
    compiled(place)
    return python


def compiled(place):
    """Give the installed kernels the machine code that this checkout has of them: numba would make the
    same again for a minute or more, and knows by a file's time that it is of it."""
    (installed,) = place.glob("venv/lib/*/site-packages/vitrina")
    for module in (ROOT / "src" / "vitrina").rglob("*.py"):
        own = installed / module.relative_to(ROOT / "src" / "vitrina")
        for code in module.parent.glob(f"__pycache__/{module.stem}.*.nb[ci]"):
            shutil.copy(code, own.with_name("__pycache__"))
            shutil.copystat(module, own)


def test_nothing_of_the_trainer_is_installed(serve_only):
    """No scipy, pandas, duckdb, implicit, mlxtend, faiss, Pillow."""
    code = (
        "from importlib.metadata import distributions; print(*(one.name.lower() for one in distributions()))"
    )
    names = set(
        subprocess.run([serve_only, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert "vitrina" in names
    assert not names & {
        "scipy",
        "pandas",
        "pyarrow",
        "duckdb",
        "implicit",
        "mlxtend",
        "scikit-learn",
        "faiss-cpu",
        "pillow",
        "onnxruntime",
    }


def test_it_serves_the_demos_bundle(demo, serve_only, tmp_path):
    """`vitrina serve` answers from it, and `vitrina.client` asks."""
    command = [
        serve_only.with_name("vitrina"),
        "serve",
        "--registry",
        demo.registry,
        "--port",
        "0",
        "--as-of",
        "last",
        "--open",
    ]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        address = json.loads(line)["address"]
        found = subprocess.run([serve_only, "-c", ASK, address], capture_output=True, text=True)
        assert len(found.stdout.splitlines()) == 5, found.stderr
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 0
