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
TYPES = {
    1: Gimp.ImageType.GRAY_IMAGE,
    2: Gimp.ImageType.GRAYA_IMAGE,
    3: Gimp.ImageType.RGB_IMAGE,
    4: Gimp.ImageType.RGBA_IMAGE,
}


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


def new_image(width, height, base="RGB", precision="U8_NON_LINEAR"):
    return Gimp.Image.new_with_precision(
        width, height, getattr(Gimp.ImageBaseType, base), getattr(Gimp.Precision, precision)
    )


def add_layer(image, name, picture, parent=None, position=0, offsets=(0, 0)):
    """Adds a layer with the pixels of ``picture``, a test's [path, height, width, channels]."""
    path, height, width, channels = picture
    layer = Gimp.Layer.new(image, name, width, height, TYPES[channels], 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, parent, position)
    layer.set_offsets(*offsets)
    paint(layer, load(path), channels)
    return layer


def add_mask(layer, picture):
    mask = layer.create_mask(Gimp.AddMaskType.WHITE)
    layer.add_mask(mask)
    paint(mask, load(picture[0]), 1)


def channels_of(drawable):
    return (1 if drawable.is_gray() else 3) + drawable.has_alpha()


def keep(name, drawable):
    """Saves a drawable's pixels; [path, height, width, channels]."""
    channels = channels_of(drawable)
    return [save(name, pixels(drawable, channels)), drawable.get_height(), drawable.get_width(), channels]


def composite(image):
    """What the artist sees of an image, as bytes."""
    visible = Gimp.Layer.new_from_visible(image, image, None)
    data = pixels(visible)
    visible.delete()
    return data


def parasite(layer):
    return bytes(layer.get_parasite("neural-style").get_data()).decode("utf-8")


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
    return next(
        (
            layer
            for layer in image.get_layers() + [c for g in image.get_layers() if g.is_group() for c in g.get_children()]
            if layer.get_name() == name
        ),
        None,
    )


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


LIBRARY = """
import json, sys
sys.path.insert(0, sys.argv[1])
import numpy as np, nst_core
for line in sys.stdin:
    job = json.loads(line)
    pictures = [np.fromfile(p[0], np.float32).reshape(p[1:]).clip(0, 1) for p in (job["content"], job["style"])]
    nst_core.stylize(*pictures, nst_core.Settings(**job["settings"])).tofile(job["out"])
    print("done", flush=True)
"""
library = None


def alone(python, repository, job):
    """Stylises with the engine's library, without plug-in and protocol; by one process, for it takes long to start."""
    global library
    if library is None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        library = subprocess.Popen([python, "-I", "-c", LIBRARY, repository], text=True, **pipes)
    library.stdin.write(json.dumps(job) + "\n")
    library.stdin.flush()
    if library.stdout.readline() != "done\n":
        raise RuntimeError("the library failed")


def shell(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stderr}")
    return done.stdout


def wait_for(condition, seconds=60):
    """Waits until ``condition()`` is true, and gives it."""
    until = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > until:
            return value
        time.sleep(0.1)


def window_of(name):
    """The id of the visible window whose title begins with ``name``, or None."""
    found = subprocess.run(["xdotool", "search", "--onlyvisible", "--name", f"^{name}"], capture_output=True, text=True)
    return found.stdout.split()[-1] if found.stdout.split() else None


def wait_for_window(name, seconds=60):
    found = wait_for(lambda: window_of(name), seconds)
    if not found:
        screenshot("no-window")
        raise RuntimeError(f"no window {name!r} appeared")
    time.sleep(0.7)  # it takes its first events only when it is drawn
    return found


def click(window, x, y):
    shell("xdotool", "mousemove", "--sync", "--window", window, str(x), str(y), "click", "1")
    time.sleep(0.3)


def key(window, *keys):
    shell("xdotool", "windowactivate", "--sync", window)
    shell("xdotool", "key", "--delay", "60", *keys)


def screenshot(name):
    shell("import", "-window", "root", os.path.join(FOLDER, f"{name}.png"))


def open_dialog(image_window):
    key(image_window, "ctrl+alt+p")
    return wait_for_window("Neural Style$")


def click_cancel(image_window):
    """Clicks the Cancel beside the progress bar of an image window, left of the docks at its right."""
    geometry = shell("xdotool", "getwindowgeometry", "--shell", image_window)
    size = dict(line.split("=") for line in geometry.split())
    click(image_window, int(size["WIDTH"]) - 280, int(size["HEIGHT"]) - 20)


def choose_style(dialog):
    """Chooses the topmost layer of the only open image by the dialog's own chooser."""
    click(dialog, 190, 55)
    chooser = wait_for_window("Choose drawable")
    click(chooser, 60, 50)
    click(chooser, 300, 70)
    click(chooser, 300, 296)
    wait_for(lambda: not window_of("Choose drawable"))
    time.sleep(0.5)


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
