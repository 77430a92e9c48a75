# -*- coding: utf-8 -*-
"""Starts the engine, talks the protocol with it, and turns what can go wrong into plain sentences.

The engine is another program in another Python. A frame is a 4-byte big-endian header length, a JSON header, and the
raw bytes of the attachments that the header declares. What arrives is checked before memory is taken for it.

Runs under Python 2.7 and 3, standard library only.
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import collections
import io
import json
import os
import struct
import subprocess
import sys
import threading
import time
from collections import namedtuple

from job import SAMPLE_BYTES, VERSION, Picture, PlainError, native, text

try:
    import queue
except ImportError:
    import Queue as queue

_now = getattr(time, "monotonic", time.time)  # Python 2 has no clock that nobody sets

PROTOCOL = 1
LONGEST_HEADER = 1 << 20
LONGEST_SIDE = 65535
READY_SECONDS = 120  # a cold disk and a virus scanner may take most of it
SILENCE_SECONDS = 3600  # one evaluation of a very large picture on a slow machine stays under it
CHUNK = 1 << 20

#: What comes back: the :class:`Picture`, and the engine's account of the run (features, device, evaluations, …).
Painting = namedtuple("Painting", "picture used")

_OURS = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "GI_TYPELIB_PATH",
         "GIO_MODULE_DIR", "GIO_EXTRA_MODULES", "GEGL_PATH", "BABL_PATH", "FONTCONFIG_PATH", "GS_LIB",
         "LIBHEIF_PLUGIN_PATH")
_OUR_PREFIXES = ("CONDA_", "GTK_", "GDK_PIXBUF_", "GIMP2_", "GIMP3_")
_LOADER = ("LD_LIBRARY_PATH", "LD_PRELOAD")
_ONLY_WHERE_GIMPS = ("SSL_CERT_FILE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME",
                     "XDG_DATA_DIRS")


class EngineError(PlainError):
    """The engine can't do its work; ``code`` is the protocol's, or ``"missing"``, ``"start"``, ``"died"``, ``"reply"``."""


def clean_environment(environment):
    """``environment`` without what GIMP set for itself and would mislead another Python."""
    kept = {}
    bundle = environment.get("APPDIR")
    for name, value in environment.items():
        if name in _OURS or name.startswith(_OUR_PREFIXES):
            continue
        # a Snap's programs find the system's own libraries by its loader paths
        if (name in _LOADER or name.startswith("DYLD_")) and "SNAP" not in environment:
            continue
        if name in _ONLY_WHERE_GIMPS and _points_into_gimp(value, bundle):
            continue
        kept[name] = value
    return kept


def _points_into_gimp(value, bundle):
    # Flatpak mounts GIMP at /app; everyone else has its name in the path
    return "gimp" in value.lower() or value.startswith("/app/") or bool(bundle and bundle in value)


def read_installation(folder):
    """``engine.json`` of the plug-in's folder: ``command``, ``directory`` and ``log``."""
    path = os.path.join(folder, str("engine.json"))
    try:
        with io.open(path, encoding="utf-8") as file:
            found = json.load(file)
        command = [part + "" for part in found["command"]]
        return {"command": command, "directory": found.get("directory") or None, "log": found.get("log") or None}
    except (EnvironmentError, ValueError, TypeError, KeyError, AttributeError):
        raise EngineError("Neural Style is not completely installed, since %s can't be read: run install.py again."
                          % text(path), "missing")


def record(folder, message):
    """Append ``message`` to the plug-in's own log beside the engine's; returns its path, or None if that can't be."""
    try:
        log = read_installation(folder)["log"]
        path = os.path.join(os.path.dirname(native(log)), str("plug-in.log"))
        if os.path.isfile(path) and os.path.getsize(path) > 1000000:
            os.remove(path)
        with io.open(path, "a", encoding="utf-8") as file:
            file.write("%s\n%s\n\n" % (time.strftime(str("%Y-%m-%d %H:%M:%S")), message.rstrip()))
        return text(path)
    except (EngineError, EnvironmentError, AttributeError, TypeError):
        return None


class Engine(object):
    """One engine process for as many requests as wanted; started by the first, ended by :meth:`close`.

    ``folder`` is the plug-in's, ``client`` the host's name for the engine's log. Use it in a ``with`` statement.
    Every way in which it fails raises :class:`EngineError`, and the process is gone then.
    """

    def __init__(self, folder, client, ready_seconds=READY_SECONDS):
        self._folder = folder
        self._client = "%s %s" % (client, VERSION)
        self._ready_seconds = ready_seconds
        self._process = None
        self._number = 0
        self._log = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def stylize(self, job, on_progress=None):
        """The :class:`Painting` of ``job`` (a :class:`job.Job`).

        ``on_progress`` is called with each of the engine's progress events, a dictionary.
        """
        if self._process is None:
            self._start()
        self._number += 1
        content, style = job.content, job.style
        self._reader.limit = content.size + LONGEST_HEADER
        try:
            self._send({"type": "stylize", "id": self._number, "settings": job.settings, "preview": False},
                       [("content", content), ("style", style)])
            while True:
                header, attachments = self._event(SILENCE_SECONDS)
                if header.get("type") == "error":
                    raise self._told(header)
                if header.get("id") != self._number:
                    continue
                if header["type"] == "progress" and on_progress is not None:
                    on_progress(header)
                if header["type"] == "result":
                    return Painting(self._checked(attachments, content), header.get("used") or {})
        except EngineError as error:
            if error.code in ("frame", "version", "log", "died", "reply", "silent"):
                self._end()
            raise
        except BaseException:
            self._end()
            raise

    def close(self):
        """Let the engine end, and make it where it does not."""
        if self._process is None:
            return
        self._send({"type": "bye", "id": 0})
        try:
            self._process.stdin.close()
        except EnvironmentError:
            pass  # it has ended already
        until = _now() + 3
        while self._process.poll() is None and _now() < until:
            time.sleep(0.02)
        self._end()

    # ------------------------------------------------------------------------------------------------ the process

    def _start(self):
        found = read_installation(self._folder)
        self._log = found["log"]
        command = [native(part) for part in found["command"]]
        directory = native(found["directory"]) if found["directory"] else None
        options = {"close_fds": os.name != "nt" or sys.version_info[0] >= 3}
        if os.name == "nt":
            import ctypes
            ctypes.windll.kernel32.SetDllDirectoryW(None)  # GIMP's own folder of libraries is inherited otherwise
            options["creationflags"] = 0x08000000  # CREATE_NO_WINDOW
        try:
            self._process = subprocess.Popen(
                command, cwd=directory, env=clean_environment(os.environ), bufsize=-1,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        except (EnvironmentError, ValueError, IndexError) as error:
            raise EngineError("The engine of Neural Style can't be started (%s): run install.py again."
                              % (text(getattr(error, "strerror", None)) or "its command is not usable"), "missing")
        self._said = collections.deque(maxlen=200)
        self._drain = _thread(_drain, self._process.stderr, self._said)
        self._reader = _Reader(self._process.stdout)
        try:
            self._send({"type": "hello", "id": 0, "protocol": PROTOCOL, "client": self._client})
            header, _ = self._event(self._ready_seconds, starting=True)
            if header.get("type") == "error":
                raise self._told(header)
            if header.get("type") != "ready" or header.get("protocol") != PROTOCOL:
                raise EngineError("The plug-in and its engine do not belong together: run install.py again.", "version")
            self._log = header.get("log") or self._log
        except BaseException:
            self._end()
            raise

    def _end(self):
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            try:
                process.kill()
            except EnvironmentError:
                pass  # it ended between the two lines
        process.wait()
        for thread in (self._reader, self._drain):
            thread.join(2)
        for stream in (process.stdin, process.stdout, process.stderr):
            try:
                stream.close()
            except EnvironmentError:
                pass  # unsent bytes of a pipe whose reader has gone

    # --------------------------------------------------------------------------------------------------- frames

    def _send(self, header, pictures=()):
        header = dict(header)
        if pictures:
            header["attachments"] = [{"name": name, "dtype": p.dtype, "height": p.height, "width": p.width,
                                      "channels": p.channels} for name, p in pictures]
        text = json.dumps(header).encode("utf-8")
        stdin = self._process.stdin
        try:
            stdin.write(struct.pack(str(">I"), len(text)))
            stdin.write(text)
            for _, picture in pictures:
                data = memoryview(picture.data)
                for start in range(0, len(data), CHUNK):
                    stdin.write(data[start:start + CHUNK])
            stdin.flush()
        except (EnvironmentError, ValueError):
            pass  # it has ended, and may have said why: the next event tells

    def _event(self, seconds, starting=False):
        until = _now() + seconds
        while True:
            try:
                kind, header, attachments = self._reader.events.get(timeout=0.5)
            except queue.Empty:
                if _now() > until:
                    raise EngineError("The engine of Neural Style has not answered for %d seconds: try again, and run "
                                      "install.py again if it stays silent.%s" % (seconds, self._see_log()), "silent")
                continue
            if kind == "frame":
                return header, attachments
            if kind == "bad":
                raise EngineError("The engine of Neural Style sent something that can't be read (%s): run install.py "
                                  "again.%s" % (header, self._see_log()), "reply")
            raise self._death(starting)

    def _death(self, starting):
        code = None
        until = _now() + 5
        while code is None and _now() < until:
            code = self._process.poll()
            time.sleep(0.02)
        self._drain.join(2)
        record(self._folder, "The engine ended with %r and said:\n%s" % (code, "".join(self._said)))
        if starting:
            sentence = "The engine of Neural Style stopped as it started: run install.py again."
        elif code in (-9, 137):
            sentence = "The engine of Neural Style was stopped from outside, perhaps for want of memory: " \
                       "try a smaller layer or quality Draft."
        else:
            sentence = "The engine of Neural Style stopped in mid-work: try again, or try quality Draft."
        return EngineError(sentence + self._see_log(), "died")

    def _told(self, header):
        words = [header.get("message"), header.get("advice")]
        sentence = " ".join(word.strip() for word in words if word) or "The engine of Neural Style failed."
        code = header.get("code") or "internal"
        return EngineError(sentence + (self._see_log(header.get("log")) if code == "internal" else ""), code)

    def _see_log(self, log=None):
        log = log or self._log
        return " The log is %s." % log if log else ""

    def _checked(self, attachments, content):
        if len(attachments) == 1:
            name, picture = attachments[0]
            if name == "result" and picture[:4] == content[:4]:
                return picture
        raise EngineError("The engine of Neural Style gave back a picture of another size or kind than it was given: "
                          "run install.py again.%s" % self._see_log(), "reply")


def _thread(function, *arguments):
    thread = threading.Thread(target=function, args=arguments)
    thread.daemon = True
    thread.start()
    return thread


def _drain(stream, lines):
    # an unread pipe would fill and stop the engine
    for line in iter(stream.readline, b""):
        lines.append(line.decode("utf-8", "replace"))


class _Reader(threading.Thread):
    """Puts what the engine sends into ``events``: a plain read can't have a time limit on Windows.

    Events are ``("frame", header, attachments)``, ``("bad", reason, None)`` or ``("end", None, None)``.
    """

    def __init__(self, stream):
        threading.Thread.__init__(self)
        self.daemon = True
        self.events = queue.Queue()
        self.limit = LONGEST_HEADER  # bytes of attachments that the present request may be answered with
        self._stream = stream
        self.start()

    def run(self):
        try:
            while True:
                frame = self._frame()
                if frame is None:
                    self.events.put(("end", None, None))
                    return
                self.events.put(("frame",) + frame)
        except EnvironmentError:
            self.events.put(("end", None, None))
        except Exception as error:  # whatever it is, the main thread waits to hear of it
            self.events.put(("bad", "%s" % error or type(error).__name__, None))

    def _frame(self):
        start = self._stream.read(4)
        if len(start) < 4:
            return None
        length = struct.unpack(str(">I"), start)[0]
        if not 2 <= length <= LONGEST_HEADER:
            raise ValueError("a header of %d bytes" % length)
        text = self._stream.read(length)
        if len(text) < length:
            return None
        try:
            header = json.loads(text.decode("utf-8"))
        except ValueError:
            raise ValueError("a header that is not JSON")
        if not isinstance(header, dict) or "type" not in header:
            raise ValueError("a header without a type")
        attachments = [(str(item.get("name")), _shape(item)) for item in _described(header)]
        if sum(shape.size for _, shape in attachments) > self.limit:
            raise ValueError("more pixels than were asked for")
        read = []
        for name, shape in attachments:
            data = self._stream.read(shape.size)
            if len(data) < shape.size:
                return None
            read.append((name, shape._replace(data=data)))
        return header, read


def _described(header):
    found = header.get("attachments") or []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise ValueError("attachments that are not described")
    return found


def _shape(item):
    sides = [item.get("height"), item.get("width"), item.get("channels")]
    if item.get("dtype") not in SAMPLE_BYTES or not all(isinstance(n, int) and 0 < n <= LONGEST_SIDE for n in sides):
        raise ValueError("a picture of no possible size")
    if sides[2] > 4:
        raise ValueError("a picture of %d channels" % sides[2])
    return Picture(sides[0], sides[1], sides[2], item["dtype"], None)
