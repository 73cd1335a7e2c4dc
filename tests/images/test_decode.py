"""Strangers' photos: good ones become pictures, bad ones a reason, and neither harms the parent."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import hostile_photos as hostile
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vitrina.images.decode import SCRIPT, Limits, Picture, Pool, Refusal, Sandbox

picture, saved = hostile.picture, hostile.saved


@pytest.fixture(scope="module")
def sandbox():
    """One sandbox, shared: what a photo does to it must not reach the next."""
    one = Sandbox(64)
    yield one
    one.close()


def processor_seconds(sandbox):
    """What this sandbox and those before it have taken of the processor."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = ended.ru_utime + ended.ru_stime
    if sandbox.process is not None:
        ticks = Path(f"/proc/{sandbox.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
        spent += sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
    return spent


def resident():
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("name", hostile.HOSTILE)
def test_hostile_photos_are_refused_soon_and_the_rest_goes_on(sandbox, name):
    """Each is refused with its reason within 2 seconds of an idle machine (here: of the processor, since
    tests share theirs), the parent does not grow, the next photo works."""
    make, reason = hostile.HOSTILE[name]
    data = make()
    good = saved(picture(), "PNG")
    assert isinstance(sandbox.decode(good), Picture)
    before, started, spent = resident(), time.monotonic(), processor_seconds(sandbox)
    seen = sandbox.decode(data)
    assert isinstance(seen, Refusal)
    assert reason in seen.reason
    assert seen.reason.isprintable()
    assert processor_seconds(sandbox) - spent < 2.0
    assert time.monotonic() - started < 40.0
    assert resident() - before < 16 << 20
    assert isinstance(sandbox.decode(good), Picture)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_cut_anywhere_is_refused(sandbox, kind):
    """At each tenth of its length, and one byte short."""
    data = saved(picture(200, 150), kind)
    for end in [len(data) * tenth // 10 for tenth in range(10)] + [len(data) - 1]:
        assert isinstance(sandbox.decode(data[:end]), Refusal), end


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_bytes_never_stop_the_sandbox(sandbox, data):
    """Whatever bytes change: a picture or a refusal."""
    whole = bytearray(saved(picture(), data.draw(st.sampled_from(["JPEG", "PNG", "WEBP"]))))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    assert isinstance(sandbox.decode(bytes(whole)), Picture | Refusal)


def test_too_many_bytes_are_refused_unsent():
    """A file over the limit does not reach a decoder at all."""
    sandbox = Sandbox(64, Limits(bytes=100))
    seen = sandbox.decode(b"\xff\xd8\xff" + b"\0" * 100)
    assert isinstance(seen, Refusal)
    assert "103 bytes" in seen.reason
    assert sandbox.process is None


def test_memory_is_bounded():
    """A photo that needs more memory than a sandbox may have is refused, not decoded at any price."""
    large = saved(Image.new("RGB", (5000, 5000)), "PNG", compress_level=1)
    sandbox = Sandbox(64, Limits(memory=160 << 20))
    try:
        assert isinstance(sandbox.decode(large), Refusal)
        assert isinstance(sandbox.decode(saved(picture(), "PNG")), Picture)
    finally:
        sandbox.close()


def test_a_process_that_hangs_is_ended():
    """One that is stopped answers nothing: its photo is refused after `patience`, the next one works."""
    sandbox, photo = Sandbox(64), saved(picture(), "PNG")
    try:
        assert isinstance(sandbox.decode(photo), Picture)
        assert sandbox.process is not None
        os.kill(sandbox.process.pid, signal.SIGSTOP)
        sandbox.limits = Limits(patience=0.5)
        seen = sandbox.decode(photo)
        assert isinstance(seen, Refusal)
        assert "0.5 s" in seen.reason
        sandbox.limits = Limits()
        assert isinstance(sandbox.decode(photo), Picture)
    finally:
        sandbox.close()


def test_the_sandbox_may_not_write_files(tmp_path):
    """Its file size limit is zero: a decoder taken over cannot leave a file behind."""
    place = tmp_path / "left"
    code = (
        f"import importlib.util as u; s = u.spec_from_file_location('s', {str(SCRIPT)!r});"
        f"m = u.module_from_spec(s); s.loader.exec_module(m); m.confine(1 << 30);"
        f"f = open({str(place)!r}, 'wb', 0); f.write(b'x')"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert found.returncode != 0
    assert place.stat().st_size == 0


def test_the_sandbox_holds_nothing_of_vitrina():
    """The script imports Pillow and the standard library only: there is nothing in it to steal."""
    names = [
        line.split()[1].split(".")[0]
        for line in SCRIPT.read_text().splitlines()
        if line[:5] in ("impor", "from ")
    ]
    assert set(names) <= {
        "__future__",
        "io",
        "resource",
        "signal",
        "struct",
        "sys",
        "typing",
        "warnings",
        "PIL",
    }


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16", "CMYK"])
def test_every_mode_becomes_rgb(sandbox, mode):
    """Grey, palette, transparent, 16-bit and CMYK photos are pictures like any other."""
    image = picture().convert("L") if mode == "I;16" else picture().convert(mode)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    seen = sandbox.decode(saved(image, "JPEG" if mode == "CMYK" else "PNG"))
    assert isinstance(seen, Picture)
    assert seen.content.shape == (48, 64, 3)
    grey = np.asarray(picture().convert("L"), np.float64).mean()
    assert abs(np.asarray(Image.fromarray(seen.content).convert("L"), np.float64).mean() - grey) < 12


def test_what_is_transparent_lies_on_white(sandbox):
    """A clear pixel is white, whatever colour hides under it."""
    image = Image.new("RGBA", (32, 32), (200, 0, 0, 0))
    image.paste((0, 0, 255, 255), (8, 8, 24, 24))
    for kind in ("PNG", "WEBP"):
        seen = sandbox.decode(saved(image, kind, **({"lossless": True} if kind == "WEBP" else {})))
        assert isinstance(seen, Picture)
        assert (seen.pixels[2, 2] == 255).all()
        assert tuple(seen.pixels[32, 32]) == (0, 0, 255)


def test_photos_stand_upright_and_whole(sandbox):
    """EXIF's orientation is applied; the shape is kept, in the middle of a white square."""
    image = Image.new("RGB", (40, 20), (255, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6
    seen = sandbox.decode(saved(image, "JPEG", exif=exif))
    assert isinstance(seen, Picture)
    assert seen.box == (16, 0, 48, 64)
    assert (seen.pixels[:, :15] == 255).all()
    assert seen.content[..., 0].min() > 240
    assert seen.content[..., 2].max() < 20


def test_a_phone_s_second_picture_is_no_polyglot(sandbox):
    """Phones append a depth map or a preview as another JPEG: the first one is used."""
    data = saved(picture(), "JPEG")
    assert isinstance(sandbox.decode(data + saved(picture(seed=3), "JPEG")), Picture)
    assert isinstance(sandbox.decode(data + b"\0" * 100), Picture)
    progressive = saved(picture(400, 300), "JPEG", progressive=True, optimize=True, restart_marker_rows=2)
    assert isinstance(sandbox.decode(progressive), Picture)


def test_a_pool_keeps_order_and_survives():
    """Good and bad photos mixed, through several processes: answers stand where their questions stood."""
    good = [saved(Image.new("RGB", (8, 8), (shade, 0, 0)), "PNG") for shade in range(0, 200, 10)]
    asked = [data for one in good for data in (one, hostile.jpeg_bomb(), b"")]
    with Pool(2, size=16) as pool:
        answers = list(pool.map(Sandbox.decode, asked))
        processes = [one.process for one in pool._sandboxes]
    assert [isinstance(one, Picture) for one in answers] == [True, False, False] * len(good)
    assert [int(one.pixels[8, 8, 0]) for one in answers[::3]] == list(range(0, 200, 10))
    assert all(one is None or one.returncode is not None for one in processes)
