"""Photos by name, from a folder or an archive; nothing outside either is ever read."""

from __future__ import annotations

import os
import zipfile
from dataclasses import replace

import pytest

from shops import make_shop
from vitrina.errors import DataError
from vitrina.ids import Texts
from vitrina.images.sources import images_of, of_items, open_source


@pytest.fixture
def folder(tmp_path):
    """A folder of photos, some of them not."""
    place = tmp_path / "photos"
    for name in ("a.jpg", "sub/b.PNG", "sub/deep/c.webp", ".hidden/d.jpg", "notes.txt", "e.jpeg", ".f.jpg"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(name.encode())
    return place


def zipped(folder, path):
    """The same as an archive."""
    with zipfile.ZipFile(path, "w") as made:
        for one in sorted(folder.rglob("*")):
            made.write(one, one.relative_to(folder))
    return path


NAMES = ("a.jpg", "e.jpeg", "sub/b.PNG", "sub/deep/c.webp")


def test_folder_and_archive_hold_the_same(folder, tmp_path):
    """Subfolders too, hidden files not; as many bytes as asked for, and one more to tell."""
    for source in (open_source(folder), open_source(zipped(folder, tmp_path / "p.zip"))):
        assert source.names == NAMES
        assert source.read("sub/b.PNG", 100) == b"sub/b.PNG"
        assert source.read("sub/b.PNG", 3) == b"sub/"


def test_links_and_pipes_are_not_read(folder, tmp_path):
    """A link could lead anywhere, a pipe would wait for ever."""
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    os.mkfifo(folder / "pipe.jpg")
    source = open_source(folder)
    for name in ("link.jpg", "pipe.jpg", "gone.jpg"):
        with pytest.raises(OSError, match="no regular file"):
            source.read(name, 10)


def test_an_archive_s_broken_entries_are_its_own_trouble(folder, tmp_path):
    """A damaged or encrypted entry is an OSError like any photo that cannot be read."""
    path = zipped(folder, tmp_path / "p.zip")
    data = bytearray(path.read_bytes())
    at = data.index(b"e.jpeg") + len("e.jpeg")
    data[at] ^= 0xFF
    central = data.rindex(b"a.jpg") - 46
    data[central + 8] |= 1
    path.write_bytes(data)
    source = open_source(path)
    for name in ("e.jpeg", "a.jpg"):
        with pytest.raises(OSError, match="archive cannot give"):
            source.read(name, 100)
    assert source.read("sub/b.PNG", 100) == b"sub/b.PNG"


def test_stems_are_ids_without_a_catalogue(folder):
    """Where two photos have one stem the first by name is taken."""
    (folder / "sub" / "a.png").write_bytes(b"")
    found, missing = of_items(open_source(folder), None)
    assert found == {"a": "a.jpg", "b": "sub/b.PNG", "c": "sub/deep/c.webp", "e": "e.jpeg"}
    assert missing == {}


def test_a_catalogue_names_photos_by_any_tail(folder):
    """As far as the folder has them; a path that leaves the folder names nothing."""
    images = {
        "1": "a.jpg",
        "2": "https://shop.example/media/deep/c.webp",
        "3": "/srv/sub/b.PNG",
        "e": "",
        "5": "../../etc/passwd",
        "6": "",
        "7": "/",
    }
    found, missing = of_items(open_source(folder), images)
    assert found == {"1": "a.jpg", "2": "sub/deep/c.webp", "3": "sub/b.PNG", "e": "e.jpeg"}
    assert set(missing) == {"5", "7"}


def test_a_dataset_s_images_are_its_catalogue_s():
    """Item by item, '' where the catalogue names none."""
    shop = make_shop([], items=["b", "a"])
    catalog = replace(shop.catalog, image=Texts.of(["x/1.jpg", ""]))
    assert images_of(shop.items, catalog) == {"a": "x/1.jpg", "b": ""}


def test_what_holds_no_photos_is_said(tmp_path):
    """A missing place, a file that is no archive, an empty folder."""
    (tmp_path / "x.zip").write_bytes(b"not a zip")
    for name in ("gone", "x.zip"):
        with pytest.raises(DataError, match=r"neither a folder"):
            open_source(tmp_path / name)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no photo"):
        open_source(tmp_path / "empty")


def test_an_archive_whose_list_is_damaged_is_said(folder, tmp_path):
    """A version nobody wrote, in the list at its end: an error that names the file."""
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.write(next(folder.rglob("*.jpg")), "a.jpg")
    data = bytearray(archive.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 6 : at + 8] = b"\xff\xff"
    archive.write_bytes(data)
    with pytest.raises(DataError, match=r"x.zip is no .zip that can be read"):
        open_source(archive)
