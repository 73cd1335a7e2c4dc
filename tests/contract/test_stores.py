"""What every store of live state promises, whatever it is made of."""

from __future__ import annotations

import threading
from concurrent.futures import wait

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.errors import StoreError
from vitrina.state.lmdb_store import LmdbStore
from vitrina.state.store import after_prefix
from vitrina.state.tables import LOG, PROFILES, SEEN

STORES = {"lmdb": lambda folder: LmdbStore(folder, create=True, map_bytes=1 << 20)}
KEYS = st.binary(min_size=1, max_size=3)
CHANGES = st.lists(
    st.tuples(st.sampled_from(["put", "add", "delete", "append", "fail"]), KEYS, st.binary(max_size=5)),
    max_size=30,
)


@pytest.fixture(params=STORES)
def store(request, tmp_path):
    """An empty store."""
    made = STORES[request.param](tmp_path / "store")
    yield made
    made.close()


def wipe(transaction):
    """Empty two tables."""
    for table in (PROFILES, SEEN):
        for key, _ in list(transaction.scan(table)):
            transaction.delete(table, key)


@settings(max_examples=40, deadline=None)
@given(CHANGES, KEYS, KEYS)
def test_it_is_an_ordered_map(store_of_module, changes, low, high):
    """After any changes, gets and scans say what a dict would; what failed left no trace."""
    store = store_of_module
    store.write(wipe).result()
    futures = [store.write(doing(*one)) for one in changes]
    wait(futures)
    model = {}
    for (verb, key, value), future in zip(changes, futures, strict=True):
        if verb == "fail":
            assert isinstance(future.exception(), ZeroDivisionError)
        elif verb == "put":
            model[key] = value
        elif verb == "add":
            assert future.result() == (key not in model)
            model.setdefault(key, value)
        elif verb == "delete":
            assert future.result() == (model.pop(key, None) is not None)
    appended = [
        (one.result(), value)
        for one, (verb, _, value) in zip(futures, changes, strict=True)
        if verb == "append"
    ]
    ordered = sorted(model.items())
    inside = [pair for pair in ordered if low <= pair[0] < high]
    with store.read() as now:
        assert list(now.scan(PROFILES)) == ordered
        assert list(now.scan(PROFILES, low, high)) == inside
        assert list(now.scan(PROFILES, low, high, reverse=True)) == inside[::-1]
        assert list(now.scan(PROFILES, reverse=True)) == ordered[::-1]
        assert now.get(PROFILES, low) == model.get(low)
        before = now.last(LOG) - len(appended)
        assert now.feed(LOG, before, 1000) == appended


def doing(verb, key, value):
    """One change as a work."""

    def put(transaction):
        transaction.put(PROFILES, key, value)

    def fail(transaction):
        transaction.put(PROFILES, key, b"never")
        raise ZeroDivisionError

    return {
        "put": put,
        "fail": fail,
        "add": lambda transaction: transaction.add(PROFILES, key, value),
        "delete": lambda transaction: transaction.delete(PROFILES, key),
        "append": lambda transaction: transaction.append(LOG, value),
    }[verb]


@pytest.fixture(params=STORES, scope="module")
def store_of_module(request, tmp_path_factory):
    """One store for many examples."""
    made = STORES[request.param](tmp_path_factory.mktemp("stores") / "store")
    yield made
    made.close()


def test_a_prefix_is_a_range(store):
    """What starts with a prefix, and nothing else, lies between it and the first key after it."""
    keys = [b"a", b"a\x00", b"a\xff", b"a\xff\xff", b"b", b"\xff", b"\xff\xff"]
    store.write(lambda to: [to.put(SEEN, key, b"") for key in keys]).result()
    with store.read() as now:
        for prefix in (b"a", b"a\xff", b"\xff"):
            found = [key for key, _ in now.scan(SEEN, prefix, after_prefix(prefix))]
            assert found == sorted(key for key in keys if key.startswith(prefix))


def test_a_transaction_sees_what_it_did(store):
    """Reads inside a write see its own changes, and a read outside sees none of them before its end."""

    def work(transaction):
        transaction.put(SEEN, b"k", b"1")
        first = transaction.append(LOG, b"x")
        with store.read() as outside:
            hidden = outside.get(SEEN, b"k")
        return transaction.get(SEEN, b"k"), first, transaction.last(LOG), hidden

    assert store.write(work).result() == (b"1", 1, 1, None)


def test_a_snapshot_is_one_moment(store):
    """What is written while a reader reads is not seen by it."""
    store.write(lambda to: to.put(SEEN, b"k", b"old")).result()
    with store.read() as now:
        store.write(lambda to: to.put(SEEN, b"k", b"new")).result()
        assert now.get(SEEN, b"k") == b"old"
    with store.read() as now:
        assert now.get(SEEN, b"k") == b"new"


def test_a_sequence_number_is_never_used_twice(store):
    """Deleting the end of a feed does not give its numbers out again; a reader misses nothing."""
    first = [store.write(lambda to: to.append(LOG, b"x")).result() for _ in range(3)]
    store.write(lambda to: to.delete(LOG, (3).to_bytes(8, "big"))).result()
    assert [*first, store.write(lambda to: to.append(LOG, b"y")).result()] == [1, 2, 3, 4]
    with store.read() as now:
        assert now.feed(LOG, 1, 10) == [(2, b"x"), (4, b"y")]
        assert now.feed(LOG, 1, 1) == [(2, b"x")]


def test_many_writers_lose_nothing(store):
    """Threads that count up in one key each see every other's work."""

    def count(transaction):
        before = int(transaction.get(SEEN, b"n") or b"0")
        transaction.put(SEEN, b"n", b"%d" % (before + 1))

    def hurry():
        for future in [store.write(count) for _ in range(50)]:
            future.result()

    threads = [threading.Thread(target=hurry) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    with store.read() as now:
        assert now.get(SEEN, b"n") == b"200"


def test_what_waits_is_done_before_it_closes(tmp_path):
    """A write that was taken is done, and one after the close is refused in words."""
    for make in STORES.values():
        store = make(tmp_path / "closing")
        futures = [store.write(lambda to: to.append(LOG, b"x")) for _ in range(100)]
        store.close()
        assert [one.result() for one in futures] == list(range(1, 101))
        with pytest.raises(StoreError, match="closed"):
            store.write(lambda to: to.append(LOG, b"x")).result()


@pytest.mark.parametrize("name", STORES)
def test_a_backup_opens_and_a_compaction_keeps_everything(name, tmp_path):
    """Both hold what the store held; what was deleted is in no byte of the compacted one."""
    store = STORES[name](tmp_path / "store")
    secret = b"a customer who asked to be forgotten"
    store.write(lambda to: (to.put(SEEN, b"gone", 50 * secret), to.put(SEEN, b"kept", b"1"))).result()
    store.write(lambda to: to.append(LOG, b"x")).result()
    store.write(lambda to: to.delete(SEEN, b"gone")).result()
    store.backup(tmp_path / "backup")
    store.compact()
    assert store.write(lambda to: to.append(LOG, b"y")).result() == 2
    with store.read() as now:
        assert [now.get(SEEN, b"kept"), now.get(SEEN, b"gone"), now.last(LOG)] == [b"1", None, 2]
    store.close()
    copy = STORES[name](tmp_path / "backup")
    with copy.read() as then:
        assert [then.get(SEEN, b"kept"), then.last(LOG)] == [b"1", 1]
    copy.close()
    files = [one for one in tmp_path.rglob("*") if one.is_file()]
    assert [one for one in files if secret in one.read_bytes()] == []
    with pytest.raises(StoreError, match="exists already"):
        store.backup(tmp_path / "backup")
