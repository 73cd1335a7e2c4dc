"""The image, as far as it can be held without Docker: its files, locks, user, and the verbs it runs."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def stages():
    """{stage: [(instruction, rest)]}, continued lines joined, comments left out."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    found, name = {}, ""
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            name = rest.rpartition(" AS ")[2]
        found.setdefault(name, []).append((word, " ".join(rest.split())))
    return found


STAGES = stages()


def told(stage, word):
    """What a stage says with an instruction."""
    return [rest for name, rest in STAGES[stage] if name == word]


def verbs():
    """Every vitrina command line that the file runs, as words."""
    lines = [
        rest for stage in STAGES.values() for word, rest in stage if word in ("RUN", "CMD", "HEALTHCHECK")
    ]
    for line in lines:
        if "[" in line:
            words = json.loads(line[line.index("[") :])
            yield words[3:] if words[:3] == ["python", "-m", "vitrina"] else words
        for part in line.split("&&") if "[" not in line else ():
            if "python -m vitrina " in part:
                yield shlex.split(part.partition("python -m vitrina ")[2])


def test_there_are_two_images_over_one_base():
    """Serve is no child of train: it gets nothing from it but a bundle to open."""
    assert told("train", "FROM") == ["base AS train"]
    assert told("serve", "FROM") == ["base AS serve"]
    assert not any("--from" in one for one in told("serve", "COPY"))


@pytest.mark.parametrize("stage", ["train", "serve"])
def test_a_stage_installs_its_own_lock_by_hash(stage):
    """Wheels only, every one pinned by hash, and the server's stage never sees the trainer's lock."""
    pips = [one for one in told(stage, "RUN") if "pip" in one]
    assert pips == [
        f"pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements/{stage}.txt"
    ]
    other = {"train": "serve", "serve": "train"}[stage]
    assert not any(f"{other}.txt" in rest for _, rest in STAGES[stage])


@pytest.mark.parametrize("stage", ["train", "serve"])
def test_a_stage_ends_as_nobody(stage):
    """The last user is a fixed, unprivileged one, made in the base, who owns the kernel cache."""
    assert told(stage, "USER") == ["10001:10001"]
    assert any("useradd --uid 10001" in one for one in told("base", "RUN"))
    assert any("chown -R 10001:10001 /app/numba" in one for one in told(stage, "RUN"))
    order = [word for word, _ in STAGES[stage]]
    assert order.index("USER") > max(place for place, word in enumerate(order) if word in ("RUN", "COPY"))


def test_what_is_copied_exists_and_is_not_ignored():
    """Every source of a COPY is in the repository and let through by .dockerignore."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    let_through = [line[1:] for line in lines if line.startswith("!")]
    for stage in STAGES.values():
        for word, rest in stage:
            if word == "COPY":
                source = rest.split()[0]
                assert (ROOT / source).exists()
                assert any(fnmatch(source, one) or source.startswith(f"{one}/") for one in let_through)


@pytest.mark.parametrize("words", list(verbs()), ids=lambda words: words[0])
def test_the_commands_it_runs_exist(words):
    """Every verb and every flag in the file is one of the command line's."""
    if words[0] == "--help":
        return
    shown = subprocess.run(
        [sys.executable, "-m", "vitrina", words[0], "--help"],
        capture_output=True,
        text=True,
        env={"PATH": "", "COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"},
    )
    assert shown.returncode == 0, shown.stderr
    for word in words[1:]:
        assert not word.startswith("--") or word in shown.stdout


def test_it_serves_and_says_that_it_does():
    """The image listens on every address of its container, and its health command asks that port."""
    [command] = told("serve", "CMD")
    words = json.loads(command)
    assert words[0] == "serve"
    assert words[words.index("--host") + 1] == "0.0.0.0"
    port = words[words.index("--port") + 1]
    [health] = told("serve", "HEALTHCHECK")
    assert json.loads(health[health.index("[") :])[-1] == f"127.0.0.1:{port}"
    assert port in told("serve", "EXPOSE")[0].split()
