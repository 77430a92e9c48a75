"""Work that goes on beside other work, on a thread of its own, and is told of on the thread that comes for it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class _Abandoned(Exception):
    """Nobody is going to come for the outcome."""


class Beside(Generic[T]):
    """The work that goes on.

    Attributes:
        so_far: the share of it that is done, 0 to 1.
    """

    def __init__(self, pool: ThreadPoolExecutor, work: Callable[[Callable[[float], bool]], T]):
        self.so_far = 0.0
        self._news, self._abandoned, self._to_end = (threading.Event() for _ in range(3))
        self._running = pool.submit(work, self._on_work)
        self._running.add_done_callback(lambda _: self._news.set())

    def outcome(self, on_work: Callable[[float], bool]) -> T:
        """What the work gives, or raises, once it is done.

        Until then ``on_work`` is called, on this thread, with the shares that are done; where it answers True, the work
        is told so. What it raises ends the work as well.
        """
        told = 0.0  # of which nobody needs to hear
        while not self._running.done() or told != self.so_far:
            self._news.wait()
            self._news.clear()  # before it is read: what comes later is news again
            if told != self.so_far:
                told = self.so_far
                if on_work(told):
                    self._to_end.set()
        return self._running.result()

    def abandon(self) -> None:
        """Ends the work at its next report."""
        self._abandoned.set()

    def _on_work(self, share):
        if self._abandoned.is_set():
            raise _Abandoned
        self.so_far = share
        self._news.set()
        return self._to_end.is_set()


@contextlib.contextmanager
def beside(work: Callable[[Callable[[float], bool]], T]) -> Iterator[Beside[T]]:
    """While the block lasts, ``work`` goes on on a thread of its own; where it is left early, that ends first.

    ``work`` is given a function that it calls often with the share that is done, 0 to 1, and that answers True where it
    is to end with what it has; it may also raise.
    """
    with ThreadPoolExecutor(1) as pool:
        working = Beside(pool, work)
        try:
            yield working
        finally:
            working.abandon()
