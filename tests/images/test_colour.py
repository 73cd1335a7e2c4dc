"""Colour histograms: of length 1, near for near colours, blind to a pack-shot's background."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vitrina.images.colour import DIMS, _lab, histogram


def flat(*colour, side=40):
    """A photo of one colour."""
    return np.full((side, side, 3), colour, np.uint8)


def packed(colour, background=(255, 255, 255), side=60):
    """A square of a colour on a background."""
    photo = flat(*background, side=side)
    photo[side // 4 : -side // 4, side // 4 : -side // 4] = colour
    return photo


@settings(max_examples=60, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 30), st.just(3))))
def test_any_photo_has_a_histogram_of_length_one(photo):
    """Of any shape and content."""
    found = histogram(photo)
    assert found.shape == (DIMS,)
    assert found.dtype == np.float32
    assert (found >= 0).all()
    assert abs(float(found @ found) - 1) < 1e-4


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((255, 255, 255), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((255, 0, 0), (53.2, 80.1, 67.2)),
        ((0, 255, 0), (87.7, -86.2, 83.2)),
        ((0, 0, 255), (32.3, 79.2, -107.9)),
        ((119, 119, 119), (50.0, 0, 0)),
    ],
)
def test_cielab_is_the_standard_one(rgb, lab):
    """Published values of sRGB's corners under D65."""
    np.testing.assert_allclose(_lab(flat(*rgb, side=1))[0, 0], lab, atol=0.4)


def test_near_colours_are_near():
    """Around the wheel, a colour is more like one 10 degrees on than like one 60 degrees on."""
    wheel = [
        tuple(round(255 * part) for part in colorsys.hsv_to_rgb(step / 36, 0.7, 0.7)) for step in range(36)
    ]
    found = np.array([histogram(packed(colour)) for colour in wheel])
    likeness = found @ found.T
    for step in range(36):
        assert likeness[step, (step + 1) % 36] > likeness[step, (step + 6) % 36]


def test_the_background_hardly_counts():
    """A red thing on white, grey or black is nearer to itself than to a blue thing on the same ground."""
    grounds = [(255, 255, 255), (128, 128, 128), (0, 0, 0)]
    red = np.array([histogram(packed((200, 20, 20), ground)) for ground in grounds])
    blue = np.array([histogram(packed((20, 20, 200), ground)) for ground in grounds])
    assert (red @ red.T).min() > 0.8
    assert (red @ blue.T).max() < 0.4


def test_white_on_white_is_white():
    """A white shirt on white does not vanish: it is like white, not like black."""
    shirt = histogram(packed((250, 250, 250)))
    assert shirt @ histogram(flat(255, 255, 255)) > 0.9
    assert shirt @ histogram(flat(0, 0, 0)) < 0.1


def test_the_size_of_a_photo_hardly_counts():
    """The same picture larger has about the same histogram."""
    small = packed((180, 90, 30), side=40)
    large = small.repeat(8, axis=0).repeat(8, axis=1)
    assert histogram(small) @ histogram(large) > 0.98
