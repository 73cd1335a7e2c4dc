"""Which families a blend is weighed from, and how long its weights are searched."""

from __future__ import annotations

import time
from dataclasses import replace
from importlib import import_module
from itertools import pairwise

import numpy as np
import pytest
from test_tune import PLACEMENTS, recipe, shop, untimed

from vitrina.tune.bench import Bench
from vitrina.tune.families import families
from vitrina.tune.journal import Journal
from vitrina.tune.search import Search
from vitrina.weights import best

choose = import_module("vitrina.tune.choose")  # the package has a function of that name


def searched(dataset, folder):
    """A search that tried every family once, as it comes."""
    bench = Bench.of(dataset, recipe(), PLACEMENTS, 7)
    known = {one.name: one for one in families(recipe(), bench.placements, dataset)}
    found = Search(bench, known, Journal.open(folder / "journal", {}), 7)
    for family in known.values():
        for plan in family.starts.values():
            found._try(family, plan)
    return found


@pytest.fixture(scope="module")
def tried(tmp_path_factory):
    """Of a shop without times."""
    return searched(untimed(shop()), tmp_path_factory.mktemp("tried"))


def test_a_search_that_goes_on_believes_what_it_did(tmp_path):
    """What the best of many settings flatters is in the journal: to go on is no proof of it."""
    first = searched(shop(), tmp_path)
    family = first.families["item_knn"]
    for neighbours in range(1, 30):
        first._try(
            family, replace(family.starts["item_knn"], params={"neighbours": neighbours, "shrink": 5.0})
        )
    goes_on = Search(first.bench, first.families, Journal.open(tmp_path / "journal", {}), 7)
    goes_on._remember(goes_on.journal.trials)
    for placement in first.bench.placements:
        own, again = (choose._setting(one, family, placement, ()) for one in (first, goes_on))
        assert own == again
        whole = np.nanmean(first.alone(family, own[0], placement))
        assert own[1] == 0.0 or own[1] == pytest.approx(whole - first.fairly(family, placement))
    assert any(
        first.fairly(family, one) < first.best["item_knn", one].scores[one] for one in first.bench.placements
    )


def weighed(found, placement, most, monkeypatch):
    """Families that are weighed in a placement when so many lead."""
    monkeypatch.setattr(choose, "SOURCES", most)
    return [one.family.name for one in choose._tuned(found, placement, {})]


def test_what_lists_the_same_is_weighed_once(tmp_path, monkeypatch):
    """Without times and orders nothing rises and nothing is new: bestsellers under three names take one place."""
    shown = untimed(shop())
    nowhere = np.full(len(shown.events), -1, np.int32)
    tried = searched(replace(shown, events=replace(shown.events, visit=nowhere)), tmp_path)
    names = weighed(tried, "home", 99, monkeypatch)
    alike = {"popular", "trending", "new_arrivals"} & tried.families.keys()
    assert len(alike) > 1
    assert len(alike.intersection(names)) == 1
    worth = [tried.alone(one.family, one.plan, "home") for one in choose._tuned(tried, "home", {})]
    assert not any(np.array_equal(*pair, equal_nan=True) for pair in pairwise(worth))


def test_what_a_placement_mixes_is_weighed_beside_the_best(tried, monkeypatch):
    """Alone it may be poor, and know what the best do not."""
    ranked = [name for name, score in tried.ranked("home") if score > 0]
    mixed = {"item_knn", "popular"}
    assert not mixed & {ranked[0]}
    assert set(weighed(tried, "home", 1, monkeypatch)) == {ranked[0]} | mixed.intersection(ranked)


def test_weights_are_searched_to_the_end_unless_interrupted(tried):
    """Without any time left they are those that training would find; after Ctrl-C the first that are at hand."""
    parts = choose._tuned(tried, "home", {})
    table = tried.bench.table("home", choose._lists(tried, "home", parts))
    whole = choose._weighed(tried, "home", parts, 0.0).found
    clusters = tried.bench.clusters["home"]
    first = best(table, len(parts), clusters, lambda: False)
    assert whole == best(table, len(parts), clusters) != first
    ended = replace(tried, interrupted=True, clock=time.perf_counter)
    assert choose._weighed(ended, "home", parts, 0.0).found == first


@pytest.mark.parametrize("strikes", [1, 2])
def test_ctrl_c_while_weighing_weighs_the_rest_in_short(tried, strikes, monkeypatch):
    """Once: what was found is not lost for what was not weighed yet; twice: that stays as it is."""
    said, called, usual = [], [], choose._blended

    def struck(found, placement, *given, **options):
        called.append(placement.name)
        if 1 < len(called) <= 1 + strikes:
            raise KeyboardInterrupt
        return usual(found, placement, *given, **options)

    monkeypatch.setattr(choose, "_blended", struck)
    search = replace(tried, clock=time.perf_counter)
    made = choose.choose(search, weigh=False, until=time.perf_counter() + 5, say=said.append)
    assert search.interrupted
    assert said[1] == "interrupted: weighing in short what is not weighed yet"
    if strikes == 1:
        assert made.keys() == tried.bench.placements.keys()
        assert called.count(called[0]) == 1
    else:
        assert list(made) == called[:1]
        left = sorted(tried.bench.placements.keys() - made.keys())
        assert said[-1] == f"interrupted: {', '.join(left)} stay as they are"


def test_without_time_a_part_of_the_askers_proves_a_blend_and_by_whole_searches(tried):
    """Cut short, weights of others would make many sources look worse than they are; after Ctrl-C they are cut."""
    parts = choose._tuned(tried, "home", {})
    whole, short = (choose._weighed(tried, "home", parts, seconds).values for seconds in (1e6, 0.0))
    few, all_of_them = ~np.isnan(short), ~np.isnan(whole)
    assert 0 < few.sum() < all_of_them.sum() / 2
    np.testing.assert_array_equal(short[few], whole[few])
    ended = replace(tried, interrupted=True, clock=time.perf_counter)
    cut = choose._weighed(ended, "home", parts, 0.0).values
    assert not np.array_equal(cut[few], whole[few], equal_nan=True)


def test_what_is_reported_is_of_those_whom_both_blends_were_judged_by(tried):
    """Without time a quarter of them: how many, and the means of both over the same."""
    own = choose._own(tried, PLACEMENTS.named("home"), print)
    parts = choose._tuned(tried, "home", {})
    made = choose._blended(tried, PLACEMENTS.named("home"), own, parts, weigh=True, half=0.0)
    before = choose._weighed(tried, "home", own, 0.0).values
    assert made.askers == (~np.isnan(before)).sum() < len(before) / 2
    assert made.before == pytest.approx(np.nanmean(before))


def test_what_weights_owe_to_their_search_is_told(tried):
    """Those they were searched for find them better than others do; a blend that is written owes nothing."""
    parts = choose._tuned(tried, "home", {})
    made = choose._weighed(tried, "home", parts, 1e6)
    table = tried.bench.table("home", choose._lists(tried, "home", parts))
    seems = table.ndcg(made.found.weights, made.found.blend)
    assert made.flatters == pytest.approx(np.nanmean(seems - made.values))
    assert made.flatters > 0
    assert choose._weighed(tried, "home", parts, 1e6, made.found).flatters == 0
    own = choose._own(tried, PLACEMENTS.named("home"), print)
    assert choose._blended(tried, PLACEMENTS.named("home"), own, parts, weigh=True, half=1e6).flatters > 0
