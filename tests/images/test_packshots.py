"""Drawn packs: the same words the same picture, other words another, and always a picture."""

from __future__ import annotations

import io
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vitrina.images.decode import Picture, Sandbox
from vitrina.images.packshots import FORMS, SHAPES, draw, shape


@pytest.fixture(scope="module")
def sandbox():
    """One for all examples."""
    one = Sandbox(32)
    yield one
    one.close()


def pixels(data):
    """A PNG as an array."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"), np.int32)


def test_the_same_words_draw_the_same_picture():
    """Byte for byte."""
    words = ("Whole Milk 1 gal", "Grocery > Fluid Milk Products > Fluid Milk White Only", "Private")
    assert draw(*words) == draw(*words)


def test_other_words_draw_other_pictures():
    """Products of different categories, brands or titles can be told apart."""
    drawn = [
        pixels(draw(*words))
        for words in (
            ("Milk", "Grocery > Milk"),
            ("Milk", "Grocery > Milk", "Private"),
            ("Cream", "Grocery > Milk"),
            ("Milk", "Grocery > Chocolate Milk > Milk"),
            ("Cola", "Grocery > Soft Drinks"),
            ("Steak", "Meat > Beef"),
            ("Bananas", "Produce > Tropical Fruit"),
        )
    ]
    for one, other in combinations(drawn, 2):
        assert (np.abs(one - other).sum(axis=2) > 60).mean() > 0.002


def test_categories_have_their_shape():
    """By the words of the category, the last step first; a title where there is no category."""
    assert shape("Grocery > Fluid Milk Products") == "carton"
    assert shape("Grocery\x1fBaking > Spices & Extracts") == "jar"
    assert shape("Drug > Greeting Cards") == "sheet"
    assert shape("Grocery > Cheese > Snacks") == "bag"
    assert shape("", "Red wine") == "bottle"
    assert shape("Unheard Of") == shape("unheard of")
    assert set(FORMS) == set(SHAPES)


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_is_a_pack_on_white(name):
    """White at the edges, something in the middle, and its label there."""
    seen = pixels(draw("Label", SHAPES[name].split()[0], size=96))
    assert seen.shape == (96, 96, 3)
    assert (seen[0] == 255).all()
    assert (seen[:, 0] == 255).all()
    assert 0.1 < (seen.min(axis=2) < 235).mean() < 0.9


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=20))
def test_any_words_draw_something(sandbox, title, category, brand):
    """In any script, of any length, or none: a photo that the sandbox takes."""
    assert isinstance(sandbox.decode(draw(title, category, brand, size=48)), Picture)
