"""torchvision's VGG16 weights, importable beside any build of torch.

On Linux, torchvision from the default index is built for CUDA. Beside a CPU build of torch its compiled part does not
load, and its import then dies with ``operator torchvision::nms does not exist``, because it describes operators that
the compiled part would have declared. VGG16 needs none of them: declaring their names is enough to import the rest.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

# The operators that torchvision 0.19 to 0.28 describes whether its compiled part is there or not
_DESCRIBED = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
_declared = []  # a Library that is collected takes its declarations with it


def vgg16_weights():
    """The enum ``torchvision.models.VGG16_Weights``. Raises ImportError where torchvision is not installed."""
    _declare_missing_operators()
    from torchvision.models import VGG16_Weights

    return VGG16_Weights


def _declare_missing_operators() -> None:
    import torch

    spec = importlib.util.find_spec("torchvision")
    if _declared or spec is None:
        return
    for compiled in sorted(p for p in Path(spec.origin).parent.glob("_C*") if p.suffix in (".so", ".pyd", ".dylib")):
        try:
            torch.ops.load_library(compiled)
        except OSError:
            continue
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name, signature in _DESCRIBED.items():
        if not hasattr(torch.ops.torchvision, name):
            library.define(name + signature)
    _declared.append(library)
