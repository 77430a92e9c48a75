"""Paints one picture in the style of another, in GIMP 3 or GIMP 2.10 without a window. Change what you like.

Three variables of the environment name the files: CONTENT, STYLE and OUT. README.md shows the commands.
"""

import os
import sys

SETTINGS = [
    ("strength", 50.0),
    ("brush-size", 100.0),
    ("quality", "normal"),
    ("keep-colours", "off"),
    ("seed", 0),
]
NUMBERS = {"draft": 0, "normal": 1, "fine": 2, "off": 0, "luminance": 1, "palette": 2}  # GIMP 2.10's choices
# endings of OUT whose files keep transparency; the others get GIMP's background colour there
WITH_ALPHA = (".png", ".tif", ".tiff", ".webp", ".xcf", ".psd", ".tga", ".exr", ".avif", ".heif", ".heic", ".jxl")


def fail(sentence):
    sys.tracebacklimit = 0  # the sentence says it, and GIMP's exit code needs the exception
    raise RuntimeError(sentence)


def tried(sentence, call, *arguments, **options):
    """What ``call`` gives; where GIMP refuses, ``sentence`` ends the script."""
    try:
        return call(*arguments, **options)
    except RuntimeError:  # GIMP 3's GLib.Error is one
        pass
    fail(sentence)


def with_gimp_2():
    pdb, alone = gimpfu.pdb, gimpfu.RUN_NONINTERACTIVE
    procedure = tried(UNKNOWN, getattr, pdb, "python_fu_neural_style")
    image = tried(NO_PICTURE, pdb.gimp_file_load, CONTENT, CONTENT)
    try:
        source, values = whole_in_gimp_2(image), dict(SETTINGS)
        for _, name, _ in procedure.params[5:]:  # after run mode, image, layer, style layer and style file
            if name not in values:
                fail("GIMP 2.10 has to be told every setting: add " + name + " to SETTINGS.")
        settings = [NUMBERS.get(values[name], values[name]) for _, name, _ in procedure.params[5:]]
        tried("Nothing was painted: see what Neural Style said.", procedure, image, source, None, STYLE, *settings)
        if pdb.gimp_selection_is_empty(image):
            image.remove_layer(source)  # it would show through where the result is half transparent
        if OUT.lower().endswith(WITH_ALPHA) and any(layer.has_alpha for layer in image.layers):
            result = pdb.gimp_image_merge_visible_layers(image, gimpfu.CLIP_TO_IMAGE)
            pdb.gimp_layer_resize_to_image_size(result)
        else:
            result = image.flatten()
        tried(NOT_WRITTEN, pdb.gimp_file_save, image, result, OUT, OUT, run_mode=alone)
    finally:
        pdb.gimp_image_delete(image)


def whole_in_gimp_2(image):
    """The layer to paint: all that is seen, since one of several layers painted alone would leave a patchwork."""
    pdb, layers = gimpfu.pdb, image.layers
    if image.base_type == gimpfu.INDEXED:
        pdb.gimp_image_convert_rgb(image)
    if len(layers) == 1:
        return layers[0]
    whole = pdb.gimp_layer_new_from_visible(image, image, "picture")
    image.add_layer(whole, 0)
    for layer in layers:
        image.remove_layer(layer)
    return whole


def with_gimp_3():
    from gi.repository import Gimp, Gio

    alone = Gimp.RunMode.NONINTERACTIVE
    procedure = Gimp.get_pdb().lookup_procedure("python-fu-neural-style") or fail(UNKNOWN)
    image = tried(NO_PICTURE, Gimp.file_load, alone, Gio.File.new_for_path(CONTENT)) or fail(NO_PICTURE)
    try:
        source = whole_in_gimp_3(image)
        config = procedure.create_config()
        config.set_property("run-mode", alone)
        config.set_property("image", image)
        config.set_core_object_array("drawables", [source])
        config.set_property("style-file", Gio.File.new_for_path(STYLE))
        for name, value in SETTINGS:
            config.set_property(name, value)
        values = procedure.run(config)
        if values.index(0) != Gimp.PDBStatusType.SUCCESS:
            fail(values.index(1))
        if Gimp.Selection.is_empty(image):
            image.remove_layer(source)  # it would show through where the result is half transparent
        if OUT.lower().endswith(WITH_ALPHA) and any(layer.has_alpha() for layer in image.get_layers()):
            image.merge_visible_layers(Gimp.MergeType.CLIP_TO_IMAGE).resize_to_image_size()
        else:
            image.flatten()
        tried(NOT_WRITTEN, Gimp.file_save, alone, image, Gio.File.new_for_path(OUT), None) or fail(NOT_WRITTEN)
    finally:
        image.delete()


def whole_in_gimp_3(image):
    """The layer to paint: all that is seen, since one of several layers painted alone would leave a patchwork."""
    from gi.repository import Gimp

    image.policy_rotate(False)  # a camera held upright leaves its photo on its side; GIMP 2.10 turns it by itself
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        image.convert_rgb()
    layers = image.get_layers()
    if len(layers) == 1:
        return layers[0]
    whole = Gimp.Layer.new_from_visible(image, image, "picture")
    image.insert_layer(whole, None, 0)
    for layer in layers:
        image.remove_layer(layer)
    return whole


for name in ("CONTENT", "STYLE", "OUT"):
    if not os.environ.get(name):
        fail("The variable " + name + " is not set: it has to name a file, as README.md shows.")
CONTENT, STYLE, OUT = [os.path.abspath(os.environ[name]) for name in ("CONTENT", "STYLE", "OUT")]
UNKNOWN = "This GIMP does not know Neural Style: run install.py."
NO_PICTURE = "GIMP can't open " + CONTENT + " as a picture: name another CONTENT."
NOT_WRITTEN = "GIMP could not write " + OUT + ": name another OUT, ending like a kind of picture, where there is room."
for name, path in (("CONTENT", CONTENT), ("STYLE", STYLE)):
    if not os.path.isfile(path):
        fail("There is no file " + path + ": name another " + name + ".")
if not os.path.isdir(os.path.dirname(OUT)):
    fail("There is no folder " + os.path.dirname(OUT) + ": make it, or name another OUT.")
if os.path.isdir(OUT):
    fail("OUT is a folder, " + OUT + ": name a file in it.")
if not os.path.splitext(OUT)[1]:
    fail("OUT has no ending, " + OUT + ": let it end like a kind of picture, such as .png or .jpg.")
try:
    import gimpfu  # only GIMP 2.10 has it
except ImportError:
    gimpfu = None
(with_gimp_2 if gimpfu else with_gimp_3)()
print("Neural Style: wrote " + OUT)
