"""What is settled for the whole process before torch is imported: how threads wait, and where freed memory goes."""

import contextlib
import ctypes
import os

LARGEST_KEPT = 1 << 26  # bytes: larger blocks are pictures of some 12 megapixels, which leave no room for one another
_ARENA_MAX, _MMAP_THRESHOLD, _TRIM_THRESHOLD = -8, -3, -1  # of glibc's malloc.h


def settle() -> None:
    """Lets threads sleep, and keeps freed memory at hand, unless the user said otherwise in the environment.

    Beside a busy GIMP, spinning threads keep the very thread from running that they wait for: a draft took 24 s instead
    of 15 s, and twice the processor time. On an idle machine it makes no difference.

    Feature maps come and go with every evaluation. Given back to the system each time, they are cleared page by page
    when they come again: a fifth of an evaluation's time. :func:`give_back` gives them back when a scale is done.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if not any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ):
        _glibc("mallopt", _ARENA_MAX, 1)
        _glibc("mallopt", _MMAP_THRESHOLD, LARGEST_KEPT)
        _glibc("mallopt", _TRIM_THRESHOLD, -1)


def give_back() -> None:
    """Returns to the system what was freed; where the C library is not glibc, it does so by itself."""
    _glibc("malloc_trim", 0)


def _glibc(function, *numbers):
    # musl and macOS have no such function, and Windows no such library: a TypeError
    with contextlib.suppress(OSError, AttributeError, TypeError):
        getattr(ctypes.CDLL(None), function)(*numbers)
