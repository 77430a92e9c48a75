"""``python -m benchmarks``: the command line of the measurements; each sub-command is a module of its own.

Where none is named it is ``overview``, with its options.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from nst_core.process import settle

settle()  # before torch is imported, which looks once at how its threads are to wait

try:
    from benchmarks import convergence, overview, quality, sliders, speed
    from benchmarks.pairs import PairsError
    from nst_core.settings import PARAMETERS
except ModuleNotFoundError as exc:
    sys.exit(f"{exc.name} is missing here; the README tells which Python the benchmarks want (Tests and benchmarks).")

OUT = Path(__file__).with_name("out")
MEASUREMENTS = {
    "overview": overview,
    "speed": speed,
    "convergence": convergence,
    "quality": quality,
    "sliders": sliders,
}


def main(arguments: list[str] | None = None) -> int:
    """Runs one measurement; the exit code is 0 where it could be made, whatever it found."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help")):
        arguments = ["overview", *arguments]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measures the engine.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, module in MEASUREMENTS.items():
        summary = module.__doc__.splitlines()[0]
        command = commands.add_parser(name, help=summary, description=summary, conflict_handler="resolve")
        module.add_options(command)
        _add_common_options(command)
    options = parser.parse_args(arguments)
    options.out = options.out / options.command
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        return MEASUREMENTS[options.command].run(options)
    except PairsError as exc:
        print(exc, file=sys.stderr)
        return 2


def _add_common_options(parser):
    """What all measurements share; the settings' names and choices are the engine's own."""
    table = {parameter.name: parameter for parameter in PARAMETERS}
    parser.add_argument("--features", choices=list(table["features"].choices), default="built-in")
    parser.add_argument("--device", choices=list(table["device"].choices), default="auto")
    parser.add_argument("--out", type=Path, default=OUT, metavar="FOLDER", help="where pictures go (%(default)s)")


if __name__ == "__main__":
    raise SystemExit(main())
