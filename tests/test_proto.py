"""The wire: generated code is fresh, the style holds, and every value has its worked example."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from vitrina.v1 import error_reason_pb2, recommendation_service_pb2, types_pb2

ROOT = Path(__file__).resolve().parents[1]
PROTO = ROOT / "proto" / "vitrina" / "v1"


def test_the_committed_code_is_what_the_proto_files_give():
    """Nobody edited src/vitrina/v1, or forgot to generate it."""
    run = subprocess.run(
        [sys.executable, ROOT / "proto" / "generate.py", "--check"], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr


def test_stale_code_is_found(tmp_path):
    """The check fails, and says how to mend it, where a generated file differs."""
    for folder in ("proto", "src/vitrina/v1"):
        for one in (ROOT / folder).rglob("*.p*"):
            if "__pycache__" not in one.parts:
                copy = tmp_path / one.relative_to(ROOT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(one.read_bytes())
    check = [sys.executable, tmp_path / "proto" / "generate.py", "--check"]
    assert subprocess.run(check).returncode == 0
    (tmp_path / "src/vitrina/v1/types_pb2.py").write_text("# edited\n")
    run = subprocess.run(check, capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr == "stale: types_pb2.py; run 'python proto/generate.py'\n"


@pytest.mark.parametrize("verb", [["lint"], ["format", "--diff", "--exit-code"]])
def test_buf_has_nothing_to_say(verb):
    """Standard style, a comment on everything, formatted."""
    buf = Path(sys.executable).parent / "buf"
    if not buf.exists():
        pytest.skip("buf is not installed; it comes with the dev lock")
    run = subprocess.run([buf, verb[0], ROOT / "proto", *verb[1:]], capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (0, "")


def test_no_untyped_bags():
    """No google.protobuf.Value, Struct or Any in a message: every field has a type of its own."""
    for file in (types_pb2, recommendation_service_pb2, error_reason_pb2):
        names = {
            field.message_type.full_name
            for message in file.DESCRIPTOR.message_types_by_name.values()
            for field in message.fields
            if field.message_type
        }
        assert all(name.startswith("vitrina.v1.") for name in names)


def test_every_reason_has_a_worked_example():
    """Each value's comment shows the status that a caller gets, with that reason in it."""
    text = (PROTO / "error_reason.proto").read_text()
    for name in error_reason_pb2.ErrorReason.keys()[1:]:
        comment = text[text.index(f"// {name}:") : text.index(f"{name} = ")]
        assert "Example" in comment
        assert re.search(rf'"reason": "{name.removeprefix("ERROR_REASON_")}", "domain": "vitrina"', comment)
