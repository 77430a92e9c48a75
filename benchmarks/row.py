"""One row of the table of speed, in a process of its own, so that its peak of memory is its own too.

``python -m benchmarks.row JSON``, with the fields of :class:`Order`; the last line of its output is JSON with those of
:class:`Row`.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.watch import flops_of_an_evaluation, watched
from nst_core.process import settle
from nst_core.settings import Settings
from nst_core.stylizing import stylize_fully

MATRIX = {"cpu": 2048, "cuda": 8192, "mps": 4096}  # side of the product that shows what the device can do
PRODUCTS = 6


@dataclass(frozen=True)
class Order:
    """What to measure: files of the two pictures, as arrays, and the settings.

    They come as files, since drawing them here would take more memory than painting, and it is the peak of that.
    """

    content: str
    style: str
    settings: dict


@dataclass(frozen=True)
class Row:
    """What was measured.

    Attributes:
        width, height: in pixels, of the finest computed scale.
        seconds, fit_seconds: of the whole run, and of the fit in it.
        evaluations: at all scales.
        evaluation_seconds: median at the finest scale, what the optimizer does included; None for a single one.
        evaluation_flops: of one of these.
        device_flops: per second, of a large float32 matrix product; best of several.
        peak_mb, gpu_mb: of memory, in units of 10⁶ bytes; None where the system does not tell.
        tiles: how many the finest scale was computed in.
        threads, device: what computed.
    """

    width: int
    height: int
    seconds: float
    fit_seconds: float
    evaluations: int
    evaluation_seconds: float | None
    evaluation_flops: int
    device_flops: float
    peak_mb: float | None
    gpu_mb: float | None
    tiles: int
    threads: int
    device: str


def measure(order: Order) -> Row:
    """Makes the run that ``order`` asks for."""
    content, style = (np.load(path) for path in (order.content, order.style))
    last, times = None, []

    def on_scale(scale):
        nonlocal last
        last = scale.objective
        times.clear()

    def on_progress(progress):
        if progress.stage == "painting":
            times.append(time.perf_counter())

    with watched(on_scale) as fit:
        result = stylize_fully(content, style, Settings.from_dict(order.settings), on_progress)
    peak, on_gpu = peak_megabytes(), None
    if result.device == "cuda":
        on_gpu = torch.cuda.max_memory_allocated() / 1e6
    each = [after - before for before, after in itertools.pairwise(times)]
    return Row(
        width=last.width,
        height=last.height,
        seconds=result.seconds,
        fit_seconds=fit.seconds,
        evaluations=result.evaluations,
        evaluation_seconds=statistics.median(each) if each else None,
        evaluation_flops=flops_of_an_evaluation(last),
        device_flops=flops_per_second(result.device),
        peak_mb=peak,
        gpu_mb=on_gpu,
        tiles=len(last.tiles),
        threads=torch.get_num_threads(),
        device=result.device,
    )


def flops_per_second(device: str) -> float:
    """What the device reaches in a large float32 matrix product; the best of several, as others may use it too."""
    side = MATRIX[device]
    a, b = (torch.rand(side, side, device=device) for _ in range(2))
    best = 0.0
    for _ in range(PRODUCTS):
        began = time.perf_counter()
        float((a @ b)[0, 0])  # waits for the device
        best = max(best, 2 * side**3 / (time.perf_counter() - began))
    return best


def peak_megabytes() -> float | None:
    """The most memory this process ever held, in units of 10⁶ bytes."""
    try:
        # not getrusage's on Linux: a child begins with what its parent held
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return None


if __name__ == "__main__":
    settle()
    row = measure(Order(**json.loads(sys.argv[1])))
    print(json.dumps(dataclasses.asdict(row)))
