"""Pictures whose scores are known."""

import numpy as np

SHAPE = 60, 80


def hills(height=SHAPE[0], width=SHAPE[1]):
    """A content: soft shapes with an edge, no two rows or columns alike."""
    y, x = np.mgrid[0:height, 0:width] / height
    planes = [0.5 + 0.4 * np.sin(7 * x + 2 * y), 0.5 + 0.4 * np.cos(5 * y * x), np.where(x + 0.3 * y > 0.8, 0.85, 0.2)]
    return np.float32(np.stack(planes, -1))


def stripes(height=SHAPE[0], width=SHAPE[1], wavelength=0.1):
    """A style: curved stripes, ``wavelength`` of the height apart."""
    y, x = np.mgrid[0:height, 0:width] / height
    wave = np.sin(2 * np.pi * (x + 0.2 * np.sin(3 * y)) / wavelength)
    return np.float32(np.stack([0.5 + 0.45 * wave, 0.4 + 0.3 * wave * y, 0.6 - 0.35 * wave], -1))


def noise():
    return np.random.default_rng(7).random((*SHAPE, 3), np.float32)
