"""GIMP 2.10 with the plug-in installed, and the little that nearly every test does with it."""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from installer.plug_in import entry_for
from nst_core.settings import parameters_json
from tests import artist
from tests.gimp2.app import core
from tests.gimp2.app.application import Application
from tests.gimp2.app.core import Group, Image, Layer
from tests.gimp3 import host
from tests.gimp3.drawing import picture

PLUG_IN = host.REPOSITORY / "plugin/neural-style"
QUICK = artist.gimp_2_values(quality=0, seed=3)


class Studio:
    """A GIMP 2.10 in a home folder of its own."""

    def __init__(self, python: list[str], home: Path):
        self.home, self.logs = home, home / "logs"
        self.logs.mkdir(parents=True)
        self.plug_in = home / ".config/GIMP/2.10/plug-ins/neural-style"
        shutil.copytree(PLUG_IN, self.plug_in, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        entry = self.plug_in / "neural-style.py"
        entry.write_bytes(entry_for("2.10", entry.read_bytes()))
        entry.chmod(0o755)
        (self.plug_in / "parameters.json").write_text(parameters_json(), encoding="utf-8")
        self.started = home / "started"  # a line for each engine: its process
        self.use_engine(self.noting_engine())
        self.gimp = Application(python, home, {"NST_LOG_DIR": str(self.logs)})
        self.gimp.find_plug_ins()

    def noting_engine(self) -> list[str]:
        *command, code = host.engine_command()
        note = f"import os; open({str(self.started)!r}, 'a').write('%d\\n' % os.getpid()); "
        return [*command, note + code]

    def use_engine(self, command: list[str]) -> None:
        installation = {"command": command, "directory": str(host.REPOSITORY), "log": str(self.logs / "engine.log")}
        (self.plug_in / "engine.json").write_text(json.dumps(installation), encoding="utf-8")

    def engines(self) -> list[int]:
        """The processes of all engines that were started."""
        return [int(line) for line in self.started.read_text().split()] if self.started.exists() else []

    def engines_gone(self, seconds: float) -> bool:
        """Whether no engine is running any more, at the latest in so many seconds."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if not any(running(process) for process in self.engines()):
                return True
            time.sleep(0.02)
        return False

    # ---------------------------------------------------------------------------------------------------- pictures

    def image(self, width: int = 90, height: int = 70, base: int = core.RGB, precision: int = core.U8_GAMMA) -> Image:
        return Image(self.gimp, width, height, base, precision)

    def layer(self, image: Image, name: str, pixels: np.ndarray, x: int = 0, y: int = 0, parent: Group | None = None):
        """A layer of float or 8-bit ``pixels`` at the bottom of ``parent``."""
        height, width, channels = pixels.shape
        type_ = {1: 2, 2: 3, 3: 0, 4: 1}[channels] if image.base != core.INDEXED else 3 + channels
        layer = Layer(image, name, width, height, type_)
        exact = pixels.dtype == np.uint8 and layer.pixels.dtype == np.uint8
        layer.pixels = pixels if exact else core.from_unit(core.to_unit(pixels), layer.pixels.dtype)
        layer.x, layer.y, layer.attached, layer.parent = x, y, True, parent
        (parent.children if parent else image.layers).append(layer)
        image.active = layer
        return layer

    def group(self, image: Image, name: str, parent: Group | None = None) -> Group:
        group = Group(image, name)
        group.attached, group.parent = True, parent
        (parent.children if parent else image.layers).append(group)
        return group

    def scene(self, precision: int = core.U8_GAMMA):
        """An image with a picture of odd size and a style; both layers."""
        image = self.image(precision=precision)
        content = self.layer(image, "Blätter", drawn(47, 61, 4), 7, -5)
        return image, content, self.layer(image, "Stil", drawn(40, 53, 3, 2))

    def paint(self, image: Image, layer, style=None, style_file: str = "", *, values=QUICK, mode: int = 1):
        return self.gimp.run("python-fu-neural-style", image, layer, style, style_file, *values, mode=mode)[0]


def drawn(height: int, width: int, channels: int, seed: int = 0) -> np.ndarray:
    return core.from_unit(picture(height, width, channels, seed), np.uint8)


def state(image: Image) -> list:
    """All that a failure must leave as it was, comparable: every item's pixels and properties, in order."""
    rows = [(image.width, image.height, image.base, len(image.undo_steps), image.undo_depth, image.unrecorded)]
    for item in [image.selection, *image.all_items()]:
        kept = {k: v for k, v in sorted(item.__dict__.items()) if isinstance(v, (int, float, str, dict))}
        rows.append((item.id, item.parent and item.parent.id, item.pixels.tobytes(), kept))
    return rows


def running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def engine_says(content: np.ndarray, style: np.ndarray, **settings) -> np.ndarray:
    """What the engine gives for 8-bit pictures, asked through the plug-in's own half of the protocol, in Python 3.

    One engine of the tests' own answers them all.
    """
    engine = own_engine()
    from job import Job, Picture

    pictures = [Picture(*array.shape, "u8", np.ascontiguousarray(array).tobytes()) for array in (content, style)]
    given = artist.settings(**{"quality": "draft", "seed": 3, **settings})
    painted = engine.stylize(Job(*pictures, given)).picture
    return np.frombuffer(painted.data, np.uint8).reshape(content.shape)


@functools.cache
def own_engine():
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.path.insert(0, str(PLUG_IN))
    from engine import Engine

    folder = tempfile.mkdtemp(prefix="nst-engine-")
    installation = {"command": host.engine_command(), "directory": str(host.REPOSITORY), "log": f"{folder}/engine.log"}
    Path(folder, "engine.json").write_text(json.dumps(installation), encoding="utf-8")
    engine = Engine(folder, "tests")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(engine.close)
    return engine
