"""Weights are read as data: what a file says is never run, imported or believed."""

from __future__ import annotations

import builtins
import io
import pickle
import struct
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrina.errors import DataError
from vitrina.images.weights import MAGIC, PROTOCOL, read

TENSORS = {"a.weight": np.arange(12, dtype=np.float32).reshape(3, 4), "steps": np.array(7, np.int64)}
KIND = {np.dtype("float32"): "FloatStorage", np.dtype("int64"): "LongStorage"}


def text(value):
    """The opcode of a text."""
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value):
    """The opcode of a whole number, negative ones too."""
    return b"J" + struct.pack("<i", value)


def numbers(values):
    """The opcodes of a tuple of whole numbers."""
    return b"(" + b"".join(number(one) for one in values) + b"t"


def view(key, kind, size, offset, shape, strides):
    """The opcodes of one tensor's description, as torch writes them."""
    storage = b"(" + text("storage") + f"ctorch\n{kind}\n".encode() + text(key) + text("cpu") + number(size)
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"NtQ" + number(offset)
        + numbers(shape) + numbers(strides) + b"\x89ccollections\nOrderedDict\n)RtR"
    )  # fmt: skip


def state(entries):
    """The opcodes of a state dict of name -> opcodes of a value."""
    pairs = b"".join(text(name) + value for name, value in entries.items())
    return b"\x80\x02ccollections\nOrderedDict\n)R(" + pairs + b"u."


def weights(entries, storages):
    """A whole file: `storages` are key -> array."""
    head = [pickle.dumps(MAGIC, 2), pickle.dumps(PROTOCOL, 2), pickle.dumps({"little_endian": True}, 2)]
    keys = pickle.dumps(list(storages), 2)
    raw = b"".join(struct.pack("<q", one.size) + one.tobytes() for one in storages.values())
    return b"".join(head) + state(entries) + keys + raw


def plain(tensors):
    """A file of these tensors, each its own storage."""
    entries = {}
    for name, one in tensors.items():
        strides = tuple(step // one.itemsize for step in one.strides)
        entries[name] = view(name, KIND[one.dtype], one.size, 0, one.shape, strides)
    return weights(entries, tensors)


def one_tensor(size=12, offset=0, shape=(3, 4), strides=(4, 1)):
    """A file of one tensor over 12 numbers, described as said."""
    return weights(
        {"w": view("k", "FloatStorage", size, offset, shape, strides)}, {"k": np.arange(12, dtype=np.float32)}
    )


def test_tensors_come_back(tmp_path):
    """A state dict written as torch writes it is read to the same numbers, shapes and dtypes."""
    path = tmp_path / "w.pth"
    path.write_bytes(plain(TENSORS))
    found = read(path)
    assert set(found) == set(TENSORS)
    for name, one in TENSORS.items():
        assert found[name].dtype == one.dtype
        assert found[name].shape == one.shape
        np.testing.assert_array_equal(found[name], one)


def test_strides_and_offsets_are_respected(tmp_path):
    """A transposed window that begins inside its storage is read as what it shows."""
    path = tmp_path / "w.pth"
    path.write_bytes(one_tensor(offset=1, shape=(2, 3), strides=(1, 3)))
    numbers_of = np.arange(12, dtype=np.float32)
    np.testing.assert_array_equal(read(path)["w"], [numbers_of[[1, 4, 7]], numbers_of[[2, 5, 8]]])


class Marks:
    """What a hostile pickle would do: leave a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("place", range(5))
def test_a_pickle_that_runs_code_is_refused_in_every_place(tmp_path, protocol, place):
    """No protocol's way of calling a function runs, in whichever of the five pickles it stands."""
    mark, path = tmp_path / "ran", tmp_path / "w.pth"
    evil = pickle.dumps({"w": Marks(mark)}, protocol)
    pieces = [pickle.dumps(MAGIC, 2), pickle.dumps(PROTOCOL, 2), pickle.dumps({"little_endian": True}, 2)]
    pieces += [state({}), pickle.dumps([], 2)]
    pieces[place] = evil
    path.write_bytes(b"".join(pieces))
    with pytest.raises(DataError):
        read(path)
    assert not mark.exists()
    pickle.loads(evil)["w"].close()
    assert mark.exists(), "the same bytes do run when they are unpickled: the test has teeth"


@pytest.mark.parametrize(
    "code",
    [
        b"cos\nsystem\n(X\x04\x00\x00\x00truetR.",
        b"(S'true'\nios\nsystem\n.",
        b"(cos\nsystem\nS'true'\no.",
        b"cbuiltins\neval\n(X\x03\x00\x00\x001+1tR.",
        b"\x82\x01.",
        b"ccollections\nOrderedDict\n(]tR.",
        b"ccollections\nOrderedDict\n)\x81.",
        b"ctorch._utils\n_rebuild_tensor_v2\n)R.",
        b"ctorch\nFloatStorage\n)R.",
    ],
)
def test_other_names_and_calls_are_refused(tmp_path, code):
    """Only an empty OrderedDict and a tensor's description may be called for, and only as torch does."""
    path = tmp_path / "w.pth"
    path.write_bytes(
        b"".join(pickle.dumps(one, 2) for one in (MAGIC, PROTOCOL, {"little_endian": True})) + code
    )
    with pytest.raises(DataError):
        read(path)


def test_nothing_is_imported(tmp_path, monkeypatch):
    """The names in a good file are compared, never looked up: reading imports no module at all."""
    path = tmp_path / "w.pth"
    path.write_bytes(plain(TENSORS))
    read(path)
    before = set(sys.modules)

    def refuse(name, *_args, **_more):
        raise AssertionError(f"import of {name}")

    monkeypatch.setattr(builtins, "__import__", refuse)
    found = read(path)
    monkeypatch.undo()
    assert set(found) == set(TENSORS)
    assert set(sys.modules) == before
    assert "torch" not in sys.modules


@pytest.mark.parametrize(
    "described",
    [
        {"offset": 1},
        {"offset": -1},
        {"shape": (3, -4)},
        {"strides": (4, -1)},
        {"shape": (3, 4), "strides": (4,)},
        {"shape": (1_000_000, 1_000_000), "strides": (0, 0)},
        {"size": 13},
        {"size": 1 << 30},
        {"size": -1},
    ],
)
def test_windows_stay_inside_their_storage(tmp_path, described):
    """A view that reaches past its numbers, backwards, or is larger than they are is refused."""
    path = tmp_path / "w.pth"
    path.write_bytes(one_tensor(**described))
    with pytest.raises(DataError):
        read(path)


def test_a_deep_key_is_refused_before_it_is_hashed(tmp_path):
    """A key nested a hundred thousand tuples deep, whose hash would overflow the stack, ends in a sentence."""
    path = tmp_path / "w.pth"
    head = b"".join(pickle.dumps(one, 2) for one in (MAGIC, PROTOCOL, {"little_endian": True}))
    path.write_bytes(head + b"})" + b"\x85" * 100_000 + b"Ns.")
    with pytest.raises(DataError, match="no text"):
        read(path)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_files_end_in_a_sentence(tmp_path_factory, data):
    """Whatever bytes are changed or cut: tensors, or a DataError, and nothing else."""
    whole = bytearray(plain(TENSORS))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("w") / "w.pth"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        found = read(path)
    except DataError:
        return
    assert all(isinstance(one, np.ndarray) for one in found.values())


def test_a_huge_file_is_refused_unread(tmp_path):
    """A file beyond the size of any small network is not opened."""
    path = tmp_path / "w.pth"
    with path.open("wb") as file:
        file.truncate((256 << 20) + 1)
    with pytest.raises(DataError, match="larger than"):
        read(path)


def test_the_writer_of_these_tests_is_a_pickle():
    """What the tests write is what pickle itself reads, names aside."""
    found = pickle.Unpickler(io.BytesIO(state({}))).load()
    assert dict(found) == {}
