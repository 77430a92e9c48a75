"""One GIMP 3 in the console and one in a window for all tests: each takes seconds to start."""

from __future__ import annotations

import contextlib
import json
import sys

import numpy as np
import pytest

from nst_core.engine.protocol import read_frame

from .drawing import picture
from .host import REPOSITORY, Gimp, HostUnavailable, gimp_folder


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

    @contextlib.contextmanager
    def engine(self, change):
        """The plug-in with another ``engine.json``: ``change`` gets its command and returns another."""
        path = self.gimp.plugin / "engine.json"
        good = path.read_text(encoding="utf-8")
        installation = json.loads(good)
        try:
            installation["command"] = change(installation["command"])
            path.write_text(json.dumps(installation), encoding="utf-8")
            yield
        finally:
            path.write_text(good, encoding="utf-8")

    def record(self, code: str, /, **values) -> tuple:
        """:meth:`do` with a record of what the plug-in sends: (the result, the frames of its stylize requests).

        GIMP's conversions may differ in the last digits from process to process. The engine rounds that away where the
        layer has 8 or 16 bits; of other layers only the very pixels that were sent lead to those that came back.
        """
        sent = self.gimp.folder / "sent"
        with self.engine(lambda command: ["bash", "-c", 'tee "$0" | "$@"', str(sent), *command]):
            result = self.do(code, **values)
        with open(sent, "rb") as stream:
            return result, [frame for frame in iter(lambda: read_frame(stream.read), None) if frame.type == "stylize"]

    def alone(self, frame) -> np.ndarray:
        """What the engine's library gives for a recorded request, on the same machine with as many threads."""
        job = {"settings": frame.header["settings"], "out": str(self.gimp.folder / "alone.f32")}
        for name in ("content", "style"):
            job[name] = [str(self.gimp.folder / f"alone-{name}.f32"), *frame.arrays[name].shape]
            frame.arrays[name].tofile(job[name][0])
        self.do("alone(python, repository, job)", python=sys.executable, repository=str(REPOSITORY), job=job)
        return self.array([job["out"], *job["content"][1:]])

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
