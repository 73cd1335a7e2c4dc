"""A network small enough to see: the mean red, green and blue of each quarter of a photo."""

from __future__ import annotations

import io

import numpy as np
from onnx import TensorProto, helper
from PIL import Image


def encoder(path, *, batch="n", size=8, gain=1.0, channels=3, twice=False, props=None):
    """Write an ONNX model float32[batch, channels, size, size] -> float32[batch, 12]; its path."""
    photo = helper.make_tensor_value_info("photo", TensorProto.FLOAT, [batch, channels, size, size])
    more = [helper.make_tensor_value_info("more", TensorProto.FLOAT, ["n"])] if twice else []
    vector = helper.make_tensor_value_info("vector", TensorProto.FLOAT, [batch, 4 * channels])
    nodes = [
        helper.make_node("AveragePool", ["photo"], ["pooled"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Mul", ["flat", "gain"], ["vector"]),
    ]
    weight = helper.make_tensor("gain", TensorProto.FLOAT, [], [gain])
    graph = helper.make_graph(nodes, "tiny", [photo, *more], [vector], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    helper.set_model_props(model, {"mean": "0", "std": "1", **(props or {})})
    path.write_bytes(model.SerializeToString())
    return path


def photo(red, green, blue, size=32):
    """A PNG of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (size, size), (red, green, blue)).save(file, "PNG")
    return file.getvalue()


def photos(folder, n, seed=0):
    """n photos of one colour each, named 0000.png on."""
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(seed)
    for number in range(n):
        (folder / f"{number:04d}.png").write_bytes(photo(*(int(one) for one in random.integers(0, 256, 3))))
    return folder
