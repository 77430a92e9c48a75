"""Whatever goes wrong in GIMP 2.10: one plain sentence, a true status, an untouched image, and no engine left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.artist import gimp_2_values

from .app import core
from .app.core import Channel, LayerMask
from .studio import QUICK, drawn, running, state

LIAR = Path(__file__).parents[1] / "gimp3/liar.py"
NOTE = "Memory ran short, so it was painted in tiles, which takes longer."


def failing(studio, image, *call, **more) -> str:
    """The sentence of a call that fails; checks what every failure owes."""
    before, images = state(image), len(studio.gimp.images)
    assert studio.paint(image, *call, **more) == "execution error"
    assert state(image) == before
    assert len(studio.gimp.images) == images
    assert len(studio.gimp.said) == 1, studio.gimp.said
    who, sentence = studio.gimp.said[0]
    assert who == "neural-style"
    assert "\n" not in sentence and "Traceback" not in sentence and "Error" not in sentence
    assert "Traceback" not in studio.gimp.stderr
    assert studio.engines_gone(10)
    return sentence


def no_style(studio, image, content, style):
    return image, content, None


def the_layer_itself(studio, image, content, style):
    return image, content, content


def no_such_file(studio, image, content, style):
    return image, content, None, "/nowhere/Bild ü.png"


def no_picture(studio, image, content, style):
    path = studio.home / "kein Bild ü.png"
    path.write_bytes(b"no picture")
    return image, content, None, str(path)


def a_channel(studio, image, content, style):
    channel = Channel(image, "Alpha 1", 90, 70)
    channel.attached, image.channels = True, [channel]
    return image, channel, style


def a_mask(studio, image, content, style):
    content.mask = LayerMask(content)
    content.mask.layer = content
    return image, content.mask, style


def an_empty_group(studio, image, content, style):
    return image, studio.group(image, "Leer"), style


def a_locked_group(studio, image, content, style):
    group = studio.group(image, "Zu")
    group.lock_content = True
    return image, studio.layer(image, "Inner", drawn(47, 61, 3), parent=group), style


def another_image(studio, image, content, style):
    return image, studio.layer(studio.image(), "Foreign", drawn(47, 61, 3)), style


def a_selection_elsewhere(studio, image, content, style):
    image.selection.select_rectangle(75, 50, 10, 10)
    return image, content, style


def no_such_choice(studio, image, content, style):
    return image, content, style, "", gimp_2_values(quality=9)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (no_style, "No style is chosen"),
        (the_layer_itself, "Blätter itself"),
        (no_such_file, "/nowhere/Bild ü.png can't be opened"),
        (no_picture, "kein Bild ü.png can't be opened"),
        (a_channel, "Alpha 1 is not a layer"),
        (a_mask, "A layer mask is selected"),
        (an_empty_group, "group Leer is empty"),
        (a_locked_group, "group Zu is locked"),
        (another_image, "Foreign belongs to another image"),
        (a_selection_elsewhere, "does not touch the layer Blätter"),
        (no_such_choice, "Quality is 9"),
    ],
)
def test_a_call_that_can_t_be_carried_out(studio, make, words):
    call = make(studio, *studio.scene())
    values = call[4] if len(call) > 4 else QUICK
    assert words in failing(studio, *call[:4], values=values)
    assert studio.engines() == []


def test_an_indexed_image_is_refused(studio):
    image = studio.image(base=core.INDEXED)
    content = studio.layer(image, "Indexed", drawn(47, 61, 1))
    style = studio.layer(studio.image(), "Style", drawn(40, 53, 3))
    sentence = failing(studio, image, content, style)
    assert "indexed" in sentence and "Image > Mode > RGB" in sentence


@pytest.mark.parametrize("wrong", [{"strength": 500.0}, {"seed": -1}, {"strength": float("nan")}])
def test_a_value_out_of_its_range(studio, wrong):
    image, content, style = studio.scene()
    assert "must be" in failing(studio, image, content, style, values=gimp_2_values(quality=0, **wrong))


def test_pictures_that_are_too_small(studio):
    image, content, style = studio.scene()
    tiny = studio.layer(image, "Tiny", drawn(1, 1, 3))
    assert "style is 1×1 pixels" in failing(studio, image, content, tiny)
    studio.gimp.said.clear()
    small = studio.layer(image, "Small", drawn(2, 3, 3))
    sentence = failing(studio, image, small, style)
    assert "content is 3×2 pixels" in sentence and "at least 16×16" in sentence
    # of linked layers, none is painted where one can't be
    studio.gimp.said.clear()
    content.linked = small.linked = True
    assert "content is 3×2 pixels" in failing(studio, image, content, style)


def test_an_engine_that_is_not_there(studio):
    image, content, style = studio.scene()
    studio.use_engine(["/nowhere/python", "-m", "nst_core.engine"])
    sentence = failing(studio, image, content, style)
    assert "can't be started" in sentence and "run install.py" in sentence


@pytest.mark.parametrize("file", ["engine.json", "parameters.json"])
def test_an_installation_that_is_not_complete(studio, file):
    image, content, style = studio.scene()
    (studio.plug_in / file).unlink()
    assert f"{file} can't be read" in failing(studio, image, content, style)


def test_without_its_parameters_the_procedure_still_is_there_to_say_so(studio):
    (studio.plug_in / "parameters.json").unlink()
    studio.gimp.find_plug_ins()
    image, content, style = studio.scene()
    assert "run install.py" in failing(studio, image, content, style, values=())


def test_an_engine_that_dies_at_once(studio):
    image, content, style = studio.scene()
    studio.use_engine([sys.executable, "-c", "import sys; sys.exit('no torch here: Ü')"])
    assert "stopped as it started" in failing(studio, image, content, style)
    assert "no torch here: Ü" in (studio.logs / "plug-in.log").read_text(encoding="utf-8")


def test_an_engine_that_is_killed_half_way(studio):
    image, _, style = studio.scene()
    content = studio.layer(image, "Large", drawn(601, 801, 3))

    def kill(gimp):
        if gimp.progress[-1][1] and running(studio.engines()[-1]):
            os.kill(studio.engines()[-1], signal.SIGKILL)

    studio.gimp.on_progress = kill
    sentence = failing(studio, image, content, style, values=gimp_2_values(quality=2, seed=3))
    assert "stopped from outside" in sentence and "engine.log" in sentence


@pytest.mark.parametrize("lie", ["header", "no json", "giant", "other size", "short"])
def test_an_engine_that_breaks_the_protocol(studio, lie):
    image, content, style = studio.scene()
    studio.use_engine([sys.executable, str(LIAR), lie])
    sentence = failing(studio, image, content, style)
    assert ("stopped in mid-work" if lie == "short" else "run install.py") in sentence


def test_what_the_engine_notes_of_a_run_is_told_once_the_layer_is_there(studio):
    image, content, style = studio.scene()
    studio.use_engine([sys.executable, str(LIAR), "note"])
    assert studio.paint(image, content, style) == "success"
    assert [layer.name for layer in image.layers] == ["Blätter · Stil", "Blätter", "Stil"]
    assert studio.gimp.said == [("neural-style", NOTE)]


def test_no_space_left_for_the_log(studio):
    full = studio.home / "voll"
    full.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(full)], capture_output=True).returncode:
        pytest.skip("No file system of its own can be mounted here.")
    try:
        (full / "engine.log").touch()
        with open(full / "rest", "wb", buffering=0) as file:
            try:
                while file.write(b"x" * 512):
                    pass
            except OSError:
                pass
        image, content, style = studio.scene()
        studio.use_engine(["/usr/bin/env", f"NST_LOG_DIR={full}", *studio.noting_engine()])
        sentence = failing(studio, image, content, style)
    finally:
        subprocess.run(["umount", str(full)], check=True)
    assert "No space left" in sentence and "Make room" in sentence


def test_a_fault_nobody_thought_of_names_the_log(studio):
    image, content, style = studio.scene()
    table = studio.plug_in / "parameters.json"
    table.write_text(table.read_text(encoding="utf-8").replace('"seed"', '"other"'), encoding="utf-8")
    (studio.plug_in / "job.py").write_text(
        (studio.plug_in / "job.py").read_text(encoding="utf-8").replace("def settings_of(", "def settings_are("),
        encoding="utf-8",
    )
    sentence = failing(studio, image, content, style)
    assert str(studio.logs / "plug-in.log") in sentence
    assert "Traceback" in (studio.logs / "plug-in.log").read_text(encoding="utf-8")


@pytest.mark.parametrize("cancel", [True, False])
def test_the_plug_in_is_killed_in_mid_run(studio, cancel):
    """By GIMP's Cancel, which reaches its process group, and alone: then the engine has to see it for itself."""
    image, content, style = studio.scene()
    large = studio.layer(image, "Large", drawn(601, 801, 3))
    before, seen = state(image), []

    def kill(gimp):
        if gimp.progress[-1][1] and not seen:
            seen.append(running(studio.engines()[-1]))
            if cancel:
                gimp.cancel()
            else:
                gimp.plug_in.kill()
            started = time.monotonic()
            assert studio.engines_gone(30)
            seen.append(time.monotonic() - started)

    studio.gimp.on_progress = kill
    assert studio.paint(image, large, style, values=gimp_2_values(quality=2, seed=3)) == "execution error"
    assert seen[0] and seen[1] < 2
    assert state(image) == before and image.undo_depth == 0
    assert [words for _, words in studio.gimp.said] == ['Plug-in crashed: "neural-style.py"']
    if not cancel:
        return
    studio.gimp.on_progress = None
    assert studio.paint(image, content, style) == "success"
    assert [layer.name for layer in image.layers] == ["Blätter · Stil", "Blätter", "Stil", "Large"]
    assert len(image.undo_steps) == 1


def test_a_layer_that_is_removed_meanwhile(studio):
    image, content, style = studio.scene()

    def remove(gimp):
        if gimp.progress[-1][1] and content in image.layers:
            image.layers.remove(content)
            content.attached = False
            del gimp.items[content.id]

    studio.gimp.on_progress = remove
    assert studio.paint(image, content, style) == "execution error"
    assert "removed while it was being painted" in studio.gimp.said[0][1]
    assert [layer.name for layer in image.layers] == ["Stil"] and np.array_equal(style.pixels, drawn(40, 53, 3, 2))
