"""Likeness: a mix of cosines is one dot product, and learning from attributes does what it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.images.metric import Map, Metric, learn, principal, taught, unit


def random(seed=0, n=200, d=12, c=9):
    """Vectors and colours of n photos."""
    made = np.random.default_rng(seed)
    spread = made.uniform(0.2, 3.0, d)
    return (made.normal(size=(n, d)) * spread + 1).astype(np.float32), unit(
        made.uniform(size=(n, c)).astype(np.float32)
    )


def made(vectors, colours, labels=(), *, colour=0.3, share=0.5, whiten=0.5):
    """A metric with these settings."""
    return learn(vectors, colours, labels, colour_weight=colour, taught_weight=share, whiten=whiten)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.05, 0.95), st.floats(0.05, 0.95), st.booleans())
def test_a_photo_is_as_like_itself_as_can_be(colour, share, labelled):
    """Mapped rows have length 1 whatever the weights, so likeness is at most 1."""
    vectors, colours = random()
    labels = [np.arange(200, dtype=np.int32) % 5] if labelled else []
    mapped = made(vectors, colours, labels, colour=colour, share=share)(vectors, colours)
    np.testing.assert_allclose(np.linalg.norm(mapped, axis=1), 1.0, rtol=1e-4)


def test_the_mix_is_the_weighted_mean_of_cosines():
    """With a weight of 0.3, likeness is 0.7 of look's cosine and 0.3 of colour's."""
    vectors, colours = random()
    metric = made(vectors, colours)
    mapped = metric(vectors, colours)
    look, colour = metric.maps["look"](vectors), metric.maps["colour"](colours)
    np.testing.assert_allclose(mapped @ mapped.T, 0.7 * look @ look.T + 0.3 * colour @ colour.T, atol=1e-5)


def test_without_whitening_look_is_the_centred_cosine():
    """All axes kept, none rescaled: angles are those of the vectors less their mean."""
    vectors, _ = random()
    mapped = principal(vectors, 99, 0.0)(vectors)
    centred = unit(vectors - vectors.mean(axis=0))
    np.testing.assert_allclose(mapped @ mapped.T, centred @ centred.T, atol=1e-4)


def test_whitening_wholly_makes_all_axes_equal():
    """Before rows are scaled to length 1, each axis has variance 1."""
    vectors, _ = random()
    one = principal(vectors, 99, 1.0)
    spread = np.cov(((vectors - one.mean) @ one.axes).T, bias=True)
    np.testing.assert_allclose(spread, np.eye(len(spread)), atol=1e-3)


def test_what_is_taught_brings_alike_things_together():
    """Two classes that differ along a faint axis: near by class when taught so, and not before."""
    made_of = np.random.default_rng(1)
    codes = (np.arange(600) % 2).astype(np.int32)
    vectors = (made_of.normal(size=(600, 20)) * np.linspace(5, 1, 20)).astype(np.float32)
    vectors[:, 19] += 3.0 * codes

    def same(one, seen):
        mapped = one(vectors[~seen])
        likeness = mapped @ unit(one(vectors[seen])).T
        nearest = np.argsort(-likeness, axis=1)[:, :5]
        return (codes[seen][nearest] == codes[~seen][:, None]).mean()

    seen = np.arange(600) < 300
    assert same(principal(vectors[seen], 20, 0.0), seen) < 0.65
    assert same(taught(vectors[seen], [codes[seen]]), seen) > 0.85


def test_labels_that_are_not_given_teach_nothing():
    """Attributes nobody has leave the metric as it was without them."""
    vectors, colours = random()
    none = [np.full(200, -1, np.int32)]
    plain, asked = made(vectors, colours), made(vectors, colours, none)
    assert asked.weights == plain.weights
    np.testing.assert_array_equal(asked(vectors, colours), plain(vectors, colours))


def test_a_metric_is_its_parts():
    """Stored as arrays and read back it maps the same, photos without colours too."""
    vectors, colours = random()
    metric = made(vectors, colours, [np.arange(200, dtype=np.int32) % 3])
    again = Metric.of_parts(metric.parts())
    np.testing.assert_array_equal(again(vectors, colours), metric(vectors, colours))
    blind = again(vectors, None)
    assert blind.shape == metric(vectors, colours).shape
    assert np.linalg.norm(blind, axis=1).max() <= np.sqrt(0.7) + 1e-4


@pytest.mark.parametrize("n", [1, 2, 3])
def test_very_few_photos_are_no_trouble(n):
    """Finite numbers, and zeros stay zeros."""
    vectors, colours = random(n=n)
    mapped = made(vectors, colours, [np.zeros(n, np.int32)])(vectors, colours)
    assert np.isfinite(mapped).all()
    assert not Map(np.ones(12, np.float32), np.eye(12, dtype=np.float32))(np.zeros((1, 12), np.float32)).any()
