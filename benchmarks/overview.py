"""What speed and convergence measure, in one run; where nothing is named, it is this."""

from __future__ import annotations

import argparse

from benchmarks import convergence, speed
from benchmarks.options import count


def add_options(parser) -> None:
    """The options of both; the parser has to let the later of two with one name hold."""
    convergence.add_options(parser)
    speed.add_options(parser)
    parser.add_argument(
        "--evaluations",
        type=count,
        help=f"at the finest scale (the quality's), and of plain L-BFGS ({convergence.EVALUATIONS})",
    )


def run(options) -> int:
    """Prints the tables of both, and what they tell; 1 where a process failed."""
    failed = speed.run(_with(options, 0))
    print(flush=True)
    return convergence.run(_with(options, convergence.EVALUATIONS)) or failed


def _with(options, evaluations):
    return argparse.Namespace(**{**vars(options), "evaluations": options.evaluations or evaluations})
