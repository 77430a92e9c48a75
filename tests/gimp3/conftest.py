"""One GIMP 3 in the console and one in a window for all tests: each takes seconds to start."""

from __future__ import annotations

import numpy as np
import pytest

from .drawing import picture
from .host import Gimp, HostUnavailable, gimp_folder


class Studio:
    """A running GIMP with the little that nearly every test does with it."""

    def __init__(self, gimp: Gimp):
        self.gimp, self.do = gimp, gimp.do
        self._files = 0

    def drawn(self, height: int, width: int, channels: int, seed: int = 0) -> list:
        """A drawn picture where GIMP can read it: [path, height, width, channels]."""
        self._files += 1
        path = self.gimp.folder / f"drawn-{self._files}.f32"
        path.write_bytes(picture(height, width, channels, seed).tobytes())
        return [str(path), height, width, channels]

    @staticmethod
    def array(kept: list) -> np.ndarray:
        """The array of what the agent's ``keep`` gave."""
        path, height, width, channels = kept
        return np.fromfile(path, np.float32).reshape(height, width, channels)


@pytest.fixture(scope="session")
def trixie():
    try:
        return gimp_folder()
    except HostUnavailable as reason:
        pytest.skip(f"No GIMP 3: {reason}.")


@pytest.fixture(scope="session")
def console(trixie):
    with Gimp() as gimp:
        yield Studio(gimp)


@pytest.fixture(scope="session")
def window(trixie):
    with Gimp(window=True) as gimp:
        yield Studio(gimp)
