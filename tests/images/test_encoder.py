"""A shop's own network: what is asked of it, and what is said of one that is not so."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_network as tiny

from vitrina.errors import DataError
from vitrina.images.encoder import BATCH, Encoder

PIXELS = np.random.default_rng(0).integers(0, 256, (BATCH + 3, 8, 8, 3)).astype(np.uint8)


def means(pixels):
    """What the tiny network should say: means of quarters, channel by channel."""
    quarters = pixels.reshape(len(pixels), 2, 4, 2, 4, 3).mean(axis=(2, 4)) / 255.0
    return quarters.transpose(0, 3, 1, 2).reshape(len(pixels), -1)


@pytest.mark.parametrize("batch", ["n", 1, 5])
def test_any_batch_size_gives_the_same(tmp_path, batch):
    """Networks of fixed and of free batch size answer alike, for more photos than one batch and for none."""
    net = Encoder.open(tiny.encoder(tmp_path / "net.onnx", batch=batch))
    assert (net.size, net.dims) == (8, 12)
    np.testing.assert_allclose(net(PIXELS), means(PIXELS), atol=1e-5)
    assert net(PIXELS[:0]).shape == (0, 12)


def test_mean_and_scale_are_the_models_own(tmp_path):
    """Stated in its metadata, one number or one a channel; ImageNet's where it says nothing."""
    path = tiny.encoder(tmp_path / "net.onnx", props={"mean": "0.5,0.25,0", "std": "0.5"})
    expected = (means(PIXELS).reshape(-1, 3, 4) - np.array([0.5, 0.25, 0])[:, None]) / 0.5
    np.testing.assert_allclose(Encoder.open(path)(PIXELS), expected.reshape(len(PIXELS), -1), atol=1e-5)


def test_the_file_is_its_identity(tmp_path):
    """Two networks that differ in one weight have different identities; a copy has the same."""
    one, copy, other = (
        Encoder.open(tiny.encoder(tmp_path / name, gain=gain)).identity
        for name, gain in (("a.onnx", 1.0), ("b.onnx", 1.0), ("c.onnx", 1.5))
    )
    assert one == copy != other


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"channels": 4}, "must take one tensor"),
        ({"twice": True}, "must take one tensor"),
        ({"props": {"mean": "a,b"}}, "must be numbers"),
        ({"size": "s", "props": {"size": "9999"}}, "16 to 1024"),
        ({"size": "s", "props": {"size": "x"}}, "16 to 1024"),
        ({"gain": float("nan")}, "not numbers"),
    ],
)
def test_a_network_that_will_not_do(tmp_path, made, said):
    """The sentence names the file and what is wrong."""
    path = tiny.encoder(tmp_path / "net.onnx", **made)
    with pytest.raises(DataError, match=said) as error:
        Encoder.open(path)
    assert "net.onnx" in str(error.value)


def test_a_file_that_is_no_network(tmp_path):
    """Neither is a missing one."""
    (tmp_path / "net.onnx").write_bytes(b"not a model")
    for name in ("net.onnx", "gone.onnx"):
        with pytest.raises(DataError, match=name):
            Encoder.open(tmp_path / name)
