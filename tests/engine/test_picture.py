"""Files in, arrays out, and back: every kind of sample, profile, orientation and damage that artists' files have."""

import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps

from nst_core import picture as pictures
from nst_core.picture import Picture, PictureError, to_float, to_samples

HEIGHT, WIDTH = 47, 61


def drawn(channels, dtype=np.uint8, height=HEIGHT, width=WIDTH):
    """A picture in which every pixel tells its place: no two rows, columns or channels are alike."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    planes = [x / (width - 1), y / (height - 1), (x * 3 + y * 5) % 17 / 16, 0.15 + 0.8 * ((x - y) % 23) / 22]
    order = {1: [0], 2: [0, 3], 3: [0, 1, 2], 4: [0, 1, 2, 3]}[channels]
    unit = np.stack([planes[i] for i in order], -1) * 0.9 + 0.05 * np.sin(x * y)[..., None]
    return to_samples(unit, np.dtype(dtype))


def png_bytes(samples, profile=None):
    """A PNG file made from the format's definition alone, so that reading is checked by something of another origin."""
    height, width, channels = samples.shape

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    depth, colour = samples.dtype.itemsize * 8, {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes() for row in samples)
    icc = chunk(b"iCCP", b"p\0\0" + zlib.compress(profile)) if profile else b""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + icc + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


def png_samples(raw):
    """The samples of a PNG file written without interlacing, decoded by the format's definition alone."""
    at, data, header = 8, b"", None
    while at < len(raw):
        (size,) = struct.unpack(">I", raw[at : at + 4])
        kind, body = raw[at + 4 : at + 8], raw[at + 8 : at + 8 + size]
        header = struct.unpack(">IIBBBBB", body) if kind == b"IHDR" else header
        data += body if kind == b"IDAT" else b""
        at += size + 12
    width, height, depth, colour = header[:4]
    step = {0: 1, 4: 2, 2: 3, 6: 4}[colour] * depth // 8
    rows = np.frombuffer(zlib.decompress(data), np.uint8).reshape(height, 1 + width * step)
    out = np.zeros((height + 1, width * step + step), np.uint8)
    for y, (kind, row) in enumerate(zip(rows[:, 0], rows[:, 1:], strict=True)):
        for i, value in enumerate(row.tolist()):
            left, up, corner = int(out[y + 1, i]), int(out[y, i + step]), int(out[y, i])
            p = left + up - corner
            nearest = min((left, up, corner), key=lambda v: abs(p - v))
            out[y + 1, i + step] = (value + (0, left, up, (left + up) // 2, nearest)[kind]) & 255
    samples = out[1:, step:].copy().view(">u2" if depth == 16 else "u1")
    return samples.reshape(height, width, -1).astype(f"u{depth // 8}")


def grey_profile(gamma):
    """A grey ICC profile with a gamma curve."""
    tags = [
        (b"desc", b"desc\0\0\0\0" + struct.pack(">I", 5) + b"grey\0" + b"\0" * 78),
        (b"wtpt", b"XYZ \0\0\0\0" + struct.pack(">iii", 63190, 65536, 54061)),
        (b"kTRC", b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"),
    ]
    at, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, data in tags:
        data += b"\0" * (-len(data) % 4)
        table += name + struct.pack(">II", at + len(body), len(data))
        body += data
    size = 128 + 4 + len(table) + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"test", 0x02400000, b"mntr", b"GRAY", b"XYZ ") + b"\0" * 12 + b"acsp"
    head = head.ljust(68, b"\0") + struct.pack(">iii", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def vips_profile(name):
    return bytes(pyvips.Operation.call("profile_load", name))


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_samples_arrive_and_leave_exactly(tmp_path, channels, dtype):
    samples = drawn(channels, dtype)
    (tmp_path / "in.png").write_bytes(png_bytes(samples, SRGB if channels > 2 else None))
    picture = pictures.read(tmp_path / "in.png")
    assert picture.bits == samples.dtype.itemsize * 8
    assert picture.pixels.dtype == np.float32
    np.testing.assert_allclose(picture.pixels, samples / np.iinfo(dtype).max, atol=1e-7)
    pictures.write(tmp_path / "out.png", picture)
    assert np.array_equal(png_samples((tmp_path / "out.png").read_bytes()), samples)
    if channels > 2:
        assert Image.open(tmp_path / "out.png").info["icc_profile"] == SRGB


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("compression", ["none", "lzw", "deflate"])
def test_tiff_samples_arrive_and_leave_exactly(tmp_path, channels, dtype, compression):
    samples = drawn(channels, dtype)
    image = pyvips.Image.new_from_array(samples)
    image = image.copy(
        interpretation={1: "b-w", 2: "srgb"}[1 + (channels > 2)]
        if dtype == np.uint8
        else ("grey16", "rgb16")[channels > 2]
    )
    image.tiffsave(str(tmp_path / "in.tif"), compression=compression)
    picture = pictures.read(tmp_path / "in.tif")
    assert (to_samples(picture.pixels, samples.dtype) == samples).all()
    pictures.write(tmp_path / "out.tiff", picture)
    again = pictures.read(tmp_path / "out.tiff")
    assert again.bits == picture.bits
    assert np.array_equal(again.pixels, picture.pixels)


def test_tiff_written_here_is_read_by_pillow(tmp_path):
    samples = drawn(4)
    pictures.write(tmp_path / "a.tif", Picture(to_float(samples), profile=SRGB))
    with Image.open(tmp_path / "a.tif") as image:
        assert np.array_equal(np.asarray(image), samples)
        assert image.info["icc_profile"] == SRGB


def test_jpeg_keeps_its_look_and_shows_transparency_on_white(tmp_path):
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    smooth = np.stack([x / 60, y / 46, (x + y) / 106, np.where(x < 30, 1, 0)], -1).astype(np.float32)
    pictures.write(tmp_path / "a.jpg", Picture(smooth, bits=16, profile=SRGB))
    with Image.open(tmp_path / "a.jpg") as image:
        got = np.asarray(image) / 255
        assert (image.mode, image.info["icc_profile"]) == ("RGB", SRGB)
    assert np.abs(got[:, :24] - smooth[:, :24, :3]).max() < 0.04
    assert got[:, 40:].min() > 0.97
    assert pictures.read(tmp_path / "a.jpg").pixels.shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(tmp_path, orientation):
    samples = drawn(3)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "A camera"
    stored = Image.fromarray(samples)
    stored.save(tmp_path / "in.tif" if orientation % 2 else tmp_path / "in.png", exif=exif)
    source = tmp_path / ("in.tif" if orientation % 2 else "in.png")
    with Image.open(source) as image:
        upright = np.asarray(ImageOps.exif_transpose(image))
    picture = pictures.read(source)
    assert np.array_equal(to_samples(picture.pixels, np.uint8), upright)
    for name in ("out.png", "out.tif", "out.jpg"):
        pictures.write(tmp_path / name, picture)
        with Image.open(tmp_path / name) as image:
            assert image.getexif().get(0x0112, 1) == 1, name
            assert image.size == (upright.shape[1], upright.shape[0])
        assert pictures.read(tmp_path / name).pixels.shape == upright.shape


def test_who_made_a_photograph_is_carried_through(tmp_path):
    exif = Image.Exif()
    exif[0x010F], exif[0x8298], exif[0x0112] = "A camera", "A. Painter", 6
    Image.fromarray(drawn(3)).save(tmp_path / "in.jpg", exif=exif, dpi=(300, 300), quality=95)
    pictures.write(tmp_path / "out.jpg", pictures.read(tmp_path / "in.jpg"))
    with Image.open(tmp_path / "out.jpg") as image:
        got = image.getexif()
        assert (got[0x010F], got[0x8298], got.get(0x0112, 1)) == ("A camera", "A. Painter", 1)
        assert tuple(round(d) for d in image.info["dpi"]) == (300, 300)


def test_wide_gamut_is_converted_for_computing_and_back(tmp_path):
    p3 = vips_profile("p3")
    samples = drawn(4, np.uint16)
    samples[..., :3] = samples[..., :3] // 3 + 20000  # well inside sRGB
    (tmp_path / "in.png").write_bytes(png_bytes(samples, p3))
    picture = pictures.read(tmp_path / "in.png")
    moved = np.abs(picture.pixels[..., :3] - samples[..., :3] / 65535).max()
    assert 0.01 < moved < 0.2
    assert np.array_equal(to_samples(picture.pixels, np.uint16)[..., 3], samples[..., 3])
    pictures.write(tmp_path / "out.png", picture)
    assert (
        np.abs(png_samples((tmp_path / "out.png").read_bytes()).astype(int) - samples).max() <= 130
    )  # half a step of 8 bits
    assert Image.open(tmp_path / "out.png").info["icc_profile"] == p3


def test_p3_red_is_the_red_that_the_standard_says(tmp_path):
    # sRGB (200, 100, 50) is (187, 104, 63) in Display P3, by the two spaces' published primaries and one curve
    def linear(v):
        return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)

    def curve(v):
        return np.where(v <= 0.0031308, v * 12.92, 1.055 * v ** (1 / 2.4) - 0.055)

    to_p3 = np.array([[0.8224620, 0.1775380, 0], [0.0331942, 0.9668058, 0], [0.0170826, 0.0723974, 0.9105199]])
    srgb = np.array([200, 100, 50]) / 255
    expected = np.rint(curve(to_p3 @ linear(srgb)) * 255)
    pixels = np.broadcast_to(srgb.astype(np.float32), (HEIGHT, WIDTH, 3))
    pictures.write(tmp_path / "a.png", Picture(pixels, profile=vips_profile("p3")))
    got = np.asarray(Image.open(tmp_path / "a.png"))[5, 7]
    assert np.abs(got - expected).max() <= 1


@pytest.mark.parametrize("channels", [1, 2])
def test_grey_profile_is_converted_and_back(tmp_path, channels):
    linear = grey_profile(1.0)
    samples = drawn(channels, np.uint16)
    (tmp_path / "in.png").write_bytes(png_bytes(samples, linear))
    picture = pictures.read(tmp_path / "in.png")
    v = samples[..., 0] / 65535
    srgb = np.where(v <= 0.0031308, v * 12.92, 1.055 * v ** (1 / 2.4) - 0.055)
    assert picture.pixels.shape == (HEIGHT, WIDTH, channels)
    assert np.abs(picture.pixels[..., 0] - srgb).max() < 0.004
    pictures.write(tmp_path / "out.png", picture)
    assert np.abs(png_samples((tmp_path / "out.png").read_bytes()).astype(int) - samples).max() < 300
    assert Image.open(tmp_path / "out.png").info["icc_profile"] == linear


def test_profile_of_another_kind_is_left_out(tmp_path):
    samples = drawn(3)
    (tmp_path / "in.png").write_bytes(png_bytes(samples, grey_profile(1.0)))
    picture = pictures.read(tmp_path / "in.png")
    assert picture.profile is None
    assert np.array_equal(to_samples(picture.pixels, np.uint8), samples)


def test_a_broken_profile_is_left_out(tmp_path):
    samples, broken = drawn(3), bytearray(vips_profile("p3"))
    broken[128:] = bytes(len(broken) - 128)
    (tmp_path / "in.png").write_bytes(png_bytes(samples, bytes(broken)))
    picture = pictures.read(tmp_path / "in.png")
    assert picture.profile is None
    assert np.array_equal(to_samples(picture.pixels, np.uint8), samples)


def test_palette_with_a_transparent_colour_becomes_rgba(tmp_path):
    image = Image.fromarray(drawn(3)).quantize(32)
    image.save(tmp_path / "in.png", transparency=5)
    with Image.open(tmp_path / "in.png") as opened:
        expected = np.asarray(opened.convert("RGBA"))
    got = to_samples(pictures.read(tmp_path / "in.png").pixels, np.uint8)
    assert got.shape == (HEIGHT, WIDTH, 4)
    assert np.array_equal(got[..., 3], expected[..., 3])
    seen = expected[..., 3] > 0
    assert np.array_equal(got[seen], expected[seen])


def test_black_and_white_becomes_grey(tmp_path):
    bits = drawn(1)[..., 0] > 120
    Image.fromarray(bits).save(tmp_path / "in.png")
    assert np.array_equal(pictures.read(tmp_path / "in.png").pixels[..., 0], bits.astype(np.float32))


def test_cmyk_becomes_rgb(tmp_path):
    cmyk = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    cmyk[:, :20, 0], cmyk[:, 20:40, 2], cmyk[:, 40:, 3] = 255, 255, 255  # cyan, yellow, black
    Image.fromarray(cmyk, "CMYK").save(tmp_path / "in.tif")
    picture = pictures.read(tmp_path / "in.tif")
    assert picture.pixels.shape == (HEIGHT, WIDTH, 3)
    cyan, yellow, black = (picture.pixels[20, x] for x in (10, 30, 50))
    assert cyan[0] < 0.3 < 0.5 < cyan[2]
    assert yellow[2] < 0.3 < 0.8 < yellow[0]
    assert black.max() < 0.25
    pictures.write(tmp_path / "out.png", picture)
    assert Image.open(tmp_path / "out.png").mode == "RGB"


def test_float_tiff_is_taken_and_cut_off(tmp_path):
    samples = to_float(drawn(3, np.uint16)) * 1.5 - 0.1
    pyvips.Image.new_from_array(samples).copy(interpretation="srgb").tiffsave(str(tmp_path / "in.tif"))
    picture = pictures.read(tmp_path / "in.tif")
    assert picture.bits == 16
    np.testing.assert_allclose(picture.pixels, np.clip(samples, 0, 1), atol=1e-6)


@pytest.mark.parametrize("name", ["a[1].png", "häuser – 絵.png", " leading space.tif", "%d.png"])
def test_odd_file_names(tmp_path, name):
    samples = drawn(4)
    pictures.write(tmp_path / name, Picture(to_float(samples)))
    assert np.array_equal(to_samples(pictures.read(tmp_path / name).pixels, np.uint8), samples)
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.97])
@pytest.mark.parametrize("name", ["in.png", "in.jpg", "in.tif"])
def test_a_cut_file_is_refused_with_one_sentence(tmp_path, name, share):
    Image.fromarray(drawn(3, height=200, width=301)).save(tmp_path / name)
    raw = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(raw[: int(len(raw) * share)])
    with pytest.raises(PictureError) as told:
        pictures.read(tmp_path / name)
    assert str(tmp_path / name) in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "raw", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>"]
)
def test_what_is_no_picture_is_refused(tmp_path, raw):
    (tmp_path / "in.png").write_bytes(raw)
    with pytest.raises(PictureError, match=r"in\.png .*use"):
        pictures.read(tmp_path / "in.png")


def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path):
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 16, 6, 0, 0, 0)
    raw = png_bytes(drawn(3))
    body = b"IHDR" + header
    (tmp_path / "in.png").write_bytes(raw[:12] + body + struct.pack(">I", zlib.crc32(body)) + raw[33:])
    with pytest.raises(PictureError, match="60000×60000 pixels, which is too large"):
        pictures.read(tmp_path / "in.png")


def test_missing_files_and_folders_are_told(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    with pytest.raises(PictureError, match=r"There is no file .*none\.png; check its name"):
        pictures.read(tmp_path / "none.png")
    for link in ("https://example.org/a.png", Path("file:///a.png")):
        with pytest.raises(PictureError, match=r"is a link; save the picture to a file"):
            pictures.read(link)
    with pytest.raises(PictureError, match="is a folder; give the name of a file in it"):
        pictures.read(tmp_path)
    with monkeypatch.context() as patched, pytest.raises(PictureError, match="is a folder"):
        patched.setattr(Path, "read_bytes", refuse)  # as Windows does
        pictures.read(tmp_path)
    pixels = Picture(to_float(drawn(3)))
    (tmp_path / "file").touch()
    bad = [
        ("a/b.png", "no folder .*a; make it first"),
        ("file/b.png", "file is a file, so that nothing can be written in it; give a folder"),
        ("x.bmp", "must end in"),
        ("x", "must end in"),
        ("x" * 250 + ".png", "File name too long; choose a shorter one"),
        ("x" * 300 + ".png", "File name too long; choose a shorter one"),
    ]
    for path, why in bad:
        with pytest.raises(PictureError, match=why):
            pictures.check_writable(tmp_path / path)
        with pytest.raises(PictureError, match=why):
            pictures.write(tmp_path / path, pixels)
    pictures.check_writable(tmp_path / "x.png")
    assert os.listdir(tmp_path) == ["file"]


def test_every_kind_that_is_said_to_be_read_is_read(tmp_path):
    samples = drawn(3)
    kinds = pictures.READABLE.replace(" or ", ", ").split(", ")
    assert len(kinds) == 6
    for kind in kinds:
        image = pyvips.Image.new_from_array(samples)
        image.write_to_file(str(tmp_path / f"a.{kind.lower()}"))
        assert np.abs(pictures.read(tmp_path / f"a.{kind.lower()}").pixels[..., :3] - to_float(samples)).mean() < 0.1
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(PictureError, match=f"use a {pictures.READABLE} file"):
        pictures.read(tmp_path / "a.png")


def test_a_full_disk_leaves_the_old_file_whole(tmp_path):
    """A tmpfs of 64 kB in a mount namespace of its own: the picture does not fit, the one before it stays."""
    code = """
import os, sys, numpy as np
from nst_core import picture as p
os.chdir(sys.argv[1])
open("out.png", "wb").write(b"the picture before")
noise = np.random.default_rng(0).random((300, 401, 3), np.float32)
try:
    p.write("out.png", p.Picture(noise))
except p.PictureError as exc:
    print(exc)
print(open("out.png", "rb").read().decode(), os.listdir("."))
"""
    run = f'mount -t tmpfs -o size=64k tmpfs "{tmp_path}" && exec "{sys.executable}" -c "$CODE" "{tmp_path}"'
    env = {
        **os.environ,
        "CODE": code,
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p) + os.pathsep + os.getcwd(),
    }
    done = subprocess.run(["unshare", "--mount", "sh", "-c", run], capture_output=True, text=True, env=env, timeout=60)
    assert done.stdout.splitlines() == [
        "out.png can't be written: No space left on device; make room on the disk, or choose another.",
        "the picture before ['out.png']",
    ], done.stderr


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([np.uint8, np.uint16]),
    st.integers(1, 4),
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(0, 2**32 - 1),
)
def test_samples_survive_the_way_to_float_and_back(dtype, channels, height, width, seed):
    samples = np.random.default_rng(seed).integers(
        0, np.iinfo(dtype).max, (height, width, channels), dtype, endpoint=True
    )
    unit = to_float(samples)
    assert unit.dtype == np.float32
    assert unit.min() >= 0
    assert unit.max() <= 1
    assert np.array_equal(to_samples(unit, samples.dtype), samples)
