"""The plug-in's folder as GIMP has it: its modules importable, and a copy with an engine to start."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from installer.plug_in import copy_plugin

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "plugin" / "neural-style"))

ENGINE = f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); from nst_core.engine.server import main; main()"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A function that installs the plug-in with the engine of this working tree, or with another command."""
    monkeypatch.setenv("NST_LOG_DIR", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def install(*command: str) -> str:
        copy_plugin(tmp_path / "plug-ins", Path(sys.executable), tmp_path / "engine.log", REPOSITORY)
        folder = tmp_path / "plug-ins" / "neural-style"
        found = json.loads((folder / "engine.json").read_text(encoding="utf-8"))
        found["command"] = list(command) or [sys.executable, "-I", "-X", "utf8", "-c", ENGINE]
        (folder / "engine.json").write_text(json.dumps(found), encoding="utf-8")
        return str(folder)

    return install
