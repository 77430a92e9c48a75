"""What the user is told of a failure: a code of the protocol, a sentence on what was wrong, and one on what to do next
where the first does not say so."""

from __future__ import annotations

from nst_core.picture import PictureError
from nst_core.progress import Cancelled, DeviceError
from nst_core.settings import SettingsError
from nst_core.weights.imagenet import WeightsError

ADVICE = {
    "frame": "Try again; if this comes back, install the filter again.",
    "version": "Run install.py again, so that the filter and its engine are of one version.",
    "settings": "Set it to a value in its range and try again.",
    "picture": "",  # its sentences say it themselves
    "weights": "Fetch the weights again, or choose the built-in features.",
    "memory": "Choose a smaller picture or a lower quality, or close other programs, and try again.",
    "log": "Make room on the disk or make the log folder writable, and try again.",
    "cancelled": "Start again whenever you like.",
    "internal": "Try again; if this comes back, report it with the log file.",
}
GOES_ON_AFTER = frozenset(ADVICE) - {"frame", "version", "log"}

_OUT_OF_MEMORY_TEXTS = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "cannot allocate memory",
    "could not create a primitive",  # oneDNN's word for it
    "alloc_failed",  # cuBLAS's and cuDNN's, as are the next two
    "status_not_initialized",
    "unable to find an engine to execute",
    "invalid buffer size",  # Metal's
)


def described(exc: BaseException) -> tuple[str, str]:
    """The protocol's code for an exception, and the sentence that says what was wrong."""
    if isinstance(exc, Cancelled):
        return "cancelled", "The run was cancelled."
    if isinstance(exc, SettingsError):
        return "settings", str(exc)
    if isinstance(exc, WeightsError):
        return "weights", str(exc)
    if is_out_of_memory(exc):
        return "memory", "There is not enough memory for this picture."
    if isinstance(exc, PictureError):
        return "picture", str(exc)
    if isinstance(exc, DeviceError):
        return "settings", str(exc)
    if isinstance(exc, ImportError):
        return "internal", f"A part of the engine is missing or does not load ({exc.name or 'unknown'})."
    return "internal", f"The engine met a fault that it does not know ({type(exc).__name__})."


def is_out_of_memory(exc: BaseException) -> bool:
    """Whether memory was short: Python's, NumPy's or torch's word for it, on any device.

    torch raises ``torch.OutOfMemoryError`` on CUDA, and a plain RuntimeError on the CPU and on MPS.
    """
    if isinstance(exc, MemoryError) or type(exc).__name__ == "OutOfMemoryError":
        return True
    return isinstance(exc, RuntimeError) and any(text in str(exc).lower() for text in _OUT_OF_MEMORY_TEXTS)
