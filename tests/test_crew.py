"""A campaign over several processes: the same file as over one, in order; a killed process loses nothing."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from forged import publish, train

from vitrina import campaign
from vitrina.crew import Opening, crew
from vitrina.engine import Engine
from vitrina.errors import DataError


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small trained bundle on disk."""
    return publish(tmp_path_factory.mktemp("crew"), train({"popular": {}, "item_knn": {}}))


def survey_of(folder: Path, engine: Engine, many: int = 120) -> campaign.Survey:
    """Known customers and strangers."""
    known = engine.askers.users.names(np.arange(min(20, engine.n_users), dtype=np.int32))
    users = [*known, *(f"stranger {number}" for number in range(many))]
    (folder / "users.csv").write_text("user_id\n" + "\n".join(users) + "\n")
    return campaign.for_users(folder / "users.csv", [engine.placements.names[0]], 5)


def test_two_processes_write_what_one_does(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row by row; and a process that is killed on the way is said, after which the run goes on."""
    monkeypatch.setattr(campaign, "SLICE", 2)  # many, so that some are still to come when one is killed
    engine = Engine.open(bundle)
    survey = survey_of(tmp_path, engine)
    campaign.run(engine, survey, tmp_path / "one.parquet", engine.moment, lambda _line: None)

    killed = []

    def kill(line: str) -> None:
        if not killed:
            import multiprocessing

            killed.append(multiprocessing.active_children()[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    out = tmp_path / "two.parquet"
    with pytest.raises(DataError, match="call again"):
        campaign.run(
            engine, survey, out, engine.moment, kill, crew(2, Opening(bundle), survey, engine.moment)
        )
    assert not out.exists()
    left = len(list((tmp_path / "two.parquet.slices").glob("*.parquet")))
    assert left >= 1
    said: list[str] = []
    campaign.run(
        engine, survey, out, engine.moment, said.append, crew(2, Opening(bundle), survey, engine.moment)
    )
    assert len(said) <= len(list(range(0, 140, 2))) - left
    assert pq.read_table(out).equals(pq.read_table(tmp_path / "one.parquet"))
