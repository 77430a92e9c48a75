"""A Python 2.7 for the tests: GIMP 2.10's plug-ins run in one.

:func:`find` looks for one that really runs; :func:`find_or_install` installs one where there is none, in the tests'
cache folder or by the machine's own means, and says why where that can't be. Standard library only.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.gimp3.host import HostUnavailable, cache_folder, debian_mirror

SUITE = "bullseye"  # the last Debian that has python2.7
VERSION = "2.7.18"


class PythonUnavailable(Exception):
    """There is no Python 2.7 and none can be installed; the message says what was tried."""


def find() -> list[str] | None:
    """The command of a Python 2.7 that runs, or None."""
    return next((command for command in _candidates() if _runs(command)), None)


@functools.cache
def find_or_install() -> list[str]:
    """The command of a Python 2.7; raises :class:`PythonUnavailable`."""
    command = find()
    if command:
        return command
    failures = []
    for way in (from_debian, from_apt, from_pyenv):
        try:
            way()
        except (HostUnavailable, OSError, subprocess.CalledProcessError, subprocess.TimeoutExpired) as exc:
            failures.append(f"{way.__name__.replace('_', ' ')}: {_reason(exc)}")
            continue
        command = find()
        if command:
            return command
        failures.append(f"{way.__name__.replace('_', ' ')}: what was installed does not run")
    raise PythonUnavailable("there is no Python 2.7, and none could be installed (" + "; ".join(failures) + ")")


def _candidates() -> list[list[str]]:
    found = [[path] for name in ("python2.7", "python2") for path in _all_on_path(name)]
    for root in filter(None, (os.environ.get("PYENV_ROOT"), str(Path.home() / ".pyenv"))):
        found += [[str(path)] for path in sorted(Path(root, "versions").glob("2.7.*/bin/python2.7"), reverse=True)]
    return [*found, _in_debian(debian_folder())]


def _all_on_path(name: str) -> list[str]:
    folders = os.environ.get("PATH", "").split(os.pathsep)
    return [path for path in (os.path.join(folder, name) for folder in folders) if os.access(path, os.X_OK)]


def _runs(command: list[str]) -> bool:
    # pyenv's shims are on the PATH whether or not they lead anywhere
    code = "import sys, json, subprocess, threading, zlib; sys.stdout.write('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([*command, "-c", code], capture_output=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and done.stdout == b"2.7"


def _reason(exc: Exception) -> str:
    said = getattr(exc, "stderr", None)
    if said:
        return said.decode(errors="replace").strip().splitlines()[-1]
    return str(exc)


# ------------------------------------------------------------------------------------------------------ the three ways


def debian_folder() -> Path:
    return cache_folder() / f"python-2.7-{SUITE}"


def _in_debian(folder: Path) -> list[str]:
    # the folder's own loader and C library: the machine's may be older or of another kind
    loader = next(map(str, folder.glob("lib/*/ld-2*.so")), "no loader")
    libraries = [str(path) for path in (*folder.glob("lib/*-linux-gnu*"), *folder.glob("usr/lib/*-linux-gnu*"))]
    return [loader, "--library-path", ":".join(libraries), str(folder / "usr/bin/python2.7")]


def from_debian() -> None:
    """Unpacks Debian's python2.7 into the tests' cache folder. Touches nothing else; needs Debian's tools and root."""
    folder = debian_folder()
    if sys.platform != "linux" or os.geteuid() != 0:
        raise HostUnavailable("this way needs Linux and root")
    mirror = debian_mirror()
    if not shutil.which("mmdebstrap"):
        _run("apt-get", "update")
        _run("apt-get", "install", "-y", "--no-install-recommends", "mmdebstrap")
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    try:
        command = ["mmdebstrap", "--mode=root", "--variant=extract", "--include=python2.7"]
        command += ["--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*"]
        command += ["--dpkgopt=path-exclude=/usr/share/locale/*"]
        _run(*command, SUITE, str(partial / "root"), f"deb {mirror} {SUITE} main")
        shutil.rmtree(folder, ignore_errors=True)
        (partial / "root").rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def from_apt() -> None:
    """Installs the machine's own python2.7, where its distribution still has one."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise HostUnavailable("this way needs apt-get and root")
    _run("apt-get", "install", "-y", "--no-install-recommends", "python2.7")


def from_pyenv() -> None:
    """Builds one with pyenv, which takes minutes."""
    if not shutil.which("pyenv"):
        raise HostUnavailable("there is no pyenv")
    _run("pyenv", "install", "--skip-existing", VERSION)


def _run(*command: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=1200)
