# -*- coding: utf-8 -*-
"""The double of pygimp's ``gimpfu``, written after what gimpfu.py of GIMP 2.10.34 does. Python 2.7.

A float given where a spinner is asked for is cut to a whole number on its way through the procedure database, a second
run "with last values" without a first one fails with a TypeError, an error behind the dialog never becomes a status:
all that is gimpfu's.
"""

import string as _string
import sys as _sys

import gimp
import gimpcolor
from gimpenums import *  # noqa: F403
from gimpenums import (PDB_CHANNEL, PDB_COLOR, PDB_DISPLAY, PDB_DRAWABLE, PDB_FLOAT, PDB_IMAGE, PDB_INT8, PDB_INT16,
                       PDB_INT32, PDB_ITEM, PDB_LAYER, PDB_STRING, PDB_VECTORS, PLUGIN, RUN_INTERACTIVE,
                       RUN_NONINTERACTIVE, RUN_WITH_LAST_VALS)

pdb = gimp.pdb


class error(RuntimeError):
    pass


class CancelError(RuntimeError):
    pass


PF_INT8, PF_INT16, PF_INT32, PF_FLOAT, PF_STRING = PDB_INT8, PDB_INT16, PDB_INT32, PDB_FLOAT, PDB_STRING
PF_INT, PF_VALUE, PF_COLOR, PF_COLOUR, PF_ITEM = PF_INT32, PF_STRING, PDB_COLOR, PDB_COLOR, PDB_ITEM
PF_DISPLAY, PF_IMAGE, PF_LAYER, PF_CHANNEL = PDB_DISPLAY, PDB_IMAGE, PDB_LAYER, PDB_CHANNEL
PF_DRAWABLE, PF_VECTORS = PDB_DRAWABLE, PDB_VECTORS
(PF_TOGGLE, PF_SLIDER, PF_SPINNER, PF_FONT, PF_FILE, PF_BRUSH, PF_PATTERN, PF_GRADIENT, PF_RADIO, PF_TEXT, PF_PALETTE,
 PF_FILENAME, PF_DIRNAME, PF_OPTION) = range(1000, 1014)
PF_BOOL, PF_ADJUSTMENT = PF_TOGGLE, PF_SPINNER

# PF_ type: (its type in the procedure database, the class of an argument that is taken for it)
_KINDS = {
    PF_INT8: (PDB_INT8, int), PF_INT16: (PDB_INT16, int), PF_INT32: (PDB_INT32, int), PF_FLOAT: (PDB_FLOAT, float),
    PF_STRING: (PDB_STRING, str), PF_COLOR: (PDB_COLOR, gimpcolor.RGB), PF_ITEM: (PDB_ITEM, int),
    PF_DISPLAY: (PDB_DISPLAY, gimp.Display), PF_IMAGE: (PDB_IMAGE, gimp.Image), PF_LAYER: (PDB_LAYER, gimp.Layer),
    PF_CHANNEL: (PDB_CHANNEL, gimp.Channel), PF_DRAWABLE: (PDB_DRAWABLE, gimp.Drawable),
    PF_VECTORS: (PDB_VECTORS, gimp.Vectors), PF_TOGGLE: (PDB_INT32, bool), PF_SLIDER: (PDB_FLOAT, float),
    PF_SPINNER: (PDB_INT32, int), PF_FONT: (PDB_STRING, str), PF_FILE: (PDB_STRING, str), PF_BRUSH: (PDB_STRING, str),
    PF_PATTERN: (PDB_STRING, str), PF_GRADIENT: (PDB_STRING, str), PF_RADIO: (PDB_STRING, str),
    PF_TEXT: (PDB_STRING, str), PF_PALETTE: (PDB_STRING, str), PF_FILENAME: (PDB_STRING, str),
    PF_DIRNAME: (PDB_STRING, str), PF_OPTION: (PDB_INT32, int),
}

_registered = {}


class _Plugin(object):
    pass


def register(proc_name, blurb, help, author, copyright, date, label, imagetypes, params, results, function,
             menu=None, domain=None, on_query=None, on_run=None, run_mode_param=True):
    _check_letters("procedure", proc_name)
    _check_rows("parameter", params, 4)
    _check_rows("result", results, 3)
    if not proc_name.startswith(("python-", "python_", "extension-", "extension_", "plug-in-", "plug_in_", "file-",
                                 "file_")):
        proc_name = "python-fu-" + proc_name
    if menu is None and label:
        raise error("a procedure with a label needs a menu: a path in the label is deprecated since GIMP 2.4")
    plugin = _registered[proc_name] = _Plugin()
    vars(plugin).update(locals())


def _check_letters(what, name):
    allowed = _string.letters + _string.digits + "_-"
    if not all(letter in allowed for letter in name):
        raise error("%s name contains illegal characters" % what)


def _check_rows(what, rows, least):
    for row in rows:
        if len(row) < least:
            raise error("%s definition must contain at least %d elements (%d given: %s)"
                        % (what, least, len(row), row))
        if type(row[0]) is not int:
            raise error("%s types must be integers" % what)
        _check_letters(what, row[1])


def main():
    """To be called after registering."""
    gimp.main(None, None, _query, _run)


def fail(msg):
    """Display an error message and quit."""
    gimp.message(msg)
    raise error(msg)


def _query():
    for name, plugin in _registered.items():
        rows = [(_KINDS[row[0]][0], row[1], _string.replace(row[2], "_", "")) for row in plugin.params]
        if plugin.run_mode_param:
            rows.insert(0, (PDB_INT32, "run-mode", "The run mode { RUN-INTERACTIVE (0), RUN-NONINTERACTIVE (1) }"))
        gimp.install_procedure(name, plugin.blurb, plugin.help, plugin.author, plugin.copyright, plugin.date,
                               plugin.label, plugin.imagetypes, PLUGIN, rows, [])
        if plugin.menu:
            gimp.menu_register(name, plugin.menu)
        if plugin.on_query:
            plugin.on_query()


def _run(name, values):
    plugin, mode = _registered[name], values[0]
    if mode == RUN_NONINTERACTIVE:
        return plugin.function(*values[1:])
    # how many of the arguments came with the call: the first that is not of its parameter's class ends them; the last
    # one's number is taken where all are
    given = 0
    for given in range(1, len(values)):
        if not isinstance(values[given], _KINDS[plugin.params[given - 1][0]][1]):
            break
    if len(plugin.params) > given:
        start = values[:given + 1]
        if mode == RUN_WITH_LAST_VALS:
            values = start + _kept(name)[given:]
        else:
            values = start
    else:
        mode = RUN_NONINTERACTIVE
    if mode == RUN_INTERACTIVE:
        try:
            result = _interact(name, values[1:])
        except CancelError:
            return None
    else:
        result = plugin.function(*values[1:])
    gimp.displays_flush()
    return result


def _kept(name):
    """What was last run with: a tuple; where there is none, the defaults in a list."""
    from gimpshelf import shelf

    key = "python-fu-save--" + name
    return shelf[key] if shelf.has_key(key) else [row[3] for row in _registered[name].params]  # noqa: W601


def _interact(name, start):
    plugin = _registered[name]
    rows = plugin.params[len(start):]

    def run_script(chosen):
        from gimpshelf import shelf

        values = start + tuple(chosen)
        shelf["python-fu-save--" + name] = values
        return plugin.function(*values)

    if not rows:
        return run_script([])
    import _dialog

    shown = _kept(name)[len(start):]
    if plugin.on_run:
        plugin.on_run()
    dialog = _dialog.Dialog(name, plugin.blurb, rows, shown)
    if not dialog.ok:
        raise CancelError
    try:
        chosen = dialog.values()
    except _dialog.EntryValueError as failure:
        dialog.warn("Invalid input for '%s'" % failure)
        raise CancelError
    try:
        return run_script(chosen)
    except CancelError:
        raise
    except Exception:
        # the dialog of the error, then GTK prints the exception, then the artist closes both
        dialog.show_error(name)
        _sys.excepthook(*_sys.exc_info())
        raise CancelError
