"""Photos to vectors: only what changed is encoded, and what cannot be read is named, not fatal."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tiny_network as tiny

from shops import make_shop
from vitrina.errors import DataError
from vitrina.images import embed as module
from vitrina.images import vectors
from vitrina.images.embed import REJECTS, embed, look
from vitrina.images.vectors import INDEX


@pytest.fixture
def shop(tmp_path):
    """(photos, out, encoder): thirty photos and a network that sees their colours."""
    return tiny.photos(tmp_path / "photos", 30), tmp_path / "out", tiny.encoder(tmp_path / "net.onnx")


def test_every_photo_gets_its_vector(shop):
    """Ids are the photos' stems, rows their vectors, colours of length 1; the index names all of them."""
    photos, out, net = shop
    report = embed(photos, out, encoder=net, workers=2)
    found = vectors.read(out)
    assert report.encoded == report.items == 30
    assert report.rejects == {}
    assert list(found.ids) == [f"{number:04d}" for number in range(30)]
    assert found.vectors.shape == (30, 12)
    np.testing.assert_allclose(np.linalg.norm(found.colours, axis=1), 1.0, rtol=1e-5)
    assert not np.allclose(found.vectors[3], found.vectors[4])
    assert len(json.loads((out / INDEX).read_text())["photos"]) == 30


def test_vectors_are_what_the_network_says(shop):
    """Red, green and blue between 0 and 1, by the mean and scale that the model states."""
    photos, out, net = shop
    (photos / "red.png").write_bytes(tiny.photo(255, 0, 51))
    embed(photos, out, encoder=net)
    found = vectors.read(out)
    row = found.vectors[list(found.ids).index("red")]
    np.testing.assert_allclose(row.reshape(3, 4), np.repeat([[1.0], [0.0], [0.2]], 4, axis=1), atol=0.01)
    seen = look(photos / "red.png", encoder=net)
    np.testing.assert_allclose(seen.vectors[0], row, atol=1e-6)
    assert (seen.ids, seen.encoder) == (["red.png"], found.encoder)


def test_only_changed_photos_are_encoded_again(shop):
    """A second run encodes nothing and writes the same; a changed, a new and a removed photo are seen."""
    photos, out, net = shop
    embed(photos, out, encoder=net)
    before = (out / vectors.EMBEDDINGS).read_bytes()
    again = embed(photos, out, encoder=net)
    assert (again.encoded, again.kept) == (0, 30)
    assert (out / vectors.EMBEDDINGS).read_bytes() == before
    (photos / "0001.png").write_bytes(tiny.photo(1, 2, 3))
    (photos / "new.png").write_bytes(tiny.photo(9, 2, 3))
    (photos / "0002.png").unlink()
    (photos / "0003.png").rename(photos / "moved.png")
    changed = embed(photos, out, encoder=net)
    assert (changed.encoded, changed.items) == (2, 30)
    assert "0002" not in vectors.read(out).ids
    assert "moved" in vectors.read(out).ids


def test_the_same_photo_is_encoded_once(shop):
    """Copies of a photo share its vector exactly."""
    photos, out, net = shop
    for name in ("copy1", "copy2"):
        (photos / f"{name}.png").write_bytes((photos / "0000.png").read_bytes())
    assert embed(photos, out, encoder=net).encoded == 30
    found = vectors.read(out)
    rows = [list(found.ids).index(name) for name in ("0000", "copy1", "copy2")]
    assert len({found.vectors[row].tobytes() for row in rows}) == 1


def test_another_network_encodes_everything_again(shop, tmp_path):
    """Vectors of two networks are never mixed."""
    photos, out, net = shop
    embed(photos, out, encoder=net)
    before = vectors.read(out)
    other = tiny.encoder(tmp_path / "other.onnx", gain=2.0)
    assert embed(photos, out, encoder=other).encoded == 30
    assert before.encoder != vectors.read(out).encoder
    np.save(out / vectors.EMBEDDINGS, before.vectors)
    assert vectors.read(out).encoder == "", "vectors that the shop put there are of nobody we know"


@pytest.mark.parametrize(
    "damage",
    [
        lambda out: (out / INDEX).write_text("{"),
        lambda out: (out / INDEX).write_text('{"format": 1}'),
        lambda out: (out / INDEX).write_text("[]"),
        lambda out: (out / vectors.EMBEDDINGS).unlink(),
        lambda out: (out / vectors.COLOURS).unlink(),
        lambda out: (out / vectors.COLOURS).write_bytes(b"junk"),
        lambda out: (out / vectors.THUMBNAILS).unlink(),
        lambda out: np.save(out / vectors.EMBEDDINGS, np.zeros((30, 12), np.float32)),
    ],
)
def test_a_run_that_was_cut_off_is_not_believed(shop, damage):
    """An index beside files that are not its own is not used; the next run makes all of it again."""
    photos, out, net = shop
    embed(photos, out, encoder=net)
    whole = (out / vectors.EMBEDDINGS).read_bytes()
    damage(out)
    said = []
    assert embed(photos, out, encoder=net, say=said.append).encoded == 30
    assert any("encoded again" in line for line in said)
    assert (out / vectors.EMBEDDINGS).read_bytes() == whole


def killed(monkeypatch, chunk, shop, *, checkpoint):
    """`embed` in chunks of 4 that dies in one of them, counted from 0."""
    photos, out, net = shop
    before, calls = module._encode, iter(range(100))

    def dying(*args):
        if next(calls) == chunk:
            raise KeyboardInterrupt
        return before(*args)

    with monkeypatch.context() as patched:
        for name, value in (("CHUNK", 4), ("CHECKPOINT", checkpoint), ("_encode", dying)):
            patched.setattr(module, name, value)
        with pytest.raises(KeyboardInterrupt):
            embed(photos, out, encoder=net)


def test_a_killed_run_goes_on_where_it_was(shop, monkeypatch):
    """What was written at a checkpoint is not encoded again."""
    photos, out, net = shop
    killed(monkeypatch, 5, shop, checkpoint=8)
    assert embed(photos, out, encoder=net).encoded == 30 - 16


def test_a_killed_run_loses_nothing_of_an_earlier_one(shop, monkeypatch):
    """New photos come first and the run dies after a checkpoint: what an earlier run did of the rest is kept."""
    photos, out, net = shop
    embed(photos, out, encoder=net)
    for number in range(8):
        (photos / f"  new{number}.png").write_bytes(tiny.photo(number, 2, 3))
    killed(monkeypatch, 1, shop, checkpoint=4)
    assert len(vectors.read(out).ids) == 34
    assert embed(photos, out, encoder=net).encoded == 4


def test_a_place_that_cannot_be_had_is_found_out_first(shop, monkeypatch):
    """Before the first photo is encoded: a file in the way, and a folder that nobody can make."""
    photos, out, net = shop
    monkeypatch.setattr(module, "Pool", None)
    out.write_text("a file")
    for place in (out, out / "below", Path("/proc/nowhere")):
        with pytest.raises(DataError, match=r"name one that|name another"):
            embed(photos, place, encoder=net)


def test_bad_photos_are_named_and_the_rest_goes_on(shop):
    """Each has its line and reason in the rejects file."""
    photos, out, net = shop
    (photos / "evil.png").write_bytes(b"%!PS-Adobe-3.0\n")
    (photos / "half.jpg").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF")
    (photos / "link.png").symlink_to("/etc/passwd")
    report = embed(photos, out, encoder=net)
    assert report.items == 30
    assert set(report.rejects) == {"evil", "half", "link"}
    with (out / REJECTS).open(newline="") as file:
        lines = dict(list(csv.reader(file))[1:])
    assert lines == dict(report.rejects)
    assert "3 rejected" in str(report)


def test_nothing_readable_is_an_error(tmp_path):
    """No photo at all, or none that could be read, ends with a sentence, and writes nothing."""
    net, photos = tiny.encoder(tmp_path / "net.onnx"), tmp_path / "photos"
    photos.mkdir()
    with pytest.raises(DataError, match="holds no photo"):
        embed(photos, tmp_path / "out", encoder=net)
    (photos / "a.png").write_bytes(b"no")
    with pytest.raises(DataError, match="not JPEG, PNG or WEBP"):
        embed(photos, tmp_path / "out", encoder=net)
    with pytest.raises(DataError, match="neither a folder"):
        embed(tmp_path / "nowhere", tmp_path / "out", encoder=net)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_archive_is_read_as_it_is(shop, tmp_path, how):
    """A .zip gives the same vectors as the folder it was made of."""
    photos, out, net = shop
    with zipfile.ZipFile(tmp_path / "photos.zip", "w", how) as made:
        for one in photos.iterdir():
            made.write(one, f"shop/{one.name}")
        made.writestr("__MACOSX/._0000.png", b"junk")
        made.writestr("shop/bomb.png", b"\0" * (30 << 20))
    embed(photos, out, encoder=net)
    report = embed(tmp_path / "photos.zip", tmp_path / "zipped", encoder=net)
    assert set(report.rejects) == {"bomb"}
    assert (tmp_path / "zipped" / vectors.EMBEDDINGS).read_bytes() == (out / vectors.EMBEDDINGS).read_bytes()


def test_the_catalogue_says_which_photo_is_whose(shop):
    """items.image names a photo by any tail of its path; items without one go by their id."""
    photos, out, net = shop
    images = {"shirt": "https://cdn.example/img/0004.png", "0005": "", "sock": "gone.png", "none": ""}
    report = embed(photos, out, encoder=net, photos=images)
    assert list(vectors.read(out).ids) == ["0005", "shirt"]
    assert report.rejects == {"sock": "no photo of the name 'gone.png'"}


def test_a_shop_s_dataset_gets_the_vectors(shop):
    """Rows follow the dataset's items; an item without a photo has zeros."""
    photos, out, net = shop
    embed(photos, out, encoder=net)
    made = make_shop([("u", "0003", 1), ("u", "0001", 2)], items=["elsewhere"])
    said = []
    dataset = vectors.attach(made, out, said.append)
    found = vectors.read(out)
    np.testing.assert_array_equal(dataset.vectors[made.items.row("0003")], found.vectors[3])
    np.testing.assert_array_equal(dataset.colours[made.items.row("0001")], found.colours[1])
    np.testing.assert_array_equal(dataset.thumbnails[made.items.row("0001")], found.thumbnails[1])
    assert not dataset.vectors[made.items.row("elsewhere")].any()
    assert "2 of 3 items; 28 of unknown items" in said[0]
    assert vectors.attach(made, photos).vectors is None


def test_a_photo_that_cannot_be_used_is_said(tmp_path):
    """`look` ends with a sentence for a missing or a hostile photo."""
    net = tiny.encoder(tmp_path / "net.onnx")
    with pytest.raises(DataError, match="No such file"):
        look(tmp_path / "gone.png", encoder=net)
    (tmp_path / "bad.png").write_bytes(b"bad")
    with pytest.raises(DataError, match="cannot be used"):
        look(tmp_path / "bad.png", encoder=net)
