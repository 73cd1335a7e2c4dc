"""A campaign over all cores: processes that each open the bundle and answer slices, a few at a time.

Spawned, never forked. A bundle is mapped, so that its pages are shared. How many slices wait is bounded: what
is read of the file is what is about to be answered.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from vitrina import campaign
from vitrina.campaign import Line, Survey, Work
from vitrina.engine import Engine
from vitrina.errors import DataError
from vitrina.since import Remember, Since, forgetful

AHEAD = 2
"""Slices handed out for each process."""


@dataclass(frozen=True)
class Opening:
    """How a process opens its engine, and the store of what happened since, if there is one."""

    bundle: Path
    placements: Path | None = None
    store: Path | None = None


def crew(workers: int, opening: Opening, survey: Survey, now: int) -> Work:
    """Work for `campaign.run` by so many processes. Raises DataError where one of them dies."""

    def work(todo: Iterator[tuple[Path, list[Line]]]) -> Iterator[int]:
        spawning = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, spawning, _open, (opening, survey, now)) as pool:
            waiting: set[Future[int]] = set()
            try:
                for file, lines in todo:
                    waiting.add(pool.submit(_answer, file, lines))
                    if len(waiting) >= AHEAD * workers:
                        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                        yield from (one.result() for one in done)
                while waiting:
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    yield from (one.result() for one in done)
            except BrokenProcessPool as reason:
                raise DataError(
                    "a process of the run was killed; call again, it goes on from there"
                ) from reason
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    return work


_engine: Engine | None = None
_survey: Survey | None = None
_now = 0
_remember: Remember = forgetful


def _open(opening: Opening, survey: Survey, now: int) -> None:
    global _engine, _survey, _now, _remember
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who asked decides when to stop
    _engine, _survey, _now = Engine.open(opening.bundle, opening.placements), survey, now
    since = Since(opening.store)
    _engine, _remember = since.over(_engine), since.remember


def _answer(file: Path, lines: list[Line]) -> int:
    assert _engine is not None
    assert _survey is not None
    return campaign.answered(_engine, _survey, file, lines, _now, _remember)
