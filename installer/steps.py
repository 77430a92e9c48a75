"""The installation as steps: look, install, verify, remove. What is complete is written down last, in one file."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from installer import NAME, ROOT, InstallError
from installer.environment import CONSTRAINTS, install_engine, make_environment, python_of
from installer.places import Gimp, check_plug_ins, data_folder, find_gimps, warnings_for
from installer.plug_in import copy_plugin, remove_plugin

RECORD = "installed.json"
ENVIRONMENT = "engine-"  # and the start of a hash of what it is made of
LOGS = "engine.log*", "plug-in.log*"
VERIFY_SECONDS = 180  # a first start compiles and may be looked at by a virus scanner


class Installation:
    """Neural Style on this machine, for one person.

    Args:
        say: shows one line to the person.
        data: the folder of the engine and its weights; :func:`data_folder` where not given.
        plug_ins: further plug-ins folders, beside those of the GIMPs that are found; remembered once they were used.

    Attributes:
        record: what the last complete install wrote down; empty where there is none.
        failures: a sentence for each remembered folder that the last install could not bring up to date.
    """

    def __init__(self, say: Callable[[str], None], data: Path | None = None, plug_ins: Sequence[Path] = ()):
        self.say = say
        self.data = data or data_folder()
        self.plug_ins = list(plug_ins)
        self.failures: list[str] = []
        try:
            self.record = json.loads((self.data / RECORD).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self.record = {}

    @property
    def engine_python(self) -> Path:
        """The Python that runs the engine; there once something is installed."""
        return python_of(self.data / self.record.get("environment", "none"))

    def gimps(self) -> list[Gimp]:
        """The GIMPs of this machine, those of the further plug-ins folders first."""
        further = [*self._remembered(), *self.plug_ins]
        named = [Gimp("2.10" if "2.10" in folder.parts else "3", folder) for folder in further]
        found = find_gimps(self.record.setdefault("consoles", {}))
        return list({gimp.plug_ins: gimp for gimp in (*named, *found)}.values())

    def _remembered(self) -> list[Path]:
        """The further plug-ins folders that earlier runs were given, and this one is not."""
        return [folder for folder in map(Path, self.record.get("further", [])) if folder not in self.plug_ins]

    def gimp_3_console(self) -> str | None:
        """A GIMP 3 that can be started without a window; after :meth:`gimps` only."""
        answers = self.record.get("consoles", {})
        return next((console for console, (_, version, _) in answers.items() if version.startswith("3")), None)

    # ------------------------------------------------------------------------------------------------ install

    def install(self, torch_index: str | None = None) -> bool:
        """Installs or brings up to date the engine and the plug-in in every GIMP; whether anything changed."""
        engine_changed = self._install_engine(torch_index or self.record.get("torch index"))
        gone = self._gone()
        gimps = [gimp for gimp in self.gimps() if gimp.plug_ins not in gone]
        changed, failed = [], {}
        for gimp in gimps:
            try:
                if copy_plugin(gimp.plug_ins, self.engine_python, self.record["log"], self.data, gimp.version):
                    changed.append(gimp)
            except InstallError as exc:
                failed[gimp.plug_ins] = str(exc)
        reached = [gimp for gimp in gimps if gimp.plug_ins not in failed]
        self.failures = [sentence for folder, sentence in failed.items() if folder in self._remembered()]
        self._write_record(reached)
        self._report(engine_changed, reached, changed, bool(failed))
        if len(failed) > len(self.failures):
            raise InstallError(" ".join(failed.values()))
        return engine_changed or bool(changed)

    def _gone(self) -> list[Path]:
        """The remembered folders that can't be used now: their disk was taken away, or a file is in their place."""
        gone = []
        for folder in self._remembered():
            try:
                check_plug_ins(folder)
            except (InstallError, OSError):
                self.say(f"Note: there is no folder {folder} now, which --plug-ins once named; it was left out.")
                gone.append(folder)
        return gone

    def _install_engine(self, torch_index: str | None) -> bool:
        needs = _hash(CONSTRAINTS, ROOT / "pyproject.toml", salt=torch_index or "")
        environment = self.data / f"{ENVIRONMENT}{needs[:8]}"
        sources = _hash(ROOT / "nst_core")
        whole = self.record.get("environment") == environment.name and self.engine_python.exists()
        if whole and self.record.get("sources") == sources:
            return False
        if whole:
            self.say("Bringing the engine up to date …")
            self._forget("sources")  # until the new one is whole
            install_engine(environment, only_engine=True)
            ready = self._verified(environment)
        else:
            shutil.rmtree(environment, ignore_errors=True)  # what an install that was cut off has left
            try:
                make_environment(environment, self.say, torch_index)
                self.say("Installing the engine …")
                install_engine(environment)
                ready = self._verified(environment)
            except BaseException:
                shutil.rmtree(environment, ignore_errors=True)
                _remove_if_empty(self.data)
                raise
        self.record |= {"environment": environment.name, "sources": sources, "log": ready["log"]}
        self.record |= {"version": ready["version"], "torch index": torch_index}
        return True

    def _verified(self, environment: Path) -> dict:
        self.say("Starting the engine to see that it answers …")
        return verify(python_of(environment), self.data)

    def _write_record(self, reached: Sequence[Gimp]) -> None:
        folders = {str(gimp.plug_ins) for gimp in reached}
        further = {str(folder) for folder in self.plug_ins} & folders  # what has never worked is not remembered
        further |= {folder for folder in self.record.get("further", []) if not os.path.isfile(folder)}
        record = {**self.record, "further": sorted(further)}
        record["plug-ins"] = sorted({*self.record.get("plug-ins", []), *folders})
        path = self.data / RECORD
        text = json.dumps(record, indent=2) + "\n"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            _replace(path, text)
        self.record = record
        for old in self.data.glob(f"{ENVIRONMENT}*"):  # one that a running GIMP still uses goes next time
            if old.name != record["environment"]:
                shutil.rmtree(old, ignore_errors=True)

    def _forget(self, key: str) -> None:
        self.record.pop(key, None)
        _replace(self.data / RECORD, json.dumps(self.record, indent=2) + "\n")

    def _report(self, engine_changed: bool, gimps: Sequence[Gimp], changed: Sequence[Gimp], failed: bool) -> None:
        version = self.record["version"]
        if not engine_changed and not changed and not failed:
            self.say(f"Neural Style {version} is installed and up to date; nothing had to be changed.")
        if engine_changed:
            self.say(f"The engine {version} is in {self.data}.")
        for gimp in changed:
            self.say(f"The plug-in is in {gimp.plug_ins}, for {gimp}.")
        for sentence in dict.fromkeys(s for gimp in gimps for s in warnings_for(gimp, self.engine_python)):
            self.say(f"Note: {sentence}")
        if gimps:
            self.say(f"The engine's Python, for the command line, is {self.engine_python}.")
            again = "Start GIMP (again, if it is running), open" if changed or engine_changed else "In GIMP, open"
            self.say(f"{again} a picture, and choose Filters ▸ Artistic ▸ Neural Style…")
        elif not failed:
            self.say(
                "No GIMP was found. Install GIMP 3, start it once, and run install.py again; or name the folder that "
                "GIMP shows under Edit ▸ Preferences ▸ Folders ▸ Plug-ins with --plug-ins FOLDER."
            )
            self.say(f"Until then, there is the command line: {self.engine_python} -m nst_core --help")

    # ---------------------------------------------------------------------------------------------- uninstall

    def uninstall(self) -> bool:
        """Removes the plug-in from every GIMP, the engine, its weights and its logs; whether anything was there."""
        removed = []
        remembered = set(map(Path, self.record.get("plug-ins", [])))
        for folder in {*(gimp.plug_ins for gimp in self.gimps()), *remembered}:
            if remove_plugin(folder):
                removed.append(f"the plug-in in {folder}")
        away = [folder for folder in remembered if not folder.exists()]
        ours = [*self.data.glob(f"{ENVIRONMENT}*"), self.data / "weights", self.data / RECORD]
        for path in filter(Path.exists, ours):
            _remove(path)
            if path.name != RECORD:
                removed.append(f"{'the weights' if path.name == 'weights' else 'the engine'} in {path}")
        if self.record.get("log"):
            logs = Path(self.record["log"]).parent
            found = [path for pattern in LOGS for path in logs.glob(pattern)]
            for path in found:
                _remove(path)
            removed += [f"the logs in {logs}"] if found else []
            _remove_if_empty(logs)
            if NAME in logs.parent.name:
                _remove_if_empty(logs.parent)
        _remove_if_empty(self.data)
        for what in removed:
            self.say(f"Removed {what}.")
        for folder in away:  # on a disk that is not connected, maybe
            self.say(f"{folder} is not there now; if it comes back, delete neural-style in it yourself.")
        if self.data.exists():
            self.say(f"Left in place, since install.py did not make it: what else is in {self.data}.")
        if not removed:
            self.say("Neural Style is not installed here; nothing was removed.")
        return bool(removed)


def verify(python: Path, directory: Path) -> dict:
    """Starts the engine as the plug-in does, and gives its answer to ``hello``; raises :class:`InstallError`."""
    command = [str(python), "-I", "-X", "utf8", "-m", "nst_core.engine"]
    # torch is loaded only after the answer, so it is tried beside it
    trial = [str(python), "-I", "-c", "import nst_core; nst_core.stylize"]
    with tempfile.TemporaryFile() as said:
        try:
            tried = subprocess.run(trial, cwd=directory, stdout=said, stderr=said, timeout=VERIFY_SECONDS)
            if not tried.returncode:
                answer = _greeting(command, directory, said)
                if answer.get("type") == "ready":
                    return answer
                said.write(f"\n{answer.get('message')}".encode())
        except (OSError, subprocess.SubprocessError, struct.error, ValueError) as exc:
            said.write(f"\n{exc}".encode())
        said.seek(0)
        lines = said.read().decode("utf-8", "replace").strip().splitlines()
    raise InstallError(f"The engine is installed but does not answer ({lines[-1]}): run install.py again.")


def _greeting(command: list[str], directory: Path, said: IO[bytes]) -> dict:
    engine = subprocess.Popen(command, cwd=directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said)
    timer = threading.Timer(VERIFY_SECONDS, engine.kill)
    timer.start()
    try:
        hello = json.dumps({"type": "hello", "id": 0, "protocol": 1, "client": "install.py"}).encode()
        engine.stdin.write(struct.pack(">I", len(hello)) + hello)
        engine.stdin.flush()
        (length,) = struct.unpack(">I", engine.stdout.read(4))
        return json.loads(engine.stdout.read(length))
    finally:
        timer.cancel()
        engine.stdin.close()  # at its end the engine ends
        engine.stdout.close()
        engine.wait()


def _hash(*paths: Path, salt: str = "") -> str:
    """Of the files' names and contents, of folders all Python files."""
    digest = hashlib.sha256(salt.encode())
    for path in paths:
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(re.sub(r"\\", "/", str(file.relative_to(ROOT))).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _replace(path: Path, text: str) -> None:
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError as exc:
        raise InstallError(f"{path} can't be removed ({exc.strerror}): close GIMP and try again.") from exc


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):  # it is not, or it is not there, or a disk is mounted on it
        folder.rmdir()
