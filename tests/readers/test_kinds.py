"""Event types: a shop's words, what they stand for, and what is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vitrina.dataset import PURCHASE, TYPES
from vitrina.errors import DataError
from vitrina.readers import Reading, read


def typed(folder: Path, *types: str, **how: Any) -> Reading:
    """A shop where two customers did each of these, read."""
    rows = [f"{user},i{at},2026-01-0{at + 1},{one}\n" for user in "uv" for at, one in enumerate(types)]
    (folder / "events.csv").write_text("user_id,item_id,timestamp,event_type\n" + "".join(rows))
    return read(folder, **how)


@pytest.mark.parametrize(
    ("types", "purchases", "own", "words"),
    [
        (["Listen"], 2, (), {"Listen": "purchase", "listen": "purchase"}),
        (["listen", "fav"], 4, (), {"fav": "purchase", "listen": "purchase"}),
        (["listen", "return"], 2, (), {"listen": "purchase"}),
        (["listen", "impression"], 2, ("impression",), {"listen": "purchase"}),
        (["listen", "view"], 0, ("listen",), {}),
        (["listen", "buy"], 2, ("listen",), {}),
        (["listen", ""], 2, ("listen",), {}),
        (["impression"], 0, ("impression",), {}),
    ],
)
def test_lone_words_are_purchases(
    tmp_path: Path, types: Sequence[str], purchases: int, own: tuple[str, ...], words: dict[str, str]
) -> None:
    """Promise: only where nothing known was liked; then with orders, and under that word in times to come."""
    found = typed(tmp_path, *types)
    events = found.dataset.events
    assert int((events.type == PURCHASE).sum()) == purchases
    assert found.dataset.types == (*TYPES, *own)
    assert dict(found.dataset.words) == words
    assert ((events.visit >= 0) == (events.type == PURCHASE)).all()


def test_what_the_recipe_weighs_is_a_type_of_its_own(tmp_path: Path) -> None:
    """Promise: a weight in the recipe, or a reader that knows no recipe, keeps the shop's word."""
    for weighed in (["listen"], None):
        found = typed(tmp_path, "listen", weighed=weighed)
        assert found.dataset.types == (*TYPES, "listen")
        assert found.dataset.words == {}
        assert np.unique(found.dataset.events.type).tolist() == [len(TYPES)]
        assert not any("listen" in note for note in found.report.tables[0].notes)


def test_the_report_and_the_trainer_hear_of_it(tmp_path: Path) -> None:
    """Promise: one sentence says what a lone word is taken for, and another what weighs nothing."""
    said: list[str] = []
    notes = typed(tmp_path, "listen", say=said.append).report.tables[0].notes
    sentence = "no event is a purchase, a view or a cart, so 'listen' is taken as a purchase"
    assert (
        sum(one.startswith(sentence) for one in notes) == sum(one.startswith(sentence) for one in said) == 1
    )
    mixed = typed(tmp_path, "listen", "view").report.tables[0].notes
    assert any("listen; they weigh nothing until" in one for one in mixed)


def test_stars_are_not_read_and_that_is_said(tmp_path: Path) -> None:
    """Promise: a rating of one star counts as one of five, and the shop is told what to leave out."""
    (tmp_path / "events.csv").write_text("user_id,item_id,Rating\nu,i,1\nu,j,5\n")
    found = read(tmp_path)
    assert len(found.dataset.events) == 2
    assert any(one.startswith("'Rating' is not used") for one in found.report.tables[0].notes)


def test_words_in_many_are_the_words_in_one(tmp_path: Path) -> None:
    """Promise: 'clicks' mean what 'click' means, in the report as well."""
    found = typed(tmp_path, "clicks", "carts", "orders", "Product Views")
    assert found.dataset.types == TYPES
    assert np.bincount(found.dataset.events.type).tolist() == [2, 4, 2]
    assert any("'clicks' as view" in note for note in found.report.tables[0].notes)


def test_words_in_many_that_the_recipe_weighs_keep_their_names(tmp_path: Path) -> None:
    """Promise: no weight is lost for an s; nor where no recipe is known, and then `words` tell what they mean."""
    found = typed(tmp_path, "Clicks", "buys", "carts", weighed={"clicks", "buys"})
    assert found.dataset.types == (*TYPES, "buys", "clicks")
    assert np.bincount(found.dataset.events.type).tolist() == [0, 0, 2, 0, 0, 2, 2]
    assert found.dataset.words["carts"] == "cart"
    assert "clicks" not in found.dataset.words
    assert typed(tmp_path, "clicks", weighed=None).dataset.types == (*TYPES, "clicks")


def test_the_recipe_says_what_words_mean(tmp_path: Path) -> None:
    """Promise: then nothing is guessed, in events to come neither; a type that is none is refused."""
    told = {"events": {"item_id": "item_id"}, "event_types": {"Tap": "view", "AddFav": "cart"}}
    found = typed(tmp_path, "tap", "add_fav", "own", aliases=told)
    assert found.dataset.types == (*TYPES, "own")
    assert np.bincount(found.dataset.events.type).tolist() == [0, 2, 2, 0, 0, 2]
    assert dict(found.dataset.words) == {"Tap": "view", "tap": "view", "AddFav": "cart", "add_fav": "cart"}
    with pytest.raises(
        DataError, match=r"\[columns.event_types\] tap = 'look' must be one of purchase, view"
    ):
        typed(tmp_path, "tap", aliases={"event_types": {"tap": "look"}})


def test_words_without_letters_are_told_by_their_signs(tmp_path: Path) -> None:
    """Promise: -1 is not 1, and what is only a sign is no name for everything that has none."""
    told = {"event_types": {"1": "purchase", "0": "view", "★": "cart"}}
    found = typed(tmp_path, "1", "-1", "0", "★", "☆", aliases=told)
    assert dict(found.dataset.words) == told["event_types"]
    assert np.bincount(found.dataset.events.type)[:3].tolist() == [2, 2, 2]
    assert found.dataset.types == (*TYPES, "-1", "☆")


def test_several_words_that_all_become_purchases_are_doubted(tmp_path: Path) -> None:
    """Promise: the trainer hears it once and the doctor marks it, with the line for the recipe."""
    said: list[str] = []
    (doubt,) = typed(tmp_path, "tap", "listen", say=said.append).report.doubts
    assert "'listen', 'tap' are taken as a purchase" in doubt
    assert doubt.endswith('under [columns.event_types]: "listen" = "view"')
    assert said.count(doubt) == 1
    assert not typed(tmp_path, "listen").report.doubts


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("events-clicks.csv", "view"),
        ("events_views.tsv", "view"),
        ("events-clicks-2020-01.csv", "view"),
        ("Events_Add-to-Carts.csv", "cart"),
        ("events-orders.csv", "purchase"),
        ("events-clicks-of-orders.csv", ""),
        ("events-cart-abandoners.csv", ""),
        ("events-no-returns.csv", ""),
        ("events-returns.csv", ""),
        ("events/clicks/part-1.csv", ""),
        ("events-2024.csv", ""),
    ],
)
def test_a_file_may_be_called_by_its_type(tmp_path: Path, name: str, kind: str) -> None:
    """Promise: where it has no column of them, and its name says one thing; what is no purchase is doubted."""
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    sign = "\t" if name.endswith("tsv") else ","
    (tmp_path / name).write_text(f"user_id{sign}item_id\nu{sign}i\n")
    found = read(tmp_path)
    assert found.dataset.types[found.dataset.events.type[0]] == (kind or "purchase")
    said = f"{name} has no event_type: each of its rows is a {kind}, as its name says"
    assert any(note.startswith(said) for note in found.report.tables[0].notes) == bool(kind)
    assert len(found.report.doubts) == (kind not in ("", "purchase"))
    assert found.report.has("events", "event_type") == bool(kind)
    (tmp_path / name).write_text("user_id,item_id,event_type\nu,i,purchase\n".replace(",", sign))
    assert read(tmp_path).dataset.events.type[0] == PURCHASE


def test_a_file_of_sales_is_no_file_of_views_whatever_its_name(tmp_path: Path) -> None:
    """Promise: the name of an export is overruled by its columns, which is said, and no row is lost."""
    (tmp_path / "events-view.csv").write_text("order_id,item_id,quantity\n1,i,-1\n1,j,2\n")
    found = read(tmp_path)
    (doubt,) = found.report.doubts
    assert doubt.startswith(
        "events-view.csv has order_id, as sales have: each of its rows is a purchase, though"
    )
    assert doubt.endswith("say 'view' in a column event_type")
    assert not found.report.tables[0].rejected
    assert set(found.dataset.events.type.tolist()) == {PURCHASE, TYPES.index("return")}


@pytest.mark.parametrize(
    ("name", "heads", "kind", "of_sales"),
    [
        ("events-carts.csv", "user_id,item_id,price", "cart", "price"),
        ("events-views.csv", "item_id,quantity,order_id", "view", "order_id"),
    ],
)
def test_what_overrules_a_name_is_said(
    tmp_path: Path, name: str, heads: str, kind: str, of_sales: str
) -> None:
    """Promise: which column it was, and how to say that the name was right."""
    (tmp_path / name).write_text(f"{heads}\n1,2,3\n")
    (doubt,) = read(tmp_path).report.doubts
    assert doubt.startswith(f"{name} has {of_sales}, as sales have: each of its rows is a purchase")
    assert doubt.endswith(
        f"though its name says {kind}; where that is wrong, say '{kind}' in a column event_type"
    )


def test_a_file_without_what_sales_have_beside_one_with_it_is_doubted(tmp_path: Path) -> None:
    """Promise: clicks beside purchases are asked about by file, and told by a name."""
    (tmp_path / "events-1.csv").write_text("session_id,item_id,price\ns,i,2\n")
    (tmp_path / "events-2.csv").write_text("session_id,item_id\ns,i\ns,j\n")
    (doubt,) = read(tmp_path).report.doubts
    assert doubt.startswith(
        "events-2.csv has neither event_type nor order_id, quantity or price, and events-1"
    )
    (tmp_path / "events-2.csv").rename(tmp_path / "events-views.csv")
    found = read(tmp_path)
    (doubt,) = found.report.doubts
    assert doubt.startswith("events-views.csv has no event_type: each of its rows is a view")
    assert np.bincount(found.dataset.events.type).tolist() == [1, 2]
