"""``--demo``: the main job on a picture and a painting that the project draws, as an artist would have it done."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from installer import ROOT, InstallError
from installer.places import console_environment
from installer.steps import Installation

BATCH = ROOT / "examples/batch.py"
GIMP_SECONDS = 1800


def demo(installation: Installation, out: Path = Path("demo.png")) -> Path:
    """Leaves content, style and result side by side in ``out``, painted in GIMP 3 where there is one."""
    python, say = installation.engine_python, installation.say
    if out.is_dir():
        raise InstallError(f"{out.absolute()} is a folder: give it another name, or run this in another folder.")
    try:
        with tempfile.TemporaryFile(dir=out.absolute().parent):
            pass
    except OSError as exc:
        raise InstallError(f"{out.absolute()} can't be written ({exc.strerror}): try another folder.") from exc
    with tempfile.TemporaryDirectory(prefix="neural-style-", dir=installation.data) as folder:
        content, style, result = (Path(folder, f"{name}.png") for name in ("content", "style", "result"))
        say("Drawing a scene and a painting …")
        _engine(python, "nst_core.samples", "draw", folder)
        console = installation.gimp_3_console()
        if console:
            say("Painting the scene like the painting, in GIMP 3. This takes a minute …")
            _in_gimp(console, content, style, result)
        else:
            say("Painting the scene like the painting. This takes a minute …")
            _engine(python, "nst_core", str(content), str(style), "-o", str(result), shown=True)
        pictures = [f"Your picture={content}", f"The style={style}", f"The result={result}"]
        sheet = Path(folder, "sheet.png")
        _engine(python, "nst_core.samples", "sheet", str(sheet), *pictures)
        beside = out.with_suffix(".new.png")
        shutil.copyfile(sheet, beside)
        os.replace(beside, out)
    say(f"Look at {out.absolute()}.")
    return out


def _engine(python: Path, module: str, *arguments: str, shown: bool = False) -> None:
    command = [str(python), "-I", "-X", "utf8", "-m", module, *arguments]
    errors = None if shown else subprocess.PIPE  # the bar is drawn on standard error
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)
    if done.returncode:
        said = (done.stderr or b"").decode("utf-8", "replace").strip().splitlines()[-1:]
        raise InstallError(f"The demo could not be painted. {' '.join(said)}".strip())


def _in_gimp(console: str, content: Path, style: Path, result: Path) -> None:
    files = {"CONTENT": str(content), "STYLE": str(style), "OUT": str(result)}
    batch = f"exec(open({str(BATCH)!r}, 'rb').read())"
    command = [console, "-i", "--batch-interpreter=python-fu-eval", "-b", batch, "--quit"]
    try:
        done = subprocess.run(command, env=console_environment(console) | files, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=GIMP_SECONDS)  # fmt: skip
    except subprocess.TimeoutExpired as exc:
        raise InstallError(f"GIMP did not paint the demo within {GIMP_SECONDS // 60} minutes.") from exc
    if done.returncode or not result.is_file():
        lines = done.stdout.decode("utf-8", "replace").splitlines()
        errors = [line.partition("Error: ")[2] for line in lines if "Error: " in line]
        raise InstallError(f"GIMP could not paint the demo: {errors[-1] if errors else 'it says nothing of use.'}")
