"""Ctrl-C that finishes a run: the first press asks for the best so far, the second ends the process at once."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator

EXIT_INTERRUPTED = 130  # what shells give for a program ended by SIGINT


@contextlib.contextmanager
def finishing_on_interrupt(on_first: Callable[[], None]) -> Iterator[threading.Event]:
    """Within it, Ctrl-C sets the event given, and calls ``on_first`` from another thread; once more ends the process.

    Python runs signal handlers between its own instructions only, so that one would wait for the end of an evaluation.
    The wake-up socket hears of the signal at once, in every state of the main thread.
    """
    asked = threading.Event()
    hears, wakes = socket.socketpair()
    wakes.setblocking(False)

    def listen():
        while pressed := hears.recv(64):
            for number in pressed:
                if number != signal.SIGINT:
                    continue
                if asked.is_set():
                    os._exit(EXIT_INTERRUPTED)
                asked.set()
                on_first()

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
