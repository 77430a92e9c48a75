"""``python3 -m tests``: sets up all that the tests need, then runs them with pytest. Standard library only.

What takes long to make is kept in the user's cache folder: a Python environment, a GIMP 3.0, a Python 2.7. The tests
run in as many processes as there are cores, up to four. Options that it does not know go to pytest: ``-n0`` is one
process, which a debugger needs.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

if sys.version_info < (3, 10):  # noqa: UP036 - an older one gets this far
    sys.exit("The tests need Python 3.10 or newer.")

from installer import ROOT, InstallError
from installer.environment import CONSTRAINTS, make_environment, pip, python_of
from tests.gimp2 import python27
from tests.gimp3.host import HostUnavailable, cache_folder, gimp_folder

MOST_PROCESSES = 4  # a test takes up to two gigabytes


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m tests", description=__doc__.splitlines()[0])
    parser.add_argument("--gimp-required", action="store_true", help="a test that is skipped has failed")
    options, for_pytest = parser.parse_known_args()
    required = options.gimp_required or bool(os.environ.get("NST_GIMP_REQUIRED"))
    try:
        python = test_python()
    except InstallError as exc:
        print(exc, file=sys.stderr)
        return 1
    for what, make in (("GIMP 3.0", gimp_folder), ("Python 2.7", python27.find_or_install)):
        say(f"Looking for {what} …")
        try:
            make()
        except (HostUnavailable, python27.PythonUnavailable) as exc:
            say(f"No {what} to test with: {exc}.")
            if required:
                return 1
    environment = {**os.environ, "NST_GIMP_REQUIRED": "1" if required else ""}
    # nearly all of them take one thread each; what the tests of a file share is made once
    together = ["-n", str(processes()), "--dist", "loadfile"]
    command = [str(python), "-X", "utf8", "-m", "pytest", "-rs", *together, *for_pytest]
    return subprocess.run(command, cwd=ROOT, env=environment).returncode


def test_python() -> Path:
    """The Python of the tests' environment, which is made where constraints.txt or this Python is new."""
    made_of = CONSTRAINTS.read_bytes() + sys.version.encode()
    folder = cache_folder() / f"python-{hashlib.sha256(made_of).hexdigest()[:8]}"
    complete = folder / "complete"
    if not complete.exists():
        shutil.rmtree(folder, ignore_errors=True)
        make_environment(folder, say)
        say("Fetching what else the engine and the tests need …")
        pip(folder, "install", "-r", str(CONSTRAINTS))
        complete.touch()
    return python_of(folder)


def processes() -> int:
    """How many processes run tests side by side."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_PROCESSES)


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
