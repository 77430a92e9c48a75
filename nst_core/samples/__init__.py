"""Two pictures drawn by program: a scene to paint, and a painting to paint it like. Same size and seed, same pixels.

They serve ``install.py --demo``, the benchmarks, and whoever has no picture at hand.
"""

from nst_core.samples.painting import painting
from nst_core.samples.scene import scene

__all__ = ["painting", "scene"]
