"""The procedure as GIMP 2.10 shows it: menu, gimpfu's dialog, the values used last."""

from __future__ import annotations

import json

import pytest

from tests import artist

from .app.application import INTERACTIVE, LAST_VALUES
from .app.core import Image
from .studio import state

INT32, FLOAT, STRING, IMAGE, DRAWABLE = 0, 3, 4, 13, 16


def artist_run(studio, image: Image, layer, mode=INTERACTIVE) -> str:
    """As from the menu: GIMP gives run mode, image and layer alone."""
    return studio.gimp.run("python-fu-neural-style", image, layer, mode=mode)[0]


def settings(layer) -> dict:
    return json.loads(layer.parasites["neural-style"][1])["settings"]


def test_the_procedure_is_that_of_gimp_3(studio):
    entry = studio.gimp.procedures["python-fu-neural-style"]
    kinds = {"float": FLOAT, "int": INT32, "choice": INT32}
    artists = [(kinds[p.kind], p.name.replace("_", "-")) for p in artist.ARTISTS]
    expected = [
        (INT32, "run-mode"),
        (IMAGE, "image"),
        (DRAWABLE, "drawable"),
        (DRAWABLE, "style"),
        (STRING, "style-file"),
    ]
    assert [(kind, name) for kind, name, _ in entry["params"]] == expected + artists
    assert studio.gimp.menus == {"python-fu-neural-style": "<Image>/Filters/Artistic"}
    assert entry["label"].encode("latin-1").decode() == "_Neural Style…"
    assert entry["imagetypes"] == "RGB*, GRAY*"


def test_the_dialog_shows_the_table_and_its_values_are_used(studio):
    image, content, style = studio.scene()
    studio.gimp.answers = {
        "style": style, "strength": 30.0, "brush-size": 55.4, "quality": 0, "keep-colours": 1, "seed": 2**31 - 1,
    }  # fmt: skip
    assert artist_run(studio, image, content) == "success"
    assert studio.gimp.said == [] and studio.gimp.stderr == ""
    assert len(studio.gimp.dialogs) == 1
    shown = {name: value for name, _, value in studio.gimp.dialogs[0][1]}
    assert shown["style"] is None and shown["style-file"] == ""
    for parameter in artist.ARTISTS:
        default = shown[parameter.name.replace("_", "-")]
        assert default == (list(parameter.choices).index(parameter.default) if parameter.choices else parameter.default)
    result = image.layers[0]
    assert result.name == "Blätter · Stil"
    used = {"strength": 30.0, "brush_size": 55.0, "quality": "draft", "keep_colours": "luminance", "seed": 2**31 - 1}
    assert settings(result) == artist.settings(**used)

    # a second run without the dialog does the same again
    assert artist_run(studio, image, content, LAST_VALUES) == "success"
    assert [layer.name for layer in image.layers] == ["Blätter · Stil", "Blätter · Stil #1", "Blätter", "Stil"]
    assert settings(image.layers[1]) == settings(result)
    assert (image.layers[0].pixels == image.layers[1].pixels).all()
    # and the dialog comes up with what was used
    studio.gimp.answers = None
    assert artist_run(studio, image, content) == "success"
    shown = {name: value for name, _, value in studio.gimp.dialogs[1][1]}
    assert (shown["strength"], shown["keep-colours"], shown["seed"]) == (30.0, 1, 2**31 - 1)


def test_closing_the_dialog_does_nothing(studio):
    image, content, _ = studio.scene()
    before = state(image)
    studio.gimp.answers = None
    assert artist_run(studio, image, content) == "success"
    assert state(image) == before
    assert studio.gimp.said == [] and studio.gimp.stderr == "" and studio.engines() == []


def test_a_style_file_in_the_dialog_goes_before_the_layer_that_is_always_chosen(studio):
    image, content, _ = studio.scene()
    studio.gimp.answers = {"style": content, "style-file": "/nowhere/Bild ü.png", "quality": 0}
    artist_run(studio, image, content)
    assert "/nowhere/Bild ü.png can't be opened" in studio.gimp.said[0][1]


@pytest.mark.parametrize("mode", [INTERACTIVE, LAST_VALUES])
def test_a_failure_is_one_sentence_and_one_dialog(studio, mode):
    image, content, style = studio.scene()
    studio.gimp.answers = {"style": style, "quality": 0}
    before = state(image)
    studio.use_engine(["/nowhere/python"])
    if mode == LAST_VALUES:
        artist_run(studio, image, content)
        studio.gimp.dialogs.clear()
        studio.gimp.said.clear()
    status = artist_run(studio, image, content, mode)
    # gimpfu lets no error of its dialog's function out; without a dialog there is a true status
    assert status == ("success" if mode == INTERACTIVE else "execution error")
    assert [row[0] for row in studio.gimp.dialogs] == (["dialog"] if mode == INTERACTIVE else [])
    assert len(studio.gimp.said) == 1 and "can't be started" in studio.gimp.said[0][1]
    assert studio.gimp.stderr == ""
    assert state(image) == before


def test_the_style_layer_of_the_last_run_may_be_gone(studio):
    image, content, style = studio.scene()
    studio.gimp.answers = {"style": style, "quality": 0}
    studio.use_engine(["/nowhere/python"])
    artist_run(studio, image, content)
    studio.gimp.said.clear()
    image.layers.remove(style)
    del studio.gimp.items[style.id]
    assert artist_run(studio, image, content, LAST_VALUES) == "execution error"
    assert "No style is chosen" in studio.gimp.said[0][1]
