"""Write src/vitrina/v1 from the .proto files; with --check, fail where it is stale.

The pinned grpcio-tools (1.76.0) makes code that runs on protobuf 6.31 and later, so that shops may
import the client beside older libraries.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parents[1]
PROTO = ROOT / "proto"
PACKAGE = Path("vitrina/v1")


def generate(into: Path) -> None:
    """Generate the messages and their type stubs below `into`."""
    sources = sorted(str(one) for one in (PROTO / PACKAGE).glob("*.proto"))
    flags = [f"-I{PROTO}", f"--python_out={into}", f"--pyi_out={into}"]
    if protoc.main(["protoc", *flags, *sources]):
        sys.exit("protoc refused the files above")


def stale() -> list[str]:
    """The committed files that differ from what the .proto files give, or are missing or left over."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        fresh = _contents(Path(folder) / PACKAGE)
    committed = _contents(ROOT / "src" / PACKAGE)
    return sorted(name for name in fresh | committed if fresh.get(name) != committed.get(name))


def _contents(folder: Path) -> dict[str, str]:
    return {one.name: one.read_text() for one in folder.glob("*_pb2.py*")}


if __name__ == "__main__":
    if "--check" not in sys.argv:
        generate(ROOT / "src")
    elif different := stale():
        sys.exit(f"stale: {', '.join(different)}; run 'python proto/generate.py'")
