"""How alike are products that Vitrina calls similar by photo: article type and colour of the 5 nearest.

    python benchmarks/images.py            measures, writes results/images.json and results/images.png

Products are split into halves by id. Settings are chosen on the validation half; every figure
reported is of queries from the test half against all products. Photos are encoded once, into the
user's cache directory (the first run takes minutes a core).
"""

from __future__ import annotations

import hashlib
import json
import resource
import time
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from images_plot import plot
from machine import machine, shared, write
from numpy.typing import NDArray

from vitrina.dataset import Attribute, Catalog, Dataset, Events
from vitrina.ids import Ids
from vitrina.images.cache import folder
from vitrina.images.embed import embed
from vitrina.images.metric import learn
from vitrina.images.vectors import attach
from vitrina.kernels.nearest import nearest
from vitrina.strategies.image_similar import Strategy
from vitrina.strategy import Allow, Query, Seeds

NEAREST = 5
COLOUR_WEIGHTS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 0.95)
WHITENINGS = (0.0, 0.5, 1.0)
VALIDATION_EVERY = 3
"""Of the validation half, every so many products are queries while settings are tried."""
GIVEN_UP = 0.02
"""Article type that may be given up for colour when settings are chosen."""

Mask = NDArray[np.bool_]
Score = dict[str, float]


def main() -> None:
    """Measure everything and write the two files."""
    shop = fashion()
    validation = halves(shop)
    unsupervised = choose(shop, validation)
    report = {
        "what": f"of the {NEAREST} nearest among all products, the share with the same attribute",
        "machine": machine("onnxruntime", "pillow", "faiss-cpu"),
        "products": len(shop.items),
        "queries": int((~validation).sum()),
        "without_attributes": unsupervised,
        "as_served": served(shop, validation),
        "taught": taught(shop, validation),
        "real_photos": real_photos(),
        "speed": speed(shop),
    }
    plot(report, write("images", report).with_suffix(".png"))
    print(
        json.dumps({name: report[name] for name in ("as_served", "taught", "real_photos", "speed")}, indent=2)
    )


def shop_of(ids: list[str], attributes: dict[str, list[str]], photos: Path, name: str) -> Dataset:
    """A shop of items with attributes and the vectors of their photos, and no events."""
    out = folder() / "benchmarks" / name
    print(embed(photos, out, say=print))
    items = Ids.of(ids)
    order = np.argsort(items.rows(ids))
    coded = {key: Attribute.of([values[at] for at in order]) for key, values in attributes.items()}
    rows, times = np.zeros(0, np.int32), np.zeros(0, np.int64)
    amounts = np.zeros(0, np.float32)
    events = Events(rows, rows, rows, times, np.zeros(0, np.uint8), amounts, amounts)
    catalog = replace(Catalog.bare(len(items)), attributes=coded)
    return attach(Dataset(Ids.of([]), items, events, catalog), out, print)


def fashion() -> Dataset:
    """The catalogue of an Indian web shop: 18,364 photos of 60 x 80 pixels on white."""
    place = shared("fashion_products")
    columns = ("id", "articleType", "baseColour", "gender")
    wanted = ", ".join(f"coalesce(CAST({one} AS VARCHAR), '')" for one in columns)
    query = f"SELECT {wanted} FROM '{place}/products.parquet'"
    ids, types, colours, genders = map(list, zip(*duckdb.sql(query).fetchall(), strict=True))
    named = {"type": types, "colour": colours, "gender": genders}
    return shop_of(ids, named, place / "images.zip", "fashion_products")


def halves(shop: Dataset) -> Mask:
    """True for the products on which settings are chosen: half of them, by the hash of their id."""
    digests = [hashlib.sha256(one).digest()[0] for one in shop.items.sorted.tolist()]
    return np.array(digests) % 2 == 0


@dataclass(frozen=True)
class Likeness:
    """The maps of a metric, applied once, to be mixed by any weights.

    `taught_on`: the products whose types it has learned from; it has seen no other product then.
    """

    shop: Dataset
    whiten: float
    taught_on: Mask | None = None

    @cached_property
    def mapped(self) -> dict[str, NDArray[np.float32]]:
        """Look, colour and taught of all products."""
        vectors, colours = self.shop.vectors, self.shop.colours
        on = slice(None) if self.taught_on is None else self.taught_on
        labels = [] if self.taught_on is None else [self.shop.catalog.attributes["type"].codes[on]]
        made = learn(
            vectors[on], colours[on], labels, colour_weight=0.5, taught_weight=0.5, whiten=self.whiten
        )
        return {name: one(colours if name == "colour" else vectors) for name, one in made.maps.items()}

    def mix(self, colour_weight: float, projection_weight: float = 0.0) -> NDArray[np.float32]:
        """All products under these weights, as `learn` sets them."""
        weights = {
            "look": (1 - colour_weight) * (1 - projection_weight),
            "taught": (1 - colour_weight) * projection_weight,
            "colour": colour_weight,
        }
        return np.concatenate(
            [np.float32(weights[name] ** 0.5) * one for name, one in self.mapped.items()], axis=1
        )


def judge(shop: Dataset, mapped: NDArray[np.float32], queries: Mask) -> Score:
    """The shares of the nearest that share type, colour, both, gender with these queries."""
    own = np.arange(len(mapped), dtype=np.int32)
    indptr, rows, _ = nearest(mapped[queries], mapped, NEAREST, asking=own[queries], owners=own)
    return shares(shop, own[queries], np.diff(indptr), rows)


def shares(shop: Dataset, asking: NDArray[np.int32], counts: NDArray[Any], rows: NDArray[np.int32]) -> Score:
    """Shares out of NEAREST places: one that stays empty counts as wrong. `ci`: half-width, 95 %, of type."""
    asked = np.repeat(asking, counts)
    place = np.repeat(np.arange(len(asking)), counts)
    codes = {name: attribute.codes for name, attribute in shop.catalog.attributes.items()}
    same = {name: (one[asked] == one[rows]) & (one[rows] >= 0) for name, one in codes.items()}
    if "colour" in same:
        same["both"] = same["type"] & same["colour"]
    per_query = {name: np.bincount(place, hits, len(asking)) / NEAREST for name, hits in same.items()}
    score = {name: round(float(one.mean()), 4) for name, one in per_query.items()}
    return {**score, "ci": round(1.96 * float(per_query["type"].std()) / len(asking) ** 0.5, 4)}


def choose(shop: Dataset, validation: Mask) -> dict[str, Any]:
    """The colour trade: a setting chosen on the validation half, and the test half's curves."""
    some = validation & (np.cumsum(validation) % VALIDATION_EVERY == 0)
    tried = []
    for whiten in WHITENINGS:
        alike = Likeness(shop, whiten)
        for weight in COLOUR_WEIGHTS:
            setting = {"colour_weight": weight, "whiten": whiten}
            tried.append({**setting, **judge(shop, alike.mix(weight), some)})
            print(tried[-1], flush=True)
    most = max(one["type"] for one in tried)
    best = max((one for one in tried if one["type"] >= most - GIVEN_UP), key=lambda one: one["both"])
    default = {"colour_weight": Strategy().colour_weight, "whiten": Strategy().whiten}
    alike = Likeness(shop, default["whiten"])
    curve = [{"colour_weight": one, **judge(shop, alike.mix(one), ~validation)} for one in COLOUR_WEIGHTS]
    plain = judge(shop, shop.vectors / np.linalg.norm(shop.vectors, axis=1, keepdims=True), ~validation)
    chosen = Likeness(shop, best["whiten"]).mix(best["colour_weight"])
    return {
        "rule": f"most of both, giving up at most {GIVEN_UP} of type, by {some.sum()} validation queries",
        "chosen_on_validation": best,
        "chosen_on_test": judge(shop, chosen, ~validation),
        "default": default,
        "default_on_test": judge(shop, alike.mix(default["colour_weight"]), ~validation),
        "plain_cosine_on_test": plain,
        "colour_curve_on_test": curve,
        "validation": tried,
    }


def served(shop: Dataset, validation: Mask) -> dict[str, Any]:
    """The strategy as a shop runs it: fitted with its defaults, asked for 5, doubles left out."""
    strategy, started = Strategy(), time.process_time()
    parts = strategy.fit(shop)
    seconds = time.process_time() - started
    asking = np.flatnonzero(~validation).astype(np.int32)
    n = len(asking)
    ends, nobody = np.arange(n + 1), np.full(n, -1, np.int32)
    seeds = Seeds(ends, asking, np.ones(n, np.uint8), np.zeros(n, np.int64))
    source = strategy.open(parts)
    found = source.top(Query(0, nobody, nobody, seeds), NEAREST, Allow.all(len(shop.items), n))
    looks = len(parts["shown_indptr"]) - 1
    return {
        **shares(shop, asking, np.diff(found.indptr), found.rows),
        "fit_cpu_seconds": round(seconds, 1),
        "items": len(shop.items),
        "doubles": len(parts["shown"]) - looks,
        "megabytes": round(sum(np.asarray(one).nbytes for one in parts.values()) / 1e6, 1),
    }


def taught(shop: Dataset, validation: Mask) -> dict[str, Any]:
    """Learned from the article types of the validation half; asked about products never seen."""
    colour_weight, mine = Strategy().colour_weight, Strategy().projection_weight
    alike = Likeness(shop, Strategy().whiten, validation)
    curve = [
        {
            "colour_weight": weight,
            "projection_weight": share,
            **judge(shop, alike.mix(weight, share), ~validation),
        }
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
        for weight in (0.0, colour_weight)
    ]
    without, default = (one for one in curve if one["projection_weight"] == mine)
    return {
        "projection": ["type"],
        "taught_on": int(validation.sum()),
        "unseen_queries": int((~validation).sum()),
        "default_on_unseen": default,
        "without_colour_on_unseen": without,
        "curve_on_unseen": curve,
    }


def real_photos() -> dict[str, Any]:
    """Clothes photographed by people, on floors and hangers: the same label among the 5 nearest."""
    place = shared("clothing_cc0")
    query = f"SELECT image, label FROM read_csv('{place}/images.csv', all_varchar = true)"
    kept = [row for row in duckdb.sql(query).fetchall() if row[1] not in ("Not sure", "Other", "Skip")]
    ids, labels = map(list, zip(*kept, strict=True))
    shop = shop_of(ids, {"type": labels}, place / "images.zip", "clothing_cc0")
    keep, validation = shop.vectors.any(axis=1), halves(shop)
    test, share = ~validation & keep, Strategy().projection_weight
    alike = Likeness(shop, Strategy().whiten)
    learned = Likeness(shop, Strategy().whiten, validation & keep)
    return {
        "photos": int(keep.sum()),
        "labels": len(set(labels)),
        "default": judge(shop, alike.mix(Strategy().colour_weight), test),
        "without_colour": judge(shop, alike.mix(0.0), test),
        "taught_without_colour_on_unseen": judge(shop, learned.mix(0.0, share), test),
    }


def speed(shop: Dataset) -> dict[str, Any]:
    """One request of one seed, what the inverted file would lose, and encoding; times of the processor."""
    parts = Strategy().fit(shop)
    source = Strategy().open(parts)
    one = np.array([-1], np.int32)
    allow, times = Allow.all(len(shop.items), 1), []
    for row in range(2_000):
        seeds = Seeds(
            np.array([0, 1]), np.array([row], np.int32), np.ones(1, np.uint8), np.zeros(1, np.int64)
        )
        started = time.thread_time()
        source.top(Query(0, one, one, seeds), 20, allow)
        times.append(time.thread_time() - started)
    inverted = Strategy(exact_up_to=0).fit(shop)
    return {
        "top_20_cpu_microseconds_p50": round(1e6 * float(np.median(times)), 1),
        "top_20_cpu_microseconds_p99": round(1e6 * float(np.quantile(times, 0.99)), 1),
        "inverted_file_recall": round(float(np.asarray(inverted["recall"])[0]), 4),
        **encoding(),
    }


def encoding() -> dict[str, float]:
    """Milliseconds of processor time a photo of 224 pixels, of one thread."""
    from vitrina.images.colour import histogram
    from vitrina.images.decode import Picture, Sandbox
    from vitrina.images.encoder import Encoder
    from vitrina.images.sources import open_source

    source = open_source(shared("clothing_cc0/images.zip"))
    photos = [source.read(name, 1 << 24) for name in source.names[:64]]
    coder, sandbox, times = Encoder.open(threads=1), Sandbox(), [time.process_time()]
    pictures = [one for one in map(sandbox.decode, photos) if isinstance(one, Picture)]
    sandbox.close()
    decoder = resource.getrusage(resource.RUSAGE_CHILDREN)
    times.append(time.process_time())
    coder(np.stack([one.pixels for one in pictures]))
    times.append(time.process_time())
    for one in pictures:
        histogram(one.content)
    times.append(time.process_time())
    decode = times[1] - times[0] + decoder.ru_utime + decoder.ru_stime
    spans = {"decode": decode, "network": times[2] - times[1], "colour": times[3] - times[2]}
    return {f"{name}_cpu_ms_a_photo": round(1e3 * span / len(pictures), 2) for name, span in spans.items()}


if __name__ == "__main__":
    main()
