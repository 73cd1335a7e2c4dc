"""Pictures to vectors with ONNX Runtime: the built-in network, or a shop's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrina.errors import DataError
from vitrina.images.cache import sha256

BATCH = 32
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Encoder:
    """A network, photo float32[n, 3, size, size] -> vector float32[n, dims].

    `identity`: a hash of the file, by which vectors made by another network are told apart. `mean`
    and `std` scale RGB between 0 and 1; a model may state them, and `size`, in its metadata.
    """

    session: Any
    identity: str
    size: int
    dims: int
    mean: NDArray[np.float32]
    std: NDArray[np.float32]

    @classmethod
    def open(
        cls, path: Path | None = None, *, threads: int = 1, say: Callable[[str], None] = lambda _: None
    ) -> Encoder:
        """The network in this ONNX file, or EfficientNet-Lite0 where none is named.

        Raises DataError where it is no ONNX model of one photo tensor to one vector tensor.
        """
        if path is None:
            from vitrina.images.efficientnet import onnx_file

            path = onnx_file(say)
        session = _session(path, threads)
        stated = session.get_modelmeta().custom_metadata_map
        size = _size(path, session.get_inputs(), stated)
        try:
            mean, std = (_numbers(stated, *one) for one in (("mean", IMAGENET_MEAN), ("std", IMAGENET_STD)))
        except ValueError as error:
            raise DataError(f"{path}: its metadata 'mean' and 'std' must be numbers: {error}") from None
        blank = cls(session, sha256(path)[:16], size, 0, mean, std)
        return cls(session, blank.identity, size, _dims(path, blank), mean, std)

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """uint8[n, size, size, 3] RGB -> float32[n, dims]."""
        fixed = self.session.get_inputs()[0].shape[0]
        step = fixed if isinstance(fixed, int) else BATCH
        parts = [self._run(pixels[start : start + step], fixed) for start in range(0, len(pixels), step)]
        return np.concatenate(parts) if parts else np.zeros((0, self.dims), np.float32)

    def _run(self, pixels: NDArray[np.uint8], fixed: object) -> NDArray[np.float32]:
        photos = ((pixels.astype(np.float32) / 255.0 - self.mean) / self.std).transpose(0, 3, 1, 2)
        if isinstance(fixed, int):
            photos = np.resize(photos, (fixed, *photos.shape[1:]))
        found = self.session.run(None, {self.session.get_inputs()[0].name: photos})[0][: len(pixels)]
        return np.asarray(found, np.float32).reshape(len(pixels), -1)


def _session(path: Path, threads: int) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise DataError("ONNX Runtime is not installed: pip install 'vitrina[images]'") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises classes of its own for each way a file is wrong
        raise DataError(f"{path} is not a model that ONNX Runtime can run: {error}") from None


def _size(path: Path, inputs: Any, stated: dict[str, str]) -> int:
    shape = inputs[0].shape
    if len(inputs) != 1 or len(shape) != 4 or shape[1] != 3 or inputs[0].type != "tensor(float)":
        raise DataError(f"{path} must take one tensor, photo float32[n, 3, size, size]; it takes {shape}")
    if isinstance(shape[2], int) and shape[2] == shape[3]:
        return int(shape[2])
    text = stated.get("size", "224")
    if not text.isascii() or not text.isdigit() or not 16 <= int(text) <= 1024:
        raise DataError(f"{path}: its metadata 'size' must be a side in pixels of 16 to 1024, not {text!r}")
    return int(text)


def _dims(path: Path, blank: Encoder) -> int:
    try:
        vectors = blank(np.zeros((1, blank.size, blank.size, 3), np.uint8))
    except Exception as error:  # as above
        raise DataError(f"{path} does not run on a photo of {blank.size} x {blank.size}: {error}") from None
    if not np.isfinite(vectors).all():
        raise DataError(f"{path} makes vectors that are not numbers")
    return int(vectors.shape[1])


def _numbers(stated: dict[str, str], name: str, default: tuple[float, ...]) -> NDArray[np.float32]:
    given = [float(one) for one in stated[name].split(",")] if name in stated else default
    return np.broadcast_to(np.array(given, np.float32), (3,))
