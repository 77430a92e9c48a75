# -*- coding: utf-8 -*-
"""What the widgets of gimpfu's dialog take and give (gimpfu.py and gimpui.py of GIMP 2.10.34). Python 2.7.

The test is the artist: it is told what is shown, and answers with what is set.
"""

import math
import traceback
import sys

import _wire
import gimp


class EntryValueError(Exception):
    pass


class Dialog(object):
    def __init__(self, title, blurb, rows, shown):
        import gimpfu

        for text in (title, blurb):
            _text(text)
        made = {gimpfu.PF_INT32: _Whole, gimpfu.PF_FLOAT: _Float, gimpfu.PF_STRING: _Entry, gimpfu.PF_SLIDER: _Slider,
                gimpfu.PF_SPINNER: _Spinner, gimpfu.PF_OPTION: _Combo, gimpfu.PF_FILENAME: _Entry,
                gimpfu.PF_DRAWABLE: _Chooser, gimpfu.PF_LAYER: _Chooser, gimpfu.PF_TOGGLE: _Toggle}
        bounded = (gimpfu.PF_SLIDER, gimpfu.PF_SPINNER, gimpfu.PF_OPTION)
        self._widgets = []
        for row, value in zip(rows, shown):
            _text(row[2])
            extra = (row[4],) if row[0] in bounded else ()
            self._widgets.append((row[1], row[2], made[row[0]](value, *extra)))
        answer = _wire.ask("dialog", rows=[[name, label, widget.shown()] for name, label, widget in self._widgets])
        self.ok = answer is not None
        for name, value in (answer or {}).items():
            found = [widget for other, _, widget in self._widgets if other == name]
            found[0].set(gimp._thing(value))

    def values(self):
        found = []
        for _, label, widget in self._widgets:
            try:
                found.append(widget.get())
            except ValueError:
                raise EntryValueError(label)
        return found

    def warn(self, text):
        _wire.ask("shown", parts=["warning", text])

    def show_error(self, name):
        kind, value, _ = sys.exc_info()
        text = "".join(traceback.format_exception_only(kind, value))
        _wire.ask("shown", parts=["error", "An error occurred running %s" % name, text, traceback.format_exc()])


def _text(value):
    if not isinstance(value, (str, unicode)):
        raise TypeError("a widget's text must be a string, not %s" % type(value).__name__)
    if isinstance(value, str):
        value.decode("utf-8")  # Pango shows nothing else
    return value


class _Entry(object):
    """gtk.Entry, and gimpfu's chooser of a file, which is one with a button."""

    def __init__(self, default):
        self.text = _text(str(default) if default is not None else "")

    def shown(self):
        return self.text

    def set(self, value):
        self.text = _text(value)

    def get(self):
        return self.text


class _Whole(_Entry):
    def get(self):
        return int(self.text)


class _Float(_Entry):
    def get(self):
        return float(self.text)


class _Slider(object):
    """gtk.HScale over a gtk.Adjustment: rounds to the digits of its step."""

    def __init__(self, default, bounds):
        low, high, step = bounds
        self.low, self.high, self.step = float(low), float(high), float(step)
        self.set(default)

    def digits(self):
        return 0 if abs(self.step) >= 1 or self.step == 0 else int(abs(math.floor(math.log10(abs(self.step)))))

    def shown(self):
        return self.value

    def set(self, value):
        self.value = round(min(self.high, max(self.low, float(value))), self.digits())

    def get(self):
        return self.value


class _Spinner(_Slider):
    """gtk.SpinButton: its value is a float, though its parameter is a whole number in the procedure database."""


class _Combo(object):
    def __init__(self, default, items):
        self.items = [_text(item) for item in items]
        if not isinstance(default, int):
            raise TypeError("an integer is required")
        self.index = default

    def shown(self):
        return self.index

    def set(self, value):
        if not 0 <= value < len(self.items):
            raise AssertionError("the combo box has no entry %r" % value)
        self.index = value

    def get(self):
        return self.index


class _Toggle(object):
    def __init__(self, default):
        self.value = bool(default)

    def shown(self):
        return self.value

    def set(self, value):
        self.value = bool(value)

    get = shown


class _Chooser(object):
    """gimpui's chooser over all drawables of all images: there is always one chosen."""

    def __init__(self, default):
        if default is not None and not isinstance(default, gimp.Drawable):
            raise TypeError("a chooser's default must be a drawable")
        self.drawable = default

    def shown(self):
        return self.drawable.name if self.drawable is not None else None

    def set(self, value):
        self.drawable = value

    def get(self):
        if self.drawable is None:
            raise AssertionError("the artist has to be told to choose a drawable")
        return self.drawable
