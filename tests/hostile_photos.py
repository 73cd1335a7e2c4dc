"""Photos that mean harm, made here: bombs, two files in one, animations, halves."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import numpy as np
from PIL import Image, PngImagePlugin


def picture(width=64, height=48, mode="RGB", seed=0):
    """A picture of noise in blocks, so that it compresses a little."""
    random = np.random.default_rng(seed)
    blocks = random.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3)).astype(np.uint8)
    pixels = blocks.repeat(8, axis=0).repeat(8, axis=1)[:height, :width]
    return Image.fromarray(pixels).convert(mode)


def saved(image, kind, **options):
    """The bytes of a picture in a format."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def chunk(name, data):
    """A PNG chunk."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_bomb(side=16_000):
    """A quarter of a gigapixel in about thirty kilobytes."""
    squeezer = zlib.compressobj(9)
    row = b"\0" * (side // 8 + 2)
    data = b"".join(squeezer.compress(row) for _ in range(side)) + squeezer.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def png_of_lies():
    """A small file that says it is 40 million pixels, and is cut off after a few rows."""
    data = zlib.compress(b"\0" * 1000, 9)
    head = struct.pack(">IIBBBBB", 8000, 5000, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def png_text_bomb():
    """A compressed text of 20 MB in the metadata."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "x" * 20_000_000, zip=True)
    return saved(picture(), "PNG", pnginfo=info)


def jpeg_bomb():
    """A JPEG whose header says 65,000 x 65,000."""
    data = bytearray(saved(picture(), "JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 65_000, 65_000)
    return bytes(data)


def jpeg_of_scans(scans=20_000, side=3000):
    """A progressive JPEG that goes over its nine million pixels twenty thousand times."""
    data = saved(Image.new("L", (side, side), 128), "JPEG", progressive=True, quality=50)
    at = data.rindex(b"\xff\xda")
    return data[:at] + data[at:-2] * scans + b"\xff\xd9"


def archive():
    """A small zip."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("run.me", "#!/bin/sh\n")
    return file.getvalue()


def jpeg_with(comment):
    """A JPEG with something in its comment."""
    return saved(picture(), "JPEG", comment=comment)


def zip_in_a_comment():
    """A JPEG whose tail is inside the comment of a zip that begins inside its own comment."""
    whole = jpeg_with(archive()[:-2] + b"\0\0")
    end = whole.index(b"PK\5\6") + 20
    return whole[:end] + struct.pack("<H", len(whole) - end - 2) + whole[end + 2 :]


def animated(kind):
    """Two frames."""
    return saved(picture(), kind, save_all=True, append_images=[picture(seed=1)], duration=100)


def eps():
    """PostScript."""
    return b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n"


HOSTILE = {
    "png bomb": (png_bomb, "pixels"),
    "png that lies": (png_of_lies, ""),
    "png text bomb": (png_text_bomb, "cannot be decoded"),
    "jpeg bomb": (jpeg_bomb, "pixels"),
    "jpeg of twenty thousand scans": (jpeg_of_scans, "processor time"),
    "eps": (eps, "not JPEG, PNG or WEBP"),
    "gif": (lambda: saved(picture(), "GIF"), "not JPEG, PNG or WEBP"),
    "bmp": (lambda: saved(picture(), "BMP"), "not JPEG, PNG or WEBP"),
    "tiff": (lambda: saved(picture(), "TIFF"), "not JPEG, PNG or WEBP"),
    "ico": (lambda: saved(picture(), "ICO"), "not JPEG, PNG or WEBP"),
    "riff that is no webp": (lambda: b"RIFF\x04\0\0\0WAVE", "not JPEG, PNG or WEBP"),
    "nothing": (lambda: b"", "not JPEG, PNG or WEBP"),
    "text": (lambda: b"hello", "not JPEG, PNG or WEBP"),
    "zip": (archive, "not JPEG, PNG or WEBP"),
    "animated webp": (lambda: animated("WEBP"), "animated"),
    "animated png": (lambda: animated("PNG"), "animated"),
    "jpeg and zip": (lambda: saved(picture(), "JPEG") + archive(), "something else"),
    "png and zip": (lambda: saved(picture(), "PNG") + archive(), "something else"),
    "webp and zip": (lambda: saved(picture(), "WEBP") + archive(), "something else"),
    "png and page": (lambda: saved(picture(), "PNG") + b"<html><script>1</script>", "something else"),
    "zip in a comment": (zip_in_a_comment, "at once"),
    "pdf in a comment": (lambda: jpeg_with(b"%PDF-1.7 1 0 obj"), "at once"),
    "script in a comment": (lambda: jpeg_with(b"*/=1;<script>alert(1)</script>"), "at once"),
    "php in a comment": (lambda: jpeg_with(b"<?php system('id');"), "at once"),
    "broken segments": (lambda: b"\xff\xd8\xff\xe0\0\x04ab" + b"junk" * 9, "broken"),
    "endless segment": (lambda: b"\xff\xd8\xff\xe0\xff\xff", "short"),
    "png of zero pixels": (
        lambda: b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 0, 8, 2, 0, 0, 0)) + chunk(b"IEND", b""),
        "",
    ),
}  # fmt: skip
"""name -> (maker of its bytes, a word of the reason)."""
