# -*- coding: utf-8 -*-
"""GIMP 3: the procedure, and the way of the pixels from a layer to the engine and back on a new layer."""

import os
import sys
import traceback

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from gi.repository import Gegl, Gimp, GLib, GObject  # noqa: E402

import job  # noqa: E402
from engine import Engine, record  # noqa: E402
from gimp3_dialog import ask, missing_style  # noqa: E402
from job import Box, Job, Picture, PlainError  # noqa: E402

PROCEDURE = "python-fu-neural-style"
FOLDER = os.path.dirname(os.path.abspath(__file__))
FORMATS = {1: "Y' float", 2: "Y'A float", 3: "R'G'B' float", 4: "R'G'B'A float"}
TYPES = {1: Gimp.ImageType.GRAY_IMAGE, 2: Gimp.ImageType.GRAYA_IMAGE,
         3: Gimp.ImageType.RGB_IMAGE, 4: Gimp.ImageType.RGBA_IMAGE}
MASK_FORMAT = "Y float"
TAKEN_LETTERS = "chlorsyf"  # by the dialog's own buttons, and by the two labels of the style
KEPT_WITH_UNDO = 3  # a parasite's flags: persistent, undoable


def main():
    # GIMP's Cancel kills the plug-in's process group, so that the engine goes at once with it
    if hasattr(os, "setpgrp"):
        try:
            os.setpgrp()
        except OSError:
            pass  # it leads a session: the engine still ends when its input does
    Gimp.main(NeuralStyle.__gtype__, sys.argv)


class NeuralStyle(Gimp.PlugIn):
    """The plug-in as GIMP sees it."""

    def do_set_i18n(self, _name):
        return False

    def do_query_procedures(self):
        return [PROCEDURE]

    def do_create_procedure(self, name):
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, run, None)
        procedure.set_image_types("RGB*, GRAY*")
        procedure.set_sensitivity_mask(
            Gimp.ProcedureSensitivityMask.DRAWABLE | Gimp.ProcedureSensitivityMask.DRAWABLES)
        procedure.set_menu_label("_Neural Style…")
        procedure.add_menu_path("<Image>/Filters/Artistic")
        procedure.set_documentation(
            "Paint the selected layers in the style of another picture",
            "Paints each selected layer in the style of a layer of any open image, or of a picture file, and puts the "
            "result on a new layer above it. A style file goes before a style layer. The settings are kept with the "
            "result in the parasite \"%s\"." % job.PARASITE, name)
        procedure.set_attribution("Neural Style for GIMP", "Neural Style for GIMP", "2025")
        add_arguments(procedure)
        return procedure


def add_arguments(procedure):
    flags = GObject.ParamFlags.READWRITE
    procedure.add_drawable_argument(
        "style", "St_yle layer", "The layer whose style is painted with, from any open image", True, flags)
    # of any action: with OPEN, GIMP answers a path that is not there with words of its own that nobody understands
    procedure.add_file_argument(
        "style-file", "Style _file", "A picture file whose style is painted with, instead of a layer",
        Gimp.FileChooserAction.ANY, True, None, flags)
    procedure.add_string_aux_argument("last-style", "The style layer of the last run", None, "", flags)
    try:
        parameters = job.read_parameters(FOLDER)
    except PlainError:
        return  # running it says what is missing; without a procedure there would be nothing to say it
    for parameter, label in zip(parameters, mnemonics([p.title for p in parameters], TAKEN_LETTERS)):
        name, text, default = parameter.argument, parameter.help, parameter.default
        if parameter.kind == "choice":
            choice = Gimp.Choice.new()
            for index, (value, shown) in enumerate(parameter.choices):
                choice.add(value, index, shown, "")
            procedure.add_choice_argument(name, label, text, choice, default, flags)
        elif parameter.kind == "int":
            procedure.add_int_argument(name, label, text, parameter.minimum, parameter.maximum, default, flags)
        else:
            procedure.add_double_argument(name, label, text, parameter.minimum, parameter.maximum, default, flags)


def mnemonics(labels, taken):
    """``labels`` with an underline before a letter that is none of ``taken`` and no other label's."""
    taken = set(taken)
    marked = []
    for label in labels:
        at = next((i for i, letter in enumerate(label) if letter.isalpha() and letter.lower() not in taken), None)
        if at is None:
            marked.append(label)
        else:
            taken.add(label[at].lower())
            marked.append(label[:at] + "_" + label[at:])
    return marked


# ---------------------------------------------------------------------------------------------------------- the run

def run(procedure, run_mode, image, drawables, config, _data):
    """What GIMP calls. Every way out has a status that is true, and words where it is not success."""
    try:
        if run_mode != Gimp.RunMode.NONINTERACTIVE:
            recall_style(config)
        layers = [layer_of(drawable) for drawable in drawables]
        if run_mode == Gimp.RunMode.INTERACTIVE and not ask(procedure, config, job.read_parameters(FOLDER), layers):
            return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, GLib.Error())
        paint(image, layers, config)
        remember_style(config)
        return procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, GLib.Error())
    except PlainError as error:
        if error.code == "cancelled":
            return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, GLib.Error())
        wrong_call = error.code == "arguments"
        status = Gimp.PDBStatusType.CALLING_ERROR if wrong_call else Gimp.PDBStatusType.EXECUTION_ERROR
        return failure(procedure, status, error.sentence)
    except Exception:
        # GIMP would show the artist nothing at all
        story = traceback.format_exc()
        log = record(FOLDER, story)
        if log is None:
            print(story, flush=True)
        where = "in %s" % log if log else "in what GIMP prints in a terminal"
        return failure(procedure, Gimp.PDBStatusType.EXECUTION_ERROR,
                       "Neural Style met a fault that it does not know: what happened is %s." % where)


def failure(procedure, status, sentence):
    return procedure.new_return_values(status, GLib.Error.new_literal(Gimp.PlugIn.error_quark(), sentence, 0))


# GIMP 3.0 does not keep a drawable among the last-used values; its id means something only to the GIMP that gave it

def remember_style(config):
    style = config.get_property("style")
    config.set_property("last-style", "%d %d" % (os.getppid(), style.get_id()) if style is not None else "")


def recall_style(config):
    gimp, _, number = (config.get_property("last-style") or "").partition(" ")
    if config.get_property("style") is None and config.get_property("style-file") is None and gimp == str(os.getppid()):
        if Gimp.Item.id_is_drawable(int(number)):
            config.set_property("style", Gimp.Item.get_by_id(int(number)))


def paint(image, layers, config):
    """Paints every layer of ``layers`` and then adds the results to ``image``, all in one undo step."""
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        raise PlainError("Neural Style can't paint in an indexed image: choose Image > Mode > RGB first.")
    parameters = job.read_parameters(FOLDER)
    values = dict((p.argument, config.get_property(p.argument)) for p in parameters)
    settings = job.settings_of(parameters, values)
    file = config.get_property("style-file")
    style = config.get_property("style") if file is None else None
    check(image, layers)
    missing = missing_style(style, file, layers)
    if missing:
        raise PlainError(missing)
    boxes = [working_box(image, layer) for layer in layers]
    style_picture, style_name, style_source = read_style(style, file)

    Gimp.progress_init("Neural Style: starting")
    results, accounts = [], []
    with Engine(FOLDER, "gimp3") as engine:
        for number, (layer, box) in enumerate(zip(layers, boxes), 1):
            still_there(image, layer)
            content, selection = read(layer, box), read_selection(image, layer, box)
            painting = engine.stylize(Job(content, style_picture, settings), progress(number, len(layers)))
            size = layer.get_width(), layer.get_height()
            name = job.layer_name(layer.get_name(), style_name)
            kept = job.parasite_data(settings, style_source, painting.used)
            results.append(Result(layer, size, box, painting.picture, selection, name, kept))
            accounts.append(painting.used)
    note = job.note_of(accounts)
    add(image, results)
    Gimp.progress_update(1.0)
    Gimp.displays_flush()
    if note:
        Gimp.message(note)


def still_there(image, layer):
    """Raises :class:`PlainError` where the artist has removed the layer or closed the image meanwhile."""
    if not image.is_valid() or not layer.is_valid() or layer.get_image() != image:
        raise PlainError("A layer was removed while Neural Style was at work, so that its result has no place: "
                         "run Neural Style again.", "gone")


def progress(number, count):
    def show(event):
        Gimp.progress_set_text(job.progress_text(event, number, count))
        Gimp.progress_update(job.progress_fraction(event, number, count))
    return show


# ----------------------------------------------------------------------------------------------- what is to be done

def check(image, layers):
    """Raises :class:`PlainError` where ``layers`` can't be painted."""
    if not layers:
        raise PlainError("No layer is selected: select the layer to paint, and run Neural Style again.")
    for layer in layers:
        name = layer.get_name()
        if not isinstance(layer, Gimp.Layer):
            raise PlainError("%s is not a layer: select a layer, and run Neural Style again." % name)
        if layer.get_image() != image:
            raise PlainError("The layer %s belongs to another image: give the image that it is in." % name)
        if layer.is_floating_sel():
            raise PlainError("A floating selection can't be painted: anchor it, or make it a layer first.")
        if layer.is_group() and not layer.get_children():
            raise PlainError("The layer group %s is empty: select a layer with a picture." % name)


def layer_of(drawable):
    """A layer mask's layer, and anything else itself: GIMP selects the mask when one has just been added."""
    return Gimp.Layer.from_mask(drawable) if isinstance(drawable, Gimp.LayerMask) else drawable


def working_box(image, layer):
    """The part of ``layer`` that is sent, a :class:`job.Box` in its coordinates."""
    box = job.working_box(layer.get_width(), layer.get_height(), selected_box(image, layer))
    if box is None:
        raise PlainError("The selection does not touch the layer %s: move the selection, or choose Select > None."
                         % layer.get_name())
    return box


def selected_box(image, layer):
    """The selection's bounding box in the coordinates of ``layer``; None where nothing is selected."""
    _, selected, left, top, right, bottom = Gimp.Selection.bounds(image)
    if not selected:
        return None
    _, x, y = layer.get_offsets()
    return Box(left, top, right - left, bottom - top).moved(-x, -y)


def read_style(style, file):
    """The style's picture, its name for a layer's name, and what the parasite tells of it."""
    if style is not None:
        whole = Box(0, 0, style.get_width(), style.get_height())
        return read(style, whole), style.get_name(), style.get_name()
    path = file.get_path() or file.get_uri()
    try:
        image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, file)
    except GLib.Error:
        image = None
    if image is None:
        raise PlainError("The style file %s can't be opened: choose a picture that GIMP can open." % path)
    try:
        image.policy_rotate(False)  # a camera held upright leaves its photo on its side
        visible = Gimp.Layer.new_from_visible(image, image, None)
        whole = Box(0, 0, visible.get_width(), visible.get_height())
        picture = read(visible, whole)
        visible.delete()
    finally:
        image.delete()
    return picture, job.style_file_name(path), path


def rectangle(box):
    return Gegl.Rectangle.new(box.x, box.y, box.width, box.height)


def read(drawable, box):
    """The pixels of ``box`` of any drawable as the artist sees them: grey stays grey, alpha stays."""
    if not any(drawable_filter.get_visible() for drawable_filter in drawable.get_filters()) or drawable.is_group():
        return read_buffer(drawable, box)
    # a buffer is without the layer's filters, which only a copy of it in another image may be merged with
    image = drawable.get_image()
    hidden = Gimp.Image.new_with_precision(image.get_width(), image.get_height(), image.get_base_type(),
                                           image.get_precision())
    try:
        hidden.set_color_profile(image.get_effective_color_profile())
        copy = Gimp.Layer.new_from_drawable(drawable, hidden)
        hidden.insert_layer(copy, None, 0)
        _, x, y = copy.get_offsets()
        copy.merge_filters()
        _, grown_x, grown_y = copy.get_offsets()
        return read_buffer(copy, box.moved(x - grown_x, y - grown_y))
    finally:
        hidden.delete()


def read_buffer(drawable, box):
    channels = (1 if drawable.is_gray() else 3) + (1 if drawable.has_alpha() else 0)
    data = drawable.get_buffer().get(rectangle(box), 1.0, FORMATS[channels], Gegl.AbyssPolicy.CLAMP)
    return Picture(box.height, box.width, channels, "f32", data)


def read_selection(image, layer, box):
    """The selection over ``box`` of ``layer`` as bytes in :data:`MASK_FORMAT`; None where nothing is selected.

    It is read with the pixels, since the artist may select something else while the engine paints.
    """
    if Gimp.Selection.is_empty(image):
        return None
    _, x, y = layer.get_offsets()
    buffer = image.get_selection().get_buffer()
    return buffer.get(rectangle(box.moved(x, y)), 1.0, MASK_FORMAT, Gegl.AbyssPolicy.NONE)


# --------------------------------------------------------------------------------------------------- the new layers

class Result:
    """A painted layer that is not yet in the image."""

    def __init__(self, source, size, box, picture, selection, name, parasite):
        self.source, self.size, self.box = source, size, box
        self.picture, self.selection = picture, selection
        self.name, self.parasite = name, parasite


def add(image, results):
    """Adds every result above its source, in one undo step."""
    for result in results:
        still_there(image, result.source)
    made = [new_layer(image, result) for result in results]
    image.undo_group_start()
    try:
        for result, layer in zip(results, made):
            source = result.source
            image.insert_layer(layer, source.get_parent(), image.get_item_position(source))
            _, x, y = source.get_offsets()
            layer.set_offsets(x, y)
            if result.selection is not None:
                apply_selection(layer, result)
            copy_mask(source, layer)
        image.set_selected_layers(made)
    finally:
        image.undo_group_end()


def new_layer(image, result):
    """A layer that looks as its source does, with the result's pixels; not yet in the image."""
    source, picture = result.source, result.picture
    channels = picture.channels
    if result.selection is not None and channels in (1, 3):
        channels += 1
    mode = source.get_mode()
    if mode == Gimp.LayerMode.PASS_THROUGH:  # groups alone have it
        mode = Gimp.LayerMode.NORMAL
    width, height = result.size
    layer = Gimp.Layer.new(image, result.name, width, height, TYPES[channels], source.get_opacity(), mode)
    layer.set_blend_space(source.get_blend_space())
    layer.set_composite_space(source.get_composite_space())
    layer.set_composite_mode(source.get_composite_mode())
    layer.set_color_tag(source.get_color_tag())
    buffer = layer.get_buffer()
    buffer.set(rectangle(result.box), FORMATS[picture.channels], picture.data)
    buffer.flush()
    layer.update(0, 0, width, height)
    layer.attach_parasite(Gimp.Parasite.new(job.PARASITE, KEPT_WITH_UNDO, result.parasite))
    return layer


def apply_selection(layer, result):
    """Multiplies the layer's alpha by the feathered selection, which GIMP does exactly at every precision."""
    mask = layer.create_mask(Gimp.AddMaskType.BLACK)
    layer.add_mask(mask)
    buffer = mask.get_buffer()
    buffer.set(rectangle(result.box), MASK_FORMAT, result.selection)
    buffer.flush()
    mask.update(0, 0, mask.get_width(), mask.get_height())
    layer.remove_mask(Gimp.MaskApplyMode.APPLY)


def copy_mask(source, layer):
    """Gives ``layer`` the layer mask of ``source``, where it has one."""
    theirs = source.get_mask()
    if theirs is None:
        return
    mask = layer.create_mask(Gimp.AddMaskType.WHITE)
    layer.add_mask(mask)
    whole = Gegl.Rectangle.new(0, 0, mask.get_width(), mask.get_height())
    buffer = mask.get_buffer()
    theirs.get_buffer().copy(whole, Gegl.AbyssPolicy.NONE, buffer, whole)
    buffer.flush()
    mask.update(0, 0, mask.get_width(), mask.get_height())
    layer.set_apply_mask(source.get_apply_mask())
    layer.set_show_mask(source.get_show_mask())
    layer.set_edit_mask(False)
