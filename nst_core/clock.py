"""How far a run is: the fraction that is told, and the seconds that are left."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from nst_core.progress import Cancelled, Progress, Stop
from nst_core.pyramid import Scale, resized

PREVIEW_SIDE = 256


class NothingPainted(Exception):
    """The run is to give the best so far while its features are still being fitted."""


class Clock:
    """Tells the caller how far the run is, with a fraction that never falls and the seconds that are left.

    Work is counted in millions of pixels evaluated with the fitted features on a processor: what else there is to do
    takes as long as so many of them, measured on one core and on two.
    """

    FIT, LOAD = 0.3, 0.1  # the features fitted, or loaded, beside the layout
    READY, SHOWN = 0.3, 0.3  # between the strokes and the first evaluation; the strokes shown, each million of pixels
    FINISHED, GIVEN = 0.5, 0.3  # the contrast found, and given, each million of pixels
    BEGIN = 0.7  # evaluations that it takes as long as to begin a scale
    PLACE = 2.8e-6  # of the layout, see nst_core.plan
    WHOLE_NETWORK = 4.0  # an evaluated pixel with features that are not fitted, which are twice as many
    ON_A_CARD = 0.04  # an evaluated pixel there, with all else left to the processor; an H200 takes a third of that
    LAUNCHED = 0.013  # an evaluation there, however small: so long the processor takes to tell the card what to do
    MEASURED = 0.08  # share of the layout after which the seconds that are left can be told
    WARM_UP = 3  # evaluations until painting's own speed can be told: the first takes several times as long

    def __init__(self, scales: list[Scale], features: str, on: torch.device, places: float, pixels: int, report):
        self.scales, self.features, self.report = scales, features, report
        self.of_fit, self.of_layout = self.FIT if features == "built-in" else self.LOAD, places * self.PLACE
        self.of_ready = self.READY + (self.SHOWN * pixels / 1e6 if places else 0.0)
        self.of_finish = self.FINISHED + self.GIVEN * pixels / 1e6
        self.twice = []  # the scales that are searched once more
        self.computed_on(on)
        self.began = time.monotonic()
        self.painting_since = None  # the first evaluation's end, and the work that was done then
        self.told = 0.0
        self.finishing = False

    def computed_on(self, on: torch.device):
        """Counts all evaluations as made on this device: the processor takes over where a card fails."""
        card = on.type != "cpu"
        pixel = (1.0 if self.features == "built-in" else self.WHOLE_NETWORK) * (self.ON_A_CARD if card else 1.0)
        least = self.LAUNCHED if card else 0.0
        self.of_evaluation = [least + scale.height * scale.width / 1e6 * pixel for scale in self.scales]
        self.of_scales = [
            one * (self.BEGIN + scale.evaluations) for one, scale in zip(self.of_evaluation, self.scales, strict=True)
        ]
        once_more = sum(self.of_scales[number] for number in self.twice)
        self.work = self.of_fit + self.of_layout + self.of_ready + once_more + sum(self.of_scales) + self.of_finish

    def begin(self):
        """Tells that the run begins."""
        self._tell("fitting", 0.0, self._steps(0, 0), None)

    def fitted(self, share: float, laid_out: float = 0.0):
        """Tells that ``share`` of the fit's layers is done, 0 to 1, and so much of laying out the strokes meanwhile.

        Raises NothingPainted where the fit is to end.
        """
        self._tell("fitting", share * self.of_fit + laid_out * self.of_layout, self._steps(0, 0), None)
        if self.finishing and self.of_layout:
            raise NothingPainted

    def laid_out(self, share: float) -> bool:
        """Tells that ``share`` of laying out the strokes is done, 0 to 1; True where that is to end."""
        left = self._at_the_speed_so_far if share >= self.MEASURED else None
        self._tell("laying out", self.of_fit + share * self.of_layout, self._steps(0, 0), left)
        return self.finishing

    def at(self, number) -> Callable[[int, float, torch.Tensor], Stop | None]:
        """The callback of the scale ``number``'s evaluations."""
        before = self.work - self.of_finish - sum(self.of_scales[number:])

        def on_evaluation(step, loss, picture):
            done = before + self.of_evaluation[number] * (self.BEGIN + step)
            if self.painting_since is None:
                self.painting_since = time.monotonic(), done
            # a scale without a single loss is not told of
            known = done > self.painting_since[1] and (number or step >= self.WARM_UP)
            left = self._at_paintings_speed if known else self._at_the_speed_so_far if self.of_layout else None
            return self._tell("painting", done, self._steps(number, step, loss, picture), left)

        return on_evaluation

    def once_more(self, number) -> Callable[[int, float, torch.Tensor], Stop | None]:
        """The callback of the scale ``number``'s evaluations when it is searched again: more work than was told."""
        self.work += self.of_scales[number]
        self.twice.append(number)
        return self.at(number)

    def all_painted(self, number, step, loss):
        """Tells that all is painted, up to the scale ``number``, and is to be brought to its size and contrast."""
        steps = self._steps(number, step, loss)
        self._tell("finishing", self.work - self.of_finish, steps, self._at_the_speed_so_far)

    def finished(self, number, step, loss):
        """Tells that nothing is left to do."""
        self._tell("finishing", self.work, self._steps(number, step, loss), None)

    def _at_the_speed_so_far(self, done):
        return (time.monotonic() - self.began) / done * (self.work - done)

    def _at_paintings_speed(self, done):
        since, done_then = self.painting_since
        return (time.monotonic() - since) / (done - done_then) * (self.work - done)

    def _steps(self, number, step, loss=None, picture=None):
        """What a report says of the scale ``number``."""
        scale = self.scales[number]
        preview = None if picture is None else lambda: _preview(picture)
        return {
            "scale": number + 1,
            "scales": len(self.scales),
            "size": (scale.height, scale.width),
            "step": min(step, scale.evaluations),  # a scale may have been searched twice
            "steps": scale.evaluations,
            "loss": loss,
            "preview": preview,
        }

    def _tell(self, stage, done, steps, left):
        self.told = max(self.told, min(1.0, done / self.work))  # a scale may begin anew, where memory ran short
        seconds = left(done) if left else None
        answer = self.report(
            Progress(stage=stage, fraction=self.told, seconds_left=seconds, features=self.features, **steps)
        )
        if answer is Stop.CANCEL:
            raise Cancelled
        self.finishing = self.finishing or answer is Stop.FINISH
        return Stop.FINISH if self.finishing else None


def _preview(picture):
    height, width = picture.shape[2:]
    factor = min(1.0, PREVIEW_SIDE / max(height, width))
    small = resized(picture.detach(), max(1, round(height * factor)), max(1, round(width * factor)))
    return small.clamp(0, 1)[0].permute(1, 2, 0).cpu().numpy()
