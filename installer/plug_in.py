"""The plug-in's folder in GIMP's plug-ins folder: the files as they are, and two more that tie them to the engine."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

from installer import ROOT, InstallError
from nst_core.settings import parameters_json

FOLDER = "neural-style"
ENTRY = "neural-style.py"
SOURCES = ROOT / "plugin" / FOLDER


def copy_plugin(
    plug_ins: Path, engine_python: Path, log: Path | str = "", directory: Path | str = "", version: str = "3"
) -> bool:
    """Puts the plug-in into a GIMP's folder ``plug_ins``; whether anything had to change.

    Args:
        plug_ins: GIMP's folder for plug-ins; made where it is missing.
        engine_python: the Python that has ``nst_core`` installed.
        log: the engine's log file, which errors name.
        directory: where the engine runs; the folder of its Python where not given.
        version: that GIMP's version.
    """
    files = _files(Path(engine_python), log, directory)
    files[ENTRY] = entry_for(version, files[ENTRY])
    folder = Path(plug_ins, FOLDER)
    if _content(folder) == files and os.access(folder / ENTRY, os.X_OK):
        return False
    if _is_of_others(folder):
        raise InstallError(
            f"{folder} holds something that install.py did not make: move it away, or name another folder for plug-ins."
        )
    try:
        Path(plug_ins).mkdir(parents=True, exist_ok=True)
        # GIMP ignores a folder whose name is not its script's, so it never starts a plug-in that is half there
        fresh = Path(tempfile.mkdtemp(prefix=f".{FOLDER}-", dir=plug_ins))
        try:
            for name, content in files.items():
                (fresh / name).write_bytes(content)
            (fresh / ENTRY).chmod(0o755)  # GIMP passes over what is not executable
            fresh.chmod(0o755)
            if folder.exists():
                old = Path(tempfile.mkdtemp(prefix=f".{FOLDER}-", dir=plug_ins))
                os.replace(folder, old / FOLDER)
                os.replace(fresh, folder)
                shutil.rmtree(old)
            else:
                os.replace(fresh, folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as exc:
        raise InstallError(
            f"The plug-in can't be written to {plug_ins} ({exc.strerror}): close GIMP, see that the folder is yours, "
            "and run install.py again."
        ) from exc
    return True


def entry_for(version: str, entry: bytes) -> bytes:
    """The entry file with the first line that a GIMP of ``version`` starts it by.

    GIMP 2.10 goes by this line before the file's ending, and knows its own Python 2.7 as ``python`` and ``python2``
    alone: at ``python3`` it would look for /usr/bin/env on Windows, and start the system's Python elsewhere.
    """
    _, _, rest = entry.partition(b"\n")
    return b"#!/usr/bin/env python\n" + rest if version.startswith("2") else entry


def remove_plugin(plug_ins: Path) -> bool:
    """Removes the plug-in from a GIMP's folder; whether it was there."""
    folder = Path(plug_ins, FOLDER)
    found = all(_of_ours(folder))
    if found:
        try:
            shutil.rmtree(folder)
        except OSError as exc:
            raise InstallError(f"{folder} can't be removed ({exc.strerror}): close GIMP and try again.") from exc
    return found


def _of_ours(folder: Path) -> list[bool]:
    return [(folder / name).is_file() for name in (ENTRY, "engine.json")]


def _is_of_others(folder: Path) -> bool:
    """Whether something else has the name of the plug-in's folder: what has lost one of its files is mended."""
    if not folder.is_dir():
        return folder.exists()
    return any(folder.iterdir()) and not any(_of_ours(folder))


def _files(engine_python: Path, log: Path | str, directory: Path | str) -> dict[str, bytes]:
    engine = {
        "command": [str(engine_python), "-I", "-X", "utf8", "-m", "nst_core.engine"],
        "directory": str(directory or engine_python.parent),
        "log": str(log),
    }
    files = {path.name: path.read_bytes() for path in sorted(SOURCES.glob("*.py"))}
    files["engine.json"] = (json.dumps(engine, indent=2) + "\n").encode()
    files["parameters.json"] = parameters_json().encode()
    return files


def _content(folder: Path) -> dict[str, bytes]:
    if not folder.is_dir():
        return {}
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.suffix != ".pyc"}
