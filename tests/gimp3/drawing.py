"""Pictures for the tests: no two places in them look alike, so that a shift, a flip or a mixed-up channel shows."""

from __future__ import annotations

import numpy as np


def picture(height: int, width: int, channels: int, seed: int = 0) -> np.ndarray:
    """Rings, stripes and slopes as float32 H×W×channels in [0, 1]; alpha has clear, half-clear and solid places."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float64)
    y, x = rows / height, columns / width
    middle = 0.3 + 0.1 * (seed % 4), 0.6 - 0.1 * (seed % 3)
    rings = 0.5 + 0.5 * np.sin(40 * np.hypot(y - middle[0], x - middle[1]) + seed)
    stripes = 0.5 + 0.5 * np.sin((7 + seed) * x * 3 + 11 * y)
    red, green, blue = 0.7 * rings + 0.3 * x, 0.6 * stripes + 0.4 * y, 0.5 * x * rings + 0.5 * (1 - y)
    alpha = np.clip(1.6 * x + 0.4 * y - 0.2, 0, 1)
    grey = (red + green + blue) / 3
    planes = {1: [grey], 2: [grey, alpha], 3: [red, green, blue], 4: [red, green, blue, alpha]}[channels]
    return np.stack(planes, axis=2).astype(np.float32)
