"""A feed is compared with what is known, and not believed when it takes too much away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from boutique import THINGS, boutique
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.catalog import PATH
from vitrina.errors import DataError
from vitrina.feeds import Offer, Reject
from vitrina.feeds.comparing import Known, Summary, compared

DATASET = boutique()
KNOWN = Known(DATASET.items, DATASET.catalog)
NOW = 1_800_000_000


def offer(one, **fields):
    """What the catalogue says of a thing already, and what is said otherwise."""
    row = DATASET.items.row(one)
    told = KNOWN.fields(row)
    same = {name: told(name) for name in ("title", "category", "price", "old_price", "in_stock")}
    return Offer(1, one, {**same, **fields})


def run(feed):
    """The updates by id, and the summary."""
    summary = Summary(len(KNOWN))
    updates = {one.item_id: dict(one.fields) for one in compared(feed, KNOWN, summary, NOW)}
    return updates, summary


def test_a_feed_that_says_what_is_known_changes_nothing():
    """Every product as it is: no update, nothing gone."""
    updates, summary = run([offer(one) for one in THINGS])
    assert updates == {}
    assert (summary.unchanged, summary.gone, summary.lost) == (len(THINGS), 0, 0)


@settings(max_examples=40, deadline=None)
@given(st.sets(st.sampled_from(sorted(THINGS))), st.sets(st.sampled_from(sorted(THINGS))))
def test_counts_and_updates_agree(gone, dearer):
    """Who is left out is removed, who costs more is told so, and nobody else is named."""
    feed = [offer(one, price=999.0) if one in dearer else offer(one) for one in THINGS if one not in gone]
    updates, summary = run(feed)
    assert {one for one, said in updates.items() if said == {"removed": True}} == gone
    assert {one for one, said in updates.items() if said == {"price": 999.0}} == dearer - gone
    assert (summary.gone, summary.changed) == (len(gone), len(dearer - gone))
    assert dict(summary.fields) == ({"price": len(dearer - gone)} if dearer - gone else {})
    assert summary.lost == len(gone) / len(THINGS)


def test_a_feed_that_loses_too_much_is_refused():
    """Over a fifth gone, out of stock or without a price is an error; a fifth is not."""
    ids = sorted(THINGS)
    fifth = len(ids) // 5
    _, summary = run([offer(one, in_stock=n >= fifth) for n, one in enumerate(ids)])
    summary.stop_if_lost("feed.xml")
    free = Reject(9, ids[-1], "price is not above 0", worthless=True)
    _, summary = run([*(offer(one, in_stock=n >= fifth) for n, one in enumerate(ids[:-1])), free])
    with pytest.raises(
        DataError, match=r"feed\.xml would lose 22% of the 60 items known \(0 gone, 12 out of"
    ):
        summary.stop_if_lost("feed.xml")


def test_rejects_are_counted_with_their_first_line():
    """By reason; an id that stands twice counts once; a rejected product is not gone."""
    ids = sorted(THINGS)
    feed = [*map(offer, ids[2:]), offer(ids[2]), Reject(7, ids[0], "no", "'x'"), Reject(8, ids[1], "no")]
    updates, summary = run(feed)
    assert updates == {}
    assert summary.as_dict()["rejects"] == [
        {"reason": "no", "items": 2, "first": f"line 7, offer {ids[0]}: 'x'"},
        {
            "reason": "the id stands in the feed twice; the first counts",
            "items": 1,
            "first": f"line 1, offer {ids[2]}",
        },
    ]


def test_new_variants_join_the_product_that_the_feed_puts_them_with():
    """The known one says the product's id too; where nothing is new, nobody does."""
    same = [offer(one, product_id="line") if one == "lamp-1" else offer(one) for one in THINGS]
    assert run(same)[0] == {}
    updates, summary = run([*same, Offer(3, "lamp-1b", {"price": 5.0, "product_id": "line"})])
    assert updates == {"lamp-1b": {"price": 5.0, "product_id": "line"}, "lamp-1": {"product_id": "line"}}
    assert summary.new == 1


def test_what_was_removed_comes_back():
    """An item known as gone that a feed names again is not gone any more."""
    row = DATASET.items.row("lamp-1")
    known = Known(DATASET.items, DATASET.catalog, gone=[row])
    summary = Summary(len(known))
    updates = list(compared(map(offer, THINGS), known, summary, NOW))
    assert [(one.item_id, one.fields) for one in updates] == [("lamp-1", {"removed": False})]
    assert (summary.back, summary.known) == (1, len(THINGS) - 1)


def test_paths_are_the_same_however_their_steps_are_spaced():
    """'a>b' is 'a > b'."""
    path = KNOWN.fields(DATASET.items.row("lamp-1"))("category")
    assert PATH not in path
    assert (
        run(
            [
                offer(
                    one,
                    category=path.replace(" > ", ">") if one == "lamp-1" else offer(one).fields["category"],
                )
                for one in THINGS
            ]
        )[0]
        == {}
    )


def test_prices_are_compared_as_they_are_stored():
    """A price that only float64 tells from the stored one is no change."""
    price = 1299.9
    catalog = replace(DATASET.catalog, price=np.full(len(DATASET.items), price, np.float32))
    summary = Summary(len(KNOWN))
    feed = [offer(one, price=price) for one in THINGS]
    assert list(compared(feed, Known(DATASET.items, catalog), summary, NOW)) == []
