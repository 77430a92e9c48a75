"""What the sliders do: scores over strength, brush size, quality and size, whether they move evenly, and sheets."""

from __future__ import annotations

import argparse
import json
import sys

import numpy as np

from benchmarks import pairs
from benchmarks.options import QUALITIES, count, size, sizes, values_of
from benchmarks.scores import Judge, content_score, stroke_size
from benchmarks.sheet import contact_sheet
from benchmarks.table import table
from nst_core.settings import Settings
from nst_core.stylizing import stylize

SLIDERS = "strength", "brush-size", "quality", "size"
SAME_LOOK = 0.05  # scores of one look at two sizes differ by less
COLUMNS = "pair", "slider", "at", "style", "content", "stroke %", "like the last"
SHEET_HEIGHT = 384  # pixels of each picture, at most


def add_options(parser) -> None:
    pairs.add_options(parser)
    parser.add_argument("--size", type=size, default=512, help="longest side in pixels (%(default)s)")
    parser.add_argument("--sliders", type=_sliders, default=list(SLIDERS), help=f"of {','.join(SLIDERS)} (all)")
    parser.add_argument("--strengths", type=values_of("strength"), default=[0.0, 25.0, 50.0, 75.0, 100.0])
    parser.add_argument("--brush-sizes", type=values_of("brush_size"), default=[50.0, 100.0, 200.0])
    parser.add_argument("--qualities", **QUALITIES)
    parser.add_argument("--sizes", type=sizes, default=[384, 1024], help="whose looks are compared (384,1024)")
    parser.add_argument("--quality", type=values_of("quality"), default=["normal"], help="of all but its own slider")
    parser.add_argument("--evaluations", type=count, default=0, help="at the finest scale, instead of the quality's")
    parser.add_argument("--count", type=count, default=3, help="how many of the pairs (%(default)s)")


def _sliders(text):
    names = text.split(",")
    if unknown := set(names) - set(SLIDERS):
        raise argparse.ArgumentTypeError(f"{min(unknown)!r} is no slider; they are {', '.join(SLIDERS)}")
    return names


def run(options) -> int:
    """Prints the table and the verdicts, and writes a sheet for each pair and slider."""
    rows, verdicts, strips = [], [], {}
    for pair in pairs.chosen(options)[: options.count]:
        painted = _Painted(pair)
        for slider in options.sliders:
            steps = _moved(painted, slider, options)
            rows += [[pair.name, slider, *step.row()] for step in steps]
            verdicts.append([pair.name, slider, *VERDICTS[slider](steps)])
            strips.setdefault(slider, []).append([(step.label(), step.picture) for step in steps])
            print(f"{pair.name}, {slider}: measured", file=sys.stderr, flush=True)
    for slider, strip in strips.items():
        contact_sheet(options.out / f"{slider}.png", strip, min(SHEET_HEIGHT, options.size))
    print(table(COLUMNS, rows))
    print()
    print(table(("pair", "slider", "even", "why"), verdicts))
    (options.out / "sliders.json").write_text(json.dumps({"rows": rows, "verdicts": verdicts}, indent=1))
    print(f"\nSheets are in {options.out}.")
    return 0


class Step:
    """One position of a slider, the picture there, and its numbers.

    ``stroke`` is the size of strokes in per cent of the longest side; ``likeness`` how much of this picture's structure
    is that of the one at the slider's last position before it, as the content score measures it.
    """

    def __init__(self, at, picture, scores, stroke, likeness):
        self.at, self.picture, self.scores, self.stroke, self.likeness = at, picture, scores, stroke, likeness

    def row(self) -> list:
        return [self.at, self.scores.style, self.scores.content, self.stroke, self.likeness]

    def label(self) -> str:
        return f"{self.at}\n{self.scores}"


class _Painted:
    """A pair's pictures and results; what two sliders have in common is painted once."""

    def __init__(self, pair):
        self._pair, self._results, self._sources = pair, {}, {}

    def sources(self, longest):
        if longest not in self._sources:
            self._sources[longest] = self._pair.content(longest), self._pair.style(longest)
        return self._sources[longest]

    def result(self, longest, settings):
        key = longest, settings
        if key not in self._results:
            self._results[key] = stylize(*self.sources(longest), settings)
        return self._results[key]


def _moved(painted, slider, options) -> list[Step]:
    """The steps of one slider, all else at its default."""
    settings = {
        "quality": options.quality[0],
        "features": options.features,
        "device": options.device,
        "evaluations": options.evaluations,
    }
    positions = {
        "strength": [(f"{v:g}", options.size, {"strength": v}) for v in options.strengths],
        "brush-size": [(f"{v:g}", options.size, {"brush_size": v}) for v in options.brush_sizes],
        "quality": [(v, options.size, {"quality": v}) for v in options.qualities],
        "size": [(f"{v} px", v, {}) for v in options.sizes],
    }[slider]
    steps, judge = [], None
    for at, longest, values in positions:
        content, style = painted.sources(longest)
        # one judge for all steps: what is compared is the results, each against the same two pictures
        judge = judge or Judge(content, style)
        picture = painted.result(longest, Settings.from_dict({**settings, **values}))
        likeness = content_score(picture, steps[-1].picture) if steps else None
        steps.append(Step(at, picture, judge.scores(picture), stroke_size(picture, content), likeness))
    return steps


def _strength_verdict(steps):
    """Style must rise and content fall from each position to the next."""
    style = np.diff([step.scores.style for step in steps])
    content = -np.diff([step.scores.content for step in steps])
    return _rising({"style rises": style, "content falls": content}, steps)


def _brush_verdict(steps):
    return _rising({"strokes grow": np.diff(np.log([max(step.stroke, 1e-9) for step in steps]))}, steps)


def _rising(changes, steps):
    faults = [
        f"not so that {what} from {before.at} to {after.at} ({change:+.3f})"
        for what, of in changes.items()
        for change, before, after in zip(of, steps, steps[1:], strict=False)
        if change <= 0
    ]
    spans = [f"{what} by {', '.join(f'{change:.3f}' for change in of)}" for what, of in changes.items()]
    return ("no" if faults else "yes"), "; ".join(faults or spans)


def _quality_verdict(steps):
    """It is the same picture getting finer: told by how alike they are, for eyes to judge."""
    alike = [step.likeness for step in steps[1:]]
    return "see", "structure shared with the last: " + ", ".join(f"{value:.2f}" for value in alike)


def _size_verdict(steps):
    spread = {
        name: max(values) - min(values)
        for name, values in (
            ("style", [step.scores.style for step in steps]),
            ("content", [step.scores.content for step in steps]),
        )
    }
    told = ", ".join(f"{name} differs by {value:.3f}" for name, value in spread.items())
    return ("yes" if max(spread.values()) < SAME_LOOK else "no"), told


VERDICTS = {
    "strength": _strength_verdict,
    "brush-size": _brush_verdict,
    "quality": _quality_verdict,
    "size": _size_verdict,
}
