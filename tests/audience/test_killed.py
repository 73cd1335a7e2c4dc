"""kill -9 in the middle: a stream goes on from the last cursor that was kept, a file is whole or not there."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from forged import publish, train

RUN = """
import json, os, signal, sys
from pathlib import Path
from vitrina import campaign
from vitrina.audience import entries as found
from vitrina.audience.facts import facts
from vitrina.audience.files import write_csv
from vitrina.audience.plan import parse_plan
from vitrina.contact.policy import parse_policy
from vitrina.engine import Engine

bundle, folder, what, dies = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
engine = Engine.open(bundle)
placement, now = engine.placements.names[0], engine.moment + 20 * 86_400
plan = parse_plan({"lost": {"is": "win_back", "placement": placement, "after_days": 10}})
policy = parse_policy({"cool_down_days": 0, "channels": {"email": {}}})
found.BATCH = 3
left = dies

def step():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

def stream(start=found.BEGIN):
    return found.entries(engine, plan, policy, facts(engine, now), found.Known.nothing(), now, start)

def one_by_one():
    for batch, _ in stream():
        step()
        yield from batch

if what == "file":
    write_csv(one_by_one(), folder / "out.csv")
elif what == "stream":
    kept = folder / "cursor"
    mark = found.marked(engine, plan, policy)
    start = found.read_cursor(kept.read_text(), mark)[0] if kept.exists() else found.BEGIN
    with (folder / "got.jsonl").open("a") as got:
        for batch, cursor in stream(start):
            for one in batch:
                got.write(json.dumps([one.trigger_id, one.user_id]) + "\\n")
            got.flush()
            step()
            kept.write_text(cursor)
else:
    campaign.SLICE = 5
    survey = campaign.for_users(folder / "users.csv", [placement], 3)
    campaign.run(engine, survey, folder / "out.parquet", now, lambda line: step())
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small trained bundle on disk."""
    return publish(tmp_path_factory.mktemp("killed"), train({"popular": {}}))


def run(bundle: Path, folder: Path, what: str, dies: int) -> int:
    """The exit code of a process that kills itself at a step; 0 for never."""
    command = [sys.executable, "-c", RUN, bundle, folder, what, str(dies)]
    folder.mkdir(exist_ok=True)
    done = subprocess.run([str(one) for one in command], capture_output=True, text=True)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


def test_a_stream_goes_on_behind_what_was_handled(bundle: Path, tmp_path: Path) -> None:
    """Everybody at least once, under the id that they have without a kill."""
    assert run(bundle, tmp_path / "whole", "stream", 0) == 0
    whole = lines(tmp_path / "whole")
    assert len(whole) > 6
    assert run(bundle, tmp_path / "cut", "stream", 2) == -signal.SIGKILL
    before = lines(tmp_path / "cut")
    assert 0 < len(before) < len(whole)
    assert run(bundle, tmp_path / "cut", "stream", 0) == 0
    after = lines(tmp_path / "cut")[len(before) :]
    assert [*before, *[one for one in after if one not in before]] == whole
    assert len(after) < len(whole)


def test_a_file_is_there_once_and_whole(bundle: Path, tmp_path: Path) -> None:
    """Nothing of it before; called again, all of it."""
    assert run(bundle, tmp_path / "cut", "file", 2) == -signal.SIGKILL
    assert not (tmp_path / "cut" / "out.csv").exists()
    for name in ("cut", "whole"):
        assert run(bundle, tmp_path / name, "file", 0) == 0
    found = [(tmp_path / name / "out.csv").read_text() for name in ("cut", "whole")]
    assert found[0] == found[1]
    assert found[0].count("\n") > 6


def test_a_campaign_goes_on_behind_its_last_slice(bundle: Path, tmp_path: Path) -> None:
    """The same file as without a kill, and no slice twice."""
    for name in ("cut", "whole"):
        (tmp_path / name).mkdir()
        users = [f"u{number}" for number in range(40)]
        (tmp_path / name / "users.csv").write_text("user_id\n" + "\n".join(users) + "\n")
    assert run(bundle, tmp_path / "cut", "campaign", 3) == -signal.SIGKILL
    slices = {
        one.name: one.stat().st_mtime_ns
        for one in (tmp_path / "cut" / "out.parquet.slices").glob("*.parquet")
    }
    assert len(slices) == 3
    # Killed again at the sixth slice, three steps on: those of before were left as they were.
    assert run(bundle, tmp_path / "cut", "campaign", 3) == -signal.SIGKILL
    now = {
        one.name: one.stat().st_mtime_ns
        for one in (tmp_path / "cut" / "out.parquet.slices").glob("*.parquet")
    }
    assert len(now) == 6
    assert slices.items() <= now.items()
    for name in ("cut", "whole"):
        assert run(bundle, tmp_path / name, "campaign", 0) == 0
    cut, whole = ((tmp_path / name / "out.parquet").read_bytes() for name in ("cut", "whole"))
    assert cut == whole


def lines(folder: Path) -> list[list[str]]:
    """What a stream's reader wrote down."""
    return [json.loads(line) for line in (folder / "got.jsonl").read_text().splitlines()]
