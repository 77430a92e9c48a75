"""Seconds, seconds per evaluation against the floor, and memory; whole processes, and how soon the engine is ready.

The floor is the time that the convolutions and matrix products of one evaluation take at the speed of a large matrix
product, measured in the same run with the same threads.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.options import QUALITIES, count, size, sizes, value_of
from benchmarks.pairs import drawn_pairs
from benchmarks.row import Order, Row
from benchmarks.sheet import image
from benchmarks.table import table
from nst_core.engine.protocol import PROTOCOL, frame_bytes, read_frame

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = "picture", "quality", "computed at", "seconds", "fit s", "evaluations", "s/evaluation", "floor s"
COLUMNS += "× floor", "tiles", "peak MB"


class MeasuringError(Exception):
    """A process that was to be measured failed; the message says what it said."""


def add_options(parser) -> None:
    parser.add_argument("--sizes", type=sizes, default=[256, 512, 1024, 2048], help="longest sides in pixels")
    parser.add_argument("--qualities", **QUALITIES)
    parser.add_argument("--evaluations", type=count, default=0, help="at the finest scale, instead of the quality's")
    parser.add_argument(
        "--memory-limit", type=value_of("memory_limit"), default=0, metavar="MB", help="that the runs may use"
    )
    parser.add_argument("--process-size", type=size, default=512, help="longest side for the whole processes")


def run(options) -> int:
    """Prints the table, then the times of whole processes; 1 where one of them failed."""
    failed, rows = [], []
    for longest in options.sizes:
        with _drawn(longest) as (content, style):
            for quality in options.qualities:
                try:
                    row = _row(Order(content, style, _settings(options, quality)))
                    rows.append((longest, quality, row))
                    told = f"{row.seconds:.1f} s, {row.evaluations} evaluations"  # all that is left of a run cut short
                except MeasuringError as exc:
                    failed.append(f"{longest} px, {quality}: {exc}")
                    told = "failed"
                print(f"{longest} px, {quality}: {told}", file=sys.stderr, flush=True)
    if rows:
        # the machine's best over the whole run: a neighbour that slowed one product down must not lower the floor
        speed = max(row.device_flops for _, _, row in rows)
        print(_heading(rows[0][2], speed))
        print(table(COLUMNS, [_cells(*row, speed) for row in rows]))
    processes = []
    for what, measured in _processes(options):
        try:
            processes.append((what, measured()))
        except MeasuringError as exc:
            failed.append(f"{what}: {exc}")
    print()
    print(table(("whole process", "seconds"), processes))
    for line in failed:
        print(line, file=sys.stderr)
    (options.out / "speed.json").write_text(
        json.dumps(
            {
                "rows": [{"size": s, "quality": q, **dataclasses.asdict(row)} for s, q, row in rows],
                "processes": dict(processes),
            },
            indent=1,
        )
    )
    return 1 if failed else 0


def _settings(options, quality):
    return {
        "quality": quality,
        "features": options.features,
        "device": options.device,
        "evaluations": options.evaluations,
        "memory_limit": options.memory_limit,
    }


@contextlib.contextmanager
def _drawn(longest):
    """Files of the first drawn pair, as long as they are needed."""
    pair = drawn_pairs()[0]
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder, f"{name}.npy")) for name in ("content", "style")]
        for file, draw in zip(files, (pair.content, pair.style), strict=True):
            np.save(file, draw(longest))
        yield files


def _row(order: Order) -> Row:
    output = _output([sys.executable, "-m", "benchmarks.row", json.dumps(dataclasses.asdict(order))])
    return Row(**json.loads(output.strip().splitlines()[-1]))


def _heading(row: Row, speed: float) -> str:
    return (
        f"{platform.machine()}, {row.device}, {row.threads} threads, torch {torch.__version__}, "
        f"Python {platform.python_version()}; large float32 matrix product: {speed / 1e9:.0f} GFLOP/s\n"
    )


def _cells(longest, quality, row: Row, speed):
    floor = row.evaluation_flops / speed
    times = None if row.evaluation_seconds is None else row.evaluation_seconds / floor
    memory = row.peak_mb if row.gpu_mb is None else f"{row.peak_mb or 0:.0f} + {row.gpu_mb:.0f} GPU"
    return [
        f"{longest}×{round(longest * 3 / 4)}",
        quality,
        f"{row.width}×{row.height}",
        row.seconds,
        row.fit_seconds,
        row.evaluations,
        row.evaluation_seconds,
        floor,
        times,
        row.tiles,
        memory,
    ]


def _processes(options):
    """What to measure of whole processes: pairs of what it is and a function that gives the seconds."""
    longest = options.process_size
    named = f"{longest}×{round(longest * 3 / 4)}"
    for quality in options.qualities:
        yield (
            f"python -m nst_core, {named}, {quality}",
            lambda q=quality: _command_line_seconds(longest, _settings(options, q)),
        )
    yield "python -m nst_core.engine until ready", _ready_seconds


def _command_line_seconds(longest, settings) -> float:
    """From the start of the command line to its end, the pictures read from files and written to one."""
    with tempfile.TemporaryDirectory() as name:
        folder, pair = Path(name), drawn_pairs()[0]
        image(pair.content(longest)).save(folder / "content.png")
        image(pair.style(longest)).save(folder / "style.png")
        command = [sys.executable, "-m", "nst_core", "content.png", "style.png", "-o", "painted.png"]
        command += [f"--{key.replace('_', '-')}={value}" for key, value in settings.items()]
        began = time.perf_counter()
        _output(command, folder)
        return time.perf_counter() - began


def _ready_seconds() -> float:
    """From the engine's start to its ``ready``."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**_environment(), "NST_LOG_DIR": folder}
        began = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-m", "nst_core.engine"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        ) as engine:
            hello = {"type": "hello", "id": 0, "protocol": PROTOCOL, "client": "benchmarks"}
            engine.stdin.write(b"".join(frame_bytes(hello)))
            engine.stdin.flush()
            answer = read_frame(engine.stdout.read)
            seconds = time.perf_counter() - began
            engine.stdin.close()  # which ends it
    if answer is None or answer.type != "ready":
        raise MeasuringError(f"the engine answered {answer and answer.header}")
    return seconds


def _output(command, folder=ROOT) -> str:
    done = subprocess.run(command, cwd=folder, env=_environment(), capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise MeasuringError(f"exit code {done.returncode}; {said[-1] if said else 'it said nothing'}")
    return done.stdout


def _environment():
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "PYTHONUTF8": "1"}
