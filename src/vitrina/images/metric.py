"""What 'alike' means: photos as unit vectors whose dot product is a mix of three likenesses.

Look (a network's vector, its spread evened out), colour (a histogram), and, where a shop wants
it, what the shop's own attributes have taught about looks. Each is an affine map and a cosine; a
mix of cosines is the dot product of their maps laid side by side. numpy only: the server maps
photos from outside the catalogue through it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Codes = NDArray[np.int32]

LOOK_DIMS, COLOUR_DIMS, TAUGHT_DIMS = 256, 64, 128
RIDGE = 0.01
"""Ridge as a share of the mean variance of a dimension."""
TINY = 1e-9


@dataclass(frozen=True)
class Map:
    """x -> (x - mean) @ axes, scaled to length 1. `mean`: float32[d]; `axes`: float32[d, p]."""

    mean: Floats
    axes: Floats

    def __call__(self, x: Floats) -> Floats:
        """float32[n, d] -> float32[n, p]; rows of zeros stay zeros."""
        mapped = unit(np.asarray((x - self.mean) @ self.axes, np.float32))
        mapped[~x.any(axis=1)] = 0.0
        return mapped


@dataclass(frozen=True)
class Metric:
    """Maps and what each weighs; weights add up to 1. `maps`: of look, colour, taught; any may miss."""

    maps: Mapping[str, Map]
    weights: Mapping[str, float]

    def __call__(self, vectors: Floats, colours: Floats | None) -> Floats:
        """float32[n, d] and float32[n, c] -> float32[n, p], of length 1 where everything is known."""
        given = {"look": vectors, "colour": colours, "taught": vectors}
        mapped = []
        for name, one in self.maps.items():
            x = given[name]
            flat = np.zeros((len(vectors), one.axes.shape[1]), np.float32) if x is None else one(x)
            mapped.append(np.float32(self.weights[name] ** 0.5) * flat)
        return np.concatenate(mapped, axis=1)

    def takes(self, vectors: Floats, colours: Floats | None) -> bool:
        """Whether these are as long as those it was learned from."""
        given = {"look": vectors, "colour": colours, "taught": vectors}
        pairs = [(given[name], one) for name, one in self.maps.items()]
        return all(x is None or x.shape[1] == len(one.mean) for x, one in pairs)

    def untaught(self) -> Metric:
        """The same metric without what attributes have taught."""
        kept = {name: one for name, one in self.maps.items() if name != "taught"}
        whole = sum(self.weights[name] for name in kept)
        return Metric(kept, {name: self.weights[name] / max(whole, TINY) for name in kept})

    def parts(self) -> dict[str, NDArray[Any]]:
        """The metric as named arrays; `of_parts` reads them back."""
        named: dict[str, NDArray[Any]] = {}
        for name, one in self.maps.items():
            named |= {f"{name}/mean": one.mean, f"{name}/axes": one.axes}
            named[f"{name}/weight"] = np.array([self.weights[name]])
        return named

    @classmethod
    def of_parts(cls, parts: Mapping[str, Any]) -> Metric:
        """The metric whose `parts` these are."""
        names = [name for name in ("look", "colour", "taught") if f"{name}/axes" in parts]
        maps = {name: Map(parts[f"{name}/mean"], parts[f"{name}/axes"]) for name in names}
        return cls(maps, {name: float(parts[f"{name}/weight"][0]) for name in names})


def unit(x: Floats) -> Floats:
    """Rows scaled to length 1; rows of zeros stay zeros."""
    lengths = np.linalg.norm(x, axis=1, keepdims=True)
    scaled: Floats = np.asarray(x / np.maximum(lengths, TINY), np.float32)
    return scaled


def learn(
    vectors: Floats,
    colours: Floats | None,
    labels: Sequence[Codes],
    *,
    colour_weight: float,
    taught_weight: float,
    whiten: float,
) -> Metric:
    """The metric of these photos, one row each.

    `labels`: int32[n] codes of attributes to learn from, -1 where not given; `whiten`: 0 leaves the
    spread of each axis as it is, 1 makes all equal.
    """
    maps = {"look": principal(vectors, LOOK_DIMS, whiten)}
    weights = {"look": 1.0}
    if labels and taught_weight > 0 and any((codes >= 0).any() for codes in labels):
        maps["taught"] = taught(vectors, labels)
        weights = {"look": 1.0 - taught_weight, "taught": taught_weight}
    if colours is not None and colour_weight > 0:
        weights = {name: share * (1.0 - colour_weight) for name, share in weights.items()}
        maps["colour"] = principal(colours, COLOUR_DIMS, 0.0)
        weights["colour"] = colour_weight
    return Metric({name: maps[name] for name in ("look", "colour", "taught") if name in maps}, weights)


def principal(x: Floats, dims: int, whiten: float) -> Map:
    """Principal axes by falling variance, each scaled by variance^(-whiten / 2)."""
    mean = x.mean(axis=0, dtype=np.float64)
    centred = (x - mean.astype(np.float32)).astype(np.float32)
    variances, axes = _falling(centred.T @ centred / np.float32(max(1, len(x))), dims)
    return Map(mean.astype(np.float32), (axes * variances ** (-whiten / 2)).astype(np.float32))


def taught(x: Floats, labels: Sequence[Codes]) -> Map:
    """Ridge regression of each attribute's values, as ones and zeros, on the vectors.

    Two photos are near where the regression would call them alike (Hoerl and Kennard 1970, as a
    metric); what it predicts is turned to its principal axes, the last of which are dropped.
    """
    mean = x.mean(axis=0, dtype=np.float64).astype(np.float32)
    centred = (x - mean).astype(np.float64)
    spread = centred.T @ centred / len(x)
    ridge = RIDGE * np.trace(spread) / len(spread) + TINY
    moments = np.concatenate([_moments(centred, codes) for codes in labels], axis=1)
    solved = np.linalg.solve(spread + ridge * np.eye(len(spread)), moments)
    _, axes = _falling(solved.T @ spread @ solved, TAUGHT_DIMS)
    return Map(mean, (solved @ axes).astype(np.float32))


def _moments(centred: NDArray[np.float64], codes: Codes) -> NDArray[np.float64]:
    """x'y for each value y of an attribute, as ones and zeros less their mean, over all rows."""
    sums = np.zeros((codes.max(initial=-1) + 1, centred.shape[1]))
    known = codes >= 0
    np.add.at(sums, codes[known], centred[known])
    some = np.bincount(codes[known], minlength=len(sums)) > 0
    return sums[some].T / len(centred)


def _falling(spread: NDArray[Any], dims: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(variances, axes as columns) of a covariance, largest first, those that are nothing dropped."""
    variances, axes = np.linalg.eigh(spread.astype(np.float64))
    order = np.argsort(-variances, kind="stable")[:dims]
    order = order[variances[order] > TINY * max(float(variances.max(initial=0.0)), TINY)]
    largest = np.abs(axes[:, order]).argmax(axis=0)
    signs = np.sign(axes[largest, order])
    return variances[order], axes[:, order] * signs
