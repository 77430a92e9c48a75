# -*- coding: utf-8 -*-
"""GIMP 2.10: the procedure through gimpfu, and the way of the pixels from a layer to the engine and back on a new layer.

gimpfu takes and gives byte strings in UTF-8; :func:`told` and :func:`job.text` are the two ways across.
Runs under GIMP's Python 2.7. Nothing here can run without GIMP, everything else is in ``job`` and ``engine``.
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import os
import sys
import traceback

from gimpfu import *  # noqa: F403 - the way every gimpfu plug-in starts
import gimp
import gimpfu

import job
from engine import Engine, record
from job import Box, Job, Picture, PlainError

PROCEDURE = "python-fu-neural-style"
FOLDER = os.path.dirname(os.path.abspath(__file__))
TYPES = {1: GRAY_IMAGE, 2: GRAYA_IMAGE, 3: RGB_IMAGE, 4: RGBA_IMAGE}
KEPT_WITH_UNDO = PARASITE_PERSISTENT | PARASITE_UNDOABLE

_dialog_shown = []  # gimpfu tells its function no run mode; it calls on_run for the interactive one alone


def main():
    # GIMP's Cancel kills the plug-in's process group, so that the engine goes at once with it
    if hasattr(os, "setpgrp"):
        try:
            os.setpgrp()
        except OSError:
            pass  # it leads a session: the engine still ends when its input does
    sys.excepthook = quiet_about_what_was_told
    register(
        told(PROCEDURE),
        told("Paint the layer in the style of another picture"),
        told("Paints the layer in the style of a layer of any open image, or of a picture file, and puts the result on "
             "a new layer above it. A linked layer is painted together with all layers linked to it. A style file goes "
             "before a style layer. The settings are kept with the result in the parasite \"%s\"." % job.PARASITE),
        told("Neural Style for GIMP"), told("Neural Style for GIMP"), told("2025"),
        told("_Neural Style…"), told("RGB*, GRAY*"),
        arguments(), [], run,
        menu=told("<Image>/Filters/Artistic"), on_run=lambda: _dialog_shown.append(True))
    gimpfu.main()


def told(text):
    """``text`` as gimpfu wants it."""
    return text.encode("utf-8")


# ----------------------------------------------------------------------------------------------------- the arguments

def arguments():
    """The procedure's arguments after the run mode, as gimpfu describes them."""
    rows = [(PF_IMAGE, "image", "Image", None),
            (PF_DRAWABLE, "drawable", "Layer to paint", None),
            (PF_DRAWABLE, "style", "St_yle layer", None),
            (PF_FILENAME, "style-file", "Style _file (instead of the layer)", b"")]
    try:
        rows += [argument(parameter) for parameter in job.read_parameters(FOLDER)]
    except PlainError:
        pass  # running it says what is missing; without a procedure there would be nothing to say it
    return [(row[0], told(row[1]), told(row[2])) + row[3:] for row in rows]


def argument(parameter):
    """One of gimpfu's tuples for a :class:`job.Parameter`.

    A spinner is a whole number in the procedure database, whatever its step, so that a float has to be a slider. A
    spinner holds even a seed's range and can't be left with something that is no number, as gimpfu's PF_INT can.
    """
    name, title, default = parameter.argument, parameter.title, parameter.default
    if parameter.kind == "choice":
        values = [value for value, _ in parameter.choices]
        return PF_OPTION, name, title, values.index(default), [told(label) for _, label in parameter.choices]
    bounds = (parameter.minimum, parameter.maximum, 1)
    if parameter.kind == "int":
        return PF_SPINNER, name, title, default, bounds
    return PF_SLIDER, name, title, float(default), bounds


# ----------------------------------------------------------------------------------------------------------- the run

def run(image, drawable, style, style_file, *values):
    """What gimpfu calls. Where it fails the artist reads one sentence, and the status is an error.

    The one exception is gimpfu's own: after its dialog, GIMP never gets to see an error. CancelError closes it.
    """
    try:
        paint(image, drawable, style, style_file, values)
    except PlainError as failure:
        sentence = failure.sentence
    except Exception:
        story = traceback.format_exc().decode("utf-8", "replace")
        log = record(FOLDER, story)
        if log is None:
            sys.stderr.write(told(story))
        where = "in %s" % log if log else "in what GIMP prints in a terminal"
        sentence = "Neural Style met a fault that it does not know: what happened is %s." % where
    else:
        return
    gimp.message(told(sentence))
    raise CancelError() if _dialog_shown else gimpfu.error(told(sentence))


def quiet_about_what_was_told(kind, value, trace):
    # gimpfu prints what ends a procedure with its traceback; the artist has read the sentence already
    if not issubclass(kind, gimpfu.error):
        sys.__excepthook__(kind, value, trace)


def paint(image, drawable, style, style_file, values):
    """Paints the layer, or all that are linked where it is, and then adds the results, all in one undo step."""
    # GIMP shows a dialog of its own for every call that fails, unless it is told that the plug-in sees to it
    pdb.gimp_plugin_set_pdb_error_handler(PDB_ERROR_HANDLER_PLUGIN)
    if image is None or image.base_type == INDEXED:
        raise PlainError("Neural Style can't paint in an indexed image: choose Image > Mode > RGB first.")
    parameters = job.read_parameters(FOLDER)
    given = dict(zip((p.argument for p in parameters), values))
    settings = job.settings_of(parameters, given)
    layers = to_paint(image, drawable)
    style_picture, style_name, style_source = read_style(layers, style, style_file)
    boxes = [working_box(image, layer) for layer in layers]
    selections = [read_selection(image, layer, box) for layer, box in zip(layers, boxes)]

    gimp.progress_init(b"Neural Style: starting")
    results, accounts = [], []
    with Engine(FOLDER, "gimp2") as engine:
        for number, (layer, box, selection) in enumerate(zip(layers, boxes, selections), 1):
            content = read(layer, box)
            name = job.layer_name(job.text(layer.name), style_name)
            size = layer.width, layer.height
            painting = engine.stylize(Job(content, style_picture, settings), progress(number, len(layers)))
            kept = job.parasite_data(settings, style_source, painting.used)
            results.append(Result(layer, size, box, painting.picture, selection, name, kept))
            accounts.append(painting.used)
    note = job.note_of(accounts)
    add(image, results)
    gimp.progress_update(1.0)
    if note:
        gimp.message(told(note))


def progress(number, count):
    def show(event):
        pdb.gimp_progress_set_text(told(job.progress_text(event, number, count)))
        gimp.progress_update(job.progress_fraction(event, number, count))
    return show


# ------------------------------------------------------------------------------------------------ what is to be done

def to_paint(image, drawable):
    """The layers to paint, top to bottom: ``drawable``, and where it is linked, all linked layers of ``image``."""
    if drawable is None:
        raise PlainError("No layer is selected: select the layer to paint, and run Neural Style again.")
    name = job.text(drawable.name)
    if drawable.is_layer_mask:
        raise PlainError("A layer mask is selected (%s): click the layer's picture in the Layers dialog, and run "
                         "Neural Style again." % name)
    if not isinstance(drawable, gimp.Layer):
        raise PlainError("%s is not a layer: select a layer, and run Neural Style again." % name)
    if drawable.image != image:
        raise PlainError("The layer %s belongs to another image: give the image that it is in." % name)
    if image.floating_selection is not None:
        raise PlainError("A floating selection can't be painted: anchor it, or make it a layer first.")
    if not drawable.linked:
        layers = [drawable]
    else:
        layers = [layer for layer in all_layers(image.layers) if layer.linked]
    for layer in layers:
        check(layer)
    return layers


def all_layers(layers):
    for layer in layers:
        yield layer
        for child in all_layers(layer.children):
            yield child


def check(layer):
    if isinstance(layer, gimp.GroupLayer) and not layer.children:
        raise PlainError("The layer group %s is empty: select a layer with a picture." % job.text(layer.name))
    group = layer.parent
    while group is not None:
        if pdb.gimp_item_get_lock_content(group):
            raise PlainError("The layer group %s is locked: unlock it in the Layers dialog, and run Neural Style again."
                             % job.text(group.name))
        group = group.parent


def working_box(image, layer):
    """The part of ``layer`` that is sent, a :class:`job.Box` in its coordinates."""
    selected, left, top, right, bottom = pdb.gimp_selection_bounds(image)
    x, y = layer.offsets
    selection = Box(left, top, right - left, bottom - top).moved(-x, -y) if selected else None
    box = job.working_box(layer.width, layer.height, selection)
    if box is None:
        raise PlainError("The selection does not touch the layer %s: move the selection, or choose Select > None."
                         % job.text(layer.name))
    return box


def read_style(layers, style, path):
    """The style's picture, its name for a layer's name, and what the parasite tells of it.

    gimpfu's chooser of a layer can't be left empty, so that a style file goes before it.
    """
    if not path:
        if style is None:
            raise PlainError("No style is chosen: choose a style layer or a style file.")
        name = job.text(style.name)
        for layer in layers:
            if style == layer:
                raise PlainError("The style is the layer %s itself: choose another layer as the style." % name)
        return read_any(style), name, name
    try:
        image = pdb.gimp_file_load(path, path)
    except RuntimeError:
        image = None
    if image is None:
        raise PlainError("The style file %s can't be opened: choose a picture that GIMP can open." % job.text(path))
    try:
        visible = pdb.gimp_layer_new_from_visible(image, image, b"style")
        picture = read_any(visible)
        gimp.delete(visible)
    finally:
        gimp.delete(image)
    return picture, job.style_file_name(path), job.text(path)


# -------------------------------------------------------------------------------------------------------- the pixels

def read_any(drawable):
    """All of any drawable as a :class:`job.Picture`; an indexed one as the colours that it shows."""
    if drawable.is_indexed:
        image = gimp.Image(drawable.width, drawable.height, RGB)
        try:
            copy = pdb.gimp_layer_new_from_drawable(drawable, image)
            image.add_layer(copy, 0)
            return read(copy, Box(0, 0, copy.width, copy.height))
        finally:
            gimp.delete(image)
    return read(drawable, Box(0, 0, drawable.width, drawable.height))


def read(drawable, box):
    """The pixels of ``box`` as a :class:`job.Picture`: 8 bits whatever the image's precision; grey and alpha stay.

    That is so as long as nobody here asks for an image's precision: from then on GIMP gives them as it has them.
    """
    return Picture(box.height, box.width, drawable.bpp, "u8", region_bytes(drawable, box))


def region_bytes(drawable, box):
    region = drawable.get_pixel_rgn(box.x, box.y, box.width, box.height, False, False)
    return region[box.x:box.x + box.width, box.y:box.y + box.height]


def write(drawable, box, data):
    """Puts ``data`` into ``box`` of a drawable that is not yet in an image: such pixels need no undo."""
    region = drawable.get_pixel_rgn(box.x, box.y, box.width, box.height, True, False)
    region[box.x:box.x + box.width, box.y:box.y + box.height] = data
    drawable.flush()


def read_selection(image, layer, box):
    """The selection over ``box`` of ``layer``, a byte for each pixel; None where nothing is selected.

    It is read before the engine starts, since the artist may select something else while it paints.
    """
    if pdb.gimp_selection_is_empty(image):
        return None
    x, y = layer.offsets
    wanted = box.moved(x, y)
    seen = wanted.meet(Box(0, 0, image.width, image.height))
    pixels, selection = bytearray(box.width * box.height), bytearray(region_bytes(image.selection, seen))
    for row in range(seen.height):
        start = (seen.y - wanted.y + row) * box.width + seen.x - wanted.x
        pixels[start:start + seen.width] = selection[row * seen.width:(row + 1) * seen.width]
    return bytes(pixels)


def with_alpha(picture):
    """``picture`` with an opaque alpha channel, where it has none."""
    if picture.channels in (2, 4):
        return picture
    colours, channels = picture.channels, picture.channels + 1
    source, pixels = bytearray(picture.data), bytearray(b"\xff") * (picture.height * picture.width * channels)
    for channel in range(colours):
        pixels[channel::channels] = source[channel::colours]
    return picture._replace(channels=channels, data=bytes(pixels))


# ---------------------------------------------------------------------------------------------------- the new layers

class Result(object):
    """A painted layer that is not yet in the image."""

    def __init__(self, source, size, box, picture, selection, name, parasite):
        self.source, self.size, self.box = source, size, box
        self.picture, self.selection = picture, selection
        self.name, self.parasite = name, parasite


def add(image, results):
    """Adds every result above its source, in one undo step."""
    if not pdb.gimp_image_is_valid(image) or not all(still_there(image, result.source) for result in results):
        raise PlainError("The layer was removed while it was being painted, so that the result has no place: "
                         "run Neural Style again.", "gone")
    made = [new_layer(image, result) for result in results]
    image.undo_group_start()
    try:
        for result, (layer, selection_mask, mask) in zip(results, made):
            source = result.source
            position = pdb.gimp_image_get_item_position(image, source)
            pdb.gimp_image_insert_layer(image, layer, source.parent, position)
            layer.set_offsets(*source.offsets)
            if selection_mask is not None:
                layer.add_mask(selection_mask)
                layer.remove_mask(MASK_APPLY)
            if mask is not None:
                layer.add_mask(mask)
                layer.apply_mask, layer.show_mask = source.apply_mask, source.show_mask
                layer.edit_mask = False
    finally:
        image.undo_group_end()


def still_there(image, layer):
    return pdb.gimp_item_is_valid(layer) and layer.image == image


def new_layer(image, result):
    """A layer that looks as its source does, with the result's pixels; its selection's mask; a copy of its own mask."""
    source, picture = result.source, result.picture
    if result.selection is not None:
        picture = with_alpha(picture)
    mode = source.mode
    if mode == LAYER_MODE_PASS_THROUGH:  # groups alone have it
        mode = LAYER_MODE_NORMAL
    width, height = result.size
    layer = gimp.Layer(image, told(result.name), width, height, TYPES[picture.channels], source.opacity, mode)
    pdb.gimp_layer_set_blend_space(layer, pdb.gimp_layer_get_blend_space(source))
    pdb.gimp_layer_set_composite_space(layer, pdb.gimp_layer_get_composite_space(source))
    pdb.gimp_layer_set_composite_mode(layer, pdb.gimp_layer_get_composite_mode(source))
    pdb.gimp_item_set_color_tag(layer, pdb.gimp_item_get_color_tag(source))
    layer.fill(FILL_TRANSPARENT)
    write(layer, result.box, picture.data)
    # the drawable's own attach_new_parasite adds a byte
    layer.parasite_attach(gimp.Parasite(told(job.PARASITE), KEPT_WITH_UNDO, result.parasite))
    selection_mask = mask = None
    if result.selection is not None:
        selection_mask = layer.create_mask(ADD_MASK_BLACK)
        write(selection_mask, result.box, result.selection)
    if source.mask is not None:
        mask = layer.create_mask(ADD_MASK_WHITE)
        pdb.gimp_channel_combine_masks(mask, source.mask, CHANNEL_OP_REPLACE, 0, 0)
    return layer, selection_mask, mask
