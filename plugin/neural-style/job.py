# -*- coding: utf-8 -*-
"""What is to be stylised, for every host alike: pictures, boxes, settings, and the words shown to the artist.

Nothing here knows GIMP. Both hosts go the same way: :func:`read_parameters` makes the arguments, :func:`working_box`
says which part of a layer is sent, a :class:`Job` goes to the engine, and :func:`layer_name` and :func:`parasite_data`
dress the result. A feathered selection needs no pixel arithmetic here: both GIMPs make a layer mask of the selection
and apply it to the new layer's alpha themselves, at every precision and in C.

Runs under Python 2.7 and 3, standard library only. All text is unicode.
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import io
import json
import os
import sys
from collections import namedtuple

VERSION = "0.1.0"
PARASITE = "neural-style"
MARGIN = 32  # pixels around a selection's box that are computed too, so that its edge has surroundings to match
LEAST_SIDE = 64  # a smaller box is grown to this where the layer allows it: a few pixels hold no style

SAMPLE_BYTES = {"u8": 1, "u16": 2, "f32": 4}

try:
    _NUMBERS = (int, long, float)
except NameError:
    _NUMBERS = (int, float)


def text(value):
    """``value`` as text: Python 2's paths and layer names are bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def native(path):
    """A path as this Python's own functions want it: Python 2's are bytes in the system's encoding."""
    if sys.version_info[0] >= 3 or isinstance(path, bytes):
        return path
    encoding = sys.getfilesystemencoding() or "utf-8"
    return path.encode("utf-8" if encoding.lower() in ("ascii", "ansi_x3.4-1968") else encoding, "replace")


class PlainError(Exception):
    """Something the artist can be told. ``sentence`` (text) says in plain words what was wrong and what to do.

    ``code`` tells kinds apart: ``"arguments"`` for a call that can't be carried out as it was made, else the engine's.
    """

    def __init__(self, sentence, code="arguments"):
        Exception.__init__(self, sentence)
        self.sentence = sentence
        self.code = code


class Picture(namedtuple("Picture", "height width channels dtype data")):
    """Pixels, row by row, channels interleaved: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA; sRGB.

    ``dtype`` is ``"u8"``, ``"u16"`` or ``"f32"`` (0 to 1); ``data`` is bytes, little-endian.
    """

    __slots__ = ()

    @property
    def size(self):
        """How many bytes ``data`` must have."""
        return self.height * self.width * self.channels * SAMPLE_BYTES[self.dtype]


#: One request to the engine: two :class:`Picture` and the settings as the protocol wants them.
Job = namedtuple("Job", "content style settings")


class Box(namedtuple("Box", "x y width height")):
    """A rectangle of whole pixels."""

    __slots__ = ()

    def moved(self, dx, dy):
        return Box(self.x + dx, self.y + dy, self.width, self.height)

    def meet(self, other):
        """What both have in common, or None."""
        left, top = max(self.x, other.x), max(self.y, other.y)
        right = min(self.x + self.width, other.x + other.width)
        bottom = min(self.y + self.height, other.y + other.height)
        return Box(left, top, right - left, bottom - top) if right > left and bottom > top else None


def working_box(width, height, selection=None):
    """The part of a layer of ``width`` × ``height`` that is sent to the engine.

    ``selection``: the selection's bounding :class:`Box` in the layer's own coordinates, or None where nothing is
    selected: then it is the whole layer. None is returned where the selection does not touch the layer.
    """
    layer = Box(0, 0, width, height)
    if selection is None:
        return layer
    selected = selection.meet(layer)
    if selected is None:
        return None
    left, across = _grown(selected.x, selected.width, width)
    top, down = _grown(selected.y, selected.height, height)
    return Box(left, top, across, down)


def _grown(start, length, limit):
    low, high = max(0, start - MARGIN), min(limit, start + length + MARGIN)
    low = max(0, min(low, high - LEAST_SIDE))
    high = min(limit, max(high, low + LEAST_SIDE))
    return low, high - low


# ---------------------------------------------------------------------------------------------------- parameters

class Parameter(namedtuple("Parameter", "name kind default label help minimum maximum unit choices")):
    """One of the artist's parameters, as ``parameters.json`` describes it.

    ``kind`` is ``"float"``, ``"int"`` or ``"choice"``; ``choices`` is a list of ``(value, label)`` or None.
    """

    __slots__ = ()

    @property
    def argument(self):
        """Its name in the procedure database."""
        return self.name.replace("_", "-")

    @property
    def title(self):
        """What a dialog calls it, with its unit."""
        return "%s (%s)" % (self.label, self.unit) if self.unit else self.label

    def setting(self, value):
        """A host's value as the protocol's: a choice may come as its index, a whole number as a float."""
        if self.kind == "choice":
            if isinstance(value, _NUMBERS):
                if not 0 <= int(value) < len(self.choices):
                    raise PlainError("%s is %d; it must be from 0 to %d." % (self.label, value, len(self.choices) - 1))
                return self.choices[int(value)][0]
            return self.default if value is None else value
        if not self.minimum <= value <= self.maximum:  # nor is a float that is no number
            raise PlainError("%s is %g; it must be from %g to %g." % (self.label, value, self.minimum, self.maximum))
        return int(value) if self.kind == "int" else float(value)


def read_parameters(folder):
    """The artist's parameters in order, from ``parameters.json`` in the plug-in's folder."""
    path = os.path.join(folder, str("parameters.json"))
    try:
        with io.open(path, encoding="utf-8") as file:
            rows = json.load(file)
        parameters = []
        for row in rows:
            values = dict((field, row.get(field)) for field in Parameter._fields)
            if values["choices"] is not None:
                values["choices"] = [(value, label) for value, label in values["choices"]]
            parameters.append(Parameter(**values))
        return parameters
    except (EnvironmentError, ValueError, TypeError, AttributeError):
        raise PlainError("Neural Style is not completely installed, since %s can't be read: run install.py again."
                         % text(path), "installation")


def settings_of(parameters, values):
    """The settings of a request: ``values`` is {argument name: the host's value}; what it lacks keeps its default."""
    return dict((p.name, p.setting(values.get(p.argument, p.default))) for p in parameters)


# --------------------------------------------------------------------------------------------- words and the result

def layer_name(layer, style):
    """The name of a result layer."""
    return "%s · %s" % (layer, style)


def style_file_name(path):
    """What a style file is called in a layer's name."""
    return text(os.path.splitext(os.path.basename(path))[0])


def parasite_data(settings, style, used):
    """What a result layer keeps, as bytes: with it a run can be repeated exactly.

    ``style`` is the style's layer name or file path, ``used`` is the engine's own account of the run.
    """
    kept = {"settings": settings, "style": style, "used": used}
    # with letters beyond ASCII escaped: GIMP 3's Python takes no byte above 127 for a parasite
    return json.dumps(kept, sort_keys=True).encode("ascii")


def note_of(accounts):
    """What the artist is to read after a run, from the engine's ``accounts`` of it, one a layer; empty where all went
    as usual."""
    notes = []
    for used in accounts:
        if used.get("note") and used["note"] not in notes:
            notes.append(used["note"])
    return " ".join(notes)


def progress_text(event, number=1, count=1):
    """The line for the progress bar from the engine's progress ``event``, for layer ``number`` of ``count``."""
    words = ["layer %d of %d" % (number, count)] if count > 1 else []
    stage = event.get("stage") or "painting"
    size = event.get("size")
    # before and after it, a scale's size says nothing
    painting = stage == "painting" and event.get("steps") and event.get("step")
    words.append("%s %d × %d" % (stage, size[1], size[0]) if size and painting else stage)
    if painting:
        words.append("%d of %d" % (event["step"], event["steps"]))
    left = time_left(event.get("seconds_left"))
    if left:
        words.append(left)
    if event.get("features"):
        words.append("%s features" % event["features"])
    return "Neural Style: " + ", ".join(words)


def time_left(seconds):
    """``seconds`` in an artist's words; empty where it is not known."""
    if seconds is None or seconds < 0:
        return ""
    if seconds < 90:
        return "about %d s left" % max(1, round(seconds))
    if seconds < 90 * 60:
        return "about %d min left" % round(seconds / 60)
    return "about %d h left" % round(seconds / 3600)


def progress_fraction(event, number=1, count=1):
    """How much of the whole run is done, 0 to 1."""
    fraction = min(1.0, max(0.0, float(event.get("fraction") or 0.0)))
    return (number - 1 + fraction) / count
