"""A source that fails: others answer where shoppers ask, and nobody else is spared the failure."""

from __future__ import annotations

import json

import pytest
from servers import NOW, publish

from shops import Fixed, make_shop, make_window
from vitrina import probes
from vitrina.dataset import DAY
from vitrina.errors import BundleError, InvalidRequest, SourceFailed
from vitrina.live import Live
from vitrina.registry import Registry
from vitrina.request import Block, Request
from vitrina.server.current import Current
from vitrina.server.generations import Generations
from vitrina.server.metrics import Tallies
from vitrina.server.service import Note, Service
from vitrina.server.token import Signer
from vitrina.strategies import popular
from vitrina.strategy import Whys
from vitrina.v1 import recommendation_service_pb2 as v1

ITEMS = [f"i{number}" for number in range(10)]
LIVE = Live(now=100 * DAY)
PLACEMENTS = {
    "both": {"sources": [{"strategy": "broken"}, {"strategy": "sound"}], "limit": 3},
    "sound": {"sources": [{"strategy": "sound"}], "limit": 3},
    "alone": {"sources": [{"strategy": "broken"}], "fallback": ["sound"], "limit": 3},
    "last": {"sources": [{"strategy": "broken"}], "limit": 3},
}


class Broken:
    """Proposes some rows, or fails: for a customer, when reasons are asked, always."""

    def __init__(self, rows=(), *, user=None, why=False):
        self.rows, self.user, self.fails_why = rows, user, why

    def top(self, query, k, allow):
        """Rows for all but one customer; without rows, nothing but a failure."""
        if not self.rows or self.user in query.users.tolist():
            raise ZeroDivisionError("nobody foresaw this")
        return Fixed(self.rows).top(query, k, allow)

    def why(self, query, ends, rows):
        """A failure, where it is asked to fail so."""
        if self.fails_why:
            raise KeyError("gone")
        return Whys.nothing(len(rows))


def window(broken, placements=PLACEMENTS):
    """An engine of a source that fails and one that does not."""
    dataset = make_shop([("ann", "i0", 10), ("bob", "i3", 5)], items=ITEMS)
    return make_window(dataset, {"broken": broken, "sound": [5, 6, 7]}, placements)


def ids(response, block=0):
    """The item ids of one block."""
    return [one.item_id for one in response.blocks[block].items]


def asked(*names, user=""):
    """A page."""
    return Request(tuple(Block(one) for one in names), user_id=user)


def test_probes_and_judges_hear_of_a_failure():
    """An engine that nobody made forbearing fails with the source's name and what it raised."""
    engine = window(Broken())
    with pytest.raises(
        SourceFailed, match=r"the source broken failed: ZeroDivisionError: nobody foresaw"
    ) as told:
        engine.recommend([asked("both")], LIVE)
    assert isinstance(told.value, BundleError)
    assert isinstance(told.value.fault, ZeroDivisionError)
    with pytest.raises(SourceFailed):
        engine.explain(asked("both"), (), LIVE)
    with pytest.raises(SourceFailed):
        probes.make(engine, 4, 7)


@pytest.mark.parametrize("placement", ["both", "alone"])
def test_others_answer_and_the_answer_says_who_is_missing(placement):
    """A list is as long as before, from sources beside or behind the one that fails."""
    failures = []
    engine = window(Broken()).forbearing(failures.append)
    answer = engine.recommend([asked(placement)], LIVE)[0]
    assert (ids(answer), answer.degraded) == (["i5", "i6", "i7"], ("broken",))
    assert [one.source for one in failures] == ["broken"]
    explained, _ = engine.explain(asked(placement), (), LIVE)
    assert (ids(explained), explained.degraded) == (["i5", "i6", "i7"], ("broken",))


def test_where_nothing_is_left_the_list_is_empty_and_says_why():
    """No error even then: a page has other blocks."""
    engine = window(Broken()).forbearing(lambda failed: None)
    for answer in engine.recommend([asked("last", "sound", user=one) for one in ("ann", "bob")], LIVE):
        assert (ids(answer), ids(answer, 1), answer.degraded) == ([], ["i5", "i6", "i7"], ("broken",))


def test_who_does_not_need_the_source_misses_nothing():
    """Lists of other sources are not flagged, nor what comes after a failure."""
    engine = window(Broken()).forbearing(lambda failed: None)
    for _ in range(2):
        engine.recommend([asked("both")], LIVE)
        answer = engine.recommend([asked("sound")], LIVE)[0]
        assert (ids(answer), answer.degraded) == (["i5", "i6", "i7"], ())


def test_one_customer_for_whom_it_fails_costs_others_nothing():
    """Answered together, each has what it would have alone."""
    engine = window(Broken([1, 2, 3], user=0)).forbearing(lambda failed: None)
    ann, bob, stranger = engine.recommend([asked("both", user=one) for one in ("ann", "bob", "")], LIVE)
    assert (ids(ann), ann.degraded) == (["i5", "i6", "i7"], ("broken",))
    for one in (bob, stranger):
        assert (set(ids(one)) & {"i1", "i2"}, one.degraded) == ({"i1", "i2"}, ())


def test_a_source_that_cannot_say_why_is_missing_too():
    """A reason that nobody can give is no reason for an error."""
    engine = window(Broken([1, 2, 3], why=True)).forbearing(lambda failed: None)
    answer = engine.recommend([asked("both")], LIVE)[0]
    assert (ids(answer), answer.degraded) == (["i5", "i6", "i7"], ("broken",))


def test_two_that_fail_are_both_missing():
    """Down to whoever is left."""
    tables = {"p": {"sources": [{"strategy": one} for one in ("broken", "worse", "sound")], "limit": 3}}
    dataset = make_shop([("ann", "i0", 10)], items=ITEMS)
    sources = {"broken": Broken(), "worse": Broken([1], why=True), "sound": [5, 6, 7]}
    engine = make_window(dataset, sources, tables).forbearing(lambda failed: None)
    answer = engine.recommend([asked("p")], LIVE)[0]
    assert (ids(answer), answer.degraded) == (["i5", "i6", "i7"], ("broken", "worse"))


def test_what_is_wrong_with_a_request_is_still_said():
    """Forbearance is for sources."""
    with pytest.raises(InvalidRequest):
        window(Broken()).forbearing(lambda failed: None).recommend(
            [Request((Block("both", limit=-1),))], LIVE
        )


@pytest.fixture
def current(tmp_path):
    """What a worker answers from: bestsellers."""
    publish(tmp_path / "registry")
    (tmp_path / "run").mkdir()
    one = Current(
        Registry(tmp_path / "registry"), Generations(tmp_path / "run"), None, lambda: NOW, Tallies()
    )
    one.open()
    return one


def failing(self, query, k, allow):
    """What no source should do."""
    raise RuntimeError("no such page")


def test_a_worker_answers_flags_counts_and_logs_once(current, monkeypatch, capfd):
    """Bytes come back whatever a source does; the log has the trace, once a minute and not at each call."""
    service = Service(current, Signer(b"sixteen bytes or more"))
    request = v1.RecommendRequest(blocks=[{"placement": "home"}]).SerializeToString()
    with monkeypatch.context() as broken:
        broken.setattr(popular.Popular, "top", failing)
        notes = [Note() for _ in range(3)]
        answers = service.recommend_many([(request, note) for note in notes], NOW)
        for answer, note in zip(answers, notes, strict=True):
            assert list(v1.RecommendResponse.FromString(answer).degraded) == ["popular"]
            assert note.degraded == {"popular": 1}
        lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
        (said,) = [one for one in lines if one["event"] == "source failed"]
        assert said["source"] == "popular"
        assert "no such page" in said["error"]
        assert said["trace"]
    whole = v1.RecommendResponse.FromString(service.recommend(request, NOW))
    assert len(whole.blocks[0].items) > 0
    assert not whole.degraded


def test_a_bundle_whose_source_fails_is_not_taken_up(current, monkeypatch):
    """Its probes are asked without forbearance, and the bundle before it answers on."""
    before = current().version
    publish(current.registry.folder, n_items=11)
    monkeypatch.setattr(popular.Popular, "top", failing)
    current.refresh()
    assert current().version == before
    assert "popular failed" in current.state()["reason"]
