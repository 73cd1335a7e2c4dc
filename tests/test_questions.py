"""Questions: what is asked, what came after, and that nothing asked tells the answer."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from vitrina.dataset import CART, DAY, PURCHASE, REMOVE, RETURN, VIEW, Catalog, Dataset, Events
from vitrina.ids import Ids
from vitrina.placements import parse_placements
from vitrina.questions import RECENT, questions, to_ask
from vitrina.splits import Split

NOW = 100 * DAY
N_ITEMS = 6


def events(rows: list[tuple], n_users: int = 5, product: list[int] | None = None) -> Dataset:
    """rows: (time, user, visit, item, type, quantity, price)."""
    table = np.array(rows, float).reshape(-1, 7)
    columns = [table[:, at] for at in (1, 3, 2, 0, 4, 5, 6)]
    kinds = [np.int32, np.int32, np.int32, np.int64, np.uint8, np.float32, np.float32]
    catalog = Catalog.bare(N_ITEMS)
    if product:
        catalog = replace(catalog, product=np.array(product, np.int32))
    users = Ids.of(f"u{one}" for one in range(n_users))
    items = Ids.of(f"i{one}" for one in range(N_ITEMS))
    made = Events(*(column.astype(kind) for column, kind in zip(columns, kinds, strict=True)))
    return Dataset(users, items, made, catalog)


def cut(before: list[tuple], after: list[tuple], wanted=("purchase",), **kept) -> Split:
    return Split(events(before, **kept), events(after, **kept), NOW, "by hand", wanted)


def buy(time, user, item, visit=-1, quantity=1, price=2.0):
    return (time, user, visit, item, PURCHASE, quantity, price)


def asked_of(split: Split, placement: str, most: int = 100, seed: int = 7):
    return next((one for one in questions(split, most, seed) if one.placement == placement), None)


def taken(asked) -> list[list[int]]:
    bounds = asked.truth.indptr.tolist()
    return [asked.truth.rows[low:high].tolist() for low, high in pairwise(bounds)]


def test_home_is_everything_bought_after_the_cut():
    """Each customer with a purchase is asked about once; values add up; what was had is a repeat."""
    split = cut(
        [buy(1, 0, 1), buy(2, 2, 5)],
        [
            buy(NOW, 0, 1, price=3),
            buy(NOW + 1, 0, 2, quantity=2),
            buy(NOW + 2, 0, 1, price=4),
            buy(NOW + 3, 3, 0),
        ],
    )
    home = asked_of(split, "home")
    assert [one.user_id for one in home.requests] == ["u0", "u3"]
    assert taken(home) == [[1, 2], [0]]
    assert home.truth.values.tolist() == [7.0, 4.0, 2.0]
    assert home.truth.repeat.tolist() == [True, False, False]
    assert {name: one.tolist() for name, one in home.buckets.items()} == {
        "all": [0, 1],
        "known": [0],
        "cold": [1],
    }


def test_discover_is_what_was_never_bought():
    """Repeats are no discovery, and who discovered nothing is not asked."""
    split = cut(
        [buy(1, 0, 1), buy(2, 1, 1)], [buy(NOW, 0, 1), buy(NOW, 0, 2), buy(NOW, 1, 1), buy(NOW, 2, 4)]
    )
    discover = asked_of(split, "discover")
    assert [one.user_id for one in discover.requests] == ["u0", "u2"]
    assert taken(discover) == [[2], [4]]
    assert discover.buckets["known"].tolist() == [0]
    assert discover.buckets["cold"].tolist() == [1]


def test_a_variant_is_its_product():
    """Buying another size of what was had is a repeat, and two sizes are one thing taken."""
    split = cut([buy(1, 0, 0)], [buy(NOW, 0, 1), buy(NOW, 0, 2), buy(NOW, 0, 3)], product=[0, 0, 1, 1, 2, 2])
    home = asked_of(split, "home")
    assert taken(home) == [[0, 1]]
    assert home.truth.repeat.tolist() == [True, False]


def test_returns_are_not_taken():
    """What was bought after the cut and sent back is nobody's wish."""
    back = (NOW + 9, 0, -1, 2, RETURN, 1, 2.0)
    home = asked_of(cut([buy(1, 0, 1)], [buy(NOW, 0, 2), buy(NOW, 0, 3), back]), "home")
    assert taken(home) == [[3]]


def test_prices_fall_back_to_the_catalogue():
    """A line without a price is worth the catalogue's, and without either nothing known."""
    split = cut([buy(1, 0, 1)], [buy(NOW, 0, 2, price=np.nan, quantity=3), buy(NOW, 0, 3, price=np.nan)])
    price = np.full(N_ITEMS, np.nan, np.float32)
    price[2] = 5.0
    train = replace(split.train, catalog=replace(split.train.catalog, price=price))
    home = asked_of(replace(split, train=train, test=replace(split.test, catalog=train.catalog)), "home")
    assert home.truth.values[0] == 15.0
    assert np.isnan(home.truth.values[1])


def test_a_shop_without_purchases_is_asked_about_views():
    """Where nothing is ever bought, lists foretell what is looked at; taking out of a cart is no wish."""
    look = [(NOW, 0, -1, 1, VIEW, 1, 0), (NOW, 0, -1, 2, CART, 1, 0), (NOW, 0, -1, 3, REMOVE, 1, 0)]
    home = asked_of(cut([(1, 0, -1, 1, VIEW, 1, 0)], look, wanted=("view", "cart")), "home")
    assert taken(home) == [[1, 2]]


def test_a_basket_hides_one_line_and_shows_the_rest():
    """The hidden product is in no variant in the cart; baskets of one product are not asked about."""
    after = [buy(NOW + at // 4, at // 4, at % 4 + 1, visit=10 + at // 4) for at in range(12)]
    after += [buy(NOW + 9, 3, 0, visit=20), buy(NOW + 9, 3, 0, visit=20)]
    cart = asked_of(cut([buy(1, 0, 1, visit=1)], after), "cart")
    assert len(cart) == 3
    for request, hidden in zip(cart.requests, taken(cart), strict=True):
        assert len(hidden) == 1
        assert sorted([*request.context_item_ids, f"i{hidden[0]}"]) == ["i1", "i2", "i3", "i4"]
    assert [one.user_id for one in cart.requests] == ["u0", "u1", "u2"]
    assert cart.truth.repeat.tolist() == [taken(cart)[0] == [1], False, False]


def test_a_basket_may_be_asked_about_more_than_one_line():
    """Another one each time, as many as there is room for and as it has; its questions hang together."""
    after = [buy(NOW + at // 4, at // 4, at % 4 + 1, visit=10 + at // 4) for at in range(12)]
    after += [buy(NOW + 9, 3, item, visit=20) for item in (0, 5)]
    split = cut([buy(1, 0, 1, visit=1)], after)
    for most, lines, wanted in ((100, 3, [3, 3, 3, 2]), (8, 3, [2, 2, 2, 2]), (7, 3, [1, 1, 1, 1])):
        cart = next(one for one in questions(split, most, 7, lines) if one.placement == "cart")
        baskets, counts = np.unique(cart.clusters, return_counts=True)
        assert counts.tolist() == wanted
        hidden = taken(cart)
        for basket in baskets:
            own = np.flatnonzero(cart.clusters == basket)
            assert len({tuple(hidden[one]) for one in own}) == len(own)
            whole = {frozenset([*cart.requests[one].context_item_ids, f"i{hidden[one][0]}"]) for one in own}
            assert len(whole) == 1


def test_a_torn_basket_is_not_asked_about():
    """A visit that began before the cut is left out: part of it was learned from."""
    split = cut([buy(1, 0, 1, visit=10)], [buy(NOW, 0, 2, visit=10), buy(NOW, 0, 3, visit=10)])
    assert asked_of(split, "cart") is None


def test_anonymous_baskets_are_carts_too():
    """A basket of nobody is asked about without a user id, and its lines are no session."""
    after = [buy(NOW, -1, item, visit=4) for item in (1, 2, 3)]
    split = cut([buy(1, -1, 1, visit=1)], after, n_users=0)
    assert asked_of(split, "cart").requests[0].user_id == ""
    assert asked_of(split, "session_next") is None
    assert asked_of(split, "home") is None


def test_what_came_as_sessions_is_in_order():
    """Purchases of one moment in a session are asked about step by step, in the order of their rows."""
    after = [buy(NOW, -1, item, visit=4) for item in (3, 1, 2)]
    split = cut([buy(1, -1, 1, visit=1)], after, n_users=0)
    split = replace(split, train=replace(split.train, sessions=True), test=replace(split.test, sessions=True))
    session = asked_of(split, "session_next")
    assert taken(session) == [[1], [2]]
    assert [one.item_id for one in session.requests[1].events] == ["i3", "i1"]


def test_a_session_is_asked_at_every_step():
    """Each next item, given those before; a session's steps are one cluster; customers are not asked."""
    clicks = [
        (NOW + at, -1, visit, item, VIEW, 1, 0)
        for visit, item, at in [(5, 1, 0), (6, 4, 1), (5, 2, 2), (6, 4, 3), (5, 1, 4)]
    ]
    known = [(NOW + 9, 0, 7, 1, VIEW, 1, 0), (NOW + 10, 0, 7, 2, VIEW, 1, 0)]  # strangers go first
    session = asked_of(cut([(1, -1, 1, 0, VIEW, 1, 0)], clicks + known, wanted=("view",)), "session_next")
    assert [[one.item_id for one in request.events] for request in session.requests] == [
        ["i1"],
        ["i1", "i2"],
        ["i4"],
    ]
    assert taken(session) == [[2], [1], [4]]
    assert session.truth.repeat.tolist() == [False, True, True]
    assert session.clusters.tolist() == [0, 0, 1]
    assert {one.type for request in session.requests for one in request.events} == {"view"}


def test_endless_sessions_are_cut():
    """A robot's session is asked about so many times, with so many events, and no more."""
    clicks = [(NOW + at, -1, 3, at % N_ITEMS, VIEW, 1, 0) for at in range(200)]
    session = asked_of(cut([(1, -1, 1, 0, VIEW, 1, 0)], clicks, wanted=("view",)), "session_next")
    assert len(session) == RECENT
    assert max(len(one.events) for one in session.requests) == RECENT


def test_a_sample_is_seeded():
    """At most `max_users` are asked, the same for the same seed, others for another."""
    after = [buy(NOW, user, item, visit=10 + user) for user in range(40) for item in (1, 2)]
    split = cut([buy(1, 0, 1)], after, n_users=40)
    for placement in ("home", "cart"):
        one, same, other = (asked_of(split, placement, 10, seed) for seed in (1, 1, 2))
        assert len(one) == 10
        assert one.requests == same.requests
        assert one.requests != other.requests


@pytest.mark.parametrize("seed", range(5))
def test_no_request_tells_its_answer(seed):
    """In carts the answer is not in the context, in sessions not after the step asked about."""
    random = np.random.default_rng(seed)
    draws = random.integers([5, 8, N_ITEMS], size=(80, 3)).tolist()
    rows = [
        (NOW + at, -1 if at % 2 else user, visit, item, VIEW if at % 2 else PURCHASE, 1, 1)
        for at, (user, visit, item) in enumerate(draws)
    ]
    split = cut([buy(1, 0, 1)], rows)
    cart = asked_of(split, "cart")
    for request, hidden in zip(cart.requests, taken(cart), strict=True):
        assert f"i{hidden[0]}" not in request.context_item_ids
        assert request.events == ()
    for one in questions(split, 100, seed):
        assert all(not request.blocks for request in one.requests)
        assert len(one.truth) == len(one) == len(one.clusters)
        assert one.truth.sizes.min() >= 1


CLICKS = [
    (NOW + at, user, 4 + user, item, VIEW, 1, 0) for user, item, at in ((0, 1, 0), (0, 2, 1), (1, 4, 2))
]
BEFORE = [(1, 0, 1, 0, VIEW, 1, 0)]


def test_what_was_only_shown_is_no_step():
    """Impressions are logged, and nobody did them to an item."""
    clicks = sorted([*CLICKS, *[(NOW + 1, user, 4 + user, 3, 5, 1, 0) for user in (0, 1, 1)]])
    shown = cut(BEFORE, clicks, wanted=("view",))
    types = {"types": (*shown.test.types, "impression")}
    shown = replace(shown, train=replace(shown.train, **types), test=replace(shown.test, **types))
    plain = asked_of(cut(BEFORE, CLICKS, wanted=("view",)), "session_next")
    assert taken(asked_of(shown, "session_next")) == taken(plain) != []


def test_visits_of_customers_are_asked_about_where_strangers_made_none():
    """A clickstream with user ids: the visit alone is told, unless a list starts from histories too."""
    clicks = [
        *CLICKS,
        (NOW + 3, 1, 5, 5, VIEW, 1, 0),
        buy(NOW + 4, 2, 0, visit=8),
        buy(NOW + 5, 2, 1, visit=8),
    ]
    split = cut(BEFORE, clicks, wanted=("view",))
    made = parse_placements(
        {
            "next": {"sources": [{"strategy": "a", "seeds": "session", "weight": 2.0}]},
            "personal": {
                "sources": [
                    {"strategy": "a", "seeds": "session", "weight": 2.0},
                    {"strategy": "b", "seeds": "history"},
                ]
            },
        }
    )
    alone, personal = to_ask(made, split, 100, 7)[-2:]
    assert (alone.placement, personal.placement) == ("next", "personal")
    assert [one.user_id for one in alone.requests] == ["", ""]
    assert [one.user_id for one in personal.requests] == ["u0", "u1"]
    assert taken(alone) == taken(personal) == [[2], [5]]
    assert [[one.item_id for one in request.events] for request in personal.requests] == [["i1"], ["i4"]]


def test_an_order_of_a_customer_is_no_session():
    """Lines of an order have no order among themselves, whatever second each was scanned in."""
    split = cut([buy(1, 0, 1)], [buy(NOW + at, 0, item, visit=3) for at, item in enumerate((1, 2, 4))])
    assert asked_of(split, "session_next") is None


def test_a_placement_of_another_name_is_asked_the_same():
    """Requests, truths and samples are those of the question, whatever the placement is called."""
    after = [buy(NOW, user, item, visit=10 + user) for user in range(40) for item in (1, 2)]
    split = cut([buy(1, 0, 1)], after, n_users=40)
    sources = {
        "start_page": [{"strategy": "a", "seeds": "history"}],
        "basket": [{"strategy": "a", "seeds": "context"}],
    }
    made = parse_placements({name: {"sources": one} for name, one in sources.items()})
    page, basket = to_ask(made, split, 10, 3)
    for one, question in ((page, "home"), (basket, "cart")):
        named = asked_of(split, question, 10, 3)
        assert (one.placement, one.question) != (question, one.question)
        assert one.requests == named.requests
        assert taken(one) == taken(named)


def test_fewer_are_drawn_with_their_visits_whole():
    """A sample of a sample keeps each asker's truth and name, and visits in one piece while they fit."""
    clicks = [(NOW + at, at // 4, 10 + at // 4, at % N_ITEMS, VIEW, 1, 0) for at in range(40)]
    split = cut(BEFORE, clicks, wanted=("view",), n_users=10)
    session = asked_of(split, "session_next")
    few = session.drawn(9, 1)
    assert len(few) == len(few.users) == len(few.truth) == 9
    assert sorted(np.bincount(few.clusters)[np.unique(few.clusters)]) == [3, 3, 3]
    whole = dict(zip(session.requests, taken(session), strict=True))
    assert [whole[one] for one in few.requests] == taken(few)


def test_baskets_and_visits_are_told_apart_by_whose_they_are():
    """Customers of carts and of visits are cold, light or heavy as those of home; strangers are all alike."""
    past = [buy(at, user, 0, visit=at) for user in (0, 1) for at in range(1, 2 + 3 * user)]
    after = [buy(NOW, user, item, visit=50 + user) for user in (0, 1, 2) for item in (1, 2)]
    cart = asked_of(cut(past, after), "cart")
    assert {name: one.tolist() for name, one in cart.buckets.items()} == {
        "all": [0, 1, 2], "known": [0, 1], "cold": [2], "light": [0], "heavy": [1],
    }  # fmt: skip
    clicks = [*CLICKS, (NOW + 3, 1, 5, 5, VIEW, 1, 0)]
    session = asked_of(cut(BEFORE, clicks, wanted=("view",)), "session_next")
    assert session.buckets["known"].tolist() == [0]
    assert "light" not in session.buckets  # where all did as much, nobody did less
    assert session.buckets["cold"].tolist() == [1]
    nobody = [(when, -1, visit, item, kind, 1, 1) for when, _, visit, item, kind, *_ in after]
    assert asked_of(cut(past, nobody), "cart").buckets.keys() == {"all"}
