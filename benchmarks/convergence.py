"""Time to equal loss and to an equal picture, against plain single-scale L-BFGS on the same features and loss.

Plain L-BFGS starts from the content, at the finest scale alone. Its time is divided by the time in which the engine
reaches what plain L-BFGS ends at. The features are there for both before their clocks begin.
"""

from __future__ import annotations

import dataclasses
import json
import time
from dataclasses import dataclass

from benchmarks import pairs
from benchmarks.options import count, size, values_of
from benchmarks.plot import draw
from benchmarks.scores import Judge
from benchmarks.sheet import contact_sheet
from benchmarks.table import table
from benchmarks.trace import Point, Trace, ours, plain
from benchmarks.watch import finest_scale
from nst_core.settings import Settings

EVALUATIONS = 500  # of plain L-BFGS
ALIKE = 0.01  # two scores that differ by no more are those of equal pictures
COLUMNS = "pair", "reached", "plain s", "engine s", "ratio", "ratio with the fit", "plain itself s"


def add_options(parser) -> None:
    pairs.add_options(parser)
    parser.add_argument("--size", type=size, default=512, help="longest side in pixels (%(default)s)")
    parser.add_argument("--quality", type=values_of("quality"), default=["normal"], help="of the engine's run (normal)")
    parser.add_argument("--evaluations", type=count, default=EVALUATIONS, help="of plain L-BFGS (%(default)s)")
    parser.add_argument("--all", action="store_true", help="all pairs, not the first one only")


def run(options) -> int:
    """Prints the ratios and what happened; writes the trace, the plot and the two pictures of every pair."""
    rows, told = [], []
    chosen = pairs.chosen(options)
    for pair in chosen if options.all else chosen[:1]:
        print(f"{pair.name}: plain L-BFGS, then the engine …", flush=True)
        content, style = pair.content(options.size), pair.style(options.size)
        settings = Settings(quality=options.quality[0], features=options.features, device=options.device)
        compared = compare(content, style, settings, options.evaluations)
        rows += [[pair.name, *row] for row in compared.rows()]
        told += [f"{pair.name}: {line}" for line in compared.told()]
        _write(options.out, pair.name, content, style, compared)
        told.append(f"{pair.name}: {draw(options.out / f'{pair.name}.png', compared.plain, compared.ours)}")
    print(table(COLUMNS, rows))
    print("\n".join(["", *told, f"Traces and pictures are in {options.out}."]))
    return 0


@dataclass(frozen=True)
class Comparison:
    """Both traces, and the first points at which each is as good as the plain one's end."""

    plain: Trace
    ours: Trace

    def first_with_equal_loss(self, trace: Trace, slack: float = 0.0) -> Point | None:
        """The first point at the finest scale whose loss is at most plain's last, ``slack`` of it more allowed."""
        wanted = self.plain.last.loss * (1 + slack)
        return next((point for point in trace.at_finest() if point.loss <= wanted), None)

    def first_with_equal_picture(self, trace: Trace) -> Point | None:
        """The first point whose scores both reach plain's last ones, up to :data:`ALIKE`."""
        wanted = self.plain.last.scores
        for point in trace.at_finest():
            s = point.scores
            if s and s.style >= wanted.style - ALIKE and s.content >= wanted.content - ALIKE:
                return point
        return None

    def rows(self) -> list[list]:
        """The table's rows: equal loss and equal picture."""
        return [
            self._row(
                "equal loss", self.first_with_equal_loss(self.ours), self.first_with_equal_loss(self.plain, 0.01)
            ),
            self._row(
                "equal picture",
                self.first_with_equal_picture(self.ours),
                self.first_with_equal_picture(self.plain),
            ),
        ]

    def _row(self, what, point, plain_itself):
        total, itself = self.plain.last.seconds, plain_itself and plain_itself.seconds
        if point is None:
            return [what, total, "not reached", None, None, itself]
        fit = self.ours.fit.seconds
        return [what, total, point.seconds, total / point.seconds, (total + fit) / (point.seconds + fit), itself]

    def told(self) -> list[str]:
        """What happened, in sentences."""
        p, o = self.plain.last, self.ours.last
        normal = self.end_of_schedule()
        lines = [
            f"plain ended at loss {p.loss:.4g}, {p.scores}, after {p.evaluations} evaluations in {p.seconds:.1f} s; "
            f"“plain itself” is when it first came within 1 % of that loss, and within {ALIKE} of those scores",
            f"the engine's schedule ended at loss {normal.loss:.4g} after {normal.evaluations} evaluations in "
            f"{normal.seconds:.1f} s, and {self.ours.fit.seconds:.1f} s for the fit before",
        ]
        reached = self.first_with_equal_loss(self.ours)
        if reached is None:
            more = 100 * (o.loss / p.loss - 1)
            lines.append(
                f"the engine did not reach plain's loss: it went on at the finest scale to {o.evaluations} evaluations "
                f"in {o.seconds:.1f} s and ended {more:.1f} % above it"
            )
        elif reached.evaluations > normal.evaluations:
            lines.append(
                f"the schedule alone did not reach plain's loss; continued at the finest scale, it took "
                f"{reached.evaluations} evaluations in all"
            )
        if self.first_with_equal_picture(self.ours) is None:
            scored = [point.scores for point in self.ours.at_finest() if point.scores]
            lines.append(
                f"no picture of the engine's had both scores: its best were style {max(s.style for s in scored):.3f} "
                f"and content {max(s.content for s in scored):.3f}, and it ended at {o.scores}"
            )
        return lines

    def end_of_schedule(self) -> Point:
        """Where the engine's run would have ended by itself."""
        return self.ours.at_finest()[: self.ours.planned][-1]


def compare(content, style, settings: Settings, evaluations: int) -> Comparison:
    """Runs plain L-BFGS for ``evaluations``, then the engine until it is as good."""
    judge, finest = Judge(content, style), finest_scale(content, style, settings)
    plainly = plain(finest, content, judge, evaluations)
    return Comparison(plainly, ours(finest, content, style, settings, judge, plainly.last.loss, evaluations))


def _write(folder, name, content, style, compared):
    traces = {
        which: {"fit_seconds": trace.fit.seconds, "points": [dataclasses.asdict(point) for point in trace.points]}
        for which, trace in (("plain", compared.plain), ("engine", compared.ours))
    }
    text = json.dumps({"made": time.strftime("%Y-%m-%d"), **traces}, indent=1)
    (folder / f"{name}.json").write_text(text.replace("NaN", "null"))
    row = [("content", content), ("style", style)]
    for which, trace in (("plain L-BFGS", compared.plain), ("engine", compared.ours)):
        row.append((f"{which}, {trace.last.seconds:.0f} s\n{trace.last.scores}", trace.picture))
    contact_sheet(folder / f"{name}-pictures.png", [row], content.shape[0])
