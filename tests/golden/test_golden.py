"""Bundles of every format ever released are opened, checked and answered from as on their first day."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vitrina import bundle, probes
from vitrina.engine import Engine
from vitrina.filters import Filter
from vitrina.live import Live
from vitrina.request import Block, Request, SessionEvent

HERE = Path(__file__).resolve().parent
FORMATS = sorted(HERE.glob("format*"))


def request(told):
    """A request as it was written down."""
    blocks = []
    for one in told["blocks"]:
        chosen = {key: tuple(value) for key, value in one.items() if isinstance(value, list)}
        limits = {key: tuple(value) for key, value in one["filter"].items() if isinstance(value, list)}
        blocks.append(Block(one["placement"], one["limit"], Filter(**limits), **chosen))
    listed = {key: tuple(told[key]) for key in ("context_item_ids", "page_item_ids")}
    names = {key: told[key] for key in ("user_id", "visitor_id", "channel", "region", "explain", "reasons")}
    return Request(
        tuple(blocks), events=tuple(SessionEvent(**one) for one in told["events"]), **names, **listed
    )


def only(folder):
    """The one bundle of a format."""
    (path,) = (one for one in folder.iterdir() if bundle.VERSION.fullmatch(one.name))
    return path


def test_the_format_of_today_is_kept():
    """Whoever raises FORMAT makes its golden bundle too, and the older ones stay."""
    assert [one.name for one in FORMATS] == [f"format{number}" for number in range(1, bundle.FORMAT + 1)]


@pytest.mark.parametrize("folder", FORMATS, ids=lambda one: one.name)
def test_it_opens_and_verifies(folder):
    """Every byte is as it was; its name is its content's; its own probes are answered."""
    opened = bundle.verify(only(folder))
    assert opened.manifest.version == only(folder).name
    assert probes.replay(Engine.of(opened)) == 4


@pytest.mark.parametrize("folder", FORMATS, ids=lambda one: one.name)
def test_it_answers_as_recorded(folder):
    """The same items in the same order for the same reasons; scores to a millionth."""
    engine = Engine.open(only(folder))
    told = json.loads((folder / "answers.json").read_text())
    asked = [request(one["request"]) for one in told]
    for one, answer in zip(told, engine.recommend(asked, Live(engine.last_event)), strict=True):
        for expected, block in zip(one["blocks"], answer.blocks, strict=True):
            assert [item.item_id for item in block.items] == expected["items"], one["request"]
            assert [item.score for item in block.items] == pytest.approx(expected["scores"], abs=1e-6)
            reasons = [[item.reason.source, *item.reason.seed_item_ids] for item in block.items]
            assert reasons == expected["reasons"]
            assert block.fallback_level == expected["fallback"]
    assert sum(len(block["items"]) for one in told for block in one["blocks"]) > 100


def test_it_is_never_overwritten():
    """The script that made it will not make it again."""
    found = subprocess.run([sys.executable, HERE / "make.py"], capture_output=True, text=True)
    assert found.returncode == 1
    assert "stays as it is" in found.stderr


def test_it_is_its_content_that_counts(tmp_path):
    """A copy elsewhere, by file times of today, is the same bundle."""
    copy = shutil.copytree(only(FORMATS[0]), tmp_path / only(FORMATS[0]).name)
    assert bundle.verify(copy).manifest == bundle.verify(only(FORMATS[0])).manifest
