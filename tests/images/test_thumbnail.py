"""Thumbnails tell a photo that was saved or scaled anew from another photo."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vitrina.images.decode import Sandbox
from vitrina.images.thumbnail import DIMS, SIDE, copies, thumbnail


@settings(max_examples=30, deadline=None)
@given(size=st.integers(1, 70), seed=st.integers(0, 2**16))
def test_a_tile_is_the_mean_of_its_pixels(size, seed):
    """Of any size of photo, also where tiles are of unequal size or smaller than a pixel."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8)
    found = thumbnail(pixels).reshape(SIDE, SIDE, 3)
    starts = [place * size // SIDE for place in range(SIDE)]
    ends = [max(begin + 1, end) for begin, end in zip(starts, [*starts[1:], size], strict=True)]
    for row, column in ((0, 0), (3, 7), (15, 15), (8, 1)):
        tile = pixels[starts[row] : ends[row], starts[column] : ends[column]]
        np.testing.assert_array_equal(found[row, column], tile.mean((0, 1)).astype(np.uint8))


def saved(image, kind, **options):
    """The bytes of a photo."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def thumbs(photos):
    """Thumbnails of photos, as `embed` makes them."""
    sandbox = Sandbox()
    try:
        return np.stack([thumbnail(sandbox.decode(one).pixels) for one in photos])
    finally:
        sandbox.close()


def every_pair(n):
    """Lists in which each of n is a neighbour of each."""
    return np.arange(0, n * n + 1, n), np.tile(np.arange(n, dtype=np.int32), n), np.ones(n * n, np.float32)


def scene(seed):
    """A photo of some shapes on white."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (300, 400), "white")
    for _ in range(6):
        left, top = random.integers(0, 200, 2).tolist()
        box = (left, top, left + 90, top + 140)
        image.paste(tuple(random.integers(0, 256, 3).tolist()), box)
    return image


@pytest.mark.parametrize("seed", range(3))
def test_a_photo_saved_or_scaled_anew_is_a_copy(seed):
    """As JPEG of three qualities, at half and at twice its size: one photo; another scene is none."""
    image = scene(seed)
    photos = [saved(image, "PNG"), *(saved(image, "JPEG", quality=quality) for quality in (85, 70, 50))]
    photos += [saved(image.resize((w, 4 * w // 3)), "PNG") for w in (150, 600)]
    photos += [saved(scene(seed + 10), "PNG")]
    found = copies(thumbs(photos), every_pair(7), 0.05).reshape(7, 7)
    assert found[:6, :6].all()
    assert not found[6, :6].any()
    assert not found[:6, 6].any()


def test_small_things_on_white_are_not_one():
    """What differs is measured by what there is to see: two specks are no copies, alike as their photos are."""
    photos = []
    for left in (140, 160):
        image = Image.new("RGB", (300, 300), "white")
        image.paste("gold", (left, 140, left + 12, 150))
        photos.append(saved(image, "PNG"))
    assert np.abs(np.diff(thumbs(photos).astype(int), axis=0)).mean() < 1
    assert copies(thumbs(photos), every_pair(2), 0.05).tolist() == [True, False, False, True]


def test_differences_are_those_by_hand():
    """Squares added up over all tiles, beside the paler one's distance from white, times the share."""
    random = np.random.default_rng(2)
    thumbnails = random.integers(0, 256, (20, DIMS), np.uint8)
    thumbnails[10:] = np.clip(thumbnails[:10] + random.integers(-40, 40, (10, DIMS)), 0, 255)
    found = copies(thumbnails, every_pair(20), 0.15).reshape(20, 20)
    apart = ((thumbnails[:, None].astype(float) - thumbnails) ** 2).sum(2) ** 0.5
    depth = ((255.0 - thumbnails) ** 2).sum(1) ** 0.5
    np.testing.assert_array_equal(found, apart <= 0.15 * np.minimum(depth[:, None], depth))
    assert 20 < found.sum() < 400
