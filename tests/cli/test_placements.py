"""`vitrina placements`: files are checked with line and reason, compared, and put to work."""

from __future__ import annotations

import json

import pytest
from servers import publish
from typer.testing import CliRunner

from vitrina.cli import app
from vitrina.engine import Engine
from vitrina.errors import PlacementsError
from vitrina.live import Live
from vitrina.registry import Registry
from vitrina.request import Block, Request

GOOD = 'version = "june"\nextends = "bundled"\n[home]\nlimit = 3\n'
BROKEN = """version = "x"
[home]
limt = 3
rebuy = "maybe"

[cart.filter]
price = { max = "cheap" }
"""


def run(*words):
    """What a verb prints, as one text; its error is raised."""
    result = CliRunner().invoke(app, ["placements", *map(str, words)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def registry(tmp_path):
    """A registry whose bundle has the placements home and cart."""
    publish(tmp_path / "registry")
    return tmp_path / "registry"


@pytest.fixture
def file(tmp_path):
    """A file to write placements into."""
    return tmp_path / "p.toml"


def test_every_fault_is_told_with_its_line(file):
    """All of them at once, each with file, line, placement, reason and a suggestion."""
    file.write_text(BROKEN)
    with pytest.raises(PlacementsError) as refused:
        run("check", file)
    lines = str(refused.value).splitlines()
    assert [one.split("p.toml:")[1].split(" ")[0] for one in lines] == ["3:", "4:", "6:"]
    assert "unknown key 'limt'; did you mean 'limit'?" in lines[0]
    assert "unknown rebuy 'maybe'" in lines[1]
    assert "[cart] filter.price.max is cheap" in lines[2]
    said = run("check", file, "--json")
    assert (said.exit_code, len(json.loads(said.output)["faults"])) == (4, 3)


def test_a_misspelt_source_is_a_fault_and_one_that_is_not_fitted_a_note(registry, file):
    """The bundle knows its sources: 'populer' is a slip, 'als' was left out on purpose."""
    sources = '[home]\nsources = [{{ strategy = "{}" }}]\nfallback = []\n'
    file.write_text(sources.format("populer"))
    with pytest.raises(
        PlacementsError, match=r"p.toml:2: .home. sources: unknown strategy 'populer'; did you"
    ):
        run("check", file, "--registry", registry)
    file.write_text(sources.format("als"))
    said = json.loads(run("check", file, "--registry", registry, "--json").output)
    assert said["faults"] == []
    assert "without 'als'" in said["notes"][0]
    assert "without fault: 1 placements" in run("check", file).output


def test_a_difference_is_what_would_change(registry, file):
    """Against what the registry is served by, and against another file; no change is said too."""
    file.write_text(GOOD)
    said = json.loads(run("diff", file, "--registry", registry, "--json").output)
    assert said == {"from": "p-1", "to": "june", "changes": ["[home] limit: 3 is new"]}
    other = file.with_name("q.toml")
    other.write_text('version = "july"\nextends = "bundled"\n[home]\nlimit = 4\n[more]\nabout = "More."\n')
    said = run("diff", file, other, "--registry", registry).output.splitlines()
    assert said == ["june -> july", "[home] limit: 3 -> 4", "+ [more] More."]
    assert "the same lists" in run("diff", file, file, "--registry", registry).output


def test_what_is_applied_stands_over_the_bundle_until_it_is_taken_away(registry, file):
    """The bundle's placements stay where the file says nothing; a broken file changes nothing."""
    file.write_text(GOOD)
    assert run("apply", file, "--registry", registry).output.startswith("applied: june@")
    bundles = Registry(registry)
    engine = Engine.open(bundles.path(), bundles.placements)
    assert engine.placements.names == ["cart", "home"]
    [answer] = engine.recommend([Request((Block("home"),))], Live(engine.moment))
    assert len(answer.blocks[0].items) == 3
    told = CliRunner().invoke(app, ["explain", "--registry", str(registry), "--placement", "home"])
    assert "3 products" in told.output  # what explains looks at what is in force
    before = bundles.placements.read_text()
    file.write_text(BROKEN)
    with pytest.raises(PlacementsError, match="limt"):
        run("apply", file, "--registry", registry)
    assert bundles.placements.read_text() == before
    assert run("apply", "--bundled", "--registry", registry).output == "applied: p-1\n"
    assert bundles.applied is None


@pytest.mark.parametrize(
    "words", [(), ("--bundled",), ("{file}",), ("{file}", "--bundled", "--registry", "x")]
)
def test_apply_wants_to_know_what_and_where(file, words):
    """One of a file and --bundled, one of a server and a registry."""
    assert run("apply", *(one.format(file=file) for one in words)).exit_code == 2
