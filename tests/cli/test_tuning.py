"""`vitrina tune` at the command line: what cannot be done is said before anything is searched."""

from __future__ import annotations

import os
import signal
import time

import pytest
from typer.testing import CliRunner

from shops import make_shop
from vitrina.cli import app
from vitrina.cli.tuning import show, stopped_softly
from vitrina.errors import DataError
from vitrina.recipe import read_recipe
from vitrina.registry import Registry
from vitrina.train import train
from vitrina.tune.choose import Chosen
from vitrina.tune.journal import Journal

SOURCES = 'sources = [{ strategy = "popular", seeds = "none" }]\n'
TUNE = ["tune", "--data", "nowhere", "--recipe", "nothing.toml"]


def test_an_output_that_is_a_folder_is_refused_first(tmp_path):
    """Before the recipe is read, let alone the data."""
    found = CliRunner().invoke(app, [*TUNE, "--out", str(tmp_path)])
    assert isinstance(found.exception, DataError)
    assert str(found.exception) == f"--out {tmp_path} is a folder; name a file in it"


@pytest.mark.parametrize(
    ("verb", "option"), [(TUNE[:1], "--seed"), (["evaluate"], "--max-users")], ids=["seed", "max-users"]
)
def test_less_than_nothing_is_wrong_usage(verb, option, tmp_path):
    """A count is not negative."""
    words = [
        *verb,
        *TUNE[1:],
        option,
        "-1",
        *(["--out", str(tmp_path / "t.toml")] if verb == ["tune"] else []),
    ]
    found = CliRunner().invoke(app, words)
    assert found.exit_code == 2
    assert option in found.output


@pytest.mark.parametrize(
    ("name", "said"), [("page.pdf", "written as .html"), ("nowhere/page.html", "there is no folder")]
)
def test_a_page_that_cannot_be_written_is_refused_first(name, said, tmp_path):
    """Before anything is judged."""
    found = CliRunner().invoke(app, ["evaluate", *TUNE[1:], "--html", str(tmp_path / name)])
    assert isinstance(found.exception, DataError)
    assert said in str(found.exception)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere.csv", "nowhere.csv: there is no such file"),
        ("", "has neither events.* nor"),
        ("a.md", "no file of"),
    ],
)
def test_events_to_ask_that_are_not_there_are_missed_first(name, said, tmp_path):
    """Before the data are read, which takes minutes; by the name of the option."""
    (tmp_path / "a.md").touch()
    found = CliRunner().invoke(app, ["evaluate", *TUNE[1:], "--test", str(tmp_path / name)])
    assert isinstance(found.exception, DataError)
    assert str(found.exception).startswith("--test")
    assert said in str(found.exception)


@pytest.mark.parametrize("stored", [False, True])
def test_a_bundle_that_cannot_be_compared_is_refused(stored, tmp_path):
    """No bundle in the folder, or one of another shop: in words, and before anything is judged."""
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('[strategies.popular]\n[placements]\nversion = "1"\n[placements.home]\n' + SOURCES)
    (tmp_path / "data").mkdir()
    rows = [f"u{day % 3},i{day % 4},{1_700_000_000 + day * 86400}" for day in range(1, 40)]
    (tmp_path / "data/events.csv").write_text("\n".join(["user_id,item_id,timestamp", *rows]))
    against, said = tmp_path, "there is no bundle in it"
    if stored:
        registry = Registry(tmp_path / "registry")
        train(
            make_shop([("u1", "other", 1), ("u2", "another", 2)]),
            read_recipe(recipe),
            registry,
            print,
            judge=False,
        )
        against, said = registry.path(), "none of its 2 items is in --data"
    words = ["--data", str(tmp_path / "data"), "--recipe", str(recipe), "--against", str(against)]
    found = CliRunner().invoke(app, ["evaluate", *words])
    assert isinstance(found.exception, DataError)
    assert said in str(found.exception)


def test_a_scheduler_s_end_is_ctrl_c():
    """SIGTERM ends a search as Ctrl-C does, and afterwards whatever it was before."""

    def ended():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), stopped_softly():
        ended()
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_journal_that_cannot_be_begun_asks_for_another_place(tmp_path):
    """There is nothing to remove."""
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="give an --out that can be written"):
        Journal.open(tmp_path / "file" / "t.toml.journal", {})


def test_what_may_be_chance_is_said(capsys, tmp_path):
    """A gain below two standard errors is told as such, and where nothing was tuned, that."""
    sure, unsure, none = (Chosen((), "score", 0.1, 0.1 + gain, 0.01, 300) for gain in (0.03, 0.015, 0.0))
    show({"home": sure, "cart": unsure, "discover": none}, tmp_path / "t.toml")
    told = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert "surely" in told["home"]
    assert "may be chance" in told["cart"]
    assert not {"surely", "chance"} & set(told["discover"].split())
    show({}, tmp_path / "t.toml")
    assert "no placement could be tuned" in " ".join(capsys.readouterr().out.split())
