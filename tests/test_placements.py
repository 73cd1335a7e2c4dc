"""Placements: merged, checked, named."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from vitrina.errors import PlacementsError, UnknownPlacement
from vitrina.placements import Rebuy, merchandising, parse_placements, read_placements

MODELS = Path(__file__).resolve().parents[1] / "models"
PAGE = (MODELS / "placements" / "README.md").read_text()
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.S)


@pytest.mark.parametrize("file", sorted((MODELS / "placements").glob("*.toml")), ids=lambda one: one.stem)
def test_every_committed_file_reads(file):
    """All of them hold the placements that every shop has, each with a sentence about it."""
    placements = read_placements(file)
    needed = {
        "home",
        "discover",
        "product_similar",
        "cart",
        "session_next",
        "category",
        "post_purchase",
        "email_digest",
        "retargeting",
    }
    assert needed <= set(placements.names)
    assert all(placements.named(name).about for name in needed)


def test_what_is_named_again_overrides_only_what_it_gives(tmp_path):
    """A child keeps its parent's keys, and may add placements."""
    (tmp_path / "a.toml").write_text('version="1"\n[home]\nlimit = 5\nsources=[{strategy="x"}]\n[other]\n')
    (tmp_path / "b.toml").write_text('version="2"\nextends="a.toml"\n[home]\nrebuy={after_days=3}\n[new]\n')
    read = read_placements(tmp_path / "b.toml")
    home = read.named("home")
    assert (read.version, read.names) == ("2", ["home", "new", "other"])
    assert (home.limit, home.rebuy, home.sources[0].strategy) == (5, Rebuy("after_days", 3.0), "x")
    assert parse_placements(read.tables) == read


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[home]\ncolour = 1", "p.toml:2: .home. unknown key 'colour'; known: about"),
        ("[home]\nrebuy = 'maybe'", "unknown rebuy 'maybe'; known: always"),
        ("[home]\nblend = 'x'", "unknown blend"),
        ("[home]\nsoft = ['x']", "soft.0. is an unknown soft rule 'x'"),
        ("[home]\nlimit = 0", "1 <= limit"),
        ("[home]\nlimit = 'x'", r"\[home\]"),
        ("[home]\nsources = [{ strategy = 'x', seeds = 'moon' }]", "unknown seeds 'moon'; known: history"),
        ("[home]\nsources = [{ strategy = 'x', weight = 0 }]", "must be above 0"),
        ("[home]\nsources = [{ strat = 'x' }]", r"\[home\]"),
        ("home = 3", r"must be a table: \[home\]"),
        ("version = 'x'", "has no placement"),
        ("extends = 'p.toml'", "extends itself"),
        ("[home", "cannot read"),
    ],
)
def test_mistakes_are_named(tmp_path, text, says):
    """The error names the file, the placement and what is known."""
    (tmp_path / "p.toml").write_text(text)
    with pytest.raises(PlacementsError, match=says):
        read_placements(tmp_path / "p.toml")


def test_an_unknown_placement_names_the_known():
    """So that a front end's typo is found in its log."""
    with pytest.raises(UnknownPlacement, match="'hom'; known: home"):
        parse_placements({"home": {}}).named("hom")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.split("\n", 1)[0])
def test_every_example_of_the_page_is_read(tmp_path, example):
    """Each says something that its placement had not said: a key that is misspelt or ignored is found."""
    (tmp_path / "standard.toml").write_text((MODELS / "placements" / "standard.toml").read_text())
    file = tmp_path / "shop.toml"
    file.write_text(f'version = "x"\nextends = "standard.toml"\n{example}')
    ((name, given),) = tomllib.loads(example).items()
    said, written = (read_placements(one).named(name) for one in (file, tmp_path / "standard.toml"))
    for key in given:
        assert getattr(said, key) != getattr(written, key), key


def test_the_page_has_every_key_of_merchandising_and_variety():
    """A key that comes to be is documented, or this fails."""
    keys = [
        *merchandising._KEYS,
        "diversity",
        "rotation",
        "damping",
        "exploration",
        "experiment",
        "campaigns",
    ]
    assert not [one for one in keys if f"`{one}`" not in PAGE and f".{one}]" not in PAGE]


def test_a_list_that_is_only_for_letters_can_be_probed_and_warmed():
    """Whoever asks on the shop's behalf does so on a channel that the placement is for."""
    read = parse_placements({"letter": {"channels": ["email", "push"]}, "home": {}})
    assert [read.named(one).channel for one in ("letter", "home")] == ["email", "site"]
