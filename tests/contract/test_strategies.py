"""What every strategy keeps, and none asks to be let off.

The folder is listed, so a new file is tested from its first day. `ALSO` names further hyperparameters
worth the same trouble. Every shop here has photos' vectors and regions, so a strategy that needs more
than events finds it in the dataset; `furnished` is the place to add what a new one may need.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import numba
import numpy as np
import pytest
from numba.core.event import install_recorder

from shops import reasons
from vitrina import strategies
from vitrina.dataset import DAY, PURCHASE, RETURN, VIEW, Attribute, Catalog, Dataset, Events
from vitrina.ids import UNKNOWN, Ids
from vitrina.parts import Part, Parts
from vitrina.strategy import Allow, Candidates, Extendable, Query, Seeds, Source

FOLDER = Path(strategies.__file__).parent
ALSO: dict[str, list[dict[str, Any]]] = {
    "item_knn": [
        {"neighbours": 5, "weighting": "bm25", "seeds": 3, "half_life_days": 9.0, "seed_half_life_days": 5.0},
        {"weighting": "tfidf", "asymmetry": 0.2, "popularity": 0.4, "shrink": 2.0},
        {"weighting": "tversky", "ours": 0.3, "theirs": 1.0, "shrink": 1.0, "neighbours": 6},
    ],
    "als": [
        {
            "factors": 3,
            "exponent": 0.0,
            "regularization": 0.1,
            "power": 1.0,
            "seeds": 2,
            "half_life_days": 9.0,
        }
    ],
    "graph_filter": [
        {"order": 3, "alpha": 0.6, "power": 1.4, "smooth": 0.0, "walks": 6, "kept": 5},
        {"order": 2, "rank": 2, "half_life_days": 9.0},
    ],
    "buy_again": [{"timing": 0.0, "min_count": 2}, {"half_life_days": 0.0, "ahead_days": 3.0, "timing": 0.5}],
    "look_again": [{"often": 1.0, "half_life_days": 0.0, "return_power": 2.0}, {"half_life_days": 3.0}],
    "next_basket": [{"alpha": 0.0, "neighbours": 3, "takers": 4, "seeds": 2, "timing": 0.0}, {"alpha": 1.0}],
    "user_knn": [
        {"rarity": 1.0, "asymmetry": 0.2, "shrink": 2.0, "popularity": 0.3, "neighbours": 7},
        {"weighting": "bm25", "half_life_days": 9.0},
        {"weighting": "tversky", "ours": 0.5, "listed": 0, "dilution": 0.0},
    ],
    "popular": [{"by": "velocity"}, {"by": "newness"}, {"window_days": 7.0, "half_life_days": 0.0}],
    "image_similar": [{"projection": ["brand"], "duplicates": 0.5}],
    "content_similar": [
        {"title": "bm25", "attribute_weights": {"brand": 2.0}, "neighbours": 4, "exact_up_to": 9, "common": 7}
    ],
    "transaction_similar": [{"score": "lift", "complements": True, "members": 3, "neighbours": 5}],
    "markov": [
        {"order": 2, "support": 1, "customers": 0.5, "half_life_days": 9.0, "discount": 0.4, "neighbours": 9},
        {"visits": 0.0, "customers": 1.0, "fade": "linear", "seed_fade": "none", "confidence": 0.0},
    ],
    "decision_tree": [
        {
            "neighbours": 4,
            "level": 1,
            "price_bands": 2,
            "min_switches": 1,
            "min_hold": 0.0,
            "shuffles": 19,
            "false_alarms": 0.9,
        }
    ],
    "session_knn": [
        {"near": 5, "recent": 3, "longest": 4, "seeds": 2, "idf": 0.0, "length": 0.0, "age_days": 0.0}
    ],
}
NAMES = sorted(file.stem for file in FOLDER.glob("*.py") if not file.stem.startswith("_"))
CASES = [(name, json.dumps(params)) for name in NAMES for params in [{}, *ALSO.get(name, [])]]
TRAINER_ONLY = "scipy pandas pyarrow duckdb implicit mlxtend sklearn faiss onnx onnxruntime PIL matplotlib"


def furnished(dataset: Dataset, likeness: np.ndarray | None = None) -> Dataset:
    """The shop with all that a strategy may ask of one: photos' vectors, brands, regions.

    Vectors of items of one brand are alike; `likeness` names the brand of each item, or every third
    item shares one.
    """
    n, random = len(dataset.items), np.random.default_rng(8)
    brand = np.arange(n) % 3 if likeness is None else likeness
    centres = random.normal(size=(int(brand.max(initial=0)) + 1, 48))
    vectors = (centres[brand] + random.normal(size=(n, 48))).astype(np.float32)
    brands = Attribute.of([f"brand {one}" for one in brand])
    regions = Attribute.of([("north", "south", "")[one % 3] for one in range(len(dataset.users))])
    return replace(
        dataset,
        vectors=vectors,
        catalog=replace(dataset.catalog, attributes={"brand": brands}),
        people={"region": regions},
    )


def shop(user, item, *, visit=None, time=None, kind=None, users=None, items=None, timed=True) -> Dataset:
    """A shop of columns; what is not given is: every user and day one visit, a day an event, purchases."""
    n = len(item)
    user, item = np.asarray(user, np.int32), np.asarray(item, np.int32)
    time = np.arange(n) * DAY if time is None else np.sort(np.asarray(time, np.int64))
    if visit is None:
        visit = np.unique(np.stack([user, time // DAY]), axis=1, return_inverse=True)[1].reshape(-1)
    events = Events(
        user=user,
        item=item,
        visit=np.asarray(visit, np.int32),
        time=time,
        type=np.zeros(n, np.uint8) if kind is None else np.asarray(kind, np.uint8),
        quantity=np.ones(n, np.float32),
        price=np.full(n, np.nan, np.float32),
    )
    n_users = int(user.max(initial=-1)) + 1 if users is None else users
    n_items = int(item.max(initial=-1)) + 1 if items is None else items
    ids = [Ids.of(f"{one:05d}" for one in range(count)) for count in (n_users, n_items)]
    return furnished(Dataset(ids[0], ids[1], events, Catalog.bare(n_items), timed=timed))


def busy(seed: int, **columns: Any) -> Dataset:
    """Thirty customers and some strangers, forty items of falling fame, every event type, full baskets."""
    random, n = np.random.default_rng(seed), 900
    user = random.integers(0, 30, n).astype(np.int32)
    item = np.minimum(random.beta(0.8, 2.0, n) * 40, 39).astype(np.int32)
    day = 12 * np.sort(random.integers(0, 8, n))
    kind = random.choice(5, n, p=[0.55, 0.25, 0.1, 0.05, 0.05])
    visit = np.unique(np.stack([user, day]), axis=1, return_inverse=True)[1].reshape(-1)
    user = np.where(random.random(n) < 0.15, UNKNOWN, user)
    given = {"visit": visit, "time": day * DAY, "kind": kind, "users": 32, "items": 43}
    return shop(user, item, **{**given, **columns})


SHOPS: dict[str, Callable[[], Dataset]] = {
    "handmade": lambda: shop(
        [0, 0, 1, 1, 1, 2, 2, 0, 3], [0, 1, 0, 1, 2, 1, 2, 0, 3], time=np.arange(9) // 2 * DAY
    ),
    "busy": lambda: busy(1),
    "busier": lambda: busy(2),
    "without times": lambda: busy(3, timed=False, time=np.arange(900)),
    "without users": lambda: _nobody(busy(4)),
    "without visits": lambda: busy(5, visit=np.full(900, UNKNOWN)),
    "views only": lambda: busy(6, kind=np.full(900, VIEW)),
    "all sent back": lambda: shop([0, 0], [0, 0], kind=[PURCHASE, RETURN]),
    "one item": lambda: shop([0, 1, 1], [0, 0, 0]),
    "no events": lambda: shop([], [], users=3, items=5),
    "nothing at all": lambda: shop([], [], users=0, items=0),
}


def _nobody(dataset: Dataset) -> Dataset:
    events = replace(dataset.events, user=np.full(len(dataset.events), UNKNOWN, np.int32))
    return furnished(replace(dataset, users=Ids.of([]), events=events, people={}))


@cache
def dataset_of(name: str) -> Dataset:
    return SHOPS[name]()


@cache
def fitted(name: str, params: str, where: str) -> Parts:
    return made(name, params).fit(dataset_of(where))


def made(name: str, params: str) -> Any:
    return strategies.make(name, json.loads(params))


def askers(dataset: Dataset, seed: int = 0) -> Query:
    """Customers with their history, strangers with a few random seeds, some with none; all read-only."""
    random, events = np.random.default_rng(seed), dataset.events
    n_items, n_users = len(dataset.items), len(dataset.users)
    lists, users = [np.zeros(0, np.int64)], [UNKNOWN]
    for user in range(min(n_users, 6)):
        lists.append(np.flatnonzero(events.user == user))
        users.append(user)
    users, extra = [*users, UNKNOWN, UNKNOWN, *([0] if n_users else [])], min(n_items, 1)
    columns = [[column[one] for one in lists] for column in (events.item, events.type, events.time)]
    for count in [3 * extra, 12 * extra, *([0] if n_users else [])]:
        columns[0].append(random.integers(0, max(n_items, 1), count))
        columns[1].append(np.full(count, VIEW))
        columns[2].append(np.full(count, dataset.end + DAY))
    indptr = np.concatenate(([0], np.cumsum([len(one) for one in columns[0]])))
    joined = [np.concatenate(one) for one in columns]
    seeds = Seeds(indptr, joined[0].astype(np.int32), joined[1].astype(np.uint8), joined[2].astype(np.int64))
    regions = random.integers(-1, 2, len(users)).astype(np.int32)
    return frozen(Query(dataset.end + DAY, np.array(users, np.int32), regions, frozen(seeds)))


def allowed(dataset: Dataset, n: int, seed: int = 0) -> Allow:
    """Most items; and for each asker a few barred, some twice, in no order."""
    random, n_items = np.random.default_rng(seed), len(dataset.items)
    counts = random.integers(0, 5, n) * min(n_items, 1)
    rows = random.integers(0, max(n_items, 1), counts.sum()).astype(np.int32)
    return frozen(Allow(random.random(n_items) < 0.8, np.concatenate(([0], np.cumsum(counts))), rows))


def frozen(one: Any) -> Any:
    """The same dataclass; its arrays refuse to be written to."""
    for field in fields(one):
        value = getattr(one, field.name)
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    return one


def opened(name: str, params: str, where: str) -> Source:
    return made(name, params).open(fitted(name, params, where))


def extendable(name: str, params: str, where: str) -> Extendable:
    return cast(Extendable, opened(name, params, where))


def stored(parts: Parts, folder: Path) -> dict[str, Part]:
    """Parts written to .npy files and mapped again, read-only."""
    mapped: dict[str, Part] = {}
    for number, (name, part) in enumerate(parts.items()):
        if isinstance(part, bytes):
            mapped[name] = part
        else:
            np.save(folder / f"{number}.npy", part)
            mapped[name] = np.load(folder / f"{number}.npy", mmap_mode="r" if part.size else None)
    return mapped


def assert_same(one: Candidates, other: Candidates) -> None:
    for field in ("indptr", "rows", "scores"):
        np.testing.assert_array_equal(getattr(one, field), getattr(other, field))


def assert_same_parts(one: Parts, other: Parts) -> None:
    assert one.keys() == other.keys()
    for name, part in one.items():
        if isinstance(part, bytes):
            assert part == other[name]
        else:
            assert part.dtype == other[name].dtype, name
            np.testing.assert_array_equal(part, other[name], err_msg=name)


every_case = pytest.mark.parametrize(("name", "params"), CASES, ids=[f"{n} {p}" for n, p in CASES])
every_shop = pytest.mark.parametrize("where", SHOPS)
by_default = pytest.mark.parametrize("name", NAMES)


@every_case
def test_a_bundle_keeps_every_setting(name, params):
    """All hyperparameters are written down, as JSON has them, and make the same strategy again."""
    made = strategies.make(name, json.loads(params))
    kept = json.loads(json.dumps(strategies.settings(name, json.loads(params))))
    assert set(kept) == {one.name for one in fields(made)}
    assert strategies.make(name, kept) == made


def test_the_folder_is_what_recipes_may_name() -> None:
    """Every file but private ones, and each says whether it is personal."""
    assert strategies.names() == NAMES
    for name in NAMES:
        assert isinstance(import_module(f"vitrina.strategies.{name}").Strategy.personal, bool)


@every_case
@every_shop
def test_fit_is_deterministic(name: str, params: str, where: str) -> None:
    """The same parts again, and for any number of threads."""
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        assert_same_parts(fitted(name, params, where), made(name, params).fit(dataset_of(where)))
        numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
        assert_same_parts(fitted(name, params, where), made(name, params).fit(dataset_of(where)))
    finally:
        numba.set_num_threads(threads)


@every_case
@every_shop
def test_parts_are_numbers_or_bytes(name: str, params: str, where: str) -> None:
    """Nothing that needs unpickling; names that may be paths."""
    for key, part in fitted(name, params, where).items():
        assert all(step.replace("_", "a").isalnum() for step in key.split("/")), key
        assert isinstance(part, bytes) or part.dtype.kind in "biufS", key
        assert isinstance(part, bytes) or part.flags.forc, key


@every_case
@every_shop
def test_lists_are_lists(name: str, params: str, where: str) -> None:
    """Ragged, best first, finite, without repeats, of the items allowed, at most k."""
    dataset, query = dataset_of(where), askers(dataset_of(where))
    allow, n_items = allowed(dataset, len(query)), len(dataset.items)
    for k in (0, 1, 7, n_items + 10):
        found = opened(name, params, where).top(query, k, allow)
        assert (found.indptr.dtype, found.rows.dtype, found.scores.dtype) == (np.int64, np.int32, np.float32)
        assert (found.indptr[0], found.indptr[-1], len(found.scores)) == (0, len(found.rows), len(found.rows))
        assert np.isfinite(found.scores).all()
        for asker in range(len(query)):
            cut = slice(found.indptr[asker], found.indptr[asker + 1])
            rows, scores = found.rows[cut], found.scores[cut]
            assert len(rows) == len(set(rows.tolist())) <= k
            assert (np.diff(scores) <= 0).all()
            assert ((rows >= 0) & (rows < n_items)).all()
            assert allow.mask[rows].all()
            assert not set(rows.tolist()) & set(
                allow.rows[allow.indptr[asker] : allow.indptr[asker + 1]].tolist()
            )


@every_case
@every_shop
def test_a_short_list_begins_a_long_one(name: str, params: str, where: str) -> None:
    """The k best do not depend on k; a list is short only where the source knows no more."""
    dataset, query = dataset_of(where), askers(dataset_of(where))
    allow, source = allowed(dataset, len(query)), opened(name, params, where)
    whole = source.top(query, len(dataset.items), allow)
    for k in (1, 4):
        short = source.top(query, k, allow)
        for asker in range(len(query)):
            assert short.of(asker).tolist() == whole.of(asker)[:k].tolist()


@every_case
@every_shop
def test_a_batch_is_its_requests_one_by_one(name: str, params: str, where: str) -> None:
    """n askers at once get what each gets alone."""
    dataset, query = dataset_of(where), askers(dataset_of(where))
    allow, source = allowed(dataset, len(query)), opened(name, params, where)
    batch = source.top(query, 6, allow)
    for asker in range(len(query)):
        barred = allow.rows[allow.indptr[asker] : allow.indptr[asker + 1]]
        alone = source.top(query.one(asker), 6, Allow(allow.mask, np.array([0, len(barred)]), barred))
        cut = slice(batch.indptr[asker], batch.indptr[asker + 1])
        np.testing.assert_array_equal(batch.rows[cut], alone.rows)
        np.testing.assert_array_equal(batch.scores[cut], alone.scores)


@every_case
@every_shop
def test_disk_changes_nothing(name: str, params: str, where: str, tmp_path: Path) -> None:
    """Parts mapped read-only from .npy files answer as fresh ones do."""
    dataset, query = dataset_of(where), askers(dataset_of(where))
    parts = stored(fitted(name, params, where), tmp_path)
    allow, mapped = allowed(dataset, len(query)), made(name, params).open(parts)
    found = opened(name, params, where).top(query, 9, allow)
    assert_same(found, mapped.top(query, 9, allow))
    for asker in range(len(query)):
        alone = query.one(asker), found.of(asker)
        assert reasons(opened(name, params, where), *alone) == reasons(mapped, *alone)


@every_case
@every_shop
def test_reasons_are_the_askers_own(name: str, params: str, where: str) -> None:
    """One reason a row, alone as in a batch, and the seeds it names are the query's."""
    dataset, query = dataset_of(where), askers(dataset_of(where))
    source = opened(name, params, where)
    found = source.top(query, 9, Allow.all(len(dataset.items), len(query)))
    batch = source.why(query, found.indptr, found.rows)
    assert len(batch) == len(found.rows)
    for asker in range(len(query)):
        alone = query.one(asker)
        own = set(alone.seeds.rows.tolist())
        for at, why in enumerate(reasons(source, alone, found.of(asker)), start=found.indptr[asker]):
            assert set(why.seeds) <= own
            assert why.seeds == tuple(one for one in batch.seeds[at].tolist() if one >= 0)
            assert why.rule is None or why.rule == tuple(batch.figures[at])


@by_default
def test_strangers_with_nothing_are_no_error(name: str) -> None:
    """No user, no seeds; a user beyond the bundle's last; no askers at all."""
    dataset = dataset_of("busy")
    source, empty = opened(name, "{}", "busy"), np.zeros(0, np.int32)
    for users in ([UNKNOWN], []):
        n, none = len(users), np.zeros(0, np.int64)
        seeds = Seeds(np.zeros(n + 1, np.int64), empty, empty.astype(np.uint8), none)
        query = Query(dataset.end, np.array(users, np.int32), np.full(n, UNKNOWN, np.int32), seeds)
        found = source.top(query, 5, Allow.all(len(dataset.items), n))
        assert len(found.indptr) == n + 1
    assert list(reasons(source, askers(dataset).one(0), empty)) == []


@by_default
def test_nothing_compiles_while_serving(name: str, tmp_path: Path) -> None:
    """After one warm-up request no other compiles: other bundles, mapped parts, batches, reasons."""
    dataset, query = dataset_of("busy"), askers(dataset_of("busy"))
    allow = allowed(dataset, len(query))
    warm = opened(name, "{}", "busy")
    reasons(warm, query.one(2), warm.top(query.one(2), 3, Allow.all(len(dataset.items), 1)).rows)
    with install_recorder("numba:compile") as compiled:
        source = made(name, "{}").open(stored(fitted(name, "{}", "busier"), tmp_path))
        found = source.top(query, 10, allow)
        for asker in range(len(query)):
            reasons(source, query.one(asker), found.of(asker))
        source.why(query, found.indptr, found.rows)
        writeable = replace(query, seeds=replace(query.seeds, rows=query.seeds.rows.copy()))
        source.top(writeable, 10, replace(allow, mask=allow.mask.copy()))
    assert [event.data["dispatcher"] for _, event in compiled.buffer] == []


@pytest.mark.parametrize(
    "name", [one for one in NAMES if import_module(f"vitrina.strategies.{one}").Strategy.personal]
)
def test_who_likes_even_items_likes_the_even_one_left(name: str) -> None:
    """implicit's checkerboard: even customers took all even items but their own number, odd ones the odd;
    first of what a customer does not have must be the one withheld."""
    n = 50
    taken = (np.arange(n)[:, None] + np.arange(n)) % 2 == 0
    np.fill_diagonal(taken, False)
    user, item = np.nonzero(taken)
    dataset = furnished(shop(user, item, time=np.full(len(user), DAY)), np.arange(n) % 2)
    strategy = strategies.make(name, {})
    source = strategy.open(strategy.fit(dataset))
    indptr = np.concatenate(([0], np.cumsum(taken.sum(axis=1))))
    seeds = Seeds(indptr, item.astype(np.int32), np.zeros(len(item), np.uint8), np.full(len(item), DAY))
    query = Query(2 * DAY, np.arange(n, dtype=np.int32), np.full(n, UNKNOWN, np.int32), seeds)
    found = source.top(query, 3, Allow(np.ones(n, np.bool_), indptr, seeds.rows))
    assert [found.of(asker)[0] for asker in range(n)] == list(range(n))


@every_shop
def test_buying_again_brings_nothing_new(where: str) -> None:
    """What a customer buys again is what they bought: every list is made of purchases among the seeds."""
    dataset, query = dataset_of(where), askers(dataset_of(where))
    found = opened("buy_again", "{}", where).top(query, 50, Allow.all(len(dataset.items), len(query)))
    for asker in range(len(query)):
        seeds = query.one(asker).seeds
        assert set(found.of(asker).tolist()) <= set(seeds.rows[seeds.types == PURCHASE].tolist())


TAKE_MORE = ("content_similar", "decision_tree", "image_similar", "transaction_similar")
THEMSELVES = ("look_again",)
"""What takes new ones as what is listed where it was a seed."""
EXTENDABLE = [(name, params) for name, params in CASES if name in (*TAKE_MORE, *THEMSELVES)]
every_extendable = pytest.mark.parametrize(
    ("name", "params"), EXTENDABLE, ids=[f"{n} {p}" for n, p in EXTENDABLE]
)


def longer(dataset: Dataset, more: int) -> tuple[Catalog, np.ndarray]:
    """The catalogue and the photos' vectors with more items: each is what some trained item is."""
    n = len(dataset.items)
    random, brand = np.random.default_rng(3), dataset.catalog.attributes["brand"]
    model = np.arange(more) % max(n, 1)
    names = [brand.text(row) for row in range(n)]
    names += [names[row] if n else "brand 0" for row in model.tolist()]
    assert dataset.vectors is not None
    new = dataset.vectors[model] if n else np.ones((more, dataset.vectors.shape[1]), np.float32)
    new = new + random.normal(size=new.shape).astype(np.float32)
    catalog = replace(Catalog.bare(n + more), attributes={"brand": Attribute.of(names)})
    return catalog, np.concatenate([dataset.vectors, new]).astype(np.float32)


def test_who_extends() -> None:
    """What asks no event of an item takes new ones, and nothing else says that it does."""
    able = {name for name in NAMES if hasattr(opened(name, "{}", "busy"), "extended")}
    assert able == {*TAKE_MORE, *THEMSELVES}


@every_extendable
@every_shop
def test_added_items_are_seen_and_old_ones_stay(name: str, params: str, where: str) -> None:
    """Lists over all rows keep every promise of lists; adding nothing changes nothing; where the old mask
    stands, old seeds have their old lists."""
    dataset = dataset_of(where)
    query, n, source = askers(dataset), len(dataset.items), extendable(name, params, where)
    catalog, vectors = longer(dataset, 6)
    grown = source.extended(catalog, vectors)
    same = source.extended(longer(dataset, 0)[0], vectors[:n])
    assert_same(
        same.top(query, 9, allowed(dataset, len(query))), source.top(query, 9, allowed(dataset, len(query)))
    )
    everything = Allow.all(n + 6, len(query))
    whole = grown.top(query, n + 6, everything)
    assert ((whole.rows >= 0) & (whole.rows < n + 6)).all()
    short = grown.top(query, 3, everything)
    for asker in range(len(query)):
        rows = whole.of(asker)
        assert len(set(rows.tolist())) == len(rows)
        assert short.of(asker).tolist() == rows[:3].tolist()
        assert len(reasons(grown, query.one(asker), rows)) == len(rows)


@pytest.mark.parametrize("name", TAKE_MORE)
def test_added_items_answer_and_are_listed(name: str) -> None:
    """In a busy shop an added item of a known brand has a list, which may hold another added one, and
    stands in the list of an old one."""
    dataset = dataset_of("busy")
    n, more = len(dataset.items), 6
    grown = extendable(name, "{}", "busy").extended(*longer(dataset, more))
    rows = np.arange(n + more, dtype=np.int32)
    seeds = Seeds(
        np.arange(n + more + 1), rows, np.full(n + more, VIEW, np.uint8), np.zeros(n + more, np.int64)
    )
    nobody = np.full(n + more, UNKNOWN, np.int32)
    found = grown.top(Query(0, nobody, nobody, seeds), n + more, Allow.all(n + more, n + more))
    answered = [one for one in range(n, n + more) if len(found.of(one))]
    assert len(answered) >= more // 2
    assert any((found.of(one) >= n).any() for one in range(n))


SERVING = """
import json, sys
from pathlib import Path

away = set(sys.argv[3].split())

class Away:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in away:
            raise ModuleNotFoundError(f"{name} is not in the server's install", name=name)

sys.meta_path.insert(0, Away())
import numpy as np
from vitrina import strategies
from vitrina.strategy import Allow, Query, Seeds
for name, keys in json.loads(sys.argv[1]).items():
    folder = Path(sys.argv[2]) / name
    parts = {key: np.load(folder / f"{at}.npy", mmap_mode="r") for at, key in enumerate(keys)}
    source = strategies.make(name, {}).open(parts)
    some = np.arange(20)
    seeds = Seeds(np.array([0, 20]), some.astype(np.int32), (some % 2).astype(np.uint8), some)
    query = Query(99, np.array([0], np.int32), np.array([-1], np.int32), seeds)
    found = source.top(query, 5, Allow.all(43, 1))
    source.why(query, found.indptr, found.rows)
    assert len(found.rows), f"{name} has nothing to say"
print(sorted({one.split(".")[0] for one in sys.modules} & away))
"""


def test_answering_needs_no_trainer_library(tmp_path: Path) -> None:
    """Every strategy opens and answers in a process that has none of the trainer's libraries."""
    keys = {}
    for name in NAMES:
        (tmp_path / name).mkdir()
        parts = fitted(name, "{}", "busy")
        assert not any(isinstance(part, bytes) for part in parts.values())
        stored(parts, tmp_path / name)
        keys[name] = list(parts)
    command = [sys.executable, "-c", SERVING, json.dumps(keys), str(tmp_path), TRAINER_ONLY]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
