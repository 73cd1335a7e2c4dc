"""The process in which strangers' photos are decoded; run as a script, never imported by Vitrina.

It holds nothing but Pillow, may not write a file, and dies when it takes too much memory or time.
In: 8 bytes of length, then a photo. Out: one byte, 1 for a picture (four uint16 of where it lies,
then size x size RGB) or 0 for a refusal (uint16 length, then the reason).
"""

from __future__ import annotations

import io
import resource
import signal
import struct
import sys
import warnings
from typing import BinaryIO

from PIL import Image, ImageOps

FORMATS = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG", b"RIFF": "WEBP"}
FOREIGN = (b"%PDF-", b"%!PS", b"<?php", b"<script", b"<html", b"<svg")
"""How other formats begin; in the head of a photo they mean that it is two files at once."""
HEAD = 2048


class Refused(Exception):
    """A photo that will not be decoded; the message is the reason."""


def main(size: int, memory: int, pixels: int, seconds: float) -> None:
    """Answer photos until the input ends."""
    confine(memory)
    Image.MAX_IMAGE_PIXELS = pixels
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    while len(header := sys.stdin.buffer.read(8)) == 8:
        data = sys.stdin.buffer.read(struct.unpack("<Q", header)[0])
        signal.setitimer(signal.ITIMER_PROF, seconds)  # processor time; its signal ends the process
        answer(sys.stdout.buffer, data, size, pixels)
        signal.setitimer(signal.ITIMER_PROF, 0)


def confine(memory: int) -> None:
    """Bound what this process may take: address space, files, core dumps, children."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))


def answer(out: BinaryIO, data: bytes, size: int, pixels: int) -> None:
    """One photo in, one picture or refusal out."""
    try:
        box, picture = decode(data, size, pixels)
        out.write(b"\1" + struct.pack("<4H", *box) + picture)
    except Exception as error:  # a decoder may raise anything, and all of it means 'refused'
        reason = str(error) if isinstance(error, Refused) else f"it cannot be decoded: {error!r}"
        text = "".join(sign if sign.isprintable() else "?" for sign in reason[:200]).encode()
        out.write(b"\0" + struct.pack("<H", len(text)) + text)
    out.flush()


def decode(data: bytes, size: int, pixels: int) -> tuple[tuple[int, int, int, int], bytes]:
    """A photo as `size` x `size` RGB bytes on white, and the box (left, top, right, bottom) it fills."""
    kind = format_of(data)
    with Image.open(io.BytesIO(data), formats=(kind,)) as image:
        if image.width * image.height > pixels:
            raise Refused(f"{image.width} x {image.height} pixels are more than the {pixels} allowed")
        if kind != "JPEG" and getattr(image, "is_animated", False):
            raise Refused("it is animated")
        image.draft("RGB", (2 * size, 2 * size))  # JPEG decodes at a fraction of its size for less
        image.load()
        return fitted(opaque(ImageOps.exif_transpose(image)), size)


def format_of(data: bytes) -> str:
    """The format by its first bytes; refuses other formats and files that are two formats at once."""
    kind = next((name for magic, name in FORMATS.items() if data.startswith(magic)), None)
    if kind is None or (kind == "WEBP" and data[8:12] != b"WEBP"):
        raise Refused("it is not JPEG, PNG or WEBP")
    end = {"JPEG": end_of_jpeg, "PNG": end_of_png, "WEBP": end_of_webp}[kind](data)
    tail = data[end:]
    if tail.strip(b"\0\r\n ") and not (kind == "JPEG" and tail.startswith(b"\xff\xd8")):
        raise Refused(f"{len(tail)} bytes of something else follow the picture")
    if any(sign in data[:HEAD].lower() for sign in (one.lower() for one in FOREIGN)) or holds_zip(data):
        raise Refused("it is a picture and another kind of file at once")
    return kind


def holds_zip(data: bytes) -> bool:
    """Whether the file ends as a zip archive does (its directory may hide in a comment)."""
    at = data.rfind(b"PK\5\6", max(0, len(data) - 65557))
    if at < 0 or len(data) < at + 22:
        return False
    return at + 22 + int.from_bytes(data[at + 20 : at + 22], "little") == len(data)


def end_of_png(data: bytes) -> int:
    """Where the IEND chunk ends."""
    at = 8
    while at + 12 <= len(data):
        length, name = struct.unpack(">I4s", data[at : at + 8])
        at += 12 + length
        if name == b"acTL":
            raise Refused("it is animated")
        if name == b"IEND":
            return int(at)
    raise Refused("it is cut short")


def end_of_webp(data: bytes) -> int:
    """Where the RIFF container ends."""
    end = 8 + int(struct.unpack("<I", data[4:8])[0])
    if end > len(data):
        raise Refused("it is cut short")
    return end


def end_of_jpeg(data: bytes) -> int:
    """Where the end-of-image marker ends: segments are stepped over, entropy-coded data searched."""
    at = 2
    while at + 4 <= len(data):
        marker, length = struct.unpack(">HH", data[at : at + 4])
        if marker >> 8 != 0xFF:
            raise Refused("its segments are broken")
        if marker == 0xFFFF:  # a fill byte
            at += 1
        elif marker == 0xFFDA:
            at = next_marker(data, at + 2 + length)
            if data[at : at + 2] == b"\xff\xd9":
                return at + 2
        else:
            at += 2 + length
    raise Refused("it is cut short")


def next_marker(data: bytes, at: int) -> int:
    """The first marker at or after `at` that is neither a stuffed byte nor a restart."""
    while 0 <= (at := data.find(b"\xff", at)) < len(data) - 1:
        if data[at + 1] not in (0x00, *range(0xD0, 0xD8)):
            return at
        at += 2
    raise Refused("it is cut short")


def opaque(image: Image.Image) -> Image.Image:
    """RGB, what is transparent laid on white."""
    if image.mode.startswith("I;16") or image.mode == "I":
        image = image.point(lambda value: value / 256).convert("L")
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def fitted(image: Image.Image, size: int) -> tuple[tuple[int, int, int, int], bytes]:
    """Scaled to fit a white square, in its middle."""
    scale = size / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    small = image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=2.0)
    left, top = (size - width) // 2, (size - height) // 2
    square = Image.new("RGB", (size, size), "white")
    square.paste(small, (left, top))
    return (left, top, left + width, top + height), square.tobytes()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
