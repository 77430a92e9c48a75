"""Whatever goes wrong: one plain sentence, a true status, an untouched image. In GIMP 3's console."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from nst_core.weights import imagenet

LIAR = Path(__file__).with_name("liar.py")
NOTE = "Memory ran short, so it was painted in tiles, which takes longer."

SCENE = """
image = new_image(61, 47)
content = add_layer(image, "Content", drawn[0])
tiny = add_layer(image, "Tiny", drawn[1])
style = add_layer(image, "Style", drawn[2])
image.clean_all()
before, images = state(image), len(Gimp.get_images())
"""
AFTER = """
result = {"called": called, "same": state(image) == before, "dirty": image.is_dirty(),
          "images": len(Gimp.get_images()) - images, "engines": engines()}
image.delete()
"""


def failing(studio, code, side=(47, 61), **values):
    """Runs ``code``, which sets ``called``, on a fresh image; checks what every failure owes; [status, sentence]."""
    drawn = [studio.drawn(*side, 3), studio.drawn(1, 1, 3, 1), studio.drawn(40, 53, 3, 2)]
    told = studio.do(SCENE + code + AFTER, drawn=drawn, **values)
    status, sentence = told["called"]
    assert status in ("execution-error", "calling-error")
    assert told["same"] and not told["dirty"] and told["images"] == 0
    assert told["engines"] == []
    assert sentence.endswith(".") or "log is" in sentence
    assert "\n" not in sentence and "Traceback" not in sentence and "Error" not in sentence
    return status, sentence


def lying(studio, lie):
    """The plug-in with an engine that breaks the protocol."""
    script = studio.gimp.folder / "liar.py"
    script.write_text(LIAR.read_text(encoding="utf-8"), encoding="utf-8")
    return studio.engine(lambda _: [sys.executable, str(script), lie])


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        ("called = call(image, [content])", "calling-error", "No style is chosen"),
        ("called = call(image, [], style=style)", "calling-error", "No layer is selected"),
        ("called = call(image, [content], style=content)", "calling-error", "Content itself"),
        ("called = call(image, [content], style=tiny, quality='draft')", "execution-error", "style is 1×1 pixels"),
        ("called = call(image, [tiny], style=style, quality='draft')", "execution-error", "content is 1×1 pixels"),
        (
            "called = call(image, [content], style_file=Gio.File.new_for_path('/nowhere/Bild.png'))",
            "calling-error", "/nowhere/Bild.png can't be opened",
        ),
        (
            "called = call(image, [content], style_file=Gio.File.new_for_path(save('x.png', b'no picture')))",
            "calling-error", "x.png can't be opened",
        ),
        (
            "channel = Gimp.Channel.new(image, 'Alpha 1', 61, 47, 50.0, Gegl.Color.new('red'))\n"
            "image.insert_channel(channel, None, 0); image.clean_all(); before = state(image)\n"
            "called = call(image, [channel], style=style)", "calling-error", "Alpha 1 is not a layer",
        ),
        (
            "group = Gimp.GroupLayer.new(image, 'Empty'); image.insert_layer(group, None, 0)\n"
            "image.clean_all(); before = state(image)\n"
            "called = call(image, [group], style=style)", "calling-error", "group Empty is empty",
        ),
        (
            "content.set_offsets(0, 300); image.select_rectangle(Gimp.ChannelOps.REPLACE, 2, 3, 20, 20)\n"
            "image.clean_all(); before = state(image)\n"
            "called = call(image, [content], style=style)", "calling-error", "does not touch the layer Content",
        ),
        (
            "other = new_image(61, 47); foreign = add_layer(other, 'Foreign', drawn[0])\n"
            "called = call(image, [foreign], style=style); other.delete()", "calling-error", "belongs to another image",
        ),
    ],
)  # fmt: skip
def test_a_call_that_can_t_be_carried_out(console, code, status, words):
    told = failing(console, code)
    assert told[0] == status
    assert words in told[1]


def test_content_of_3_by_2_pixels(console):
    status, sentence = failing(console, "called = call(image, [content], style=style)", side=(2, 3))
    assert status == "execution-error"
    assert sentence == "The content is 3×2 pixels; it must be at least 16×16: choose a larger one."


def test_an_indexed_image_is_refused(console):
    status, sentence = failing(
        console,
        "image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 8, False, False, '')\n"
        "image.clean_all(); before = state(image)\ncalled = call(image, [content], style=style)",
    )
    assert (status, "indexed" in sentence, "Image > Mode > RGB" in sentence) == ("calling-error", True, True)


def test_a_second_layer_that_fails_leaves_no_first_result(console):
    status, sentence = failing(console, "called = call(image, [content, tiny], style=style, quality='draft')")
    assert (status, "content is 1×1 pixels" in sentence) == ("execution-error", True)


CALL = "called = call(image, [content], style=style, quality='draft')"


def test_an_engine_that_is_not_there(console):
    with console.engine(lambda _: ["/nowhere/python", "-m", "nst_core.engine"]):
        status, sentence = failing(console, CALL)
    assert (status, "can't be started" in sentence, "run install.py" in sentence) == ("execution-error", True, True)


def test_an_installation_that_is_not_complete(console):
    path = console.gimp.plugin / "engine.json"
    good = path.read_bytes()
    path.unlink()
    try:
        status, sentence = failing(console, CALL)
    finally:
        path.write_bytes(good)
    assert (status, "engine.json can't be read" in sentence) == ("execution-error", True)


def test_an_engine_that_dies_at_once(console):
    with console.engine(lambda _: [sys.executable, "-c", "import sys; sys.exit('no torch here')"]):
        status, sentence = failing(console, CALL)
    assert (status, "stopped as it started" in sentence) == ("execution-error", True)
    assert "no torch here" in (console.gimp.logs / "plug-in.log").read_text()


def test_an_engine_that_is_killed_half_way(console):
    code = """
log = len(log_text())
def kill():
    for number in engines():
        os.kill(number, signal.SIGKILL)
with Watch(kill, lambda: ": content (" in log_text()[log:]) as watch:
    called = call(image, [content], style=style, quality="fine")
"""
    status, sentence = failing(console, code, side=(601, 801))
    assert (status, "stopped from outside" in sentence, "engine.log" in sentence) == ("execution-error", True, True)


@pytest.mark.parametrize("lie", ["header", "no json", "giant", "other size", "short"])
def test_an_engine_that_breaks_the_protocol(console, lie):
    with lying(console, lie):
        status, sentence = failing(console, CALL)
    assert status == "execution-error"
    assert ("stopped in mid-work" if lie == "short" else "run install.py") in sentence


def test_what_the_engine_notes_of_a_run_is_told_beside_its_layer(console):
    code = """
called = call(image, [content], style=style, quality="draft")
result = {"called": called, "layers": [layer.get_name() for layer in image.get_layers()]}
image.delete()
"""
    drawn = [console.drawn(47, 61, 3), console.drawn(1, 1, 3, 1), console.drawn(40, 53, 3, 2)]
    assert NOTE not in console.gimp.output()
    with lying(console, "note"):
        told = console.do(SCENE + code, drawn=drawn)
    assert told["called"] == ["success", None] and "Content · Style" in told["layers"]
    assert console.gimp.output().count(NOTE) == 1


def test_no_space_left_for_the_log(console):
    console.do("""
full = os.path.join(FOLDER, "full")
os.mkdir(full)
shell("mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", full)
with open(os.path.join(full, "engine.log"), "w") as file:
    pass
with open(os.path.join(full, "rest"), "wb", buffering=0) as file:
    try:
        while file.write(b"x" * 512):
            pass
    except OSError:
        pass
""")
    folder = console.gimp.folder / "full"
    with console.engine(lambda command: ["/usr/bin/env", f"NST_LOG_DIR={folder}", *command]):
        status, sentence = failing(console, CALL)
    assert status == "execution-error"
    assert "log" in sentence and "No space left" in sentence and "Make room" in sentence


def test_a_fault_nobody_thought_of_names_the_log(console):
    with lying(console, "odd progress"):
        status, sentence = failing(console, CALL)
    log = console.gimp.logs / "plug-in.log"
    assert status == "execution-error"
    assert str(log) in sentence
    assert "Traceback" in log.read_text(encoding="utf-8")


def test_weights_with_a_wrong_hash(console):
    # of the true form in everything but one weight: what a worn disk leaves
    data = console.gimp.folder / "data"
    tensors = {}
    for layer, inputs, outputs in zip(imagenet._LAYERS, imagenet.CHANNELS, imagenet.CHANNELS[1:], strict=False):
        tensors[f"features.{layer}.weight"] = np.zeros((outputs, inputs, 3, 3), np.float32)
        tensors[f"features.{layer}.bias"] = np.zeros(outputs, np.float32)
    tensors["features.0.bias"][5] = 1
    (data / "weights").mkdir(parents=True)
    stated = {
        "weights": "imagenet",
        "mean": "[0.48, 0.46, 0.41]",
        "std": "[0.0039, 0.0039, 0.0039]",
        "sha256": "0" * 64,
    }
    save_file(tensors, data / "weights" / imagenet._file("imagenet").name, stated)
    with console.engine(lambda command: ["/usr/bin/env", f"NST_DATA_DIR={data}", *command]):
        status, sentence = failing(console, CALL)
    assert status == "execution-error"
    assert "weights" in sentence and "damaged" in sentence
