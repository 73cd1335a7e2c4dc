"""Where photos lie: a folder, or a zip archive read as it is."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from vitrina.catalog import Catalog
from vitrina.errors import DataError
from vitrina.ids import Ids

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


@dataclass(frozen=True)
class Source:
    """Photos by name. `names`: sorted relative paths; `read(name, limit)`: at most limit + 1 bytes."""

    names: tuple[str, ...]
    read: Callable[[str, int], bytes]


def open_source(path: Path) -> Source:
    """The photos of a folder (with its subfolders) or of a .zip.

    Raises DataError where there is neither, or no photo in it.
    """
    if path.is_dir():
        source = _folder(path)
    elif path.is_file() and zipfile.is_zipfile(path):
        source = _archive(path)
    else:
        raise DataError(f"{path} is neither a folder of photos nor a .zip of them")
    if not source.names:
        raise DataError(f"{path} holds no photo; looked for names ending in {', '.join(sorted(SUFFIXES))}")
    return source


def _folder(path: Path) -> Source:
    names = (one.relative_to(path).as_posix() for one in path.rglob("*"))

    def read(name: str, limit: int) -> bytes:
        place = path / name
        if place.is_symlink() or not place.is_file():
            raise OSError("it is a link or no regular file")
        with place.open("rb") as file:
            return file.read(limit + 1)

    return Source(tuple(sorted(filter(_is_photo, names))), read)


def _archive(path: Path) -> Source:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise DataError(f"{path} is no .zip that can be read: {error}; pack it again") from None

    def read(name: str, limit: int) -> bytes:
        try:
            with archive.open(name) as file:
                return file.read(limit + 1)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, ValueError) as error:
            raise OSError(f"the archive cannot give it: {error}") from None

    return Source(tuple(sorted(filter(_is_photo, archive.namelist()))), read)


def _is_photo(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix.lower() in SUFFIXES and not any(
        part.startswith((".", "__MACOSX")) for part in path.parts
    )


def images_of(items: Ids, catalog: Catalog) -> dict[str, str]:
    """item id -> its `image` of the catalogue, for `of_items` and `embed`."""
    names = items.names(np.arange(len(items), dtype=np.int32))
    return {name: catalog.image[row] for row, name in enumerate(names)}


def of_items(source: Source, images: Mapping[str, str] | None) -> tuple[dict[str, str], dict[str, str]]:
    """(item id -> photo name, item id -> why there is none).

    `images`: item id -> its `image` of the catalogue, '' where it gives none; such an item's photo
    is the one whose stem is its id. Without a catalogue every stem is an item id.
    """
    by_tail = {tail: name for name in reversed(source.names) for tail in _tails(name)}
    by_stem = {PurePosixPath(name).stem: name for name in reversed(source.names)}
    if images is None:
        return dict(sorted(by_stem.items())), {}
    found, missing = {}, {}
    for item, image in sorted(images.items()):
        name = _first(by_tail, image) if image else by_stem.get(item)
        if name is not None:
            found[item] = name
        elif image:
            missing[item] = f"no photo of the name {image!r}"
    return found, missing


def _tails(path: str) -> Iterator[str]:
    parts = PurePosixPath(path).parts
    return ("/".join(parts[start:]) for start in range(len(parts)))


def _first(by_tail: Mapping[str, str], image: str) -> str | None:
    return next((by_tail[tail] for tail in _tails(image) if tail in by_tail), None)
