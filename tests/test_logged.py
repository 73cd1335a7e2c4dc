"""Files and store together: nothing twice, nothing lost, nobody who asked to be forgotten."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from boutique import THINGS, boutique
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import PLACEMENTS
from typer.testing import CliRunner

from shops import make_shop
from vitrina.bundle import Draft
from vitrina.cli import app
from vitrina.dataset import DAY, Attribute
from vitrina.engine import Engine
from vitrina.errors import Forgotten
from vitrina.ids import UNKNOWN
from vitrina.live import Live
from vitrina.logged import logged
from vitrina.recipe import parse_recipe
from vitrina.registry import Registry
from vitrina.request import Block, Request
from vitrina.splicing import taken
from vitrina.state.erasing import forget
from vitrina.state.events import Event
from vitrina.state.items import updated
from vitrina.state.lately import Lately
from vitrina.state.lmdb_store import LmdbStore
from vitrina.state.people import Tombstones, joining
from vitrina.state.recording import recording
from vitrina.train import train
from vitrina.train_store import trained_with
from vitrina.updates import ItemUpdate

FILES = make_shop([("ann", "i1", 5), ("bob", "i2", 6), ("ann", "i2", 4, "view")], items=["i3"])

CATALOG = boutique().catalog


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    made = LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 22)
    yield made
    made.close()


def record(store, *events):
    """Log (id, type, user, visitor, item, day) events."""
    made = [
        Event(name, kind, user, visitor, item, day * DAY) for name, kind, user, visitor, item, day in events
    ]
    store.write(recording(made, 99 * DAY)).result()


def together(store, files=FILES):
    """Files and store as (user, item, type, day) of each event, and the rest."""
    with store.read() as reads:
        dataset, added = logged(files, reads, Tombstones(store.folder))
    events = dataset.events
    users = ["" if one < 0 else dataset.users.name(one) for one in events.user.tolist()]
    items = [dataset.items.name(one) for one in events.item.tolist()]
    types = [dataset.types[one] for one in events.type.tolist()]
    return list(zip(users, items, types, (events.time // DAY).tolist(), strict=True)), dataset, added


def test_an_empty_store_adds_nothing(store):
    """The dataset is the one of the files, up to no event of the log."""
    _, dataset, added = together(store)
    assert dataset == replace(FILES, logged=0)
    assert (added.events, added.items, added.forgotten) == (0, 0, 0)


def test_what_the_files_have_too_counts_once(store):
    """By type: purchases up to the files' last are known, later ones and all types that files lack are new."""
    record(
        store,
        ("1", "purchase", "bob", "", "i2", 6),
        ("2", "purchase", "new", "", "i9", 7),
        ("3", "click", "ann", "", "i1", 5),
        ("4", "view", "ann", "", "i1", 4),
        ("5", "cart", "bob", "", "i1", 2),
        ("6", "wink", "bob", "", "i1", 8),
        ("7", "impression", "bob", "", "i1", 8),
        ("8", "sent.email", "zoe", "", "i1", 8),
        ("9", "open.email", "zoe", "", "i1", 8),
    )
    found, dataset, added = together(store)
    assert (added.events, added.known) == (4, 2)
    assert found == [
        ("bob", "i1", "cart", 2),
        ("ann", "i2", "view", 4),
        ("ann", "i1", "purchase", 5),
        ("ann", "i1", "view", 5),
        ("bob", "i2", "purchase", 6),
        ("new", "i9", "purchase", 7),
        ("bob", "i1", "wink", 8),
    ]
    assert len(dataset.catalog) == len(dataset.items) == 4
    assert dataset.types[-1] == "wink"
    assert dataset.users.row("zoe") == UNKNOWN  # a letter is nothing that its reader did


def test_anonymous_visits_and_joined_ids(store):
    """A visitor's day is one visit of nobody; one who is joined with a customer is that customer."""
    store.write(joining([b"uann", b"vphone"])).result()
    record(
        store,
        ("1", "view", "", "phone", "i1", 8),
        ("2", "view", "", "x", "i1", 8),
        ("3", "view", "", "x", "i2", 8),
        ("4", "view", "", "x", "i2", 9),
        ("5", "purchase", "ann", "x", "i2", 9),
        ("6", "purchase", "ann", "", "i3", 9),
    )
    found, dataset, _ = together(store)
    assert [one[0] for one in found[3:]] == ["ann", "", "", "", "ann", "ann"]
    visits = dataset.events.visit[3:].tolist()
    assert visits[0] == -1
    assert visits[1] == visits[2] != visits[3] > visits[1]
    assert visits[4] == visits[5] > max(FILES.events.visit)


def test_the_catalogue_is_as_it_is_now(store):
    """Prices, new items and looks stand in their rows after new ids were sorted in."""
    files = replace(boutique(), vectors=np.arange(60, dtype=np.float32)[:, None] + 1)
    updates = [
        ItemUpdate("aaa", 5, {"title": "new", "category": "Home > New"}),
        ItemUpdate("lamp-1", 5, {"price": 2.5}),
    ]
    store.write(lambda to: updated(to, updates)).result()
    _, dataset, added = together(store, files)
    assert added.items == 2
    assert dataset.items.row("aaa") == 0
    assert dataset.catalog.title[0] == "new"
    for one in THINGS:
        old, new = files.items.row(one), dataset.items.row(one)
        assert dataset.catalog.title[new] == files.catalog.title[old]
        assert dataset.catalog.tags.texts(new) == files.catalog.tags.texts(old)
        assert dataset.vectors[new] == files.vectors[old]
        assert dataset.catalog.price[new] == (2.5 if one == "lamp-1" else files.catalog.price[old])
    assert dataset.vectors[0] == 0
    before = files.items.names(files.events.item)
    assert dataset.items.names(dataset.events.item) == before


def test_the_forgotten_are_not_in_the_data(store):
    """Neither their ids nor their events; other people's attributes stay theirs."""
    files = replace(FILES, people={"city": Attribute.of(["A", "B"])})
    record(store, ("1", "cart", "ann", "", "i1", 8), ("2", "cart", "bob", "", "i1", 8))
    forget(store, Tombstones(store.folder), [b"uann"], DAY)
    found, dataset, added = together(store, files)
    assert found == [("bob", "i2", "purchase", 6), ("bob", "i1", "cart", 8)]
    assert added.forgotten == 1
    assert dataset.users.row("ann") == -1
    assert dataset.people["city"].text(dataset.users.row("bob")) == "B"


def test_the_forgotten_are_not_in_the_data_before_they_are_erased(store):
    """Where forgetting stopped half way, their events are in the log still, and in no dataset."""
    record(
        store,
        ("1", "cart", "zoe", "phone", "i1", 8),
        ("2", "cart", "", "phone", "i1", 8),
        ("3", "cart", "bob", "", "i1", 8),
    )
    store.write(joining([b"uzoe", b"vphone"])).result()
    store.write(Tombstones(store.folder).forgetting([b"uzoe"], DAY)).result()
    found, dataset, _ = together(store)
    assert [one for one in found if one[3] == 8] == [("bob", "i1", "cart", 8)]
    assert dataset.users.row("zoe") == UNKNOWN


def test_who_is_forgotten_while_it_is_trained_is_in_no_bundle(store, tmp_path):
    """It begins anew, publishes without them, and removes older bundles that know them."""
    registry = Registry(tmp_path / "registry")
    recipe = replace(parse_recipe({"strategies": {"popular": {}}}, ""), placements=PLACEMENTS)
    said, runs = [], []
    files = make_shop([("zoe-private", "i1", 5), ("bob", "i2", 6)])

    def work(dataset, check):
        runs.append(len(dataset.users))
        if len(runs) == 2:
            forget(store, Tombstones(store.folder), [b"uzoe-private"], DAY)
        return train(dataset, recipe, registry, said.append, judge=False, check=check)

    first = trained_with(store, files, registry, work, said.append).bundle.manifest.version
    second = trained_with(store, files, registry, work, said.append).bundle.manifest.version
    assert runs == [2, 2, 1]
    assert registry.versions() == [second] != [first]
    for file in (tmp_path / "registry").rglob("*"):
        assert not file.is_file() or b"zoe-private" not in file.read_bytes()
    assert any("begins anew" in one for one in said)
    assert any(first in one and "removed" in one for one in said)

    def late(dataset, check):
        forget(store, Tombstones(store.folder), [b"u" + dataset.users.name(0).encode()], DAY)
        return work(dataset, check)

    many = make_shop([(f"c{n}", "i1", 1) for n in range(9)])
    with pytest.raises(Forgotten):
        trained_with(store, many, registry, late, said.append)


def test_what_comes_late_steers_though_it_was_done_before_the_last_event(store, tmp_path):
    """An offline app's purchase is logged after training, of a day that the bundle has passed: it counts, and
    what the log held before does not count again."""
    recipe = replace(parse_recipe({"strategies": {"popular": {}}}, ""), placements=PLACEMENTS)
    registry = Registry(tmp_path / "registry")
    record(store, ("1", "purchase", "ann", "", "i3", 3))

    def work(dataset, check):
        return train(dataset, recipe, registry, print, judge=False, check=check)

    engine = Engine.of(trained_with(store, FILES, registry, work, print).bundle)
    assert engine.manifest.dataset["logged"] == 1
    record(store, ("2", "purchase", "ann", "", "i2", 4))
    asked = Request((Block("home"),), user_id="ann")
    live = Lately(store).live([asked.identity], 8 * DAY)
    assert live.did[asked.identity].item_ids == ("i3", "i2")
    before, after = (engine.asker(asked, one) for one in (Live(8 * DAY), live))
    assert after.doings.times.tolist() == [*before.doings.times.tolist(), 4 * DAY]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("moment", ["published", "current"])
def test_who_is_forgotten_while_it_is_published_is_in_no_bundle(store, tmp_path, monkeypatch, moment, first):
    """Once the bundle lies in its place, and even once it is current: it is taken back, and made anew."""
    registry = Registry(tmp_path / "registry")
    recipe = replace(parse_recipe({"strategies": {"popular": {}}}, ""), placements=PLACEMENTS)
    files = make_shop([("zoe-private", "i1", 5), ("bob", "i2", 6)])
    if not first:
        train(make_shop([("bob", "i2", 6)]), recipe, registry, print, judge=False)
    seen = []

    def forgetting(does, seen=seen):
        def done(*told):
            answer = does(*told)
            if not seen:
                seen.append(registry.current() if moment == "current" else registry.versions()[-1])
                forget(store, Tombstones(store.folder), [b"uzoe-private"], DAY)
            return answer

        return done

    whose, name = (Registry, "activate") if moment == "current" else (Draft, "publish")
    monkeypatch.setattr(whose, name, forgetting(getattr(whose, name)))

    def work(dataset, check):
        return train(dataset, recipe, registry, print, judge=False, check=check)

    published = trained_with(store, files, registry, work, print).bundle.manifest.version
    assert registry.current() == published != seen[0]
    assert seen[0] not in registry.versions()
    for file in registry.folder.rglob("*"):
        assert not file.is_file() or b"zoe-private" not in file.read_bytes()


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(60)))
def test_items_in_another_order_are_the_same_items(order):
    """Every column follows."""
    catalog = CATALOG
    moved = taken(catalog, np.array(order, np.int32))
    for new, old in enumerate(order):
        assert moved.title[new] == catalog.title[old]
        assert moved.category.text(new) == catalog.category.text(old)
        assert moved.tags.texts(new) == catalog.tags.texts(old)
        assert moved.price[new] == catalog.price[old]
        assert moved.attributes["brand"].text(new) == catalog.attributes["brand"].text(old)


def test_the_verb_trains_with_a_store(tmp_path):
    """Files and store by the command line; what was logged is in the bundle, and does not count again live."""
    data = tmp_path / "data"
    data.mkdir()
    rows = [f"u{n % 7},i{n % 5},2026-01-{1 + n % 20:02d}" for n in range(60)]
    (data / "events.csv").write_text("\n".join(["user_id,item_id,timestamp", *rows]))
    (tmp_path / "recipe.toml").write_text(
        'placements = "placements.toml"\n[strategies.popular]\n[evaluation]\nprobes = 2\n'
    )
    (tmp_path / "placements.toml").write_text('version = "1"\n[home]\nsources = [{ strategy = "popular" }]\n')
    when = 1_769_900_000  # 2026-01-31
    event = Event("e1", "purchase", "nova", "", "fresh", when)
    with closing(LmdbStore(tmp_path / "store", create=True, map_bytes=1 << 20)) as store:
        store.write(recording([event], when)).result()
    told = [
        "train",
        "--data",
        data,
        "--recipe",
        tmp_path / "recipe.toml",
        "--registry",
        tmp_path / "registry",
    ]
    verb = [*map(str, told), "--store", str(tmp_path / "store"), "--no-judge", "--json"]
    done = CliRunner().invoke(app, verb, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    engine = Engine.of(Registry(tmp_path / "registry").open())
    assert engine.items.row("fresh") >= 0
    assert engine.last_event == when
    ask = Request((Block("home"),), user_id="nova")
    with closing(LmdbStore(tmp_path / "store")) as store:
        live = Lately(store).live([ask.identity], when + 5)
    assert live.did[ask.identity].item_ids == ("fresh",)
    assert len(engine.asker(ask, live).doings.rows) == 1


def test_a_lone_word_of_the_log_is_a_purchase(store):
    """Where neither files nor log have a type that is known, the log's own is a purchase, by day an order;
    not beside one that is known, nor where the recipe weighs it."""
    bare = make_shop([], items=["i1", "i2"])
    record(store, ("1", "listen", "bob", "", "i1", 8), ("2", "listen", "bob", "", "i2", 8))
    found, dataset, _ = together(store, bare)
    assert found == [("bob", "i1", "purchase", 8), ("bob", "i2", "purchase", 8)]
    assert dataset.words == {"listen": "purchase"}
    assert dataset.events.visit.tolist() == [0, 0]
    with store.read() as reads:
        weighed, _ = logged(bare, reads, Tombstones(store.folder), ["listen"])
    assert (weighed.types[-1], weighed.words) == ("listen", {})
    found, dataset, _ = together(store)
    assert found[-1] == ("bob", "i2", "listen", 8)


def test_the_files_word_is_theirs_in_the_log_too(store):
    """What the files said in a word of their own goes on in that word, once."""
    files = replace(make_shop([("ann", "i1", 5)]), words={"listen": "purchase"})
    record(store, ("1", "listen", "ann", "", "i1", 5), ("2", "listen", "ann", "", "i1", 6))
    found, _, added = together(store, files)
    assert [one[2:] for one in found] == [("purchase", 5), ("purchase", 6)]
    assert (added.events, added.known) == (1, 1)
