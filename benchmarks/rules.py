"""Association rules between two items: ours beside mlxtend's, at equal support, with equal numbers.

    python benchmarks/rules.py          prints a table, writes results/rules.json
    python benchmarks/rules.py --quick  one repeat, Groceries only, writes nothing
    python benchmarks/rules.py --only made    one shop; the others' results are kept

Every pair of items that a share of baskets holds, both directions, with support, confidence, lift,
leverage and conviction. Both start from baskets in memory: ours from a sparse matrix, mlxtend's
fpgrowth + association_rules from a data frame, sparse and, where it is small, dense, already cut to
the items that reach the support (uncut, it takes minutes on 68,509 items). Each run is a
process of its own, the two in turn; `made` is a made-up shop of a million baskets (`made.py`); numbers are compared in every one. CPU seconds are of
all threads, and the fairer figure on a busy machine. Memory is what a run adds at its peak.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import subprocess
import sys
import tempfile
import time
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from baskets import complete_journey, groceries
from machine import RESULTS, machine, write
from made import Size
from made import shop as made_shop
from numpy.typing import NDArray

from vitrina.kernels.association import measures
from vitrina.kernels.pairs import pair_counts
from vitrina.kernels.sparse import Csr

CASES = [
    ("groceries", 0.001),
    ("groceries", 0.0003),
    ("complete_journey", 0.001),
    ("complete_journey", 0.0005),
    ("made", 0.0005),
    ("made", 0.0001),
]
MADE = Size(items=20_000, users=300_000, events=7_550_000)
SHOPS = {"groceries": groceries, "complete_journey": complete_journey, "made": lambda: made_shop(MADE)}
SIDES = ("vitrina", "mlxtend sparse", "mlxtend dense")
DENSE_CELLS = 1 << 27
FIGURES = ("support", "confidence", "lift", "leverage", "conviction")
COLUMNS = {"seconds": 3, "ratio": 1, "cpu_seconds": 3, "cpu_ratio": 1, "added_mb": 0, "peak_mb": 0}
Rules = dict[str, NDArray[Any]]


def main() -> None:
    """The table; or, with --side, one run of one side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=SHOPS, help="one shop; the others' results are kept")
    parser.add_argument(
        "--side", nargs=4, metavar=("SIDE", "SHOP", "SUPPORT", "FILE"), help=argparse.SUPPRESS
    )
    args = parser.parse_args()
    if args.side:
        side, shop, support, file = args.side
        print(json.dumps(run(side, shop, float(support), Path(file))))
        return
    print(f"{'shop':18} {'support':>8} {'rules':>7}  {'side':16}", *(f"{one:>9}" for one in COLUMNS))
    cases = CASES[:1] if args.quick else [one for one in CASES if args.only in (None, one[0])]
    found = [compared(shop, support, 1 if args.quick else 3) for shop, support in cases]
    if args.only:
        known = json.loads((RESULTS / "rules.json").read_text())["cases"]
        found = [*(one for one in known if one["shop"] != args.only), *found]
    if not args.quick:
        result = {"machine": machine("mlxtend", "pandas"), "cases": found}
        print(f"\nwritten to {write('rules', result)}")


def compared(shop: str, support: float, repeats: int) -> dict[str, Any]:
    """Both sides in turn, `repeats` times; the same rules with the same figures, or an error."""
    runs: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(repeats):
            for side in SIDES:
                file = Path(folder) / f"{side}.npy"
                command = [sys.executable, __file__, "--side", side, shop, str(support), str(file)]
                told = subprocess.run(command, stdout=subprocess.PIPE, text=True)
                if told.returncode:
                    raise SystemExit(f"{side} could not be measured on {shop}")
                done = json.loads(told.stdout)
                if done:
                    runs[side].append(done)
                    check(np.load(Path(folder) / f"{SIDES[0]}.npy"), np.load(file))
    baskets = int(runs[SIDES[0]][0]["baskets"])
    found: dict[str, Any] = {"shop": shop, "support": support, "baskets": baskets, "repeats": repeats}
    for side, done in runs.items():
        if done:
            found[side] = {name: median(one[name] for one in done) for name in done[0]}
    ours = found[SIDES[0]]
    for side in (one for one in SIDES if one in found):
        one = found[side]
        one["ratio"] = round(one["seconds"] / ours["seconds"], 1)
        one["cpu_ratio"] = round(one["cpu_seconds"] / ours["cpu_seconds"], 1)
        figures = [f"{one[name]:9.{digits}f}" for name, digits in COLUMNS.items()]
        print(f"{shop:18} {support:8} {one['rules']:7}  {side:16}", *figures, flush=True)
    return found


def check(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> None:
    """The same rules, and each figure to 1e-9."""
    assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


def run(side: str, shop: str, support: float, file: Path) -> dict[str, Any]:
    """One side once, imported and compiled before; its rules, sorted, are left in `file`. Empty where it cannot be."""
    baskets = whole(SHOPS[shop]().baskets())
    least = ceil(support * baskets.shape[0] - 1e-9)
    if side == SIDES[0]:
        with_us(small(), 1)
        return {"baskets": baskets.shape[0]} | measured(lambda: with_us(baskets, least), file)
    frame, items = frame_of(baskets, least, dense=side.endswith("dense"))
    if frame is None:
        return {}
    with_mlxtend(frame_of(small(), 1, dense=False)[0], items[:2], 0.5)
    return {"baskets": baskets.shape[0]} | measured(lambda: with_mlxtend(frame, items, support), file)


def whole(visits: Csr) -> Csr:
    """The visits that bought anything."""
    some = np.diff(visits.indptr) > 0
    ends = np.append(visits.indptr[:-1][some], visits.indptr[-1])
    return Csr(ends, visits.indices, visits.data, (int(some.sum()), visits.shape[1]))


def measured(rules_of: Any, file: Path) -> dict[str, Any]:
    """Seconds, and MB at the peak above those before."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)  # what loading left behind would hide what the run needs
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    start, worked = time.perf_counter(), time.process_time()
    rules = rules_of()
    seconds, worked = time.perf_counter() - start, time.process_time() - worked
    peak = resident("VmHWM")
    order = np.lexsort((rules["consequent"], rules["antecedent"]))
    columns = ("antecedent", "consequent", *FIGURES)
    np.save(file, np.stack([np.asarray(rules[name], np.float64)[order] for name in columns]))
    return {
        "rules": len(order),
        "seconds": round(seconds, 4),
        "cpu_seconds": round(worked, 4),
        "added_mb": round(max(peak - before, 0) / 1024, 1),
        "peak_mb": round(peak / 1024, 1),
    }


def resident(name: str) -> float:
    """Memory of this process in KB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(name)))


def with_us(baskets: Csr, least: int) -> Rules:
    """Counts, and the figures they make."""
    n, holding = baskets.shape[0], np.bincount(baskets.indices, minlength=baskets.shape[1])
    blocks = list(pair_counts(baskets, least))
    left = np.concatenate([np.repeat(one.antecedents, np.diff(one.indptr)) for one in blocks])
    right = np.concatenate([one.rows for one in blocks])
    both = np.concatenate([one.counts for one in blocks])
    found = measures(both, holding[left], holding[right], n)
    return {"antecedent": left, "consequent": right, **{name: getattr(found, name) for name in FIGURES}}


def small() -> Csr:
    """Two baskets, to warm up on."""
    indptr, items = np.array([0, 2, 4]), np.array([0, 1, 0, 1], np.int32)
    return Csr(indptr, items, np.ones(4, np.float32), (2, 2))


def frame_of(baskets: Csr, least: int, dense: bool) -> tuple[Any, NDArray[np.int64]]:
    """Baskets as a data frame of the items that reach the support."""
    from pandas import DataFrame
    from scipy.sparse import csr_matrix

    ones = np.ones(len(baskets.indices), bool)
    matrix = csr_matrix((ones, baskets.indices, baskets.indptr), baskets.shape)
    items = np.flatnonzero(np.bincount(baskets.indices, minlength=baskets.shape[1]) >= least)
    cut = matrix[:, items]
    if not dense:
        return DataFrame.sparse.from_spmatrix(cut), items
    return (DataFrame(cut.toarray()) if cut.shape[0] * cut.shape[1] <= DENSE_CELLS else None), items


def with_mlxtend(frame: Any, items: NDArray[np.int64], support: float) -> Rules:
    """FP-growth, then rules, as its documentation has it."""
    from mlxtend.frequent_patterns import association_rules, fpgrowth

    itemsets = fpgrowth(frame, min_support=support, max_len=2)
    rules = association_rules(itemsets, num_itemsets=len(frame), metric="support", min_threshold=0.0)
    sides = {name: items[[min(one) for one in rules[f"{name}s"]]] for name in ("antecedent", "consequent")}
    return {**sides, **{name: rules[name].to_numpy() for name in FIGURES}}


if __name__ == "__main__":
    main()
