"""Ready vectors from a shop: every form of ids, and a sentence for what does not fit."""

from __future__ import annotations

import numpy as np
import pytest

from shops import make_shop
from vitrina.errors import DataError
from vitrina.images import vectors

IDS = ["b", "a", 'ä,\n"quoted"', "=1+1"]
MATRIX = np.arange(8, dtype=np.float32).reshape(4, 2) + 1


def as_csv(folder, ids):
    """Ids as CSV, a column beside them."""
    rows = [["note", "item_id"], *([f"n{at}", one] for at, one in enumerate(ids))]
    vectors.write_csv(folder / "embeddings_ids.csv", rows)


def as_text(folder, ids):
    """Ids as lines."""
    (folder / "embeddings_ids.txt").write_text("\n".join(ids))


def as_bytes(folder, ids):
    """Ids as fixed-width bytes."""
    np.save(folder / "embeddings_ids.npy", np.array([one.encode() for one in ids]))


def as_unicode(folder, ids):
    """Ids as fixed-width text."""
    np.save(folder / "embeddings_ids.npy", np.array(ids))


@pytest.mark.parametrize(
    ("form", "ids"),
    [(as_csv, IDS), (as_bytes, IDS), (as_unicode, IDS), (as_text, ["b", "a", "ä", "=1"])],
)
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_every_form_of_ids_is_read(tmp_path, form, ids, kind):
    """CSV by its column item_id, lines, bytes, text; any float, as float32."""
    np.save(tmp_path / "embeddings.npy", MATRIX.astype(kind))
    form(tmp_path, ids)
    found = vectors.read(tmp_path)
    assert list(found.ids) == ids
    assert found.vectors.dtype == np.float32
    np.testing.assert_array_equal(found.vectors, MATRIX)
    assert found.colours is None


def test_what_is_written_is_read(tmp_path):
    """Ids of any text, vectors and colours come back."""
    colours = np.eye(4, dtype=np.float32)
    vectors.write(tmp_path / "new", vectors.Vectors(IDS, MATRIX, colours))
    found = vectors.read(tmp_path / "new")
    assert list(found.ids) == IDS
    np.testing.assert_array_equal(found.vectors, MATRIX)
    np.testing.assert_array_equal(found.colours, colours)
    assert not [one for one in (tmp_path / "new").iterdir() if one.name.startswith(".")]


def test_a_folder_without_vectors_has_none(tmp_path):
    """No embeddings.npy, no vectors, no error."""
    assert vectors.read(tmp_path) is None


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.array([{"a": 1}], object), "not an array that numpy can map"),
        (np.zeros(4, np.float32), "must be float"),
        (np.zeros((4, 2), np.int32), "must be float"),
        (np.zeros((4, 0), np.float32), "must be float"),
        (np.zeros((4, 8193), np.float16), "must be float"),
        (np.zeros((5, 2), np.float32), "5 rows, but there are 4 ids"),
    ],
)
def test_what_is_no_matrix_of_numbers_is_refused(tmp_path, array, said):
    """Objects (which could run code) above all."""
    np.save(tmp_path / "embeddings.npy", array, allow_pickle=True)
    as_csv(tmp_path, IDS)
    with pytest.raises(DataError, match=said):
        vectors.read(tmp_path)


def test_ids_that_do_not_fit_are_refused(tmp_path):
    """None at all, objects, or a table of them."""
    np.save(tmp_path / "embeddings.npy", MATRIX)
    with pytest.raises(DataError, match="needs the ids"):
        vectors.read(tmp_path)
    np.save(tmp_path / "embeddings_ids.npy", np.array(IDS, object), allow_pickle=True)
    with pytest.raises(DataError, match="not an array of ids"):
        vectors.read(tmp_path)
    np.save(tmp_path / "embeddings_ids.npy", np.zeros((2, 2), "S1"))
    with pytest.raises(DataError, match="flat array"):
        vectors.read(tmp_path)
    as_csv(tmp_path, IDS)
    for name, dtype in (("thumbnails.npy", np.uint8), ("colours.npy", np.float32)):
        np.save(tmp_path / name, np.zeros((3, 2), dtype))
        with pytest.raises(DataError, match=f"{name} has 3 rows.*embed again"):
            vectors.read(tmp_path)
        np.save(tmp_path / name, np.zeros((len(IDS), 2), np.int32))
        with pytest.raises(DataError, match=f"{name} must be .*not int32"):
            vectors.read(tmp_path)
        (tmp_path / name).unlink()


def test_a_table_of_ids_that_is_cut_or_no_text_is_refused(tmp_path):
    """A row without the column, with its number; bytes that are not UTF-8."""
    np.save(tmp_path / "embeddings.npy", MATRIX)
    (tmp_path / "embeddings_ids.csv").write_text("name,item_id\none,a\ntwo\n")
    with pytest.raises(DataError, match="row 3: no id in column 2"):
        vectors.read(tmp_path)
    (tmp_path / "embeddings_ids.csv").write_bytes(b"item_id\n\xff\xfe\n")
    with pytest.raises(DataError, match="cannot be read as UTF-8"):
        vectors.read(tmp_path)


def test_rows_go_to_their_items(tmp_path):
    """Of two vectors for one item the first stays; what is not a number is left out; unknown ids too."""
    matrix = np.array([[1, 1], [2, 2], [np.nan, 3], [4, np.inf], [5, 5]], np.float32)
    np.save(tmp_path / "embeddings.npy", matrix)
    as_text(tmp_path, ["b", "b", "a", "c", "stranger"])
    shop = make_shop([("u", "a", 1), ("u", "b", 1), ("u", "c", 1)])
    said = []
    found = vectors.attach(shop, tmp_path, said.append)
    np.testing.assert_array_equal(found.vectors, [[0, 0], [1, 1], [0, 0]])
    assert found.colours is None
    assert said == ["Photo vectors for 1 of 3 items; 1 of unknown items and 2 that are not numbers left out"]
