"""Where things go on each system: the data folder, and the plug-ins folders of every GIMP that there is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from installer import NAME, InstallError

VERSIONS = re.compile(r"2\.10|3\.\d+")
CONSOLES = "gimp-console", "gimp-console-3.2", "gimp-console-3.0", "gimp-console-3", "gimp-console-2.10"
ASK_SECONDS = 90  # GIMP's first start can be slow
MARK = "neural-style asks "
WITHOUT_PYTHON = {"debian": 11, "ubuntu": 20, "linuxmint": 20}  # the first releases whose GIMP 2.10 has no Python-Fu


@dataclass(frozen=True)
class Gimp:
    """A GIMP that can take the plug-in.

    Attributes:
        version: ``"2.10"``, ``"3.0"``, …; ``"3"`` or ``"2"`` where only a variable of the environment names it.
        plug_ins: its folder for a person's own plug-ins; may not exist yet.
        packaging: ``""``, ``"Flatpak"``, ``"Snap"`` or ``"Microsoft Store"``.
    """

    version: str
    plug_ins: Path
    packaging: str = ""

    def __str__(self):
        return f"GIMP {self.version}" + (f" ({self.packaging})" if self.packaging else "")


def data_folder() -> Path:
    """The folder of the engine, its weights and what install.py remembers; ``NST_DATA_DIR`` overrides."""
    if os.environ.get("NST_DATA_DIR"):
        return Path(os.environ["NST_DATA_DIR"]).expanduser().absolute()
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData/Local") / NAME
    if sys.platform == "darwin":
        return home / "Library/Application Support" / NAME
    if (home / "snap/gimp").is_dir():
        return home / "snap/gimp/common" / NAME  # a Snap can't look into folders whose names start with a dot
    return Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share") / NAME


def check_plug_ins(folder: Path) -> None:
    """Raises :class:`InstallError` where ``folder`` can't be a GIMP's for plug-ins.

    It is there, or GIMP's own folder is, in which it will be made; any other name is a typing error.
    """
    copied = "copy its name from GIMP's Edit ▸ Preferences ▸ Folders ▸ Plug-ins"
    if os.path.isdir(folder):  # unlike Path's, it asks nothing of folders above it
        return
    if os.path.exists(folder):
        raise InstallError(f"{folder} is a file, where a GIMP's folder for plug-ins has to be named: {copied}.")
    profile = folder.parent
    if folder.name != "plug-ins" or not os.path.isdir(profile) or profile == profile.parent:
        raise InstallError(f"There is no folder {folder}: {copied}.")


def _profiles() -> Iterator[tuple[Path, str]]:
    """Every folder that may hold GIMP's own folders named after its versions, and whose packaging uses it."""
    home = Path.home()
    if sys.platform == "win32":
        yield Path(os.environ.get("APPDATA") or home / "AppData/Roaming") / "GIMP", ""
        packages = Path(os.environ.get("LOCALAPPDATA") or home / "AppData/Local") / "Packages"
        for store in sorted(packages.glob("GIMP*")):
            yield store / "LocalCache/Roaming/GIMP", "Microsoft Store"
    elif sys.platform == "darwin":
        yield home / "Library/Application Support/GIMP", ""
    else:
        flatpak = any(
            (folder / "flatpak/app/org.gimp.GIMP").is_dir() for folder in (Path("/var/lib"), home / ".local/share")
        )
        own = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "GIMP"
        yield own, "Flatpak" if flatpak and not consoles() else ""  # both keep their settings there
        yield home / ".var/app/org.gimp.GIMP/config/GIMP", "Flatpak"
        yield home / "snap/gimp/current/.config/GIMP", "Snap"


def find_gimps(answers: dict | None = None) -> list[Gimp]:
    """The GIMPs of this machine: what GIMP itself says, what the environment says, and the folders that it has made.

    ``answers`` remembers what each console said, so that none is asked twice; it is changed in place.
    """
    answers = {} if answers is None else answers
    overridden = dict(_overrides())
    found = [Gimp(version, folder / "plug-ins") for version, folder in overridden.items()]
    there = consoles()
    for gone in set(answers) - set(there):
        del answers[gone]
    for console in there:
        version, folder = _asked(console, answers)
        if folder and version[:1] not in overridden:
            found.append(Gimp(version, Path(folder) / "plug-ins"))
    for profile, packaging in _profiles():
        for folder in sorted(profile.glob("*")):
            if VERSIONS.fullmatch(folder.name) and folder.is_dir() and folder.name[0] not in overridden:
                found.append(Gimp(folder.name, folder / "plug-ins", packaging))
    return list({os.path.realpath(gimp.plug_ins): gimp for gimp in reversed(found)}.values())[::-1]


def _overrides() -> Iterable[tuple[str, Path]]:
    for major in ("3", "2"):
        value = os.environ.get(f"GIMP{major}_DIRECTORY")
        if value:
            yield major, Path.home() / value  # GIMP takes a relative one from the home folder


def consoles() -> list[str]:
    """The GIMP programs without a window that can be found, each once."""
    folders = [""]
    if sys.platform == "win32":
        roots = os.environ.get("PROGRAMFILES"), os.path.join(os.environ.get("LOCALAPPDATA", ""), "Programs")
        folders += [os.path.join(root, name, "bin") for root in filter(None, roots) for name in ("GIMP 3", "GIMP 2")]
    elif sys.platform == "darwin":
        folders += ["/Applications/GIMP.app/Contents/MacOS", "/Applications/GIMP-2.10.app/Contents/MacOS"]
    paths = {}
    for folder in folders:
        for name in CONSOLES:
            path = shutil.which(os.path.join(folder, name))
            if path:
                paths.setdefault(os.path.realpath(path), path)
    return list(paths.values())


def console_environment(console: str) -> dict[str, str]:
    """The environment to start a console in: GIMP's Python plug-ins need the Python that GIMP was packaged with."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    folder = os.path.dirname(os.path.abspath(console))
    environment["PATH"] = os.pathsep.join([folder, os.environ.get("PATH", "")])
    return environment


def _asked(console: str, answers: dict) -> tuple[str, str | None]:
    """The version and the folder that a console says it has; empty and None where it can't tell."""
    made = os.stat(console)
    fingerprint = [made.st_mtime_ns, made.st_size]
    if answers.get(console, [None])[0] != fingerprint:
        version = re.search(r"\b(2\.10|3\.\d+)\.\d+", _output([console, "--version"], console))
        if not version:
            return "", None
        folder = _directory(console) if version[1].startswith("3") else None
        answers[console] = [fingerprint, version[1], folder or str(next(_profiles())[0] / version[1])]
    return answers[console][1], answers[console][2]


def _directory(console: str) -> str | None:
    ask = "import gi; gi.require_version('Gimp', '3.0'); from gi.repository import Gimp; "
    ask += f"print({MARK!r} + Gimp.directory())"
    batch = ["-i", "-d", "-f", "--batch-interpreter=python-fu-eval", "-b", ask, "--quit"]
    line = re.search(rf"{MARK}(.+)", _output([console, *batch], console))
    return line[1].strip() if line else None


def _output(command: list[str], console: str) -> str:
    try:
        done = subprocess.run(command, env=console_environment(console), stdin=subprocess.DEVNULL, timeout=ASK_SECONDS,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace")


def warnings_for(gimp: Gimp, engine_python: Path) -> list[str]:
    """What a person should know about this GIMP before they look for the menu item in vain."""
    said = []
    if gimp.version.startswith("2") and _without_python_fu():
        said.append(
            "The GIMP 2.10 of this system comes without Python, so it can't show Neural Style: use GIMP 3, or a "
            "GIMP 2.10 that brings Python, such as the AppImage."
        )
    if gimp.packaging in ("Flatpak", "Snap") and not _seen_inside(gimp.packaging, engine_python):
        hidden = " whose name doesn't start with a dot" if gimp.packaging == "Snap" else ""
        said.append(
            f"GIMP from {gimp.packaging} can't see this computer's own Python, which the engine runs on: install a "
            f"Python of your own in a folder{hidden} in your home, and run install.py with that one."
        )
    return said


def _without_python_fu() -> bool:
    system = Path("/usr")
    if any(next(system.glob(f"{lib}/gimp/2.0/python/gimpfu.py"), None) for lib in ("lib*", "lib/*")):
        return False
    if any((system / "bin" / name).exists() for name in ("gimp-2.10", "gimp-console-2.10")):
        return True
    try:
        release = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', Path("/etc/os-release").read_text(encoding="utf-8"), re.M))
    except OSError:
        return False
    number = re.match(r"\d+", release.get("VERSION_ID", "999"))  # testing and unstable have none
    return int(number[0] if number else 0) >= WITHOUT_PYTHON.get(release.get("ID", ""), 1000)


def _seen_inside(packaging: str, python: Path) -> bool:
    """Whether a sandboxed GIMP can run this Python: it sees the home folder, a Snap only what is not hidden there."""
    python, home = Path(os.path.realpath(python)), Path(os.path.realpath(Path.home()))
    return python.is_relative_to(home) and not (packaging == "Snap" and python.relative_to(home).parts[0][0] == ".")
