"""The engine's own Python: a virtual environment with PyTorch in it, made by pip. The tests make theirs here too."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path

from installer import ROOT, InstallError

CONSTRAINTS = ROOT / "constraints.txt"
# Linux's wheels in the general index are built for NVIDIA's GPUs, with gigabytes of libraries; these are not. Those for
# Windows and macOS are the right ones in the general index already.
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PROBE_SECONDS = 6
NEEDED_BYTES = 2_000_000_000  # 1.1 GB stays, the rest is pip's while it unpacks
ENGINE_SOURCES = "pyproject.toml", "README.md", "LICENSE", "nst_core"

NEWEST_PYTHON = 3, 14  # that PyTorch is built for
THIS_PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}, {sys.platform}"

NO_NETWORK = (
    r"name resolution|Name or service not known|nodename nor servname|getaddrinfo failed|NewConnectionError|"
    r"Network is unreachable|No route to host|Connection refused|Connection reset|timed out|RemoteDisconnected|"
    r"Max retries"
)
NO_PYTORCH = (
    r"Requires-Python|requires a different Python|No matching distribution|Could not find a|ResolutionImpossible"
)
# What pip's output means to a person, the first that fits: its last line tells least when the network is gone.
ADVICE = (
    (r"No space left|Errno 28|not enough space|Disk quota",
     "There is no space left on the disk: free about 2 GB and run install.py again."),
    (r"ProxyError|Tunnel connection failed|407 Proxy|Cannot connect to proxy",
     "The proxy refused the connection: set HTTPS_PROXY to your proxy's address, with name and password where it wants "
     "them, and run install.py again."),
    (r"CERTIFICATE_VERIFY_FAILED|SSLError|certificate verify failed",
     "The secure connection could not be checked: correct the computer's clock, or name your network's certificate "
     "with “pip config set global.cert FILE”, and run install.py again."),
    (NO_NETWORK,
     "The packages could not be fetched: check the internet connection (behind a proxy, set HTTPS_PROXY), and run "
     "install.py again."),
    (NO_PYTORCH,
     f"There is no PyTorch for this Python ({THIS_PYTHON}): run install.py with a 64-bit Python 3.10 to "
     f"{NEWEST_PYTHON[0]}.{NEWEST_PYTHON[1]} from python.org."),
    (r"ensurepip is not|No module named '?(ensurepip|venv)",
     "This Python can't make virtual environments: install its part for that (on Debian and Ubuntu, "
     "“sudo apt install python3-venv”), and run install.py again."),
    (r"Permission denied|Access is denied|Errno 13|WinError 5|Read-only file system",
     "A file may not be written: close GIMP, see that the folder is yours, and run install.py again."),
)  # fmt: skip


def python_of(environment: Path) -> Path:
    """The Python of a virtual environment."""
    return environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def is_index(text: str) -> bool:
    """Whether PyTorch may come from there: an index's address, a folder laid out like one, or ``"default"``."""
    return text == "default" or re.match(r"(https?|file)://.", text) is not None or os.path.isdir(text)


def make_environment(folder: Path, say: Callable[[str], None], torch_index: str | None = None) -> None:
    """Makes a virtual environment with PyTorch and torchvision at the versions in constraints.txt.

    Args:
        folder: must not exist yet; whoever calls removes it where this raises.
        say: shows one line of what is going on.
        torch_index: where PyTorch comes from: an index's address, ``"default"`` for pip's own index; None tries the CPU
            builds first where they differ.
    """
    _check_machine(folder)
    say("Making a Python environment for the engine …")
    _run([sys.executable, "-m", "venv", str(folder)])
    indexes = [] if torch_index == "default" else [torch_index] if torch_index else _cpu_indexes(say)
    for index in indexes:
        say("Fetching PyTorch (about 200 MB, the long part) …")
        how = ["--no-deps", "--retries", "1"]  # it holds few of the packages they depend on
        try:
            pip(folder, "install", *how, "torch", "torchvision", index=index)
            break
        except InstallError:
            if torch_index:
                raise
            say("PyTorch's own index failed; trying pip's usual one …")
    else:
        much = "; it can be 3 GB, with NVIDIA's libraries" if sys.platform == "linux" else ""
        say(f"Fetching PyTorch from pip's usual index (the long part{much}) …")
        pip(folder, "install", "torch")
        # alone, since it must never bring another torch; its needs (torch, numpy, Pillow) are the engine's own
        pip(folder, "install", "--no-deps", "torchvision")


def install_engine(environment: Path, only_engine: bool = False) -> None:
    """Installs the engine of this checkout, with what it needs; ``only_engine`` where that is there already."""
    # setuptools leaves its build folder in the sources, and takes files that are long gone from it: build a copy
    with tempfile.TemporaryDirectory() as folder:
        for name in ENGINE_SOURCES:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, Path(folder, name), ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder)
        if only_engine:  # works without a network
            pip(environment, "install", "--no-deps", "--force-reinstall", "--no-build-isolation", folder)
        else:
            pip(environment, "install", "setuptools", folder)


def pip(environment: Path, *arguments: str, index: str | None = None) -> None:
    """Runs pip in the environment, within constraints.txt; raises :class:`InstallError` with advice where it fails.

    ``index`` is where its packages come from; None is where the person's own pip takes them.
    """
    command = [str(python_of(environment)), "-m", "pip", "--no-input", "--disable-pip-version-check", *arguments]
    command += ["--index-url", index] if index else []
    _run([*command, "-c", str(CONSTRAINTS)] if arguments[0] == "install" else command, index)


def advice(output: str, index: str | None = None) -> str:
    """One sentence for a person, from what pip or venv printed; ``index`` is where pip was sent."""
    for pattern, sentence in ADVICE:
        if re.search(pattern, output):
            if pattern == NO_NETWORK and index:
                return (
                    f"{index} could not be reached: check the address (pytorch.org lists them) and the internet "
                    "connection, or run install.py with “--torch-index default”."
                )
            if pattern == NO_PYTORCH and index and sys.version_info[:2] <= NEWEST_PYTHON:
                return (
                    f"The PyTorch that Neural Style needs is not at {index} for this Python ({THIS_PYTHON}): check the "
                    "address (pytorch.org lists them), or run install.py with “--torch-index default”."
                )
            return sentence
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return f"The engine could not be installed ({lines[-1] if lines else 'without a word'})."


def _run(command: list[str], index: str | None = None) -> None:
    # what would send pip or the new Python somewhere else; the rest of pip's configuration is the person's own
    dropped = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "__PYVENV_LAUNCHER__")
    environment = {name: value for name, value in os.environ.items() if name not in dropped} | {"PIP_USER": "0"}
    try:
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)  # fmt: skip
    except OSError as exc:
        raise InstallError(f"{command[0]} can't be run ({exc.strerror}): install Python again, then this.") from exc
    output = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        handle, log = tempfile.mkstemp(prefix="neural-style-", suffix=".log")
        with open(handle, "w", encoding="utf-8") as file:
            file.write(f"{' '.join(command)}\n{output}")
        raise InstallError(f"{advice(output, index)} Details: {log}")


def _check_machine(folder: Path) -> None:
    if sys.maxsize <= 2**32:
        raise InstallError("This Python is a 32-bit one, and PyTorch needs a 64-bit one: get it from python.org.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder.parent):
            pass
    except OSError as exc:
        raise InstallError(
            f"The folder {folder.parent} can't be written ({exc.strerror}): make it yours, or set NST_DATA_DIR to "
            "another folder, and run install.py again."
        ) from exc
    free = shutil.disk_usage(folder.parent).free
    if free < NEEDED_BYTES:
        raise InstallError(
            f"There are only {free / 1e9:.1f} GB free where the engine goes ({folder.parent}), and it needs 2: free "
            "some, or set NST_DATA_DIR to a folder on another disk, and run install.py again."
        )


def _cpu_indexes(say: Callable[[str], None]) -> list[str]:
    if sys.platform != "linux":
        return []
    say("Looking for PyTorch's CPU builds …")
    if _reachable(TORCH_CPU_INDEX):
        return [TORCH_CPU_INDEX]
    say("PyTorch's own index can't be reached from here.")
    return []


def _reachable(url: str) -> bool:
    """Whether the address answers within :data:`PROBE_SECONDS`, looking up its name included."""
    answered = threading.Event()

    def ask():
        try:
            with urllib.request.urlopen(urllib.request.Request(f"{url}/torch/", method="HEAD"), timeout=PROBE_SECONDS):
                answered.set()
        except Exception:  # whatever it is, pip's own index is tried next
            pass

    # a thread, since looking up a name knows no time limit
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    return answered.is_set()
