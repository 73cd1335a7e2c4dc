"""What is said of a table: nobody is called better by chance, and bestsellers are not called another's."""

from __future__ import annotations

import pytest

from vitrina.bootstrap import Estimate
from vitrina.scoreboard import BLEND, HEADLINE, Row
from vitrina.verdict import by_customer, filled_up, verdict


def row(system, ndcg, gain=None, askers=400, filled=0.0, bucket="all", clusters=None):
    """A system's row; `gain`: the blend's over it, with the half of its interval."""
    ahead = None if gain is None else Estimate(gain[0], gain[0] - gain[1], gain[0] + gain[1], askers)
    metrics = {
        HEADLINE: Estimate(ndcg, ndcg, ndcg, askers),
        "fallback": Estimate(filled, filled, filled, askers),
    }
    return Row(system, "home", bucket, askers, clusters or askers, metrics, 0.1, 0.5, ahead)


def table(best, others=17, **options):
    """The blend, its best rival and others far behind."""
    far = [row(f"s{number}", 0.1, (0.1, 0.01)) for number in range(others)]
    return [row(BLEND, 0.2, **options), row("item_knn", 0.21, best, **options), *far]


@pytest.mark.parametrize(
    ("gain", "others", "said"),
    [
        ((0.01, 0.005), 17, "The blend is better than every system alone; the next is item_knn."),
        ((-0.01, 0.012), 17, "The blend and item_knn alone cannot be told apart on these askers."),
        (
            (-0.01, 0.007),
            0,
            "item_knn alone is better than the blend: give it more weight in this placement.",
        ),
        ((-0.01, 0.007), 17, "The blend and item_knn alone cannot be told apart on these askers."),
        (
            (-0.01, 0.006),
            17,
            "item_knn alone is better than the blend: give it more weight in this placement.",
        ),
    ],
)
def test_the_best_of_many_must_be_ahead_by_more(gain, others, said):
    """Of eighteen that are level with the blend the best is often ahead by two standard errors."""
    assert verdict(table(gain, others)) == said


def test_better_than_every_one_is_said_of_every_one():
    """The best alone may vary with the blend and be surely behind, while another, a hair below it, does not."""
    rows = [row(BLEND, 0.2), row("near", 0.19, (0.01, 0.001)), row("other", 0.189, (0.011, 0.03))]
    said = "The blend is better than near, the best alone, but it and other alone cannot be told apart"
    assert verdict(rows) == f"{said} on these askers."
    ahead = [row(BLEND, 0.2), row("wide", 0.22, (-0.02, 0.1)), row("sure", 0.21, (-0.01, 0.001))]
    assert verdict(ahead).startswith("sure alone is better than the blend")


def test_who_is_left_out_is_not_called_worse():
    """Of a rival that was filled up nothing is claimed."""
    rows = [row(BLEND, 0.2), row("near", 0.19, (0.01, 0.001)), row("filled", 0.3, (-0.1, 0.01), filled=1.0)]
    assert verdict(rows) == "The blend is better than every system that fills its lists; the next is near."


def test_bestsellers_under_another_s_name_are_no_rival():
    """A source that learned nothing and was filled up is as good as they are, and is not named for it."""
    rows = [row(BLEND, 0.2), row("buy_again", 0.2, (0.0, 0.01), filled=1.0), row("popular", 0.2, (0.0, 0.01))]
    assert verdict(rows) == "The blend and popular alone cannot be told apart on these askers."


def test_of_few_askers_nothing_is_said():
    """Twelve say nothing, whatever their interval; nor do seventy steps of one visit."""
    few = "Too few customers or visits were asked to tell who is ahead"
    assert verdict(table((-0.3, 0.01), askers=12)) == f"{few}: 12, of 50 that are needed."
    assert verdict(table((-0.3, 0.01), askers=70, clusters=1)) == f"{few}: 1, of 50 that are needed."
    assert verdict([row(BLEND, 0.2)]) == ""


def test_who_learned_too_little_is_named():
    """Lists that a fallback filled up are its own; a stored bundle and the blend answer for themselves."""
    rows = [row(BLEND, 0.2, filled=1.0), row("bundle 2026", 0.1, (0.1, 0.01), filled=1.0)]
    rows += [row("b", 0.1, (0.1, 0.01), filled=1.0), row("a", 0.1, (0.1, 0.01), filled=0.999)]
    assert filled_up([*rows, row("c", 0.1, (0.1, 0.01), filled=0.9)]).startswith(
        "Hardly a list of a, b had ten"
    )
    assert filled_up(rows[:2]) == ""


def test_the_best_for_some_customers_fills_lists_itself():
    """Beside each kind of customers stands who knows them: not bestsellers under another's name, and nobody
    where nobody has a hit."""
    rows = []
    for bucket, score in (("cold", 0.0), ("heavy", 0.3)):
        rows += [row(BLEND, 0.2, bucket=bucket), row("filled", 0.4, (0.1, 0.1), filled=1.0, bucket=bucket)]
        rows += [row("item_knn", score, (0.1, 0.1), bucket=bucket)]
    assert [(own.bucket, rival and rival.system) for own, rival in by_customer(rows)] == [
        ("cold", None),
        ("heavy", "item_knn"),
    ]
