"""Runs inside GIMP's Python-Fu: carries out the Python that the tests send, with a few helpers at hand.

The helpers read from GIMP what the tests compare; they change nothing unless their name says so.
"""

import glob
import hashlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
import traceback

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from gi.repository import Gegl, Gimp, Gio, GLib  # noqa: E402, F401 - at hand for the code that is sent

FOLDER = os.environ["HOME"]
FORMATS = {1: "Y' float", 2: "Y'A float", 3: "R'G'B' float", 4: "R'G'B'A float"}


def procedure():
    return Gimp.get_pdb().lookup_procedure("python-fu-neural-style")


def call(image, layers, **arguments):
    """Calls the procedure without a dialog; [status name, message or None]."""
    config = procedure().create_config()
    config.set_property("run-mode", arguments.pop("run_mode", Gimp.RunMode.NONINTERACTIVE))
    config.set_property("image", image)
    config.set_core_object_array("drawables", layers)
    for name, value in arguments.items():
        config.set_property(name.replace("_", "-"), value)
    answer = procedure().run(config)
    message = answer.index(1) if answer.length() > 1 else None
    return [answer.index(0).value_nick, message]


def pixels(drawable, channels=4):
    """A drawable's samples as bytes, float32 with the sRGB curve."""
    box = Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height())
    return drawable.get_buffer().get(box, 1.0, FORMATS[channels], Gegl.AbyssPolicy.CLAMP)


def paint(drawable, data, channels=4):
    box = Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height())
    buffer = drawable.get_buffer()
    buffer.set(box, FORMATS[channels], data)
    buffer.flush()
    drawable.update(0, 0, drawable.get_width(), drawable.get_height())


def save(name, data):
    """Writes bytes for the test to read; the file's path."""
    path = os.path.join(FOLDER, name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def load(path):
    with open(path, "rb") as file:
        return file.read()


def facts(item):
    """Everything about a layer that must not change by itself."""
    mask = item.get_mask()
    parent = item.get_parent()
    described = {
        "name": item.get_name(),
        "id": item.get_id(),
        "parent": parent.get_name() if parent else None,
        "position": item.get_image().get_item_position(item),
        "offsets": list(item.get_offsets())[1:],
        "size": [item.get_width(), item.get_height()],
        "type": item.type().value_nick,
        "opacity": item.get_opacity(),
        "mode": item.get_mode().value_nick,
        "visible": item.get_visible(),
        "mask": hashlib.sha256(pixels(mask, 1)).hexdigest() if mask else None,
        "apply mask": item.get_apply_mask() if mask else None,
        "parasites": list(item.get_parasite_list()),
    }
    if item.is_group():
        described["children"] = [facts(child) for child in item.get_children()]
    else:
        described["pixels"] = hashlib.sha256(pixels(item)).hexdigest()
    return described


def state(image):
    return [facts(layer) for layer in image.get_layers()]


def by_name(image, name):
    return next((layer for layer in image.get_layers() + [c for g in image.get_layers() if g.is_group()
                for c in g.get_children()] if layer.get_name() == name), None)


def processes(word):
    """The ids of the running processes whose command line has ``word`` in it."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                if word.encode() in file.read():
                    found.append(int(path.split("/")[2]))
        except OSError:
            pass  # it ended meanwhile
    return sorted(found)


def engines():
    return processes("nst_core.engine")


class Watch:
    """Notes every engine that lives while the ``with`` block runs, and may do something once one is at work."""

    def __init__(self, action=None, ready=None):
        self.seen, self._action, self._ready, self._over = set(), action, ready, False

    def __enter__(self):
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over = True
        self._thread.join()

    def _run(self):
        while not self._over:
            self.seen.update(engines())
            if self._action and self.seen and (self._ready is None or self._ready()):
                self._action()
                self._action = None
            time.sleep(0.02)


def log_text():
    try:
        with open(os.path.join(os.environ["NST_LOG_DIR"], "engine.log"), encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def shell(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stderr}")
    return done.stdout


def serve():
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(os.path.join(FOLDER, "agent"))
    stream = connection.makefile("rwb")
    names = globals()
    for line in stream:
        request = json.loads(line)
        names.update(request["values"], result=None)
        try:
            exec(compile(request["code"], "test", "exec"), names)
            answer = {"result": names["result"]}
            text = json.dumps(answer)
        except BaseException:
            text = json.dumps({"error": traceback.format_exc()})
        stream.write(text.encode() + b"\n")
        stream.flush()


signal.signal(signal.SIGPIPE, signal.SIG_IGN)
serve()
