"""torchvision's ImageNet weights for VGG16: find, fetch, verify, convert. Importing this does not import torch.

A fetch, which only the user starts, downloads the whole network (528 MB, mostly the classifier), checks it against the
hash in its file name, and keeps the 13 convolutions as a safetensors file of 59 MB. Its header says what input they
were trained on, and the hash of its tensors, so that a damaged file is found when it is loaded.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import shutil
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

if TYPE_CHECKING:
    import torch

NAMES = {"imagenet": "IMAGENET1K_FEATURES", "imagenet-v1": "IMAGENET1K_V1"}
"""The names of the weights, best first, with their names in torchvision's ``VGG16_Weights``."""

CHANNELS = (3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
"""Of VGG16's input and of the output of each of its 13 convolutions."""

URL_VARIABLE = "NST_WEIGHTS_URL"
"""Environment variable that says where to fetch from instead, for a mirror; the file name must end in its hash."""

_LAYERS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)  # of the convolutions in torchvision's vgg16().features
_CHUNK_BYTES = 1 << 18
_TIMEOUT_SECONDS = 60
_LEFTOVER_SECONDS = 24 * 3600

OnBytes = Callable[[int, "int | None"], None]  # bytes so far, bytes in all where known


class WeightsError(Exception):
    """Weights that are not there, damaged or can't be fetched; the message says which, and what to do."""


@dataclass(frozen=True)
class Normalisation:
    """What weights were trained on: the network's input is ``(x - mean) / std`` for x in [0, 1], sRGB, RGB order."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


def folder() -> Path:
    """Where the weights are: ``weights`` in ``NST_DATA_DIR``, in install.py's folder, or in the user's data folder."""
    data = os.environ.get("NST_DATA_DIR") or _beside_the_engine()
    return Path(data or platformdirs.user_data_dir("neural-style-for-gimp", appauthor=False)) / "weights"


def _beside_the_engine() -> Path | None:
    """The folder that install.py put this engine in, which may be another than the user's data folder."""
    folder_of_engine = Path(sys.prefix).parent
    return folder_of_engine if (folder_of_engine / "installed.json").is_file() else None


def available() -> list[str]:
    """The names of the installed weights, best first."""
    return [name for name in NAMES if _file(name).is_file()]


def require(name: str) -> None:
    """Raises :class:`WeightsError`, which tells how to fetch them, where the weights ``name`` are not installed."""
    if not _file(name).is_file():
        raise WeightsError(f"The {name} weights are not installed; fetch them with: {_fetch_command(name)}")


def normalisation(name: str) -> Normalisation:
    """The input that the installed weights ``name`` expect. Raises :class:`WeightsError`."""
    header = _header(name)
    try:
        return Normalisation(tuple(json.loads(header["mean"])), tuple(json.loads(header["std"])))
    except (KeyError, ValueError, TypeError) as exc:
        raise _damaged(name) from exc


def load(name: str, device: str | torch.device = "cpu") -> list[tuple[torch.Tensor, torch.Tensor]]:
    """The installed weights ``name``: 13 pairs of float32 weight (out, in, 3, 3) and bias (out,), in VGG16's order.

    Raises :class:`WeightsError` where they are not installed or damaged.
    """
    stated = _header(name).get("sha256")
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(_file(name))
    except (SafetensorError, OSError) as exc:
        raise _damaged(name) from exc
    if {key: tuple(tensor.shape) for key, tensor in tensors.items()} != _shapes() or _tensors_hash(tensors) != stated:
        raise _damaged(name)
    layers = [f"features.{layer}" for layer in _LAYERS]
    return [(tensors[f"{layer}.weight"].to(device), tensors[f"{layer}.bias"].to(device)) for layer in layers]


def fetch(name: str, on_bytes: OnBytes | None = None) -> Path:
    """Downloads, verifies and installs the weights ``name``; the path of the file that is kept.

    Raises :class:`WeightsError`; what was there before then still is, and nothing else is left.
    """
    try:
        from nst_core.weights.torchvision_shim import vgg16_weights

        weights = vgg16_weights()[NAMES[name]]
    except ImportError as exc:
        raise WeightsError(
            f"torchvision, which knows the weights, does not load ({exc}); install it and try again."
        ) from exc
    url = os.environ.get(URL_VARIABLE) or weights.url
    target = _file(name)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(target.parent)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as beside:
            fetched = Path(beside) / "vgg16.pth"
            _download(url, fetched, on_bytes)
            kept = Path(beside) / target.name
            _convert(fetched, kept, name, url, weights.transforms())
            os.replace(kept, target)
    except OSError as exc:
        reason = exc.strerror or str(exc)
        raise WeightsError(
            f"The weights can't be kept in {target.parent}: {reason}; make room or change it, and try again."
        ) from exc
    return target


def _file(name: str) -> Path:
    return folder() / f"vgg16-{name}.safetensors"


def _fetch_command(name: str) -> str:
    if name == "imagenet" and _beside_the_engine():
        return "python3 install.py --imagenet"
    return f"python -m nst_core --fetch-weights {name}"


def _remove_leftovers(kept_in: Path) -> None:
    """Removes what fetches that were killed have left, once they can't be running any more."""
    for folder_of_one in kept_in.glob(".fetch-*"):
        if time.time() - folder_of_one.stat().st_mtime > _LEFTOVER_SECONDS:
            shutil.rmtree(folder_of_one, ignore_errors=True)


def _download(url: str, target: Path, on_bytes: OnBytes | None) -> None:
    """The file at ``url``, whose name must end in the first digits of its SHA-256 as torch.hub has it."""
    stated = re.search(r"-([0-9a-f]{8,64})\.pth$", url)
    if not stated:
        raise WeightsError(f"The address {url} does not end in -HASH.pth, so that what comes from it can't be checked.")
    digest, done, total = hashlib.sha256(), 0, None
    with open(target, "wb") as out:
        try:
            with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as answer:
                length = answer.headers.get("Content-Length") or ""
                total = int(length) if length.isdigit() else None
                while part := answer.read(_CHUNK_BYTES):
                    _write(out, part)
                    digest.update(part)
                    done += len(part)
                    if on_bytes:
                        on_bytes(done, total)
        except urllib.error.HTTPError as exc:
            raise WeightsError(f"The server answers {exc.code} ({exc.reason}) for {url}; try again later.") from exc
        except (OSError, http.client.HTTPException, ValueError) as exc:
            reason = getattr(exc, "reason", None) or exc
            reason = getattr(reason, "strerror", None) or reason  # without the system's number
            raise WeightsError(f"{url} can't be fetched ({reason}); check the connection and try again.") from exc
    if total is not None and done < total:
        raise WeightsError(f"The download stopped after {done} of {total} bytes; check the connection and try again.")
    if not digest.hexdigest().startswith(stated[1]):
        raise WeightsError("What was downloaded has a wrong hash, so that nothing of it was kept; try again.")


def _write(out, part: bytes) -> None:
    try:
        out.write(part)
    except OSError as exc:  # told apart from the network's errors, which are of the same class
        raise WeightsError(f"The download can't be kept: {exc.strerror}; make room on the disk and try again.") from exc


def _convert(source: Path, target: Path, name: str, url: str, transforms) -> None:
    """Keeps the convolutions of a torchvision VGG16 state dictionary as a safetensors file."""
    import torch
    from safetensors.torch import save_file

    try:
        # weights_only: nothing in the file is run, whoever wrote it
        state = torch.load(source, map_location="cpu", weights_only=True, mmap=True)
        tensors = {key: state[key].to(torch.float32).contiguous() for key in _keys()}
        shapes = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    except Exception as exc:  # torch and pickle raise anything for a file that isn't theirs
        raise WeightsError("What was downloaded does not hold VGG16's weights; nothing was kept.") from exc
    if shapes != _shapes():
        raise WeightsError("What was downloaded holds weights of other shapes than VGG16's; nothing was kept.")
    metadata = {
        "weights": name,
        "source": url.rsplit("/", 1)[-1],
        "sha256": _tensors_hash(tensors),
        "mean": json.dumps(list(transforms.mean)),
        "std": json.dumps(list(transforms.std)),
    }
    save_file(tensors, target, metadata)


def _header(name: str) -> dict[str, str]:
    """What the installed file says of itself. Raises :class:`WeightsError`."""
    require(name)
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(_file(name), "np") as file:
            header = file.metadata() or {}
    except (SafetensorError, OSError) as exc:
        raise _damaged(name) from exc
    if header.get("weights") != name:
        raise _damaged(name)
    return header


def _damaged(name: str) -> WeightsError:
    return WeightsError(f"The {name} weights file is damaged; fetch it again with: {_fetch_command(name)}")


def _keys() -> list[str]:
    return [f"features.{layer}.{part}" for layer in _LAYERS for part in ("weight", "bias")]


def _shapes() -> dict[str, tuple[int, ...]]:
    shapes = {}
    for layer, inputs, outputs in zip(_LAYERS, CHANNELS, CHANNELS[1:], strict=False):
        shapes[f"features.{layer}.weight"] = (outputs, inputs, 3, 3)
        shapes[f"features.{layer}.bias"] = (outputs,)
    return shapes


def _tensors_hash(tensors: dict[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for key in _keys():
        digest.update(memoryview(tensors[key].numpy()).cast("B"))
    return digest.hexdigest()
