"""Contact sheets of content, style and the result of every quality, with their scores, and each result by itself."""

from __future__ import annotations

import json
import statistics
import sys

from benchmarks import pairs
from benchmarks.options import QUALITIES, count, size
from benchmarks.scores import Judge
from benchmarks.sheet import contact_sheet, image, save
from benchmarks.table import table
from nst_core.settings import Settings
from nst_core.stylizing import stylize_fully

ROWS_ON_A_SHEET = 5


def add_options(parser) -> None:
    pairs.add_options(parser)
    parser.add_argument("--size", type=size, default=512, help="longest side in pixels (%(default)s)")
    parser.add_argument("--qualities", **QUALITIES)
    parser.add_argument("--evaluations", type=count, default=0, help="at the finest scale, instead of the quality's")


def run(options) -> int:
    """Prints the scores and where the sheets are."""
    rows, strips = [], []
    for pair in pairs.chosen(options):
        content, style = pair.content(options.size), pair.style(options.size)
        judge = Judge(content, style)
        strip = [("content", content), ("style", style)]
        for quality in options.qualities:
            settings = Settings(
                quality=quality, features=options.features, device=options.device, evaluations=options.evaluations
            )
            result = stylize_fully(content, style, settings)
            scores = judge.scores(result.picture)
            rows.append([pair.name, quality, scores.style, scores.content, result.seconds])
            strip.append((f"{quality}, {result.seconds:.0f} s\n{scores}", result.picture))
            save(options.out / f"{pair.name}-{quality}.png", image(result.picture))
            print(f"{pair.name}, {quality}: {scores}", file=sys.stderr, flush=True)
        strips.append(strip)
    sheets = _sheets(options.out, strips)
    print(table(("pair", "quality", "style", "content", "seconds"), rows + _means(rows, options.qualities)))
    (options.out / "quality.json").write_text(json.dumps(rows, indent=1))
    print("\nstyle: 1 is the style's texture, 0 as far from it as the content; content: 1 is all of its structure.")
    print(f"Sheets: {', '.join(map(str, sheets))}; each result beside them, to be looked at by itself at 100 %.")
    return 0


def _means(rows, qualities):
    means = []
    for quality in qualities:
        columns = list(zip(*(row[2:] for row in rows if row[1] == quality), strict=True))
        means.append(["mean", quality, *(statistics.fmean(column) for column in columns)])
    return means


def _sheets(folder, strips):
    """Writes the strips, some on each sheet: one sheet of many pairs would be too large to look at."""
    paths = []
    for first in range(0, len(strips), ROWS_ON_A_SHEET):
        part = strips[first : first + ROWS_ON_A_SHEET]
        paths.append(folder / f"sheet-{len(paths) + 1}.png")
        contact_sheet(paths[-1], part, part[0][0][1].shape[0])
    return paths
