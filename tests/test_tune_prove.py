"""Blends are judged by askers they were not weighed for, and no setting takes the time of all others."""

from __future__ import annotations

import signal
import threading
import time

import numba
import numpy as np
import pytest
from numba.core.event import Listener, install_listener
from test_tune import PLACEMENTS, recipe, shop

from vitrina import strategies
from vitrina.errors import SourceFailed
from vitrina.metrics import Truth
from vitrina.recipe import Plan
from vitrina.strategy import Candidates
from vitrina.tune.bench import Bench
from vitrina.tune.families import families
from vitrina.tune.journal import Journal, Trial
from vitrina.tune.limit import TooLong, until_then, without_compiling
from vitrina.tune.prove import FOLDS, better, by_fold, crossed, fairly, folds
from vitrina.tune.search import Search
from vitrina.tune.spaces import ASKED, SPACES
from vitrina.weights import Table, best

N, ITEMS = 400, 60


def lists(hits: float, seed: int) -> Candidates:
    """Ten items an asker, in no order; by a chance of `hits` the asker's own item, 0, stands first."""
    random = np.random.default_rng(seed)
    rows = np.stack([1 + random.permutation(ITEMS - 1)[:10] for _ in range(N)])
    rows[random.random(N) < hits, 0] = 0
    return Candidates(
        np.arange(0, 10 * N + 1, 10), rows.ravel().astype(np.int32), np.tile(np.linspace(1, 0.1, 10), N).astype(np.float32)
    )  # fmt: skip


TRUTH = Truth(np.arange(N + 1), np.zeros(N, np.int32), np.ones(N), np.zeros(N, np.bool_))
PRODUCT, EACH = np.arange(ITEMS, dtype=np.int32), np.arange(N)


def judged(sources, clusters=EACH, enough=lambda: False):
    """What weights searched for others are worth."""
    return crossed(sources, TRUTH, PRODUCT, clusters, 7, enough)


def test_weights_flatter_those_they_were_searched_for():
    """Of sources that list the same by chance alone, searched weights find more than they are worth to others."""
    sources = [lists(0.05, seed) for seed in range(8)]
    table = Table.of(sources, TRUTH, PRODUCT)
    found = best(table, 8, EACH)
    assert found.ndcg > np.nanmean(judged(sources)) + 0.002
    assert not np.isnan(judged(sources)).any()


def test_without_time_fewer_are_judged_and_none_by_weights_cut_short():
    """A blend of many sources would look worse than it is, and the recipe's own stay: a fold judges as ever."""
    sources = [lists(0.1 * seed, seed) for seed in range(6)]
    whole, short = judged(sources), judged(sources, enough=lambda: True)
    few = ~np.isnan(short)
    assert few.sum() == N // FOLDS
    np.testing.assert_array_equal(short[few], whole[few])
    assert better(short, judged(sources[:2]), EACH)


def test_what_is_surely_better_is_found_so():
    """A source that hits twice as often is ahead of another with any number of poor ones beside it."""
    good, poor = lists(0.6, 50), [lists(0.3, seed) for seed in range(4)]
    assert better(judged([good, *poor]), judged(poor), EACH)
    assert not better(judged(poor), judged([good, *poor]), EACH)


def picked(many):
    """What the best of these is to askers it was not picked for."""
    fold = folds(EACH, 7)
    return fairly(np.array([by_fold(one, fold) for one in many]))


def test_the_best_of_many_flatters_those_it_was_picked_for():
    """Of three hundred settings that differ by chance alone the best looks better than any is; fairly judged
    it is as good as they all are."""
    random = np.random.default_rng(2)
    drawn = [random.random((300, N)) for _ in range(20)]
    assert min(many.mean(axis=1).max() for many in drawn) > 0.525
    assert 0.49 < np.mean([picked(many) for many in drawn]) < 0.51


def test_what_is_better_is_picked_for_everybody():
    """A setting that is better by more than chance is the pick of every fold; nobody, NaN, stays so."""
    random = np.random.default_rng(3)
    many = random.random((20, N))
    many[13] += 0.5
    many[:, 5] = np.nan
    assert picked(many) == pytest.approx(np.nanmean(many[13]))
    assert picked(many[13:14]) == pytest.approx(np.nanmean(many[13]))


@pytest.mark.parametrize("name", [one for one in sorted(SPACES) if ASKED & SPACES[one].keys()])
def test_one_fit_serves_what_matters_when_asked(name):
    """Lists asked of a fit that was there are those of a fit of their own."""
    settings = {"seeds": 3, "seed_half_life_days": 9.0, "seed_power": 0.1}
    first, second = Plan(name, {}), Plan(name, {one: settings[one] for one in ASKED & SPACES[name].keys()})
    seeds = {"home": "history", "cart": "context"}
    kept, anew = (Bench.of(shop(users=30), recipe(), PLACEMENTS, 7) for _ in range(2))
    kept.lists(first, seeds)
    assert kept.fits(second)
    assert not anew.fits(second)
    for placement, asked in kept.lists(second, seeds).items():
        other = anew.lists(second, seeds)[placement]
        np.testing.assert_array_equal(asked.rows, other.rows)
        np.testing.assert_array_equal(asked.scores, other.scores)


def test_a_setting_is_answered_as_on_a_fresh_bench():
    """Whatever was tried before it: what an earlier source made of a question is not another's, even where that
    lies at the address of one that is gone."""
    used = Bench.of(shop(users=30), recipe(), PLACEMENTS, 7)
    for days in (3.0, 30.0, 300.0, 10.0, 100.0, 1000.0):
        plan = Plan("buy_again", {"half_life_days": days, "min_count": 1})
        fresh = Bench.of(shop(users=30), recipe(), PLACEMENTS, 7)
        seeds = dict.fromkeys(used.placements, "history")
        for name, one in used.lists(plan, seeds).items():
            other = fresh.lists(plan, seeds)[name]
            assert np.array_equal(one.rows, other.rows)
            assert np.array_equal(one.scores, other.scores)


def test_another_fit_is_another():
    """What a strategy learns by is no matter of asking."""
    bench = Bench.of(shop(users=30), recipe(), PLACEMENTS, 7)
    bench.lists(Plan("item_knn", {}), {"home": "history", "cart": "context"})
    assert not bench.fits(Plan("item_knn", {"neighbours": 7}))


def test_what_takes_too_long_is_given_up():
    """The clock rings inside the block, once, and nowhere after it; a clock that ran before runs on."""
    heard = []
    before = signal.signal(signal.SIGPROF, lambda *_: heard.append(1))
    running = signal.setitimer(signal.ITIMER_PROF, 500.0)
    try:
        with pytest.raises(TooLong), within(0.02):
            work(60.0)
        with until_then(FAR, time.process_time):
            pass
        assert 400 < signal.getitimer(signal.ITIMER_PROF)[0] < 501
        assert not heard
    finally:
        signal.setitimer(signal.ITIMER_PROF, *running)
        signal.signal(signal.SIGPROF, before)


FAR = 1e9


def within(seconds):
    """A limit of so many seconds of the processors'."""
    return until_then(time.process_time() + seconds, time.process_time)


def work(seconds):
    """Keep a processor busy for so long."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_elsewhere_there_is_no_limit():
    """Signals come to the main thread alone; others go on."""
    done = []

    def unheard():
        with within(0.001):
            work(0.05)
            done.append(1)

    thread = threading.Thread(target=unheard)
    thread.start()
    thread.join()
    assert done


def asked(deed):
    """A deed as an engine's source: its failures bear a name."""
    try:
        deed()
    except Exception as fault:
        raise SourceFailed("ease", fault) from fault


def kernel():
    """Fails as a compiled kernel does that is called just as Ctrl-C comes."""
    raise SystemError("an exception set") from KeyboardInterrupt()


def test_what_fails_because_the_time_is_up_is_too_long():
    """Whatever a source makes of it."""
    with pytest.raises(TooLong), within(0.02):
        asked(lambda: work(60.0))


def test_ctrl_c_within_a_kernel_is_ctrl_c():
    """Whatever the kernel and its caller made of it; any other failure stays what it is."""
    with pytest.raises(KeyboardInterrupt), until_then(FAR, time.process_time):
        asked(kernel)
    with pytest.raises(SourceFailed), until_then(FAR, time.process_time):
        asked(lambda: 1 / 0)


class Looks(Listener):
    """Looks at a clock whenever something was compiled, of which some is for another."""

    def __init__(self, looks, clock):
        self.looks, self.clock = looks, clock

    def on_start(self, event):
        self.looks.append(self.clock())

    def on_end(self, event):
        self.looks.append(self.clock())


def test_compiling_takes_no_time():
    """The clock stands still while a kernel is compiled, and what it calls with it, and goes on after."""

    @numba.njit
    def inner(number):
        return number + 1

    @numba.njit
    def outer(number):
        return sum([inner(number) for _ in range(3)])

    looks = []
    with (
        without_compiling(time.process_time) as clock,
        install_listener("numba:compile", Looks(looks, clock)),
    ):
        began, before = time.process_time(), clock()
        outer(1), outer(1.0)
        took, apart = time.process_time() - began, clock() - before
        assert 0 <= apart < 0.3 * took
        assert len(looks) >= 4
        assert max(looks) - before < 0.3 * took
        work(0.05)
        assert clock() - before >= apart + 0.05


def searching(file):
    """A search of a small shop, and its families."""
    bench = Bench.of(shop(users=30), recipe(), PLACEMENTS, 7)
    known = {one.name: one for one in families(recipe(), bench.placements, shop(users=30))}
    return Search(bench, known, Journal.open(file, {}), 7), known


@pytest.mark.parametrize(
    ("share", "tried"),
    [(0.3, {"als", "graph_filter", "item_knn"}), (0.6, {"graph_filter", "item_knn"}), (0.8, set())],
)
def test_settings_that_won_elsewhere_are_tried_while_there_is_time(tmp_path, monkeypatch, share, tried):
    """Of all families that are not hopeless, then of those near the best, however long they take, then none."""
    search, known = searching(tmp_path / "j")
    for name, score in {"item_knn": 0.10, "graph_filter": 0.09, "als": 0.05}.items():
        plan = next(iter(known[name].starts.values()))
        search._note(Trial(name, plan.params, dict.fromkeys(search.bench.placements, score), 5.0), None)
    seen = set()
    monkeypatch.setattr(Search, "_share", lambda self: share)
    monkeypatch.setattr(Search, "_unmeasured", lambda self: [])
    monkeypatch.setattr(Search, "_next", lambda self, share, left: None)
    monkeypatch.setattr(Search, "_try", lambda self, family, plan: seen.add(family.name))
    search.run(np.inf, lambda search, share: None)
    assert seen == tried


def test_a_family_that_takes_too_long_is_not_tried_again(tmp_path, monkeypatch):
    """It scores nothing, and the search goes on with others."""
    search, known = searching(tmp_path / "j")
    monkeypatch.setattr(Search, "_longest", lambda self, family: 0.05 if family.name == "als" else 60.0)
    monkeypatch.setattr(type(strategies.make("als", {})), "fit", lambda self, dataset: work(60.0))
    trial = search._try(known["als"], known["als"].starts["als"])
    assert set(trial.scores.values()) == {0.0}
    assert 0.05 <= trial.seconds < 5
    assert search._next(0.5, 100.0) is None
    assert not search._leads("als")
    search._try(known["item_knn"], known["item_knn"].starts["item_knn"])
    assert search._next(0.5, 100.0)[0] == "item_knn"


def test_what_was_given_up_is_tried_anew_where_it_may_take_much_longer(tmp_path, monkeypatch):
    """A search that goes on with more time has its families all; one with the same time does not lose it
    again."""
    search, known = searching(tmp_path / "j")
    monkeypatch.setattr(Search, "_longest", lambda self, family: 0.05 if family.name == "als" else np.inf)
    monkeypatch.setattr(type(strategies.make("als", {})), "fit", lambda self, dataset: work(60.0))
    given_up = search._try(known["als"], known["als"].starts["als"])
    judged = search._try(known["item_knn"], known["item_knn"].starts["item_knn"])
    assert given_up.given_up == 0.05
    for longest, remembered in ((0.05, 2), (0.09, 2), (0.1, 1)):
        monkeypatch.setattr(Search, "_longest", lambda self, family, longest=longest: longest)
        later, _ = searching(tmp_path / "j")
        later._remember(later.journal.trials)
        assert len(later.trials) == remembered
        assert judged in later.trials


@pytest.mark.parametrize(("budget", "longest"), [(30.0, 15.0), (100.0, 40.0), (1000.0, 200.0)])
def test_no_setting_may_take_more_than_there_is(budget, longest, tmp_path):
    """A share of the time, of a short one half of what is left; a family that the recipe names takes what it must."""
    search, known = searching(tmp_path / "j")
    search.until, search.clock = budget, lambda: 0.0
    assert not known["als"].named
    assert search._longest(known["als"]) == longest
    assert known["item_knn"].named
    assert search._longest(known["item_knn"]) > 1e5
