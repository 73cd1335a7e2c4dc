"""What colours a photo shows, as a histogram; networks trained to name things look past colour.

Pixels are counted in CIELAB, where distance is what an eye sees, each shared among its eight
nearest bins. Those near the middle and unlike the border count more: a pack-shot's background is
nobody's colour.
"""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

BINS = (5, 9, 9)
"""Steps of lightness, of green-red and of blue-yellow."""
DIMS = BINS[0] * BINS[1] * BINS[2]
REACH = 60.0
"""Beyond this, green-red and blue-yellow are as strong as the histogram can tell."""
BACKGROUND = 10.0
"""A CIELAB distance from the border at which a pixel is certainly not background."""
FAINTEST = 0.02
"""What background still counts: a white shirt on white must not vanish."""
LONGEST = 112

Floats = NDArray[np.float32]


def histogram(pixels: NDArray[np.uint8]) -> Floats:
    """uint8[h, w, 3] RGB -> float32[DIMS] of length 1; dot products are Bhattacharyya coefficients."""
    step = -(-max(pixels.shape) // LONGEST)
    lab = _lab(pixels[::step, ::step])
    weights = _weights(lab) * _middle(*lab.shape[:2])
    counts = _shared(lab.reshape(-1, 3), weights.ravel())
    return np.asarray(np.sqrt(counts / counts.sum()), np.float32)


def _weights(lab: Floats) -> Floats:
    border = np.concatenate([lab[0], lab[-1], lab[:, 0], lab[:, -1]])
    away: Floats = np.linalg.norm(lab - np.median(border, axis=0), axis=2)
    weights: Floats = np.clip(away / BACKGROUND, FAINTEST, 1.0)
    return weights


@cache
def _middle(height: int, width: int) -> Floats:
    """A bell over the picture, 0.35 of each side wide."""
    y, x = (np.linspace(-1.0, 1.0, side + 2, dtype=np.float32)[1:-1] for side in (height, width))
    bell: Floats = np.exp(-(y[:, None] ** 2 + x[None, :] ** 2) / (2 * 0.7**2))
    return bell


def _shared(lab: Floats, weights: Floats) -> NDArray[np.float64]:
    scaled = np.empty_like(lab)
    scaled[:, 0] = lab[:, 0] / 100.0
    scaled[:, 1:] = (lab[:, 1:] + REACH) / (2 * REACH)
    places = np.clip(scaled, 0.0, 1.0) * (np.array(BINS, np.float32) - 1)
    low = np.minimum(places.astype(np.int64), np.array(BINS) - 2)
    upper = np.ascontiguousarray((places - low).T)
    shares = (1.0 - upper, upper)
    bins = np.ravel_multi_index(tuple(low.T), BINS)
    counts = np.zeros(DIMS)
    for corner in product((0, 1), repeat=3):
        light, red, yellow = (shares[side][axis] for axis, side in enumerate(corner))
        beside = int(np.ravel_multi_index(corner, BINS))
        counts += np.bincount(bins + beside, light * red * yellow * weights, minlength=DIMS)
    return counts


@cache
def _linear() -> Floats:
    """sRGB's curve undone, for each byte."""
    value = np.arange(256) / 255.0
    undone = np.where(value > 0.04045, ((value + 0.055) / 1.055) ** 2.4, value / 12.92)
    return undone.astype(np.float32)


XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], np.float32)
WHITE = np.array([0.9505, 1.0, 1.089], np.float32)


def _lab(pixels: NDArray[np.uint8]) -> Floats:
    """CIELAB under D65 (CIE 15:2004)."""
    xyz = _linear()[pixels] @ XYZ.T / WHITE
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
