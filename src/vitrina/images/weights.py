"""Tensors out of a torch weights file, without torch and without running what the file says.

A `.pth` of the classic kind is five pickles and then raw numbers. A pickle is a program; this
reader does not run it. `pickletools` only splits the bytes into opcodes; the two dozen opcodes a
state dict needs are interpreted here over plain data, and the names in the file stay names:
nothing is imported, looked up or called. Any other opcode or name ends the reading.
"""

from __future__ import annotations

import pickletools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from vitrina.errors import DataError

MAX_BYTES = 256 << 20
MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
STORAGES: dict[str, np.dtype[Any]] = {
    "torch FloatStorage": np.dtype("<f4"),
    "torch LongStorage": np.dtype("<i8"),
}
ORDERED_DICT = "collections OrderedDict"
REBUILD = "torch._utils _rebuild_tensor_v2"
NAMES = {ORDERED_DICT, REBUILD, *STORAGES}

Tensors = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class _Name:
    """A global the file mentions; only ever compared, never resolved."""

    text: str


@dataclass(frozen=True)
class _Storage:
    """A run of raw numbers further down the file."""

    dtype: np.dtype[Any]
    key: str
    size: int


@dataclass(frozen=True)
class _View:
    """A tensor as the file describes it: a strided window of a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Mark:
    """The place on the stack where a tuple or a run of items begins."""


def read(path: Path) -> Tensors:
    """The tensors of a weights file by name, each a C-contiguous array.

    Raises DataError for anything but a plain state dict of float32 and int64 tensors.
    """
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"{path} is larger than {MAX_BYTES >> 20} MiB: not the weights of a small network")
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            # Text in a damaged file may hold what Python takes for a wrong escape; it is refused below.
            warnings.simplefilter("ignore")
            return _tensors(file)
    except DataError as error:
        raise DataError(f"{path} cannot be read as weights: {error}") from None
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError, MemoryError) as error:
        raise DataError(f"{path} is not a well-formed weights file: {error!r}") from None


def _tensors(file: IO[bytes]) -> Tensors:
    if _Machine(file).run() != MAGIC or _Machine(file).run() != PROTOCOL:
        _refuse("it does not begin as a torch weights file does")
    if _Machine(file).run().get("little_endian") is not True:
        _refuse("its numbers are big-endian")
    views = _Machine(file).run()
    keys = _Machine(file).run()
    wanted = {view.storage.key: view.storage for view in views.values()}
    if set(wanted) != set(keys):
        _refuse("the storages it lists are not those its tensors use")
    storages = {key: _numbers(file, wanted[key]) for key in keys}
    return {name: _window(view, storages[view.storage.key]) for name, view in views.items()}


def _numbers(file: IO[bytes], storage: _Storage) -> NDArray[Any]:
    size = int.from_bytes(file.read(8), "little", signed=True)
    if size != storage.size or not 0 <= size <= MAX_BYTES:
        _refuse(f"storage {storage.key} holds {size} numbers, not {storage.size}")
    raw = file.read(size * storage.dtype.itemsize)
    return np.frombuffer(raw, storage.dtype, size)


def _window(view: _View, numbers: NDArray[Any]) -> NDArray[Any]:
    if min((*view.shape, *view.strides, view.offset, 0)) < 0 or len(view.shape) != len(view.strides):
        _refuse("a tensor has a negative or missing size")
    reach = sum((size - 1) * step for size, step in zip(view.shape, view.strides, strict=True))
    if 0 not in view.shape and view.offset + reach >= len(numbers):
        _refuse("a tensor reaches past its storage")
    if np.prod(view.shape, dtype=object) > len(numbers):
        _refuse("a tensor is larger than its storage")
    steps = tuple(step * numbers.itemsize for step in view.strides)
    window = np.lib.stride_tricks.as_strided(numbers[view.offset :], view.shape, steps, writeable=False)
    return np.ascontiguousarray(window).reshape(view.shape)


class _Machine:
    """One pickle, read over plain data: a stack, a memo, and a table of the opcodes admitted."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        """The value that the pickle leaves on its stack."""
        for opcode, argument, _ in pickletools.genops(self.file):
            if opcode.name == "STOP":
                return self.stack.pop()
            step = OPCODES.get(opcode.name)
            if step is None:
                _refuse(f"opcode {opcode.name} has no place in a state dict")
            step(self, argument)
        return _refuse("it ends early")

    def since_mark(self) -> list[Any]:
        """Take everything above the last mark off the stack, and the mark."""
        items = []
        while not isinstance(item := self.stack.pop(), _Mark):
            items.append(item)
        return items[::-1]

    def name(self, text: str) -> None:
        """Push a name, if it is one of the few a state dict mentions."""
        if text not in NAMES:
            _refuse(f"it wants {text!r}, which no weights need")
        self.stack.append(_Name(text))

    def storage(self) -> None:
        """Replace a storage's description by the storage."""
        kind, name, key, _device, size, _view = self.stack.pop()
        if kind != "storage" or not isinstance(key, str) or type(size) is not int:
            _refuse("a storage is not described as one")
        self.stack.append(_Storage(STORAGES[name.text], key, size))

    def call(self) -> None:
        """Do by hand the only two calls admitted: an empty dict, and a tensor's description."""
        arguments, name = self.stack.pop(), self.stack.pop()
        if name == _Name(ORDERED_DICT) and arguments == ():
            self.stack.append({})
        elif name == _Name(REBUILD) and isinstance(arguments[0], _Storage):
            storage, offset, shape, strides = arguments[:4]
            if any(type(one) is not int for one in (offset, *shape, *strides)):
                _refuse("a tensor's size is not a whole number")
            self.stack.append(_View(storage, offset, shape, strides))
        else:
            _refuse("it makes a call that no weights need")

    def put(self, pairs: list[Any]) -> None:
        """Put keys and values, by turns, into the dict on top; keys are texts."""
        if not all(isinstance(key, str) for key in pairs[::2]):
            _refuse("it names something by what is no text")
        self.stack[-1].update(zip(pairs[::2], pairs[1::2], strict=True))

    def extend(self, items: list[Any]) -> None:
        """Put items at the end of the list on top."""
        self.stack[-1].extend(items)

    def attributes(self) -> None:
        """Drop what is said about a dict (torch keeps versions there)."""
        self.stack.pop()
        if not isinstance(self.stack[-1], dict):
            _refuse("it sets attributes of something that has none")


def _refuse(reason: str) -> NoReturn:
    raise DataError(reason)


def _push(value: Callable[[], Any]) -> Callable[[_Machine, Any], None]:
    return lambda machine, _: machine.stack.append(value())


def _tuple(size: int) -> Callable[[_Machine, Any], None]:
    def step(machine: _Machine, _: Any) -> None:
        if len(machine.stack) < size:
            _refuse("it takes more off its stack than there is")
        machine.stack[len(machine.stack) - size :] = [tuple(machine.stack[len(machine.stack) - size :])]

    return step


def _literal(machine: _Machine, argument: Any) -> None:
    machine.stack.append(argument)


OPCODES: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": lambda machine, _: None,
    "GLOBAL": lambda machine, text: machine.name(text),
    "BINPERSID": lambda machine, _: machine.storage(),
    "REDUCE": lambda machine, _: machine.call(),
    "BUILD": lambda machine, _: machine.attributes(),
    "MARK": _push(_Mark),
    "EMPTY_DICT": _push(dict),
    "EMPTY_LIST": _push(list),
    "EMPTY_TUPLE": _push(tuple),
    "NONE": _push(lambda: None),
    "NEWTRUE": _push(lambda: True),
    "NEWFALSE": _push(lambda: False),
    "LONG1": _literal,
    "BININT": _literal,
    "BININT1": _literal,
    "BININT2": _literal,
    "BINUNICODE": _literal,
    "BINPUT": lambda machine, key: machine.memo.__setitem__(key, machine.stack[-1]),
    "LONG_BINPUT": lambda machine, key: machine.memo.__setitem__(key, machine.stack[-1]),
    "BINGET": lambda machine, key: machine.stack.append(machine.memo[key]),
    "LONG_BINGET": lambda machine, key: machine.stack.append(machine.memo[key]),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.since_mark())),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "SETITEM": lambda machine, _: machine.put([machine.stack.pop(-2), machine.stack.pop()]),
    "SETITEMS": lambda machine, _: machine.put(machine.since_mark()),
    "APPEND": lambda machine, _: machine.extend([machine.stack.pop()]),
    "APPENDS": lambda machine, _: machine.extend(machine.since_mark()),
}
