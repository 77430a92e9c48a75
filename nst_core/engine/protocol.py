"""The frames that engine and host exchange, protocol version 1: reading, checking, writing.

A frame is a 4-byte big-endian header length, the header (a JSON object in UTF-8), then the attachments' raw samples in
the order in which the header's ``attachments`` declares them::

    {"type": str, "id": int | null, "attachments": [{"name", "dtype", "height", "width", "channels"}, ...], ...}

Samples are little-endian, row by row, channels interleaved. Every length is checked before anything is allocated, so
that no frame, whatever is in it, makes the engine reserve memory that a true picture would not need.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

PROTOCOL = 1
MAX_HEADER_BYTES = 1 << 20
MAX_SIDE = 65_535
MAX_CHANNELS = 4
MAX_ATTACHMENTS_BYTES = 8 << 30
DTYPES = {"u8": np.dtype("u1"), "u16": np.dtype("<u2"), "f32": np.dtype("<f4")}

_CHUNK_BYTES = 1 << 20
_LENGTH = struct.Struct(">I")
_ATTACHMENT_KEYS = {"name", "dtype", "height", "width", "channels"}

Read = Callable[[int], bytes]  # at most so many bytes, at least one; b"" at the end of the stream: os.read is one


class FrameError(ValueError):
    """The bytes are not a frame of this protocol; the message says what is wrong. The stream is of no more use."""


class StreamEnded(EOFError):
    """The stream ended within a frame: the other side is gone."""


@dataclass(frozen=True)
class Attachment:
    """What the header says of one block of samples."""

    name: str
    dtype: str
    height: int
    width: int
    channels: int

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.height, self.width, self.channels

    @property
    def nbytes(self) -> int:
        return self.height * self.width * self.channels * DTYPES[self.dtype].itemsize


@dataclass(frozen=True)
class Frame:
    """One message.

    Attributes:
        header: the JSON object, without ``attachments``.
        arrays: by name, H×W×C arrays of uint8, uint16 or float32; None for one that did not fit into memory.
    """

    header: dict[str, Any]
    arrays: dict[str, np.ndarray | None] = field(default_factory=dict)

    @property
    def type(self) -> str:
        return self.header["type"]

    @property
    def id(self) -> int | None:
        return self.header["id"]


def read_frame(read: Read) -> Frame | None:
    """The next frame, or None where the stream ends before it.

    Raises:
        FrameError: what comes is not a frame.
        StreamEnded: the stream ends within the frame.
    """
    first = read(_LENGTH.size)
    if not first:
        return None
    (length,) = _LENGTH.unpack(first + _read_exactly(read, _LENGTH.size - len(first)))
    if not 2 <= length <= MAX_HEADER_BYTES:
        raise FrameError(
            f"A frame's header is said to be {length} bytes long; it must be from 2 to {MAX_HEADER_BYTES}."
        )
    header, attachments = parse_header(_read_exactly(read, length))
    return Frame(header, {a.name: _read_samples(read, a) for a in attachments})


def parse_header(raw: bytes) -> tuple[dict[str, Any], list[Attachment]]:
    """The header's object without ``attachments``, and these checked. Raises :class:`FrameError`."""
    try:
        header = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as exc:
        raise FrameError(f"A frame's header is not JSON in UTF-8 ({_short(exc)}).") from None
    if not isinstance(header, dict):
        raise FrameError("A frame's header is not a JSON object.")
    if not isinstance(header.get("type"), str):
        raise FrameError("A frame's header has no type.")
    if "id" not in header or not (header["id"] is None or _is_int(header["id"])):
        raise FrameError(f"The frame {_short(header['type'])!r} has neither a whole number nor null as its id.")
    declared = header.pop("attachments", [])
    if not isinstance(declared, list):
        raise FrameError("A frame's attachments are not a list.")
    attachments = [_checked_attachment(d) for d in declared]
    if len({a.name for a in attachments}) != len(attachments):
        raise FrameError("Two attachments of a frame have the same name.")
    total = sum(a.nbytes for a in attachments)
    if total > MAX_ATTACHMENTS_BYTES:
        raise FrameError(f"A frame's attachments are {total} bytes; at most {MAX_ATTACHMENTS_BYTES} can be taken.")
    return header, attachments


def frame_bytes(
    header: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None
) -> Iterator[bytes | memoryview]:
    """The parts of a frame, to be written one after the other.

    Args:
        header: the JSON object; ``attachments`` is added from ``arrays``. Numbers must be finite.
        arrays: H×W×C arrays of uint8, uint16 or float32, by name.
    """
    arrays = {name: np.ascontiguousarray(a, a.dtype.newbyteorder("<")) for name, a in (arrays or {}).items()}
    full = dict(header)
    if arrays:
        full["attachments"] = [_declared(name, a) for name, a in arrays.items()]
    raw = json.dumps(full, allow_nan=False).encode("ascii")
    yield _LENGTH.pack(len(raw)) + raw
    for array in arrays.values():
        yield memoryview(array.reshape(-1).view(np.uint8))


def _declared(name: str, array: np.ndarray) -> dict[str, Any]:
    dtype = next(key for key, value in DTYPES.items() if value == array.dtype)
    height, width, channels = array.shape
    return {"name": name, "dtype": dtype, "height": height, "width": width, "channels": channels}


def _checked_attachment(declared: Any) -> Attachment:
    if not isinstance(declared, dict) or set(declared) != _ATTACHMENT_KEYS:
        raise FrameError(
            f"An attachment must be declared by {', '.join(sorted(_ATTACHMENT_KEYS))}, and by nothing else."
        )
    name, dtype = declared["name"], declared["dtype"]
    if not isinstance(name, str):
        raise FrameError("An attachment's name is not a text.")
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise FrameError(
            f"The attachment {_short(name)!r} is of type {_short(dtype)!r}; it must be one of {', '.join(DTYPES)}."
        )
    for key, most in (("height", MAX_SIDE), ("width", MAX_SIDE), ("channels", MAX_CHANNELS)):
        if not _is_int(declared[key]) or not 1 <= declared[key] <= most:
            raise FrameError(
                f"The attachment {_short(name)!r} has the {key} {_short(declared[key])}; it must be from 1 to {most}."
            )
    return Attachment(**declared)


def _read_exactly(read: Read, count: int) -> bytes:
    parts = []
    while count:
        part = read(count)
        if not part:
            raise StreamEnded("The stream ended within a frame.")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _read_samples(read: Read, attachment: Attachment) -> np.ndarray | None:
    try:
        array = np.empty(attachment.shape, DTYPES[attachment.dtype])
        into = memoryview(array.reshape(-1).view(np.uint8))
    except MemoryError:
        array = into = None  # the samples are read past, so that the stream stays usable and the host gets its answer
    done = 0
    while done < attachment.nbytes:
        part = read(min(_CHUNK_BYTES, attachment.nbytes - done))
        if not part:
            raise StreamEnded("The stream ended within an attachment.")
        if into is not None:
            into[done : done + len(part)] = part
        done += len(part)
    return array


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _refuse_constant(name: str):
    raise ValueError(f"{name} is no JSON")


def _short(value: Any) -> str:
    text = str(value) if not isinstance(value, int) or abs(value) < 10**20 else "beyond all bounds"
    return text if len(text) <= 60 else text[:60] + "…"
