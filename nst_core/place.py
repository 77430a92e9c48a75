"""Where a scale is computed and in how much memory; and where to go on once a card fails, or memory runs short."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from nst_core import device, failures

LEAST_LIMIT = 300 * device.MEGABYTE  # under which all is computed in the smallest tiles
IN_TILES = "Memory ran short, so it was painted in tiles, which takes longer."
SHORT_ON_CARD = "The graphics card's memory ran short, so the processor painted it."
FAILED_ON_CARD = "The graphics card failed, so the processor painted it."
WRONG_ON_CARD = "The graphics card gave other results than the processor, so the processor painted it."

log = logging.getLogger("nst_core.engine.place")  # for the engine's log file; without an engine nothing is written


@dataclass(frozen=True)
class Place:
    """Where a scale is computed: the torch device, and the bytes that it may take there.

    ``note`` is a sentence for the artist where memory ran short, or the limit is too low for the picture; else empty.
    ``asked`` is the memory limit that was set, in megabytes; 0 where none was.
    """

    on: torch.device
    limit: int
    note: str = ""
    asked: int = 0

    def next(self) -> Place | None:
        """Where to try again once memory ran short here: in half as much, then on the CPU; None where nothing is left.

        Half as much, a few times, is tiles of the smallest size, whatever the picture.
        """
        if self.limit > LEAST_LIMIT:
            return replace(self, limit=self.limit // 2, note=IN_TILES)
        return None if self.on.type == "cpu" else place(torch.device("cpu"), self.asked, SHORT_ON_CARD)

    def after(self, exc: Exception) -> Place | None:
        """Where to go on after ``exc``; None where that is no fault of the place, or nothing is left."""
        if failures.is_out_of_memory(exc):
            return self.next()
        if self.on.type == "cpu" or not isinstance(exc, RuntimeError):
            return None
        log.info("%s failed", self.on, exc_info=exc)
        return place(torch.device("cpu"), self.asked, FAILED_ON_CARD)

    def within_what_is_free(self) -> Place:
        """With what a card has left, where no limit was set: other programs may have filled it since."""
        if self.asked or self.on.type == "cpu":
            return self
        return replace(self, limit=min(self.limit, place(self.on, 0).limit))


def place(on: torch.device, asked: int, note: str = "") -> Place:
    """``on``, with the limit that was ``asked`` for, in megabytes, or where that is 0 with a share of what is free."""
    return Place(on, asked * device.MEGABYTE or int(device.free_memory(on) * device.SHARE_OF_FREE), note, asked)


def tried(on: torch.device, agrees: Callable[[], object]) -> tuple[torch.device, str]:
    """``on``, where it is the processor or ``agrees`` with it about a small trial; else the processor, and a sentence.

    A card may lack the room for a trial, as other programs have it, or this PyTorch the code for the card.
    """
    if on.type == "cpu":
        return on, ""
    try:
        if agrees():
            return on, ""
        why = WRONG_ON_CARD
    except (RuntimeError, TypeError) as exc:  # the latter is Metal's, of types that it does not have
        log.info("the trial on %s failed", on, exc_info=exc)
        why = SHORT_ON_CARD if failures.is_out_of_memory(exc) else FAILED_ON_CARD
    return torch.device("cpu"), why
