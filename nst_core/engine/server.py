"""The engine's process: one thread reads requests, the main thread answers them one after the other.

The reader thread is what keeps the engine answerable in mid-run: it takes ``cancel`` and ``finish`` for the running
request, which the next progress report of the run hands on, and it ends the process at once when standard input ends,
because then the host is gone (GIMP's Cancel kills the plug-in without a word).
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import queue
import re
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

import nst_core
from nst_core import picture
from nst_core.engine.log import LogFile, log, open_log
from nst_core.engine.protocol import PROTOCOL, Frame, FrameError, StreamEnded, frame_bytes, read_frame
from nst_core.failures import ADVICE, GOES_ON_AFTER, described
from nst_core.process import settle
from nst_core.progress import Cancelled, Progress, Stop
from nst_core.settings import Settings, SettingsError
from nst_core.weights import imagenet

EXIT_BYE, EXIT_HOST_GONE, EXIT_FRAME, EXIT_LOG = 0, 1, 2, 3
PREVIEW_SIDE = 256  # pixels
PREVIEW_SECONDS = 2.0  # at most one preview in so many
PROGRESS_SECONDS = 0.1  # likewise

_EXIT_CODES = {"frame": EXIT_FRAME, "version": EXIT_FRAME, "log": EXIT_LOG}
_STOPS = {"cancel": Stop.CANCEL, "finish": Stop.FINISH}


def main() -> NoReturn:
    """Serves until the host says ``bye`` or is gone."""
    settle()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in GIMP's terminal is GIMP's; its end closes our input
    engine = Engine(_claim_stdout(), open_log())
    threading.Thread(target=engine.read_requests, name="requests", daemon=True).start()
    engine.serve()


class Engine:
    """The state of the process: what is asked for, what is to stop, where to write."""

    def __init__(self, out: int, log_file: LogFile):
        self._out = out
        self._log_file = log_file
        self._writing = threading.Lock()
        self._requests: queue.SimpleQueue[Frame] = queue.SimpleQueue()
        self._stops: dict[int, Stop | None] = {}  # of every request that waits or runs

    # The reader thread

    def read_requests(self) -> NoReturn:
        """Takes requests from standard input for ever; the process ends in here."""
        while True:
            try:
                frame = read_frame(_read_stdin)
            except StreamEnded:
                frame = None
            except FrameError as exc:
                self._fail(None, "frame", str(exc))
            if frame is None:
                log.info("the host is gone")
                _end(EXIT_HOST_GONE if self._stops else EXIT_BYE)
            if frame.id is None:
                self._fail(None, "frame", f"The request {frame.type[:60]!r} has no number as its id.")
            if frame.type == "bye":
                log.info("bye")
                _end(EXIT_BYE)
            elif frame.type in _STOPS:
                if self._stops.get(frame.id, Stop.CANCEL) is not Stop.CANCEL:  # known, and not cancelled already
                    self._stops[frame.id] = _STOPS[frame.type]
            elif frame.type in ("hello", "stylize"):
                if frame.type == "stylize":
                    self._stops[frame.id] = None
                self._requests.put(frame)
            else:
                self._fail(frame.id, "frame", f"The engine does not know the request {frame.type[:60]!r}.")

    # The main thread

    def serve(self) -> NoReturn:
        """Answers requests for ever."""
        self._greet(self._requests.get())
        with contextlib.suppress(Exception):  # a torch that does not load is told of when it is asked for
            nst_core.stylize_fully  # noqa: B018 - torch is imported here, while the host gets its pixels
        while True:
            request = self._requests.get()
            self._check_log(request.id)
            if request.type == "hello":
                self._greet(request)
                continue
            try:
                self._stylize(request)
            except BaseException as exc:
                code, message = described(exc)
                if code in ("internal", "memory"):
                    log.error("request %d failed", request.id, exc_info=exc)
                self._fail(request.id, code, message)
            finally:
                self._stops.pop(request.id, None)
            _give_back_memory()  # after a failure, too

    def _greet(self, hello: Frame) -> None:
        if hello.type != "hello" or hello.header.get("protocol") != PROTOCOL:
            theirs = hello.header.get("protocol") if hello.type == "hello" else None
            said = f"version {theirs}" if isinstance(theirs, int) and 0 <= theirs < 10**6 else "none"
            self._fail(hello.id, "version", f"The engine speaks protocol version {PROTOCOL}, the filter speaks {said}.")
        log.info("host: %.100s", hello.header.get("client"))
        self._check_log(hello.id)
        ready = {
            "type": "ready",
            "id": hello.id,
            "protocol": PROTOCOL,
            "version": nst_core.__version__,
            "device": likely_device(),
            "features": [*imagenet.available(), "built-in"],
            "log": self._log_path,
        }
        self._send(ready)

    def _stylize(self, request: Frame) -> None:
        content, styles = _pixels(request, "content"), [_pixels(request, "style")]
        values = request.header.get("settings", {})
        if not isinstance(values, dict):
            raise SettingsError("The settings are not given as names with values.")
        settings = Settings.from_dict(values)
        if settings.features in imagenet.NAMES:
            imagenet.require(settings.features)
        log.info("request %d: content %s, style %s, %s", request.id, content.shape, styles[0].shape, values)
        report = self._reporter(request)
        if self._stops.get(request.id) is Stop.CANCEL:
            raise Cancelled
        # the style is only there: a large one is not needed as large for long
        result = nst_core.stylize_fully(content, styles.pop(), settings, report)
        used = {
            "version": nst_core.__version__,
            "features": result.features,
            "device": result.device,
            "evaluations": result.evaluations,
            "loss": _finite(result.loss),
            "seconds": round(result.seconds, 3),
        }
        if result.note:
            used["note"] = result.note
        log.info("request %d: done, %s", request.id, used)
        samples = picture.to_samples(result.picture, request.arrays["content"].dtype)
        header = {"type": "result", "id": request.id, "finished": result.finished, "used": used}
        self._send(header, {"result": samples})

    def _reporter(self, request: Frame):
        """The run's progress callback: sends what it is told, answers with what the host asked for meanwhile."""
        wants_preview = request.header.get("preview") is True
        sent = {"progress": -PROGRESS_SECONDS, "preview": time.monotonic(), "at": None}

        def report(progress: Progress) -> Stop | None:
            now, at = time.monotonic(), (progress.stage, progress.scale)
            if at != sent["at"] or now - sent["progress"] >= PROGRESS_SECONDS:
                sent["progress"], sent["at"] = now, at
                self._send(_progress_header(request.id, progress))
            if wants_preview and progress.preview and now - sent["preview"] >= PREVIEW_SECONDS:
                sent["preview"] = now
                self._send({"type": "preview", "id": request.id}, {"preview": small(progress.preview())})
            return self._stops.get(request.id)

        return report

    # Either thread

    def _send(self, header: dict[str, Any], arrays: dict[str, np.ndarray] | None = None) -> None:
        with self._writing:
            for part in frame_bytes(header, arrays):
                rest = memoryview(part)
                while rest:
                    try:
                        rest = rest[os.write(self._out, rest[: 1 << 20]) :]
                    except OSError:  # the pipe is cut: nobody is left to hear of anything
                        _end(EXIT_HOST_GONE)

    def _fail(self, request_id: int | None, code: str, message: str) -> None:
        """Tells the host of a failure; ends the process where the protocol says so."""
        log.error("%s: %s", code, message)
        error = {"type": "error", "id": request_id, "code": code, "message": message, "advice": ADVICE[code]}
        self._send({**error, "log": self._log_path})
        if code not in GOES_ON_AFTER:
            _end(_EXIT_CODES[code])

    def _check_log(self, request_id: int) -> None:
        if self._log_file.failure:
            reason = getattr(self._log_file.failure, "strerror", None) or type(self._log_file.failure).__name__
            self._fail(request_id, "log", f"The log file {self._log_path} can't be written: {reason}.")

    @property
    def _log_path(self) -> str:
        return self._log_file.baseFilename


def _give_back_memory():
    """What runs have taken and the engine keeps, while it waits: artists have other uses for a graphics card."""
    with contextlib.suppress(Exception):  # a torch that does not load was told of already
        from nst_core import device

        device.give_back_memory()


def likely_device() -> str:
    """``"cpu"`` where the installed torch can do nothing else, else ``"auto"``: found without importing it.

    A result always tells the device that was used.
    """
    spec = importlib.util.find_spec("torch")
    if spec is None or not spec.origin:
        return "auto"
    try:
        version = (Path(spec.origin).parent / "version.py").read_text(encoding="utf-8")
    except OSError:
        return "auto"
    no_gpu = all(re.search(rf"^{name}\b[^=\n]*= *None", version, re.M) for name in ("cuda", "hip"))
    return "cpu" if no_gpu else "auto"


def small(pixels: np.ndarray) -> np.ndarray:
    """A float H×W×3 picture as uint8, made smaller where its longest side is over :data:`PREVIEW_SIDE`."""
    from PIL import Image

    image = Image.fromarray(picture.to_samples(pixels, np.dtype(np.uint8)))
    image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), Image.Resampling.BOX)
    return np.asarray(image)


def _pixels(request: Frame, name: str) -> np.ndarray:
    """An attachment as a float picture; float samples outside [0, 1], which GIMP's images may have, are cut off."""
    if name not in request.arrays:
        raise picture.PictureError(f"No {name} was sent; install the filter again.")
    samples = request.arrays[name]
    if samples is None:
        raise MemoryError
    if samples.dtype.kind == "f" and not np.isfinite(samples).all():
        raise picture.PictureError(
            f"The {name} holds values that are not numbers (NaN or infinite); flatten or convert it and try again."
        )
    return picture.to_float(samples)


def _progress_header(request_id: int, p: Progress) -> dict[str, Any]:
    return {
        "type": "progress",
        "id": request_id,
        "stage": p.stage,
        "fraction": min(max(float(p.fraction), 0.0), 1.0),
        "scale": p.scale,
        "scales": p.scales,
        "size": [int(side) for side in p.size],
        "step": p.step,
        "steps": p.steps,
        "loss": _finite(p.loss),
        "seconds_left": _finite(p.seconds_left),
        "features": p.features,
    }


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None


def _claim_stdout() -> int:
    """Standard output for frames alone: whatever else prints in this process goes to standard error from now on."""
    out = os.dup(1)
    try:
        os.dup2(2, 1)
    except OSError:  # started without a standard error
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if sys.platform == "win32":
        import msvcrt

        for fd in (0, out):
            msvcrt.setmode(fd, os.O_BINARY)
    return out


def _read_stdin(count: int) -> bytes:
    try:
        return os.read(0, count)
    except OSError:
        return b""


def _end(code: int) -> NoReturn:
    """Ends the process at once, also from the reader thread and in the middle of an evaluation."""
    os._exit(code)
