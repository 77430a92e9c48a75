"""Ctrl-C: until a run is under way it ends the process at once; then the first press asks for the best so far, and the
second ends the process."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

EXIT_INTERRUPTED = 130  # what shells give for a program ended by SIGINT
NOTHING_WRITTEN = "Stopped; nothing was written."
STOPPED_AT_ONCE = b"\nStopped at once, without the best so far.\n"


@contextlib.contextmanager
def stopping_on_interrupt(first: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Within it, Ctrl-C calls ``first`` and ends the process at once, with one line: for imports, before any work.

    What becomes of an exception in the middle of one is up to the module that is being imported.
    """

    def stop(*_):
        first()
        print(NOTHING_WRITTEN, file=sys.stderr, flush=True)
        os._exit(EXIT_INTERRUPTED)

    handler_before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler_before)


@contextlib.contextmanager
def finishing_on_interrupt(on_first: Callable[[], None]) -> Iterator[threading.Event]:
    """Within it, Ctrl-C calls ``on_first`` from another thread, then sets the event given; once more ends the process.

    Python runs signal handlers between its own instructions only, so that one would wait for the end of an evaluation.
    The wake-up socket hears of the signal at once, in every state of the main thread.
    """
    import socket  # it takes its time to import, and nobody sees to Ctrl-C until this module is there

    asked = threading.Event()
    hears, wakes = socket.socketpair()
    wakes.setblocking(False)

    def listen():
        while pressed := hears.recv(64):
            for number in pressed:
                if number != signal.SIGINT:
                    continue
                if asked.is_set():
                    os.write(2, STOPPED_AT_ONCE)  # the main thread may hold sys.stderr
                    os._exit(EXIT_INTERRUPTED)
                try:
                    on_first()
                finally:
                    asked.set()

    thread = threading.Thread(target=listen, name="interrupts", daemon=True)
    thread.start()
    handler_before = signal.signal(signal.SIGINT, lambda *_: None)
    fd_before = signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
    try:
        yield asked
    finally:
        signal.set_wakeup_fd(fd_before)
        signal.signal(signal.SIGINT, handler_before)
        wakes.close()
        thread.join()
        hears.close()
