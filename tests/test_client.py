"""The client: what is asked arrives, what is answered comes back, and errors are Vitrina's own."""

from __future__ import annotations

import subprocess
import sys

import pytest
from servers import NOW, Shelf, looping, serving, start

from vitrina.client import Client, healthcheck
from vitrina.errors import (
    InvalidRequest,
    InvalidToken,
    NotReady,
    Overloaded,
    ServerError,
    TimedOut,
    UnknownPlacement,
    Unreachable,
)
from vitrina.filters import Filter, Moment, Number, Range, Words
from vitrina.request import Block, Product, Request, SessionEvent

HOME = Request((Block("home"),))
WANTED = Filter(
    categories=("a > b",),
    brands=("acme",),
    price=Range(min=0.0, below=2.0),
    attributes=(Words("color", ("red", "blue")),),
    numbers=(Number("watts", Range(above=5.0)),),
    dates=(Moment("available_from", within_days=30.0),),
    same_as_seed=("department",),
    all=(Filter(any=(Filter(tags=("new",)), Filter(stocked_in=("msk",)))),),
    none=(Filter(item_ids=("i9",)),),
)
FULL = Request(
    blocks=(
        Block("home", 5, WANTED, ("no1", "no2"), ("i1", "i2")),
        Block("cart", priority=3),
    ),
    user_id="ann",
    visitor_id="v1",
    channel="retargeting",
    region="north",
    context_item_ids=("i7", "x8"),
    events=(SessionEvent("i3", "cart", 99), SessionEvent("i4")),
    page_item_ids=("i0",),
    consent="given",
    explain=True,
    reasons=False,
)


@pytest.fixture(scope="module")
def shelf():
    """The engine behind `client`."""
    return Shelf()


@pytest.fixture(scope="module")
def client(shelf):
    """A client of a server over a shelf."""
    with serving(shelf) as address, Client(address) as one:
        yield one


def test_requests_arrive_whole(client, shelf):
    """Every field of a request reaches the engine as it was given."""
    client.recommend(FULL)
    (requests, live) = shelf.asked[-1]
    assert requests == [FULL]
    assert live.now == NOW


def test_responses_come_back_whole(client, shelf):
    """Every field of a response is what the engine said, with a token beside it."""
    answer = client.recommend(FULL)
    said = shelf.answer(FULL)
    assert answer.blocks == said.blocks
    assert (answer.bundle_version, answer.unknown_item_ids) == (said.bundle_version, ("x8",))
    assert answer.known_user
    assert answer.attribution_token


def test_products_and_scrolling(client):
    """Product fields come when asked for; a token continues."""
    first = client.recommend(HOME, product_fields=("title", "price"))
    assert first.blocks[0].items[0].product == Product("i0", title="Title of i0", price=10.0)
    second = client.recommend(HOME, continue_token=first.attribution_token)
    assert [one.item_id for one in second.blocks[0].items] == ["i3", "i4", "i5"]
    assert second.blocks[0].items[0].product is None


def test_explanations_come_back_whole(client, shelf):
    """The list with its trace, and what became of each item, in order; nobody was shown it, so there is no token."""
    answer, fates = client.explain(FULL, ("i9", "i2"), product_fields=("title",))
    said, told = shelf.explain(FULL, ("i9", "i2"), None)
    assert fates == told
    assert answer.blocks[0].trace == said.blocks[0].trace
    assert answer.blocks[0].items[0].product.title == "Title of i1"
    assert (answer.attribution_token, answer.bundle_version) == ("", said.bundle_version)
    with pytest.raises(InvalidRequest, match="item_ids holds 101 entries; at most 100"):
        client.explain(HOME, ["i1"] * 101)


def test_validate_only(client):
    """Checks and nothing else."""
    answer = client.recommend(FULL, validate_only=True)
    assert (answer.blocks, answer.attribution_token, answer.unknown_item_ids) == ((), "", ("x8",))


def test_batches_are_split_and_answered_in_order(client, shelf, monkeypatch):
    """A campaign of any length goes out in calls that fit, and each answer names its asker."""
    monkeypatch.setattr("vitrina.recommend_calls.MAX_USERS", 70)
    shelf.asked.clear()
    askers = [
        Request((), user_id=f"u{number}", context_item_ids=("i1",), region="r") for number in range(150)
    ]
    pairs = list(client.batch_recommend(HOME, iter(askers), product_fields=("image",)))
    assert [asker for asker, _ in pairs] == askers
    assert all(answer.blocks[0].items[0].product.image == "i.jpg" for _, answer in pairs)
    assert [len(requests) for requests, _ in shelf.asked] == [70, 70, 10]
    assert shelf.asked[0][0][0].region == "r"
    assert list(client.batch_recommend(HOME, [])) == []


def test_a_batch_fits_its_message_limit(client):
    """Askers with much context are split by bytes, so that no call is too large to send."""
    context = tuple(f"{number:0250d}" for number in range(100))
    askers = [Request((), user_id=f"u{number}", context_item_ids=context) for number in range(80)]
    assert len(list(client.batch_recommend(HOME, askers))) == 80


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (UnknownPlacement("unknown placement 'home'; known: x"), UnknownPlacement),
        (InvalidRequest("limit is bad"), InvalidRequest),
        (Overloaded("too much"), Overloaded),
        (RuntimeError("secret"), ServerError),
    ],
)
def test_errors_are_vitrinas_own(fault, kind):
    """The server's reason decides the class; the words are the server's."""
    with serving(Shelf(fault=fault)) as address, Client(address) as client:
        with pytest.raises(kind, match="internal error" if kind is ServerError else str(fault)):
            client.recommend(HOME)
        with pytest.raises(kind):
            list(client.batch_recommend(HOME, [HOME]))


def test_a_foreign_token_is_named(client):
    """A token that is not the server's is InvalidToken."""
    with pytest.raises(InvalidToken):
        client.recommend(HOME, continue_token="AAAA")


def test_not_ready_is_retried_and_then_told():
    """While there is no bundle a client asks again, and in the end says so."""
    engine = Shelf(fault=NotReady("no bundle is open yet"))
    with serving(engine) as address, Client(address, timeout_s=5) as client:
        with pytest.raises(NotReady, match="no bundle"):
            client.recommend(HOME)
        assert len(engine.asked) == 5


def test_time_and_reach():
    """A deadline that passes is TimedOut; a port where nobody listens is Unreachable."""
    with serving(Shelf(slow_s=0.3)) as address, Client(address) as client, pytest.raises(TimedOut):
        client.recommend(HOME, timeout_s=0.05)
    with Client("127.0.0.1:1", timeout_s=5) as client, pytest.raises(Unreachable):
        client.recommend(HOME)
    assert healthcheck("127.0.0.1:1", 0.5) == 7


@pytest.mark.parametrize(
    ("request_", "options"),
    [
        (Request((Block("home"),), channel="smoke signals"), {}),
        (Request((Block("home", limit=2**40),)), {}),
        (Request((Block("home"),), user_id="\ud800"), {}),
        (HOME, {"product_fields": ("colour",)}),
    ],
)
def test_what_cannot_be_sent_is_said_before_sending(client, shelf, request_, options):
    """Unknown channels and fields, numbers too large, broken text: InvalidRequest, nothing sent."""
    shelf.asked.clear()
    with pytest.raises(InvalidRequest, match="cannot be sent"):
        client.recommend(request_, **options)
    assert shelf.asked == []


def test_a_broken_stream_is_taken_up_where_it_broke():
    """A campaign outlives its server: every asker is answered once, in order."""
    askers = [Request((), user_id=f"u{number}") for number in range(1500)]
    with looping() as loop:
        made, address = start(loop, Shelf(slow_s=0.02), grace_s=0.05)
        answered = []
        with Client(address) as client:
            for asker, _ in client.batch_recommend(HOME, askers):
                answered.append(asker)
                if len(answered) == 200:
                    port = int(address.rpartition(":")[2])
                    new, _ = start(loop, None, port)
                    loop.do(made.drain())
        loop.do(new.drain())
    assert answered == askers


def test_the_client_needs_little():
    """Importing it imports no numpy, no engine, no server."""
    code = (
        "import sys, vitrina.client\n"
        "heavy = {'numpy', 'numba', 'vitrina.engine', 'vitrina.server', 'vitrina.dataset'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
