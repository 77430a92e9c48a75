"""GIMP 2.10's own process, played by the tests: it starts plug-ins as GIMP does and answers what they ask.

A plug-in is a Python 2.7 process that imports the modules in ``tests/gimp2/double`` in place of GIMP's; everything it
does to an image comes here over two pipes, so that a plug-in that is killed leaves behind what it would leave in GIMP.
Each line is a JSON object; strings in it are bytes, a character for each.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.gimp2.app.core import Gimp, Group, Image, Item
from tests.gimp2.app.procedures import TABLE, Argument, Procedure, Refused

DOUBLE = Path(__file__).resolve().parents[1] / "double"
INTERACTIVE, NONINTERACTIVE, LAST_VALUES = 0, 1, 2
SUCCESS, EXECUTION_ERROR, CALLING_ERROR = "success", "execution error", "calling error"
PATIENCE = 180  # seconds until a plug-in that hangs is killed

# a plug-in that has called one of these gets and gives pixels as the image has them: 16 bits, floats, linear masks
PRECISE = ("gimp-image-get-precision", "gimp-image-new-with-precision", "gimp-drawable-get-format")

# the procedures that are the application's own rather than an image's
OWN = {
    name: Procedure(name, tuple(Argument(*pair) for pair in arguments.items()), None)
    for name, arguments in {
        "gimp-message": {"message": "text"},
        "gimp-progress-init": {"message": "text?", "gdisplay": "display"},
        "gimp-progress-update": {"percentage": "float"},
        "gimp-progress-set-text": {"message": "text?"},
        "gimp-plugin-set-pdb-error-handler": {"handler": "enum 0 1"},
        "gimp-procedural-db-set-data": {"identifier": "bytes", "data": "bytes"},
        "gimp-procedural-db-get-data": {"identifier": "bytes"},
        "gimp-displays-flush": {},
    }.items()
}


class PlugInCrashed(Exception):
    """The plug-in's process ended without an answer."""


class Application(Gimp):
    """A running GIMP 2.10 without a window.

    Args:
        python: the command of GIMP's own Python 2.7.
        home: the user's home folder, whose ``.config/GIMP/2.10/plug-ins`` is searched.
        environment: more variables for the plug-ins.

    Attributes:
        said: what GIMP shows or prints of messages: (who, sentence).
        progress: (text or None, fraction or None), as it came.
        dialogs: what gimpfu's dialogs did: ("dialog", values), ("error", title, text), ("warning", text).
        answers: for the next dialog: {argument: what the artist sets}, or None to close it.
        on_progress: called with the application at each change of the progress bar.
        plug_in: the process that runs at present.
        stderr: what the plug-ins printed.
    """

    def __init__(self, python: list[str], home: Path, environment: dict[str, str] | None = None):
        super().__init__()
        self.python = python
        self.plug_ins = home / ".config/GIMP/2.10/plug-ins"
        self.environment = {
            "HOME": str(home),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(DOUBLE),  # pygimp.env sets it, and the engine must not see it
            **(environment or {}),
        }
        self.procedures: dict[str, dict] = {}
        self.menus: dict[str, str] = {}
        self.data: dict[str, str] = {}
        self.said: list[tuple[str, str]] = []
        self.progress: list[tuple[str | None, float | None]] = []
        self.dialogs: list[tuple] = []
        self.answers: dict | None = {}
        self.on_progress: Callable | None = None
        self.plug_in: subprocess.Popen | None = None
        self.stderr = ""
        self.add_plug_in(DOUBLE / "python-eval.py")

    # ---------------------------------------------------------------------------------------------------- plug-ins

    def find_plug_ins(self) -> None:
        """Asks every plug-in of the user's folder what it has, as GIMP does when it starts."""
        for folder in sorted(self.plug_ins.iterdir()):
            for script in folder.glob(f"{folder.name}.*"):
                if os.access(script, os.X_OK):
                    self.add_plug_in(script)

    def add_plug_in(self, script: Path) -> None:
        self._converse(script, ["-query"], {"op": "query"})

    def interpreter(self, script: Path) -> list[str]:
        """What GIMP starts ``script`` with (app/plug-in/gimpinterpreterdb.c, and pygimp.interp as GIMP installs it).

        A first line that names an interpreter goes before the file's ending.
        """
        ours = {"python": self.python, "python2": self.python, "/usr/bin/python": self.python}
        first = script.read_bytes().split(b"\n", 1)[0].decode("utf-8", "replace")
        if first.startswith("#!"):
            name, _, rest = first[2:].strip().partition(" ")
            if name == "/usr/bin/env" and rest in ours:
                return ours[rest]
            return ours.get(name, [name, *([rest.strip()] if rest.strip() else [])])
        return self.python if script.suffix == ".py" else []

    def run(self, name: str, *values, mode: int = NONINTERACTIVE) -> tuple[str, list]:
        """Runs a plug-in's procedure; its status and return values. ``values`` are what the caller gives."""
        entry = self.procedures[name]
        packed = [pack(value) for value in values]
        converted = [converted_value(row[0], value) for row, value in zip(entry["params"][1:], packed, strict=False)]
        return self._run(name, [mode, *converted])

    def _run(self, name: str, values: list) -> tuple[str, list]:
        entry = self.procedures[name]
        if len(values) not in (3, len(entry["params"])) and values[0] == NONINTERACTIVE:
            raise Refused(f"Procedure '{name}' has been called with {len(values)} arguments")
        params = [[row[0], value] for row, value in zip(entry["params"], values, strict=False)]
        message = {"op": "run", "name": name, "params": params}
        try:
            return self._converse(entry["script"], ["-run"], message)
        except PlugInCrashed:
            self.said.append(("GIMP", f'Plug-in crashed: "{entry["script"].name}"'))
            return EXECUTION_ERROR, []

    def _converse(self, script: Path, mode: list[str], message: dict) -> tuple[str, list]:
        his_read, my_write = os.pipe()
        my_read, his_write = os.pipe()
        arguments = [*self.interpreter(script), str(script), "-gimp", str(his_read), str(his_write), *mode, "0"]
        process = subprocess.Popen(
            arguments, env=self.environment, pass_fds=(his_read, his_write), stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE, cwd=self.environment["HOME"],
        )  # fmt: skip
        os.close(his_read)
        os.close(his_write)
        conversation = _Conversation(self, script, process)
        outer, self.plug_in = self.plug_in, process
        printed: list[bytes] = []
        listener = threading.Thread(target=lambda: printed.append(process.stderr.read()), daemon=True)
        listener.start()
        watch = threading.Timer(PATIENCE, process.kill)
        watch.start()
        try:
            with os.fdopen(my_read, "rb") as incoming, os.fdopen(my_write, "wb", 0) as outgoing:
                outgoing.write(line(message))
                return conversation.hold(incoming, outgoing)
        except BrokenPipeError:
            raise PlugInCrashed(script.name) from None
        finally:
            watch.cancel()
            process.wait()
            listener.join(2)
            process.stderr.close() if not listener.is_alive() else None
            self.stderr += b"".join(printed).decode("utf-8", "replace")
            self.plug_in = outer
            conversation.clean_up()

    def cancel(self) -> None:
        """The progress bar's Cancel (gimp_plug_in_close): the plug-in's process group, or it alone, is killed."""
        group = os.getpgid(self.plug_in.pid)
        with contextlib.suppress(ProcessLookupError):
            if group != os.getpgid(0):
                os.killpg(group, signal.SIGKILL)
            else:
                self.plug_in.kill()

    def eval(self, code: str) -> tuple[str, list]:
        """Carries out Python 2.7 as ``gimp-console --batch-interpreter=python-fu-eval`` does."""
        return self.run("python-fu-eval", code.encode("utf-8"))


class _Conversation:
    """What one plug-in's process asks, from its start to its end."""

    def __init__(self, gimp: Application, script: Path, process: subprocess.Popen):
        self.gimp, self.script, self.process = gimp, script, process
        self.plug_in_handles_errors = False
        self.precise = False  # whether pixels cross as the image has them (gimp_plug_in_enable_precision)
        self.groups: list[Image] = []

    def hold(self, incoming, outgoing) -> tuple[str, list]:
        for received in incoming:
            request = json.loads(received)
            op = request["op"].replace("-", "_")
            if op == "return":
                return request["status"], request["values"]
            answer = getattr(self, f"on_{op}")(request)
            outgoing.write(line({"answer": answer}))
        if self.process.wait(10):
            raise PlugInCrashed(self.script.name)
        return SUCCESS, []

    def clean_up(self) -> None:
        for image in self.groups:  # app/plug-in/gimpplugin-cleanup.c
            self.gimp.said.append(("GIMP", f"Plug-in left image undo in inconsistent state: {self.script.name}"))
            image.group_end()

    # ------------------------------------------------------------------------------------------------ its requests

    def on_install(self, request: dict) -> None:
        self.gimp.procedures[request["name"]] = {**request, "script": self.script}

    def on_menu(self, request: dict) -> None:
        self.gimp.menus[request["name"]] = request["path"]

    def on_info(self, request: dict) -> list | None:
        name = request["name"].replace("_", "-")
        if name in TABLE or name in OWN:
            return [[a.pdb_type, a.name, ""] for a in (TABLE.get(name) or OWN[name]).arguments]
        if name in self.gimp.procedures:
            return self.gimp.procedures[name]["params"]
        self._refuse(f"Procedure '{name}' not found", "gimp-procedural-db-proc-info")
        return None

    def on_call(self, request: dict) -> dict:
        name, values = request["name"].replace("_", "-"), request["args"]
        try:
            if name in self.gimp.procedures:
                status, returned = self.gimp._run(name, values)
                return {"status": status, "values": returned, "message": "" if status == SUCCESS else status}
            if name in OWN:
                for argument, value in zip(OWN[name].arguments, values, strict=False):
                    OWN[name].check(self.gimp, argument, unpacked(argument.type, value))
                return {"status": SUCCESS, "values": self._own(name, values)}
            self.precise = self.precise or name in PRECISE
            if name == "gimp-drawable-bpp" and self.precise:
                return {"status": SUCCESS, "values": [self.gimp.items[values[0]].pixels[0, 0].nbytes]}
            table = TABLE[name]
            returned = table(self.gimp, [unpacked(a.type, v) for a, v in zip(table.arguments, values, strict=True)])
            self._watch_groups(name, values)
            return {"status": SUCCESS, "values": [pack(value) for value in returned]}
        except Refused as refused:
            if refused.message:
                self._refuse(refused.message, name)
            status = CALLING_ERROR if refused.calling else EXECUTION_ERROR
            return {"status": status, "values": [], "message": refused.message or status}

    def _refuse(self, message: str, name: str) -> None:
        if not self.plug_in_handles_errors:
            self.gimp.said.append(("GIMP", f"Calling error for procedure '{name}': {message}"))

    def _watch_groups(self, name: str, values: list) -> None:
        if name == "gimp-image-undo-group-start":
            self.groups.append(self.gimp.images[values[0]])
        elif name == "gimp-image-undo-group-end":
            self.groups.remove(self.gimp.images[values[0]])

    def _own(self, name: str, values: list) -> list:
        gimp = self.gimp
        if name == "gimp-plugin-set-pdb-error-handler":
            self.plug_in_handles_errors = bool(values[0])
        elif name == "gimp-message":
            gimp.said.append((self.script.stem, as_text(values[0])))
        elif name == "gimp-procedural-db-set-data":
            gimp.data[values[0]] = values[1]
        elif name == "gimp-procedural-db-get-data":
            if values[0] not in gimp.data:
                raise Refused(calling=False)
            return [gimp.data[values[0]]]
        elif name.startswith("gimp-progress"):
            fraction = values[0] if name.endswith("update") else None
            text = as_text(values[0]) if fraction is None and values[0] is not None else None
            gimp.progress.append((text, fraction))
            if gimp.on_progress:
                gimp.on_progress(gimp)
        return []

    def on_pixels(self, request: dict) -> str:
        drawable = self.gimp.items[request["drawable"]]
        if self.precise:
            pixels = drawable.shadow if request["shadow"] and drawable.shadow is not None else drawable.pixels
        else:
            pixels = drawable.as_u8(request["shadow"])
        x, y, width, height = request["box"]
        return pixels[y : y + height, x : x + width].tobytes().decode("latin-1")

    def on_put(self, request: dict) -> None:
        drawable = self.gimp.items[request["drawable"]]
        x, y, width, height = request["box"]
        if not request["shadow"] and (drawable.is_locked() or isinstance(drawable, Group)):
            what = "group layer" if isinstance(drawable, Group) else "locked drawable"
            self.gimp.said.append(("GIMP", f"Plug-in tried writing to a {what} {drawable.id} (killing)"))
            self.process.kill()
            return
        sample = drawable.pixels.dtype if self.precise else np.uint8
        data = np.frombuffer(request["data"].encode("latin-1"), sample).reshape(height, width, -1)
        data = data if self.precise else drawable.from_u8(data)
        if request["shadow"]:
            shadow = (np.zeros_like(drawable.pixels) if drawable.shadow is None else drawable.shadow).copy()
            shadow[y : y + height, x : x + width] = data
            drawable.shadow = shadow
            return
        if drawable.attached:
            drawable.image.unrecorded.append(f"pixels of {drawable.name}")
        pixels = drawable.pixels.copy()
        pixels[y : y + height, x : x + width] = data
        drawable.pixels = pixels

    def on_kinds(self, request: dict) -> list:
        """What each of the IDs is: an image, a kind of item, or nothing any more."""
        found = [self.gimp.items.get(number) for number in request["ids"]]
        return [item.kind if item else None for item in found]

    def on_dialog(self, request: dict) -> dict | None:
        self.gimp.dialogs.append(("dialog", request["rows"]))
        if self.gimp.answers is None:
            return None
        return {name: pack(value) for name, value in self.gimp.answers.items()}

    def on_shown(self, request: dict) -> None:
        self.gimp.dialogs.append(tuple(as_text(part) for part in request["parts"]))


# ------------------------------------------------------------------------------------------------------------ the wire


def line(message: dict) -> bytes:
    return json.dumps(message).encode() + b"\n"


def as_text(value: str | bytes) -> str:
    raw = value if isinstance(value, bytes) else value.encode("latin-1")
    return raw.decode("utf-8", "backslashreplace")


def pack(value):
    """A value for the wire: an item or image is {kind: ID}, bytes are a string."""
    if isinstance(value, Image):
        return {"image": value.id}
    if isinstance(value, Item):
        return {"item": value.id, "kind": value.kind}
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, str):
        return value.encode("utf-8").decode("latin-1")
    if isinstance(value, (bool, np.integer)):
        return int(value)
    if isinstance(value, (list, tuple)):
        return [pack(part) for part in value]
    return value


def converted_value(type_: int, packed):
    """A packed value as an argument of PDB type ``type_``."""
    if isinstance(packed, dict):
        return packed.get("image", packed.get("item"))
    return -1 if packed is None and 10 < type_ < 20 else packed


def unpacked(type_: str, value):
    """A value of the wire for an argument of a procedure of the table."""
    if isinstance(value, str):
        return value.encode("latin-1")
    if type_ == "parasite":
        return [part.encode("latin-1") if isinstance(part, str) else part for part in value]
    return value
