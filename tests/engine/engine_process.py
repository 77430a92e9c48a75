"""The real engine as a process, and pictures whose every pixel tells its place."""

import os
import select
import subprocess
import sys
from pathlib import Path

import numpy as np

from nst_core.engine.protocol import Frame, frame_bytes, read_frame

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120  # seconds until a test gives the engine up


def engine_command():
    return [sys.executable, "-X", "utf8", "-m", "nst_core.engine"]


class EngineProcess:
    """An engine that is talked to as a host does: through its standard input and output."""

    def __init__(self, log_dir, command=None, **environment):
        self.env = {**os.environ, "OMP_NUM_THREADS": "1", "NST_LOG_DIR": str(log_dir), "NST_DATA_DIR": str(log_dir)}
        self.env.update(environment)
        self.log = Path(log_dir) / "engine.log"
        self.stderr = open(Path(log_dir).parent / f"{Path(log_dir).name}.stderr", "wb")  # noqa: SIM115
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command or engine_command(), stdin=pipe, stdout=pipe, stderr=self.stderr, env=self.env, cwd=ROOT, bufsize=0
        )

    def send_bytes(self, raw):
        self.process.stdin.write(raw)

    def send(self, header, **arrays):
        for part in frame_bytes(header, arrays):
            rest = memoryview(part)
            while rest:
                rest = rest[self.process.stdin.write(rest) :]

    def read(self) -> Frame | None:
        return read_frame(self._read_some)

    def _read_some(self, count):
        fd = self.process.stdout.fileno()
        assert select.select([fd], [], [], PATIENCE)[0], "the engine says nothing"
        return os.read(fd, count)

    def greet(self):
        self.send({"type": "hello", "id": 0, "protocol": 1, "client": "test 1"})
        ready = self.read()
        assert ready.type == "ready", ready.header
        return ready

    def stylize(self, request_id, content, style=None, preview=False, **settings):
        header = {"type": "stylize", "id": request_id, "settings": settings, "preview": preview}
        self.send(header, content=content, style=content[::-1] if style is None else style)

    def read_until(self, *types):
        """The next event of one of the types, and the events before it."""
        before = []
        while True:
            event = self.read()
            assert event is not None, "the engine is gone"
            if event.type in types:
                return event, before
            before.append(event)

    def answer(self):
        return self.read_until("result", "error")[0]

    def exit_code(self, within=PATIENCE):
        return self.process.wait(within)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.stderr):
            stream.close()


def drawn_picture(channels, dtype=np.uint8, height=47, width=61):
    """No two rows, columns or channels of it are alike; alpha is partly transparent."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    planes = [x / (width - 1), y / (height - 1), (x * 3 + y * 5) % 17 / 16, 0.15 + 0.8 * ((x - y) % 23) / 22]
    order = {1: [0], 2: [0, 3], 3: [0, 1, 2], 4: [0, 1, 2, 3]}[channels]
    unit = np.clip(np.stack([planes[i] for i in order], -1) * 0.9 + 0.05 * np.sin(x * y)[..., None], 0, 1)
    if np.issubdtype(dtype, np.floating):
        return unit.astype(dtype)
    return np.rint(unit * np.iinfo(dtype).max).astype(dtype)


def is_gone(pid):
    """Whether a process has ended, though nobody may have collected it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"
    except OSError:
        return True
