"""The engine's log: lines on standard error and in a rotating file whose path every error tells."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

import platformdirs

LOG_BYTES = 1_000_000
LOG_FILES_KEPT = 3

log = logging.getLogger("nst_core.engine")


def log_path() -> Path:
    """``engine.log`` in ``NST_LOG_DIR`` or else in the user's log folder of the platform."""
    folder = os.environ.get("NST_LOG_DIR") or platformdirs.user_log_dir("neural-style-for-gimp", appauthor=False)
    return Path(folder) / "engine.log"


class LogFile(RotatingFileHandler):
    """The rotating file; remembers the first failure to write instead of raising it within a run.

    Attributes:
        failure: the OSError that writing ended in; None while the log is sound.
    """

    def __init__(self, path: Path):
        super().__init__(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES_KEPT, encoding="utf-8", delay=True)
        self.failure: Exception | None = None
        self.rotator = _rotate

    def handleError(self, record):
        self.failure = self.failure or sys.exc_info()[1]


def open_log() -> LogFile:
    """The log, with its first line written; ``failure`` is set on what is returned where that could not be done."""
    path = log_path()
    file = LogFile(path)
    formatter = logging.Formatter("%(asctime)s %(process)d %(levelname)s %(message)s")
    stderr = logging.StreamHandler(sys.stderr)
    logging.raiseExceptions = False  # standard error may be closed or full, which must not reach the run
    for handler in (stderr, file):
        handler.setFormatter(formatter)
        log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        file.failure = exc
    log.info("engine started")
    return file


def _rotate(source: str, destination: str) -> None:
    # On Windows a file that another engine has open can't be renamed: go on in it, and rotate another time
    with contextlib.suppress(OSError):
        os.replace(source, destination)
