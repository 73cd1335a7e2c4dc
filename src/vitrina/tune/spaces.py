"""What may be searched of each strategy: its hyperparameters' ranges, in one table.

Strategies know nothing of this. A point of a space is what the search sees: one number or word a
dimension; `Space.params` makes it a recipe's hyperparameters, rounded as a person would write them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vitrina.dataset import TYPES, Dataset
from vitrina.kernels.distinct import distinct
from vitrina.tune.dimensions import Choice, Days, Dimension, Real, Steps, Whole

EVENT = "event_weights."
"""A dimension 'event_weights.view' is what a view counts; other types keep their weights."""

TIMED = ("timing", "ahead_days")
"""Dimensions without effect in a shop without times, beside days."""
UNTIMED = ("half_life_purchases",)
"""Dimensions that take the place of days there."""
FADING = "half_life_days"
"""What else means something there: orders stand for days, but for what fades by the moment of asking."""
MOMENTARY = ("look_again",)
"""What does, and learns from looks alone."""

_SEEDS: Mapping[str, Dimension] = {"seeds": Whole(2, 1000), "seed_half_life_days": Days()}
_REPEATED: Mapping[str, Dimension] = {**_SEEDS, "seed_power": Real(0.0, 1.0, even=True)}
"""What starts from all that an asker had, and from some of it many times."""
ASKED = frozenset(_REPEATED)
"""What matters when a source is asked alone, of every strategy that has it: one fit serves all its values."""
_LIKENESS: Mapping[str, Dimension] = {
    "weighting": Choice(("cosine", "tfidf", "bm25", "jaccard", "tversky")),
    "ours": Real(0.0, 2.0, even=True),
    "theirs": Real(0.0, 2.0, even=True),
    "shrink": Real(0.1, 1000.0),
    "asymmetry": Real(0.0, 1.0, even=True),
    "popularity": Real(0.0, 1.0, even=True),
    "bm25_k1": Real(0.2, 20.0),
    "bm25_b": Real(0.0, 1.0, even=True),
}
"""How items are compared, or customers."""
_EVENTS: Mapping[str, Dimension] = {"half_life_days": Days(), f"{EVENT}view": Real(0.01, 1.0)}

# What a recipe does not name is tried in this order: strategies of events first, of catalogues last.
SPACES: Mapping[str, Mapping[str, Dimension]] = {
    "item_knn": {
        "neighbours": Whole(10, 1000),
        **_LIKENESS,
        **_EVENTS,
        **_REPEATED,
    },
    "user_knn": {
        "neighbours": Whole(10, 1000),
        "takers": Whole(30, 1500),
        "seeds": Whole(3, 200),
        **_LIKENESS,
        "rarity": Real(0.0, 2.0, even=True),
        "dilution": Real(0.0, 1.0, even=True),
        **_EVENTS,
    },
    "rp3beta": {
        "alpha": Real(0.2, 2.0, even=True),
        "beta": Real(0.0, 1.0, even=True),
        "neighbours": Whole(20, 1000),
        **_EVENTS,
        **_REPEATED,
    },
    "ease": {"ridge": Real(1.0, 10_000.0), "kept": Whole(50, 1000), **_EVENTS, **_REPEATED},
    "als": {
        "factors": Whole(16, 128),
        "confidence": Real(0.5, 100.0),
        "regularization": Real(0.0003, 0.1),
        "exponent": Real(0.0, 1.5, even=True),
        "power": Real(0.0, 1.0, even=True),
        **_EVENTS,
        **_SEEDS,
    },
    "graph_filter": {
        "alpha": Real(0.2, 0.8, even=True),
        "order": Whole(1, 3),
        "power": Real(0.3, 2.0),
        "popularity": Real(0.0, 0.8, even=True),
        "smooth": Real(0.0, 2.0, even=True),
        "rank": Whole(8, 512),
        **_EVENTS,
        **_REPEATED,
    },
    "bought_together": {
        "discount": Real(0.0, 1.0, even=True),
        "power": Real(1.0, 8.0),
        "min_count": Whole(2, 12),
        "z": Real(0.0, 3.0, even=True),
        "max_seeds": Whole(2, 100),
        "window_days": Days(),
    },
    "buy_again": {
        "half_life_days": Days(),
        "half_life_purchases": Steps(250.0),
        "repeat_power": Real(0.0, 2.0, even=True),
        "repeat_prior": Real(1.0, 300.0),
        "min_count": Whole(1, 3),
        "timing": Real(0.0, 1.5, even=True),
        "ahead_days": Real(1.0, 90.0),
    },
    "next_basket": {
        "alpha": Real(0.0, 1.0, even=True),
        "neighbours": Whole(10, 1000),
        "half_life_days": Days(),
        "half_life_purchases": Steps(250.0),
        "repeat_power": Real(0.0, 2.0, even=True),
        "timing": Real(0.0, 1.5, even=True),
        "ahead_days": Real(1.0, 90.0),
    },
    "look_again": {
        "often": Real(0.0, 1.5, even=True),
        "half_life_days": Days(),
        "return_power": Real(0.0, 2.0, even=True),
        "return_prior": Real(1.0, 300.0),
    },
    "popular": {"half_life_days": Days(), "window_days": Days(), "prior": Real(1.0, 200.0)},
    "session_knn": {
        "recent": Whole(100, 5000),
        "near": Whole(30, 2000),
        "seeds": Whole(2, 50),
        "seed_decay": Steps(25.0),
        "echo_decay": Steps(25.0),
        "step_decay": Steps(25.0),
        "age_days": Days(),
        "backward": Real(0.0, 1.0, even=True),
        "length": Real(0.0, 1.0, even=True),
        "idf": Real(0.0, 3.0, even=True),
        f"{EVENT}view": Real(0.05, 1.0),
    },
    "markov": {
        "neighbours": Whole(20, 500),
        "customers": Real(0.0, 2.0, even=True),
        "gap": Whole(1, 20),
        "visit_gap": Whole(1, 10),
        "fade": Choice(("none", "linear", "reciprocal", "quadratic", "exponential")),
        "together": Real(0.0, 2.0, even=True),
        "confidence": Real(0.0, 1.0, even=True),
        "discount": Real(0.0, 1.0, even=True),
        "order": Whole(1, 2),
        "seeds": Whole(1, 100),
        "seed_fade": Choice(("none", "linear", "reciprocal", "quadratic", "exponential")),
        **_EVENTS,
    },
    "content_similar": {
        "title_weight": Real(0.05, 5.0),
        "category_weight": Real(0.05, 5.0),
        "attribute_weight": Real(0.05, 5.0),
        "price_weight": Real(0.0, 1.0, even=True),
        "title": Choice(("tfidf", "bm25")),
        **_SEEDS,
    },
    "transaction_similar": {
        "score": Choice(("llr", "lift")),
        "popularity": Real(0.0, 1.5, even=True),
        "affinities": Whole(10, 200),
        "depth": Whole(1, 5),
        "half_life_days": Days(),
        **_SEEDS,
    },
    "decision_tree": {
        "min_switches": Whole(30, 1000),
        "min_hold": Real(0.01, 0.5),
        "price_bands": Whole(2, 9),
        "half_life_days": Days(),
        **_SEEDS,
    },
    "image_similar": {
        "colour_weight": Real(0.0, 0.6, even=True),
        "whiten": Real(0.0, 1.0, even=True),
        "recency": Real(0.4, 1.0, even=True),
    },
}

STARTS: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    # plain confidence of pairs: led on grocery tickets
    "bought_together": ({"z": 0.0, "discount": 0.0, "power": 1.0, "min_count": 2},),
    # from one purchase to the next of the same customer, every step as good as another
    "markov": ({"customers": 1.0, "visit_gap": 8, "gap": 8, "fade": "reciprocal", "seed_fade": "linear"},),
    # neighbours' baskets before one's own: the published setting for Dunnhumby and Ta-Feng
    "next_basket": (
        {"alpha": 0.2, "neighbours": 300, "timing": 0.0, "repeat_power": 0.0},
        {"half_life_purchases": 100.0},
    ),
    "buy_again": ({"half_life_purchases": 100.0},),
    # a basket is a set: neither its order nor its day says what goes with it; led on grocery carts
    "session_knn": (
        {"recent": 5000, "seeds": 50, "backward": 1.0, "age_days": 0.0}
        | dict.fromkeys(("seed_decay", "echo_decay", "step_decay"), 0.0),
    ),
    # far from the default on both sides: where few take a thing, and where most customers took hundreds, each
    # of which then says something of most things
    "ease": ({"ridge": 60.0}, {"ridge": 1000.0, "kept": 1000, "seeds": 1000}),
    # what many take before what few do, and no low-pass filter, which is most of a fit's time: better than
    # the default where purchases are sparse; the more of the spectrum the better where many tastes are sold
    "graph_filter": ({"alpha": 0.6, "popularity": 0.3, "smooth": 0.0}, {"rank": 256, "seeds": 1000}),
    "item_knn": ({"weighting": "bm25", "neighbours": 300, "bm25_b": 0.3},),
    # rare things in common say more, heavy buyers drown nobody: led where purchases are sparse
    "user_knn": ({"weighting": "bm25", "neighbours": 300, "dilution": 0.5},),
    "rp3beta": ({"alpha": 0.6, "beta": 0.3, "neighbours": 300},),
}
"""Settings that won somewhere and are far from the defaults: tried before any is drawn."""
LATELY = 0.25
"""A half-life as share of the span of days, tried with every strategy that has one: tastes drift."""


def _span(dataset: Dataset) -> float:
    """Days from the first to the last event."""
    return float(dataset.age_days(slice(1 if dataset.timed else None)).max(initial=0.0))


@dataclass(frozen=True)
class Space:
    """What may be searched of one strategy in one shop. `defaults`: the strategy as it comes."""

    dimensions: Mapping[str, Dimension]
    defaults: Any

    @classmethod
    def of(cls, strategy: str, defaults: Any, dataset: Dataset) -> Space:
        """The strategy's space, less what this shop's events leave without effect."""
        span = _span(dataset)
        happened = {dataset.types[one] for one in distinct(dataset.events.type)}
        kept: dict[str, Dimension] = {}
        ages = strategy not in MOMENTARY and not set(UNTIMED) & set(SPACES.get(strategy, {}))
        if strategy in MOMENTARY and not dataset.sessions and not happened & {"view", "cart"}:
            return cls({}, defaults)
        for name, one in SPACES.get(strategy, {}).items():
            if type(one) is Days:
                if span > 0 and (dataset.timed or (name == FADING and ages)):
                    kept[name] = replace(one, span=span)
            elif name.startswith(EVENT):
                if {name.removeprefix(EVENT), TYPES[0]} <= happened:
                    kept[name] = one
            elif name not in (UNTIMED if dataset.timed else TIMED):
                kept[name] = one
        return cls(kept, defaults)

    def params(self, point: Mapping[str, Any], fixed: Mapping[str, Any]) -> dict[str, Any]:
        """Hyperparameters of a point; `fixed` are those that a recipe gives, searched ones overridden."""
        params = dict(fixed)
        for name, one in self.dimensions.items():
            value = one.value(point[name])
            if name.startswith(EVENT):
                weights = params.get("event_weights", self.defaults.event_weights)
                params["event_weights"] = {**weights, name.removeprefix(EVENT): value}
            else:
                params[name] = value
        return params

    def point(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Where hyperparameters stand; those not given stand at the strategy's defaults."""
        return {name: one.point(self._given(name, params)) for name, one in self.dimensions.items()}

    def _given(self, name: str, params: Mapping[str, Any]) -> Any:
        if not name.startswith(EVENT):
            return params.get(name, getattr(self.defaults, name))
        weights = params.get("event_weights", self.defaults.event_weights)
        return weights.get(name.removeprefix(EVENT), 0.0)

    def asked_anew(self, random: np.random.Generator) -> dict[str, Any]:
        """Hyperparameters drawn by lot, of those that need no other fit."""
        drawn: dict[str, Any] = {}
        for name, one in sorted(self.dimensions.items()):
            if name in ASKED and not isinstance(one, Choice):
                drawn[name] = one.value(one.drawn(random.random()))  # type: ignore[arg-type]  # each its own
        return drawn

    def starts(self, strategy: str) -> list[dict[str, Any]]:
        """Points to try before any is drawn: settings that won somewhere, and a past that fades soon."""
        found = [self.point(one) for one in STARTS.get(strategy, ())]
        for name in ("half_life_days", "window_days"):
            one = self.dimensions.get(name)
            if isinstance(one, Days):
                found.append({**self.point({}), name: one.point(one.span * LATELY)})
        return found

    def distributions(self) -> dict[str, Any]:
        """The space in Optuna's words."""
        from optuna import distributions as of

        found: dict[str, Any] = {}
        for name, one in self.dimensions.items():
            if isinstance(one, Choice):
                found[name] = of.CategoricalDistribution(one.words)
            elif isinstance(one, Whole):
                found[name] = of.IntDistribution(one.low, one.high, log=True)
            else:
                even = isinstance(one, Real) and one.even
                found[name] = of.FloatDistribution(one.low, one.high, log=not even)
        return found
