"""What is settled for the whole process before torch is imported: how threads wait, and where freed memory goes."""

import contextlib
import ctypes
import gc
import os
from collections.abc import Iterator

LARGEST_KEPT = 1 << 26  # bytes: larger blocks are pictures of some 12 megapixels, which leave no room for one another
LARGEST_BY_ITSELF = 1 << 25  # that glibc comes to keep
_ARENA_MAX, _MMAP_THRESHOLD, _TRIM_THRESHOLD = -8, -3, -1  # of its malloc.h


def settle() -> None:
    """Lets threads sleep, unless the user said otherwise in the environment, and keeps freed memory at hand.

    Beside a busy GIMP, spinning threads keep the very thread from running that they wait for: a draft took 24 s instead
    of 15 s, and twice the processor time. On an idle machine it makes no difference.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    keep_freed(True)


def keep_freed(kept: bool) -> None:
    """Whether memory that is freed stays at hand until :func:`give_back`, unless the environment says what is to be.

    Feature maps come and go with every evaluation. Given back to the system each time, they are cleared page by page
    when they come again: a fifth of an evaluation's time. But blocks of other sizes do not always fit where they were,
    which may take a tenth more memory.
    """
    if any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ):
        return
    _glibc("mallopt", _ARENA_MAX, 1)
    _glibc("mallopt", _MMAP_THRESHOLD, LARGEST_KEPT if kept else LARGEST_BY_ITSELF)
    _glibc("mallopt", _TRIM_THRESHOLD, -1 if kept else 2 * LARGEST_BY_ITSELF)


@contextlib.contextmanager
def importing() -> Iterator[None]:
    """Collects no garbage while torch is imported: there is none, and looking for it takes a tenth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def give_back() -> None:
    """Returns to the system what was freed; where the C library is not glibc, it does so by itself."""
    _glibc("malloc_trim", 0)


def _glibc(function, *numbers):
    # musl and macOS have no such function, and Windows no such library: a TypeError
    with contextlib.suppress(OSError, AttributeError, TypeError):
        getattr(ctypes.CDLL(None), function)(*numbers)
