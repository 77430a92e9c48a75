"""What computes, and how much memory a run may take: whole pictures or tiles is decided here, before the start."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

import torch

from nst_core import process, vgg
from nst_core.progress import DeviceError

MEGABYTE = 1_000_000
SHARE_OF_FREE = 0.7  # of the free memory that a run may take where no limit is given
SMALLEST_TILE = 256
LARGEST_TILE = 2048
WORKSPACES = 1.35  # times as much is taken with what products work in: all but those of bfloat16 on a card
RUNTIME_MB = 580  # torch itself, the fit, the layout; with the smallest tile it is the least limit of settings.py
BARE_MB = 470  # of it, while scales are searched


@dataclass(frozen=True)
class Budget:
    """How a scale is computed.

    Attributes:
        tile: side of the tiles in pixels; None where the whole picture fits.
        history: pairs of vectors that L-BFGS can keep.
        method: the optimizer that fits into memory, ``"l-bfgs"`` or ``"adam"``.
    """

    tile: int | None
    history: int
    method: str


def choose(name: str) -> torch.device:
    """The device for a setting: ``"auto"`` takes CUDA where it is, else the CPU. Raises :class:`DeviceError`.

    MPS is for those who ask for it: nobody has tried it, and some releases of PyTorch multiply large matrices wrongly
    there (2.7 to 2.13, on Apple's M1 and M2).
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = "cuda" if there["cuda"] else "cpu"
    if not there[name]:
        raise DeviceError(
            f"There is no {name.upper()} device that PyTorch can use here; choose the device cpu or auto."
        )
    return torch.device(name)


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether there are instructions for products of bfloat16; without, they are emulated, fifty times slower on a CPU.

    MPS is not said to have them: it was not tried. CUDA tells.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = getattr(torch.cpu, "get_capabilities", dict)() if device.type == "cpu" else {}
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def free_memory(device: torch.device) -> int:
    """Bytes that a run could take on ``device`` now."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    free = _available_of_meminfo()
    return min(free, _room_in_cgroup()) if free else 4_000 * MEGABYTE


def give_back_memory() -> None:
    """Returns to the system what was freed and is kept for the next time: up to a gigabyte, of 12 megapixels."""
    with contextlib.suppress(RuntimeError):  # of a card that failed; where there is none, nothing is done
        if torch.cuda.is_initialized():
            # what products of matrices were worked out in, 66 MB on some cards; PyTorch's own tests call this for it
            getattr(torch._C, "_cuda_clearCublasWorkspaces", lambda: None)()
        torch.cuda.empty_cache()
        if torch.backends.mps.is_available():
            torch.mps.empty_cache()
    process.give_back()


def budget(height: int, width: int, network: vgg.Vgg16, search: tuple[str, int], limit: int, margin: int) -> Budget:
    """How to compute a picture of ``height`` × ``width`` within ``limit`` bytes.

    ``search`` is the method and the history that is wanted; ``margin`` is the tiles' in pixels.
    """
    method, history = search
    pixels = height * width
    room = max(limit - RUNTIME_MB * MEGABYTE, 0)
    per_pixel = bytes_per_pixel(network)
    fixed = pixels * _BYTES_OF_STATE
    pair = pixels * _BYTES_OF_PAIR
    if pixels * per_pixel + fixed + history * pair <= room:
        return Budget(None, history, method)
    rest = room - fixed - SMALLEST_TILE**2 * per_pixel
    if method == "l-bfgs":
        history = int(min(history, rest * 0.7 / pair)) if rest > 0 else 0
        if history < 3:
            method, history = "adam", 0
    state = fixed + (history * pair if method == "l-bfgs" else pair)
    tile = int((max(room - state, 0) / per_pixel) ** 0.5)
    return Budget(max(SMALLEST_TILE, 4 * margin, min(tile, LARGEST_TILE)), history, method)


def least(height: int, width: int, network: vgg.Vgg16, margin: int) -> int:
    """About how many bytes a picture of ``height`` × ``width`` takes in the smallest tiles, with nothing remembered.

    (Measured, of the whole process, pictures included: 0.97 to 1.0 of that, from 1024 px to a draft of 12 megapixels.)
    """
    tile = min(max(SMALLEST_TILE, 4 * margin) ** 2, height * width) * bytes_per_pixel(network)
    return int(BARE_MB * MEGABYTE + height * width * _BYTES_OF_LITTLE_STATE + tile)


def bytes_per_pixel(network: vgg.Vgg16) -> float:
    """Memory for one evaluation of one pixel: every convolution's output is kept for the gradient, and the widest is
    there four times more on the way back. (Measured: 0.6 to 1.4 of that with bfloat16, by the processor and the size,
    0.9 to 1.3 without; on a card 0.95 with bfloat16, 1.3 without.)"""
    kept, widest = 0.0, 0.0
    for (weight, _), layer in zip(network.weights, vgg.LAYERS, strict=False):
        out = weight.shape[0] / vgg.stride(layer) ** 2
        kept += weight.element_size() * out
        widest = max(widest, weight.element_size() * out)
    quick_card = network.device.type == "cuda" and network.weights[-1][0].dtype == torch.bfloat16
    return (kept + 4 * widest) * (1.0 if quick_card else WORKSPACES)


_BYTES_OF_PAIR = 2 * 3 * 4  # a step and a gradient difference, RGB in float32
_BYTES_OF_STATE = 11 * 3 * 4 + 50  # picture, gradient, best, target, start, trial points, temporaries; content, weights
_BYTES_OF_LITTLE_STATE = 14 * 3 * 4  # not all of them are there at once where nothing is remembered


def _available_of_meminfo():
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 0


def _room_in_cgroup():
    """Bytes until the control group that this process is in kills it; endless where there is none."""
    folder = Path("/sys/fs/cgroup")
    try:
        limit = (folder / "memory.max").read_text().strip()
        return int(limit) - int((folder / "memory.current").read_text()) if limit != "max" else 1 << 62
    except (OSError, ValueError):
        return 1 << 62
