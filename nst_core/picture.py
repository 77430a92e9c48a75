"""Pictures as files and as arrays: float32 H×W×C in [0, 1], sRGB, with C of 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA."""

from __future__ import annotations

import numpy as np


def to_float(samples: np.ndarray) -> np.ndarray:
    """uint8 or uint16 samples as float32 in [0, 1]; float samples as float32, cut off at 0 and 1 (NaN stays)."""
    if np.issubdtype(samples.dtype, np.floating):
        return np.clip(samples, 0, 1, dtype=np.float32)
    return (samples / np.float32(np.iinfo(samples.dtype).max)).astype(np.float32)


def to_samples(picture: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """A float picture as samples of ``dtype`` (uint8, uint16 or float32), rounded; :func:`to_float`'s inverse."""
    picture = np.clip(picture, 0, 1)
    if np.issubdtype(dtype, np.floating):
        return picture.astype(dtype)
    return np.rint(picture * np.float64(np.iinfo(dtype).max)).astype(dtype)
