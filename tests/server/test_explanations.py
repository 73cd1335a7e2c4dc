"""Explanations on the wire are the engine's, and follow from what was recorded since training; reasons are said in the shop's own words."""

from __future__ import annotations

import pytest
from sentences import own
from servers import publish, served
from typer.testing import CliRunner

from shops import make_shop, make_window
from vitrina.answered import fate, response
from vitrina.cli import app
from vitrina.client import Client
from vitrina.dataset import DAY
from vitrina.errors import InvalidRequest, InvalidToken, UnknownPlacement
from vitrina.live import Live, Recent
from vitrina.recommend_calls import whole
from vitrina.request import Block, Request
from vitrina.server.explanations import explained
from vitrina.server.service import Note, Service
from vitrina.server.token import Signer
from vitrina.v1 import recommendation_service_pb2 as v1

NOW = 100 * DAY
PLACEMENTS = {"p": {"sources": [{"strategy": "all"}], "fallback": [], "limit": 2, "rebuy": "never"}}
ASKED = Request((Block("p"),), user_id="ann", locale="en")
ENGINE = make_window(make_shop([("ann", "i0", 90)], items=["i1", "i2", "i3"]), {"all": range(4)}, PLACEMENTS)
LIVE = Live(NOW, {ASKED.identity: Recent(("i1",), ("purchase",), (NOW - 60,))})


def explanation(request, *item_ids, token=""):
    """What a service says that has recorded a purchase of ann's a minute ago."""
    service = Service(lambda: ENGINE, Signer(b"sixteen bytes ok"), lately=lambda who, now: LIVE)
    message = v1.ExplainRequest(request=whole(request, continue_token=token), item_ids=item_ids)
    found = v1.ExplainResponse.FromString(explained(service, message.SerializeToString(), NOW, Note()))
    return response(found.answer), tuple(map(fate, found.fates))


def test_what_is_told_is_what_the_engine_says():
    """The list, its trace, its sentences and every fate; what was bought a minute ago is told as the reason."""
    items = ("i0", "i1", "i2", "i3", "nobody")
    answer, fates = explanation(ASKED, *items)
    said, known = ENGINE.explain(ASKED, items, LIVE)
    assert fates == known
    assert answer.blocks[0].items == said.blocks[0].items
    assert answer.blocks[0].trace == said.blocks[0].trace
    assert [one.place for one in fates] == [0, 0, 1, 2, 0]
    assert fates[1].rules == ("bought less than a day ago, and it does not come back (rebuy never)",)


@pytest.mark.parametrize(
    ("request_", "items", "token", "kind", "says"),
    [
        (Request(()), (), "", InvalidRequest, "blocks"),
        (Request((Block("p"), Block("p"))), (), "", InvalidRequest, "one list is explained at a time"),
        (ASKED, ["i"] * 101, "", InvalidRequest, "item_ids holds 101 entries; at most 100"),
        (ASKED, ["i" * 257], "", InvalidRequest, "item_ids"),
        (ASKED, (), "x", InvalidToken, "token"),
        (Request((Block("q"),)), (), "", UnknownPlacement, "unknown placement 'q'"),
    ],
)
def test_what_cannot_be_explained_is_refused(request_, items, token, kind, says):
    """No list or several, too many items or too long ids, tokens that are none, placements that are not there."""
    with pytest.raises(kind, match=says):
        explanation(request_, *items, token=token)


@pytest.mark.timeout(120)
def test_a_server_says_it_in_the_shops_own_words(tmp_path):
    """`serve --sentences` and `explain --server`: the shop's sentence where it has one; its list is the served one."""
    publish(tmp_path / "registry")
    words = own(
        tmp_path / "own", "en", 'msgid "Popular with our customers"\nmsgstr "A darling of the street"\n'
    )
    asked = ["explain", "--placement", "home", "--locale", "en"]
    with served(tmp_path / "registry", workers=1, sentences=str(words)) as (_, ready):
        with Client(ready["address"]) as shop:
            answer = shop.recommend(Request((Block("home"),), locale="en"))
        said = CliRunner().invoke(app, [*asked, "--server", ready["address"], "-k", "3"])
        item = CliRunner().invoke(app, [*asked, "--server", ready["address"], "--item", "nobody"])
    listed = answer.blocks[0].items
    assert {one.reason.sentence for one in listed} == {"A darling of the street"}
    assert said.output.count("A darling of the street") == 3
    assert said.output.index(listed[0].item_id) < said.output.index(listed[1].item_id)
    assert "the bundle does not know it" in item.output
    here = [*asked, "--registry", str(tmp_path / "registry")]
    assert "darling" not in CliRunner().invoke(app, here).output
    assert "darling" in CliRunner().invoke(app, [*here, "--sentences", str(words)]).output
    assert CliRunner().invoke(app, [*here, "--server", "nowhere:1"]).exit_code == 2
