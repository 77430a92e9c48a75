"""The real GIMP 3 for the tests: Debian trixie's, in a folder of its own, run in namespaces of its own.

:func:`gimp_folder` makes the folder once and finds it again later; :class:`Gimp` runs a GIMP in it, in the console or
in a window, with an agent inside that carries out Python sent to it. Needs Linux, root and a Debian mirror in apt's
own configuration; where one of them is missing :class:`HostUnavailable` says which.

``NST_TEST_CACHE`` says where the folder is kept, ``NST_TEST_KEEP`` where to leave a session's screenshots and logs.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

from installer.plug_in import copy_plugin

REPOSITORY = Path(__file__).resolve().parents[2]
AGENT = Path(__file__).with_name("agent.py")
SUITE = "trixie"
PACKAGES = (
    "ca-certificates,gimp,xvfb,xauth,xdotool,imagemagick,openbox,x11-utils,procps,fonts-dejavu-core,adwaita-icon-theme"
)
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")
DEBIAN_SUITES = {"bullseye", "bookworm", "trixie", "forky", "sid", "stable", "oldstable", "testing", "unstable"}
GIMPRC = """(config-version "3.0.4")
(show-welcome-dialog no)
(check-updates no)
(color-profile-policy keep)
(save-session-info no)
"""
SHORTCUTS = '(file-version 1)\n(action "python-fu-neural-style" "<Primary><Alt>p")\n'


class HostUnavailable(Exception):
    """There can be no GIMP 3 on this machine; the message says why."""


class GimpError(Exception):
    """The Python sent to GIMP failed, or GIMP ended; the message is the traceback or what GIMP said."""


# ------------------------------------------------------------------------------------------------------- the folder


def cache_folder() -> Path:
    """Where the tests keep what is slow to make: ``NST_TEST_CACHE``, else the user's cache folder."""
    if os.environ.get("NST_TEST_CACHE"):
        return Path(os.environ["NST_TEST_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "neural-style-tests"


def gimp_folder() -> Path:
    """The root folder of Debian trixie with GIMP 3.0; made where it is not there yet, which takes a minute or two."""
    folder = cache_folder() / "gimp-3.0-trixie"
    if sys.platform != "linux":
        raise HostUnavailable("the GIMP 3 of the tests runs on Linux only")
    if os.geteuid() != 0:
        raise HostUnavailable("setting up and running the GIMP 3 of the tests needs root")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.parent / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "usr/bin/gimp-console").exists():
            _make(folder)
    return folder


def _make(folder: Path) -> None:
    mirror = debian_mirror()
    if not shutil.which("mmdebstrap"):
        _call("apt-get", "update")
        _call("apt-get", "install", "-y", "--no-install-recommends", "mmdebstrap")
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    command = ["mmdebstrap", "--mode=root", "--variant=apt", '--aptopt=APT::Install-Recommends "false"']
    command += [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
    command += [f"--include={PACKAGES}", SUITE, str(partial), f"deb {mirror} {SUITE} main"]
    _call(*command)
    partial.rename(folder)


def _call(*command: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        said = " / ".join(done.stderr.strip().splitlines()[-3:])
        raise HostUnavailable(f"{command[0]} failed while setting up GIMP 3: {said}")


def debian_mirror(apt: Path = Path("/etc/apt")) -> str:
    """The Debian mirror that this machine's apt uses, read from either format of its configuration."""
    entries = []
    lists = [apt / "sources.list", *sorted(apt.glob("sources.list.d/*.list"))]
    for path in filter(Path.is_file, lists):
        for line in path.read_text(encoding="utf-8").splitlines():
            found = re.match(r"\s*deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)", line)
            if found:
                entries.append((found[1], [found[2]]))
    for path in sorted(apt.glob("sources.list.d/*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")):
            fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", stanza, re.M))
            if "deb" in fields.get("Types", "").split() and fields.get("Enabled", "yes").lower() != "no":
                entries += [(uri, fields.get("Suites", "").split()) for uri in fields.get("URIs", "").split()]
    for uri, suites in entries:
        if DEBIAN_SUITES & set(suites) and re.match(r"(https?|file|ftp):", uri):
            return uri
    raise HostUnavailable("apt's configuration on this machine names no Debian mirror")


# ------------------------------------------------------------------------------------------------------- the plug-in


def engine_command() -> list[str]:
    """The engine of this working tree, run by the Python that runs the tests."""
    code = f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); from nst_core.engine.server import main; main()"
    return [sys.executable, "-I", "-X", "utf8", "-c", code]


def install_plugin(plug_ins: Path, logs: Path) -> Path:
    """The plug-in as install.py leaves it in GIMP's folder ``plug_ins``, but with :func:`engine_command`."""
    copy_plugin(plug_ins, Path(sys.executable), logs / "engine.log", REPOSITORY)
    folder = plug_ins / "neural-style"
    installation = json.loads((folder / "engine.json").read_text(encoding="utf-8"))
    installation["command"] = engine_command()
    (folder / "engine.json").write_text(json.dumps(installation), encoding="utf-8")
    return folder


def python_folders() -> list[str]:
    """What of the host must be seen at its own path for this Python to run in another root."""
    needed = [sys.prefix, str(REPOSITORY)]
    if Path(sys.base_prefix) == Path("/usr"):
        needed += [os.path.realpath(sys.executable), sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")]
    else:
        needed.append(sys.base_prefix)
    return list(dict.fromkeys(needed))


# -------------------------------------------------------------------------------------------------------- the session


class Gimp:
    """A running GIMP 3.0; use it in a ``with`` statement. Everything it started ends with it.

    Args:
        window: with a display of its own (Xvfb and a window manager) instead of in the console.
        environment: more variables for it.

    Attributes:
        folder: a folder that has the same path inside and outside; it goes when the session ends.
        plugin: the installed plug-in's folder.
    """

    def __init__(self, window: bool = False, environment: dict[str, str] | None = None, start_seconds: float = 120):
        self.folder = Path(tempfile.mkdtemp(prefix="nst-", dir="/tmp"))
        self.logs = self.folder / "logs"
        self.logs.mkdir()
        configuration = self.folder / "config/GIMP/3.0"
        (configuration / "plug-ins").mkdir(parents=True)
        (configuration / "gimprc").write_text(GIMPRC)
        (configuration / "shortcutsrc").write_text(SHORTCUTS)
        self.plugin = install_plugin(configuration / "plug-ins", self.logs)
        shutil.copy(AGENT, self.folder)
        self._environment = {
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "LANG": "C.UTF-8",
            "OMP_NUM_THREADS": "1",
            "NST_LOG_DIR": str(self.logs),
            **(environment or {}),
        }
        self._window = window
        self._start_seconds = start_seconds
        self._process: subprocess.Popen | None = None

    def __enter__(self) -> Gimp:
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        if self._process:
            with contextlib.suppress(AttributeError, OSError):
                self._connection.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0 if self._window else 10)
            self._process.kill()
            self._process.wait()
        if os.environ.get("NST_TEST_KEEP"):
            left = Path(os.environ["NST_TEST_KEEP"], "window" if self._window else "console")
            shutil.copytree(self.folder, left, dirs_exist_ok=True, ignore=shutil.ignore_patterns("agent"))
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self) -> None:
        address = str(self.folder / "agent")
        run_agent = f"exec(compile(open({str(self.folder / 'agent.py')!r}).read(), 'agent.py', 'exec'))"
        batch = f"--batch-interpreter=python-fu-eval -b {shlex.quote(run_agent)}"
        if self._window:
            inside = (
                "Xvfb :7 -screen 0 1280x960x24 -nolisten tcp >/dev/null 2>&1 & export DISPLAY=:7; "
                "until xdpyinfo >/dev/null 2>&1; do sleep 0.1; done; "
                f"openbox >/dev/null 2>&1 & exec gimp -s {batch}"
            )
        else:
            inside = f"exec gimp-console -i -s {batch} --quit"
        with socket.socket(socket.AF_UNIX) as listener, open(self.folder / "gimp.out", "wb") as out:
            listener.bind(address)
            listener.listen()
            self._process = subprocess.Popen(
                in_namespaces(gimp_folder(), inside, [*python_folders(), str(self.folder)], self._environment),
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip
            until = time.monotonic() + self._start_seconds
            listener.settimeout(0.5)
            while True:
                try:
                    self._connection = listener.accept()[0].makefile("rwb")
                    return
                except TimeoutError:
                    if self._process.poll() is not None or time.monotonic() > until:
                        raise GimpError(f"GIMP did not start:\n{self.output()}") from None

    def batch(self, command: str, folder: Path) -> subprocess.CompletedProcess:
        """Runs a shell ``command`` in ``folder``, to its end, as someone with this GIMP would; standard error is in
        its ``stdout`` too."""
        inside = f"cd {shlex.quote(str(folder))}; {command}"
        return subprocess.run(
            in_namespaces(gimp_folder(), inside, [*python_folders(), str(self.folder)], self._environment),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            timeout=self._start_seconds * 3,
        )  # fmt: skip

    def output(self) -> str:
        """What GIMP and its plug-ins have printed so far."""
        return (self.folder / "gimp.out").read_text(encoding="utf-8", errors="replace")

    def do(self, code: str, /, **values):
        """Carries out Python inside GIMP, with ``values`` and the agent's helpers at hand; gives its ``result``."""
        self._connection.write(json.dumps({"code": code, "values": values}).encode() + b"\n")
        self._connection.flush()
        line = self._connection.readline()
        if not line:
            raise GimpError(f"GIMP ended:\n{self.output()}")
        answer = json.loads(line)
        if "error" in answer:
            raise GimpError(answer["error"] + "\n" + self.output()[-2000:])
        return answer["result"]


def in_namespaces(root: Path, command: str, shared: list[str], environment: dict[str, str]) -> list[str]:
    """The argument list that runs a shell ``command`` in ``root``, with the paths ``shared`` bound at the same place.

    All its mounts and processes vanish with it.
    """
    quoted = shlex.quote(str(root))
    lines = [
        "set -e",
        f"mount -t proc proc {quoted}/proc",
        f"mount --rbind /dev {quoted}/dev",
        f"mount -t tmpfs tmpfs {quoted}/dev/shm",
        f"mount -t tmpfs tmpfs {quoted}/tmp",
    ]
    for path in shared:
        inside = shlex.quote(f"{root}{path}")
        made = f"mkdir -p {inside}" if os.path.isdir(path) else f"touch {inside}"
        lines += [made, f"mount --rbind {shlex.quote(path)} {inside}"]
    if any(path.startswith("/usr/local") for path in shared):
        lines.append(f"chroot {quoted} ldconfig")
    variables = " ".join(shlex.quote(f"{name}={value}") for name, value in environment.items())
    lines.append(f"exec chroot {quoted} env -i {variables} bash -c {shlex.quote(command)}")
    return ["unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "bash", "-c", "\n".join(lines)]


if __name__ == "__main__":
    print(gimp_folder())
