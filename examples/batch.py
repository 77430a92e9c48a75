"""Paints one picture in the style of another, in GIMP 3 or GIMP 2.10 without a window. Change what you like.

Three variables of the environment name the files: CONTENT, STYLE and OUT. README.md shows the commands.
"""

import os

CONTENT, STYLE, OUT = [os.path.abspath(os.environ[name]) for name in ("CONTENT", "STYLE", "OUT")]
SETTINGS = [("strength", 50.0), ("brush-size", 100.0), ("quality", "normal"), ("keep-colours", "off"), ("seed", 0)]
NUMBERS = {"draft": 0, "normal": 1, "fine": 2, "off": 0, "luminance": 1, "palette": 2}  # GIMP 2.10's choices


def with_gimp_2():
    pdb, alone = gimpfu.pdb, gimpfu.RUN_NONINTERACTIVE
    image = pdb.gimp_file_load(CONTENT, CONTENT)
    values = [NUMBERS.get(value, value) for _, value in SETTINGS]
    pdb.python_fu_neural_style(image, image.layers[0], None, STYLE, *values)
    pdb.gimp_file_save(image, image.flatten(), OUT, OUT, run_mode=alone)
    pdb.gimp_image_delete(image)


def with_gimp_3():
    from gi.repository import Gimp, Gio

    alone = Gimp.RunMode.NONINTERACTIVE
    image = Gimp.file_load(alone, Gio.File.new_for_path(CONTENT))
    procedure = Gimp.get_pdb().lookup_procedure("python-fu-neural-style")
    if procedure is None:
        raise RuntimeError("This GIMP does not know Neural Style: run install.py.")
    config = procedure.create_config()
    config.set_property("run-mode", alone)
    config.set_property("image", image)
    config.set_core_object_array("drawables", image.get_layers()[:1])
    config.set_property("style-file", Gio.File.new_for_path(STYLE))
    for name, value in SETTINGS:
        config.set_property(name, value)
    values = procedure.run(config)
    if values.index(0) != Gimp.PDBStatusType.SUCCESS:
        raise RuntimeError(values.index(1))
    image.flatten()
    if not Gimp.file_save(alone, image, Gio.File.new_for_path(OUT), None):
        raise RuntimeError("GIMP could not write " + OUT + ".")
    image.delete()


if not os.path.isfile(CONTENT):
    raise RuntimeError("There is no file " + CONTENT + ": name another CONTENT.")
if not os.path.isdir(os.path.dirname(OUT)):
    raise RuntimeError("There is no folder " + os.path.dirname(OUT) + ": make it, or name another OUT.")
try:
    import gimpfu  # only GIMP 2.10 has it
except ImportError:
    gimpfu = None
(with_gimp_2 if gimpfu else with_gimp_3)()
print("Neural Style: wrote " + OUT)
