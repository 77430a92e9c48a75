"""Tables for the terminal that are Markdown too, so that they can be kept as they are."""

from __future__ import annotations

from collections.abc import Sequence

MISSING = "–"


def table(columns: Sequence[str], rows: Sequence[Sequence]) -> str:
    """A Markdown table with aligned columns; numbers go to the right, None is shown as a dash."""
    cells = [[_text(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    right = [all(isinstance(cell, (int, float, type(None))) for cell in column) for column in zip(*rows, strict=True)]
    right = right or [False] * len(columns)
    rule = [("-" * (width - 1) + ":") if r else "-" * width for width, r in zip(widths, right, strict=True)]
    lines = [_line(row, widths, right) for row in [list(columns), rule, *cells]]
    return "\n".join(lines)


def _line(cells, widths, right):
    padded = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right, strict=True)]
    return f"| {' | '.join(padded)} |"


def _text(cell):
    if cell is None:
        return MISSING
    if isinstance(cell, float):
        return f"{cell:.0f}" if abs(cell) >= 100 else f"{cell:.1f}" if abs(cell) >= 10 else f"{cell:.3f}"
    return str(cell)
