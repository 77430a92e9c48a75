"""Pictures as files and as arrays: float32 H×W×C in [0, 1], sRGB, with C of 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.

Reading turns whatever the file holds into that: palettes are resolved, EXIF orientation is applied, CMYK and Lab become
RGB, and samples with an ICC profile other than sRGB are converted to sRGB, since the features expect it. Writing takes
them back into the profile, which goes with the file; colours beyond sRGB come back cut off at its edge. Samples whose
profile is sRGB in effect are never converted, so that they stay what they are to the last bit. Files are read and
written by libvips.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

MAX_SIDE = 65_535  # pixels
MAX_BYTES = 8 << 30  # of a picture as float32
JPEG_QUALITY = 95
SUFFIXES = {
    ".png": {"compression": 6},
    ".tif": {"compression": "deflate", "predictor": "horizontal"},
    ".tiff": {"compression": "deflate", "predictor": "horizontal"},
    ".jpg": {"Q": JPEG_QUALITY, "subsample_mode": "off", "optimize_coding": True},
    ".jpeg": {"Q": JPEG_QUALITY, "subsample_mode": "off", "optimize_coding": True},
}
"""The endings of files that can be written, with libvips's options for them."""

READABLE = "PNG, TIFF, JPEG, WebP, GIF or AVIF"  # what libvips opens of files that may be damaged, or worse
_PROFILE_BANDS = {b"GRAY": 1, b"RGB ": 3, b"CMYK": 4}
_CARRIED = ("exif-", "iptc-data", "xmp-data")  # fields that say who made the picture, when and with what
_ELSEWHERE = "choose a folder that you may write to"
_REMEDY = {errno.ENOSPC: "make room on the disk, or choose another", errno.ENAMETOOLONG: "choose a shorter one"}
_LINK = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)  # two letters at least: one is a drive; Path leaves one slash
_SAME_COLOUR = 1 / 255  # samples closer than this are one colour in 8 bits


class PictureError(ValueError):
    """A picture that can't be used: a file that can't be read or written, or an array of a wrong shape, type or size.

    The message says what is wrong, and what is expected or what to do.
    """


@dataclass(frozen=True)
class Picture:
    """A picture and what its file says of it.

    Attributes:
        pixels: float32 H×W×C in [0, 1], sRGB, upright.
        bits: 8 or 16, of the file's samples.
        profile: the ICC profile that a file written from this gets, its samples converted; None for plain sRGB.
        pixels_per_mm: the resolution for printing.
        metadata: EXIF, IPTC and XMP fields as libvips names them, without orientation and thumbnail.
        floating: whether the file has floating-point samples, of which 16 bits between 0 and 1 are kept.
    """

    pixels: np.ndarray
    bits: int = 8
    profile: bytes | None = None
    pixels_per_mm: tuple[float, float] = (1.0, 1.0)
    metadata: dict[str, Any] = field(default_factory=dict)
    floating: bool = False


def to_float(samples: np.ndarray) -> np.ndarray:
    """uint8 or uint16 samples as float32 in [0, 1]; float samples as float32, cut off at 0 and 1 (NaN stays)."""
    if np.issubdtype(samples.dtype, np.floating):
        return np.clip(samples, 0, 1, dtype=np.float32)
    return samples / np.float32(np.iinfo(samples.dtype).max)


def to_samples(picture: np.ndarray, dtype: np.dtype | type) -> np.ndarray:
    """A float picture as samples of ``dtype`` (uint8, uint16 or float32), rounded; :func:`to_float`'s inverse."""
    picture = np.clip(picture, 0, 1)
    if np.issubdtype(dtype, np.floating):
        return picture.astype(dtype)
    picture *= np.iinfo(dtype).max  # float32 holds 16 bits and the rounding with room to spare
    return np.rint(picture, out=picture).astype(dtype)


def read(path: str | os.PathLike) -> Picture:
    """The picture in a file. Raises :class:`PictureError`."""
    pyvips = _libvips()
    check_no_link(path)
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError as exc:
        raise PictureError(f"There is no file {path}; check its name.") from exc
    except OSError as exc:
        if os.path.isdir(path):  # which Windows tells as a lack of permission; unlike Path's, it takes any name
            raise PictureError(folder_given(path)) from exc
        raise PictureError(f"{path} can't be read: {exc.strerror}; choose a file that you may read.") from exc
    try:
        image = pyvips.Image.new_from_buffer(data, "", fail_on="error")
    except pyvips.Error as exc:
        raise PictureError(f"{path} is not a picture of a known kind, or is damaged; use a {READABLE} file.") from exc
    if max(image.width, image.height) > MAX_SIDE or image.width * image.height * 16 > MAX_BYTES:
        raise PictureError(f"{path} is {image.width}×{image.height} pixels, which is too large; use a smaller picture.")
    try:
        return _decoded(image.autorot())
    except pyvips.Error as exc:
        raise PictureError(f"{path} is damaged or incomplete; save it again or use another.") from exc


def folder_given(path: str | os.PathLike) -> str:
    """What to say where a picture is to be read from a folder."""
    return f"{path} is a folder; give the name of a file in it."


def check_no_link(path: str | os.PathLike) -> None:
    """Raises :class:`PictureError` where ``path`` is an address of the web, which nothing is fetched from."""
    if _LINK.match(os.fspath(path)):
        raise PictureError(f"{path} is a link; save the picture to a file and give its name.")


def bits_of(path: str | os.PathLike, picture: Picture) -> int:
    """How many bits each sample of ``picture`` has in a file of that name."""
    return picture.bits if keeps_alpha(path) else 8


def keeps_alpha(path: str | os.PathLike) -> bool:
    """Whether a file of that name keeps transparency, and 16 bits: all but JPEG do."""
    return not Path(path).suffix.lower().startswith(".jp")


def write(path: str | os.PathLike, picture: Picture) -> None:
    """Writes ``picture`` to a file of the kind that its name ends in, whole or not at all.

    PNG and TIFF keep 16 bits and alpha; JPEG has 8 bits and shows transparent parts on white. Raises
    :class:`PictureError`.
    """
    pyvips = _libvips()
    path = Path(path)
    check_writable(path)
    options = SUFFIXES[path.suffix.lower()]
    pixels, bits = picture.pixels, bits_of(path, picture)
    if not keeps_alpha(path):
        pixels = _on_white(pixels)
    image = _encoded(pixels, bits, picture)
    try:
        data = image.write_to_buffer(path.suffix.lower(), **options)
    except pyvips.Error as exc:
        raise PictureError(f"{path} can't be written: {str(exc).strip().splitlines()[-1]}.") from exc
    with _beside(path) as beside:
        beside.write_bytes(data)
        os.replace(beside, path)


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """The name of a file beside ``path`` that is gone afterwards; what can't be done with it becomes a PictureError."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            yield beside
        finally:
            with contextlib.suppress(OSError):
                beside.unlink()
    except OSError as exc:
        raise PictureError(f"{path} can't be written: {exc.strerror}; {_REMEDY.get(exc.errno, _ELSEWHERE)}.") from exc


def check_writable(path: str | os.PathLike) -> None:
    """Raises :class:`PictureError` where it is clear, before any work, that ``path`` can't be written.

    A file is made beside it for a moment, as :func:`write` will: there are folders that nobody may write to, whatever
    their permissions say.
    """
    path = Path(path)
    if os.path.isdir(path):
        raise PictureError(f"{path} is a folder; give the name of a file.")
    if path.suffix.lower() not in SUFFIXES:
        *most, last = SUFFIXES
        ends = f"ends in {path.suffix}" if path.suffix else "has no ending"
        raise PictureError(f"{path} {ends}; it must end in {', '.join(most)} or {last}.")
    file = next((parent for parent in path.parents if os.path.isfile(parent)), None)
    if file:
        raise PictureError(f"{file} is a file, so that nothing can be written in it; give a folder.")
    if not os.path.isdir(path.parent):
        raise PictureError(f"There is no folder {path.parent}; make it first, or choose another.")
    if os.path.exists(path) and not os.access(path, os.W_OK):
        raise PictureError(f"{path} is write-protected; give another name, or lift its protection.")
    with _beside(path) as beside:
        beside.touch()


def _libvips():
    """pyvips, told to keep its warnings to itself, to keep no pictures, and to open no format that isn't safe."""
    import pyvips

    logging.getLogger("pyvips").setLevel(logging.ERROR)
    pyvips.cache_set_max(0)
    pyvips.block_untrusted_set(True)
    return pyvips


def _decoded(image) -> Picture:
    pyvips = _libvips()
    profile = image.get("icc-profile-data") if image.get_typeof("icc-profile-data") else None
    metadata = {name: image.get(name) for name in image.get_fields() if name.startswith(_CARRIED)}
    if image.interpretation == "cmyk":
        image = image.icc_transform("srgb", embedded=True, input_profile="cmyk", black_point_compensation=True)
        profile = None
    elif image.interpretation not in ("srgb", "rgb", "rgb16", "b-w", "grey16", "multiband", "scrgb", "histogram"):
        image, profile = image.colourspace("srgb"), None
    samples = image.numpy()
    samples = samples[..., None] if samples.ndim == 2 else samples
    if samples.shape[2] > 4:
        raise pyvips.Error(f"{samples.shape[2]} channels")
    bits = 8 if samples.dtype == np.uint8 else 16
    pixels = _unit(samples)
    colours = pixels.shape[2] - 1 + pixels.shape[2] % 2
    if profile and _PROFILE_BANDS.get(profile[16:20]) != colours:
        profile = None  # a profile of another kind says nothing about these samples
    if profile:
        pixels, profile = _in_srgb(pixels, profile)
    return Picture(pixels, bits, profile, (image.xres, image.yres), metadata, samples.dtype.kind == "f")


def _in_srgb(pixels: np.ndarray, profile: bytes) -> tuple[np.ndarray, bytes | None]:
    """``pixels`` in sRGB, and the profile if they can be written with it again."""
    pyvips = _libvips()
    if not acts_as_srgb(profile):
        pixels = _converted(pixels, profile, None)
    try:
        _converted(pixels[:1, :1], None, profile)
    except pyvips.Error:  # broken, which libvips reads as sRGB, or a scanner's or camera's, which knows one way only
        return pixels, None
    return pixels, profile


def _encoded(pixels: np.ndarray, bits: int, picture: Picture):
    """The libvips image of the samples to be written, with the profile and all that goes along."""
    pyvips = _libvips()
    colours = pixels.shape[2] - 1 + pixels.shape[2] % 2
    profile = picture.profile
    if profile and _PROFILE_BANDS.get(profile[16:20]) != colours:
        profile = None
    if profile and not acts_as_srgb(profile):
        pixels = _converted(pixels, None, profile)
    dtype = np.uint16 if bits == 16 else np.uint8
    image = pyvips.Image.new_from_array(np.ascontiguousarray(to_samples(pixels, dtype)))
    spaces = {(1, 8): "b-w", (1, 16): "grey16", (3, 8): "srgb", (3, 16): "rgb16"}
    image = image.copy(
        interpretation=spaces[colours, bits], xres=picture.pixels_per_mm[0], yres=picture.pixels_per_mm[1]
    )
    for name, value in picture.metadata.items():
        kind = pyvips.GValue.blob_type if isinstance(value, bytes) else pyvips.GValue.gstr_type
        image.set_type(kind, name, value)
    image.set_type(pyvips.GValue.gint_type, "orientation", 1)  # overrules what the EXIF block still says
    if profile:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return image


def _unit(samples: np.ndarray) -> np.ndarray:
    """Samples of any type that files have, as float32 in [0, 1]."""
    pyvips = _libvips()
    if samples.dtype.kind == "f":
        return to_float(np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=0.0))
    if samples.dtype in (np.uint8, np.uint16):
        return to_float(samples)
    if samples.dtype.kind == "u":
        return (samples / np.float64(np.iinfo(samples.dtype).max)).astype(np.float32)
    raise pyvips.Error(f"samples of type {samples.dtype}")


@lru_cache(maxsize=8)
def acts_as_srgb(profile: bytes) -> bool:
    """Whether an ICC profile (grey or RGB) means the same colours as sRGB: asked of colours all over its range."""
    bands = _PROFILE_BANDS[profile[16:20]]
    steps = np.linspace(0, 1, 33 if bands == 1 else 9, dtype=np.float32)
    colours = np.stack(np.meshgrid(*[steps] * bands, indexing="ij"), -1).reshape(-1, steps.size, bands)
    return bool(np.abs(_converted(colours, profile, None) - colours).max() < _SAME_COLOUR)


def _converted(pixels: np.ndarray, source: bytes | None, target: bytes | None) -> np.ndarray:
    """Colours from one ICC profile to another, None being sRGB, by way of 16-bit samples; alpha as it is."""
    pyvips = _libvips()
    colours = pixels.shape[2] - 1 + pixels.shape[2] % 2
    samples = to_samples(pixels[..., :colours], np.uint16)
    if colours == 1 and source is None:
        samples = np.repeat(samples, 3, 2)  # sRGB is a space of RGB; its greys have three equal samples
    image = pyvips.Image.new_from_array(np.ascontiguousarray(samples))
    image = image.copy(interpretation="grey16" if image.bands == 1 else "rgb16")
    with tempfile.TemporaryDirectory() as folder:  # libvips takes profiles by file name
        names = []
        for side, profile in (("source", source), ("target", target)):
            names.append("srgb" if profile is None else os.path.join(folder, side + ".icc"))
            if profile is not None:
                Path(names[-1]).write_bytes(profile)
        # In two steps by way of XYZ: in one, libvips interpolates in a table, which is out by up to 12/255 in cyans
        seen = image.icc_import(input_profile=names[0], pcs="xyz")
        done = seen.icc_export(output_profile=names[1], depth=16, pcs="xyz").numpy()
    done = done.reshape(*pixels.shape[:2], -1)[..., :colours]
    return np.concatenate([to_float(done), pixels[..., colours:]], 2)


def _on_white(pixels: np.ndarray) -> np.ndarray:
    if pixels.shape[2] % 2:
        return pixels
    alpha = pixels[..., -1:]
    return pixels[..., :-1] * alpha + (1 - alpha)
