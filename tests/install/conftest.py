"""One real installation for all tests of it, and the means to run install.py as a person would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from installer import ROOT

GIMP_PROFILES = ".config/GIMP/3.0", ".config/GIMP/2.10", ".config/GIMP/3.2", ".var/app/org.gimp.GIMP/config/GIMP/3.0"


@dataclass(frozen=True)
class Person:
    """Someone with a home folder of their own who runs install.py; ``checkout`` is where they have it from."""

    home: Path
    checkout: Path

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def logs(self) -> Path:
        return self.home / "logs/neural-style"

    def files(self, *starts: str) -> dict[str, tuple[int, int]]:
        """What is in the home folder, with sizes and times of change; all, or what starts like that.

        What pip and other programs keep for themselves is left out.
        """
        found = {}
        for path in sorted(self.home.rglob("*")):
            name = path.relative_to(self.home).as_posix()
            if name.startswith(starts or "") and not name.startswith((".cache", ".rustup")):
                about = path.lstat()
                found[name] = (0 if path.is_dir() else about.st_size, about.st_mtime_ns)
        return found

    def plug_in(self, profile: str = GIMP_PROFILES[0]) -> Path:
        return self.home / profile / "plug-ins/neural-style"

    def environment(self, **changed: str) -> dict[str, str]:
        dropped = ("XDG_", "GIMP", "NST_", "VIRTUAL_ENV", "PYTHON")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        own = {"HOME": str(self.home), "NST_DATA_DIR": str(self.data), "NST_LOG_DIR": str(self.logs)}
        return kept | own | {"PYTHONIOENCODING": "utf-8"} | changed

    def command(self, *options: str) -> list[str]:
        return [sys.executable, str(self.checkout / "install.py"), *options]

    def run(
        self, *options: str, cwd: Path | None = None, before: str = "", **changed: str
    ) -> subprocess.CompletedProcess:
        """Runs install.py to its end; ``before`` is shell run first, in mounts of its own that go with the command."""
        command = self.command(*options)
        if before:
            command = ["unshare", "--mount", "sh", "-ec", f'{before}\nexec "$@"', "sh", *command]
        return subprocess.run(
            command, cwd=cwd or self.home, env=self.environment(**changed), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, encoding="utf-8", timeout=900,
        )  # fmt: skip

    def at(self, checkout: Path) -> Person:
        return replace(self, checkout=checkout)


@pytest.fixture
def person(tmp_path, checkout):
    """Someone with several GIMPs and no Neural Style yet."""
    return _person(tmp_path / "home", checkout)


@pytest.fixture(scope="session")
def checkout(tmp_path_factory):
    """A copy of what a person has before the install, which stays the same while someone edits the project."""
    return copied_checkout(tmp_path_factory.mktemp("checkout") / "neural-style")


def copied_checkout(target: Path, source: Path = ROOT) -> Path:
    for name in ("nst_core", "installer", "plugin", "examples"):
        shutil.copytree(source / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("install.py", "constraints.txt", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(source / name, target)
    return target


@pytest.fixture
def newer_checkout(checkout, tmp_path):
    return copied_checkout(tmp_path / "newer", checkout)


@pytest.fixture(scope="session")
def installed(tmp_path_factory, checkout):
    """Someone whose install.py has run once, with what it said: slow, so all share it and leave it as it is."""
    person = _person(tmp_path_factory.mktemp("installed") / "home", checkout)
    done = person.run()
    assert done.returncode == 0, done.stderr
    return person, done.stdout


@pytest.fixture
def newcomer(installed, person):
    """Someone who has the engine, by hard links to the shared one, and whose GIMPs have no plug-in yet."""
    subprocess.run(["cp", "-al", str(installed[0].data), str(person.data)], check=True)
    record = person.data / "installed.json"
    text = record.read_text(encoding="utf-8").replace(str(installed[0].home), str(person.home))
    record.unlink()
    record.write_text(text, encoding="utf-8")
    return person


def _person(home: Path, checkout: Path) -> Person:
    for profile in GIMP_PROFILES:
        (home / profile).mkdir(parents=True)
    return Person(home, checkout)


@pytest.fixture
def root_only():
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting a small or read-only disk needs Linux and root")
