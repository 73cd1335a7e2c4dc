"""A bundle accounts for every byte; what is not as the manifest says is refused by name."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from vitrina import bundle
from vitrina.bundle import Bundle, Manifest, files
from vitrina.bundle.manifest import seal
from vitrina.errors import BundleCorrupt, BundleError, BundleTooNew

PARTS = {
    "a/rows": np.arange(5, dtype=np.int32),
    "a/empty": np.zeros((0, 3), np.float32),
    "b/opaque": b"\x00index",
}


def fitted(parts=None, **changed):
    """A bundle in memory."""
    told = {
        "version": "",
        "created": 1_700_000_000,
        "vitrina": "test",
        "recipe": "r",
        "placements": {},
        "strategies": {},
    }
    return Bundle(
        Manifest(**{**told, "dataset": {}, "types": [], **changed}), PARTS if parts is None else parts
    )


@pytest.fixture
def stored(tmp_path):
    """The same bundle on disk."""
    return bundle.write(fitted(), tmp_path).path


def refused(path, how):
    """Both opening and verifying say BundleCorrupt, naming the bundle."""
    with pytest.raises(how, match=path.name):
        bundle.verify(path)


arrays = npst.arrays(
    st.sampled_from([np.int32, np.float32, np.int64, np.bool_, np.dtype("S7")]),
    npst.array_shapes(min_dims=1, max_dims=2, min_side=0),
)


@settings(max_examples=30, deadline=None)
@given(
    parts=st.dictionaries(
        st.from_regex(r"[a-z]{1,5}/[A-Za-z ./%]{1,8}", fullmatch=True).filter(
            lambda one: "//" not in one and not one.endswith("/") and "/." not in one
        ),
        arrays | st.binary(max_size=20),
        max_size=4,
    )
)
def test_parts_come_back_as_they_were(tmp_path_factory, parts):
    """Any numeric array or bytes under any name is read as it was written, read-only."""
    opened = bundle.write(fitted(parts), tmp_path_factory.mktemp("b"))
    assert set(opened.parts) == set(parts)
    for name, part in parts.items():
        if isinstance(part, bytes):
            assert opened.parts[name] == part
        else:
            np.testing.assert_array_equal(opened.parts[name], part)
            assert opened.parts[name].dtype == part.dtype


def test_same_content_same_name(tmp_path):
    """The hash covers parts and recipe; not when it was trained, nor its metrics."""
    one = bundle.write(fitted(), tmp_path / "one").manifest.version
    later = bundle.write(
        fitted(created=1_800_000_000, metrics={"ndcg": 1}), tmp_path / "two"
    ).manifest.version
    other = bundle.write(fitted(recipe="other"), tmp_path / "three").manifest.version
    assert one.split("-")[1] == later.split("-")[1] != other.split("-")[1]


def test_mapped_parts_cannot_be_written(stored):
    """What is open is read-only."""
    with pytest.raises(ValueError, match="read-only"):
        bundle.read(stored).parts["a/rows"][0] = 9


def test_every_flipped_byte_is_noticed(stored):
    """One wrong bit anywhere in any file, and verify refuses the bundle."""
    for file in sorted(one for one in stored.rglob("*") if one.is_file()):
        data = file.read_bytes()
        for place in range(0, len(data), max(1, len(data) // 40)):
            file.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
            with pytest.raises(BundleError):
                bundle.verify(stored)
        file.write_bytes(data)
    assert bundle.verify(stored)


def test_every_truncation_is_noticed(stored):
    """A file cut anywhere is refused at opening, before anything is mapped."""
    file = stored / "a" / "rows.npy"
    data = file.read_bytes()
    for place in range(0, len(data), 5):
        file.write_bytes(data[:place])
        with pytest.raises(BundleCorrupt, match="a/rows"):
            bundle.read(stored)


def test_missing_and_swapped_files(stored):
    """A part that is gone, or another part in its place, is refused."""
    rows = stored / "a" / "rows.npy"
    kept = rows.read_bytes()
    rows.unlink()
    refused(stored, BundleCorrupt)
    rows.write_bytes((stored / "a" / "empty.npy").read_bytes())
    refused(stored, BundleCorrupt)
    rows.write_bytes(kept)
    assert bundle.verify(stored)


def edit(path, **changed):
    """Rewrite a manifest's fields."""
    file = path / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changed}))
    reseal(path)


def reseal(path):
    """Seal a manifest anew, as whoever forges one would."""
    (path / "manifest.sha256").write_bytes(seal((path / "manifest.json").read_bytes()))


def test_a_later_format_is_refused_with_a_sentence(stored):
    """A bundle of the future says so, and what to do."""
    edit(stored, format=2)
    with pytest.raises(BundleTooNew, match="reads up to 1; upgrade"):
        bundle.read(stored)


@pytest.mark.parametrize(
    "changed",
    [
        {"format": "1"},
        {"format": 0},
        {"surprise": 1},
        {"types": "purchase"},
        {"created": "now"},
        {"parts": []},
    ],
)
def test_a_manifest_of_another_shape(stored, changed):
    """Unknown, missing or ill-typed fields are refused."""
    edit(stored, **changed)
    refused(stored, BundleCorrupt)


@pytest.mark.parametrize("file", ["../outside.npy", "/etc/passwd", "a", "link.npy", "nowhere.npy"])
def test_a_part_outside_the_bundle(stored, file):
    """A path out of the bundle, a folder, a link, a hole: refused, whatever it points to."""
    (stored.parent / "outside.npy").write_bytes((stored / "a" / "rows.npy").read_bytes())
    (stored / "link.npy").symlink_to(stored.parent / "outside.npy")
    parts = json.loads((stored / "manifest.json").read_text())["parts"]
    parts["a/rows"]["file"] = file
    edit(stored, parts=parts)
    refused(stored, BundleCorrupt)


@pytest.mark.parametrize("shape", [[5, -1], [2**60, 2**60], ["5"], [6], [], None])
def test_a_lying_shape(stored, shape):
    """A shape that the file does not hold is refused, overflow included."""
    parts = json.loads((stored / "manifest.json").read_text())["parts"]
    parts["a/rows"]["shape"] = shape
    edit(stored, parts=parts)
    refused(stored, BundleCorrupt)


def test_objects_are_refused_unread(stored):
    """An object array, whose reading would run code, is refused by its header."""
    file = stored / "a" / "rows.npy"
    np.save(file, np.array([{"any": "thing"}], dtype=object), allow_pickle=True)
    parts = json.loads((stored / "manifest.json").read_text())["parts"]
    parts["a/rows"] |= {
        "dtype": "|O",
        "shape": [1],
        "size": file.stat().st_size,
        "sha256": files.digest_of(file),
    }
    edit(stored, parts=parts)
    with pytest.raises(BundleCorrupt):
        bundle.read(stored)


def test_a_huge_manifest_is_refused_unread(stored):
    """A manifest over its cap is not parsed."""
    with (stored / "manifest.json").open("r+b") as stream:
        stream.truncate(bundle.MAX_MANIFEST_BYTES + 1)
    refused(stored, BundleCorrupt)


def test_a_deep_manifest_is_refused(stored):
    """Nesting that exhausts the parser is an error, not a crash."""
    (stored / "manifest.json").write_text("[" * 100_000)
    reseal(stored)
    refused(stored, BundleCorrupt)


def test_nothing_half_written_is_visible(tmp_path, monkeypatch):
    """When the disk fills midway, the folder holds no bundle and no draft."""

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(BundleError, match="No space left"):
        bundle.write(fitted(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_draft_holds_what_it_keeps_on_disk_alone(tmp_path):
    """A kept part is mapped; published with others it makes the bundle that they would make at once."""
    at_once = bundle.write(fitted(), tmp_path / "once").manifest
    with bundle.Draft(tmp_path / "parts") as draft:
        kept = {name: draft.keep(name, part) for name, part in PARTS.items() if name != "b/opaque"}
        assert kept["a/rows"].tolist() == PARTS["a/rows"].tolist()
        assert not kept["a/rows"].flags.writeable
        draft.keep("a/dropped", np.arange(3))
        draft.keep("a/empty", np.arange(3))  # later another of its name is published
        home = draft.publish(fitted().manifest, {**kept, "b/opaque": PARTS["b/opaque"]})
    stored = bundle.verify(home)
    assert stored.manifest == at_once
    assert kept["a/rows"].tolist() == PARTS["a/rows"].tolist()
    found = {one.relative_to(home).as_posix() for one in home.rglob("*") if one.is_file()}
    assert found == {*(one.file for one in stored.manifest.parts.values()), bundle.MANIFEST, bundle.SEAL}
    assert [one.name for one in (tmp_path / "parts").iterdir()] == [stored.manifest.version]


def test_an_unpublished_draft_leaves_nothing(tmp_path):
    """What is kept lies in the folder while the draft is open, and not a moment longer."""
    with bundle.Draft(tmp_path) as draft:
        kept = draft.keep("a/rows", PARTS["a/rows"])
        assert len(list(tmp_path.iterdir())) == 1
    assert not list(tmp_path.iterdir())
    assert kept.tolist() == PARTS["a/rows"].tolist()


@pytest.mark.parametrize(
    "fault", [ZeroDivisionError("by zero"), StopIteration(), AssertionError("none"), KeyError("x")]
)
def test_whatever_reading_raises_is_the_bundles_fault(fault):
    """A division in a source, an iterator that ends too soon: the bundle is named, and what to do is said."""
    with pytest.raises(BundleCorrupt, match=r"bundle b1: .*train or copy it again"), bundle.as_corrupt("b1"):
        raise fault


def test_a_want_of_memory_is_not_the_bundles_fault():
    """Nobody should train it again for that."""
    with pytest.raises(MemoryError), bundle.as_corrupt("b1"):
        raise MemoryError
