"""Frames: what is written is read again however it is cut, and what is no frame is refused before memory is taken."""

import json
import math
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nst_core.engine import protocol
from nst_core.engine.protocol import FrameError, StreamEnded, frame_bytes, read_frame

SETTINGS = settings(max_examples=150, deadline=None)


def stream(raw, sizes=()):
    """A ``read`` over ``raw`` that gives at most the next of ``sizes`` at a time, then whatever is asked for."""
    at, sizes = 0, iter(sizes)

    def read(count):
        nonlocal at
        part = raw[at : at + min(count, next(sizes, count))]
        at += len(part)
        return part

    return read


def packed(header):
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack(">I", len(raw)) + raw


names = st.text(max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def arrays(draw):
    dtype = draw(st.sampled_from(list(protocol.DTYPES.values())))
    shape = draw(st.integers(1, 7)), draw(st.integers(1, 7)), draw(st.integers(1, 4))
    size = math.prod(shape) * dtype.itemsize
    raw = draw(st.binary(min_size=size, max_size=size))
    return np.frombuffer(raw, dtype).reshape(shape)


@st.composite
def frames(draw):
    extra = draw(st.dictionaries(names.filter(lambda n: n != "attachments"), json_values, max_size=4))
    header = {**extra, "type": draw(names), "id": draw(st.none() | st.integers())}
    return header, draw(st.dictionaries(names, arrays(), max_size=3))


@SETTINGS
@given(st.lists(frames(), min_size=1, max_size=3), st.lists(st.integers(1, 9), max_size=200))
def test_frames_survive_any_split_of_the_stream(sent, sizes):
    read = stream(b"".join(bytes(part) for frame in sent for part in frame_bytes(*frame)), sizes)
    for header, attached in sent:
        got = read_frame(read)
        assert got.header == header
        assert list(got.arrays) == list(attached)
        for name, array in attached.items():
            assert got.arrays[name].dtype == array.dtype
            assert got.arrays[name].tobytes() == array.tobytes()
            assert got.arrays[name].shape == array.shape
    assert read_frame(read) is None


@SETTINGS
@given(frames(), st.data())
def test_a_stream_that_ends_early_is_told_from_one_that_ends(frame, data):
    raw = b"".join(bytes(part) for part in frame_bytes(*frame))
    cut = data.draw(st.integers(1, len(raw) - 1))
    with pytest.raises(StreamEnded):
        read_frame(stream(raw[:cut]))


GOOD = {"name": "content", "dtype": "u8", "height": 4, "width": 5, "channels": 3}


def attempted(raw):
    """What became of reading ``raw``, and the most memory that it took."""
    tracemalloc.start()
    try:
        read_frame(stream(raw))
    except (FrameError, StreamEnded) as exc:
        told = exc
    else:
        told = None
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return told, peak


@SETTINGS
@given(st.sampled_from(sorted(GOOD)), json_values, st.booleans())
def test_any_changed_attachment_is_refused_cleanly(key, value, remove):
    changed = {k: v for k, v in GOOD.items() if not (remove and k == key)}
    if not remove:
        changed[key] = value
    sound = (
        isinstance(changed.get("name"), str)
        and changed.get("dtype") in ("u8", "u16", "f32")
        and all(type(changed.get(k)) is int and 1 <= changed[k] <= 4 for k in ("height", "width", "channels"))
    )
    told, peak = attempted(packed({"type": "stylize", "id": 1, "attachments": [changed]}))
    if not sound and not isinstance(told, StreamEnded):
        assert isinstance(told, FrameError)
        assert "\n" not in str(told) and len(str(told)) < 300
    assert peak < 1_000_000


@SETTINGS
@given(st.binary(max_size=200))
def test_random_headers_are_refused_cleanly(raw):
    told, peak = attempted(packed(raw) + bytes(300))
    assert told is not None
    assert peak < 1_000_000


@SETTINGS
@given(st.binary(min_size=1, max_size=200))
def test_random_streams_are_refused_cleanly(raw):
    told, peak = attempted(raw)
    assert told is not None
    assert peak < 1_000_000


@SETTINGS
@given(frames(), st.data())
def test_one_changed_byte_of_a_header_does_no_harm(frame, data):
    parts = [bytes(part) for part in frame_bytes(*frame)]
    head = bytearray(parts[0])
    at = data.draw(st.integers(0, len(head) - 1))
    head[at] ^= data.draw(st.integers(1, 255))
    told, peak = attempted(bytes(head) + b"".join(parts[1:]))
    if isinstance(told, FrameError):
        assert peak < 1_000_000


def attachments(*changes):
    return {"type": "x", "id": 1, "attachments": [{**GOOD, "name": str(i), **c} for i, c in enumerate(changes)]}


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (b"", "0 bytes long"),
        (b"{", "1 bytes long"),
        (b"\xff\xfe{}", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b"[" * 100_000, "not JSON"),
        (b'{"id": ' + b"9" * 10_000 + b"}", "not JSON"),
        (b'{"type": "x", "id": NaN}', "not JSON"),
        ({"id": 1}, "has no type"),
        ({"type": "x"}, "neither a whole number nor null"),
        ({"type": "x", "id": True}, "neither a whole number nor null"),
        ({"type": "x", "id": 1.5}, "neither a whole number nor null"),
        ({"type": "x", "id": 1, "attachments": {}}, "not a list"),
        (attachments({"more": 1}), "declared by"),
        (attachments({"height": 0}), "the height 0; it must be from 1 to 65535"),
        (attachments({"width": 65_536}), "the width 65536"),
        (attachments({"width": -1}), "the width -1"),
        (attachments({"channels": 5}), "the channels 5"),
        (attachments({"dtype": "f64"}), "must be one of u8, u16, f32"),
        (attachments({"name": "a"}, {"name": "a"}), "the same name"),
        (attachments({"height": 65_535, "width": 65_535}), "at most 8589934592"),
        (attachments(*[{"height": 65_535, "width": 20_000}] * 3), "at most 8589934592"),
    ],
)
def test_each_fault_is_told_before_memory_is_taken(header, told):
    error, peak = attempted(packed(header))
    assert isinstance(error, FrameError)
    assert told in str(error)
    assert peak < 5_000_000


def test_a_header_that_is_too_long_is_not_even_read():
    read = stream(struct.pack(">I", protocol.MAX_HEADER_BYTES + 1) + b"{")
    with pytest.raises(FrameError, match="1048577 bytes long"):
        read_frame(read)
    assert read(9) == b"{"


def test_the_bytes_are_those_of_the_specification():
    """Written out by hand: length, header, samples little-endian, row by row, channels interleaved."""
    samples = np.array([[[1, 2], [3, 4], [5, 256]]], np.uint16)
    head = (
        b'{"type": "stylize", "id": 7, "attachments": '
        b'[{"name": "content", "dtype": "u16", "height": 1, "width": 3, "channels": 2}]}'
    )
    raw = len(head).to_bytes(4, "big") + head + bytes([1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 0, 1])
    assert b"".join(frame_bytes({"type": "stylize", "id": 7}, {"content": samples})) == raw
    frame = read_frame(stream(raw))
    assert (frame.type, frame.id) == ("stylize", 7)
    assert np.array_equal(frame.arrays["content"], samples)


def test_only_finite_numbers_are_written():
    with pytest.raises(ValueError, match="JSON"):
        list(frame_bytes({"type": "progress", "id": 1, "loss": float("nan")}))
